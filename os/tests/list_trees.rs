//! The lister against a second walk, which is recursive and follows the order of the directories.

mod walk_support;

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use memalloc_os::walk::{Diagnostic, Entry, Follow, Listener, Lister, Listing};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, mkdirat, openat, symlinkat};
use walk_support::Tree;

/// Size and path of each line.
type Lines = Vec<(u64, Vec<u8>)>;

#[derive(Default)]
struct Notes {
    lines: Lines,
    complaints: Vec<String>,
    most: usize,
}

impl Listener for Notes {
    fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        self.lines.push((entry.totals.size, entry.path.to_vec()));
        if self.lines.len() == self.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.complaints.push(diagnostic.to_string());
    }
}

fn list(listing: &Listing, operands: &[&Path]) -> Lines {
    let mut notes = Notes::default();
    let mut lister = Lister::new(listing.clone());
    operands.iter().for_each(|operand| lister.list(operand, &mut notes));
    assert_eq!(notes.complaints, [""; 0]);
    notes.lines
}

/// The second walk.
fn expect(listing: &Listing, path: &Path, depth: usize, met: &mut HashSet<u64>, lines: &mut Lines) -> u64 {
    let facts = fs::symlink_metadata(path).unwrap();
    if !facts.is_dir() {
        if facts.nlink() > 1 && !listing.count_links && !met.insert(facts.ino()) {
            return 0;
        }
        if listing.files && depth <= listing.depth {
            lines.push((facts.blocks() * 512, path.as_os_str().as_bytes().to_vec()));
        }
        return facts.blocks() * 512;
    }
    let mut size = facts.blocks() * 512;
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let inner = expect(listing, &entry.path(), depth + 1, met, lines);
        if !listing.separate || !entry.file_type().unwrap().is_dir() {
            size += inner;
        }
    }
    if depth <= listing.depth {
        lines.push((size, path.as_os_str().as_bytes().to_vec()));
    }
    size
}

/// A tree with files of several names, in and out of long and deep directories.
fn bushy(tree: &Tree) {
    let write = |name: &str, len: usize| {
        tree.file(name, 0);
        fs::write(tree.at(name), vec![0; len]).unwrap();
    };
    for i in 0..300 {
        write(&format!("t/long/{i}"), i * 40);
        write(&format!("t/wide/{i}/x/{}", i % 7), i * 50);
        if i % 3 == 0 {
            tree.hard_link(format!("t/wide/{i}/again"), format!("t/long/{i}"));
            tree.hard_link(format!("t/long/and {i}"), format!("t/wide/{i}/x/{}", i % 7));
        }
    }
    let deep = "t/deep/".to_owned() + &"d/".repeat(60);
    write(&(deep.clone() + "f"), 9000);
    tree.hard_link("t/deep/f", deep + "f");
    tree.link("t/link", "long");
    tree.dir("t/empty");
}

#[test]
fn lines_come_in_order_whoever_is_faster() {
    let tree = Tree::new();
    bushy(&tree);
    for (files, depth, count_links, separate) in [
        (false, usize::MAX, false, false),
        (true, usize::MAX, false, false),
        (true, 1, false, true),
        (true, 3, true, false),
        (false, 0, false, false),
        (false, 2, false, true),
    ] {
        let mut listing = Listing::default();
        (listing.files, listing.depth) = (files, depth);
        (listing.count_links, listing.separate) = (count_links, separate);
        let mut expected = Vec::new();
        expect(&listing, &tree.at("t"), 0, &mut HashSet::new(), &mut expected);
        for jobs in [1, 2, 3, 8, 8] {
            listing.walk.jobs = NonZeroUsize::new(jobs);
            listing.walk.quantum = Duration::ZERO;
            assert_eq!(list(&listing, &[&tree.at("t")]), expected, "{files} {depth}, {jobs} jobs");
        }
    }
}

