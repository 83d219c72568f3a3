//! Peers that Debian does not have, built from the sources in their crates.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A library made of a crate's C or C++ sources, as its authors say it is to be preloaded.
struct Source {
    name: &'static str,
    package: &'static str,
    version: &'static str,
    compiler: &'static str,
    /// Below the crate's folder, which stands where `CRATE` does.
    arguments: &'static str,
}

const SOURCES: [Source; 2] = [
    Source {
        name: "mimalloc 3",
        package: "libmimalloc-sys",
        version: "0.1.49",
        compiler: "cc",
        arguments: "-fvisibility=hidden -fno-builtin-malloc -DMI_MALLOC_OVERRIDE -DMI_SHARED_LIB -DMI_SHARED_LIB_EXPORT -ICRATE/c_src/mimalloc/v3/include \
                    CRATE/c_src/mimalloc/v3/src/static.c",
    },
    Source {
        name: "snmalloc",
        package: "snmalloc-sys",
        version: "0.7.6",
        compiler: "c++",
        arguments: "-std=c++20 -mcx16 -fvisibility=hidden -fno-rtti \
                    -DSNMALLOC_EXPORT=__attribute__((visibility(\"default\"))) -DSNMALLOC_USE_WAIT_ON_ADDRESS=1 -ICRATE/upstream/src \
                    CRATE/upstream/src/snmalloc/override/malloc.cc CRATE/upstream/src/snmalloc/override/new.cc -latomic",
    },
];

/// Those that are in the folder, built as is said above, by name.
pub(crate) fn found(folder: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let built = SOURCES.iter().filter(|source| source.is_built(folder));
    built.map(|source| (source.name, source.library(folder)))
}

/// Fetches and builds all of them in the folder.
pub(crate) fn install(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    SOURCES.iter().try_for_each(|source| source.fetch(folder).and_then(|()| source.build(folder)))
}

impl Source {
    fn library(&self, folder: &Path) -> PathBuf {
        folder.join(format!("lib{}.so", self.name.replace(' ', "-")))
    }

    /// What the library was built with stands there.
    fn note(&self, folder: &Path) -> PathBuf {
        self.library(folder).with_extension("arguments")
    }

    fn is_built(&self, folder: &Path) -> bool {
        self.library(folder).exists()
            && fs::read_to_string(self.note(folder)).is_ok_and(|it| it == self.arguments)
    }

    fn fetch(&self, folder: &Path) -> io::Result<()> {
        let Self { package, version, .. } = self;
        let archive = folder.join(format!("{package}.crate"));
        let address = format!("https://static.crates.io/crates/{package}/{package}-{version}.crate");
        run(Command::new("curl").args(["-sSfL", &address, "-o"]).arg(&archive))?;
        run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder))
    }

    fn build(&self, folder: &Path) -> io::Result<()> {
        let sources = folder.join(format!("{}-{}", self.package, self.version));
        let arguments = self.arguments.replace("CRATE", &sources.display().to_string());
        let mut compiler = Command::new(self.compiler);
        compiler.args(["-O3", "-DNDEBUG", "-shared", "-fPIC", "-ftls-model=initial-exec", "-o"]);
        run(compiler.arg(self.library(folder)).args(arguments.split_whitespace()).arg("-lpthread"))?;
        fs::write(self.note(folder), self.arguments)
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?}: {status}"))) }
}
