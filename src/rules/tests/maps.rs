//! Maps: files in which converters look a value up.

use std::sync::Arc;

use super::visitor::Visitor;
use super::{NOW, read};
use crate::rules::converter;
use crate::rules::value::ValueType;
use crate::rules::{Environment, RulePhase, RuleProgress, RuleSet, Tables, Value};

/// What an expression is, with one file.
fn value(expression: &str, file: &[u8]) -> Option<Value<'static>> {
    let rules =
        read(&format!("tcp-request session set-var(txn.x) {expression}"), &|_| Ok(file.to_vec()))
            .unwrap_or_else(|why| panic!("{why}"));
    let mut visitor = Visitor::default();
    super::verdict(&rules, RulePhase::Session, &mut visitor);
    visitor.variables.pop().map(|(_, value)| value)
}

fn text(expression: &str, file: &str) -> Option<String> {
    let text = value(expression, file.as_bytes())?.into_text().into_owned();
    Some(String::from_utf8(text).expect("text"))
}

#[test]
fn every_converter_of_a_map_finds_the_value_of_a_key_or_its_default() {
    let all = converter::all().filter(|converter| converter.name.starts_with("map"));
    let mut count = 0;
    for converter in all {
        let name = converter.name;
        let (found, absent, key) = match converter.input {
            ValueType::Int => ("int(5)", "int(6)", "5"),
            ValueType::Addr => ("ipv4(192.0.2.1)", "ipv4(192.0.2.2)", "192.0.2.1"),
            _ => ("str(a.test)", "str(b.toast)", "a.test"),
        };
        let (stored, default, unlike) = match converter.output {
            ValueType::Int => (Value::Int(-7), Value::Int(0), "0"),
            ValueType::Addr => {
                let address = |last| Value::Addr([198, 51, 100, last].into());
                (address(1), address(2), "198.51.100.2")
            }
            _ => (Value::text("a b"), Value::text("none"), "none"),
        };
        let written = String::from_utf8(stored.clone().into_text().into_owned()).expect("text");
        let file = format!("# a comment\n\n  {key}\t {written} \r\n");
        let ask = |asked: &str, arguments: &str| {
            value(&format!("{asked},{name}({arguments})"), file.as_bytes())
        };
        assert_eq!(ask(found, "file"), Some(stored.clone()), "{name}");
        assert_eq!(ask(absent, "file"), None, "{name}");
        assert_eq!(ask(found, &format!("file,{unlike}")), Some(stored), "{name}");
        assert_eq!(ask(absent, &format!("file,{unlike}")), Some(default), "{name}");
        count += 1;
    }
    assert_eq!(count, 28);
}

#[test]
fn of_several_keys_that_are_alike_the_first_counts() {
    let file = "a 1\na 2\n";
    for name in ["map", "map_beg", "map_end", "map_sub", "map_dir", "map_dom", "map_reg"] {
        assert_eq!(text(&format!("str(a),{name}(file)"), file).as_deref(), Some("1"), "{name}");
    }
    assert_eq!(text("int(5),map_int(file)", "1:9 a\n5 b\n").as_deref(), Some("a"));
    let file = "10.0.0.0/8 a\n10.0.0.0/8 b\n";
    assert_eq!(text("ipv4(10.1.1.1),map_ip(file)", file).as_deref(), Some("a"));
}

