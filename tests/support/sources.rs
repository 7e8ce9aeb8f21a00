//! The sources as the checks read them: code alone, and the paths in it.

use std::fs;
use std::path::{Path, PathBuf};

/// With fewer files than this the sources are not where they are expected.
const FEWEST: usize = 100;

/// A file of `src` as code alone: no comments, no strings, no tests.
pub(crate) struct Source {
    /// Its path below `src`.
    pub(crate) path: String,
    /// The modules from the root to it.
    pub(crate) modules: Vec<String>,
    /// Its lines, the number first.
    pub(crate) lines: Vec<(usize, String)>,
}

/// The kind of line that a path is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Code,
    Use,
    Reexport,
}

/// A path in a source.
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) place: Place,
    /// The words from the root of the crate, where it begins with `crate`, `self` or `super`.
    pub(crate) from_root: Option<Vec<String>>,
    /// The words as they are written.
    pub(crate) words: Vec<String>,
}

impl Source {
    pub(crate) fn layer(&self) -> &str {
        self.modules.first().map_or("lib", String::as_str)
    }

    pub(crate) fn is_in(&self, layers: &[&str]) -> bool {
        layers.contains(&self.layer())
    }

    /// The layers other than its own that it uses, and where.
    pub(crate) fn uses(&self) -> Vec<(usize, String)> {
        let rooted = |named: Named| {
            let used = named.from_root?.into_iter().next().unwrap_or_default();
            (used != self.layer()).then_some((named.line, used))
        };
        self.names().into_iter().filter_map(rooted).collect()
    }

    /// Every path in it, and single words too.
    pub(crate) fn names(&self) -> Vec<Named> {
        // Inline modules that are open: `super` leaves them first.
        let mut inline: Vec<(usize, String)> = Vec::new();
        let mut found = Vec::new();
        let mut lines = self.lines.iter();
        while let Some((number, line)) = lines.next() {
            let indent = line.len() - line.trim_start().len();
            if line.trim() == "}" && inline.last().is_some_and(|(open, _)| *open == indent) {
                inline.pop();
            }
            let mut names = Vec::new();
            let place = match used(line) {
                None => {
                    names.extend(paths(line).map(str::to_owned));
                    Place::Code
                }
                Some((tree, place)) => {
                    let mut tree = tree.to_owned();
                    while !tree.contains(';')
                        && let Some((_, more)) = lines.next()
                    {
                        tree += more.trim();
                    }
                    expand("", tree.trim_end_matches(';'), &mut names);
                    place
                }
            };
            let here: Vec<&String> =
                self.modules.iter().chain(inline.iter().map(|(_, name)| name)).collect();
            found.extend(names.iter().map(|name| Named {
                line: *number,
                place,
                from_root: from_root(name, &here),
                words: name.split("::").map(str::to_owned).collect(),
            }));
            if let Some(name) = inline_module(line) {
                inline.push((indent, name.to_owned()));
            }
        }
        found
    }
}

/// The path that a line which begins a `use` imports, as far as the line goes.
fn used(line: &str) -> Option<(&str, Place)> {
    let (before, tree) = line.trim().split_once("use ")?;
    match before {
        "" => Some((tree, Place::Use)),
        _ if before.starts_with("pub") => Some((tree, Place::Reexport)),
        _ => None,
    }
}

/// Writes out the paths of a tree of uses, each behind `path`.
fn expand(path: &str, tree: &str, into: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((before, rest)) = tree.split_once('{') else {
        let name = tree.split_whitespace().next().unwrap_or_default();
        if !name.is_empty() {
            let whole = format!("{path}{name}");
            into.push(whole.strip_suffix("::self").unwrap_or(&whole).to_owned());
        }
        return;
    };
    let inside = rest.strip_suffix('}').unwrap_or(rest);
    let path = format!("{path}{before}");
    let mut depth = 0;
    let commas = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    };
    inside.split(commas).for_each(|tree| expand(&path, tree, into));
}

/// The words of a path from the root, seen from a module; `None` if it does not contain where it begins.
fn from_root(path: &str, here: &[&String]) -> Option<Vec<String>> {
    let mut words = path.split("::").peekable();
    let climbs = |words: &mut std::iter::Peekable<_>| {
        std::iter::from_fn(|| words.next_if(|word: &&str| *word == "super")).count()
    };
    let up = match *words.peek()? {
        "crate" => {
            words.next();
            here.len()
        }
        "self" => {
            words.next();
            climbs(&mut words)
        }
        "super" => climbs(&mut words),
        _ => return None,
    };
    let base = &here[..here.len().saturating_sub(up)];
    Some(base.iter().map(|word| (*word).clone()).chain(words.map(str::to_owned)).collect())
}

/// The name of the module that a line opens.
fn inline_module(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [.., "mod", name, "{"] => Some(name),
        _ => None,
    }
}

/// The paths in a line: words, joined by `::`. A single word that resolves to nothing is none.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .map(|path| path.trim_matches(':'))
        .filter(|path| !matches!(*path, "" | "crate" | "self" | "super"))
}

/// Removes the strings and the comment from a line. This is enough for sources without block comments
/// and with strings that end on their line or contain no code.
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
            // A character that would look like the beginning of a string or an escape.
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

/// The code of a text, without what follows `#[cfg(test)]`.
pub(crate) fn lines_of(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut source = (1..).zip(text.lines());
    while let Some((number, line)) = source.next() {
        let is_test = line.trim_start().starts_with("#[cfg(") && line.contains("test");
        if !is_test || line.contains("any(test") {
            lines.push((number, code_of(line)));
            continue;
        }
        // The item after it: one line, or a block that ends with a brace at the indentation where it
        // began.
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
pub(crate) fn sources() -> Vec<Source> {
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
    assert!(sources.len() > FEWEST, "the sources are not where this test looks");
    sources
}
