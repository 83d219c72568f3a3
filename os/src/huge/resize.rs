//! Growing and shrinking huge blocks: where they lie, or by moving their mappings.

use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Relaxed, Release};

use memalloc_core::GRANULE;
use rustix::io::Errno;
use rustix::mm::{MremapFlags, mremap};

use super::header::{Header, JOINED, MARKED, ONE};
use super::slots::{fill, make_way};
use super::{Huge, OWNER, count_in, count_out, touched_of};
use crate::heaps;
use crate::idle;
use crate::limit;
use crate::mapping::{PAGE, SLOT, give_back_pages, unmap};
use crate::moving::{move_each_slot, move_slots};
use crate::region::{TABLE, map_beside_idle, unmap_below_next};

/// A block that shrinks keeps the pages behind it, if they are no more than such a part of it: it may well grow again.
const PART_LEFT: usize = 8;

impl Huge {
    /// Makes the block `size` bytes long, without a copy if that can be: where it lies, or at another place at the same distance
    /// from a slot. `None`, and nothing has changed, when that cannot be had.
    ///
    /// # Safety
    /// If another pointer is returned, nobody uses the block by the old one any more. No other thread frees or resizes it
    /// meanwhile.
    pub(crate) unsafe fn resize(self, size: usize) -> Option<NonNull<u8>> {
        let (mapped, offset, touched) = (self.mapped(), self.offset(), self.touched());
        let size = size.max(1).checked_next_multiple_of(GRANULE)?;
        let needed = size.checked_add(offset)?.checked_next_multiple_of(SLOT)?;
        // SAFETY: as the caller says.
        let start = unsafe {
            if needed > mapped {
                self.grow_to(needed, size)?
            } else {
                self.stay_within(needed, offset + size);
                self.start
            }
        };
        let touches = Header::of(start).map_or(0, |header| header.touched.load(Relaxed));
        // In this order, so that nobody sees less than nothing.
        count_in(needed, offset, size, touches);
        count_out(mapped, offset, self.size, touched);
        // SAFETY: the block lies in the mapping.
        Some(unsafe { start.add(offset) })
    }

    /// Has its header say that its mapping and it are so long.
    fn set(self, mapped: usize, size: usize) {
        self.header.touched.fetch_max(self.offset() + size, Relaxed);
        self.header.mapped.store(mapped, Relaxed);
        self.header.size.store(size, Release);
    }

