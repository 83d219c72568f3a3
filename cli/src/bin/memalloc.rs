//! A workbench for allocators: replays allocation traces and draws the heaps they leave.
//!
//! The C library calls `main` directly: Rust's runtime would put `/dev/null` in the place of a standard output that is
//! closed, and what is printed would be lost in silence.

#![cfg_attr(not(test), no_main)]

#[path = "../memalloc/mod.rs"]
mod memalloc;

#[cfg(not(test))]
// SAFETY: nothing else in this program has this name, and the C library expects a function of this type.
#[unsafe(no_mangle)]
extern "C" fn main(_count: std::ffi::c_int, _args: *const *const std::ffi::c_char) -> std::ffi::c_int {
    memalloc::run::main(std::env::args_os()).into()
}
