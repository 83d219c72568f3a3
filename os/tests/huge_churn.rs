//! Huge blocks that threads allocate, resize and hand on at random keep their bytes, whatever the kernel says to pages that are to move:
//! alone in a program, as it checks what is left.

mod random_support;

use std::alloc::Layout;
use std::io;
use std::mem;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use std::thread;

use memalloc_os::process;

use random_support::Random;

const THREADS: u64 = 3;
const ROUNDS: usize = 200;
const KIB: usize = 1 << 10;

/// As much of a block is written as pages of it that lie this far apart, and its end: less than what moves at once.
const STEP: usize = 100 * KIB;

/// Where threads put a block, and take one that may be another's.
static PLACES: [Mutex<Option<Marked>>; 6] = [const { Mutex::new(None) }; 6];

#[test]
fn blocks_keep_their_bytes() {
    thread::spawn(|| come_and_go(1)).join().unwrap();
    // After the last the place where a block was to go may be another thread's, and no pages move any more.
    for (errno, of, unit) in
        [(libc::EPERM, 1, 0), (libc::ENOSYS, 8, 5), (libc::EINVAL, 4, 0), (libc::ENOMEM, 8, 5)]
    {
        let run = move || {
            refuse_to_move(errno, of, unit).expect("the kernel filters system calls");
            come_and_go(errno as u64);
        };
        thread::spawn(run).join().unwrap();
    }
    for place in &PLACES {
        drop(place.lock().unwrap().take());
    }
    assert_eq!(process::check(), Ok(()));
    process::trim();
    assert_eq!(process::snapshot().unwrap().iter().filter(|chunk| chunk.in_use).count(), 0);
}

fn come_and_go(seed: u64) {
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            let mut random = Random(seed << 8 | thread);
            scope.spawn(move || (0..ROUNDS).for_each(|_| change_one(&mut random)));
        }
    });
}

/// Does something to the block in some place.
fn change_one(random: &mut Random) {
    let place = &PLACES[random.below(PLACES.len())];
    let taken = place.lock().unwrap_or_else(PoisonError::into_inner).take();
    let changed = match taken {
        None => Some(Marked::new(random)),
        Some(block) if random.below(3) == 0 => {
            drop(block);
            None
        }
        Some(block) => Some(block.resized(random)),
    };
    // What another thread has put there meanwhile goes.
    drop(mem::replace(&mut *place.lock().unwrap_or_else(PoisonError::into_inner), changed));
}

/// A block that holds a number, and its distance from the start, wherever it is marked.
struct Marked {
    start: NonNull<u8>,
    size: usize,
    number: usize,
}

// SAFETY: whoever has it has the block.
unsafe impl Send for Marked {}

impl Marked {
    /// One for a random size, alignment and number: all zero at first, or not.
    fn new(random: &mut Random) -> Self {
        let size = some_size(random);
        let align = if random.below(4) == 0 { 16 << random.below(20) } else { 16 };
        let layout = Layout::from_size_align(size, align).unwrap();
        let is_zeroed = random.below(2) == 0;
        let allocated = if is_zeroed { process::allocate_zeroed(layout) } else { process::allocate(layout) };
        let block =
            Self { start: allocated.expect("there is memory"), size, number: random.below(usize::MAX) };
        assert!(block.start.addr().get().is_multiple_of(align));
        if is_zeroed {
            // SAFETY: the block has these words.
            block.marks(size).for_each(|(mark, _)| assert_eq!(unsafe { mark.read() }, 0));
        }
        block.mark();
        block
    }

    /// The same with another size.
    fn resized(mut self, random: &mut Random) -> Self {
        self.check_all();
        let (old_size, size) = (self.size, some_size(random) >> random.below(3));
        // SAFETY: the block is used where it is then.
        let moved = unsafe { process::resize(self.start, size) };
        self.start = moved.expect("a block is there").expect("there is memory");
        self.size = size;
        self.check(size.min(old_size));
        self.mark();
        self
    }

    fn mark(&self) {
        // SAFETY: the block has these words.
        self.marks(self.size).for_each(|(mark, value)| unsafe { mark.write(value) });
        // SAFETY: the last byte is the block's.
        unsafe { self.start.add(self.size - 1).write(self.number as u8) };
    }

    /// Checks what is marked in its first `size` bytes.
    fn check(&self, size: usize) {
        for (mark, value) in self.marks(size) {
            // SAFETY: the block has these words.
            let found = unsafe { mark.read() };
            assert_eq!(found, value, "at {mark:?} of {} bytes from {:?} on", self.size, self.start);
        }
    }

    /// Checks all of it.
    fn check_all(&self) {
        self.check(self.size);
        // SAFETY: the last byte is the block's.
        assert_eq!(unsafe { self.start.add(self.size - 1).read() }, self.number as u8);
        assert_eq!(process::usable_size(self.start).map(|usable| usable >= self.size), Ok(true));
    }

    /// The words that are marked in the first `size` bytes, and what they hold.
    fn marks(&self, size: usize) -> impl Iterator<Item = (*mut usize, usize)> {
        let (start, number) = (self.start.as_ptr(), self.number);
        let word = move |from: usize| (start.wrapping_add(from).cast(), number ^ from);
        (0..size.saturating_sub(16)).step_by(STEP).map(word)
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        self.check_all();
        // SAFETY: nobody uses the block any more.
        assert_eq!(unsafe { process::deallocate(self.start) }, Ok(()));
    }
}

/// Huge in most cases.
fn some_size(random: &mut Random) -> usize {
    match random.below(4) {
        0 => 300 * KIB + random.below(4000 * KIB),
        1 => 3000 * KIB + random.below(30_000 * KIB),
        _ => 3000 * KIB + random.below(6000 * KIB),
    }
}

/// Has `mremap` fail, in this thread and those that it starts, where pages are to move to a place that starts in the unit of 256 KiB with
/// number `unit`, of each `of`.
fn refuse_to_move(errno: i32, of: u32, unit: u32) -> io::Result<()> {
    const NUMBER: u32 = mem::offset_of!(libc::seccomp_data, nr) as u32;
    const PLACE: u32 = (mem::offset_of!(libc::seccomp_data, args) + 4 * size_of::<u64>()) as u32;
    const LOW_WORD: u32 = if cfg!(target_endian = "big") { 4 } else { 0 };
    let step = |code: u32, value: u32, if_not: u8| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: if_not,
        k: value,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let is = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    let mut filter = [
        step(load, NUMBER, 0),
        step(is, libc::SYS_mremap as u32, 4),
        step(load, PLACE + LOW_WORD, 0),
        step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, (of - 1) << 18, 0),
        step(is, unit << 18, 1),
        step(answer, libc::SECCOMP_RET_ERRNO | errno as u32, 0),
        step(answer, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program lies there during the call.
    let results = unsafe {
        [
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program),
        ]
    };
    if results == [0, 0] { Ok(()) } else { Err(io::Error::last_os_error()) }
}
