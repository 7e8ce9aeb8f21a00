//! Which tests did nothing, since a program they need is not installed. libtest reports such a test as
//! `ok` and does not show what it prints, so the message is printed past the capture, and kept in a file
//! for the list that `tests/what_was_skipped.rs` shows after all other tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

/// The environment variable that sets another folder for the files.
pub(crate) const FOLDER: &str = "VST_SKIPPED_FOLDER";

/// Separates the columns of a file: the peer, the test program, the test.
const COLUMN: char = '\t';

/// Removes what this test program noted when it last ran.
pub(crate) fn begin() {
    file();
}

/// Notes that the test on this thread needs `peer` and does nothing.
pub(crate) fn note(peer: &str) {
    let this = thread::current();
    // If all tests run in one thread, libtest gives it no name of a test.
    let test = this.name().filter(|name| *name != "main").unwrap_or("a test");
    let program = env!("CARGO_CRATE_NAME");
    let line = format!("{peer}{COLUMN}{program}{COLUMN}{test}\n");
    // One write is one line, even if other programs write at the same time.
    file().write_all(line.as_bytes()).expect("the target folder is writable");
    // Not `eprintln!`, which is what libtest captures. If standard error is closed, the message is not
    // needed.
    let _ = writeln!(io::stderr(), "\nskipped: {program} {test}: {peer} is not installed");
}

/// The file of this test program, emptied at its first use.
fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = folder();
        fs::create_dir_all(&folder).expect("the target folder is writable");
        let path = folder.join(env!("CARGO_CRATE_NAME"));
        // A program that still writes to the old file does not write to this one.
        let _ = fs::remove_file(&path);
        let options = File::options().create(true).append(true).open(path);
        options.expect("the target folder is writable")
    })
}

/// The folder with the files of all test programs.
pub(crate) fn folder() -> PathBuf {
    let own = std::env::var_os(FOLDER).map(PathBuf::from);
    own.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped"))
}

/// What the test programs of `folder` noted: the tests that did nothing, by the peer that they
/// miss.
pub(crate) fn list(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut list = BTreeMap::<String, BTreeSet<String>>::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        for line in text.lines() {
            if let Some((peer, test)) = line.split_once(COLUMN) {
                let test = test.replace(COLUMN, " ");
                list.entry(peer.to_owned()).or_default().insert(test);
            }
        }
    }
    list
}
