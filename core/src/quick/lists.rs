//! Where quick lists stand: nowhere, in the heap's first span, or in the heap itself.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::NonNull;

use super::due::Due;
use super::long::Places;
use super::unlisted::Blocks;
use super::{List, Policy};
use crate::map::WORD_GRANULES;

/// The lists of a heap, and what may wait in them.
pub trait Lists: sealed::Sealed + fmt::Debug {
    /// None.
    const NONE: Self;
    /// Whether they take memory of the heap's first span.
    const IN_SPAN: bool;

    /// What may wait in them.
    fn terms(&self) -> &Terms;

    /// [`terms`](Self::terms), to be changed, in modes in which anything may wait.
    fn terms_mut(&mut self) -> Option<&mut Terms>;

    /// What is counted and noted, in modes in which any number may wait.
    #[inline(always)]
    fn due(&self) -> &Due {
        &Due::NONE
    }

    /// [`due`](Self::due), to be changed, in those modes.
    #[inline(always)]
    fn due_mut(&mut self) -> Option<&mut Due> {
        None
    }

    /// Granules: see [`Quick::ample`](super::Quick::ample).
    #[inline(always)]
    fn ample(&self) -> usize {
        0
    }

    /// Sets that, where lists close for lack of a long chunk.
    fn set_ample(&mut self, _granules: usize) {}

    /// Granules: see [`Quick::opens_at`](super::Quick::opens_at).
    #[inline(always)]
    fn opens_at(&self) -> usize {
        usize::MAX
    }

    /// Brings [`opens_at`](Self::opens_at) up to date, once lists were opened or closed.
    fn note_terms(&mut self) {}

    /// The first list, that of no bytes; the others stand behind it, and then the places of long blocks.
    fn first(&self) -> NonNull<u8>;

    /// Has lists for `policy`, at `memory` if they stand in a span.
    ///
    /// # Safety
    /// [`Policy::bytes`] bytes there, aligned to a word, are theirs, if they stand in a span.
    unsafe fn set(&mut self, memory: NonNull<u8>, policy: Policy);
}

/// What may wait in lists, now and at other times.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub(super) policy: Policy,
    /// The largest block, in bytes, that may wait in a list now: none while they are closed.
    pub(super) limit: usize,
    /// Frees until they open, if they are closed for some.
    pub(super) closed_for: usize,
    /// Blocks that were coalesced one at a time since all were at once.
    pub(super) coalesced: usize,
    /// Blocks that wait in no list.
    pub(super) unlisted: usize,
    /// Those that wait beyond what the lists' room tells, if that is less than all they may have.
    pub(super) beyond: Blocks,
}

impl Terms {
    const OFF: Self = Self::of(Policy::OFF);

    const fn of(policy: Policy) -> Self {
        Self { policy, limit: policy.limit, closed_for: 0, coalesced: 0, unlisted: 0, beyond: Blocks::NONE }
    }

    /// Has nothing wait until `frees` blocks more were freed; if that is 0, until they open.
    pub(super) const fn close(&mut self, frees: usize) {
        (self.limit, self.closed_for) = (0, frees);
    }

    /// Has as much wait as the policy says.
    pub(super) const fn open(&mut self) {
        (self.limit, self.closed_for) = (self.policy.limit, 0);
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
    fn terms(&self) -> &Terms {
        &Terms::OFF
    }

    #[inline(always)]
    fn terms_mut(&mut self) -> Option<&mut Terms> {
        None
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
    terms: Terms,
    ample: usize,
    opens_at: usize,
}

impl Lists for InSpan {
    const NONE: Self = Self {
        first: NonNull::from_ref(&NO_LISTS.0).cast(),
        terms: Terms::OFF,
        ample: 0,
        opens_at: usize::MAX,
    };
    const IN_SPAN: bool = true;

    #[inline(always)]
    fn terms(&self) -> &Terms {
        &self.terms
    }

    #[inline(always)]
    fn terms_mut(&mut self) -> Option<&mut Terms> {
        Some(&mut self.terms)
    }

    #[inline(always)]
    fn ample(&self) -> usize {
        self.ample
    }

    fn set_ample(&mut self, granules: usize) {
        self.ample = granules;
        self.note_terms();
    }

    #[inline(always)]
    fn opens_at(&self) -> usize {
        self.opens_at
    }

    fn note_terms(&mut self) {
        self.opens_at = if self.terms.limit > 0 { usize::MAX } else { 2 * self.ample };
    }

    #[inline(always)]
    fn first(&self) -> NonNull<u8> {
        self.first
    }

    unsafe fn set(&mut self, memory: NonNull<u8>, policy: Policy) {
        (self.first, self.terms) = (memory, Terms::of(policy));
        self.note_terms();
    }
}

/// Lists in the heap, where they are found without a pointer to them.
pub struct InHeap {
    terms: Terms,
    due: Due,
    memory: UnsafeCell<Memory>,
}

/// How many lists stand in a heap: for up to [`WORD_GRANULES`] granules, that of no bytes, and one for more, which never has
/// room, so that sizes of more granules need not be told apart.
pub(super) const IN_HEAP: usize = WORD_GRANULES + 2;

/// Lists, and then places.
#[repr(C)]
struct Memory {
    lists: [List; IN_HEAP],
    places: Places,
}

impl Lists for InHeap {
    const NONE: Self = Self {
        terms: Terms::OFF,
        due: Due::NONE,
        memory: UnsafeCell::new(Memory { lists: [const { List::NONE }; IN_HEAP], places: Places::EMPTY }),
    };
    const IN_SPAN: bool = false;

    #[inline(always)]
    fn terms(&self) -> &Terms {
        &self.terms
    }

    #[inline(always)]
    fn terms_mut(&mut self) -> Option<&mut Terms> {
        Some(&mut self.terms)
    }

    #[inline(always)]
    fn due(&self) -> &Due {
        &self.due
    }

    #[inline(always)]
    fn due_mut(&mut self) -> Option<&mut Due> {
        Some(&mut self.due)
    }

    #[inline(always)]
    fn first(&self) -> NonNull<u8> {
        // SAFETY: a cell's content has an address.
        unsafe { NonNull::new_unchecked(self.memory.get()) }.cast()
    }

    unsafe fn set(&mut self, _memory: NonNull<u8>, policy: Policy) {
        (self.terms, self.due) = (Terms::of(policy), Due::NONE);
    }
}

impl fmt::Debug for InHeap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InHeap").field("terms", &self.terms).field("due", &self.due).finish_non_exhaustive()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Nowhere {}
    impl Sealed for super::InSpan {}
    impl Sealed for super::InHeap {}
}
