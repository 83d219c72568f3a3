//! What a heap is for, as a type: what a mode does without is not compiled.

use crate::granule::{Granule, OneWord, TwoWords, TwoWordsLive};
use crate::map::Entry;
use crate::quick::{InHeap, InSpan, Lists, Nowhere};

/// What a heap is for: [`General`], [`RealTime`], [`Compact`] or [`Local`].
pub trait Mode: sealed::Sealed {
    /// The unit of memory.
    type Granule: Granule;
    /// Whether small blocks that are freed may wait in quick lists.
    const WAITS: bool;
    /// Where those stand.
    type Lists: Lists;
    /// Whether blocks may be freed from elsewhere, and then be on their way back.
    const REMOTE: bool = <Self::Granule as Granule>::Entry::LIVE;
    /// Whether no more than some number of each size may wait.
    const BOUNDED: bool = true;
    /// Whether a few long blocks may wait too.
    const LONG_WAIT: bool = false;
    /// Whether a block whose size nobody says, and that grows by a little, gets room to grow more.
    const LEAVES_ROOM: bool = false;
}

/// For programs: small blocks that are freed wait in quick lists for a request of the same size.
#[derive(Debug, Clone, Copy)]
pub struct General;

/// For programs with deadlines: every call is O(1) in the worst case.
#[derive(Debug, Clone, Copy)]
pub struct RealTime;

/// For little memory: as [`RealTime`], with granules of one word.
#[derive(Debug, Clone, Copy)]
pub struct Compact;

/// For one of many heaps, each a thread's or a processor's own: as [`General`], but any number of blocks may wait, and
/// blocks may be freed from elsewhere.
/// See [`LocalHeap`](crate::LocalHeap).
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
#[derive(Debug, Clone, Copy)]
pub struct Local;

impl Mode for General {
    type Granule = TwoWords;
    const WAITS: bool = true;
    type Lists = InSpan;
}

impl Mode for RealTime {
    type Granule = TwoWords;
    const WAITS: bool = false;
    type Lists = Nowhere;
}

impl Mode for Compact {
    type Granule = OneWord;
    const WAITS: bool = false;
    type Lists = Nowhere;
}

#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
impl Mode for Local {
    type Granule = TwoWordsLive;
    const WAITS: bool = true;
    type Lists = InHeap;
    const BOUNDED: bool = false;
    const LONG_WAIT: bool = true;
    const LEAVES_ROOM: bool = true;
}

mod sealed {
    pub trait Sealed: core::fmt::Debug {}
    impl Sealed for super::General {}
    impl Sealed for super::RealTime {}
    impl Sealed for super::Compact {}
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    impl Sealed for super::Local {}
}
