//! Programs with `libmemalloc_preload.so` as their malloc.

#[path = "../../capi/tests/build/mod.rs"]
mod build;

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use build::{all, compile, libraries, stdout_of};
use tempfile::TempDir;

/// A command that runs with this malloc.
fn preloaded(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", libraries().join("libmemalloc_preload.so"));
    command
}

/// A C program of these tests, and the directory that it goes with.
fn program(name: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join(name);
    let source = format!("{}/tests/{name}.c", env!("CARGO_MANIFEST_DIR"));
    // The mistakes are made on purpose.
    compile("cc", &["-w", "-pthread", &source, "-o", program.to_str().unwrap()]);
    (directory, program)
}

/// A C++ program of these tests, and the directory that it goes with.
fn cxx_program(name: &str, flags: &[&str]) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join(name).to_str().unwrap().to_owned();
    let source = format!("{}/tests/{name}.cpp", env!("CARGO_MANIFEST_DIR"));
    compile("c++", &[flags, &["-std=c++17", "-w", &source, "-o", &program]].concat());
    (directory, program)
}

/// What a shell command prints without and with this malloc is the same; it is returned.
fn same_as_ever(script: &str) -> String {
    let ever = stdout_of(Command::new("sh").args(["-c", script]));
    let now = stdout_of(preloaded("sh").args(["-c", script]));
    assert_eq!(now, ever, "{script}");
    now
}

#[test]
fn the_library_is_what_the_program_uses() {
    let (_directory, manual) = program("manual");
    assert_eq!(stdout_of(&mut preloaded(manual.to_str().unwrap())), "112\n");
}

#[test]
fn a_long_listing_is_the_same() {
    assert!(same_as_ever("ls -lR /usr/include | sort").len() > 1000);
}

#[test]
fn perl_is_the_same() {
    let script = r#"perl -e 'my %h; $h{$_} = $_ x 10 for 1..20000; print join(",", sort keys %h)'"#;
    assert!(same_as_ever(script).len() > 100_000);
}

