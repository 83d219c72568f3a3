//! A tree for the comparisons.

use std::fs;
use std::process::Command;

use crate::my_du_support::Place;

/// A tree with all that a du may stumble over. It leads nowhere out of itself.
pub(crate) fn nasty() -> Place {
    let place = Place::new();
    let write = |name: &str, len: usize| {
        place.file(&format!("in/{name}"), 0);
        fs::write(place.at("in").join(name), vec![b'x'; len]).unwrap();
    };
    for (at, name) in
        ["a/f", "a/b/c/g", "a b/it's", "d/new\nline/x", "d/\u{e9}/#y", "z/-", "z/~", "z/\\", "z/d\\"]
            .iter()
            .enumerate()
    {
        write(name, at * 5000 + 1);
    }
    for i in 0..100 {
        write(&format!("many/{}/{i}.o", i % 13), i * 37);
        write(&format!("many/{i}.c"), i);
    }
    place.file("in/sparse", 3 << 30);
    let link =
        |from: &str, to: &str| fs::hard_link(place.at("in").join(from), place.at("in").join(to)).unwrap();
    link("a/f", "z/f again");
    link("a/f", "a/b/f again");
    link("many/7.c", "d/7");
    for (name, target) in [
        ("l/to a", "../a"),
        ("l/to file", "../a/f"),
        ("l/nowhere", "gone"),
        ("l/self", "."),
        ("l/loop", "loop"),
        ("l/up", "../l"),
        ("l/through a file", "../a/f/x"),
        ("to l", "l"),
        ("to nowhere", "gone"),
    ] {
        place.dir("in/l");
        place.link(&format!("in/{name}"), target);
    }
    place.dir("in/empty/er");
    let deep = "deep/".to_owned() + &"d/".repeat(50);
    write(&(deep.clone() + "f"), 5000);
    place.link(&format!("in/{deep}up"), "../..");
    for (name, kind) in [("in/fifo", "p"), ("in/d/fifo", "p")] {
        assert!(Command::new("mknod").arg(place.at(name)).arg(kind).status().unwrap().success());
    }
    for (name, date) in [
        ("a/b/c/g", "1969-07-20 20:17:40.5"),
        ("z/-", "2037-12-31 23:59:59.123456789"),
        ("empty/er", "2001-02-03 04:05:06"),
        ("many/7.c", "2030-07-01 12:00"),
    ] {
        let touch = Command::new("touch")
            .arg("-d")
            .arg(date)
            .arg(place.at("in").join(name))
            .env("TZ", "UTC")
            .status();
        assert!(touch.unwrap().success());
    }
    fs::write(place.at("in/patterns"), "*.c\n\n   \n  \nd/new*  \nit's\n#y\n").unwrap();
    fs::write(place.at("in/names"), b"a\0z\0\0gone\0a/b\0-\0").unwrap();
    place
}
