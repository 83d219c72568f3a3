//! memalloc beside its peers: density and throughput of one arena, printed as Markdown.
//!
//! `cargo run --release -p memalloc-benches`

mod density;
mod peer;
mod throughput;

use peer::{LinkedList, Ours, Peer};

const KIB: usize = 1 << 10;

fn main() {
    println!("| | {} | {} |\n| --- | --- | --- |", Ours::NAME, LinkedList::NAME);
    for (arena, largest) in [(16 * KIB, 128), (64 * KIB, 128), (KIB * KIB, 128), (KIB * KIB, 4096)] {
        let smallest = if largest == 128 { 8 } else { 1 };
        let cells = [
            density::mean::<Ours>(arena, smallest, largest),
            density::mean::<LinkedList>(arena, smallest, largest),
        ];
        println!("| live payload, {} KiB, {smallest}..={largest} B | {} |", arena / KIB, percent(cells));
    }
    for largest in [256, 4 * KIB] {
        let ratio = throughput::ratio::<Ours, LinkedList>(KIB * KIB, largest);
        println!("| pairs per second, 1024 KiB, 1..={largest} B, relative | {ratio:.2} | 1 |");
    }
}

fn percent(cells: [f64; 2]) -> String {
    cells.map(|cell| format!("{:.1} %", 100.0 * cell)).join(" | ")
}
