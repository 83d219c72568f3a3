//! The walker against a second count, on trees that are easily counted wrongly.

mod walk_support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use walk_support::{Tree, assert_agrees, walk};

fn size(path: impl AsRef<Path>) -> u64 {
    fs::symlink_metadata(path).unwrap().len()
}

#[test]
fn a_plain_tree_is_the_sum_of_its_parts() {
    let tree = Tree::new();
    tree.file("t/a/f", 1000);
    tree.file("t/a/b/g", 200);
    tree.file("t/h", 30);
    let dirs: u64 = ["t", "t/a", "t/a/b"].iter().map(|dir| size(tree.at(dir))).sum();
    assert_eq!(assert_agrees(&[&tree.at("t")]), [1230 + dirs]);
}

#[test]
fn an_empty_directory_has_its_own_size() {
    let tree = Tree::new();
    tree.dir("t");
    assert_eq!(assert_agrees(&[&tree.at("t")]), [size(tree.at("t"))]);
}

#[test]
fn hard_links_count_once_over_sub_directories_and_operands() {
    let tree = Tree::new();
    tree.file("t/a/f", 1000);
    for dir in ["t/b", "t/c/d", "u/e"] {
        tree.dir(dir);
        tree.hard_link(Path::new(dir).join("g"), "t/a/f");
    }
    tree.hard_link("t/b/same directory", "t/a/f");
    let sums = assert_agrees(&[&tree.at("t"), &tree.at("u")]);
    assert_eq!(sums[1], size(tree.at("u")) + size(tree.at("u/e")));
}

#[test]
fn an_operand_that_is_counted_already_adds_nothing() {
    let tree = Tree::new();
    tree.file("t/a/f", 1000);
    let (t, a, f) = (tree.at("t"), tree.at("t/a"), tree.at("t/a/f"));
    assert_eq!(assert_agrees(&[&t, &t, &a, &f])[1..], [0, 0, 0]);
    assert_eq!(assert_agrees(&[&f, &a, &t, &f]), [1000, size(&a), size(&t), 0]);
    assert_eq!(assert_agrees(&[&a, &t]), [1000 + size(&a), size(&t)]);
}

#[test]
fn a_link_within_the_tree_adds_nothing() {
    let tree = Tree::new();
    tree.file("t/a/f", 1000);
    tree.dir("t/b/c");
    let before = assert_agrees(&[&tree.at("t")]);
    tree.link("t/b/to file", "../a/f");
    tree.link("t/b/to directory", "../a");
    tree.link("t/b/c/to ancestor", "../..");
    tree.link("t/b/c/to root", tree.at("t"));
    tree.link("t/b/c/to link", "to root");
    tree.link("t/self", ".");
    assert_eq!(assert_agrees(&[&tree.at("t")]), before);
}

#[test]
fn a_link_out_of_the_tree_adds_what_it_leads_to() {
    let tree = Tree::new();
    tree.dir("t/a/b");
    tree.file("out/x/f", 1000);
    tree.file("out/y/g", 500);
    tree.file("out/y/not reached", 70_000);
    tree.link("t/a/to x", "../../out/x");
    tree.link("t/a/b/x again", tree.at("out/x"));
    tree.link("t/to g", "../out/y/g");
    tree.link("t/a/g again", "../../out/x/../y/g");
    let dirs: u64 = ["t", "t/a", "t/a/b", "out/x"].iter().map(|dir| size(tree.at(dir))).sum();
    assert_eq!(assert_agrees(&[&tree.at("t")]), [1500 + dirs]);
}

#[test]
fn a_file_and_later_its_directory_are_reached_by_links() {
    let tree = Tree::new();
    tree.dir("t");
    tree.file("far/f", 1000);
    tree.file("near/g", 20);
    tree.link("t/file", "../far/f");
    tree.link("t/near", "../near");
    tree.link("near/far", "../far");
    tree.link("far/back", "../t");
    let dirs: u64 = ["t", "near", "far"].iter().map(|dir| size(tree.at(dir))).sum();
    assert_eq!(assert_agrees(&[&tree.at("t")]), [1020 + dirs]);
}

