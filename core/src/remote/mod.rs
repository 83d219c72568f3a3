//! Floor 9: frees from elsewhere.
//!
//! Many heaps share a program, and a block is often freed by another thread than that which owns its heap. It then goes
//! back by post (message passing: Liétar et al., "snmalloc: a message passing allocator", 2019):
//!
//! ```text
//!   thread that frees                                         thread that owns the heap
//!   ┌──────────┐   mark: the block's posted bit   ┌───────┐   takes all that has come, before it looks for
//!   │ outbox   │   ───────────────────────────▶   │ inbox │   memory elsewhere; clears each block's bit and
//!   │ batches  │   post: one batch, one exchange  └───────┘   frees it as its own
//!   └──────────┘
//! ```
//!
//! The **posted** bit is set by whoever frees, so that a second free, from anywhere, is seen while the block is still on
//! its way. Blocks on their way are linked through their own memory.

mod batch;
mod inbox;
mod outbox;
mod span;

pub use batch::{Batch, Chain};
pub use inbox::Inbox;
pub use outbox::Outbox;
pub use span::RemoteSpan;

use core::ptr::NonNull;

use crate::sync::Shared;

/// What a block on its way keeps in itself.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Message {
    next: Shared<Option<NonNull<Message>>>,
    /// What the block's size is said to be, or 0.
    bytes: Shared<usize>,
}

#[cfg(all(test, not(loom)))]
mod tests;
