//! Blocks of others' heaps, until there are enough to send.

use core::ptr::NonNull;

use super::{Batch, Inbox};

/// Inboxes that batches are gathered for at once.
const PLACES: usize = 8;
/// Blocks in a batch, at most.
const BATCH: usize = 32;

/// Batches of blocks for a few inboxes.
///
/// An outbox that is dropped loses what it holds: [`flush`](Self::flush) it.
#[derive(Debug, Default)]
pub struct Outbox {
    places: [Place; PLACES],
}

#[derive(Debug, Default)]
struct Place {
    to: Option<NonNull<Inbox>>,
    batch: Batch,
}

// SAFETY: the batches are the outbox's alone, and inboxes are for any thread.
unsafe impl Send for Outbox {}

impl Outbox {
    /// An empty outbox.
    pub const fn new() -> Self {
        const { assert!(PLACES.is_power_of_two()) };
        Self { places: [const { Place { to: None, batch: Batch::new() } }; PLACES] }
    }

    /// Adds a block of `bytes` bytes, or of 0 where that is not known, and sends the batch if it is large enough, or `at_once`.
    /// O(1).
    ///
    /// # Safety
    /// The block is of the heap whose inbox this is, was marked as posted by the caller
    /// ([`RemoteSpan::mark`](super::RemoteSpan::mark)), and nobody uses it. The inbox is there until the next
    /// [`flush`](Self::flush).
    #[inline]
    pub unsafe fn put(&mut self, inbox: NonNull<Inbox>, block: NonNull<u8>, bytes: usize, at_once: bool) {
        let place = &mut self.places[place_of(inbox)];
        // SAFETY: the block is the inbox's, once what is another's has left.
        unsafe {
            if place.to != Some(inbox) {
                place.send();
                place.to = Some(inbox);
            }
            place.batch.add(block, bytes);
            if at_once || place.batch.count() >= BATCH {
                place.send();
            }
        }
    }

    /// Sends all.
    pub fn flush(&mut self) {
        for place in &mut self.places {
            // SAFETY: `put` puts only what is the inbox's.
            unsafe { place.send() };
        }
    }
}

impl Place {
    /// # Safety
    /// The batch is for the inbox, which is still there.
    #[inline]
    unsafe fn send(&mut self) {
        if let Some(inbox) = self.to.take() {
            // SAFETY: as the caller says.
            unsafe { inbox.as_ref().post(&mut self.batch) };
        }
    }
}

/// The place for an inbox: inboxes lie at least a cache line apart, most often.
fn place_of(inbox: NonNull<Inbox>) -> usize {
    let lines = inbox.addr().get() / 64;
    (lines ^ (lines / PLACES) ^ (lines / (PLACES * PLACES))) % PLACES
}
