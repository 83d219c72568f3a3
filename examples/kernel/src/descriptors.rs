//! The descriptors of a segment for interrupt stacks, and of interrupts.

use core::arch::asm;
use core::ptr::addr_of_mut;

/// Vectors that there are descriptors for: exceptions, and the interrupts of one controller.
const VECTORS: usize = 40;
const CODE: u16 = 8;
const TASK: u16 = 24;
/// Bytes of the stack that interrupts use: the code they interrupt may have data below its stack pointer.
const STACK: usize = 16 << 10;

#[repr(C, packed(4))]
struct Task {
    reserved: u32,
    stacks: [u64; 3],
    reserved_more: u64,
    interrupt_stacks: [u64; 7],
    reserved_most: [u16; 5],
    ports: u16,
}

#[repr(C, align(16))]
struct Stack([u8; STACK]);

/// What `lgdt` and `lidt` load.
#[repr(C, packed)]
struct Table {
    limit: u16,
    start: u64,
}

static mut INTERRUPT_STACK: Stack = Stack([0; STACK]);
static mut TASK_STATE: Task = Task {
    reserved: 0,
    stacks: [0; 3],
    reserved_more: 0,
    interrupt_stacks: [0; 7],
    reserved_most: [0; 5],
    ports: size_of::<Task>() as u16,
};
/// Nothing, 64-bit code, data, and the task's two words.
static mut SEGMENTS: [u64; 5] = [0, 0x00af_9a00_0000_ffff, 0x00cf_9200_0000_ffff, 0, 0];
static mut INTERRUPTS: [[u64; 2]; VECTORS] = [[0; 2]; VECTORS];

/// Loads the descriptors: every vector has the handler that is given for it, on a stack of its own.
///
/// # Safety
/// It is called once, with interrupts disabled. The handlers return as interrupts do, if at all.
pub unsafe fn load(handler_of: impl Fn(usize) -> unsafe extern "C" fn()) {
    // SAFETY: nobody else uses the tables.
    unsafe {
        let task = addr_of_mut!(TASK_STATE);
        (*task).interrupt_stacks[0] = (addr_of_mut!(INTERRUPT_STACK).addr() + STACK) as u64;
        let segments = &mut *addr_of_mut!(SEGMENTS);
        [segments[3], segments[4]] = task_segment(task.addr() as u64, size_of::<Task>() as u64 - 1);
        let interrupts = &mut *addr_of_mut!(INTERRUPTS);
        for (vector, gate) in interrupts.iter_mut().enumerate() {
            *gate = interrupt_gate(handler_of(vector) as usize as u64);
        }
        let table = Table { limit: size_of_val(segments) as u16 - 1, start: segments.as_ptr().addr() as u64 };
        asm!("lgdt [{}]", in(reg) &raw const table);
        asm!("ltr {:x}", in(reg) TASK);
        let table =
            Table { limit: size_of_val(interrupts) as u16 - 1, start: interrupts.as_ptr().addr() as u64 };
        asm!("lidt [{}]", in(reg) &raw const table);
    }
}

/// The two words that describe a task's state.
fn task_segment(base: u64, limit: u64) -> [u64; 2] {
    let present = 0x89 << 40;
    [limit | (base & 0xff_ffff) << 16 | present | (base >> 24 & 0xff) << 56, base >> 32]
}

/// The two words of a gate to a handler on the first interrupt stack.
fn interrupt_gate(handler: u64) -> [u64; 2] {
    let (stack, present) = (1 << 32, 0x8e << 40);
    let low = handler & 0xffff | u64::from(CODE) << 16 | stack | present | (handler >> 16 & 0xffff) << 48;
    [low, handler >> 32]
}
