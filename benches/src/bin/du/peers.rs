//! The programs that are compared.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The crates that bring the peers, and what cargo is to be told about them. The interactive part of dua is not measured.
const CRATES: [&[&str]; 4] =
    [&["parallel-disk-usage"], &["diskus"], &["du-dust"], &["dua-cli", "--no-default-features"]];

/// A program and the arguments that make it print one sum.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: &'static [&'static str],
}

impl Peer {
    /// GNU du, `my_du`, which lies beside `bench`, and those of the others that are in the scratch folder or in the search
    /// path.
    pub(crate) fn found(scratch: &Path, bench: &Path) -> io::Result<Vec<Self>> {
        let peer = |name, program, args| Self { name, program, args };
        let ours = bench.with_file_name("my_du");
        if !ours.exists() {
            return Err(io::Error::other(format!(
                "{} is not there: run 'cargo build --release' first",
                ours.display()
            )));
        }
        let mut peers = vec![
            peer("GNU du", "du".into(), &["-s"][..]),
            peer("my_du", ours, &[]),
            // It follows links, as my_du does.
            peer("GNU du -L", "du".into(), &["-s", "-L"]),
        ];
        let others: [(_, &[_]); 4] = [
            ("pdu", &["--max-depth=1"]),
            ("diskus", &[]),
            ("dust", &["-P", "-d", "0"]),
            ("dua", &["aggregate"]),
        ];
        for (name, args) in others {
            let installed = scratch.join("peers/bin").join(name);
            let program = if installed.exists() { installed } else { name.into() };
            if runs(&program) {
                peers.push(peer(name, program, args));
            } else {
                eprintln!("du: {name} is not there and is left out; --install-peers installs it");
            }
        }
        Ok(peers)
    }
}

/// Installs the peers into the scratch folder.
pub(crate) fn install(scratch: &Path) -> io::Result<()> {
    let root = scratch.join("peers");
    for args in CRATES {
        let status = Command::new("cargo").arg("install").arg("--root").arg(&root).args(args).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("{} could not be installed", args[0])));
        }
    }
    Ok(())
}

fn runs(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
