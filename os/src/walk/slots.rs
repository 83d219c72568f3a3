//! The bound on children: a slot for each that may be alive, in memory that all processes of a walk share.
//!
//! Whoever wants to fork takes a slot first. The parent alone clears it, once it has waited for the child, so that
//! there are never more children than slots, a zombie included.

use std::mem::offset_of;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use rustix::io;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::Pid;

/// No child.
const FREE: i32 = 0;
/// Somebody is about to fork a child.
const TAKEN: i32 = -1;

/// One child that may be alive.
pub(super) struct Slot {
    /// Its process id, [`FREE`] or [`TAKEN`].
    pid: AtomicI32,
    /// What the child is to do, as its parent knows it.
    task: AtomicU32,
}

/// What all processes of a walk share, besides the slots.
struct Shared {
    /// Slots that are not free.
    alive: AtomicU32,
    /// Numbers that have been given to workers.
    workers: AtomicU32,
    /// Numbers that have been given to directories read by several workers.
    parts: AtomicU32,
    /// The first of the slots.
    slots: [Slot; 0],
}

/// The slots of a walk.
pub(super) struct Slots {
    shared: NonNull<Shared>,
    len: usize,
}

// SAFETY: all that is shared is atomic, and the mapping is this value's alone.
unsafe impl Send for Slots {}

impl Slots {
    /// So many free slots.
    pub(super) fn new(len: usize) -> io::Result<Self> {
        let bytes = Self::bytes(len).ok_or(io::Errno::NOMEM)?;
        // SAFETY: a new anonymous mapping at an address the kernel chooses touches no memory in use.
        let start = unsafe {
            mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED)
        }?;
        Ok(Self { shared: NonNull::new(start.cast()).ok_or(io::Errno::NOMEM)?, len })
    }

    /// Takes a free slot, if fewer than `limit` are taken, for a child that is to do `task`.
    pub(super) fn take(&self, limit: usize, task: u32) -> Option<&Slot> {
        let alive = &self.shared().alive;
        let room = |alive| ((alive as usize) < limit.min(self.len)).then_some(alive + 1);
        alive.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).ok()?;
        let slot = self.all().iter().find(|slot| {
            slot.pid.compare_exchange(FREE, TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        });
        match slot {
            Some(slot) => slot.task.store(task, Ordering::Relaxed),
            None => _ = alive.fetch_sub(1, Ordering::Relaxed),
        }
        slot
    }

    /// Frees a slot whose child is gone, or has never been.
    pub(super) fn free(&self, slot: &Slot) {
        slot.pid.store(FREE, Ordering::Relaxed);
        self.shared().alive.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many slots are not free.
    pub(super) fn alive(&self) -> usize {
        self.shared().alive.load(Ordering::Relaxed) as usize
    }

    /// The slot of this number.
    pub(super) fn get(&self, number: u32) -> Option<&Slot> {
        self.all().get(number as usize)
    }

    /// The number of a slot.
    pub(super) fn number(&self, slot: &Slot) -> u32 {
        let offset = ptr::from_ref(slot).addr() - self.all().as_ptr().addr();
        (offset / size_of::<Slot>()) as u32
    }

    /// All children, with their slots.
    pub(super) fn children(&self) -> impl Iterator<Item = (&Slot, Pid)> {
        self.all().iter().filter_map(|slot| Some((slot, slot.pid()?)))
    }

    /// Frees the slots that were taken by workers which died before they forked. No worker may be alive.
    pub(super) fn free_abandoned(&self) {
        self.all()
            .iter()
            .filter(|slot| slot.pid.load(Ordering::Relaxed) == TAKEN)
            .for_each(|slot| self.free(slot));
    }

    /// A number that no worker has had; not 0, which is the parent's.
    pub(super) fn new_worker(&self) -> u32 {
        self.shared().workers.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// A number for a directory that several workers are going to read.
    pub(super) fn new_parts(&self) -> u32 {
        self.shared().parts.fetch_add(1, Ordering::Relaxed)
    }

    fn shared(&self) -> &Shared {
        // SAFETY: the mapping is large enough, aligned to a page, zero at first, which is valid, and lives as long as
        // this value; what it holds is only changed atomically.
        unsafe { self.shared.as_ref() }
    }

    fn all(&self) -> &[Slot] {
        // SAFETY: `len` slots lie behind the head in the mapping; otherwise as in `shared`.
        unsafe {
            let first = self.shared.byte_add(offset_of!(Shared, slots)).cast::<Slot>();
            slice::from_raw_parts(first.as_ptr(), self.len)
        }
    }

    fn bytes(len: usize) -> Option<usize> {
        len.checked_mul(size_of::<Slot>())?.checked_add(size_of::<Shared>())
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let bytes = Self::bytes(self.len).unwrap_or(0);
        // SAFETY: the whole mapping is ours, and with this value its last user goes. A failure leaks it.
        let _ = unsafe { munmap(self.shared.as_ptr().cast(), bytes) };
    }
}

impl Slot {
    /// Where the kernel, or the parent, is to write the child's process id.
    pub(super) fn cell(&self) -> &AtomicI32 {
        &self.pid
    }

    /// The child's process id, if there is a child.
    pub(super) fn pid(&self) -> Option<Pid> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|&pid| pid > 0).and_then(Pid::from_raw)
    }

    /// What the child is to do.
    pub(super) fn task(&self) -> u32 {
        self.task.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_slots_are_taken_than_the_limit_and_than_there_are() {
        let slots = Slots::new(3).unwrap();
        let first = slots.take(2, 10).unwrap();
        let second = slots.take(2, 11).unwrap();
        assert!(slots.take(2, 12).is_none());
        let third = slots.take(9, 12).unwrap();
        assert!(slots.take(9, 13).is_none());
        assert_eq!([first, second, third].map(|slot| slots.number(slot)), [0, 1, 2]);
        assert_eq!([first, second, third].map(Slot::task), [10, 11, 12]);
        assert_eq!((slots.alive(), slots.children().count()), (3, 0));
        second.cell().store(77, Ordering::Relaxed);
        assert_eq!(
            slots.children().map(|(slot, pid)| (slot.task(), pid.as_raw_pid())).collect::<Vec<_>>(),
            [(11, 77)]
        );
        slots.free(second);
        assert_eq!(slots.number(slots.take(3, 14).unwrap()), 1);
        slots.free_abandoned();
        assert_eq!(slots.alive(), 0);
    }
}
