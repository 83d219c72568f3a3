//! Pages that move: that takes a fraction of the time that it takes to have others.
//!
//! The kernel moves one mapping at a time, or, from Linux 6.17 on, several, which it may do by halves. What is idle may be; what a block
//! holds is not moved so.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::io::Errno;
use rustix::mm::{MremapFlags, mremap, mremap_fixed};

use crate::limit;
use crate::mapping::{UNIT, map_at, unmap};

/// Whether a place was ever [lost](Moved::Lost).
static WAS_LOST: AtomicBool = AtomicBool::new(false);

/// Whether pages had better move: not where memory is limited, as the kernel asks for more beside the place that is there already; nor
/// once a place was lost.
pub(crate) fn may_move() -> bool {
    limit::last() == u64::MAX && !WAS_LOST.load(Relaxed)
}

/// What came of moving pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// They have moved.
    Yes,
    /// They have not. The place where they were to go is zeros.
    No,
    /// They have not, and the place where they were to go may no longer be the caller's.
    Lost,
}

/// Moves the mapping of `size` bytes at `from` to `to`, in place of the `place_size` bytes there, which are no fewer: those beyond are
/// zeros. Where it was, nothing is mapped any more.
///
/// # Safety
/// Both are whole pages that are mapped, and the place is unused. If it moves, nobody uses it where it was any more.
pub(crate) unsafe fn move_mapping(
    from: NonNull<u8>,
    size: usize,
    to: NonNull<u8>,
    place_size: usize,
) -> Moved {
    // SAFETY: as the caller says.
    unsafe { move_how(from, size, to, place_size, MremapFlags::MAYMOVE) }
}

/// Moves the pages of `size` bytes at `from`, whole units, which nobody needs, to `to`: or some of them. Where they were stays mapped.
/// `None` if the place may no longer be the caller's.
///
/// # Safety
/// Both are mapped, and unused.
pub(crate) unsafe fn move_idle(from: NonNull<u8>, size: usize, to: NonNull<u8>) -> Option<()> {
    // SAFETY: as the caller says.
    unsafe {
        match move_pages(from, size, to) {
            Moved::Yes => Some(()),
            Moved::No if size > UNIT => {
                let half = (size / 2).next_multiple_of(UNIT);
                move_idle(from, half, to)?;
                move_idle(from.add(half), size - half, to.add(half))
            }
            Moved::No => Some(()),
            Moved::Lost => None,
        }
    }
}

/// Has the `size` bytes at `from`, whole units, at `to`: by moving the pages of a unit, or by a copy where they had better not, or the
/// kernel does not.
/// Where they were stays mapped. Whether that is done: if not, all is where it was, and the place mapped no more, or not the caller's.
///
/// # Safety
/// Both are mapped, and the place is unused. If they move, nobody uses them where they were any more.
pub(crate) unsafe fn move_or_copy(from: NonNull<u8>, size: usize, to: NonNull<u8>) -> bool {
    for at in (0..size).step_by(UNIT) {
        // SAFETY: as the caller says.
        unsafe {
            match if may_move() { move_pages(from.add(at), UNIT, to.add(at)) } else { Moved::No } {
                Moved::Yes => {}
                Moved::No => to.add(at).copy_from_nonoverlapping(from.add(at), UNIT),
                Moved::Lost => {
                    from.copy_from_nonoverlapping(to, at);
                    unmap(to, at);
                    unmap(to.add(at + UNIT), size - at - UNIT);
                    return false;
                }
            }
        }
    }
    true
}

/// Whether `size` bytes at `start` are one mapping to the kernel, or a part of one: only such it makes longer, if nothing lies above it.
///
/// # Safety
/// They are mapped, and no longer than an address space has room for a unit more.
pub(crate) unsafe fn is_one(start: NonNull<u8>, size: usize) -> bool {
    // SAFETY: the caller has them; what they then have more is nobody's, and goes again.
    unsafe {
        match mremap(start.as_ptr().cast(), size, size + UNIT, MremapFlags::empty()) {
            Ok(_) => unmap(start.add(size), UNIT),
            Err(error) => return error == Errno::NOMEM,
        }
    }
    true
}

/// Moves the pages of `size` bytes at `from` to `to`. Where they were stays mapped, without pages.
///
/// # Safety
/// As for [`move_mapping`].
unsafe fn move_pages(from: NonNull<u8>, size: usize, to: NonNull<u8>) -> Moved {
    // SAFETY: as the caller says.
    unsafe { move_how(from, size, to, size, MremapFlags::MAYMOVE | MremapFlags::DONTUNMAP) }
}

