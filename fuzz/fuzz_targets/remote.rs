//! Two heaps that free one another's blocks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memalloc_fuzz::{bodies, count};

fuzz_target!(|input: &[u8]| count(bodies::remote::run(input)));