/// A bushy tree with links to directories: there and back, in circles, out of it, to nothing, and from so deep that no
/// path is long enough.
fn linked(tree: &Tree) {
    bushy(tree);
    for i in 0..300 {
        match i % 6 {
            0 => tree.link(format!("t/wide/{i}/next"), format!("../{}", (i * 7 + 1) % 300)),
            1 => tree.link(format!("t/wide/{i}/up"), ".."),
            2 => tree.link(format!("t/wide/{i}/out"), format!("../../../out/{}", i % 20)),
            3 => tree.link(format!("t/wide/{i}/file"), format!("../../long/{i}")),
            4 => tree.link(format!("t/wide/{i}/none"), "gone"),
            _ => tree.link(format!("t/wide/{i}/chain"), format!("../{}/next", i - 5)),
        }
        tree.file(format!("out/{}/{i}", i % 20), 10 + i);
    }
    // 2^40 ways lead to the end.
    for i in 0..40 {
        tree.dir(format!("t/fan/{i}"));
        for name in ["one", "other"] {
            tree.link(format!("t/fan/{i}/{name}"), format!("../{}", i + 1));
        }
    }
    tree.file("t/fan/40/end", 7);
    tree.link("out/back", "../t/wide");
    tree.link("out/3/to", "../5");
    tree.dir("t/far");
    let mut far = OwnedFd::from(fs::File::open(tree.at("t/far")).unwrap());
    for _ in 0..30 {
        let name = "n".repeat(200);
        mkdirat(&far, &name, Mode::RWXU).unwrap();
        far = openat(&far, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    symlinkat(tree.at("out/7"), &far, "to").unwrap();
    symlinkat(tree.at("t"), &far, "loop").unwrap();
}

#[test]
fn links_are_followed_in_order_whoever_is_faster() {
    let tree = Tree::new();
    linked(&tree);
    for (files, depth, separate, operands) in [
        (true, usize::MAX, false, &["t"][..]),
        (false, usize::MAX, true, &["t"]),
        (false, 1, false, &["t", "out", "t/wide"]),
        (true, 2, false, &["out", "t"]),
        (false, 0, false, &["t/wide/6/next", "t"]),
    ] {
        let mut listing = Listing::default();
        (listing.files, listing.depth, listing.separate) = (files, depth, separate);
        (listing.follow, listing.several_operands) = (Follow::All, operands.len() > 1);
        let operands: Vec<_> = operands.iter().map(|operand| tree.at(operand)).collect();
        let told = |listing: &Listing| {
            let mut notes = Notes::default();
            let mut lister = Lister::new(listing.clone());
            operands.iter().for_each(|operand| lister.list(operand, &mut notes));
            (notes.lines, notes.complaints, lister.total())
        };
        listing.walk.quantum = Duration::from_secs(1000);
        let expected = told(&listing);
        assert!(!expected.0.is_empty() && expected.1.len() >= 50, "{:?}", expected.1);
        for jobs in [1, 2, 3, 8, 8] {
            listing.walk.jobs = NonZeroUsize::new(jobs);
            listing.walk.quantum = Duration::ZERO;
            assert!(told(&listing) == expected, "{files} {depth}, {jobs} jobs");
        }
    }
}

#[test]
fn a_way_may_hold_more_links_than_the_system_follows_at_once() {
    let tree = Tree::new();
    for i in 0..60 {
        tree.dir(format!("chain/{i}"));
        tree.link(format!("chain/{i}/next"), format!("../{}", i + 1));
    }
    for i in 0..60 {
        tree.dir(format!("chain/60/{i}"));
        tree.link(format!("chain/60/{i}/out"), format!("../../../out/{i}"));
        tree.file(format!("out/{i}/f"), 100);
    }
    let mut listing = Listing::default();
    (listing.files, listing.depth, listing.follow) = (true, usize::MAX, Follow::All);
    listing.walk.quantum = Duration::from_secs(1000);
    let expected = list(&listing, &[&tree.at("chain/0")]);
    listing.walk.quantum = Duration::ZERO;
    for jobs in [1, 2, 8] {
        listing.walk.jobs = NonZeroUsize::new(jobs);
        assert!(list(&listing, &[&tree.at("chain/0")]) == expected, "{jobs} jobs");
    }
}

#[test]
fn what_several_operands_share_counts_for_the_first() {
    let tree = Tree::new();
    bushy(&tree);
    let mut listing = Listing::default();
    listing.several_operands = true;
    let (wide, all) = (tree.at("t/wide"), tree.at("t"));
    let alone = |path: &Path| list(&Listing::default(), &[path]).last().unwrap().0;
    for jobs in [1, 8] {
        listing.walk.jobs = NonZeroUsize::new(jobs);
        listing.walk.quantum = Duration::ZERO;
        let lines = list(&listing, &[&wide, &all, &wide, &all]);
        let size = |path: &Path| {
            let of_path: Vec<_> = lines.iter().filter(|line| line.1 == path.as_os_str().as_bytes()).collect();
            assert_eq!(of_path.len(), 1);
            of_path[0].0
        };
        assert_eq!(size(&wide), alone(&wide));
        assert_eq!(size(&wide) + size(&all), alone(&all));
    }
}

#[test]
fn a_listener_that_has_seen_enough_sees_no_more() {
    let tree = Tree::new();
    bushy(&tree);
    for jobs in [1, 4] {
        let mut listing = Listing::default();
        listing.walk.jobs = NonZeroUsize::new(jobs);
        listing.walk.quantum = Duration::ZERO;
        let mut notes = Notes { most: 5, ..Notes::default() };
        Lister::new(listing).list(&tree.at("t"), &mut notes);
        assert_eq!((notes.lines.len(), notes.complaints.len()), (5, 0));
    }
}

#[test]
fn what_is_excluded_neither_counts_nor_is_listed() {
    let tree = Tree::new();
    bushy(&tree);
    let mut listing = Listing::default();
    let wide = tree.at("t/wide").as_os_str().as_bytes().to_vec();
    listing.exclude = Some(std::rc::Rc::new(move |path| path.starts_with(&wide)));
    let lines = list(&listing, &[&tree.at("t")]);
    assert!(lines.iter().all(|(_, path)| !path.windows(5).any(|part| part == b"/wide")));
    let deep = lines.iter().find(|(_, path)| path.ends_with(b"t/deep")).unwrap();
    assert!(deep.0 >= 9000 + 61 * 4096, "{deep:?}");
}

/// Moves a part of a tree away as soon as it hears of the tree, and removes the rest.
struct Remover<'t> {
    tree: &'t Tree,
    part: &'t str,
    notes: Notes,
}

impl Listener for Remover<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        if self.notes.lines.is_empty() {
            fs::rename(self.tree.at(self.part), self.tree.at("elsewhere")).unwrap();
            fs::remove_dir_all(self.tree.at("t")).unwrap();
        }
        self.notes.entry(entry)
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.notes.diagnostic(diagnostic);
    }
}

#[test]
fn what_vanishes_meanwhile_is_no_trouble() {
    let tree = Tree::new();
    let down = |levels| format!("t{}", "/d".repeat(levels));
    tree.file(down(50) + "/f", 1);
    let mut listing = Listing::default();
    listing.walk.quantum = Duration::from_secs(1000);
    let mut remover = Remover { tree: &tree, part: &down(40), notes: Notes::default() };
    Lister::new(listing).list(&tree.at("t"), &mut remover);
    assert_eq!((remover.notes.lines.len(), remover.notes.complaints), (51, Vec::new()));
}
