//! The header follows from the sources: it is generated again here and compared with what is committed.
//! `VST_BLESS=1 cargo test --test header` writes it.

#[path = "support/artifacts.rs"]
mod artifacts;
#[path = "support/book.rs"]
mod book;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use vestibule::conn::{Op, Why};

const INTRODUCTION: &str = include_str!("support/introduction.h");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The tables that a macro owns, as constants of C.
fn tables() -> String {
    let mut text =
        String::from("// Where a connection failed: an operation, in the order they run.\n");
    for op in Op::ALL {
        text += &format!("// {}\n#define VST_OP_{} ({})\n", op.doc(), op.name(), op.number());
    }
    text += "\n// Why a connection failed.\n";
    for why in Why::ALL {
        text += &format!("// {}\n#define VST_WHY_{} ({})\n", why.doc(), why.name(), why.number());
    }
    text
}

fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("its settings");
    let path = |file: &str| root().join("src/ffi").join(file).with_extension("rs");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in book::SECTIONS.iter().flat_map(|section| section.files) {
        builder = builder.with_src(path(file));
    }
    let mut written = Vec::new();
    builder.generate().expect("the sources parse").write(&mut written);
    let written = polish(&String::from_utf8(written).expect("the header is text"));
    let source = |file: &str| fs::read_to_string(path(file)).expect("the sources are there");
    book::bind(&written, INTRODUCTION, &tables(), source)
}

