//! The walker as a part of a larger program.

mod walk_support;

use std::collections::HashMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use walk_support::{Tree, count, walk};

fn bushy(tree: &Tree) {
    for i in 0..50 {
        tree.file(format!("t/{i}/a/f"), i);
        tree.file(format!("t/{i}/b/{i}/g"), i);
        tree.link(format!("t/{i}/l"), "../0/a/f");
    }
}

#[test]
fn other_threads_may_allocate_and_walk_meanwhile() {
    let tree = Tree::new();
    bushy(&tree);
    let expected = count(&[&tree.at("t")])[0];
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut map = HashMap::new();
                for i in 0u64.. {
                    map.insert(i % 1000, vec![i; i as usize % 300]);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        let walks: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let (sums, complaints) = walk(3, &[&tree.at("t")]);
                        assert!(complaints.is_empty(), "{complaints:?}");
                        assert_eq!(sums, [Some(expected)]);
                    }
                })
            })
            .collect();
        let ended: Vec<_> = walks.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
}

#[test]
fn other_children_are_left_alone() {
    let tree = Tree::new();
    bushy(&tree);
    let mut other = Command::new("true").spawn().unwrap();
    walk(2, &[&tree.at("t")]);
    assert!(other.wait().unwrap().success());
}

#[test]
fn what_vanishes_meanwhile_is_no_trouble() {
    let tree = Tree::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for i in 0..20 {
                    tree.file(format!("t/{i}/a/b/f"), 1);
                    tree.link(format!("t/{i}/l"), "a/b");
                }
                for i in 0..20 {
                    std::fs::remove_dir_all(tree.at(format!("t/{i}"))).unwrap();
                }
            }
        });
        tree.dir("t");
        let complaints: Vec<_> = (0..50).flat_map(|_| walk(2, &[&tree.at("t")]).1).collect();
        done.store(true, Ordering::Relaxed);
        assert!(complaints.is_empty(), "{complaints:?}");
    });
}
