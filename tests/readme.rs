//! The code in the README is that of the examples, and it compiles as shown; the index of hosts is complete;
//! every mistake in the contract is tried by a program.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An example short enough to be read at once.
const LINES_MOST: usize = 40;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of the README between its only ```` ```c ```` and the end of that block.
fn snippet() -> String {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let blocks: Vec<&str> = readme.split("\n```c\n").skip(1).collect();
    assert_eq!(blocks.len(), 1, "the README shows one program in C");
    let (code, _) = blocks[0].split_once("\n```").expect("the block ends");
    format!("{code}\n")
}

#[test]
fn the_program_in_the_readme_is_the_embedding_example() {
    let example = fs::read_to_string(root().join("examples/embed.c")).expect("the example");
    let shown = snippet();
    if support::is_blessing() && shown != example {
        let path = root().join("README.md");
        let readme = fs::read_to_string(&path).expect("a README");
        fs::write(path, readme.replace(&shown, &example)).expect("the tree is writable");
        return;
    }
    assert!(
        shown == example,
        "README.md and examples/embed.c differ: VST_BLESS=1 cargo test --test readme"
    );
}

#[test]
fn the_program_in_the_readme_is_short() {
    let lines = snippet().lines().count();
    assert!(lines <= LINES_MOST, "{lines} lines");
}

#[test]
fn the_program_in_the_readme_compiles_as_shown() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.c");
    fs::write(&file, snippet()).expect("a place for it");
    let compiler = cc::Build::new()
        .target(env!("VST_TARGET"))
        .host(env!("VST_HOST"))
        .opt_level(0)
        .cargo_metadata(false)
        .get_compiler();
    let out = Command::new(compiler.path())
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"])
        .arg(root().join("include"))
        .arg(&file)
        .output()
        .expect("a C compiler");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn the_commands_in_the_readme_are_there_to_be_run() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    for command in ["make -C examples run", "cargo test"] {
        assert!(readme.contains(command), "{command}");
    }
    let makefile = fs::read_to_string(root().join("examples/Makefile")).expect("a Makefile");
    assert!(makefile.contains("\nrun:"), "make -C examples run");
}

/// Names that begin as those of C do and are variables of the environment of the tests.
const ENVIRONMENT: [&str; 2] = ["VST_BLESS", "VST_BORINGSSL"];

#[test]
fn every_name_of_c_in_the_pages_is_in_the_header() {
    let header = fs::read_to_string(root().join("include/vestibule.h")).expect("the header");
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |text: &str| -> Vec<String> {
        let words = text.split(|c| !is_of_a_name(c));
        words
            .filter(|word| word.starts_with("vst_") || word.starts_with("VST_"))
            .map(str::to_owned)
            .collect()
    };
    let known = names(&header);
    let docs = fs::read_dir(root().join("docs")).expect("a folder");
    let pages = docs.map(|page| page.expect("a page").path());
    let pages = pages.chain(["README.md", "ARCHITECTURE.md"].map(|page| root().join(page)));
    for page in pages.filter(|page| page.extension().is_some_and(|is| is == "md")) {
        let text = fs::read_to_string(&page).expect("a page is text");
        for name in names(&text) {
            // As in `vst_table_*`.
            let begins = name.ends_with('_') && known.iter().any(|known| known.starts_with(&name));
            let is = begins || known.contains(&name) || ENVIRONMENT.contains(&name.as_str());
            assert!(is, "{}: {name} is not in the header", page.display());
        }
    }
}

/// How the index of hosts names a file: in brackets, then how many lines it has.
fn row_of_host(name: &str, lines: usize) -> String {
    format!("| [{name}](../../examples/hosts/{name}) | {lines} | ")
}

#[test]
fn the_index_of_hosts_has_every_host_and_its_lines() {
    let path = root().join("docs/hosts/README.md");
    let mut index = fs::read_to_string(&path).expect("an index");
    let parts = ["server.c", "ring.c"];
    for entry in fs::read_dir(root().join("examples/hosts")).expect("the hosts") {
        let file = entry.expect("an entry").path();
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        if !name.ends_with(".c") || parts.contains(&&*name) {
            continue;
        }
        let lines = fs::read_to_string(&file).expect("a source").lines().count();
        let row = row_of_host(&name, lines);
        let begin = row.split_once(") | ").expect("a column").0;
        let at = index.find(begin).unwrap_or_else(|| panic!("the index has no {name}"));
        if support::is_blessing() {
            let page = index[at..].match_indices(" | ").nth(1).expect("three columns").0;
            index.replace_range(at..at + page + " | ".len(), &row);
        }
        assert!(index[at..].starts_with(&row), "VST_BLESS=1 cargo test --test readme: {row}");
    }
    if support::is_blessing() {
        fs::write(path, index).expect("the tree is writable");
    }
}

/// Each row names the programs that try it, and they look for the status that it names.
#[test]
fn every_mistake_in_the_contract_is_tried_by_a_program() {
    const ROWS_LEAST: usize = 50;
    let contract = fs::read_to_string(root().join("docs/host-contract.md")).expect("the contract");
    let (_, table) = contract.split_once("## Mistakes, and what happens").expect("its section");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| mistake"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= ROWS_LEAST, "{} rows", rows.len());
    for row in rows {
        let [mistake, happens, programs] = row[..] else { panic!("three columns: {row:?}") };
        let sources: String = programs
            .split(", ")
            .map(|program| {
                let path = root().join("c-tests").join(program).with_extension("c");
                fs::read_to_string(&path).unwrap_or_else(|_| panic!("{mistake}: no {program}"))
            })
            .collect();
        for status in happens.split('`').filter(|word| word.starts_with("VST_E_")) {
            assert!(sources.contains(status), "{mistake}: {status} in {programs}");
        }
    }
}