#[test]
fn a_file_reached_by_a_link_is_not_counted_again_with_its_directory_by_a_later_operand() {
    let tree = Tree::new();
    tree.dir("t");
    tree.file("far/d/f", 1000);
    tree.link("t/file", "../far/d/f");
    let [t, far, d] = ["t", "far", "far/d"].map(|name| tree.at(name));
    let f = tree.at("far/d/f");
    assert_eq!(assert_agrees(&[&t, &far, &f]), [size(&t) + 1000, size(&far) + size(&d), 0]);
    assert_eq!(assert_agrees(&[&far, &t]), [size(&far) + size(&d) + 1000, size(&t)]);
}

#[test]
fn outside_directories_within_each_other_count_once() {
    let tree = Tree::new();
    tree.dir("t/a");
    let mut path = tree.at("out");
    for level in 0..60 {
        path = path.join("d");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("f"), vec![0; level]).unwrap();
        tree.link(format!("t/a/{level}"), &path);
        tree.link(format!("t/file {level}"), path.join("f"));
    }
    tree.link(format!("out/{}", "d/".repeat(60) + "back"), tree.at("out"));
    assert_agrees(&[&tree.at("t")]);
}

#[test]
fn links_lead_from_one_outside_directory_to_the_next() {
    let tree = Tree::new();
    tree.dir("t");
    tree.link("t/next", "../0");
    for i in 0..40u64 {
        tree.file(format!("{i}/x/f"), i);
        tree.link(format!("{i}/x/next"), format!("../../{}", i + 1));
    }
    let sum = assert_agrees(&[&tree.at("t")])[0];
    assert!(sum > (0..40).sum());
}

#[test]
fn a_link_to_nothing_counts_its_own_size_once_per_inode() {
    let tree = Tree::new();
    tree.dir("t/a");
    tree.link("t/a/dangling", "12345");
    tree.hard_link("t/same inode", "t/a/dangling");
    tree.link("t/a/loop", "loop2");
    tree.link("t/a/loop2", "loop");
    tree.file("t/f", 7);
    tree.link("t/through a file", "f/x");
    tree.link("t/a/name too long", "n".repeat(300));
    tree.link("t/to the dangling one", "a/dangling");
    let own = 5 + 5 + 4 + 3 + 300 + 10;
    let dirs = size(tree.at("t")) + size(tree.at("t/a"));
    for jobs in [1, 4] {
        assert_eq!(walk(jobs, &[&tree.at("t")]).0, [Some(dirs + 7 + own)]);
    }
    fs::remove_file(tree.at("t/a/name too long")).unwrap();
    assert_agrees(&[&tree.at("t")]);
}

#[test]
fn a_link_that_dangles_under_one_name_and_leads_somewhere_under_the_other_counts_both() {
    let tree = Tree::new();
    tree.file("t/a/f", 10);
    tree.dir("t/b");
    tree.link("t/a/l", "f");
    tree.hard_link("t/b/l", "t/a/l");
    assert_agrees(&[&tree.at("t")]);
}

#[test]
fn a_chain_of_forty_links_leads_somewhere_and_one_more_does_not() {
    let tree = Tree::new();
    tree.file("out", 1000);
    tree.link("0", "out");
    for i in 1..45 {
        tree.link(i.to_string(), (i - 1).to_string());
    }
    for i in [1, 38, 39, 40, 41] {
        tree.dir(format!("t{i}"));
        tree.link(format!("t{i}/l"), format!("../{i}"));
        assert_agrees(&[&tree.at(format!("t{i}"))]);
    }
}

