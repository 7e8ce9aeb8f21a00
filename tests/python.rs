//! The Python package on the library of this run: its own tests, what is made from the header for it, and its
//! hosts under the clients that also the hosts in C serve.
#![cfg(unix)]

#[path = "support/artifacts.rs"]
mod artifacts;
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The longest that all tests of the package may take: one that takes longer hangs.
const MOST: Duration = Duration::from_secs(600);

/// Python, in which every warning is an error; it finds the package and this run's library.
fn python() -> Option<Command> {
    let mut command = Command::new(support::peer("python3")?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    command.current_dir(root).args(["-B", "-W", "error"]);
    command.env("PYTHONPATH", root.join("python"));
    command.env("VESTIBULE_LIBRARY", artifacts::artifacts().folder.join("libvestibule.so.0"));
    Some(command)
}

/// Runs Python with these words: it ends by itself, with 0.
fn succeeds(words: &[&str]) {
    let Some(mut command) = python() else { return };
    let (status, said) = artifacts::run(command.args(words), MOST);
    assert!(status.success(), "{said}");
}

#[test]
fn the_package_passes_its_own_tests() {
    succeeds(&["-m", "unittest", "discover", "-s", "python/tests"]);
}

#[test]
fn its_declarations_are_those_of_the_header() {
    succeeds(&["tools/declarations.py", "--check"]);
}

/// The clients of `tests/hosts`, served by an example of the package.
fn serves_all(host: &str) {
    let Some(python) = python() else { return };
    let python = python.get_program().to_string_lossy().into_owned();
    succeeds(&["tests/hosts/client.py", &python, "-B", "-W", "error", host]);
}

#[test]
fn a_host_over_selectors_serves_all_clients() {
    serves_all("python/examples/host_selectors.py");
}

#[test]
fn a_host_over_asyncio_serves_all_clients() {
    serves_all("python/examples/host_asyncio.py");
}
