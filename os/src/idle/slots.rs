//! Whole slots that come, and go: from the system, and back to it.

use core::ptr::NonNull;

use super::extent::Extent;
use super::extents::Idle;
use super::pool::{add, change};
use super::taken::Taken;
use crate::huge;
use crate::mapping::{SLOT, map_anew, map_at, unmap, unmap_or_clear};
use crate::region::{TABLE, map_beside_idle, next_takes_place_of, unmap_below_next};

/// Has whole slots at `start` in the table, so that huge blocks may lie there, and what is idle. `false`, and nothing has changed, if
/// there is no room.
#[must_use]
pub(crate) fn enter(start: NonNull<u8>, size: usize) -> bool {
    // Each by itself, as its neighbours come and go.
    let insert = |from: usize| {
        // SAFETY: the slot is one of them.
        TABLE.insert(unsafe { start.add(from) }, SLOT, huge::OWNER)
    };
    TABLE.has_room(start, size) && (0..size).step_by(SLOT).all(insert)
}

/// Maps so many slots that `size` bytes, whole units, are idle that are aligned to `align`, a unit at least, and takes them. `None` when
/// memory cannot be had.
pub(super) fn map_and_take(size: usize, align: usize) -> Option<Taken> {
    let mapped = size.checked_add(align.saturating_sub(SLOT))?.checked_next_multiple_of(SLOT)?;
    let start = map_entered(mapped)?;
    keep_and_take(Extent::zeros(start, mapped), |idle| idle.take(size, align))
}

/// Has slots that were just mapped and [entered](enter) be idle, and takes some of what is. `None` if there is no room to note them.
fn keep_and_take(slots: Extent, take: impl FnOnce(&mut Idle) -> Option<Taken>) -> Option<Taken> {
    let kept_and_taken = change(|idle| if idle.keep(slots) { Ok(take(idle)) } else { Err(()) });
    if kept_and_taken.is_err() {
        // SAFETY: the memory was just mapped, and is in no list.
        unsafe { unmap_slots(slots.start, slots.size) };
    }
    unmap_zeros();
    kept_and_taken.ok()?
}

/// `size` bytes, whole units, mapped for a block that is to grow: from the start of a slot on, so that what it may have next lies above.
pub(crate) fn map_to_grow(size: usize) -> Option<Taken> {
    let mapped = size.checked_next_multiple_of(SLOT)?;
    let all = Extent::zeros(map_entered(mapped)?, mapped);
    // SAFETY: the memory was just mapped, and is unused.
    unsafe { add(all.part(size, mapped - size)) };
    Some(Taken::zeros_at(all.start, size))
}

/// Whole slots of zeros, mapped, and [entered](enter).
fn map_entered(size: usize) -> Option<NonNull<u8>> {
    let start = map_beside_idle(size)?;
    if enter(start, size) {
        return Some(start);
    }
    // SAFETY: the memory was just mapped, and is unused.
    unsafe { unmap_below_next(start, size) };
    None
}

/// [`take_at`](super::take_at), where some are idle, and the others can be mapped above them.
pub(crate) fn map_above(start: NonNull<u8>, size: usize) -> Option<Taken> {
    let idle = change(|idle| idle.size_at(start));
    // SAFETY: the address is that of the end of what is idle.
    let above = unsafe { start.add(idle) };
    if idle >= size || !above.addr().get().is_multiple_of(SLOT) {
        return None;
    }
    let mapped = (size - idle).next_multiple_of(SLOT);
    if !map_at(above, mapped) {
        return None;
    }
    if !enter(above, mapped) {
        // SAFETY: the memory was just mapped, and is unused.
        unsafe { unmap(above, mapped) };
        return None;
    }
    keep_and_take(Extent::zeros(above, mapped), |idle| idle.take_at(start, size))
}

/// Gives whole slots that have no pages back to the system, until it refuses: they are none for what is mapped next.
fn unmap_zeros() {
    while let Some(slots) = change(Idle::take_slots_of_zeros)
        // SAFETY: the memory was idle, and is in no list any more.
        && unsafe { unmap_slots(slots.start, slots.size) }
    {}
}

/// Gives whole slots back to the system, and has them in the table no longer. Whether that is done: what it refuses to unmap is idle,
/// and zeros.
///
/// # Safety
/// As for [`keep`](super::keep).
unsafe fn unmap_slots(start: NonNull<u8>, size: usize) -> bool {
    TABLE.remove(start, size);
    next_takes_place_of(start, size);
    // SAFETY: as the caller says.
    unsafe {
        let stays = unmap_or_clear(start, size) && enter(start, size);
        if stays {
            add(Extent::zeros(start, size));
        }
        !stays
    }
}

/// Before `size` bytes at `start` are moved, and mapped no more: has whole slots among them in the table no longer.
///
/// # Safety
/// As for [`keep`](super::keep).
pub(crate) unsafe fn withdraw(start: NonNull<u8>, size: usize) {
    if let Some(whole) = Extent::left(start, size).whole_slots() {
        TABLE.remove(whole.start, whole.size);
    }
}

/// Has whole slots in the table again that were [withdrawn](withdraw).
pub(crate) fn enter_again(start: NonNull<u8>, size: usize) {
    let whole = Extent::left(start, size).whole_slots();
    let _there_was_room = whole.is_none_or(|whole| enter(whole.start, whole.size));
}

/// Once `size` bytes at `start` were moved, which were [withdrawn](withdraw): maps what lies in other slots anew, unless somebody has done
/// so.
pub(crate) fn keep_place(start: NonNull<u8>, size: usize) {
    next_takes_place_of(start, size);
    for part in Extent::zeros(start, size).beside_slots() {
        if part.size > 0 && map_at(part.start, part.size) {
            // SAFETY: it was just mapped, and is unused.
            unsafe { add(part) };
        }
    }
    unmap_zeros();
}

/// Gives `size` bytes at `start` back to the system, as they are not worth keeping.
///
/// # Safety
/// As for [`keep`](super::keep).
pub(crate) unsafe fn leave(start: NonNull<u8>, size: usize) {
    // SAFETY: as the caller says.
    unsafe { give_back(Extent::left(start, size)) };
}

/// Gives an extent that may have pages, if it has any bytes, back to the system: whole slots as they are, of others the pages.
///
/// # Safety
/// As for [`keep`](super::keep).
pub(super) unsafe fn give_back(extent: Extent) {
    if extent.size == 0 {
        return;
    }
    // SAFETY: as the caller says.
    unsafe {
        if let Some(whole) = extent.whole_slots() {
            unmap_slots(whole.start, whole.size);
        }
        for part in extent.beside_slots() {
            give_back_pages(part);
        }
    }
    unmap_zeros();
}

/// Gives the pages of an extent, if it has any bytes, back to the system.
///
/// # Safety
/// As for [`keep`](super::keep).
unsafe fn give_back_pages(extent: Extent) {
    // SAFETY: as the caller says.
    unsafe {
        if extent.size > 0 && map_anew(extent.start, extent.size) {
            add(Extent { has_pages: false, ..extent });
        }
    }
}
