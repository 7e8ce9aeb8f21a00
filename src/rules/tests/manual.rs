//! docs/rules.md lists every word of the language, and its examples are valid.

use super::read;
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
fn the_examples_of_the_manual_are_sets_of_rules() {
    let examples = MANUAL.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut count = 0;
    for example in examples {
        if let Err(why) = read(example, &|_| Ok(Vec::new())) {
            panic!("{why}");
        }
        count += 1;
    }
    assert!(count > 1, "{count}");
}
