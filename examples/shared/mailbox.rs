//! What the program hands to its interrupt handler, to be freed there.

use alloc::boxed::Box;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// What is handed over.
pub type Message = [u32; 16];

static MESSAGE: AtomicPtr<Message> = AtomicPtr::new(null_mut());
static FREED: AtomicUsize = AtomicUsize::new(0);

/// Hands a message over, if there is none yet.
pub fn post(message: Box<Message>) -> Result<(), Box<Message>> {
    let message = Box::into_raw(message);
    match MESSAGE.compare_exchange(null_mut(), message, Ordering::Release, Ordering::Relaxed) {
        Ok(_) => Ok(()),
        // SAFETY: it was not handed over.
        Err(_) => Err(unsafe { Box::from_raw(message) }),
    }
}

/// Frees the message, if there is one. The timer's interrupt handler calls it.
pub fn take_and_free() {
    let message = MESSAGE.swap(null_mut(), Ordering::Acquire);
    if !message.is_null() {
        // SAFETY: `post` gave it away.
        drop(unsafe { Box::from_raw(message) });
        FREED.store(freed() + 1, Ordering::Relaxed);
    }
}

/// How many messages were freed by the handler.
pub fn freed() -> usize {
    FREED.load(Ordering::Relaxed)
}
