//! Pages that are idle move to where memory is needed, as that takes much less than to have others.
//!
//! ```text
//!            │ idle │ … │ idle │
//!               ╰──────╮   ╰──╮
//!                      ▼      ▼
//!   │ zeros          │ idle │ idle │   what was taken, or just mapped
//! ```

use super::slots::{self, leave};
use super::{Taken, note_mapped, release, take_used};
use crate::mapping::unmap;
use crate::moving::{may_move, move_idle};

/// Where fewer bytes side by side are wanted, pages are had anew: each that moves makes more mappings, and they cost whoever moves next,
/// and other threads.
const LEAST_MOVED: usize = 1 << 20;

/// [Maps](slots::map_and_take) `size` bytes, whole units, aligned to `align`, a unit at least, with what pages are idle. `None` when memory
/// cannot be had.
pub(crate) fn map_and_take(size: usize, align: usize) -> Option<Taken> {
    filled(slots::map_and_take(size, align)?, 0)
}

/// A place that has pages which were idle elsewhere where it had none, behind its first `from` bytes, as far as there are, and many are
/// wanted; where pages had better not move, those that are idle go. `None` if the kernel did not move them, and left nothing where they
/// were to go: the place is then no more.
pub(crate) fn filled(mut taken: Taken, from: usize) -> Option<Taken> {
    if !may_move() && taken.zero_bytes() >= LEAST_MOVED {
        release();
    }
    let (start, size) = (taken.start, taken.size);
    for piece in taken.zeros() {
        while let wanted = piece.end.saturating_sub(piece.start.max(from))
            && wanted >= LEAST_MOVED
            && may_move()
            && let Some(idle) = take_used(wanted)
        {
            let at = piece.end - idle.size;
            // SAFETY: the place is the caller's, who does not use it yet; what was idle is nobody's.
            unsafe {
                let moved = move_idle(idle.start, idle.size, start.add(at));
                leave(idle.start, idle.size);
                if moved.is_none() {
                    // What lies beside that part of it is the caller's.
                    unmap(start, at);
                    unmap(start.add(piece.end), size - piece.end);
                    return None;
                }
            }
            piece.end = at;
        }
    }
    note_mapped(taken.zero_bytes().saturating_sub(from));
    Some(taken)
}
