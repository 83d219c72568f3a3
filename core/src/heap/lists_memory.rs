//! The memory of quick lists and marks: the last that is made a chunk of, where no other block is to come; taken back once much
//! is free again.
//!
//! ```text
//!   header, map, bins │ chunks …           │ marks, lists        header, map, bins │ chunks …
//!                                          ▲ end          ◀──▶                                               end ▲
//! ```

use core::ptr::NonNull;

use super::Heap;
use crate::chunk::FreeChunk;
use crate::granule::Unit;
use crate::map::Field;
use crate::quick::{Lists, Policy};
use crate::span::{Overhead, Span};
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// What may wait in a heap whose source has blocks of up to `largest` bytes.
    pub(super) const fn policy_for(largest: usize) -> Policy {
        match (M::WAITS, M::REMOTE) {
            (false, _) => Policy::OFF,
            (true, true) => Policy::of_one_of_many(largest),
            (true, false) => Policy::scaled_to(largest),
        }
    }

    /// Has empty lists, in the first span if they stand in one.
    ///
    /// # Safety
    /// The span has room for lists for a source of blocks of up to `largest` bytes, if they stand in one.
    pub(super) unsafe fn lay_lists(&mut self, home: Span<Unit<S, M>>, largest: usize) {
        // SAFETY: as the caller says. Where none stand in a span, none is looked for there.
        unsafe {
            let memory = if M::Lists::IN_SPAN { home.lists_memory() } else { NonNull::dangling() };
            self.quick.initialize(memory, Self::policy_for(largest));
        }
    }

    /// Makes a free chunk of the memory of lists and marks, if that has `needed` granules then, with what lies below. Whether it
    /// has: from then on nothing waits. O(1).
    ///
    /// # Safety
    /// Nothing waits.
    #[cold]
    pub(super) unsafe fn give_lists_up(&mut self, needed: usize) -> bool {
        let Some(home) = self.home().filter(|_| S::ONE_BLOCK && self.has_marks()) else { return false };
        // SAFETY: the span is ours, and what lies above its last chunk is not used any more.
        unsafe {
            let (end, new_end) = (home.end(), home.granules());
            let gained = new_end - end;
            if gained + self.free_below(home, end) < needed {
                return false;
            }
            self.quick.give_up();
            self.end_wilderness();
            let below = self.take_below(home, end);
            self.move_boundary(home, new_end);
            self.insert(home.position(end - below), below + gained);
            true
        }
    }

    /// Lets blocks wait, where they might before. If the memory of lists was given up, it is taken back first, and if that is
    /// not free, none waits. O(1), but that marks are cleared.
    #[cold]
    #[inline(never)]
    pub(super) fn open_lists(&mut self) {
        if S::ONE_BLOCK && !self.quick.are_there() {
            self.take_lists_back();
        }
        self.quick.open();
    }

    fn take_lists_back(&mut self) {
        let Some(home) = self.home() else { return };
        // SAFETY: the span is ours.
        let largest = unsafe { home.block() }.len();
        let lists = Self::policy_for(largest);
        let overhead = Overhead { lists, marks: lists.is_on(), ..Overhead::LEAST };
        // SAFETY: the span is ours, and what lies between the two granules is free.
        unsafe {
            let (end, new_end) = (home.end(), overhead.end::<Unit<S, M>>(home.granules()));
            let lost = end - new_end;
            if self.free_below(home, end) < lost {
                return;
            }
            let below = self.take_below(home, end);
            self.move_boundary(home, new_end);
            if below > lost {
                self.insert(home.position(end - below), below - lost);
            }
            home.clear_marks();
            self.lay_lists(home, largest);
        }
    }

    /// Has the last chunk end before `end`.
    ///
    /// # Safety
    /// As for [`Span::move_boundary`]; the span is the first.
    unsafe fn move_boundary(&mut self, home: Span<Unit<S, M>>, end: usize) {
        // SAFETY: as the caller says.
        unsafe {
            self.counts.change_capacity(home.end(), end);
            home.move_boundary(end);
        }
        self.end = end;
    }

    /// The granules of the free chunk that ends at granule `end` of a span; 0 if none does.
    ///
    /// # Safety
    /// The span is one of the heap's, and a chunk starts there, or it is its end.
    unsafe fn free_below(&self, span: Span<Unit<S, M>>, end: usize) -> usize {
        // SAFETY: as the caller says.
        unsafe {
            let is_free = span.map().field(end) == Field::Used { lower_free: true };
            if is_free { FreeChunk::size_below(self.base(), span.position(end)) } else { 0 }
        }
    }

    /// Takes the free chunk that ends at granule `end` of a span out of its bin. Its granules; 0 if there is none.
    ///
    /// # Safety
    /// As for [`free_below`](Self::free_below).
    unsafe fn take_below(&mut self, span: Span<Unit<S, M>>, end: usize) -> usize {
        // SAFETY: as the caller says.
        unsafe {
            let size = self.free_below(span, end);
            if size > 0 { self.bins.remove_below(self.base(), span.position(end)) } else { 0 }
        }
    }
}
