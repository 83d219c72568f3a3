//! What an allocator answers to a bad free, and what comes of it. Each case runs in a child, as some end there.

use std::alloc::Layout;
use std::ops::Range;
use std::ptr::NonNull;

use crate::memory::arena;
use crate::peer::Peer;

const ARENA: usize = 64 << 10;
const BLOCK: usize = 48;
/// Blocks in use before the bad free.
const BLOCKS: usize = 64;
/// Seconds until a child counts as hanging.
const PATIENCE: u32 = 5;

/// A free that should not be.
#[derive(Clone, Copy)]
pub enum BadFree {
    Double,
    Interior,
    Foreign,
    WrongSize,
}

impl BadFree {
    pub const ALL: [Self; 4] = [Self::Double, Self::Interior, Self::Foreign, Self::WrongSize];
}

/// What a child's exit status says.
const OUTCOMES: [&str; 4] =
    ["refused", "nothing seen", "memory in use handed out", "foreign memory handed out"];
/// By a panic, or by `abort`.
const ENDED: &str = "ends the program";
const REFUSED: i32 = 0;
const UNSEEN: i32 = 1;
const OVERLAP: i32 = 2;
const OUTSIDE: i32 = 3;

/// What comes of a bad free.
pub fn outcome<P: Peer>(bad: BadFree) -> &'static str {
    // SAFETY: the process has one thread. The child ends without running what is registered for the parent's end.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0, "a child can be had");
        if child == 0 {
            libc::alarm(PATIENCE);
            libc::close(libc::STDERR_FILENO);
            libc::_exit(misuse::<P>(bad));
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        if libc::WIFEXITED(status) {
            OUTCOMES.get(libc::WEXITSTATUS(status) as usize).unwrap_or(&ENDED)
        } else {
            match libc::WTERMSIG(status) {
                libc::SIGALRM => "hangs",
                libc::SIGABRT => ENDED,
                _ => "crashes",
            }
        }
    }
}

fn misuse<P: Peer>(bad: BadFree) -> i32 {
    let layout = |size| Layout::from_size_align(size, 8).expect("a small layout");
    let memory = arena(ARENA);
    let inside = memory.as_ptr_range();
    let inside = inside.start.addr()..inside.end.addr();
    let mut foreign = [0_u128; 2 * BLOCK / size_of::<u128>()];
    let mut peer = P::new(memory);
    let mut live: Vec<NonNull<u8>> =
        (0..BLOCKS).map(|_| peer.allocate(layout(BLOCK)).expect("there is room")).collect();
    let victim = live[BLOCKS / 2];
    let refused = {
        // SAFETY: what is given up is not used below. What is bad may do harm: that is the question.
        let mut free = |block, size| !P::is_good(unsafe { peer.deallocate(block, layout(size)) });
        match bad {
            BadFree::Double => {
                free(live.swap_remove(BLOCKS / 2), BLOCK);
                free(victim, BLOCK)
            }
            // SAFETY: a third of a block is inside it.
            BadFree::Interior => free(unsafe { victim.add(BLOCK / 3) }, BLOCK),
            // SAFETY: the second granule of an array is inside it.
            BadFree::Foreign => free(unsafe { NonNull::from(&mut foreign).cast::<u8>().add(16) }, BLOCK),
            BadFree::WrongSize => {
                let refused = free(victim, 10 * BLOCK);
                if !refused {
                    live.swap_remove(BLOCKS / 2);
                }
                refused
            }
        }
    };
    let bytes = |start: usize, size| start..start + size;
    let mut used: Vec<Range<usize>> = live.iter().map(|block| bytes(block.addr().get(), BLOCK)).collect();
    for size in [BLOCK, 8 * BLOCK, BLOCK].into_iter().chain([16; ARENA / 16]) {
        let Some(block) = peer.allocate(layout(size)) else { continue };
        let new = bytes(block.addr().get(), size);
        if !inside.contains(&new.start) {
            return OUTSIDE;
        }
        if used.iter().any(|old| old.start < new.end && new.start < old.end) {
            return OVERLAP;
        }
        used.push(new);
    }
    if refused { REFUSED } else { UNSEEN }
}
