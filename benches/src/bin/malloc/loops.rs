//! Loops of calls, each run by this program as a child with one allocator or another.

use std::ffi::c_void;
use std::hint::black_box;
use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::process::Command;
use std::ptr::null_mut;
use std::sync::Barrier;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;

use crate::measure::{Kind, Work};
use crate::steps::{prepare, steps};

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    fn realloc(ptr: *mut c_void, size: usize) -> *mut c_void;
    fn free(ptr: *mut c_void);
}

const LOOPS: [(&str, Kind, fn()); 30] = [
    ("pairs of 32 B", Kind::Loop, || pairs(32, 20_000_000)),
    ("pairs of 1 KiB", Kind::Loop, || pairs(1024, 10_000_000)),
    ("pairs of 32 KiB", Kind::Loop, || pairs(32 << 10, 5_000_000)),
    ("pairs of 32 B, zeroed", Kind::Loop, || zeroed_pairs(20_000_000)),
    ("pairs of 64 B, at multiples of 64", Kind::Loop, || aligned_pairs(20_000_000)),
    ("strings that grow", Kind::Loop, strings),
    ("batches of 1,000, freed in order", Kind::Loop, || batches(false)),
    ("batches of 1,000, freed at random", Kind::Loop, || batches(true)),
    ("random small blocks, 1 thread", Kind::Loop, || threads(1, small_blocks)),
    ("random small blocks, 2 threads", Kind::Loop, || threads(2, small_blocks)),
    ("random small blocks, 4 threads", Kind::Loop, || threads(4, small_blocks)),
    ("blocks of many sizes", Kind::Loop, many_sizes),
    ("blocks of 4 KiB to 1 MiB", Kind::Loop, large_blocks),
    ("blocks of 5 to 25 MiB", Kind::Loop, || touched_blocks(20, 300, 5 << 20, 20 << 20)),
    ("blocks of .1 to 4 MB", Kind::Loop, || touched_blocks(200, 3000, 100_000, 3_900_000)),
    ("tables that grow by half", Kind::Loop, tables),
    ("blocks cut to what was read", Kind::Loop, cut),
    ("100 MB that come and go", Kind::Loop, come_and_go),
    ("phases, each of other sizes", Kind::Loop, phases),
    ("lists, each freed out of order", Kind::Loop, lists),
    ("blocks exchanged, 2 threads", Kind::Loop, || exchange(3_000_000, |random| 16 + random.below(500))),
    ("blocks of many sizes exchanged, 2 threads", Kind::Loop, || exchange(1_000_000, any_size)),
    ("a producer and a consumer", Kind::Loop, pass_on),
    ("threads with 10 MB, one after another", Kind::Loop, in_a_row),
    ("15 of 16 freed, then larger blocks", Kind::Memory, holes),
    ("blocks of many sizes, for long", Kind::Memory, many_sizes),
    ("phases, each of other sizes, peak", Kind::Memory, phases),
    ("blocks cut to what was read, peak", Kind::Memory, cut),
    ("threads with 10 MB, one after another, peak", Kind::Memory, in_a_row),
    ("400 threads with ten blocks each", Kind::Memory, many_threads),
];

/// All loops, as works.
pub(crate) fn all(bench: &Path) -> Vec<Work> {
    let work = |(name, kind, _): (&'static str, Kind, fn())| {
        let bench = bench.to_owned();
        let command = move || {
            let mut command = Command::new(&bench);
            command.args(["--loop", name]);
            command
        };
        Work { name, kind, command: Box::new(command) }
    };
    LOOPS.map(work).into()
}

/// Runs one of them.
pub(crate) fn run(name: &str) -> io::Result<()> {
    if name == "steps" {
        count_steps();
        return Ok(());
    }
    let found = LOOPS.iter().find(|(known, ..)| *known == name);
    let (_, _, body) = found.ok_or_else(|| io::Error::other(format!("there is no loop '{name}'")))?;
    body();
    Ok(())
}

/// A block that is freed once.
struct Block(*mut c_void);

// SAFETY: a block is its holder's alone.
unsafe impl Send for Block {}

impl Block {
    #[inline(always)]
    fn new(size: usize) -> Self {
        // SAFETY: any size may be asked for.
        Self::written(unsafe { malloc(size) })
    }

    /// A new block, with its first byte written.
    #[inline(always)]
    fn written(block: *mut c_void) -> Self {
        assert!(!block.is_null());
        // SAFETY: the block has a byte.
        unsafe { block.cast::<u8>().write(1) };
        Self(black_box(block))
    }

    /// With a byte of each page written.
    fn touch(self, size: usize) -> Self {
        for offset in (0..size).step_by(4096) {
            // SAFETY: the block has this size.
            unsafe { self.0.cast::<u8>().add(offset).write(1) };
        }
        self
    }

