//! The language as tables for the documentation, made from what the compiler reads.

use super::action_word::ACTION_WORDS;
use super::compile::{STATEMENTS, SyntaxForm};
use super::converter;
use super::criterion::{DERIVED, FLAGS, METHODS};
use super::fetch::{ARRAYS, COUNTERS, CounterArray, FetchWord, OWNERS, STATEFUL, fetch_words};
use super::param::usage;
use super::pattern::Comparison;
use super::predefined::ACLS;
use super::section::SECTIONS;
use super::stick::STICK_WORDS;
use super::value::ValueType;
use super::variable::SCOPES;

/// Every word of the language, in tables of Markdown: sections, lines, actions, what can be asked for,
/// what converts it, and how it is compared.
#[must_use]
pub fn reference() -> String {
    [sections(), lines(), actions(), values(), counters(), conversions(), comparisons()].join("\n")
}

fn sections() -> String {
    let rows = SECTIONS.iter().map(|word| row(&[&code(&format!("{} NAME", word.name)), word.doc]));
    table("Sections", &["line", "what is in it"], rows)
}

fn lines() -> String {
    let forms = STATEMENTS.iter().flat_map(|statement| statement.forms);
    let lines =
        forms.map(|SyntaxForm { syntax, doc, haproxy }| row(&[&code(syntax), doc, haproxy]));
    let lines = table("Lines", &["line", "what it is", "HAProxy"], lines);
    let sticks = STICK_WORDS.iter().map(|word| row(&[&code(word.name), word.doc]));
    format!("{lines}\n{}", rows(&["behind `stick`", "what it does"], sticks))
}

fn actions() -> String {
    let actions = ACTION_WORDS
        .iter()
        .map(|verb| row(&[&code(&verb.syntax()), &verb.seen.names(), verb.doc, verb.haproxy]));
    let actions = table("Actions", &["action", "in", "what it does", "HAProxy"], actions);
    let scopes = SCOPES.iter().map(|(scope, life)| row(&[&code(scope), life]));
    format!("{actions}\n{}", rows(&["scope of a variable", "it is of"], scopes))
}

fn values() -> String {
    let rows = fetch_words().map(|word| {
        let FetchWord { kind, seen, doc, haproxy, .. } = word;
        row(&[&names(word), kind.name(), &seen.names(), doc, haproxy])
    });
    table("What can be asked for", &["word", "type", "known in", "what it is", "HAProxy"], rows)
}

fn names(word: &FetchWord) -> String {
    let names = std::iter::once(&word.name).chain(word.also);
    let names = names.map(|name| code(&format!("{name}{}", usage(word.params))));
    names.collect::<Vec<_>>().join(", ")
}

fn counters() -> String {
    let owners = OWNERS.iter().map(|(prefix, owner)| row(&[&code(prefix), owner.doc()]));
    let owners = table("Counters", &["begins with", "whose"], owners);
    let counters = COUNTERS.iter().map(|counter| {
        let names = std::iter::once(&counter.name).chain(&counter.haproxy);
        let names: Vec<String> = names.map(|name| code(name)).collect();
        row(&[&names.join(", "), counter.doc])
    });
    let stateful = STATEFUL.iter().map(|word| row(&[&code(word.name), word.doc]));
    let array = |counter: &CounterArray| {
        let name = counter.name;
        let numbered = code(&format!("sc_{name}(index,slot)"));
        row(&[&code(&format!("{name}(index)")), &format!("{}; {numbered}", counter.doc)])
    };
    let all = counters.chain(stateful).chain(ARRAYS.iter().map(array));
    format!("{owners}\n{}", rows(&["goes on with", "how many"], all))
}

fn conversions() -> String {
    let rows = converter::all().map(|converter| {
        let name = code(&format!("{}{}", converter.name, usage(converter.params)));
        let [input, output] = [converter.input, converter.output].map(ValueType::name);
        row(&[&name, input, output, converter.doc, converter.haproxy])
    });
    table("Converters", &["converter", "takes", "gives", "what it makes", "HAProxy"], rows)
}

fn comparisons() -> String {
    let methods = METHODS.iter().map(|method| row(&[&code(method.name), method.doc]));
    let methods = table("Comparing", &["`-m`", "true when the value is"], methods);
    let flags = FLAGS.iter().map(|flag| row(&[&code(flag.name), flag.doc]));
    let flags = rows(&["flag", "what it does"], flags);
    let numbers = Comparison::ALL.iter().map(|known| row(&[&code(known.name()), known.doc()]));
    let numbers = rows(&["in front of a number", "true when the value is"], numbers);
    let acls = ACLS.iter().map(|acl| row(&[&code(acl.name), &code(acl.criterion)]));
    let acls = rows(&["acl that needs no line", "what it is"], acls);
    let derived = DERIVED.iter().map(|word| row(&[&code(word.name), &code(word.same)]));
    let derived = rows(&["word with a method in it", "the same as"], derived);
    format!("{methods}\n{flags}\n{numbers}\n{derived}\n{acls}")
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
