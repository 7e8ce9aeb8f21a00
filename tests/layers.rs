//! The law of the layers, read from the sources: who may use whom, and who alone may say what.
//! Tests inside `src` are exempt: they may use everything.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the host down. A layer uses those below it and, within a row, its neighbours.
const LAYERS: &[&[&str]] = &[
    &["ffi"],
    &["host"],
    &["engine"],
    &["stream"],
    &["backend"],
    &["handshake"],
    &["conn"],
    &["data"],
    &["ctrl"],
    &["cx", "config"],
    &["tls"],
    &["rules"],
    &["wire", "pipes"],
    &["cause", "op"],
    &["table"],
    &["sim"],
    &["sys"],
    &["buffer", "id", "random", "slab", "wheel", "time"],
];

/// A file of `src` as code alone: no comments, no texts, no tests.
struct Source {
    /// Its path below `src`.
    path: String,
    /// The modules from the root to it.
    modules: Vec<String>,
    /// Its lines, the number first.
    lines: Vec<(usize, String)>,
}

impl Source {
    fn layer(&self) -> &str {
        self.modules.first().map_or("lib", String::as_str)
    }

    fn is_in(&self, layers: &[&str]) -> bool {
        layers.contains(&self.layer())
    }

    /// The layers that a line names, by `crate::` or by enough `super::`, and where.
    fn uses(&self) -> Vec<(usize, String)> {
        // Inline modules that are open: `super` climbs out of them first.
        let mut inline: Vec<usize> = Vec::new();
        let mut found = Vec::new();
        for (number, line) in &self.lines {
            let indent = line.len() - line.trim_start().len();
            if line.trim() == "}" && inline.last() == Some(&indent) {
                inline.pop();
            }
            for path in paths(line) {
                let mut words = path.split("::").peekable();
                let first = words.peek().copied();
                let mut climbed = 0;
                while words.next_if(|word| *word == "super").is_some() {
                    climbed += 1;
                }
                let depth = self.modules.len() + inline.len();
                let from_root = first == Some("crate") && words.next().is_some();
                if from_root || (climbed > 0 && climbed >= depth) {
                    found.push((*number, words.next().unwrap_or_default().to_owned()));
                }
            }
            if is_inline_module(line) {
                inline.push(indent);
            }
        }
        found
    }
}

fn is_inline_module(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.last() == Some(&"{") && words.iter().rev().nth(2) == Some(&"mod")
}

/// The paths in a line: words joined by `::`.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter(|path| path.contains("::"))
}

/// Takes the texts and the comment out of a line, which is enough for sources without block comments
/// and with texts that end on their line or hold no code.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => break,
            '"' => {
                while let Some(c) = rest.next() {
                    match c {
                        '\\' => drop(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
                code.push_str("\"\"");
            }
            // A character that would look like the beginning of a text or an escape.
            '\'' if matches!(rest.peek(), Some('"' | '\\')) => {
                for c in rest.by_ref().skip(1) {
                    if c == '\'' {
                        break;
                    }
                }
            }
            c => code.push(c),
        }
    }
    code
}

/// The code of a text, with what stands behind `#[cfg(test)]` left out.
fn lines_of(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut source = (1..).zip(text.lines());
    while let Some((number, line)) = source.next() {
        let is_test = line.trim_start().starts_with("#[cfg(") && line.contains("test");
        if !is_test || line.contains("any(test") {
            lines.push((number, code_of(line)));
            continue;
        }
        // The item behind it: one line, or a block that ends with a brace as far in as it began.
        let mut item = source.next();
        while item.is_some_and(|(_, line)| line.trim_start().starts_with("#[")) {
            item = source.next();
        }
        let Some((_, first)) = item else { break };
        if !first.trim_end().ends_with(['{', '(']) {
            continue;
        }
        let indent = first.len() - first.trim_start().len();
        for (_, line) in source.by_ref() {
            if line.len() - line.trim_start().len() == indent && line.trim().starts_with('}') {
                break;
            }
        }
    }
    lines
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a folder of the sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every file of `src` that is not a test.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    files_below(&root, &mut files);
    files.sort();
    let mut sources = Vec::new();
    for file in files {
        let below = file.strip_prefix(&root).expect("a file below src").with_extension("");
        let mut modules: Vec<String> =
            below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if modules.iter().any(|module| module == "tests" || module == "agreement") {
            continue;
        }
        modules.pop_if(|last| last == "mod" || last == "lib");
        let text = fs::read_to_string(&file).expect("a source");
        sources.push(Source {
            path: below.to_string_lossy().into_owned(),
            modules,
            lines: lines_of(&text),
        });
    }
    assert!(sources.len() > LAYERS.len(), "the sources are not where this test looks");
    sources
}

/// Where code outside of `allowed` says something that `is_forbidden`.
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
            // What is no layer by name would be an item of the root, which is above all.
            if row_of(&used).is_none_or(|row| row < own) {
                upward.push(format!("src/{}.rs:{number} uses {used}", source.path));
            }
        }
    }
    assert!(seen > 100, "the uses are not written as this test reads them: {seen}");
    assert_none(&upward);
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
    // Others name the numbers of errors.
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