#[test]
fn the_longest_beginning_and_the_smallest_network_count_wherever_they_stand() {
    for file in ["a 1\nabc 3\nab 2\n", "abc 3\nab 2\na 1\n"] {
        assert_eq!(text("str(abd),map_beg(file)", file).as_deref(), Some("2"));
        assert_eq!(text("str(abcd),map_beg(file)", file).as_deref(), Some("3"));
    }
    for file in [
        "0.0.0.0/0 all\n10.0.0.0/8 ten\n10.1.0.0/16 one\n2001:db8::/32 six\n",
        "2001:db8::/32 six\n10.1.0.0/16 one\n10.0.0.0/8 ten\n0.0.0.0/0 all\n",
    ] {
        for (address, network) in [
            ("ipv4(10.1.2.3)", Some("one")),
            ("ipv4(10.2.2.3)", Some("ten")),
            ("ipv4(11.2.2.3)", Some("all")),
            ("ipv6(::ffff:10.1.2.3)", Some("one")),
            ("ipv6(2001:db8::1)", Some("six")),
            ("ipv6(2001:db9::1)", None),
            ("str(10.1.2.3)", Some("one")),
            ("str(ten)", None),
        ] {
            let found = text(&format!("{address},map_ip(file)"), file);
            assert_eq!(found.as_deref(), network, "{address}");
        }
    }
}

#[test]
fn elsewhere_the_first_line_that_fits_counts() {
    for (name, file, asked, found) in [
        ("map_end", ".test a\nb.test b\n", "b.test", "a"),
        ("map_sub", "es a\ntest b\n", "b.test", "a"),
        ("map_dom", "test a\nb.test b\n", "b.test", "a"),
        ("map_dir", "x a\n/x/y b\n", "/x/y", "a"),
        ("map_reg", "^b a\n^b[.]test$ b\n", "b.test", "a"),
    ] {
        assert_eq!(
            text(&format!("str({asked}),{name}(file)"), file).as_deref(),
            Some(found),
            "{name}"
        );
    }
}

#[test]
fn a_key_without_a_value_has_an_empty_one() {
    assert_eq!(text("str(a),map(file,d)", "a").as_deref(), Some(""));
    assert_eq!(value("str(a),map_str_int(file)", b"a\n"), Some(Value::Int(0)));
    assert_eq!(text("str(b),map(file,)", "a 1").as_deref(), Some(""));
}

#[test]
fn what_is_not_there_has_no_default() {
    assert_eq!(text("src,map_ip(file,none)", "10.0.0.0/8 a\n"), None);
    assert_eq!(text("str(),map_int(file,none)", "5 a\n"), None);
}

#[test]
fn keys_and_values_may_be_any_bytes() {
    let found = value("bin(ff00),map(file)", b"\xff\x00 \xfe\x00x\n");
    assert_eq!(found, Some(Value::str(b"\xfe\0x")));
}

#[test]
fn the_keys_of_a_map_are_values_of_a_condition() {
    let rules = read("tcp-request session reject if { src -M -f file }", &|_| {
        Ok(b"# ours\n10.0.0.0/8 ten\n192.0.2.1\n".to_vec())
    })
    .expect("rules");
    for (source, refused) in [("10.1.1.1", true), ("192.0.2.1", true), ("192.0.2.2", false)] {
        let verdict = super::verdict(&rules, RulePhase::Session, &mut Visitor::from(source));
        assert_eq!(verdict != crate::rules::Verdict::Accept, refused, "{source}");
    }
}

#[test]
fn a_set_that_takes_the_place_of_another_reads_its_files_again() {
    let text = "use_backend %[src,map_ip(file)]";
    let set = |before: Option<&RuleSet>, file: &'static str| -> Arc<RuleSet> {
        let load = |_: &str| Ok(file.as_bytes().to_vec());
        let environment = Environment { tables: &Tables::default(), before, load: &load };
        RuleSet::parse(text.as_bytes(), environment).expect("rules")
    };
    let goes_to = |rules: &RuleSet| {
        let mut visitor = Visitor::known();
        visitor.backends.push(("other", visitor.backends[0].1));
        let progress = RuleProgress::default();
        let name = rules.backend(&progress, &visitor, NOW);
        name.map(|name| name.into_owned())
    };
    let first = set(None, "192.0.2.7 farm\n");
    assert_eq!(goes_to(&first).as_deref(), Some("farm"));
    let second = set(Some(&first), "192.0.2.7 other\n");
    assert_eq!(goes_to(&second).as_deref(), Some("other"));
    assert_eq!(goes_to(&first).as_deref(), Some("farm"), "whoever has the first keeps it");
}
