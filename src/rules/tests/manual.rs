//! docs/rules.md lists every word of the language, and its example is valid.

use super::parse;
use crate::rules::reference;

const MANUAL: &str = include_str!("../../../docs/rules.md");
/// Everything behind this line is written by this test.
const MARK: &str = "<!-- What follows is written by";

#[test]
fn the_manual_lists_every_word_of_the_language() {
    let start = MANUAL.find(MARK).expect("the mark");
    let end = MANUAL[start..].find('\n').map_or(MANUAL.len(), |end| start + end + 1);
    let manual = format!("{}\n{}", &MANUAL[..end], reference());
    if std::env::var_os("VST_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
        return std::fs::write(path, manual).expect("the manual");
    }
    assert_eq!(MANUAL, manual, "VST_BLESS=1 rewrites docs/rules.md");
}

#[test]
fn the_example_of_the_manual_is_a_set_of_rules() {
    let example = MANUAL.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    parse(example.expect("an example"));
}
