//! The malloc replacement beside its peers: loops, threads and real programs, printed as Markdown and drawn as SVG.
//!
//! `cargo build --release --workspace && cargo run --release -p memalloc-benches --bin malloc`

mod allocators;
mod loops;
mod measure;
mod peers;
#[path = "../../plot.rs"]
mod plot;
mod programs;
mod report;
#[path = "../../steps.rs"]
mod steps;

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use allocators::Allocator;
use report::Table;

fn main() -> ExitCode {
    match run(&command().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("malloc: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    Command::new("malloc")
        .about("Times libmemalloc_preload.so beside glibc and, where they are installed, mimalloc, jemalloc, tcmalloc and snmalloc")
        .arg(
            Arg::new("runs")
                .long("runs")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .default_value("5")
                .help("How often each is run; the median counts"),
        )
        .arg(Arg::new("only").long("only").value_name("NAME").help("Only what has this in its name"))
        .arg(
            Arg::new("results")
                .long("results")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("Write the tables and the plot there too"),
        )
        .arg(
            Arg::new("scratch")
                .long("scratch")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .default_value("target/malloc")
                .help("Where peers are installed"),
        )
        .arg(
            Arg::new("install-peers")
                .long("install-peers")
                .action(ArgAction::SetTrue)
                .help("Build mimalloc 3 and snmalloc from the sources in their crates first"),
        )
        .arg(Arg::new("loop").long("loop").value_name("NAME").hide(true))
}

fn run(matches: &ArgMatches) -> io::Result<()> {
    if let Some(name) = matches.get_one::<String>("loop") {
        return loops::run(name);
    }
    let bench = env::current_exe()?;
    let scratch =
        env::current_dir()?.join(matches.get_one::<PathBuf>("scratch").into_iter().collect::<PathBuf>());
    if matches.get_flag("install-peers") {
        peers::install(&scratch)?;
    }
    let allocators = Allocator::found(&bench, &scratch)?;
    let runs = matches.get_one::<u32>("runs").copied().unwrap_or(1) as usize;
    let only = matches.get_one::<String>("only").map_or("", String::as_str);
    let mut table = Table::new(&allocators, runs);
    table.instructions = measure::instructions(&bench, &allocators)?;
    let works = loops::all(&bench).into_iter().chain(programs::found());
    for work in works.filter(|work| work.name.contains(only)) {
        eprintln!("{}", work.name);
        let costs = measure::all(&work, &allocators, runs)?;
        table.add(work, costs);
    }
    let text = table.markdown();
    print!("{text}");
    if let Some(results) = matches.get_one::<PathBuf>("results") {
        table.write(results, &text)?;
    }
    Ok(())
}
