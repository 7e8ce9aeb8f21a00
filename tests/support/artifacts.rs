//! The library as C uses it: built once per test program, and C programs compiled with it.
//!
//! `cargo test` leaves the shared library among its dependencies and does not copy it to the target
//! folder, so that one of an earlier `cargo build` would be found instead. So it is built here, its
//! paths are those that cargo reports, and what is run is a copy in a folder that nothing else writes
//! to.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::disallowed_methods, reason = "a test has deadlines of its own")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The libraries that a program with the static library links: the output of `cargo rustc --lib --
/// --print native-static-libs`, which a test compares.
pub(crate) const NATIVE_STATIC_LIBS: &[&str] =
    &["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

/// How a program gets the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// To `libvestibule.so.0`.
    Shared,
    /// To `libvestibule.a`.
    Static,
    /// Not at all: the program loads it at run time.
    No,
}

/// Where the library of this run is.
pub(crate) struct Artifacts {
    /// `libvestibule.so.0` is in it, `libvestibule.a`, and the programs.
    pub(crate) folder: PathBuf,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// cargo, for the same profile and features as this test program.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args([subcommand, "--lib", "--quiet"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let features = [
        ("tls", cfg!(feature = "tls")),
        ("aws-lc-rs", cfg!(feature = "aws-lc-rs")),
        ("ring", cfg!(feature = "ring")),
        ("self-signed", cfg!(feature = "self-signed")),
        ("loop", cfg!(feature = "loop")),
        ("allocator", cfg!(feature = "allocator")),
        ("sim", cfg!(feature = "sim")),
    ];
    // If the default features are on, naming none of them reuses what is built already.
    if !cfg!(all(
        feature = "aws-lc-rs",
        feature = "self-signed",
        feature = "loop",
        feature = "allocator"
    )) {
        command.arg("--no-default-features");
    }
    let list: Vec<&str> = features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    command.args(["--features", &list.join(",")]);
    command
}

/// The library, built at the first use.
pub(crate) fn artifacts() -> &'static Artifacts {
    static BUILT: OnceLock<Artifacts> = OnceLock::new();
    BUILT.get_or_init(|| {
        let output =
            cargo("build").arg("--message-format=json").output().expect("cargo can be run");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
        fs::create_dir_all(&folder).expect("the target folder is writable");
        for (from, to) in
            [("/libvestibule.so", "libvestibule.so.0"), ("/libvestibule.a", "libvestibule.a")]
        {
            let built = artifact(&text, from).unwrap_or_else(|| panic!("cargo names no {from}"));
            fs::copy(&built, folder.join(to)).expect("the artifact can be copied");
        }
        Artifacts { folder }
    })
}

/// Our file whose path ends like this, among cargo's messages.
fn artifact(messages: &str, end: &str) -> Option<PathBuf> {
    let ours = messages.lines().filter(|line| {
        line.contains(r#""reason":"compiler-artifact""#) && line.contains(r#""name":"vestibule""#)
    });
    ours.flat_map(|line| line.split('"')).find(|word| word.ends_with(end)).map(PathBuf::from)
}

/// The C compiler of this platform.
fn compiler() -> Command {
    cc::Build::new()
        .target(env!("VST_TARGET"))
        .host(env!("VST_HOST"))
        .opt_level(2)
        .cargo_metadata(false)
        .get_compiler()
        .to_command()
}

/// Compiles `c-tests/<name>.c` and links it, once.
pub(crate) fn program(name: &str, linked: Linked) -> PathBuf {
    // Locked to the end: a program that another test runs is not written again.
    static MADE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = &artifacts().folder;
    let out = folder.join(format!("{name}-{linked:?}").to_lowercase());
    if made.contains(&out) {
        return out;
    }
    let mut command = compiler();
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-g"]);
    command.arg("-I").arg(root().join("include"));
    command.arg(root().join("c-tests").join(name).with_extension("c")).arg("-o").arg(&out);
    match linked {
        Linked::Shared => {
            command.arg(folder.join("libvestibule.so.0")).args(["-lpthread", "-lrt"]);
        }
        Linked::Static => {
            command.arg(folder.join("libvestibule.a")).args(NATIVE_STATIC_LIBS);
        }
        Linked::No => {
            command.args(["-lpthread", "-lrt", "-ldl"]);
        }
    }
    let output = command.output().expect("there is a C compiler");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    made.insert(out.clone());
    out
}

/// Runs a command that finds this run's library and no other, and returns its output and how it ended.
/// One that takes longer than `most` is killed.
pub(crate) fn run(command: &mut Command, most: Duration) -> (ExitStatus, String) {
    let log = artifacts().folder.join(format!("{:?}.log", std::thread::current().id()));
    let file = fs::File::create(&log).expect("the target folder is writable");
    let mut child = command
        .env("LD_LIBRARY_PATH", &artifacts().folder)
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a descriptor"))
        .stderr(file)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let status = end(&mut child, most);
    let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
    let Some(status) = status else { panic!("{command:?} did not end: {said}") };
    (status, said)
}

/// How a child ended, or `None` if it had to be killed.
fn end(child: &mut Child, most: Duration) -> Option<ExitStatus> {
    const LOOK_AGAIN: Duration = Duration::from_millis(5);
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            return Some(status);
        }
        if begun.elapsed() > most {
            child.kill().expect("our own child");
            child.wait().expect("our own child");
            return None;
        }
        std::thread::park_timeout(LOOK_AGAIN);
    }
}
