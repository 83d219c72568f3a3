//! A disk-usage walker: bytes in each tree, links followed, every inode counted once.
//!
//! The C library calls `main` directly. What Rust's runtime does before it, a handler for overflown stacks above all,
//! takes longer than the walk of a small tree.

#![cfg_attr(not(test), no_main)]

#[path = "../exhausted.rs"]
mod exhausted;
#[path = "../my_du/mod.rs"]
mod my_du;

#[global_allocator]
static MEMORY: exhausted::OrEnd = exhausted::OrEnd(my_du::NAME);

#[cfg(not(test))]
// SAFETY: nothing else in this program has this name, and the C library expects a function of this type.
#[unsafe(no_mangle)]
extern "C" fn main(_count: std::ffi::c_int, _args: *const *const std::ffi::c_char) -> std::ffi::c_int {
    my_du::run(std::env::args_os()) as std::ffi::c_int
}
