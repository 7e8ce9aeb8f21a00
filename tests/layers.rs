//! The rules of the layers, checked in the sources: which layer may use which, and where alone certain
//! code may be. Tests inside `src` are exempt: they may use everything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[path = "support/imports.rs"]
mod imports;
#[path = "support/sources.rs"]
mod sources;

use imports::{Folder, folders};
use sources::{Place, Source, lines_of, sources};

/// The layers, from the host down. A layer uses those below it and, within a row, its neighbours.
const LAYERS: &[&[&str]] = &[
    &["ffi"],
    &["host"],
    &["engine"],
    &["stream"],
    &["remote"],
    &["group"],
    &["backend"],
    &["handshake"],
    &["conn"],
    &["data"],
    &["ctrl"],
    &["cx", "config", "counts", "trace"],
    &["tls"],
    &["rules"],
    &["wire", "pipes"],
    &["cause", "op"],
    &["table"],
    &["sim"],
    &["sys"],
    &["agenda"],
    &["mailbox"],
    &["buffer", "id", "random", "slab", "sync", "token_bucket", "wheel", "time"],
];

/// The folders whose files may still import each other in circles.
const WITH_CIRCLES: &[&str] = &["conn", "engine"];

/// Words that code used in a sense of its own where a common term exists: code uses the common term.
const WORDS_GIVEN_UP: &[&str] = &[
    "asking", "errand", "errands", "farewell", "seek", "sight", "wish", "patience", "passage",
    "visit", "bell", "house", "residual", "Marks", "Asking", "Errand", "Farewell", "Seek", "Sight",
    "Wish", "Passage", "Visit", "News", "House", "Unusable", "Residual", "spans",
];

/// Types that several formats have, each in the module of its format (`proxy::Header`, `cip::Header`):
/// code outside of `wire` names them with that module.
const TYPES_OF_EACH_FORMAT: &[&str] = &["Fault", "Header", "Parsed"];

/// The lines outside of `allowed` for which `is_forbidden` is true.
fn offences(allowed: &[&str], is_forbidden: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.is_in(allowed)) {
        for (number, line) in &source.lines {
            if is_forbidden(line) {
                found.push(format!("src/{}.rs:{number}: {}", source.path, line.trim()));
            }
        }
    }
    found
}

fn says(line: &str, word: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == word)
}

