//! Whether the program has forms of `new` or `delete` of its own.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicPtr, AtomicU8};

use crate::next::{first, next};

/// Where an address lies: `Dl_info`.
#[repr(C)]
struct Place {
    _file: *const c_char,
    library: *mut c_void,
    _symbol: *const c_char,
    _address: *mut c_void,
}

unsafe extern "C" {
    fn dladdr(address: *const c_void, place: *mut Place) -> c_int;
}

/// The forms that a program has some of, if it has any of its own: the others go to these.
const FORMS: [&CStr; 8] = [
    c"_Znwm",
    c"_Znam",
    c"_ZdlPv",
    c"_ZdaPv",
    c"_ZnwmSt11align_val_t",
    c"_ZnamSt11align_val_t",
    c"_ZdlPvSt11align_val_t",
    c"_ZdaPvSt11align_val_t",
];

/// What is known of the program.
static KNOWN: AtomicU8 = AtomicU8::new(NOTHING);
/// It was not asked yet.
const NOTHING: u8 = 0;
/// It has no forms of its own.
const NONE: u8 = 1;
/// It has some.
const SOME: u8 = 2;

/// Whether the program is known to have no forms of its own.
#[inline(always)]
pub(crate) fn are_known_to_be_none() -> bool {
    KNOWN.load(Relaxed) == NONE
}

/// Whether the program has no forms of its own.
fn are_none() -> bool {
    if KNOWN.load(Relaxed) == NOTHING {
        let here = library_of((&raw const KNOWN).cast());
        let none = FORMS.iter().all(|name| library_of(first(name)) == here);
        KNOWN.store(if none { NONE } else { SOME }, Relaxed);
    }
    are_known_to_be_none()
}

/// The library that has an address; null if none has.
fn library_of(address: *const c_void) -> *mut c_void {
    let mut place = MaybeUninit::<Place>::uninit();
    // SAFETY: the place is written, if the answer is not 0.
    unsafe { if dladdr(address, place.as_mut_ptr()) == 0 { null_mut() } else { place.assume_init().library } }
}

/// The next library's form of a name, once it was looked for.
pub(crate) struct Form {
    name: &'static CStr,
    function: AtomicPtr<c_void>,
}

impl Form {
    pub(crate) const fn new(name: &'static CStr) -> Self {
        Self { name, function: AtomicPtr::new(null_mut()) }
    }

    /// The form, if the program has others of its own. Where there is none, this library's are the program's.
    pub(crate) fn wanted(&self) -> Option<*mut c_void> {
        if are_none() {
            return None;
        }
        let known = self.function.load(Relaxed);
        if !known.is_null() {
            return Some(known);
        }
        let found = next(self.name);
        match found {
            Some(function) => self.function.store(function, Relaxed),
            None => KNOWN.store(NONE, Relaxed),
        }
        found
    }
}
