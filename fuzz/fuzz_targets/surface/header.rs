//! What the header says of each function: the statuses that it returns, and from where it is legal.

use std::collections::BTreeMap;

const HEADER: &str = include_str!("../../../include/vestibule.h");

/// What holds for one function.
pub struct Contract {
    pub name: &'static str,
    statuses: Vec<i32>,
    /// It takes an engine, a loop or a waker, and so does nothing in some callbacks.
    pub is_barred: bool,
}

impl Contract {
    pub fn of(name: &'static str, numbers: &BTreeMap<&str, i32>, sized: &[&str]) -> Self {
        let (comment, prototype) = entry(name);
        let mut statuses = said_in(&comment, numbers);
        if sized.iter().any(|name| prototype.contains(&format!("{name} *"))) {
            statuses.push(numbers["VST_E_SIZE"]);
        }
        let takes = ["vst_engine *engine", "vst_loop *loop", "vst_waker *waker"];
        let is_barred = takes.iter().any(|what| prototype.contains(what))
            && !["vst_loop_stop", "vst_waker_free"].contains(&name);
        if is_barred {
            statuses.push(numbers["VST_E_REENTRANT"]);
        }
        Self { name, statuses, is_barred }
    }

    pub fn lists(&self, status: i32) -> bool {
        self.statuses.contains(&status)
    }
}

/// The numbers of the statuses.
pub fn statuses() -> BTreeMap<&'static str, i32> {
    let section = HEADER.split("\n// 2. ").next().unwrap_or_default();
    let defines = section.lines().filter_map(|line| line.strip_prefix("#define "));
    let pairs = defines.filter_map(|line| line.split_once(' '));
    let known = pairs.filter(|(name, _)| {
        name.starts_with("VST_E_") || ["VST_OK", "VST_WAIT", "VST_END", "VST_NONE"].contains(name)
    });
    known.filter_map(|(name, n)| Some((name, n.trim_matches(['(', ')']).parse().ok()?))).collect()
}

/// The comment of a function, in one line, and its prototype.
fn entry(name: &str) -> (String, &'static str) {
    let kinds = ["vst_status ", "void ", "uint32_t ", "const char *"];
    let begin = kinds.iter().find_map(|kind| HEADER.find(&format!("\n{kind}{name}(")));
    let begin = begin.unwrap_or_else(|| panic!("{name} is not in the header"));
    let (above, prototype) = HEADER.split_at(begin + 1);
    let mut lines: Vec<_> = above.lines().rev().take_while(|line| line.starts_with("//")).collect();
    lines.reverse();
    let lines: Vec<_> = lines.iter().map(|line| line.trim_start_matches("// ")).collect();
    (lines.join(" "), prototype.split_once(';').expect("it ends").0)
}

/// The statuses that a comment says are returned, those of a function that it refers to among them.
fn said_in(comment: &str, numbers: &BTreeMap<&str, i32>) -> Vec<i32> {
    let said = comment.split_once("Returns ").map_or("", |(_, said)| said);
    let said = said.split("Needs:").next().unwrap_or_default();
    let words = said.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let mut statuses: Vec<_> = words.filter_map(|word| numbers.get(word).copied()).collect();
    if let Some((other, _)) = said.strip_prefix("what ").and_then(|of| of.split_once(" does")) {
        statuses.extend(said_in(&entry(other).0, numbers));
    }
    statuses
}

/// The structs whose first field is their size.
pub fn structs_with_a_size() -> Vec<&'static str> {
    let parts = HEADER.split("\nstruct ").skip(1).filter_map(|part| part.split_once(" {"));
    let is_sized = |body: &str| {
        let fields = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        fields.skip_while(|line| line.is_empty()).next() == Some("uint32_t size;")
    };
    parts.filter(|(_, body)| is_sized(body)).map(|(name, _)| name).collect()
}
