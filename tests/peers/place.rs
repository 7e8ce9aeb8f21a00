//! A folder for one test, removed when the test has passed.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Once;

pub(crate) struct Place(PathBuf);

impl Place {
    /// `name` is used by this test alone.
    pub(crate) fn new(name: &str) -> Self {
        static SWEPT: Once = Once::new();
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        SWEPT.call_once(|| sweep(&home));
        let place = home.join(format!("{}-{name}", std::process::id()));
        fs::create_dir_all(&place).expect("the target folder is writable");
        Self(place)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, text).expect("the folder is writable");
        path
    }
}

impl Deref for Place {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Removes the folders of test programs that have ended, and no other ones.
fn sweep(home: &Path) {
    let Ok(entries) = fs::read_dir(home) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
