//! Memory of the system, in whole slots of 4 MiB.

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::limit;

/// Log2 of [`SLOT`].
pub(crate) const SLOT_BITS: u32 = 22;
/// The unit of mapping: all blocks are a multiple of it in size and in address.
pub(crate) const SLOT: usize = 1 << SLOT_BITS;
/// Log2 of [`UNIT`].
pub(crate) const UNIT_BITS: u32 = 18;
/// What huge blocks and idle memory are multiples of, in size and in address: to move one's pages takes less than to copy them.
pub(crate) const UNIT: usize = 1 << UNIT_BITS;
/// The smallest page that a system has.
pub(crate) const PAGE: usize = 4096;

/// Maps `size` bytes of zeros at a multiple of [`SLOT`]: at `hint`, if that is free. Both are multiples of it; a hint
/// of 0 is none. `None` if the system refuses.
pub(crate) fn map_aligned(hint: usize, size: usize) -> Option<NonNull<u8>> {
    match map_if_aligned(hint, size)? {
        Ok(start) => Some(start),
        // The kernel maps downwards, so what lies just below the place it chose is most likely free.
        Err(misplaced) => match map_if_aligned(misplaced & !(SLOT - 1), size)? {
            Ok(start) => Some(start),
            Err(_) => map_and_trim(size),
        },
    }
}

/// Maps `size` bytes, and unmaps them again if they are not aligned: then where they were. `None` if the system
/// refuses.
fn map_if_aligned(hint: usize, size: usize) -> Option<Result<NonNull<u8>, usize>> {
    let start = map(hint, size)?;
    if start.addr().get().is_multiple_of(SLOT) {
        return Some(Ok(start));
    }
    // SAFETY: the memory was just mapped, and is unused.
    unsafe { unmap(start, size) };
    Some(Err(start.addr().get()))
}

/// Maps a slot more than `size`, and unmaps what lies outside the aligned part.
fn map_and_trim(size: usize) -> Option<NonNull<u8>> {
    let start = map(0, size.checked_add(SLOT)?)?;
    let below = start.addr().get().wrapping_neg() % SLOT;
    // SAFETY: the memory was just mapped, and is unused; the three parts make it up.
    unsafe {
        let aligned = start.add(below);
        if below > 0 {
            unmap(start, below);
        }
        unmap(aligned.add(size), SLOT - below);
        Some(aligned)
    }
}

/// Maps `size` bytes of zeros, at `hint` if that is free. `None` if the system refuses.
pub(crate) fn map(hint: usize, size: usize) -> Option<NonNull<u8>> {
    let hint: *mut c_void = ptr::without_provenance_mut(hint);
    // SAFETY: a new private mapping touches nothing that is there: without `MAP_FIXED`, the address is a hint.
    let start = unsafe { mmap_anonymous(hint, size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) };
    if start.is_err() {
        limit::read();
    }
    NonNull::new(start.ok()?.cast())
}

/// Maps `size` bytes of zeros of which few are ever used: no page is larger than it need be. `None` if the system refuses.
pub(crate) fn map_sparse(size: usize) -> Option<NonNull<u8>> {
    let start = map(0, size)?;
    // A refusal, where pages are all of one size, changes nothing.
    // SAFETY: the memory was just mapped.
    let _ = unsafe { madvise(start.as_ptr().cast(), size, Advice::LinuxNoHugepage) };
    Some(start)
}

/// Gives `size` bytes at `start` back to the system. Where it leaves them mapped, the pages go, if they can.
///
/// # Safety
/// They are whole pages from [`map`] or [`map_aligned`], and no longer used.
pub(crate) unsafe fn unmap(start: NonNull<u8>, size: usize) {
    // SAFETY: as the caller says.
    let _is_mapped_as_zeros = unsafe { unmap_or_clear(start, size) };
}

/// [`unmap`]. Whether the bytes are still mapped, and zeros.
///
/// # Safety
/// As there.
pub(crate) unsafe fn unmap_or_clear(start: NonNull<u8>, size: usize) -> bool {
    // SAFETY: the caller gives the pages up.
    unsafe {
        // A hole in a mapping makes two of it, and their number has a limit. The pages can go even then.
        munmap(start.as_ptr().cast(), size).is_err()
            && madvise(start.as_ptr().cast(), size, Advice::LinuxDontNeed).is_ok()
    }
}

/// Maps `size` bytes of zeros at `start`, if nothing is mapped there. Whether that is done.
pub(crate) fn map_at(start: NonNull<u8>, size: usize) -> bool {
    match map(start.addr().get(), size) {
        Some(mapped) if mapped == start => true,
        Some(elsewhere) => {
            // SAFETY: the memory was just mapped, and is unused.
            unsafe { unmap(elsewhere, size) };
            false
        }
        None => false,
    }
}

/// Has `size` bytes of zeros at `start` in place of what is mapped there. Whether the system did.
///
/// # Safety
/// They are whole pages from [`map`] or [`map_aligned`], and nobody uses what stands there.
pub(crate) unsafe fn map_anew(start: NonNull<u8>, size: usize) -> bool {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
    // SAFETY: as the caller says.
    unsafe {
        // It may take another mapping, and their number has a limit. The pages can go even then.
        mmap_anonymous(start.as_ptr().cast(), size, access, flags).is_ok()
            || madvise(start.as_ptr().cast(), size, Advice::LinuxDontNeed).is_ok()
    }
}

/// Gives the whole pages in `bytes` bytes at `start` back to the system: they are zeros from then on. Whether that is done.
///
/// # Safety
/// They lie in memory from [`map`] or [`map_aligned`], and nobody uses what stands there.
pub(crate) unsafe fn give_back_pages(start: NonNull<u8>, bytes: usize) -> bool {
    let below = start.addr().get().wrapping_neg() % PAGE;
    let pages = bytes.saturating_sub(below) / PAGE * PAGE;
    // A refusal, where pages are larger, or locked, leaves them where they are.
    // SAFETY: as the caller says.
    pages == 0 || unsafe { madvise(start.add(below).as_ptr().cast(), pages, Advice::LinuxDontNeed) }.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trimmed_mapping_is_aligned_and_leaves_nothing_beside_it() {
        for size in [SLOT, 3 * SLOT] {
            let start = map_and_trim(size).unwrap();
            assert_eq!(start.addr().get() % SLOT, 0);
            // SAFETY: the memory was just mapped.
            unsafe {
                start.add(size - 1).write(1);
                unmap(start, size);
            }
        }
    }

    #[test]
    fn a_taken_hint_leads_elsewhere() {
        let first = map_aligned(0, SLOT).unwrap();
        let second = map_aligned(first.addr().get(), SLOT).unwrap();
        assert_ne!(first, second);
        assert_eq!(second.addr().get() % SLOT, 0);
        // SAFETY: both were just mapped.
        unsafe {
            unmap(first, SLOT);
            unmap(second, SLOT);
        }
    }

    #[test]
    fn a_refusal_is_none() {
        assert_eq!(map_aligned(0, 1 << (usize::BITS - 2)), None);
        assert_eq!(map_and_trim(usize::MAX - SLOT + 1), None);
    }
}
