//! What a heap is for, as a type: what a mode does without is not compiled.

/// What a heap is for: [`General`] or [`RealTime`].
pub trait Mode: sealed::Sealed {
    /// Whether small blocks that are freed may wait in quick lists.
    const WAITS: bool;
}

/// For programs: small blocks that are freed wait in quick lists for a request of the same size.
#[derive(Debug, Clone, Copy)]
pub struct General;

/// For programs with deadlines: every call is O(1) in the worst case.
#[derive(Debug, Clone, Copy)]
pub struct RealTime;

impl Mode for General {
    const WAITS: bool = true;
}

impl Mode for RealTime {
    const WAITS: bool = false;
}

mod sealed {
    pub trait Sealed: core::fmt::Debug {}
    impl Sealed for super::General {}
    impl Sealed for super::RealTime {}
}
