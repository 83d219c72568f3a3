//! Floor 9: frees from elsewhere.
//!
//! Many heaps share a program, and a block is often freed by another thread than that which owns its heap. Whoever frees it
//! sets its **posted** bit in the map, where the bits of other blocks near it are; the heap's owner finds it there before it
//! looks for memory elsewhere:
//!
//! ```text
//!   thread that frees                                           thread that owns the heap
//!     sets the block's posted bit: it is freed
//!     if it is the first in its map entry: notes the entry  ─▶  inbox: sections of spans, each with noted entries
//!                                                               takes all blocks of an entry in at once, as its own
//! ```
//!
//! So that no second free, from anywhere, goes unseen while a block is on its way; and neither side touches the block
//! itself, which one of them has in its cache and the other has not. (Blocks that go back to their owner by message: Liétar
//! et al., "snmalloc: a message passing allocator", 2019.)

mod arrivals;
mod inbox;
mod span;

pub use crate::span::Section;
pub use arrivals::Arrivals;
pub use inbox::Inbox;
pub use span::RemoteSpan;

#[cfg(all(test, not(loom)))]
mod tests;
