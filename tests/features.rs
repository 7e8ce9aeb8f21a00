//! A build without any feature has every function of the header; what it lacks says so, and the rest works.
#![cfg(unix)]

#[path = "support/artifacts.rs"]
mod artifacts;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use artifacts::run;

/// The library is built anew, without optimisation.
const PATIENCE: Duration = Duration::from_secs(600);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn must(command: &mut Command) -> String {
    let (status, said) = run(command, PATIENCE);
    assert!(status.success(), "{command:?}, {status}:\n{said}");
    said
}

/// The shared library without features, in a folder of its own.
fn without_features() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = artifacts::artifacts().folder.join("none");
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(root()).args(["build", "--lib", "--quiet", "--no-default-features"]);
        build.arg("--target-dir").arg(&folder);
        must(build.env("CARGO_PROFILE_DEV_OPT_LEVEL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0"));
        let library = folder.join("debug/libvestibule.so.0");
        fs::copy(folder.join("debug/libvestibule.so"), &library).expect("it is built");
        library
    })
}

#[test]
fn it_has_the_same_functions() {
    let said = must(
        Command::new("nm").args(["-D", "--defined-only", "--extern-only"]).arg(without_features()),
    );
    let exported: BTreeSet<&str> =
        said.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let symbols = fs::read_to_string(root().join("include/vestibule.symbols")).expect("the list");
    assert_eq!(exported, symbols.lines().collect());
}

#[test]
fn it_serves_sessions_and_says_what_it_lacks() {
    let program = artifacts::artifacts().folder.join("without-features");
    let mut compile = Command::new("cc");
    compile.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I"]).arg(root().join("include"));
    compile.arg(root().join("c-tests/features/none.c")).arg(without_features());
    must(compile.args(["-lpthread", "-o"]).arg(&program));
    let folder = without_features().parent().expect("it is in a folder");
    let mut with_library = Command::new("env");
    must(with_library.arg(format!("LD_LIBRARY_PATH={}", folder.display())).arg(program));
}