#[track_caller]
fn assert_none(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn every_module_has_its_place_among_the_layers() {
    let mut missing = Vec::new();
    for source in sources() {
        let is_known = LAYERS.iter().any(|row| source.is_in(row));
        if !source.modules.is_empty() && !is_known {
            missing.push(source.path);
        }
    }
    assert_none(&missing);
}

#[test]
fn no_layer_uses_one_above_it() {
    let row_of = |layer: &str| LAYERS.iter().position(|row| row.contains(&layer));
    let mut upward = Vec::new();
    let mut seen = 0;
    for source in sources() {
        let Some(own) = row_of(source.layer()) else { continue };
        for (number, used) in source.uses() {
            seen += 1;
            // A name that is no layer would be an item of the root, which is above all.
            if row_of(&used).is_none_or(|row| row < own) {
                upward.push(format!("src/{}.rs:{number} uses {used}", source.path));
            }
        }
    }
    assert!(seen > 100, "the uses are not written as this test reads them: {seen}");
    assert_none(&upward);
}

#[test]
fn files_of_one_folder_do_not_import_each_other_in_circles() {
    let mut circles = Vec::new();
    let mut straight = Vec::new();
    for folder in folders(&sources()) {
        let found = folder.circles();
        match WITH_CIRCLES.contains(&folder.path.as_str()) {
            true if found.is_empty() => straight.push(folder.path),
            true => {}
            false => circles.extend(found),
        }
    }
    assert_none(&circles);
    assert!(straight.is_empty(), "these have none any more: {straight:?}");
}

#[test]
fn a_circle_is_found_whatever_way_its_imports_are_written() {
    let file = |path: &str, text: &str| {
        let mut modules: Vec<String> = path.split('/').map(str::to_owned).collect();
        modules.pop_if(|last| last == "mod");
        Source { path: path.to_owned(), modules, lines: lines_of(text) }
    };
    let circles = |one: &str, other: &str, root: &str| {
        let files = [file("data/one", one), file("data/other", other), file("data/mod", root)];
        folders(&files).iter().flat_map(Folder::circles).count()
    };
    let handed_on = "mod one;\nmod other;\npub use one::{A, C as D};\npub use other::B;";
    let other = "use super::one::A;";
    // Written out, in braces over several lines, in the code, and through what the root re-exports.
    assert_eq!(circles("use super::other::B;", other, handed_on), 2);
    assert_eq!(circles("use crate::{\n    data::{self, other::{B}},\n};", other, handed_on), 2);
    assert_eq!(circles("fn f() {\n    super::other::g();\n}", other, handed_on), 2);
    assert_eq!(circles("use super::B;", other, handed_on), 2);
    // The root is a file like the others.
    let root = "mod one;\nmod other;\nuse one::A;\npub struct B;";
    assert_eq!(circles("use super::B;", "", root), 2);
    assert_eq!(
        circles("use super::B;", "", "mod one;\npub struct B;\nfn f() {\n    one::g();\n}"),
        2
    );
    // One direction is no circle, nor are re-exports, tests and other folders.
    assert_eq!(circles("", other, handed_on), 0);
    assert_eq!(circles("pub struct A;", "use super::A;", handed_on), 0);
    let tests = "#[cfg(test)]\nmod tests {\n    use super::super::other::B;\n}";
    assert_eq!(circles(tests, other, handed_on), 0);
    assert_eq!(circles("use crate::conn::other::B;", other, handed_on), 0);
}

#[test]
fn the_control_layer_shows_others_no_field_of_its_own() {
    let is_field = |line: &str| {
        let name = line.trim().strip_prefix("pub(crate) ").or(line.trim().strip_prefix("pub "));
        name.and_then(|name| name.split_once(':'))
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    assert!(is_field("    pub(crate) fd: Option<Fd>,") && !is_field("pub(crate) mod fd;"));
    let all = sources();
    let lines =
        all.iter().filter(|source| source.is_in(&["ctrl"])).flat_map(|source| &source.lines);
    let shown: Vec<String> =
        lines.filter(|(_, line)| is_field(line)).map(|(_, line)| line.trim().to_owned()).collect();
    assert_none(&shown);
}

#[test]
fn code_speaks_the_words_of_the_field() {
    assert_none(&offences(&[], |line| WORDS_GIVEN_UP.iter().any(|word| says(line, word))));
}

/// The name of the type that a line defines. The type that an `impl` sets of a trait is not one.
fn type_defined(line: &str) -> Option<&str> {
    let mut words = line
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .skip_while(|word| matches!(*word, "" | "pub" | "crate" | "super" | "unsafe"));
    match words.next()? {
        "struct" | "enum" | "union" | "trait" => words.next(),
        "type" if !line.starts_with(' ') => words.next(),
        _ => None,
    }
}

#[test]
fn a_name_of_a_type_has_one_meaning() {
    assert_eq!(type_defined("    pub(super) enum Kind<T> {"), Some("Kind"));
    assert_eq!(type_defined("type Short = u8;"), Some("Short"));
    assert_eq!(type_defined("    type Item = u8;"), None);
    assert_eq!(type_defined("    let structs = 1;"), None);
    let all = sources();
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    // A build without TLS has the same names from there, and no others.
    for source in all.iter().filter(|source| source.path != "tls/absent") {
        for (number, line) in &source.lines {
            if let Some(name) = type_defined(line) {
                places.entry(name).or_default().push(format!("src/{}.rs:{number}", source.path));
            }
        }
    }
    assert!(places.len() > 300, "the types are not written as this test reads them");
    let is_shared = |name: &str| TYPES_OF_EACH_FORMAT.contains(&name);
    let mut offences = Vec::new();
    for (name, places) in places {
        match is_shared(name) {
            false if places.len() > 1 => offences.push(format!("{name}: {}", places.join(", "))),
            true if places.len() == 1 => offences.push(format!("{name} needs no exception")),
            true if !places.iter().all(|place| place.starts_with("src/wire/")) => {
                offences.push(format!("{name} is not a format's alone: {}", places.join(", ")));
            }
            _ => {}
        }
    }
    for source in all.iter().filter(|source| !source.is_in(&["wire"])) {
        for named in source.names().iter().filter(|named| named.place != Place::Code) {
            let is_bare = named.words.last().is_some_and(|name| is_shared(name));
            if is_bare {
                let (path, words) = (&source.path, named.words.join("::"));
                offences.push(format!("src/{path}.rs:{}: {words} without its module", named.line));
            }
        }
    }
    assert_none(&offences);
}

#[test]
fn a_test_is_named_by_a_sentence_of_eighty_characters_at_most() {
    const MOST: usize = 80;
    let root = env!("CARGO_MANIFEST_DIR");
    let mut folders: Vec<_> = ["src", "tests"].map(|folder| Path::new(root).join(folder)).into();
    let mut long = Vec::new();
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
                for name in lines.filter_map(|line| line.split_once('(')).map(|(name, _)| name) {
                    seen += 1;
                    if name.len() > MOST {
                        long.push(format!("{}: {name}", path.display()));
                    }
                }
            }
        }
    }
    assert!(seen > 1_000, "the names are not written as this test reads them: {seen}");
    assert_none(&long);
}

