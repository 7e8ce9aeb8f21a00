//! The library as it is installed: what `make install` leaves is enough to build programs by pkg-config and by
//! CMake, to load it by its name, to link it beside other libraries of its kind, and to read its manual.
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

use artifacts::{NATIVE_STATIC_LIBS, artifacts, run};

/// The longest that one command may take: the linker goes through all of a library of the debug profile.
const PATIENCE: Duration = Duration::from_secs(300);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(name: &str) -> PathBuf {
    root().join("c-tests/installed").join(name)
}

fn must(command: &mut Command) -> String {
    let (status, said) = run(command, PATIENCE);
    assert!(status.success(), "{command:?}, {status}:\n{said}");
    said
}

/// `make`, for the libraries that are built already.
fn make(goal: &str, prefix: &Path) -> Command {
    let folder = &artifacts().folder;
    let built = folder.join("built");
    fs::create_dir_all(&built).expect("the target folder is writable");
    for (from, to) in
        [("libvestibule.so.0", "libvestibule.so"), ("libvestibule.a", "libvestibule.a")]
    {
        fs::copy(folder.join(from), built.join(to)).expect("it is built");
    }
    let mut make = Command::new("make");
    make.current_dir(root()).arg(goal).arg(format!("BUILT={}", built.display()));
    make.arg(format!("PREFIX={}", prefix.display())).env("CARGO_TARGET_DIR", folder.join("make"));
    make.env_remove("MAKEFLAGS");
    make
}

/// Where the library is installed for this run.
fn prefix() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let prefix = artifacts().folder.join("prefix");
        let _none_is_there = fs::remove_dir_all(&prefix);
        must(&mut make("install", &prefix));
        prefix
    })
}

/// A program that finds the shared library where it is installed, and nowhere else.
fn program(path: &Path) -> Command {
    let mut command = Command::new("env");
    command.arg(format!("LD_LIBRARY_PATH={}", prefix().join("lib").display())).arg(path);
    command
}

/// What pkg-config says of the installed library.
fn pkg_config(questions: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).args(questions).arg("vestibule");
    must(&mut command).split_whitespace().map(str::to_owned).collect()
}

/// Compiles a program of `c-tests/installed`.
fn compile(name: &str, libraries: &[String]) -> PathBuf {
    let out = artifacts().folder.join(name);
    let mut command = Command::new("cc");
    command
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror"])
        .arg(source(name).with_extension("c"));
    command.args(pkg_config(&["--cflags"])).args(libraries).arg("-o").arg(&out);
    must(&mut command);
    out
}

/// The static library, and what is linked with it.
fn statically() -> Vec<String> {
    let library = prefix().join("lib/libvestibule.a").display().to_string();
    [library].into_iter().chain(NATIVE_STATIC_LIBS.iter().map(|name| (*name).to_owned())).collect()
}

#[test]
fn an_installed_prefix_has_the_files_of_a_library_and_uninstall_takes_them_away() {
    let prefix = artifacts().folder.join("for-a-while");
    let _none_is_there = fs::remove_dir_all(&prefix);
    must(&mut make("install", &prefix));
    let version = env!("CARGO_PKG_VERSION");
    let shared = format!("lib/libvestibule.so.{version}");
    for file in [
        shared.as_str(),
        "lib/libvestibule.a",
        "lib/pkgconfig/vestibule.pc",
        "lib/cmake/vestibule/vestibule-config.cmake",
        "include/vestibule.h",
        "share/man/man3/vst_conn_send.3",
        "share/man/man7/vestibule.7",
    ] {
        assert!(prefix.join(file).is_file(), "{file} is missing");
    }
    let link = |name: &str| fs::read_link(prefix.join("lib").join(name)).expect("a link");
    assert_eq!(link("libvestibule.so"), Path::new("libvestibule.so.0"));
    assert_eq!(prefix.join("lib").join(link("libvestibule.so.0")), prefix.join(&shared));
    let split = fs::metadata(prefix.join(&shared)).expect("it is there").len();
    let whole =
        fs::metadata(artifacts().folder.join("libvestibule.so.0")).expect("it is built").len();
    assert!(split < whole / 2, "{split} of {whole} bytes: the debug information is not split off");

    must(&mut make("uninstall", &prefix));
    let mut folders = vec![prefix];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            assert!(path.is_dir(), "{} was left", path.display());
            folders.push(path);
        }
    }
}

