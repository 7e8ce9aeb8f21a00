//! What the test programs share.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::disallowed_methods, reason = "a test may look at its environment")]

pub(crate) mod skipped;

use std::path::PathBuf;

/// Whether generated files are to be written instead of compared.
pub(crate) fn is_blessing() -> bool {
    is_set("VST_BLESS")
}

/// Whether a variable of the environment is 1.
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}

/// The path of another project's program that a test needs. Without it, `None` and a message: the test
/// then returns. With `VST_REQUIRE_PEERS=1` its absence is a failure.
pub(crate) fn peer(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path);
    peer_in(folders.chain(["/usr/sbin".into(), "/usr/local/sbin".into()]), name)
}

/// The same, in the given folders.
pub(crate) fn peer_in(folders: impl Iterator<Item = PathBuf>, name: &str) -> Option<PathBuf> {
    skipped::begin();
    let found = folders.map(|folder| folder.join(name)).find(|candidate| candidate.is_file());
    found.or_else(|| missing(name))
}

/// Prints that the peer `name` is not there: the test then returns.
pub(crate) fn missing<T>(name: &str) -> Option<T> {
    assert!(!is_set("VST_REQUIRE_PEERS"), "peer missing: {name}");
    skipped::note(name);
    None
}