#[test]
fn python_is_the_same() {
    let script = r#"PYTHONMALLOC=malloc python3 -c 'import json, threading
out = []
def work(n): out.append(len(json.dumps([{str(i): [i] * 10} for i in range(n)])))
threads = [threading.Thread(target=work, args=(2000,)) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(out)'"#;
    assert!(same_as_ever(script).len() > 10);
}

#[test]
fn git_is_the_same() {
    assert!(same_as_ever("git --version && git help -a | sort").len() > 1000);
}

#[test]
fn a_compiler_and_its_children_are_the_same() {
    let script = "printf '#include <stdio.h>\\nint main(void){return puts(\"x\");}' | cc -O2 -S -x c - -o -";
    assert!(same_as_ever(script).contains("main"));
}

#[test]
fn a_bad_free_prints_one_line_and_aborts() {
    let (_directory, double_free) = program("double_free");
    let run = |which| preloaded(double_free.to_str().unwrap()).arg(which).output().unwrap();
    assert!(run("none").status.success());
    for (which, start, end) in [
        ("double", "memalloc: double free of 0x", ": the memory at the address is free already\n"),
        ("interior", "memalloc: bad free of 0x", ": no block starts at the address\n"),
        ("realloc", "memalloc: double free of 0x", ": the memory at the address is free already\n"),
        ("foreign", "memalloc: bad free of 0x", ": the address is not of this heap\n"),
        ("shorter", "memalloc: bad free of 0x", "another size: 112 bytes\n"),
        ("much shorter", "memalloc: bad free of 0x", "another size: 5008 bytes\n"),
        ("longer", "memalloc: bad free of 0x", "another size: 5008 bytes\n"),
        ("no alignment", "memalloc: bad free of 0x", "another size: 112 bytes\n"),
    ] {
        let output = run(which);
        assert_eq!(output.status.signal(), Some(6), "{which}: {}", all(&output));
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(line.starts_with(start) && line.ends_with(end), "{which}: {line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn the_whole_surface_of_malloc_h_is_there() {
    let (_directory, surface) = program("surface");
    let output = preloaded(surface.to_str().unwrap()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "all there\n", "{stderr}");
    assert!(stderr.starts_with("memalloc: ") && stderr.contains(" bytes in use in "), "{stderr}");
}

#[test]
fn cxx_has_every_form_of_new_and_delete() {
    let (_directory, program) = cxx_program("cxx", &["-fno-builtin", "-pthread"]);
    assert_eq!(stdout_of(&mut preloaded(&program)), "as it should be\n");
    let short =
        [0, 96, 200, 5000, isize::MAX as usize, usize::MAX - 15, usize::MAX].map(|wrong| (wrong, 5000, 112));
    for (size, aligned, bytes) in short.into_iter().chain([(100, 4900, 5008), (100, 5100, 5008)]) {
        let output = preloaded(&program).args([size, aligned].map(|size| size.to_string())).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.signal(), Some(6), "{size}, {aligned}: {stderr}");
        assert!(
            stderr.starts_with("memalloc: bad free of 0x")
                && stderr.ends_with(&format!("another size: {bytes} bytes\n")),
            "{stderr}"
        );
    }
}

#[test]
fn a_program_with_some_forms_of_new_and_delete_has_the_others_go_to_them() {
    for own in ["-DOWN_NEW", "-DOWN_ARRAYS"] {
        let (_directory, program) = cxx_program("partial", &[own]);
        assert_eq!(stdout_of(&mut preloaded(&program)), "its own\n", "{own}");
    }
}

#[test]
fn what_a_handler_of_cxx_found_is_as_long_as_was_asked_for() {
    let (_directory, program) = cxx_program("handler", &["-fno-builtin"]);
    assert_eq!(stdout_of(&mut preloaded(&program)), "as it should be\n");
}

#[test]
fn new_throws_where_a_plugin_has_the_cxx_library_to_itself() {
    let (directory, plugin) = cxx_program("plugin", &["-shared", "-fPIC"]);
    let host = directory.path().join("host").to_str().unwrap().to_owned();
    compile("cc", &[&format!("{}/tests/plugin_host.c", env!("CARGO_MANIFEST_DIR")), "-o", &host]);
    assert_eq!(stdout_of(preloaded(&host).arg(plugin)), "refused\n");
}

#[test]
fn a_plugin_deletes_what_a_new_that_is_linked_into_the_program_made() {
    let (_plugins, plugin) = cxx_program("plugin", &["-shared", "-fPIC"]);
    let (_hosts, host) = cxx_program("static_host", &["-static-libstdc++"]);
    assert_eq!(stdout_of(preloaded(&host).arg(plugin)), "taken\n");
}

/// As PHP opens its extensions. The library lies where only the program's own search path leads.
#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn a_library_that_is_to_find_its_own_malloc_first_finds_this_one() {
    let directory = tempfile::tempdir().unwrap();
    let in_directory = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let source = |name: &str| format!("{}/tests/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let (program, library) = (in_directory("deep"), in_directory("deep_library.so"));
    let runpath = "-Wl,--enable-new-dtags,-rpath,$ORIGIN";
    compile("cc", &["-w", &source("deep"), runpath, "-o", &program]);
    compile("cc", &["-shared", "-fPIC", &source("deep_library"), "-o", &library]);
    assert_eq!(stdout_of(preloaded(&program).arg("deep_library.so")), "deep\n");
}

#[test]
fn a_malloc_of_the_program_s_own_is_given_nothing_of_this_one_s() {
    let (_directory, own) = cxx_program("own_malloc", &["-fno-builtin"]);
    assert_eq!(stdout_of(&mut preloaded(&own)), "0 foreign\n");
}

#[test]
fn what_a_program_wraps_does_not_lead_back_to_it() {
    let (_directory, wrapped) = program("wrapped");
    let ever = stdout_of(&mut Command::new(wrapped.to_str().unwrap()));
    assert_eq!(stdout_of(&mut preloaded(wrapped.to_str().unwrap())), ever);
}

/// As other libraries have them do.
#[test]
fn threads_may_end_and_free_before_a_fork() {
    let directory = tempfile::tempdir().unwrap();
    let in_directory = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let source = |name: &str| format!("{}/tests/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let (program, library) = (in_directory("early"), in_directory("libearly.so"));
    compile("cc", &["-w", "-shared", "-fPIC", "-pthread", &source("early_library"), "-o", &library]);
    compile("cc", &["-w", &source("early"), &library, "-Wl,-rpath,$ORIGIN", "-o", &program]);
    assert_eq!(stdout_of(preloaded("timeout").args(["20", &program])), "100 forks\n");
}

/// Were a lock held meanwhile, the thread that holds the file might wait for it.
#[test]
fn threads_allocate_while_a_fork_waits() {
    let (_directory, program) = program("fork_waits");
    assert_eq!(stdout_of(&mut preloaded(program.to_str().unwrap())), "");
}

/// A heap that a thread takes over in its last destructor is given up by nobody.
#[test]
fn threads_that_allocate_to_the_last_leave_no_heaps_behind() {
    let (_directory, program) = program("last_words");
    assert_eq!(stdout_of(&mut preloaded(program.to_str().unwrap())), "little\n");
}

/// The heap is given up once keys' destructors have been called, not before.
#[test]
fn what_a_thread_frees_last_goes_back_too() {
    let (_directory, program) = program("last_frees");
    assert_eq!(stdout_of(&mut preloaded(program.to_str().unwrap())), "little\n");
}

#[test]
fn a_few_threads_that_allocate_ask_for_no_limits_which_a_sandbox_may_punish() {
    let (_directory, program) = program("sandbox");
    let said = stdout_of(&mut preloaded(program.to_str().unwrap()));
    assert!(said == "done\n" || said == "no sandbox\n", "{said}");
}

/// With a region each, the threads would take six times the address space that there is.
#[test]
fn a_crowd_of_threads_shares_little_address_space() {
    let (_directory, crowd) = program("crowd");
    let mut limited = preloaded("sh");
    limited.args(["-c", "ulimit -v 204800 && exec \"$0\""]).arg(crowd);
    assert_eq!(stdout_of(&mut limited), "0 bad\n");
}
