//! Mappings that move: their pages do, in a fraction of the time that it takes to have others.

use core::ptr::NonNull;

use rustix::io::Errno;
use rustix::mm::{MremapFlags, mremap_fixed};

use crate::mapping::{SLOT, unmap};
use crate::region::{next_takes_place_of, unmap_below_next};

/// Moves the mapping of `size` bytes at `start` to `place`, `place_size` bytes, which are no fewer: those beyond are zeros. Whether
/// the kernel did; if not, the mapping is where it was, and the place mapped no more.
///
/// # Safety
/// Both are whole slots from [`map_slots`](crate::region::map_slots), one mapping to the kernel each, or a part of one, and the place
/// is unused. If the mapping moves, nobody uses it where it was any more.
pub(crate) unsafe fn move_slots(
    start: NonNull<u8>,
    size: usize,
    place: NonNull<u8>,
    place_size: usize,
) -> bool {
    // SAFETY: as the caller says.
    let moved = unsafe { move_mapping(start, size, place, place_size, MremapFlags::empty()) };
    if moved {
        next_takes_place_of(start, size);
    }
    moved
}

/// Moves `size` bytes at `start`, each slot of them one mapping to the kernel, or a part of one, to `place`. Whether the kernel
/// did; if not, all is where it was, and the place mapped no more.
///
/// # Safety
/// Both are whole slots from [`map_slots`](crate::region::map_slots), and the place is unused. If they move, nobody uses them where
/// they were any more.
pub(crate) unsafe fn move_each_slot(start: NonNull<u8>, size: usize, place: NonNull<u8>) -> bool {
    for moved in (0..size).step_by(SLOT) {
        // SAFETY: as the caller says. What has moved leaves its place mapped, without pages, so that there is a way back.
        unsafe {
            if !move_mapping(start.add(moved), SLOT, place.add(moved), SLOT, MremapFlags::DONTUNMAP) {
                start.copy_from_nonoverlapping(place, moved);
                unmap(place, moved);
                unmap(place.add(moved + SLOT), size - moved - SLOT);
                return false;
            }
        }
    }
    // SAFETY: all has moved.
    unsafe { unmap_below_next(start, size) };
    true
}

/// [`move_slots`], which may leave the place where it was mapped.
///
/// # Safety
/// As there.
unsafe fn move_mapping(
    start: NonNull<u8>,
    size: usize,
    place: NonNull<u8>,
    place_size: usize,
    more: MremapFlags,
) -> bool {
    let (old, new) = (start.as_ptr().cast(), place.as_ptr().cast());
    // SAFETY: as the caller says.
    let moved = unsafe { mremap_fixed(old, size, place_size, MremapFlags::MAYMOVE | more, new) };
    if let Err(Errno::PERM | Errno::NOSYS | Errno::INVAL) = moved {
        // SAFETY: these come before the kernel unmaps the place. After others it may be another thread's already: it is left
        // as it is.
        unsafe { unmap_below_next(place, place_size) };
    }
    moved.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::map_aligned;

    /// Four slots, all bytes of each its number.
    fn numbered() -> NonNull<u8> {
        let start = map_aligned(0, 4 * SLOT).unwrap();
        // SAFETY: the mapping has these bytes.
        (0..4).for_each(|number| unsafe { start.add(number * SLOT).write_bytes(number as u8, SLOT) });
        start
    }

    /// Whether the first slots hold that still.
    fn are_numbered(start: NonNull<u8>, slots: usize) -> bool {
        // SAFETY: the tests ask of mapped slots alone.
        let bytes = unsafe { NonNull::slice_from_raw_parts(start, slots * SLOT).as_ref() };
        bytes.chunks(SLOT).enumerate().all(|(number, slot)| slot.iter().all(|&byte| byte == number as u8))
    }

    /// Whether it is so in a process of its own, where no other thread maps anything meanwhile.
    fn is_so_alone(test: fn() -> bool) -> bool {
        // SAFETY: the child makes system calls, and uses memory that it has mapped.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(i32::from(!test()));
            }
            let mut status = 0;
            child > 0 && libc::waitpid(child, &raw mut status, 0) == child && status == 0
        }
    }

    #[test]
    fn slots_move_from_wherever_each_came() {
        assert!(is_so_alone(|| {
            let (first, second) = (numbered(), map_aligned(0, 4 * SLOT).unwrap());
            let third = map_aligned(0, 4 * SLOT).unwrap();
            // Every second slot is a mapping of its own then.
            // SAFETY: all were just mapped, and are used where they are last.
            let have_moved = [1, 3].map(|slot| unsafe {
                let (there, back) = (first.add(slot * SLOT), second.add(slot * SLOT));
                move_slots(there, SLOT, back, SLOT) && move_slots(back, SLOT, there, SLOT)
            });
            // SAFETY: as above.
            let moves = unsafe { move_each_slot(first, 4 * SLOT, third) };
            have_moved == [true; 2] && moves && are_numbered(third, 4)
        }));
    }

    #[test]
    fn what_does_not_move_as_a_whole_stays() {
        assert!(is_so_alone(|| {
            let (start, place) = (numbered(), map_aligned(0, 4 * SLOT).unwrap());
            // SAFETY: both were just mapped; the last slot is used no more.
            let moves = unsafe {
                unmap(start.add(3 * SLOT), SLOT);
                move_each_slot(start, 4 * SLOT, place)
            };
            !moves && are_numbered(start, 3)
        }));
    }
}
