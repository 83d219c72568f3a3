//! Walks in this process, halved by hand.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::walk::census::Census;
use crate::walk::inode::Inode;

/// Keeps what a walk says of directories.
#[derive(Default)]
struct Said {
    census: Census,
    directories: Vec<(Inode, u64)>,
}

impl Sink for Said {
    fn census(&self) -> &Census {
        &self.census
    }

    fn put(&mut self, record: Record<'_>) {
        match record {
            Record::Directory { inode, bytes, read: true } => self.directories.push((inode, bytes)),
            other => panic!("{other:?}"),
        }
    }

    fn announce(&mut self, _parent: PlaceId, _inode: Inode, _name: &CStr) -> PlaceId {
        PlaceId::default()
    }
}

/// Directories of different depths, with a file in each.
fn grow() -> TempDir {
    let top = tempfile::tempdir().unwrap();
    for dir in ["a/b/c/d/e/f/g/h/i", "a/b/c/x", "a/y", "k/l", "k/m", "n", "o/p/q"] {
        fs::create_dir_all(top.path().join(dir)).unwrap();
    }
    write(top.path(), &mut 1);
    top
}

fn write(dir: &Path, size: &mut usize) {
    *size += 1;
    fs::write(dir.join("file"), vec![0; *size]).unwrap();
    let below: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    below.iter().filter(|path| path.is_dir()).for_each(|path| write(path, size));
}

/// A walk of `top` after so many steps, and what it has said; whether it went on so long.
fn walk(top: &Path, steps: usize) -> (Tree, Said, bool) {
    let (mut tree, mut said) = (Tree::new(), Said::default());
    let top = std::ffi::CString::new(top.as_os_str().as_encoded_bytes()).unwrap();
    let dir = open::to_read(rustix::fs::CWD, &top).unwrap();
    tree.enter(dir, PlaceId::default(), &mut said).unwrap();
    let goes_on = (0..steps).all(|_| tree.step(&mut said));
    (tree, said, goes_on)
}

fn finish(mut tree: Tree, mut said: Said) -> Vec<(Inode, u64)> {
    while tree.step(&mut said) {}
    said.directories
}

fn sorted(mut directories: Vec<(Inode, u64)>) -> Vec<(Inode, u64)> {
    directories.sort_unstable_by_key(|(inode, bytes)| (inode.ino, *bytes));
    directories
}

#[test]
fn the_two_halves_of_a_walk_are_the_walk_wherever_it_is_halved() {
    let top = grow();
    let (tree, said, _) = walk(top.path(), 0);
    let whole = sorted(finish(tree, said));
    assert_eq!(whole.len(), 19);
    let mut halved = 0;
    for steps in 0.. {
        let (mut giver, before, goes_on) = walk(top.path(), steps);
        if !goes_on {
            break;
        }
        let Some(half) = giver.half() else { continue };
        let (mut taker, _, _) = walk(top.path(), steps);
        giver.give(half, 0);
        let mut said = Said::default();
        taker.take(half, 0, &mut said);
        let taken = finish(taker, said);
        let kept = finish(giver, before);
        assert!(!taken.is_empty(), "nothing is in the half after {steps} steps");
        assert_eq!(sorted([kept, taken].concat()), whole, "halved after {steps} steps");
        halved += 1;
    }
    assert!(halved > 5, "{halved}");
}

#[test]
fn what_is_given_can_be_halved_again() {
    let top = grow();
    let (tree, said, _) = walk(top.path(), 0);
    let whole = sorted(finish(tree, said));
    let (mut first, said, _) = walk(top.path(), 1);
    let (mut second, _, _) = walk(top.path(), 1);
    let (mut third, _, _) = walk(top.path(), 1);
    let half = first.half().unwrap();
    first.give(half, 0);
    let mut said_by_second = Said::default();
    second.take(half, 0, &mut said_by_second);
    let mut said_by_third = Said::default();
    third.take(half, 0, &mut said_by_third);
    let quarter = second.half().unwrap();
    second.give(quarter, 0);
    third.take(quarter, 0, &mut said_by_third);
    let parts = [finish(first, said), finish(second, said_by_second), finish(third, said_by_third)];
    assert!(parts.iter().all(|part| !part.is_empty()));
    assert_eq!(sorted(parts.concat()), whole);
}

#[test]
fn a_directory_of_links_is_long_sooner_than_one_of_files() {
    let top = tempfile::tempdir().unwrap();
    for dir in ["files", "links"] {
        fs::create_dir(top.path().join(dir)).unwrap();
        fs::write(top.path().join(dir).join("file"), []).unwrap();
    }
    for i in 0..400 {
        fs::write(top.path().join(format!("files/entry{i}")), []).unwrap();
        std::os::unix::fs::symlink("file", top.path().join(format!("links/entry{i}"))).unwrap();
    }
    let goes_on = |dir| walk(&top.path().join(dir), 0).0.goes_on();
    assert_eq!((goes_on("files"), goes_on("links")), (false, true));
}