/// Turns comments of Rust into comments of C, and every value into an expression in parentheses.
fn polish(header: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in header.lines() {
        if line.trim() == "// # Safety" {
            lines.push("// Needs:".to_owned());
            continue;
        }
        let after_heading = lines.last().is_some_and(|last| last == "// Needs:");
        if after_heading && line.trim() == "//" {
            continue;
        }
        let define = line.strip_prefix("#define ").and_then(|rest| rest.split_once(' '));
        match define {
            // A flag of 64 bits.
            Some((name, value)) if value.starts_with("(1 << ") => {
                let bit = &value["(1".len()..];
                lines.push(format!("#define {name} (UINT64_C(1){bit}"));
            }
            Some((name, value)) if !value.starts_with('(') => {
                lines.push(format!("#define {name} ({value})"));
            }
            _ => lines.push(line.replace('`', "").trim_end().to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

fn compare(path: &Path, fresh: &str) {
    if support::is_blessing() {
        fs::write(path, fresh).expect("the tree is writable");
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == fresh,
        "{} is not what the sources say: VST_BLESS=1 cargo test --test header",
        path.display()
    );
}

#[test]
fn the_committed_header_is_what_the_sources_say() {
    compare(&root().join("include/vestibule.h"), &generate());
}

#[test]
fn every_item_of_the_header_has_a_comment() {
    let header = generate();
    let lines: Vec<&str> = header.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let item = line.starts_with("#define VST_")
            || (line.starts_with("typedef ") && !line.starts_with("typedef struct "))
            || (line.starts_with("struct ") && line.ends_with(['{', ';']))
            || (line.contains(" vst_") && line.ends_with('(') && !line.starts_with("//"));
        let before = lines[..number].iter().rev().find(|line| !line.starts_with("extern"));
        let documented = before.is_some_and(|before| before.starts_with("//"));
        assert!(!item || documented, "line {}: {line} has no comment", number + 1);
    }
}

/// The names of ours in a text; one that ends with `_` stands for all that begin with it.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("vst_") || word.starts_with("VST_"))
}

#[test]
fn every_name_that_the_header_speaks_of_is_in_it() {
    let header = generate();
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let known: Vec<&str> =
        header.lines().filter(|line| !is_comment(line)).flat_map(names).collect();
    let is_known = |name: &str| {
        known.iter().any(|known| *known == name || (name.ends_with('_') && known.starts_with(name)))
    };
    for (number, line) in (1..).zip(header.lines()).filter(|(_, line)| is_comment(line)) {
        let unknown: Vec<&str> = names(line).filter(|name| !is_known(name)).collect();
        assert!(unknown.is_empty(), "line {number} speaks of {unknown:?}");
    }
}

#[test]
fn the_symbols_are_those_of_the_committed_list() {
    let header = generate();
    let mut names: Vec<&str> = header
        .lines()
        .filter(|line| !line.starts_with("//") && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(').map(|(before, _)| before))
        .filter_map(|before| before.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("vst_"))
        .collect();
    names.sort_unstable();
    names.dedup();
    compare(&root().join("include/vestibule.symbols"), &(names.join("\n") + "\n"));
}

#[test]
fn the_fuzz_target_of_the_whole_interface_calls_every_function() {
    let read = |file: &str| fs::read_to_string(root().join(file)).expect("a file of ours");
    let (symbols, calls) =
        (read("include/vestibule.symbols"), read("fuzz/fuzz_targets/surface/calls.rs"));
    let (_, table) = calls.split_once("\ncalls! {").expect("the table");
    for symbol in symbols.split_whitespace() {
        assert!(table.contains(&format!("{symbol}(")), "no row for {symbol}");
    }
}

/// Compiles a program that only includes the header, twice, as `standard`.
#[cfg(unix)]
fn compiles_alone(header: &str, compiler: &str, language: &str, standard: &str) {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let Some(compiler) = support::peer(compiler) else { return };
    let mut child = Command::new(compiler)
        .args(["-x", language, standard, "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef"])
        .args(["-Wconversion", "-Wsign-conversion", "-Wpadded", "-Wredundant-decls", "-Werror"])
        .args(["-fsyntax-only", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the compiler runs");
    let text = [header, header, "extern int nothing;\n"].concat();
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    assert!(child.wait().expect("it ends").success(), "{language} {standard}");
}

#[cfg(unix)]
#[test]
fn the_header_alone_compiles_as_every_c_and_cxx_without_a_warning() {
    let header = generate();
    for standard in ["-std=c99", "-std=c11", "-std=c17"] {
        compiles_alone(&header, "cc", "c", standard);
    }
    for standard in ["-std=c++11", "-std=c++17"] {
        compiles_alone(&header, "c++", "c++", standard);
    }
}

#[cfg(target_os = "linux")]
fn said_by(tool: &str, option: &[&str]) -> Option<String> {
    let tool = support::peer(tool)?;
    let library = artifacts::artifacts().folder.join("libvestibule.so.0");
    let output = std::process::Command::new(tool)
        .args(option)
        .arg(library)
        .output()
        .expect("a tool that is there runs");
    assert!(output.status.success());
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn the_shared_library_exports_the_committed_symbols_and_no_others() {
    let Some(said) = said_by("nm", &["-D", "--defined-only"]) else { return };
    let mut exported: Vec<&str> =
        said.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    exported.sort_unstable();
    let committed = fs::read_to_string(root().join("include/vestibule.symbols")).expect("the list");
    assert_eq!(exported, committed.lines().collect::<Vec<_>>());
}

#[cfg(target_os = "linux")]
#[test]
fn the_shared_library_has_its_name_and_stays_loaded() {
    let Some(said) = said_by("readelf", &["-d", "--wide"]) else { return };
    assert!(said.contains("Library soname: [libvestibule.so.0]"), "{said}");
    assert!(
        said.lines().any(|line| line.contains("FLAGS_1") && line.contains("NODELETE")),
        "{said}"
    );
}

#[test]
fn every_function_says_from_where_it_may_be_called_and_what_it_returns() {
    let header = generate();
    let mut comment: Vec<&str> = Vec::new();
    for line in header.lines() {
        if line.starts_with("//") {
            comment.push(line);
            continue;
        }
        let name = line.split_once('(').and_then(|(before, _)| before.rsplit([' ', '*']).next());
        let is_item = line.starts_with(|first: char| first.is_ascii_lowercase());
        let is_type = line.starts_with("typedef");
        if is_item && !is_type && name.is_some_and(|name| name.starts_with("vst_")) {
            let says = |word: &str| comment.iter().any(|said| said.starts_with(word));
            assert!(says("// Legal "), "{line} does not say from where it may be called");
            let is_void = line.starts_with("void ");
            assert!(is_void || says("// Returns "), "{line} does not say what it returns");
        }
        comment.clear();
    }
}