    fn fill(self, size: usize) -> Self {
        // SAFETY: the block has this size.
        unsafe { self.0.write_bytes(1, size) };
        self
    }
}

impl Drop for Block {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the block came from malloc, and goes.
        unsafe { free(self.0) };
    }
}

struct Random(u32);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % limit
    }
}

fn count_steps() {
    prepare();
    let nothing = steps(|| ()).1;
    let counts = [32, 512, 1024, 32 << 10].map(|size| {
        let keep: Vec<_> = (0..8).map(|_| Block::new(size)).collect();
        let mut counts: Vec<_> = (0..65)
            .map(|_| {
                // SAFETY: the block is freed once.
                steps(|| unsafe { free(black_box(malloc(black_box(size)))) }).1 - nothing
            })
            .collect();
        drop(keep);
        counts.sort_unstable();
        counts[counts.len() / 2].to_string()
    });
    println!("{}", counts.join(" / "));
}

fn pairs(size: usize, count: usize) {
    // Not as many as fill a peer's pages to the last block, so that each pair would take and leave a page.
    let _keep: Vec<_> = (0..100).map(|_| Block::new(size)).collect();
    for _ in 0..count {
        drop(Block::new(size));
    }
}

fn zeroed_pairs(count: usize) {
    for _ in 0..count {
        // SAFETY: any size may be asked for.
        drop(Block::written(unsafe { calloc(1, 32) }));
    }
}

fn aligned_pairs(count: usize) {
    for _ in 0..count {
        // SAFETY: any size may be asked for; the alignment is a power of two.
        drop(Block::written(unsafe { aligned_alloc(64, 64) }));
    }
}

/// Four at a time, each by a few bytes, up to about 4 KiB.
fn strings() {
    let mut random = Random(1);
    for _ in 0..4000 {
        let mut strings = [(null_mut(), 0); 4];
        for number in 0..800 {
            let (string, size) = &mut strings[number % 4];
            *size += 1 + random.below(40);
            // SAFETY: the string is a block or null, and is used no more where it was.
            *string = unsafe { realloc(*string, *size) };
        }
        drop(strings.map(|(string, _)| Block::written(string)));
    }
}

fn batches(at_random: bool) {
    let mut random = Random(1);
    for _ in 0..5000 {
        let mut blocks: Vec<_> = (0..1000).map(|_| Block::new(16 + random.below(500))).collect();
        if at_random {
            while !blocks.is_empty() {
                drop(blocks.swap_remove(random.below(blocks.len())));
            }
        }
    }
}

fn threads(count: u32, body: impl Fn(Random) + Copy + Send) {
    thread::scope(|scope| {
        for number in 0..count {
            scope.spawn(move || body(Random(number + 1)));
        }
    });
}

fn small_blocks(mut random: Random) {
    let mut blocks: Vec<_> = (0..1000).map(|_| Block::new(16)).collect();
    for _ in 0..5_000_000 {
        blocks[random.below(1000)] = Block::new(16 + random.below(256));
    }
}

/// Any block may go next.
fn many_sizes() {
    let mut random = Random(1);
    let mut blocks: Vec<_> = (0..20_000).map(|_| Block::new(any_size(&mut random))).collect();
    let mut places = Random(2);
    for _ in 0..3_000_000 {
        blocks[places.below(20_000)] = Block::new(any_size(&mut random));
    }
}

/// Most are small, one of 200 is large.
fn any_size(random: &mut Random) -> usize {
    match random.below(1000) {
        0..700 => 16 + random.below(240),
        700..950 => 256 + random.below(1800),
        950..995 => 2048 + random.below(14_000),
        _ => 16_384 + random.below(100_000),
    }
}

fn large_blocks() {
    let mut random = Random(1);
    let mut blocks: Vec<_> = (0..200).map(|_| Block::new(4096)).collect();
    for _ in 0..1_000_000 {
        let most = 4096 << random.below(9);
        blocks[random.below(200)] = Block::new(4096 + random.below(most));
    }
}

/// Blocks of `least` bytes and up to `more` more, a byte of each page written, one in the place of another, so many times.
fn touched_blocks(count: usize, times: usize, least: usize, more: usize) {
    let mut random = Random(1);
    let mut blocks: Vec<Option<Block>> = (0..count).map(|_| None).collect();
    for _ in 0..times {
        let place = &mut blocks[random.below(count)];
        *place = None;
        let size = least + random.below(more);
        *place = Some(Block::new(size).touch(size));
    }
}

