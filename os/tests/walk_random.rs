//! The walker against a second count, on random trees full of links.

mod random_support;
mod walk_support;

use std::path::{Path, PathBuf};

use random_support::Random;
use walk_support::{Tree, count, walk};

fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    &from[random.below(from.len())]
}

/// Builds a random tree of some dozen objects, with links to anything, and says which directories it has.
fn grow(tree: &Tree, random: &mut Random) -> Vec<PathBuf> {
    // Two levels down, so that no link climbs out of the temporary directory.
    let top = Path::new("up/up");
    let mut dirs = vec![top.join("0")];
    let mut files = Vec::new();
    let mut all = dirs.clone();
    tree.dir(&dirs[0]);
    for i in 1..8 + random.below(40) {
        let dir = if random.below(6) == 0 { top } else { pick(random, &dirs).as_path() };
        let path = dir.join(i.to_string());
        match random.below(10) {
            0..3 => {
                tree.dir(&path);
                dirs.push(path.clone());
            }
            3..5 => {
                tree.file(&path, random.below(5000) as u64);
                files.push(path.clone());
            }
            5 if !files.is_empty() => tree.hard_link(&path, pick(random, &files)),
            _ => {
                // Also links to links, to itself, and to what is not there, yet or ever.
                let target = match random.below(8) {
                    0 => PathBuf::from(random.below(60).to_string()),
                    1 => PathBuf::from("../".repeat(random.below(3)) + "."),
                    _ => tree.at(pick(random, &all)),
                };
                tree.link(&path, target);
            }
        }
        all.push(path);
    }
    dirs
}

#[test]
fn random_trees_are_counted_alike() {
    for seed in 1..=100 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let tree = Tree::new();
        let dirs = grow(&tree, &mut random);
        let operands: Vec<_> = (0..1 + random.below(3)).map(|_| tree.at(pick(&mut random, &dirs))).collect();
        let operands: Vec<_> = operands.iter().map(PathBuf::as_path).collect();
        let expected: Vec<_> = count(&operands).into_iter().map(Some).collect();
        for jobs in [1, 2, 3, 8] {
            let (sums, complaints) = walk(jobs, &operands);
            assert!(complaints.is_empty(), "seed {seed}: {complaints:?}");
            assert_eq!(sums, expected, "seed {seed}, {jobs} jobs, {operands:?}");
        }
    }
}
