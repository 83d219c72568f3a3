//! The manual page and the completions for shells, in `cli/generated`: written by a test, so that the program need not
//! hold what writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::command::command;
use super::face::Face;

/// If this is set, the files are written anew.
const WRITE: &str = "MY_DU_WRITE_GENERATED";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("generated")
}

fn manual() -> String {
    let mut page = Vec::new();
    let command = command(&Face::called(None));
    let about = command.get_about().unwrap().clone();
    Man::new(command.about("what directories hold").long_about(about)).render(&mut page).unwrap();
    String::from_utf8(page).unwrap()
}

fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut command(&Face::called(None)), super::NAME, &mut script);
    String::from_utf8(script).unwrap()
}

#[test]
fn the_manual_and_the_completions_are_up_to_date() {
    let files = [
        ("my_du.1", manual()),
        ("my_du.bash", completion(Shell::Bash)),
        ("_my_du", completion(Shell::Zsh)),
        ("my_du.fish", completion(Shell::Fish)),
    ];
    for (name, text) in files {
        let path = directory().join(name);
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(directory()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let is_current = fs::read_to_string(&path).is_ok_and(|found| found == text);
        assert!(is_current, "{name} is not up to date: {WRITE}=1 cargo test -p memalloc-cli generated");
    }
}

#[test]
fn bash_completes_options() {
    // The other test may be writing the files.
    if std::env::var_os(WRITE).is_some() {
        return;
    }
    let script = "source my_du.bash; COMP_WORDS=(my_du --js); COMP_CWORD=1
        _my_du my_du --js my_du; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", script]).current_dir(directory()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "--json\n", "{output:?}");
}
