//! Where a heap learns of what has come back.

use core::ptr::{NonNull, null_mut};

use crate::span::Section;
use crate::sync::{AtomicPtr, Ordering};

/// Sections of one heap's spans in which blocks were freed from elsewhere: a stack onto which any thread pushes, and from
/// which the heap's owner takes all at once. (Treiber, "Systems programming: coping with parallelism", 1986; as all are
/// taken at once, none can be taken and come back meanwhile.)
#[derive(Debug)]
pub struct Inbox {
    head: AtomicPtr<Section>,
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

    /// Puts a section in. Lock-free: one exchange, and again as often as others are faster.
    ///
    /// # Safety
    /// [`Section::note`] has just told the caller to.
    pub unsafe fn push(&self, section: &Section) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: until the section is in, its link is the caller's.
            unsafe { section.next().set(NonNull::new(head)) };
            let new = core::ptr::from_ref(section).cast_mut();
            match self.head.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Forgets what has come. O(1).
    pub(crate) fn clear(&self) {
        self.head.store(null_mut(), Ordering::Relaxed);
    }

    /// Takes all sections out: the first. O(1).
    #[inline]
    pub(super) fn take(&self) -> Option<NonNull<Section>> {
        NonNull::new(self.head.swap(null_mut(), Ordering::Acquire))
    }
}
