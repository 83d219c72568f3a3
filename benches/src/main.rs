//! memalloc beside its peers, on one arena, printed as Markdown.
//!
//! `cargo run --release -p memalloc-benches -- --help`
//!
//! `OPERATIONS` says how many calls are counted instruction by instruction: each instruction takes microseconds.

mod churn;
mod density;
mod growth;
mod holes;
mod instructions;
mod lists;
mod memory;
mod misuse;
mod peer;
mod plot;
mod random;
mod steps;
mod text;
mod throughput;
mod traces;

use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, Command};

use peer::{Compact, Dlmalloc, Floor, General, LinkedList, Peer, RealTime, Rlsf, SmallRlsf, Talc, TinyRlsf};
use plot::Chart;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const TINY: usize = 16 * KIB;
const SMALL: usize = 64 * KIB;

const PARTS: [&str; 9] =
    ["instructions", "density", "churn", "growth", "holes", "misuse", "text", "throughput", "lists"];

const PEERS: [&str; 8] = [
    General::NAME,
    RealTime::NAME,
    Compact::NAME,
    Talc::NAME,
    Rlsf::NAME,
    Dlmalloc::NAME,
    LinkedList::NAME,
    Floor::NAME,
];

const DIRECTORIES: [&str; 2] = ["plots=", "traces="];

fn command() -> Command {
    Command::new("memalloc-benches")
        .about("Measures memalloc beside its peers, on one arena")
        .after_help(format!(
            "Parts: {}, traces=DIR (replays what is there)\nPeers: {}\n\nplots=DIR draws instructions and density to there. \
             What is not named is left out, if anything is.",
            PARTS.join(", "),
            PEERS.map(|peer| format!("'{peer}'")).join(", ")
        ))
        .arg(
            Arg::new("word")
                .value_name("PART|PEER")
                .num_args(0..)
                .value_parser(ValueParser::from(word))
                .help("What is to be measured, and of whom"),
        )
}

/// A part, a directory or a peer.
fn word(text: &str) -> Result<String, &'static str> {
    let is_known = is_part(text) || PEERS.contains(&text);
    is_known.then(|| text.to_owned()).ok_or("expected a part or a peer, see --help")
}

fn is_part(word: &str) -> bool {
    PARTS.contains(&word) || DIRECTORIES.iter().any(|name| word.starts_with(name))
}

