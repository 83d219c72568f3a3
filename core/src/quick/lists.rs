//! Where quick lists stand: nowhere, in the heap's first span, or in the heap itself.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::NonNull;

use super::long::{EMPTY, PLACES, Place};
use super::{List, Policy};
use crate::map::WORD_GRANULES;

/// The lists of a heap, and what may wait in them.
pub trait Lists: sealed::Sealed + fmt::Debug {
    /// None.
    const NONE: Self;
    /// Whether they take memory of the heap's first span.
    const IN_SPAN: bool;

    /// What may wait.
    fn policy(&self) -> &Policy;

    /// The largest block, in bytes, that may wait in a list now.
    #[inline(always)]
    fn limit(&self) -> usize {
        self.policy().limit
    }

    /// Sets that to nothing, or to what the policy says, if they may be closed.
    fn set_closed(&mut self, _are_closed: bool) {}

    /// Frees until they open, if they are closed for some.
    #[inline(always)]
    fn closed_for(&self) -> usize {
        0
    }

    /// Sets that, where lists may be closed.
    fn set_closed_for(&mut self, _frees: usize) {}

    /// Granules: see [`Quick::ample`](super::Quick::ample).
    #[inline(always)]
    fn ample(&self) -> usize {
        0
    }

    /// Sets that, where lists may be closed.
    fn set_ample(&mut self, _granules: usize) {}

    /// The first list, that of no bytes; the others stand behind it, and then the places of long blocks.
    fn first(&self) -> NonNull<u8>;

    /// Has lists for `policy`, at `memory` if they stand in a span.
    ///
    /// # Safety
    /// [`Policy::bytes`] bytes there, aligned to a word, are theirs, if they stand in a span.
    unsafe fn set(&mut self, memory: NonNull<u8>, policy: Policy);

    /// Blocks that were coalesced one at a time since all were at once.
    fn coalesced(&mut self) -> Option<&mut usize> {
        None
    }
}

/// The one list where nothing may wait: that of no bytes.
static NO_LISTS: NoLists = NoLists(List::NONE);

struct NoLists(List);

// SAFETY: nothing is ever put into the list.
unsafe impl Sync for NoLists {}

/// No lists, in modes in which nothing waits.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Lists for Nowhere {
    const NONE: Self = Self;
    const IN_SPAN: bool = false;

    #[inline(always)]
    fn policy(&self) -> &Policy {
        &Policy::OFF
    }

    #[inline(always)]
    fn first(&self) -> NonNull<u8> {
        NonNull::from_ref(&NO_LISTS.0).cast()
    }

    unsafe fn set(&mut self, _memory: NonNull<u8>, _policy: Policy) {}
}

/// Lists in a span, as many as its size deserves.
#[derive(Debug, Clone, Copy)]
pub struct InSpan {
    first: NonNull<u8>,
    policy: Policy,
    limit: usize,
    closed_for: usize,
    ample: usize,
    coalesced: usize,
}

impl Lists for InSpan {
    const NONE: Self = Self {
        first: NonNull::from_ref(&NO_LISTS.0).cast(),
        policy: Policy::OFF,
        limit: 0,
        closed_for: 0,
        ample: 0,
        coalesced: 0,
    };
    const IN_SPAN: bool = true;

    #[inline(always)]
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline(always)]
    fn first(&self) -> NonNull<u8> {
        self.first
    }

    unsafe fn set(&mut self, memory: NonNull<u8>, policy: Policy) {
        *self = Self { first: memory, policy, limit: policy.limit, ample: self.ample, ..Self::NONE };
    }

    #[inline(always)]
    fn limit(&self) -> usize {
        self.limit
    }

    fn set_closed(&mut self, are_closed: bool) {
        self.limit = if are_closed { 0 } else { self.policy.limit };
    }

    #[inline(always)]
    fn closed_for(&self) -> usize {
        self.closed_for
    }

    fn set_closed_for(&mut self, frees: usize) {
        self.closed_for = frees;
    }

    #[inline(always)]
    fn ample(&self) -> usize {
        self.ample
    }

    fn set_ample(&mut self, granules: usize) {
        self.ample = granules;
    }

    fn coalesced(&mut self) -> Option<&mut usize> {
        Some(&mut self.coalesced)
    }
}

/// Lists in the heap, where they are found without a pointer to them.
pub struct InHeap {
    policy: Policy,
    limit: usize,
    closed_for: usize,
    coalesced: usize,
    memory: UnsafeCell<Memory>,
}

/// Lists for up to [`WORD_GRANULES`] granules, and that of no bytes; then places.
#[repr(C)]
struct Memory {
    lists: [List; WORD_GRANULES + 1],
    places: [Place; PLACES],
}

impl Lists for InHeap {
    const NONE: Self = Self {
        policy: Policy::OFF,
        limit: 0,
        closed_for: 0,
        coalesced: 0,
        memory: UnsafeCell::new(Memory {
            lists: [const { List::NONE }; WORD_GRANULES + 1],
            places: [EMPTY; PLACES],
        }),
    };
    const IN_SPAN: bool = false;

    #[inline(always)]
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline(always)]
    fn first(&self) -> NonNull<u8> {
        // SAFETY: a cell's content has an address.
        unsafe { NonNull::new_unchecked(self.memory.get()) }.cast()
    }

    unsafe fn set(&mut self, _memory: NonNull<u8>, policy: Policy) {
        (self.policy, self.limit, self.closed_for) = (policy, policy.limit, 0);
    }

    #[inline(always)]
    fn limit(&self) -> usize {
        self.limit
    }

    fn set_closed(&mut self, are_closed: bool) {
        self.limit = if are_closed { 0 } else { self.policy.limit };
    }

    #[inline(always)]
    fn closed_for(&self) -> usize {
        self.closed_for
    }

    fn set_closed_for(&mut self, frees: usize) {
        self.closed_for = frees;
    }

    fn coalesced(&mut self) -> Option<&mut usize> {
        Some(&mut self.coalesced)
    }
}

impl fmt::Debug for InHeap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InHeap").field("policy", &self.policy).finish_non_exhaustive()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Nowhere {}
    impl Sealed for super::InSpan {}
    impl Sealed for super::InHeap {}
}
