//! `memalloc map`, from outside.

mod memalloc_common;

use std::collections::HashMap;

use memalloc_common::{broken_pipe, memalloc, memalloc_reading, trace, with_file};
use roxmltree::{Document, Node};

/// The drawing of `mixed.rep` where it has free chunks of one granule and of two.
fn mixed(width: &str) -> String {
    let ran =
        memalloc(&["map", "--arena=16K", "--real-time", "--at=10", "--width", width, &trace("mixed.rep")]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    ran.out
}

fn svg(arguments: &[&str]) -> String {
    let mut line = vec!["map", "--svg=-"];
    line.extend(arguments);
    let ran = memalloc(&line);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    ran.out
}

fn texts(document: &Document<'_>) -> Vec<String> {
    let text = |node: Node<'_, '_>| node.text().map(str::to_owned);
    document.descendants().filter(|node| node.has_tag_name("text")).filter_map(text).collect()
}

/// The first granule of `mixed.rep`'s heap that chunks are made of, as the program tells it.
fn first() -> usize {
    let ran = memalloc(&["map", "--arena=16K", "--real-time", "--granule=0", &trace("mixed.rep")]);
    let (_, after) = ran.err.split_once("granules ").expect("the granules are named");
    after.split_once(" to 1023\n").and_then(|(first, _)| first.parse().ok()).expect("the first is named")
}

#[test]
fn the_text_tells_what_is_kept_of_each_chunk() {
    let drawing = mixed("120");
    assert!(drawing.starts_with("The heap of mixed.rep after 10 of 13 operations\n"));
    let first = first();
    let (entry, end) = ((first + 7) / 64 + 1, first + 7 + 125);
    for (granule, line) in [
        (0, "       48   1    0    in use: 40 bytes, id 1".to_owned()),
        (3, format!("       16   0    1    free: next g{}, back bin 1 (its footer too)", first + 132)),
        (4, "       16   1    1    in use: 10 bytes, id 3".to_owned()),
        (5, "       32   0    1    free: next none, back bin 2, size 2, footer 2".to_owned()),
        (
            7,
            format!(
                "    2,000   1    1    in use: 2,000 bytes, id 5; map entry {entry} notes its end: g{end}"
            ),
        ),
        (132, format!("       16   0    1    free: next none, back g{} (its footer too)", first + 3)),
        (133, "      112   1    1    in use: 100 bytes, id 7".to_owned()),
    ] {
        let line = format!(" g{} {line}\n", first + granule);
        assert!(drawing.contains(&line), "{line}\n{drawing}");
    }
}

#[test]
fn the_text_keeps_to_its_width_and_has_no_colours_when_piped() {
    for width in [54, 60, 100, 200] {
        for line in mixed(&width.to_string()).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert!(!line.contains('\u{1b}'));
        }
    }
}

#[test]
fn the_picture_is_of_the_peak_unless_told_otherwise() {
    let drawn = |arguments: &[&str]| {
        let mut line = vec!["map", "--arena=16K"];
        line.extend(arguments);
        memalloc(&line).out.lines().next().unwrap_or_default().to_owned()
    };
    let mixed = trace("mixed.rep");
    assert!(
        drawn(&[&mixed])
            .starts_with("The heap of mixed.rep after 7 of 13 operations, when most payload is live")
    );
    assert_eq!(drawn(&["--at=13", &mixed]), "The heap of mixed.rep after 13 of 13 operations");
}

#[test]
fn what_cannot_be_drawn_is_named() {
    let mixed = trace("mixed.rep");
    let error = |arguments: &[&str]| {
        let mut line = vec!["map", "--arena=16K", &mixed];
        line.extend(arguments);
        let ran = memalloc(&line);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""));
        ran.err
    };
    assert_eq!(error(&["--at=14"]), format!("memalloc: --at 14: {mixed} has 13 operations\n"));
    assert_eq!(
        error(&["--at=0"]),
        format!("memalloc: {mixed} has no memory yet after 0 operations: nothing to draw\n")
    );
    assert!(
        error(&["--granule=5"]).starts_with("memalloc: --granule 1:5: the chunks of span 1 are granules ")
    );
    assert_eq!(error(&["--granule=2:5"]), "memalloc: --granule 2:5: the heap has 1 span\n");
    assert_eq!(
        error(&["--svg=/nowhere/at/all.svg"]),
        "memalloc: /nowhere/at/all.svg: No such file or directory (os error 2)\n"
    );
}

#[test]
fn the_user_may_choose_what_is_enlarged() {
    let (chosen, starts) = (format!("--granule={}", first() + 20), first() + 7);
    let ran = memalloc(&["map", "--arena=16K", "--real-time", "--at=10", &chosen, &trace("mixed.rep")]);
    assert!(ran.out.contains(&format!("From g{starts} on")), "{}", ran.out);
    let page = svg(&["--arena=16K", "--real-time", "--at=10", &chosen, &trace("mixed.rep")]);
    assert!(page.contains(&format!("Enlarged: granules g{starts} to")), "{page}");
}

