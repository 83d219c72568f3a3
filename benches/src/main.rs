//! memalloc beside its peers, on one arena, printed as Markdown.
//!
//! `cargo run --release -p memalloc-benches -- [instructions | density | throughput]`, all if none is named.

mod density;
mod instructions;
mod peer;
mod random;
mod steps;
mod throughput;

use peer::{Dlmalloc, Floor, General, LinkedList, Peer, RealTime, Rlsf, Talc};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|there| there == name);
    if wanted("instructions") {
        steps::prepare();
        println!("Instructions a call, 1 MiB, half full, log-uniform 1..=4096: mean / p50 / p99 / worst\n");
        println!("| | allocate | deallocate |\n| --- | --- | --- |");
        instructions::<General>();
        instructions::<RealTime>();
        instructions::<Talc>();
        instructions::<Rlsf>();
        instructions::<Dlmalloc>();
        instructions::<LinkedList>();
        instructions::<Floor>();
    }
    if wanted("density") {
        println!("\nLive payload at the first failed request\n");
        println!(
            "| | 16 KiB, 8..=128 | 64 KiB, 8..=128 | 1 MiB, 8..=128 | 1 MiB, 1..=4096 | 64 MiB, 1..=20480 |"
        );
        println!("| --- | --- | --- | --- | --- | --- |");
        density::<General>();
        density::<RealTime>();
        density::<Talc>();
        density::<Rlsf>();
        density::<Dlmalloc>();
        density::<LinkedList>();
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
}

fn instructions<P: Peer>() {
    // Each instruction of the counted calls takes microseconds.
    let operations =
        std::env::var("OPERATIONS").map_or(4000, |given| given.parse().expect("OPERATIONS is a number"));
    let named: Vec<String> = std::env::args().skip(2).collect();
    if !named.is_empty() && !named.iter().any(|name| name == P::NAME) {
        return;
    }
    let cells = instructions::count::<P>(MIB, 4096, operations).map(|counts| {
        let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|part| counts.quantile(part));
        format!("{:.1} / {p50} / {p99} / {worst}", counts.mean())
    });
    println!("| {} | {} |", P::NAME, cells.join(" | "));
}

fn density<P: Peer>() {
    let cases = [(16 * KIB, 8, 128), (64 * KIB, 8, 128), (MIB, 8, 128), (MIB, 1, 4096), (64 * MIB, 1, 20480)];
    let cells = cases.map(|(arena, smallest, largest)| {
        // A first-fit list takes minutes there.
        let too_long = P::NAME == LinkedList::NAME && arena > MIB;
        if too_long {
            String::new()
        } else {
            format!("{:.1} %", 100.0 * density::mean::<P>(arena, smallest, largest))
        }
    });
    println!("| {} | {} |", P::NAME, cells.join(" | "));
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
