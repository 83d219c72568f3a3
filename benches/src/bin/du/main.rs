//! `my_du` beside its peers, on trees of every shape, printed as Markdown and drawn as SVG.
//!
//! `cargo build --release && cargo run --release -p memalloc-benches --bin du`

mod measure;
mod peers;
mod plot;
mod report;
mod trees;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use measure::Cache;
use peers::Peer;
use report::Table;
use trees::Tree;

fn main() -> ExitCode {
    match run(&command().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("du: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    Command::new("du")
        .about("Times my_du beside GNU du, pdu, diskus, dust and dua")
        .arg(
            Arg::new("scratch")
                .long("scratch")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("Where the trees are made and kept, and peers are installed (default: target/du)"),
        )
        .arg(
            Arg::new("runs")
                .long("runs")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .default_value("7")
                .help("How often each program walks each tree; the median counts"),
        )
        .arg(
            Arg::new("trees")
                .long("tree")
                .value_name("NAME")
                .action(ArgAction::Append)
                .value_parser(Tree::all().map(|tree| tree.name))
                .help("Only this tree; may be given several times"),
        )
        .arg(
            Arg::new("cold")
                .long("cold")
                .action(ArgAction::SetTrue)
                .help("With the kernel's caches dropped before each run, which takes root"),
        )
        .arg(
            Arg::new("install")
                .long("install-peers")
                .action(ArgAction::SetTrue)
                .help("Install the peers from crates.io first"),
        )
        .arg(
            Arg::new("results")
                .long("results")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("Write the tables and the plot there too"),
        )
}

fn run(matches: &ArgMatches) -> io::Result<()> {
    let scratch = matches.get_one::<PathBuf>("scratch").cloned().unwrap_or_else(|| "target/du".into());
    fs::create_dir_all(&scratch)?;
    if matches.get_flag("install") {
        peers::install(&scratch)?;
    }
    let peers = Peer::found(&scratch, &env::current_exe()?)?;
    let runs = matches.get_one::<u32>("runs").copied().unwrap_or(1) as usize;
    let cache = if matches.get_flag("cold") { Cache::Cold } else { Cache::Warm };
    let wanted: Vec<&String> = matches.get_many("trees").map_or_else(Vec::new, Iterator::collect);
    let mut table = Table::new(&peers, cache, runs);
    for tree in Tree::all() {
        if wanted.is_empty() || wanted.iter().any(|name| *name == tree.name) {
            let (path, entries) = tree.make(&scratch)?;
            table.add(&tree, entries, measure::all(&peers, (&path, entries), runs, cache)?);
        }
    }
    let text = table.markdown();
    print!("{text}");
    if let Some(results) = matches.get_one::<PathBuf>("results") {
        fs::create_dir_all(results)?;
        let name = table.file_name();
        fs::write(results.join(&name).with_extension("md"), text)?;
        plot::draw(&table, &results.join(name).with_extension("svg"))?;
    }
    Ok(())
}
