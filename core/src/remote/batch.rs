//! Blocks on their way, linked.

use core::ptr::NonNull;

use super::Message;
use crate::sync::Shared;

/// Blocks for one inbox that go together.
#[derive(Debug, Default)]
pub struct Batch {
    ends: Option<Ends>,
    count: usize,
}

/// The first and the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) first: NonNull<Message>,
    pub(super) last: NonNull<Message>,
}

impl Batch {
    /// No blocks.
    pub const fn new() -> Self {
        Self { ends: None, count: 0 }
    }

    /// How many blocks it has.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Adds a block of `bytes` bytes, or of 0 where that is not known. O(1).
    ///
    /// # Safety
    /// The block is marked as posted by the caller ([`RemoteSpan::mark`](super::RemoteSpan::mark)), and nobody uses it.
    #[inline]
    pub unsafe fn add(&mut self, block: NonNull<u8>, bytes: usize) {
        let first = block.cast();
        let next = self.ends.map(|ends| ends.first);
        // SAFETY: a block has room for two words, and is the caller's to write.
        unsafe { first.write(Message { next: Shared::new(next), bytes: Shared::new(bytes) }) };
        self.ends = Some(Ends { first, last: self.ends.map_or(first, |ends| ends.last) });
        self.count += 1;
    }

    /// Its ends, if it has blocks; then it has none.
    pub(super) fn take(&mut self) -> Option<Ends> {
        self.count = 0;
        self.ends.take()
    }
}

/// Blocks that have come, one behind the other.
#[derive(Debug, Default)]
pub struct Chain(Option<NonNull<Message>>);

impl Chain {
    /// No blocks.
    pub const fn new() -> Self {
        Self(None)
    }

    pub(super) const fn from(first: Option<NonNull<Message>>) -> Self {
        Self(first)
    }

    /// Whether it has no blocks.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Takes the next block out, with its bytes, or 0 where they are not known. O(1).
    ///
    /// # Safety
    /// The heap that the blocks are of is the caller's.
    #[inline]
    pub unsafe fn take(&mut self) -> Option<(NonNull<u8>, usize)> {
        let message = self.0?;
        // SAFETY: the message was written before it was posted, and the chain was had from the inbox since.
        unsafe {
            self.0 = message.as_ref().next.get();
            Some((message.cast(), message.as_ref().bytes.get()))
        }
    }
}
