//! The language as tables for the documentation, made from what the compiler reads.

use super::compile::{STATEMENTS, SyntaxForm};
use super::criterion::{FLAGS, METHODS};
use super::keyword::{COUNTERS, KEYWORDS, Keyword, OWNERS};
use super::pattern::Comparison;
use super::verb::VERBS;

/// Every word of the language, in tables of Markdown: lines, actions, what can be asked for, and how
/// it is compared.
#[must_use]
pub fn reference() -> String {
    [lines(), actions(), values(), counters(), comparisons()].join("\n")
}

fn lines() -> String {
    let forms = STATEMENTS.iter().flat_map(|statement| statement.forms);
    let rows = forms.map(|SyntaxForm { syntax, doc, haproxy }| row(&[&code(syntax), doc, haproxy]));
    table("Lines", &["line", "what it is", "HAProxy"], rows)
}

fn actions() -> String {
    let rows = VERBS.iter().map(|verb| {
        let syntax = format!("{}{}", verb.name, verb.arguments);
        row(&[&code(&syntax), verb.doc, verb.haproxy])
    });
    table("Actions", &["action", "what it does", "HAProxy"], rows)
}

fn values() -> String {
    let rows = KEYWORDS.iter().map(|word| {
        let Keyword { kind, seen, doc, haproxy, .. } = word;
        row(&[&names(word), kind.name(), &seen.names(), doc, haproxy])
    });
    table("What can be asked for", &["word", "kind", "known in", "what it is", "HAProxy"], rows)
}

fn names(word: &Keyword) -> String {
    let argument = match word.argument {
        "" => String::new(),
        argument => format!("({argument})"),
    };
    let names = std::iter::once(&word.name).chain(word.also);
    names.map(|name| code(&format!("{name}{argument}"))).collect::<Vec<_>>().join(", ")
}

fn counters() -> String {
    let owners = OWNERS.iter().map(|(prefix, owner)| row(&[&code(prefix), owner.doc()]));
    let owners = table("Counters", &["begins with", "whose"], owners);
    let counters = COUNTERS.iter().map(|counter| {
        let names = std::iter::once(&counter.name).chain(&counter.haproxy);
        let names: Vec<String> = names.map(|name| code(name)).collect();
        row(&[&names.join(", "), counter.doc])
    });
    format!("{owners}\n{}", rows(&["goes on with", "how many"], counters))
}

fn comparisons() -> String {
    let methods = METHODS.iter().map(|method| row(&[&code(method.name), method.doc]));
    let methods = table("Comparing", &["`-m`", "true when the value is"], methods);
    let flags = FLAGS.iter().map(|flag| row(&[&code(flag.name), flag.doc]));
    let flags = rows(&["flag", "what it does"], flags);
    let numbers = Comparison::ALL.iter().map(|known| row(&[&code(known.name()), known.doc()]));
    let numbers = rows(&["in front of a number", "true when the value is"], numbers);
    format!("{methods}\n{flags}\n{numbers}")
}

fn table(title: &str, head: &[&str], lines: impl Iterator<Item = String>) -> String {
    format!("### {title}\n{}", rows(head, lines))
}

fn rows(head: &[&str], lines: impl Iterator<Item = String>) -> String {
    let rule = vec!["---"; head.len()];
    let lines: String = lines.collect();
    format!("{}{}{lines}", row(head), row(&rule))
}

fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
