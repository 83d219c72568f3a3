//! The bodies of the fuzz targets: each takes an input, whose bytes choose operations, and checks everything after each.
//! It says how many it ran. `cargo test` runs them for kept and for generated inputs, cargo-fuzz for as many as it finds.

pub mod bins;
pub mod frees;
pub mod growth;
pub mod heap;
pub mod map;
#[path = "../model/mod.rs"]
pub mod model;
pub mod remote;
mod sources;

use model::operations::Choices;

/// An input, eight bytes a choice.
struct Input<'input>(&'input [u8]);

impl Choices for Input<'_> {
    fn next(&mut self) -> Option<u64> {
        let (choice, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*choice))
    }
}

/// A choice cut in four: what to do, how, and two numbers.
fn parts(choice: u64) -> [usize; 4] {
    [choice & 0xff, choice >> 8 & 0xff, choice >> 16 & 0xffff, choice >> 32].map(|part| part as usize)
}
