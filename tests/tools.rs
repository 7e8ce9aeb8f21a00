//! What is made from the header, the tables and the examples is up to date, and the pages lead somewhere.
#![cfg(unix)]

#[path = "support/artifacts.rs"]
mod artifacts;
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use artifacts::run;

/// Every check is a matter of seconds: compilers are called for small files.
const PATIENCE: Duration = Duration::from_secs(120);

fn holds(arguments: &[&str]) {
    let Some(python) = support::peer("python3") else { return };
    let mut command = Command::new(python);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("-B").args(arguments);
    let (status, said) = run(&mut command, PATIENCE);
    assert!(status.success(), "{arguments:?}, {status}:\n{said}");
}

#[test]
fn the_binary_interface_is_that_of_the_last_release_with_additions() {
    if support::peer("abidiff").is_some() {
        holds(&["tools/abi.py", "check"]);
    }
}

#[test]
fn the_comparison_of_binary_interfaces_finds_what_breaks_programs() {
    holds(&["-m", "unittest", "discover", "-s", "tools/tests"]);
}

#[test]
fn a_comparison_of_proxies_computes_its_figures_and_leaves_void_slices_out() {
    holds(&["-m", "unittest", "discover", "-s", "benches/peers/tests"]);
}

#[test]
fn every_function_has_an_example_that_compiles_and_calls_it() {
    holds(&["tools/examples.py", "--check"]);
}

#[test]
fn the_pictures_are_those_of_the_tables() {
    holds(&["tools/diagrams.py", "--check"]);
}

#[test]
fn links_and_snippets_of_the_pages_are_right() {
    holds(&["tools/book.py", "--check"]);
}

#[test]
fn the_programs_of_the_tutorial_do_what_its_pages_say() {
    if support::peer("curl").is_none() || support::peer("openssl").is_none() {
        return;
    }
    let library = artifacts::artifacts().folder.join("libvestibule.so.0");
    let client = Path::new("tests/tutorial/client.py");
    holds(&[client.to_str().expect("a path of ours"), library.to_str().expect("a path of UTF-8")]);
}
