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
    heap_over(64 << 20)
}

/// A heap over so many bytes, more than is going to be asked for, and where blocks of it come back.
pub fn heap_over(bytes: usize) -> (Local, &'static Inbox) {
    let inbox = Box::leak(Box::new(Inbox::new()));
    // SAFETY: the inbox is the heap's alone.
    (unsafe { LocalHeap::new(Endless::of(bytes), inbox, |error, _| panic!("{error}")) }, inbox)
}
