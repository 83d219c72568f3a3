//! Growing and shrinking huge blocks: where they lie, or by moving their pages.

use core::ptr::NonNull;
use core::sync::atomic::Ordering::Release;

use memalloc_core::GRANULE;

use super::place::make_way;
use super::sizes::{FREED, size_to_be_at};
use super::{Huge, count_in, count_out, place_of, whole_units};
use crate::heaps;
use crate::idle;
use crate::mapping::unmap;
use crate::moving::{Moved, is_one, may_move, move_mapping, move_or_copy};

impl Huge {
    /// Makes the block `size` bytes long, without new pages for what it has if that can be: where it lies, or at another place, aligned
    /// to a unit. `None`, and nothing has changed, when that cannot be had.
    ///
    /// # Safety
    /// If another pointer is returned, nobody uses the block by the old one any more. No other thread frees or resizes it
    /// meanwhile.
    pub(crate) unsafe fn resize(self, size: usize) -> Option<NonNull<u8>> {
        let size = size.max(1).checked_next_multiple_of(GRANULE)?;
        let (has, needs) = (place_of(self.size), whole_units(size)?);
        // SAFETY: as the caller says.
        let start = unsafe {
            if needs > has {
                self.grow_to(has, needs, size)?
            } else {
                self.entry.store(size, Release);
                if needs < has {
                    idle::keep(self.start.add(needs), has - needs);
                }
                self.start
            }
        };
        // In this order, so that nobody sees less than nothing.
        count_in(size);
        count_out(self.size);
        Some(start)
    }

    /// Makes its place, of `has` bytes, one of `needs`, which are more, and the block `size` bytes long, once what is free has made way: for
    /// lack of memory, all of it. Where it starts.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn grow_to(self, has: usize, needs: usize, size: usize) -> Option<NonNull<u8>> {
        make_way(needs - has);
        // SAFETY: as the caller says.
        unsafe {
            self.grow_or_move(has, needs, size).or_else(|| {
                // What the heaps give up becomes idle, and that goes too: there may be room where the block lies.
                heaps::trim();
                idle::release();
                self.grow_or_move(has, needs, size)
            })
        }
    }

    /// [`grow_to`](Self::grow_to), of what memory there is.
    ///
    /// # Safety
    /// As there.
    unsafe fn grow_or_move(self, has: usize, needs: usize, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe {
            if self.grow_in_place(has, needs) {
                self.entry.store(size, Release);
                return Some(self.start);
            }
            // Where the kernel took the place, it is copied to another.
            self.move_to(has, needs, size).or_else(|| self.move_to(has, needs, size))
        }
    }

    /// Has a place of `needs` bytes where it has `has`, if those above are idle or, where nothing is, can be had.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn grow_in_place(self, has: usize, needs: usize) -> bool {
        // SAFETY: the address is that of the place's end.
        let end = unsafe { self.start.add(has) };
        let above = idle::take_at(end, needs - has)
            .or_else(|| if idle::used() == 0 { idle::map_above(end, needs - has) } else { None });
        above.and_then(|above| idle::filled(above, 0)).is_some()
    }

    /// Moves it to a place of `needs` bytes, and makes it `size` bytes long. `None`, and nothing has changed, for lack of memory.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn move_to(self, has: usize, needs: usize, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the new place is ours; the old one is the block's own, which leaves it.
        unsafe {
            let place = idle::filled(idle::map_to_grow(needs)?, has)?;
            let new = place.start;
            let Some(entry) = size_to_be_at(new) else {
                idle::keep(new, needs);
                return None;
            };
            self.entry.store(FREED, Release);
            if !self.move_all(has, new, needs, !place.has_pages()) {
                self.entry.store(self.size, Release);
                return None;
            }
            entry.store(size, Release);
            Some(new)
        }
    }

    /// Moves its pages, `has` bytes, to the place of `needs` bytes at `new`, which may be just mapped. Whether that is done: if not, it is
    /// where it was, and the place is no more.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn move_all(self, has: usize, new: NonNull<u8>, needs: usize, is_just_mapped: bool) -> bool {
        // SAFETY: as the caller says.
        unsafe {
            if is_just_mapped && may_move() && is_one(self.start, has) {
                // One mapping stays one, so that it moves as such the next time.
                idle::withdraw(self.start, has);
                match move_mapping(self.start, has, new, needs) {
                    Moved::Yes => {
                        idle::keep_place(self.start, has);
                        return true;
                    }
                    Moved::No => idle::enter_again(self.start, has),
                    Moved::Lost => {
                        idle::enter_again(self.start, has);
                        return false;
                    }
                }
            }
            let moved = move_or_copy(self.start, has, new);
            if moved {
                idle::leave(self.start, has);
            } else {
                unmap(new.add(has), needs - has);
            }
            moved
        }
    }
}
