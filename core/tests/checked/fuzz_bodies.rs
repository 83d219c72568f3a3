//! The bodies of the fuzz targets, for the inputs that are kept (`tests/inputs`) and for a bounded number of generated
//! ones. `MEMALLOC_FUZZ_INPUTS` says how many (60 otherwise).

use std::fs;
use std::path::Path;

use crate::fuzz;
use crate::fuzz::model::operations::Random;

/// The longest input that is generated, in bytes.
const LONGEST: u64 = 4096;

fn generated() -> u64 {
    let given = std::env::var("MEMALLOC_FUZZ_INPUTS").ok();
    given.map_or(60, |count| count.parse().expect("MEMALLOC_FUZZ_INPUTS is a number"))
}

/// Runs a body for the kept inputs of its target, and for generated ones.
fn run(target: &str, body: fn(&[u8]) -> usize) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(target);
    let mut operations = 0;
    for input in fs::read_dir(&kept).unwrap_or_else(|error| panic!("{}: {error}", kept.display())) {
        operations += body(&fs::read(input.expect("an entry").path()).expect("a kept input"));
    }
    assert!(operations > 100, "the kept inputs do nothing");
    let mut random = Random::new(0x6d65_6d61);
    for _ in 0..generated() {
        let length = random.number() % LONGEST;
        let input: Vec<u8> = (0..length).map(|_| random.number() as u8).collect();
        body(&input);
    }
}

#[test]
fn heap() {
    run("heap", fuzz::heap::run);
}

#[test]
fn frees() {
    run("frees", fuzz::frees::run);
}

#[test]
fn map() {
    run("map", fuzz::map::run);
}

#[test]
fn bins() {
    run("bins", fuzz::bins::run);
}

#[test]
fn growth() {
    run("growth", fuzz::growth::run);
}

#[test]
fn remote() {
    run("remote", fuzz::remote::run);
}