    /// Makes its mapping `needed` bytes long, which are more, and the block `size`, once what is free has made way: for lack of
    /// memory, all of it. Where the mapping starts.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn grow_to(self, needed: usize, size: usize) -> Option<NonNull<u8>> {
        make_way(needed - self.mapped());
        // SAFETY: as the caller says.
        unsafe {
            self.grow_or_move(needed, size).or_else(|| {
                // What the heaps give up becomes idle, and that goes too: there may be room where the block lies.
                heaps::trim();
                idle::release();
                self.grow_or_move(needed, size)
            })
        }
    }

    /// [`grow_to`](Self::grow_to), of what memory there is.
    ///
    /// # Safety
    /// As there.
    unsafe fn grow_or_move(self, needed: usize, size: usize) -> Option<NonNull<u8>> {
        let (mapped, touched) = (self.mapped(), self.touched());
        // SAFETY: as the caller says.
        unsafe {
            if !self.grow_in_place(needed) {
                // What the kernel does not move is copied.
                return self.move_to(needed, size).or_else(|| self.move_to(needed, size));
            }
            if !TABLE.insert(self.start, needed, OWNER) {
                self.header.touched.store(touched, Relaxed);
                unmap(self.start.add(mapped), needed - mapped);
                return None;
            }
        }
        self.set(needed, size);
        Some(self.start)
    }

    /// Has its mapping `needed` bytes, if those above it are idle or, where nothing is, can be had.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn grow_in_place(self, needed: usize) -> bool {
        let mapped = self.mapped();
        // SAFETY: the mapping is the block's own, and what lies above it is looked at by nobody.
        unsafe {
            if idle::take_at(self.start.add(mapped), needed - mapped) {
                self.header.pieces.store(self.pieces().max(JOINED), Relaxed);
                self.header.touched.store(needed, Relaxed);
                return true;
            }
            idle::bytes() == 0 && self.extend(needed)
        }
    }

    /// Has the kernel make its mapping, or the last of several, so much longer that all have `needed` bytes. Whether it did.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn extend(self, needed: usize) -> bool {
        let mapped = self.mapped();
        let from = if self.pieces() == JOINED { mapped - SLOT } else { 0 };
        // SAFETY: the mapping is the block's own.
        let extended = unsafe {
            let last = self.start.add(from).as_ptr().cast();
            mremap(last, mapped - from, needed - from, MremapFlags::empty())
        };
        if extended == Err(Errno::FAULT) {
            self.header.pieces.store(MARKED, Relaxed);
        }
        extended.is_ok()
    }

    /// Moves it to a mapping of `needed` bytes, and makes it `size` bytes long. `None`, and nothing has changed, for lack of memory, or
    /// if the kernel does not move it: it will be copied next time.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn move_to(self, needed: usize, size: usize) -> Option<NonNull<u8>> {
        let (mapped, offset, moves) = (self.mapped(), self.offset(), self.pieces() != MARKED);
        let new = map_beside_idle(needed)?;
        // SAFETY: the new mapping is ours; the old one is the block's own, and leaves its place.
        unsafe {
            let filled = fill(new, mapped, needed)?;
            // One mapping is made of one where the kernel, which asks for room for what it grows by once more, surely has that.
            let is_one = self.pieces() == ONE && filled == mapped && limit::last() == u64::MAX;
            let touched = touched_of(new, needed, self.touched().max(filled), offset + size);
            let pieces = if is_one || (!moves && filled == mapped) { ONE } else { JOINED };
            if !TABLE.has_room(new, needed) || !Header::write(new, needed, offset, size, touched, pieces) {
                unmap_below_next(new, needed);
                return None;
            }
            // First: others may have the place as soon as the kernel has it back.
            self.set(mapped, 0);
            TABLE.remove(self.start, mapped);
            if moves {
                self.move_mapping(new, needed, is_one)?;
            } else {
                new.add(offset).copy_from_nonoverlapping(self.start.add(offset), self.size);
                self.give_up(self.start, mapped);
            }
        }
        let _has_room = TABLE.insert(new, needed, OWNER);
        Some(new)
    }

    /// Moves its mapping to `new`, a mapping of `needed` bytes, all of which it is to have itself, if it is one, or just as many as it
    /// has. `None` if the kernel does not; the block is then as it was, but will be copied next time.
    ///
    /// # Safety
    /// As for [`move_to`](Self::move_to); it is in no table, and its header has no size.
    unsafe fn move_mapping(self, new: NonNull<u8>, needed: usize, is_one: bool) -> Option<()> {
        let mapped = self.mapped();
        // SAFETY: both mappings are ours alone and have so many bytes; nobody uses the block by its old place once it has moved.
        unsafe {
            let moved = match self.pieces() {
                ONE if is_one => move_slots(self.start, mapped, new, needed),
                ONE => move_slots(self.start, mapped, new, mapped),
                _ => move_each_slot(self.start, mapped, new),
            };
            if moved {
                return Some(());
            }
            if !is_one {
                unmap(new.add(mapped), needed - mapped);
            }
        }
        self.header.pieces.store(MARKED, Relaxed);
        self.set(mapped, self.size);
        let _had_room = TABLE.insert(self.start, mapped, OWNER);
        None
    }

    /// Makes its mapping `needed` bytes long, which are no more; the block ends `end` bytes from its start.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn stay_within(self, needed: usize, end: usize) {
        let mapped = self.mapped();
        self.set(needed, end - self.offset());
        // SAFETY: what lies above the block's end is not used any more.
        unsafe {
            if needed < mapped {
                TABLE.remove(self.start.add(needed), mapped - needed);
                self.give_up(self.start.add(needed), mapped - needed);
            }
            self.give_back_above(needed, end);
        }
    }

    /// Gives the pages between `end` and `needed` bytes from its start back to the system, if many were written to.
    ///
    /// # Safety
    /// The mapping has `needed` bytes; nobody uses what lies above the end.
    unsafe fn give_back_above(self, needed: usize, end: usize) {
        let (touched, kept) = (self.touched().min(needed), end.next_multiple_of(PAGE));
        if touched.saturating_sub(kept) <= end / PART_LEFT {
            return;
        }
        // SAFETY: as the caller says.
        if unsafe { give_back_pages(self.start.add(kept), needed - kept) } {
            self.header.touched.store(kept, Relaxed);
        }
    }
}