#[test]
fn whatever_way_links_take_to_a_file_it_counts_once() {
    let tree = Tree::new();
    for (i, file) in ["lib/a", "lib/b", "lib/c", "deep/x/f", "s/f", "q/s/f"].iter().enumerate() {
        tree.file(Path::new("t").join(file), 1 << i);
        tree.file(Path::new("out").join(file), 1000 << i);
    }
    for dir in ["t/bin", "t/alt", "t/q/r", "t/r", "t/deep/x/y"] {
        tree.dir(dir);
    }
    let before = assert_agrees(&[&tree.at("t")]);
    tree.link("t/bin/in", "../lib/a");
    tree.link("t/bin/in, by its full name", tree.at("t/lib/a"));
    tree.link("t/bin/name", "another name");
    tree.link("t/bin/another name", "../alt/b");
    tree.link("t/alt/b", "b, again");
    tree.link("t/alt/b, again", "../lib/b");
    // A way may lead over links itself, and go on upwards from where they lead.
    tree.link("t/to lib", "lib");
    tree.link("t/to y", "deep/x/y");
    tree.link("t/bin/over a link", "../to lib/c");
    tree.link("t/bin/up again", "../to y/../f");
    // The same way, but from elsewhere.
    tree.link("t/r/f", "../s/f");
    tree.link("t/q/r/f", "../s/f");
    assert_eq!(assert_agrees(&[&tree.at("t")]), before);
    tree.dir("u");
    tree.link("u/each", "../out");
    tree.link("t/bin/out", "../../out/lib/a");
    tree.link("t/bin/out, by another name", "name of out");
    tree.link("t/bin/name of out", "../alt/out");
    tree.link("t/alt/out", tree.at("out/lib/b"));
    tree.link("t/alt/out again", "../bin/name of out");
    assert_eq!(assert_agrees(&[&tree.at("t")]), [before[0] + 3000]);
    assert_agrees(&[&tree.at("t"), &tree.at("u")]);
    assert_agrees(&[&tree.at("u"), &tree.at("t")]);
}

#[test]
fn an_operand_may_be_a_link() {
    let tree = Tree::new();
    tree.file("t/f", 1000);
    tree.link("to t", "t");
    tree.link("to f", "to t/f");
    tree.link("to nothing", "xyz");
    let t = tree.at("t");
    let [to_t, to_f, to_nothing] = ["to t", "to f", "to nothing"].map(|name| tree.at(name));
    assert_eq!(assert_agrees(&[&to_t, &t, &to_f, &to_nothing]), [1000 + size(&t), 0, 0, 3]);
    assert_eq!(assert_agrees(&[&to_f, &to_t, &to_nothing, &to_nothing]), [1000, size(&t), 3, 0]);
}

#[test]
fn relative_operands_and_dots_mean_the_same_directory() {
    let src = Path::new("src");
    let sums =
        assert_agrees(&[src, Path::new("./src/"), Path::new("src/../src/walk"), Path::new("src/lib.rs")]);
    assert!(sums[0] > 0 && sums[1..] == [0, 0, 0]);
}

#[test]
fn any_bytes_make_a_name() {
    let tree = Tree::new();
    for (i, name) in
        [&b"new\nline"[..], b"\xff\xfe", b" ", b"'\"\\$", b"-", &[b'n'; 255], b"..."].iter().enumerate()
    {
        let dir = Path::new("t").join(OsStr::from_bytes(name));
        tree.file(dir.join(OsStr::from_bytes(name)), i as u64);
        tree.file(Path::new("out").join(OsStr::from_bytes(name)).join("f"), 100);
        tree.link(dir.join("out"), tree.at("out").join(OsStr::from_bytes(name)));
    }
    assert_agrees(&[&tree.at("t")]);
}

#[test]
fn sockets_and_pipes_have_the_size_they_say() {
    let tree = Tree::new();
    tree.dir("t/a");
    let _socket = UnixListener::bind(tree.at("t/a/s")).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, tree.at("t/p"), fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    tree.link("t/a/to p", "../p");
    tree.link("t/a/null", "/dev/null");
    assert_agrees(&[&tree.at("t")]);
}

#[test]
fn sizes_beyond_the_largest_number_stop_there() {
    let tree = Tree::new();
    tree.dir("t");
    // Few file systems have room for such a size; then there is nothing to test.
    for i in 0..4 {
        let file = fs::File::create(tree.at(format!("t/{i}"))).unwrap();
        if file.set_len(i64::MAX as u64 - 4096).is_err() {
            return;
        }
    }
    assert_eq!(walk(2, &[&tree.at("t")]).0, [Some(u64::MAX)]);
}

#[test]
fn what_is_not_there_is_an_answer() {
    let tree = Tree::new();
    tree.file("f", 1);
    for missing in [tree.at("missing"), tree.at("f/x"), "".into(), "a\0b".into()] {
        let (sums, complaints) = walk(2, &[&missing]);
        assert_eq!((sums, complaints.len()), (vec![None], 1));
        assert_eq!(complaints[0].path, missing);
    }
}
