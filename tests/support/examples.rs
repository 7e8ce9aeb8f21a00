//! The example programs, built once per test program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of what cargo builds, found from the path of this test.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder is inside the target's")
}

/// The folder of the example programs, built from the sources as they are.
pub(crate) fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let make = Command::new("make")
            .arg("-C")
            .arg(&examples)
            .env("CARGO_TARGET_DIR", target())
            // A make that runs this test would pass its job server on.
            .env_remove("MAKEFLAGS")
            .output()
            .expect("make runs");
        let complaints = String::from_utf8_lossy(&make.stderr);
        assert!(make.status.success(), "the examples do not build:\n{complaints}");
        examples.join("build")
    })
}

/// The path of an example program.
pub(crate) fn example(name: &str) -> PathBuf {
    built().join(name)
}
