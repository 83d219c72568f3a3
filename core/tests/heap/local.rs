//! A heap of one thread over a source that always has more.

use memalloc_core::LocalHeap;
use memalloc_core::remote::Inbox;

use crate::endless::Endless;

pub const SPAN: usize = 4 << 20;

pub type Local = LocalHeap<'static, Endless<SPAN>>;

pub fn heap() -> Local {
    heap_and_inbox().0
}

/// A heap, and where blocks of it come back.
pub fn heap_and_inbox() -> (Local, &'static Inbox) {
    let inbox = Box::leak(Box::new(Inbox::new()));
    // SAFETY: the inbox is the heap's alone.
    (unsafe { LocalHeap::new(Endless::new(), inbox, |error, _| panic!("{error}")) }, inbox)
}