#[test]
fn tls_alone_names_rustls_and_what_makes_certificates() {
    assert_none(&offences(&["tls"], |line| says(line, "rustls") || says(line, "rcgen")));
}

#[test]
fn host_alone_names_mio() {
    assert_none(&offences(&["host"], |line| says(line, "mio")));
}

#[test]
fn ffi_alone_speaks_c() {
    // The text after `extern` is taken out of the line.
    assert_none(&offences(&["ffi"], |line| {
        line.contains("extern \"") || says(line, "no_mangle") || says(line, "c_char")
    }));
}

#[test]
fn unsafe_code_is_in_sys_and_ffi_alone() {
    assert_none(&offences(&["ffi", "sys"], |line| says(line, "unsafe")));
}

#[test]
fn the_system_is_called_in_sys_alone() {
    // Others use only the numbers of errors.
    let names_other_than_errors = |line: &str| {
        line.split("libc::").skip(1).any(|rest| {
            let name: &str =
                rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap();
            !(name.starts_with('E')
                && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()))
        })
    };
    assert_none(&offences(&["sys"], names_other_than_errors));
    let sockets = ["TcpStream", "TcpListener", "UnixStream", "UnixListener", "UdpSocket"];
    assert_none(&offences(&[], |line| sockets.iter().any(|socket| says(line, socket))));
}

#[test]
fn clocks_are_read_in_sys_alone() {
    assert_none(&offences(&["sys"], |line| says(line, "Instant") || says(line, "SystemTime")));
}

#[test]
fn files_are_read_in_tls_and_sys_alone() {
    assert_none(&offences(&["tls", "sys"], |line| line.contains("std::fs")));
}

#[test]
fn nothing_starts_a_thread_a_process_or_reads_the_environment_or_prints() {
    let forbidden = ["spawn", "scope", "sleep", "println", "eprintln", "print", "eprint", "dbg"];
    assert_none(&offences(&[], |line| {
        line.contains("std::env")
            || line.contains("std::process")
            || line.contains("env::var")
            || forbidden.iter().any(|word| line.contains(&format!("{word}(")) && says(line, word))
            || forbidden.iter().any(|word| line.contains(&format!("{word}!(")))
    }));
}

#[test]
fn the_sources_are_read_as_code_without_comments_texts_and_tests() {
    let text = r#"
use crate::sys::Net; // crate::ffi
/// crate::host
const A: &str = "crate::engine \" crate::ffi";
const B: char = '"'; use crate::tls::X;
#[cfg(test)]
mod tests {
    use crate::ffi::Shell;
}
#[cfg(test)]
use crate::host::Poller;
mod inner {
    use super::super::wire::proxy;
    use super::super::super::ffi::Shell;
}
use super::super::ffi;
"#;
    let source = Source {
        path: "conn/facts".to_owned(),
        modules: vec!["conn".to_owned(), "facts".to_owned()],
        lines: lines_of(text),
    };
    let used: Vec<String> = source.uses().into_iter().map(|(_, layer)| layer).collect();
    assert_eq!(used, ["sys", "tls", "ffi", "ffi"]);
}

/// A handle is told from one of another kind by the number of its kind.
#[test]
fn every_kind_of_handle_has_a_number_of_its_own() {
    let mut numbers = Vec::new();
    for file in fs::read_dir("src/ffi").expect("the folder").flatten() {
        let Ok(text) = fs::read_to_string(file.path()) else { continue };
        let found =
            text.lines().filter_map(|line| line.trim().strip_prefix("const NUMBER: u64 = "));
        let of_tests = |number: &String| number.len() > 2;
        numbers.extend(
            found
                .map(|rest| rest.trim_end_matches(';').to_owned())
                .filter(|number| !of_tests(number)),
        );
    }
    let all = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert!(all == 12 && numbers.len() == all, "{numbers:?}");
}
