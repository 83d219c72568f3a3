//! Heaps all of which is checked after each operation: against a shadow model, and by the bodies of the fuzz targets. They are
//! one program, as both compile the same heaps over the same sources, which takes most of its time.
#![cfg(not(loom))]

#[path = "../fuzz/mod.rs"]
mod fuzz;
mod fuzz_bodies;
mod shadow_model;