/// Of 30 tables one is done with, and another grows to .1 to 4 MB in its place.
fn tables() {
    let mut random = Random(1);
    let mut tables: Vec<Option<Block>> = (0..30).map(|_| None).collect();
    for _ in 0..1500 {
        let place = &mut tables[random.below(30)];
        *place = None;
        let (mut size, last) = (64 << 10, 100_000 + random.below(4_000_000));
        let mut table = Block::new(size).touch(size);
        while size < last {
            size += size / 2;
            // SAFETY: the table is used no more where it was.
            table = Block::written(unsafe { realloc(ManuallyDrop::new(table).0, size) }).touch(size);
        }
        *place = Some(table);
    }
}

/// Each is as long as what is read may be, and keeps a tenth to all of that.
fn cut() {
    let mut random = Random(1);
    let mut blocks: Vec<Option<Block>> = (0..5000).map(|_| None).collect();
    for _ in 0..200_000 {
        let place = &mut blocks[random.below(5000)];
        *place = None;
        let most = 1024 << random.below(6);
        let read = most / 10 + random.below(most - most / 10);
        let block = ManuallyDrop::new(Block::new(most).touch(read));
        // SAFETY: the block is used no more where it was.
        *place = Some(Block::written(unsafe { realloc(block.0, read) }));
    }
}

/// All of it is freed before the next is there.
fn come_and_go() {
    let mut random = Random(1);
    for _ in 0..20 {
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        while bytes < 100_000_000 {
            let size = 4000 + random.below(60_000);
            blocks.push(Block::new(size).touch(size));
            bytes += size;
        }
    }
}

/// What was linked in one order is freed in another, and the next list is made of that, and gone through.
fn lists() {
    let mut random = Random(1);
    for _ in 0..12 {
        let (mut nodes, mut first) = (Vec::new(), null_mut());
        for _ in 0..200_000 {
            let node = Block::new(16 + random.below(64));
            // SAFETY: the block has a pointer's bytes.
            unsafe { node.0.cast::<*mut c_void>().write(first) };
            first = node.0;
            nodes.push(node);
        }
        for _ in 0..4 {
            let mut node = first;
            while !node.is_null() {
                // SAFETY: each node has the address of the next, or of none.
                node = black_box(unsafe { node.cast::<*mut c_void>().read() });
            }
        }
        while !nodes.is_empty() {
            drop(nodes.swap_remove(random.below(nodes.len())));
        }
    }
}

/// In each, the blocks are twice as long as in the one before, until the seventh begins anew; of eight one is freed late.
fn phases() {
    let mut random = Random(1);
    for phase in 0..40 {
        let least = 16 << (phase % 6);
        let blocks: Vec<_> = (0..60_000).map(|_| Block::new(least + random.below(least))).collect();
        let (mut late, mut soon) = (Vec::new(), Vec::new());
        for (number, block) in blocks.into_iter().enumerate() {
            if number % 8 == 0 { &mut late } else { &mut soon }.push(block);
        }
        drop(soon);
        drop(late);
    }
}

/// Each thread frees what it or the other has put in the place of what it allocates.
fn exchange(count: usize, size: fn(&mut Random) -> usize) {
    static PLACES: [AtomicPtr<c_void>; 4096] = [const { AtomicPtr::new(null_mut()) }; 4096];
    threads(2, move |mut random| {
        for _ in 0..count {
            let new = ManuallyDrop::new(Block::new(size(&mut random)));
            drop(Block(PLACES[random.below(4096)].swap(new.0, Ordering::AcqRel)));
        }
    });
}

fn pass_on() {
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Vec<Block>>(64);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut random = Random(1);
            for _ in 0..40_000 {
                let blocks = (0..100).map(|_| Block::new(16 + random.below(200))).collect();
                sender.send(blocks).expect("the consumer is there");
            }
        });
        scope.spawn(move || receiver.iter().for_each(drop));
    });
}

fn in_a_row() {
    for number in 0..200 {
        threads(1, |_| {
            let mut random = Random(number);
            let _blocks: Vec<_> = (0..5000)
                .map(|_| {
                    let size = 16 + random.below(4000);
                    Block::new(size).touch(size)
                })
                .collect();
        });
    }
}

fn holes() {
    let mut blocks: Vec<_> = (0..1_600_000).map(|_| Some(Block::new(64).fill(64))).collect();
    for (number, block) in blocks.iter_mut().enumerate() {
        if !number.is_multiple_of(16) {
            *block = None;
        }
    }
    let _larger: Vec<_> = (0..150_000).map(|_| Block::new(640).fill(640)).collect();
}

fn many_threads() {
    let all = Barrier::new(400);
    thread::scope(|scope| {
        for _ in 0..400 {
            let start = || {
                let _blocks: Vec<_> =
                    (1..=10).map(|number| Block::new(50 * number).fill(50 * number)).collect();
                all.wait();
            };
            thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, start).expect("a thread");
        }
    });
}
