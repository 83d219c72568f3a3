//! The parser of allocation traces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memalloc_fuzz::{count, trace};

fuzz_target!(|input: &[u8]| count(trace::run(input)));
