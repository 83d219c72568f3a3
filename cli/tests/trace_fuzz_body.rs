//! The body of the trace parser's fuzz target, for the inputs that are kept (`tests/inputs/trace`), changed at random.
//! `MEMALLOC_FUZZ_INPUTS` says how many times each (200 otherwise).

mod fuzz_trace;

use std::fs;
use std::path::Path;

/// What a change puts in.
const WORDS: [&str; 14] =
    ["a ", "r ", "f ", "f -1\n", "\n", " ", "0", "1", "9", "18446744073709551615", "\r", "x", "\u{1b}", "é"];

/// A number below `limit`, which is not 0, by a linear congruential generator.
fn below(state: &mut u64, limit: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % limit
}

/// Replaces, removes, doubles or puts in something somewhere.
fn change(text: &mut Vec<u8>, state: &mut u64) {
    let at = below(state, text.len() + 1);
    let to = (at + below(state, 12)).min(text.len());
    let with: Vec<u8> = match below(state, 4) {
        0 => vec![],
        1 => text[at..to].repeat(2),
        2 => vec![below(state, 256) as u8],
        _ => WORDS[below(state, WORDS.len())].into(),
    };
    text.splice(at..to, with);
}

#[test]
fn trace() {
    let times = std::env::var("MEMALLOC_FUZZ_INPUTS").ok();
    let times = times.map_or(200, |count| count.parse().expect("MEMALLOC_FUZZ_INPUTS is a number"));
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/trace");
    let (mut state, mut operations) = (1, 0);
    for input in fs::read_dir(kept).expect("the kept inputs") {
        let input = fs::read(input.expect("an entry").path()).expect("a kept input");
        operations += fuzz_trace::run(&input);
        for _ in 0..times {
            let mut text = input.clone();
            for _ in 0..=below(&mut state, 3) {
                change(&mut text, &mut state);
            }
            fuzz_trace::run(&text);
        }
    }
    assert!(operations > 20, "the kept inputs do nothing");
}
