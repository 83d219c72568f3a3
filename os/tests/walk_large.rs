//! The walker on trees that are very deep, wide or flat.
//!
//! `WALK_LARGE=1` makes them as wide and as flat as the walker is to cope with, which takes a minute or more: 20,000
//! sub-directories are as many forks, and a million files take as long to make.

mod walk_support;

use std::fs::File;
use std::path::Path;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, fstat, mkdirat, openat, symlinkat};
use walk_support::{Tree, assert_agrees, walk};

const NAME: &str = "twelve_bytes";

fn open(dir: impl AsFd, name: impl rustix::path::Arg) -> OwnedFd {
    openat(dir, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// Makes so many levels below `top`, and returns the lowest.
fn dig(top: &Path, levels: usize) -> OwnedFd {
    let mut dir = open(CWD, top);
    for _ in 0..levels {
        mkdirat(&dir, NAME, Mode::RWXU).unwrap();
        dir = open(&dir, NAME);
    }
    dir
}

fn write(dir: impl AsFd, name: &str, bytes: u64) {
    let file = openat(dir, name, OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC, Mode::RUSR).unwrap();
    File::from(file).set_len(bytes).unwrap();
}

/// The sizes of the directories from `top` down so many levels.
fn sum_of_levels(top: &Path, levels: usize) -> u64 {
    let mut dir = open(CWD, top);
    let mut sum = fstat(&dir).unwrap().st_size;
    for _ in 0..levels {
        dir = open(&dir, NAME);
        sum += fstat(&dir).unwrap().st_size;
    }
    sum.cast_unsigned()
}

#[test]
fn three_thousand_levels_with_links_at_the_bottom() {
    const LEVELS: usize = 3000;
    let tree = Tree::new();
    let [t, out] = ["t", "out"].map(|name| tree.dir(name));
    tree.file("far/f", 1000);
    tree.file("far/g", 70);
    let bottom = dig(&t, LEVELS);
    write(&bottom, "file", 5);
    symlinkat(tree.at("far/f"), &bottom, "to file").unwrap();
    symlinkat(&out, &bottom, "to another deep tree").unwrap();
    symlinkat("../".repeat(100), &bottom, "up").unwrap();
    symlinkat("nowhere", &bottom, "dangling").unwrap();
    let bottom = dig(&out, LEVELS);
    symlinkat(tree.at("far/g"), &bottom, "to file").unwrap();
    symlinkat(&t, &bottom, "back").unwrap();
    let dirs = sum_of_levels(&t, LEVELS) + sum_of_levels(&out, LEVELS);
    for jobs in [1, 2] {
        let (sums, complaints) = walk(jobs, &[&t, &out]);
        assert!(complaints.is_empty(), "{complaints:?}");
        assert_eq!(sums, [Some(dirs + 1000 + 70 + 5 + 7), Some(0)]);
    }
}

/// Deep, and with work left on every level on the way back.
#[test]
fn a_deep_comb() {
    const LEVELS: usize = 300;
    let tree = Tree::new();
    let t = tree.dir("t");
    tree.file("far/f", 1000);
    let mut dir = open(CWD, &t);
    for level in 0..LEVELS {
        for side in ["a", "z"] {
            mkdirat(&dir, side, Mode::RWXU).unwrap();
            write(open(&dir, side), "file", level as u64);
        }
        symlinkat(tree.at("far/f"), &dir, "link").unwrap();
        mkdirat(&dir, NAME, Mode::RWXU).unwrap();
        dir = open(&dir, NAME);
    }
    assert_agrees(&[&t]);
}

/// One number or, for a thorough test, the other.
fn quick_or_large(quick: u64, large: u64) -> u64 {
    if std::env::var_os("WALK_LARGE").is_some() { large } else { quick }
}

#[test]
fn very_many_sub_directories() {
    let dirs = quick_or_large(1000, 20_000);
    let tree = Tree::new();
    let top = open(CWD, tree.dir("t"));
    for i in 0..dirs {
        mkdirat(&top, i.to_string(), Mode::RWXU).unwrap();
    }
    for i in (0..dirs).step_by(100) {
        tree.file(format!("t/{i}/f"), i);
    }
    let expected = walk_support::count(&[&tree.at("t")]);
    let (sums, complaints) = walk(4, &[&tree.at("t")]);
    assert!(complaints.is_empty(), "{complaints:?}");
    assert_eq!(sums, [Some(expected[0])]);
}

#[test]
fn one_flat_directory_of_very_many_files() {
    let files = quick_or_large(10_000, 1_000_000);
    let tree = Tree::new();
    let flat = open(CWD, tree.dir("t/flat"));
    for i in 0..files {
        drop(openat(&flat, i.to_string(), OFlags::CREATE | OFlags::CLOEXEC, Mode::RUSR).unwrap());
    }
    write(&flat, "one", 12345);
    let dirs = fstat(&flat).unwrap().st_size + fstat(open(CWD, tree.at("t"))).unwrap().st_size;
    for top in ["t", "t/flat"] {
        let (sums, complaints) = walk(2, &[&tree.at(top), &tree.at("t")]);
        assert!(complaints.is_empty(), "{complaints:?}");
        let total: u64 = sums.into_iter().map(Option::unwrap).sum();
        assert_eq!(total, 12345 + dirs.cast_unsigned());
    }
}
