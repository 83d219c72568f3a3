//! Where a heap's blocks come back to.

use core::ptr::{NonNull, null_mut};

use super::Message;
use super::batch::{Batch, Chain, Ends};
use crate::sync::{AtomicPtr, Ordering};

/// Blocks of one heap that were freed from elsewhere: a stack onto which any thread pushes, and from which the heap's
/// owner takes all at once. (Treiber, "Systems programming: coping with parallelism", 1986; as all are taken at once, none
/// can be taken and come back meanwhile.)
#[derive(Debug)]
pub struct Inbox {
    head: AtomicPtr<Message>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Inbox {
    /// An empty inbox.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { head: AtomicPtr::new(null_mut()) }
    }

    /// An empty inbox.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { head: AtomicPtr::new(null_mut()) }
    }

    /// Whether nothing has come, as far as this thread can see yet.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Sends a batch, which is empty then. Lock-free: one exchange, and again as often as others are faster.
    ///
    /// # Safety
    /// The blocks are of the heap whose inbox this is.
    pub unsafe fn post(&self, batch: &mut Batch) {
        let Some(Ends { first, last }) = batch.take() else { return };
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: until it is posted, the batch is the caller's.
            unsafe { last.as_ref().next.set(NonNull::new(head)) };
            // What was written into the blocks, by their users too, comes before what the owner does with them.
            match self.head.compare_exchange_weak(head, first.as_ptr(), Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all that has come. O(1).
    #[inline]
    pub fn take(&self) -> Chain {
        Chain::from(NonNull::new(self.head.swap(null_mut(), Ordering::Acquire)))
    }
}
