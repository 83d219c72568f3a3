//! The C library, from C: each program with the shared and with the static library.

mod build;

use std::path::{Path, PathBuf};
use std::process::Command;

use build::{compile, libraries, stdout_of};
use tempfile::TempDir;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// One C program, linked in both ways.
struct Programs {
    directory: TempDir,
}

impl Programs {
    fn of(source: &str) -> Self {
        let programs = Self { directory: tempfile::tempdir().unwrap() };
        let path = libraries().to_str().unwrap();
        programs.link(source, "shared", &["-L", path, "-lmemalloc", &format!("-Wl,-rpath,{path}")]);
        programs.link(source, "static", &[&format!("{path}/libmemalloc.a")]);
        programs
    }

    fn link(&self, source: &str, name: &str, library: &[&str]) {
        let (source, include) = (format!("{HERE}/{source}"), format!("-I{HERE}/include"));
        let output = self.directory.path().join(name);
        let mut arguments = vec!["-std=gnu11", "-pthread", &include, &source, "-o", output.to_str().unwrap()];
        arguments.extend(library);
        compile("cc", &arguments);
    }

    fn each(&self) -> [PathBuf; 2] {
        ["shared", "static"].map(|name| self.directory.path().join(name))
    }
}

#[test]
fn each_promise_of_the_header_is_kept() {
    for program in Programs::of("tests/api.c").each() {
        assert_eq!(stdout_of(&mut Command::new(program)), "all as promised\n");
    }
}

#[test]
fn the_example_prints_what_the_readme_says() {
    let expected = "\
memalloc(100)         a block
memfree(block + 16)   -1
memfree(block)        0
memfree(block)        -1
memfree(NULL)         -1
memfree(stack)        -1
memalloc(0)           NULL
memalloc(ULONG_MAX)   NULL
";
    for program in Programs::of("examples/hello.c").each() {
        assert_eq!(stdout_of(&mut Command::new(program)), expected);
    }
}

#[test]
fn the_first_block_holds_the_smallest_multiple_of_4_mib() {
    let programs = Programs::of("tests/first.c");
    let sizes =
        [("1", "4\n"), ("4194304", "4\n"), ("5000000", "8\n"), ("8388608", "8\n"), ("8388609", "12\n")];
    for (size, held) in sizes {
        for program in programs.each() {
            assert_eq!(stdout_of(Command::new(program).arg(size)), held, "{size}");
        }
    }
}

#[test]
fn threads_share_the_heap_and_their_children_go_on_with_it() {
    for program in Programs::of("tests/threads.c").each() {
        assert_eq!(stdout_of(&mut Command::new(program)), "0 bad, 0 blocks left, check 0\n");
    }
}

#[test]
fn a_plugin_that_is_closed_is_still_there_for_threads_that_end() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("plugin");
    let source = format!("{HERE}/tests/plugin.c");
    compile("cc", &["-std=gnu11", "-pthread", &source, "-o", program.to_str().unwrap(), "-ldl"]);
    let library = libraries().join("libmemalloc.so");
    assert_eq!(stdout_of(Command::new(program).arg(library)), "8 threads\n");
}

#[test]
fn little_address_space_is_enough() {
    for program in Programs::of("tests/limit.c").each() {
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -v 204800 && exec \"$0\""]).arg(program);
        let megabytes: u32 = stdout_of(&mut limited).trim().parse().unwrap();
        assert!((150..200).contains(&megabytes), "{megabytes}");
    }
}

#[test]
fn the_header_is_clean_c_and_c_plus_plus() {
    let include = format!("-I{HERE}/include");
    let directory = tempfile::tempdir().unwrap();
    let compilers =
        [("cc", "c", "c99"), ("cc", "c", "c17"), ("c++", "cpp", "c++98"), ("c++", "cpp", "c++17")];
    for (compiler, extension, standard) in compilers {
        let source = directory.path().join(format!("empty.{extension}"));
        let stats = if extension == "c" { "struct memalloc_stats" } else { "memalloc_stats" };
        let main = format!("int main(void) {{ {stats} stats; return memstats(&stats) + memfree(0); }}");
        std::fs::write(&source, format!("#include <memalloc.h>\n#include <memalloc.h>\n{main}\n")).unwrap();
        let program = directory.path().join("program");
        let library = format!("{}/libmemalloc.a", libraries().display());
        let standard = format!("-std={standard}");
        compile(
            compiler,
            &[
                "-pedantic",
                "-Wshadow",
                "-Wstrict-aliasing",
                &standard,
                &include,
                source.to_str().unwrap(),
                &library,
                "-o",
            ]
            .into_iter()
            .chain([program.to_str().unwrap()])
            .collect::<Vec<_>>(),
        );
        assert_eq!(Command::new(&program).status().unwrap().code(), Some(255));
    }
}

#[test]
fn the_shared_library_exports_the_header_s_functions_and_nothing_else() {
    let header = std::fs::read_to_string(Path::new(HERE).join("include/memalloc.h")).unwrap();
    let listing =
        stdout_of(Command::new("nm").args(["-D", "--defined-only"]).arg(libraries().join("libmemalloc.so")));
    let exported: Vec<_> = listing.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(exported.len(), 9, "{exported:?}");
    for name in exported {
        assert!(header.contains(&format!(" {name}(")) || header.contains(&format!("*{name}(")), "{name}");
    }
}

#[test]
fn an_installed_library_is_found_by_pkg_config() {
    let prefix = tempfile::tempdir().unwrap();
    let path = prefix.path().to_str().unwrap();
    let mut install = Command::new(format!("{HERE}/install"));
    stdout_of(install.args(["--prefix", path, "--libs"]).arg(libraries()));
    let flags = stdout_of(
        Command::new("pkg-config")
            .env("PKG_CONFIG_PATH", format!("{path}/lib/pkgconfig"))
            .args(["--cflags", "--libs", "memalloc"]),
    );
    let (source, program) = (format!("{HERE}/examples/hello.c"), format!("{path}/hello"));
    let mut arguments = vec![source.as_str(), "-o", &program];
    arguments.extend(flags.split_whitespace());
    compile("cc", &arguments);
    let output = stdout_of(Command::new(&program).env("LD_LIBRARY_PATH", format!("{path}/lib")));
    assert!(output.starts_with("memalloc(100)         a block\n"), "{output}");
}
