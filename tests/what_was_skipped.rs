//! The tests of this run that did nothing, since a program they need is not installed. Cargo runs test
//! programs in the order of their names: this one is the last.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use support::skipped;

/// Set for the test that runs itself.
const CHILD: &str = "VST_SKIPPED_CHILD";
const NOBODY: &str = "a-program-that-nobody-has";

#[test]
fn a_test_that_misses_its_peer_says_so_past_the_capture_and_is_listed() {
    const SELF: &str = "a_test_that_misses_its_peer_says_so_past_the_capture_and_is_listed";
    if support::is_set(CHILD) {
        assert_eq!(support::peer(NOBODY), None);
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped-by-nobody");
    let _ = fs::remove_dir_all(&folder);
    let run = |required: &str| {
        Command::new(std::env::current_exe().expect("a path"))
            .args(["--exact", SELF, "--test-threads=2"])
            .env(CHILD, "1")
            .env(skipped::FOLDER, &folder)
            .env("VST_REQUIRE_PEERS", required)
            .output()
            .expect("a test program runs itself")
    };

    // Twice, for the list of one run only.
    for _ in 0..2 {
        let output = run("0");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let line = format!("skipped: what_was_skipped {SELF}: {NOBODY} is not installed");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
        let kept = fs::read_to_string(folder.join("what_was_skipped")).expect("a file");
        assert_eq!(kept.lines().count(), 1, "{kept}");
    }
    let list = skipped::list(&folder);
    let tests = BTreeSet::from([format!("what_was_skipped {SELF}")]);
    assert_eq!(list.into_iter().collect::<Vec<_>>(), [(NOBODY.to_owned(), tests)]);

    assert!(!run("1").status.success(), "a peer that is required and missing is a failure");
}

#[test]
fn every_test_that_was_skipped_is_listed_with_the_peer_it_misses() {
    let list = skipped::list(&skipped::folder());
    let mut text = String::new();
    for (peer, tests) in &list {
        text += &format!("\n{peer} is not installed, so these tests did nothing:\n");
        text.extend(tests.iter().map(|test| format!("    {test}\n")));
    }
    io::stderr().write_all(text.as_bytes()).expect("standard error");
    assert!(list.is_empty() || !support::is_set("VST_REQUIRE_PEERS"), "all peers are required");
}