/// # Safety
/// As for [`move_mapping`].
unsafe fn move_how(
    from: NonNull<u8>,
    size: usize,
    to: NonNull<u8>,
    place_size: usize,
    how: MremapFlags,
) -> Moved {
    // SAFETY: as the caller says.
    match unsafe { mremap_fixed(from.as_ptr().cast(), size, place_size, how, to.as_ptr().cast()) } {
        Ok(_) => Moved::Yes,
        // These come before the kernel unmaps the place.
        Err(Errno::PERM | Errno::NOSYS | Errno::INVAL) => Moved::No,
        // After others it may be another thread's already.
        Err(_) if map_at(to, place_size) => Moved::No,
        Err(_) => {
            WAS_LOST.store(true, Relaxed);
            Moved::Lost
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{SLOT, map_aligned};

    const UNITS: usize = SLOT / UNIT;

    fn zeros() -> NonNull<u8> {
        map_aligned(0, SLOT).unwrap()
    }

    /// Units, all bytes of each its number, from 1 on.
    fn numbered() -> NonNull<u8> {
        let start = zeros();
        // SAFETY: the mapping has these bytes.
        (0..UNITS).for_each(|unit| unsafe { start.add(unit * UNIT).write_bytes(unit as u8 + 1, UNIT) });
        start
    }

    /// What the units hold: 0 for one that is not all the same.
    fn numbers(start: NonNull<u8>) -> [u8; UNITS] {
        // SAFETY: the tests ask of mapped slots alone.
        let bytes = unsafe { NonNull::slice_from_raw_parts(start, SLOT).as_ref() };
        core::array::from_fn(|unit| {
            let bytes = &bytes[unit * UNIT..][..UNIT];
            if bytes.iter().all(|&byte| byte == bytes[0]) { bytes[0] } else { 0 }
        })
    }

    fn in_order() -> [u8; UNITS] {
        core::array::from_fn(|unit| unit as u8 + 1)
    }

    /// Has every second unit be a mapping of its own, as its pages come from elsewhere.
    fn split(start: NonNull<u8>) {
        let other = zeros();
        for unit in (1..UNITS).step_by(2) {
            // SAFETY: both were mapped for the test.
            unsafe {
                let from = other.add((unit - 1) * UNIT);
                from.write_bytes(unit as u8 + 1, UNIT);
                assert_eq!(move_pages(from, UNIT, start.add(unit * UNIT)), Moved::Yes);
            }
        }
    }

    fn has_pages(start: NonNull<u8>) -> bool {
        numbers(start).iter().any(|&number| number != 0)
    }

    #[test]
    fn one_mapping_moves_and_grows() {
        let (block, place) = (numbered(), map_aligned(0, 2 * SLOT).unwrap());
        // SAFETY: all was mapped for the test, and the block is used where it is last.
        unsafe {
            assert!(is_one(block, SLOT));
            assert_eq!(numbers(block), in_order());
            assert_eq!(move_mapping(block, SLOT, place, 2 * SLOT), Moved::Yes);
            assert_eq!((numbers(place), numbers(place.add(SLOT))), (in_order(), [0; UNITS]));
            assert!(is_one(place, 2 * SLOT));
            unmap(place, 2 * SLOT);
        }
    }

    #[test]
    fn several_move_unit_by_unit() {
        let (block, place) = (numbered(), zeros());
        split(block);
        // SAFETY: all was mapped for the test, and the block is used where it is last.
        unsafe {
            assert!(!is_one(block, SLOT));
            assert!(move_or_copy(block, SLOT, place));
            assert_eq!((numbers(place), has_pages(block)), (in_order(), false));
            unmap(block, SLOT);
            unmap(place, SLOT);
        }
    }

    #[test]
    fn a_unit_that_the_kernel_does_not_move_is_copied() {
        let (block, place) = (numbered(), zeros());
        // SAFETY: all was mapped for the test, and the block is used where it is last.
        unsafe {
            // In the midst of a unit another mapping starts then.
            let part = block.add(5 * UNIT + UNIT / 2).as_ptr().cast();
            assert_eq!(libc::madvise(part, UNIT / 2, libc::MADV_DONTFORK), 0);
            assert!(!is_one(block, SLOT));
            assert!(move_or_copy(block, SLOT, place));
            assert_eq!(numbers(place), in_order());
            unmap(block, SLOT);
            unmap(place, SLOT);
        }
    }

    #[test]
    fn what_is_idle_moves_and_leaves_nothing() {
        for is_split in [false, true] {
            let (idle, place) = (numbered(), zeros());
            if is_split {
                split(idle);
            }
            // SAFETY: all was mapped for the test.
            unsafe {
                assert_eq!(move_idle(idle, SLOT, place), Some(()));
                assert_eq!((numbers(place), has_pages(idle)), (in_order(), false));
                unmap(idle, SLOT);
                unmap(place, SLOT);
            }
        }
    }
}