#[test]
fn a_program_builds_with_what_pkg_config_says() {
    let shared = compile("program", &pkg_config(&["--libs"]));
    assert!(must(&mut program(&shared)).starts_with(env!("CARGO_PKG_VERSION")));
}

#[test]
fn pkg_config_and_cmake_name_the_libraries_that_a_static_program_needs() {
    let file =
        fs::read_to_string(prefix().join("lib/pkgconfig/vestibule.pc")).expect("it is there");
    let private = file.lines().find_map(|line| line.strip_prefix("Libs.private: "));
    assert_eq!(private, Some(&*NATIVE_STATIC_LIBS.join(" ")));
    let cmake =
        fs::read_to_string(root().join("packaging/vestibule-config.cmake.in")).expect("a file");
    let names: Vec<&str> = NATIVE_STATIC_LIBS.iter().map(|name| &name["-l".len()..]).collect();
    assert!(cmake.contains(&format!("\"{}\"", names.join(";"))));
}

#[test]
fn a_program_builds_with_the_package_of_cmake_shared_and_static() {
    let Some(cmake) = support::peer("cmake") else { return };
    let build = artifacts().folder.join("cmake");
    let _none_is_there = fs::remove_dir_all(&build);
    let mut configure = Command::new(&cmake);
    configure.arg("-S").arg(source("")).arg("-B").arg(&build);
    must(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    must(Command::new(&cmake).arg("--build").arg(&build));
    for name in ["shared", "static"] {
        assert!(must(&mut program(&build.join(name))).starts_with(env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn the_library_is_loaded_by_its_name_and_unloaded_a_thousand_times() {
    let reload = compile("reload", &["-ldl".to_owned()]);
    must(&mut program(&reload));
}

#[test]
fn it_stands_in_one_program_beside_another_static_library_of_rust_and_openssl() {
    if !Path::new("/usr/include/openssl/ssl.h").is_file() {
        return support::missing("libssl-dev").unwrap_or_default();
    }
    let other = artifacts().folder.join("libother.a");
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--crate-type", "staticlib", "-O", "-o"]).arg(&other);
    must(rustc.arg(source("other.rs")));
    let mut libraries = vec![other.display().to_string()];
    libraries.extend(statically());
    libraries.extend(["-lssl".to_owned(), "-lcrypto".to_owned()]);
    must(&mut program(&compile("beside", &libraries)));
}

#[test]
fn the_static_library_defines_the_functions_of_the_header_and_no_other_name() {
    let library = prefix().join("lib/libvestibule.a");
    let said = must(Command::new("nm").args(["--extern-only", "--defined-only"]).arg(library));
    let defined: BTreeSet<&str> =
        said.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(defined, symbols().lines().collect());
}

fn symbols() -> String {
    fs::read_to_string(root().join("include/vestibule.symbols")).expect("the list")
}

#[test]
fn the_symbols_of_the_package_for_debian_are_those_of_the_library() {
    let file = root().join("packaging/debian/libvestibule0.symbols");
    let listed = fs::read_to_string(&file).expect("the list");
    let known: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.strip_prefix(' ')?.split_once('@'))
        .map(|(name, _)| name)
        .collect();
    let missing: Vec<String> = symbols()
        .lines()
        .filter(|name| !known.contains(name))
        .map(|name| format!(" {name}@Base {}\n", env!("CARGO_PKG_VERSION")))
        .collect();
    if support::is_blessing() && !missing.is_empty() {
        fs::write(&file, listed.clone() + &missing.concat()).expect("the tree is writable");
        return;
    }
    assert!(missing.is_empty(), "VST_BLESS=1 cargo test --test installed adds {missing:?}");
    assert_eq!(known.len(), symbols().lines().count(), "the list has a function that is gone");
}

#[test]
fn every_function_has_a_page_of_the_manual_that_man_finds() {
    let Some(man) = support::peer("man") else { return };
    let pages = prefix().join("share/man");
    for name in symbols().lines().chain(["vestibule"]) {
        let mut command = Command::new(&man);
        let page = must(command.env("MANPATH", &pages).args(["--where", name]));
        assert!(page.contains(name), "{page}");
    }
    let Some(mandoc) = support::peer("mandoc") else { return };
    let mut lint = Command::new(mandoc);
    lint.args(["-T", "lint", "-W", "warning"]);
    for section in ["man3", "man7"] {
        for page in fs::read_dir(pages.join(section)).expect("the pages") {
            lint.arg(page.expect("a page").path());
        }
    }
    must(&mut lint);
}
