//! Spans come and go, and the source refuses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memalloc_fuzz::{bodies, count};

fuzz_target!(|input: &[u8]| count(bodies::growth::run(input)));