fn main() {
    // A reader who leaves is no error.
    // SAFETY: no handler is set.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let matches = command().get_matches();
    let named = || matches.get_many::<String>("word").into_iter().flatten();
    let parts: Vec<&String> = named().filter(|word| is_part(word)).collect();
    let peers: Vec<&str> = named().map(String::as_str).filter(|word| !is_part(word)).collect();
    let plots = parts.iter().find_map(|part| part.strip_prefix("plots=")).map(PathBuf::from);
    let wanted = |name: &str| {
        parts.iter().all(|part| part.starts_with("plots=")) || parts.iter().any(|part| *part == name)
    };
    if wanted("instructions") {
        let chart = instructions_of_all(&peers);
        write(&chart, plots.as_deref(), "instructions.svg");
    }
    if wanted("density") {
        let chart = density_of_all(&peers);
        write(&chart, plots.as_deref(), "density.svg");
    }
    if wanted("churn") {
        churn_of_all(&peers);
    }
    if wanted("growth") {
        growth_of_ours();
    }
    if wanted("holes") {
        holes_of_all(&peers);
    }
    if wanted("misuse") {
        misuse_of_all(&peers);
    }
    if wanted("text") {
        text_of_all(&peers);
    }
    if wanted("throughput") {
        println!("\nOperations a second over talc's\n");
        println!(
            "| | 1 MiB, to 256 | to 4 KiB | to 20 KiB | to 64 KiB | 64 MiB, to 256 | to 4 KiB | to 20 KiB | to 64 KiB |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        throughput::<General>();
        throughput::<RealTime>();
    }
    if wanted("lists") {
        println!("\nLists of 16 to 80 B, freed at random and made anew: how many times as fast as talc\n");
        println!(
            "| | 1 MiB, 5,000, gone through once | four times | 64 MiB, 100,000, once | four times | 300,000, once | four times |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        lists::<General>();
        lists::<RealTime>();
    }
    if let Some(directory) = parts.iter().find_map(|part| part.strip_prefix("traces=")) {
        traces(directory);
    }
}

fn write(chart: &Chart, directory: Option<&Path>, name: &str) {
    if let Some(directory) = directory
        && let Err(error) = chart.write(&directory.join(name))
    {
        eprintln!("{name}: {error}");
    }
}

/// What a generic function says of each peer that is wanted.
macro_rules! each {
    ($peers:expr, $function:ident: $($peer:ty),*) => {{
        let mut rows = Vec::new();
        $(if $peers.is_empty() || $peers.contains(&<$peer>::NAME) {
            rows.push((<$peer>::NAME, $function::<$peer>()));
        })*
        rows
    }};
}

fn instructions_of_all(peers: &[&str]) -> Chart {
    steps::prepare();
    println!("Instructions a call, 1 MiB, half full, log-uniform 1..=4096: mean / p50 / p99 / worst\n");
    println!(
        "| | allocate | deallocate | reallocate, less the copy | allocate, aligned to 8..=512 | deallocate |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let rows =
        each!(peers, instructions: General, RealTime, Compact, Talc, Rlsf, Dlmalloc, LinkedList, Floor);
    Chart {
        title: "Instructions a call, mean: 1 MiB, half full, sizes log-uniform 1..=4096",
        series: vec!["allocate", "deallocate"],
        rows,
        most: 180.0,
    }
}

fn density_of_all(peers: &[&str]) -> Chart {
    println!("\nLive payload at the first failed request, state counted, mean of 20 seeds\n");
    println!(
        "| | 16 KiB, 8..=128 | 64 KiB, 8..=128 | 1 MiB, 8..=128 | 1 MiB, 1..=4096 | 64 MiB, 1..=20480 |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let rows = each!(peers, density: General, RealTime, Compact, Talc, Rlsf, Dlmalloc, LinkedList);
    Chart {
        title: "Live payload at the first failed request, %",
        series: vec![
            "16 KiB, 8..=128",
            "64 KiB, 8..=128",
            "1 MiB, 8..=128",
            "1 MiB, 1..=4096",
            "64 MiB, 1..=20480",
        ],
        rows,
        most: 100.0,
    }
}

fn churn_of_all(peers: &[&str]) {
    println!(
        "\nThe most live payload with which no request fails while blocks come and go, over the arena\n"
    );
    println!("| | 1 MiB, 8..=128 | 1 MiB, 1..=4096 | 16 MiB, 1..=20480 | 16 MiB, one of 200 large |");
    println!("| --- | --- | --- | --- | --- |");
    let _: Vec<(&str, ())> = each!(peers, churn: General, RealTime, Compact, Talc, Rlsf, Dlmalloc);
}

fn churn<P: Peer>() {
    let parts = [
        churn::most::<P>(MIB, &|random| random.log_uniform(8, 128)),
        churn::most::<P>(MIB, &|random| random.log_uniform(1, 4096)),
        churn::most::<P>(16 * MIB, &|random| random.log_uniform(1, 20480)),
        churn::most::<P>(16 * MIB, &churn::one_of_200_large),
    ];
    println!("| {} | {} |", P::NAME, parts.map(|part| format!("{:.1} %", 100.0 * part)).join(" | "));
}

fn growth_of_ours() {
    println!(
        "\nMiB asked of a source that always has 4 MiB more, while 20,000 blocks, 24 MB, one of 200 large, come and go\n"
    );
    println!("| after so many requests | 300,000 | 3 million | 30 million |");
    println!("| --- | --- | --- | --- |");
    let requests = [300_000, 3_000_000, 30_000_000];
    for (name, held) in [
        (General::NAME, growth::in_mode::<memalloc_core::General, 3>(requests)),
        (RealTime::NAME, growth::in_mode::<memalloc_core::RealTime, 3>(requests)),
        ("one of many", growth::of_one_of_many(requests)),
    ] {
        println!("| {name} | {} |", held.map(|bytes| (bytes / MIB).to_string()).join(" | "));
    }
}

fn holes_of_all(peers: &[&str]) {
    steps::prepare();
    println!("\nInstructions of the dearest request, where n holes of 1 KiB are free and nothing else\n");
    println!("| | 300 | 3,000 | 30,000 |");
    println!("| --- | --- | --- | --- |");
    let _: Vec<(&str, ())> = each!(peers, holes: General, RealTime, Compact, Talc, Rlsf, Dlmalloc);
}

fn holes<P: Peer>() {
    let cells = [300, 3_000, 30_000].map(|count| holes::dearest::<P>(count).to_string());
    println!("| {} | {} |", P::NAME, cells.join(" | "));
}

fn misuse_of_all(peers: &[&str]) {
    println!("\nWhat comes of a bad free\n");
    println!("| | a second time | inside a block | not the heap's | with another size |");
    println!("| --- | --- | --- | --- | --- |");
    let _: Vec<(&str, ())> =
        each!(peers, misuse: General, RealTime, Compact, Talc, Rlsf, Dlmalloc, LinkedList, Floor);
}

fn misuse<P: Peer>() {
    let cells = misuse::BadFree::ALL.map(misuse::outcome::<P>);
    println!("| {} | {} |", P::NAME, cells.join(" | "));
}

fn text_of_all(peers: &[&str]) {
    println!("\nBytes of machine code: allocate, deallocate, reallocate and all that they call, at `-Os`\n");
    println!("| | .text |");
    println!("| --- | --- |");
    let _: Vec<(&str, ())> = each!(peers, text: General, RealTime, Compact, Talc, Rlsf, Dlmalloc, LinkedList);
}

fn text<P: Peer>() {
    match text::bytes(P::NAME) {
        Ok(bytes) => println!("| {} | {bytes} |", P::NAME),
        Err(error) => eprintln!("{}: {error}", P::NAME),
    }
}

fn instructions<P: Peer>() -> Vec<f64> {
    let operations =
        std::env::var("OPERATIONS").map_or(4000, |given| given.parse().expect("OPERATIONS is a number"));
    let plain = instructions::count::<P>(MIB, 4096, 8, operations);
    let aligned = instructions::count::<P>(MIB, 4096, 512, operations / 2);
    let means = vec![plain.allocate.mean(), plain.deallocate.mean()];
    let cells = [plain.allocate, plain.deallocate, plain.reallocate, aligned.allocate, aligned.deallocate];
    let cells = cells.map(|counts| {
        let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|part| counts.quantile(part));
        format!("{:.1} / {p50} / {p99} / {worst}", counts.mean())
    });
    println!("| {} | {} |", P::NAME, cells.join(" | "));
    means
}

fn traces(directory: &str) {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "rep"))
        .collect();
    paths.sort();
    println!("\nTraces: peak payload over the smallest arena; ns an operation in three times the peak\n");
    println!("| | general | real-time | talc | general, ns | talc, ns | real-time, ns | talc, ns |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for path in &paths {
        let Some(trace) = traces::Trace::read(path) else { continue };
        let used =
            [trace.utilisation::<General>(), trace.utilisation::<RealTime>(), trace.utilisation::<Talc>()];
        let used = used.map(|part| format!("{:.1} %", 100.0 * part)).join(" | ");
        let ([general, talc], [real_time, again]) =
            (trace.times::<General, Talc>(), trace.times::<RealTime, Talc>());
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        println!("| {name} | {used} | {general:.1} | {talc:.1} | {real_time:.1} | {again:.1} |");
    }
}

fn density<P: Peer>() -> Vec<f64> {
    let cases = [(16 * KIB, 8, 128), (64 * KIB, 8, 128), (MIB, 8, 128), (MIB, 1, 4096), (64 * MIB, 1, 20480)];
    // A first-fit list takes minutes where the arena is large.
    let in_time = |size| P::NAME != LinkedList::NAME || size <= MIB;
    let cases = cases.iter().filter(|case| in_time(case.0));
    let parts: Vec<f64> = cases
        .map(|&(arena, smallest, largest)| {
            // What an allocator keeps of itself counts, and rlsf is told how large the arena is.
            let mean = match arena {
                TINY if P::NAME == Rlsf::NAME => density::mean::<TinyRlsf>,
                SMALL if P::NAME == Rlsf::NAME => density::mean::<SmallRlsf>,
                _ => density::mean::<P>,
            };
            100.0 * mean(arena, smallest, largest)
        })
        .collect();
    let cells: Vec<String> = parts.iter().map(|part| format!("{part:.1} %")).collect();
    println!("| {} | {} |", P::NAME, cells.join(" | "));
    parts
}

fn throughput<P: Peer>() {
    let mut cells = Vec::new();
    for arena in [MIB, 64 * MIB] {
        for largest in [256, 4 * KIB, 20 * KIB, 64 * KIB] {
            cells.push(format!("{:.2}", throughput::ratio::<P, Talc>(arena, largest)));
        }
    }
    println!("| {} | {} |", P::NAME, cells.join(" | "));
}

fn lists<P: Peer>() {
    let mut cells = Vec::new();
    for (arena, count) in [(MIB, 5_000), (64 * MIB, 100_000), (64 * MIB, 300_000)] {
        for walks in [1, 4] {
            cells.push(format!("{:.2}", lists::ratio::<P, Talc>(arena, count, walks)));
        }
    }
    println!("| {} | {} |", P::NAME, cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_and_peers_are_taken() {
        let is_taken = |line: &str| {
            command().try_get_matches_from(std::iter::once("benches").chain(line.split(", "))).is_ok()
        };
        assert!(PARTS.into_iter().chain([General::NAME, "plots=x", "traces=x, text"]).all(is_taken));
        assert!(!["plots", "nonsense", "--nonsense", "density2"].into_iter().any(is_taken));
    }
}
