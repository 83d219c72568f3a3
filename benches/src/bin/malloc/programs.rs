//! Real programs, as far as they are installed.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::measure::{Kind, Work};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/malloc/programs");

/// A name, and the shell command.
const PROGRAMS: [(&str, &str, &str); 10] = [
    ("lua", "lua5.4", "exec lua5.4 HERE/tables.lua"),
    ("perl", "perl", "exec perl HERE/hashes.pl"),
    ("python", "python3", "exec python3 HERE/objects.py"),
    ("sqlite", "sqlite3", "exec sqlite3 :memory: < HERE/rows.sql"),
    ("git", "git", "exec git -C HERE log --stat -n 300"),
    ("gcc", "gcc", "exec gcc -O2 -c -x c SCRATCH/many.c -o SCRATCH/many.o"),
    ("gs", "gs", "exec gs -q -sDEVICE=pdfwrite -o SCRATCH/pages.pdf HERE/pages.ps"),
    ("redis", "redis-server", "exec sh HERE/redis.sh SCRATCH"),
    ("sort", "sort", "exec sort -k2 SCRATCH/lines -o /dev/null"),
    ("xml", "xmllint", "exec xmllint --noout SCRATCH/many.xml"),
];

/// Those that are installed.
pub(crate) fn found() -> Vec<Work> {
    let scratch = scratch();
    let is_there = |program: &str| {
        let mut which = Command::new("which");
        which.arg(program).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let found = PROGRAMS.into_iter().filter(|(_, program, _)| is_there(program));
    let work = |(name, _, script): (&'static str, _, &str)| {
        let script = script.replace("HERE", HERE).replace("SCRATCH", &scratch.display().to_string());
        let command = move || {
            let mut command = Command::new("sh");
            command.args(["-c", &script]).stdin(Stdio::null());
            command
        };
        Work { name, kind: Kind::Program, command: Box::new(command) }
    };
    found.map(work).collect()
}

/// A folder with what the programs read.
fn scratch() -> PathBuf {
    let scratch = std::env::temp_dir().join("memalloc-benches");
    fs::create_dir_all(&scratch).expect("a folder for what programs read");
    // Piece by piece: a child's peak is never below what this program has had.
    let write = |name: &str, pieces: &mut dyn Iterator<Item = String>| {
        let mut file = BufWriter::new(File::create(scratch.join(name)).expect("a file for programs to read"));
        for piece in pieces {
            file.write_all(piece.as_bytes()).expect("room for what programs read");
        }
    };
    let function = |n: usize| {
        format!(
            "struct s{n} {{ int a[{n}]; double b; }};\n\
             double f{n}(struct s{n} *p, int n) {{ double r = 0; for (int i = 0; i < n; i++) {{ \
             r += p->a[i % {n}] * p->b; if (r > 1e{}) r /= 3; }} return r; }}\n",
            n % 9
        )
    };
    write("many.c", &mut (1..400).map(function));
    write(
        "lines",
        &mut (0..400_000).map(|n| format!("{} {} {n}\n", n * 7919 % 100_003, n * 104_729 % 99_991)),
    );
    let elements = (0..200_000).map(|n| format!("<e a=\"{n}\" b=\"b{}\"><t>{}</t></e>\n", n % 97, n * 31));
    let all = ["<all>\n".to_owned()].into_iter().chain(elements).chain(["</all>\n".to_owned()]);
    write("many.xml", &mut { all });
    scratch
}