#[test]
fn the_svg_spells_out_what_a_free_chunk_keeps() {
    let page = svg(&["--arena=16K", "--real-time", "--at=10", &trace("mixed.rep")]);
    let document = Document::parse(&page).expect("it is XML");
    let texts = texts(&document);
    let upper = format!("g{}", first() + 132);
    for text in [
        "The heap of mixed.rep after 10 of 13 operations",
        "header",
        "bins",
        "id 1",
        "id 3",
        "id 5",
        "id 7",
        "next",
        "back",
        "size",
        "footer",
        "bin 1",
        &upper,
        "10 of 16 B",
        "40 bytes asked, 48 taken",
    ] {
        assert!(texts.iter().any(|there| there == text), "{text}: {texts:?}");
    }
    assert!(texts.iter().any(|text| text.starts_with("entry ") && text.ends_with(&upper[1..])), "{texts:?}");
    // The link from one free granule to the other, and no more.
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("polyline")).count(), 1);
}

/// In an arena of 1 MiB marks and lists stand above the last chunk: a bit for each granule, and a list of up to 32.
#[test]
fn the_svg_tells_marks_and_quick_lists_from_chunks() {
    let page = svg(&["--arena=1M", "--at=10", &trace("mixed.rep")]);
    let texts = texts(&Document::parse(&page).expect("the page is XML"));
    let lists = texts.iter().position(|text| text == "marks, quick lists").expect("they are drawn");
    assert_eq!(texts[lists + 1], "8,720 bytes");
    let last = (1 << 20) / 16 - 8720 / 16 - 1;
    let chunks = texts.iter().find(|text| text.starts_with("chunks: granules")).expect("they are drawn");
    assert!(chunks.ends_with(&format!(" to g{},{}", last / 1000, last % 1000)), "{chunks}");
    let real_time = svg(&["--arena=1M", "--real-time", "--at=10", &trace("mixed.rep")]);
    assert!(!real_time.contains("quick lists"));
}

#[test]
fn the_svg_has_the_map_s_bits_for_each_granule_drawn() {
    let from = format!("--granule={}", first());
    let page = svg(&["--arena=16K", "--real-time", "--at=10", &from, &trace("mixed.rep")]);
    let document = Document::parse(&page).expect("it is XML");
    let classes =
        |class: &str| document.descendants().filter(|node| node.attribute("class") == Some(class)).count();
    // The guide has four set. Of the chunks, four are in use, three of them above a free one, and four are free.
    assert_eq!(classes("on"), 4 + 4 + 3 + 4);
}

#[test]
fn boxes_of_the_svg_stay_on_the_page() {
    for arguments in [&["--arena=256K"][..], &["--source=mmap"], &["--arena=256K", "--at=1"]] {
        let random = trace("random.rep");
        let page = svg(&[arguments, &[&random]].concat());
        let document = Document::parse(&page).expect("it is XML");
        let number = |node: Node<'_, '_>, name: &str| {
            node.attribute(name).map_or(0.0, |text| text.parse::<f64>().unwrap())
        };
        let root = document.root_element();
        let (width, height) = (number(root, "width"), number(root, "height"));
        for node in document.descendants().filter(Node::is_element) {
            let (x, y) = (number(node, "x"), number(node, "y"));
            let (right, bottom) = match node.tag_name().name() {
                "rect" => (x + number(node, "width"), y + number(node, "height")),
                _ => (x, y),
            };
            assert!(x >= 0.0 && y >= 0.0 && right <= width && bottom <= height, "{node:?}");
        }
    }
}

#[test]
fn used_and_free_boxes_of_the_svg_overlap_none() {
    let page = svg(&["--arena=256K", &trace("random.rep")]);
    let document = Document::parse(&page).expect("it is XML");
    let mut rows: HashMap<String, Vec<(f64, f64)>> = HashMap::new();
    for node in document.descendants().filter(|node| node.attribute("class") == Some("edge")) {
        let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
        rows.entry(node.attribute("y").unwrap().to_owned()).or_default().push((number("x"), number("width")));
    }
    assert!(rows.len() > 1);
    for boxes in rows.values_mut() {
        boxes.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(boxes.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "{boxes:?}");
    }
}

#[test]
fn a_big_heap_makes_no_big_svg() {
    let mut text = String::from("0\n100000\n150000\n1\n");
    for id in 0..100_000 {
        text += &format!("a {id} {}\n", 1 + id % 500);
    }
    for id in (0..100_000).step_by(2) {
        text += &format!("f {id}\n");
    }
    let ran = memalloc_reading(&["map", "--svg=-", "--at=150000", "-"], text.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.len() < 300_000, "{}", ran.out.len());
    Document::parse(&ran.out).expect("it is XML");
}

#[test]
fn a_name_that_xml_cannot_hold_makes_xml() {
    let content = std::fs::read(trace("mixed.rep")).unwrap();
    with_file("<&\"\u{1}'>.rep", &content, |path| {
        let page = svg(&["--arena=16K", path]);
        let document = Document::parse(&page).expect("it is XML");
        assert!(texts(&document)[0].contains("<&\"\\u{1}'>.rep"), "{page}");
    });
}

#[test]
fn a_file_is_written_and_nothing_printed() {
    with_file("map.svg", b"", |path| {
        let ran = memalloc(&["map", "--arena=16K", "--svg", path, &trace("mixed.rep")]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
        assert!(std::fs::read_to_string(path).unwrap().starts_with("<svg "));
    });
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    assert_eq!(broken_pipe(&["map", &trace("mixed.rep")]), (Some(0), String::new()));
}
