//! Expressions: fetches with converters behind them, and the types between them.

use std::collections::BTreeSet;

use super::visitor::Visitor;
use super::{holds, mistake, parse};
use crate::rules::criterion::FLAGS;
use crate::rules::value::ValueType;
use crate::rules::{RulePhase, Value, absent_words, converter};

/// The value of an expression.
fn value(expression: &str) -> Option<Value<'static>> {
    let rules = parse(&format!("tcp-request session set-var(sess.x) {expression}"));
    let mut visitor = Visitor::known();
    super::verdict(&rules, RulePhase::Session, &mut visitor);
    let found = visitor.variables.into_iter().find(|(name, _)| name == "sess.x");
    found.map(|(_, value)| value)
}

fn text(expression: &str) -> Option<String> {
    let bytes = value(expression)?.into_text().into_owned();
    Some(String::from_utf8(bytes).expect("text"))
}

#[test]
fn every_converter_is_in_a_test() {
    let rows = [include_str!("haproxy/converters.tsv"), include_str!("haproxy/mqtt.tsv")].concat();
    let others =
        [include_str!("maps.rs"), include_str!("effects.rs"), include_str!("expressions.rs")];
    for converter in converter::all() {
        let name = converter.name;
        let is_asked = rows
            .lines()
            .filter_map(|row| row.split('\t').nth(2))
            .any(|written| written.split(',').any(|link| link.split('(').next() == Some(name)));
        // Maps and tables are tried one after the other, by what the table of converters says of them.
        let is_map = name.starts_with("map") || name.starts_with("table_");
        let is_here = others.iter().any(|text| text.contains(&format!(",{name}")));
        assert!(is_asked || is_map || is_here, "{name}");
    }
}

#[test]
fn values_are_cast_to_what_a_converter_takes() {
    for (expression, found) in [
        ("int(-5),length", Some("2")),
        ("int(300),hex", Some("000000000000012C")),
        ("bool(true),add(1)", Some("2")),
        ("bool(true),hex", Some("0000000000000001")),
        ("bool(true),concat(x)", Some("1x")),
        ("ipv4(0.0.1.0),add(0)", Some("256")),
        ("ipv4(192.0.2.1),hex", Some("C0000201")),
        ("ipv6(2001:db8::1),hex", Some("20010DB8000000000000000000000001")),
        ("ipv6(2001:db8::1),upper", Some("2001:DB8::1")),
        ("ipv6(::ffff:192.0.2.1),ipmask(24)", Some("192.0.2.0")),
        ("ipv6(2001:db8::1),add(0)", None),
        ("str(12ab),add(1)", Some("13")),
        ("str(ab),add(1)", Some("1")),
        ("str(),add(1)", None),
        ("str(true),not", Some("1")),
        ("str(99999999999999999999),add(0)", Some("9223372036854775807")),
        ("str(192.0.2.77),ipmask(24)", Some("192.0.2.0")),
        ("str(192.0.2),ipmask(24)", None),
        ("int(3221225985),ipmask(32)", Some("192.0.2.1")),
        ("bin(61),upper", Some("A")),
    ] {
        assert_eq!(text(expression).as_deref(), found, "{expression}");
    }
}

#[test]
fn a_value_that_can_never_be_cast_is_a_mistake() {
    for expression in [
        "bin(00),add(1)",
        "bin(00),not",
        "bin(00),ipmask(8)",
        "bool(true),ipmask(8)",
        "str(a),hex,b64dec,add(1)",
    ] {
        let why = mistake(&format!("tcp-request session set-var(sess.x) {expression}"));
        assert!(why.problem.contains("takes values of type"), "{expression}: {why}");
    }
}

#[test]
fn the_type_of_a_variable_is_known_when_it_is_read() {
    let visitor = Visitor::known();
    for (value, condition) in [
        ("src", "{ var(sess.x),add(0) 3221225991 }"),
        ("bin(00ff)", "!{ var(sess.x),add(0) -m found } { var(sess.x),hex 00FF }"),
        ("str(5)", "{ var(sess.x),add(1) 6 }"),
    ] {
        let rules = parse(&format!(
            "tcp-request session set-var(sess.x) {value}\ntcp-request session reject if {condition}"
        ));
        let verdict = super::verdict(&rules, RulePhase::Session, &mut visitor.clone());
        assert_ne!(verdict, crate::rules::Verdict::Accept, "{value}");
    }
}

#[test]
fn every_converter_that_gives_a_value_of_a_type_gives_one_of_that_type() {
    for (expression, kind) in [
        ("src,lower", ValueType::Str),
        ("src,add(0)", ValueType::Int),
        ("src,ipmask(8)", ValueType::Addr),
        ("str(YQ==),b64dec", ValueType::Bin),
        ("int(1),bool", ValueType::Bool),
    ] {
        let found = match value(expression).expect(expression) {
            Value::Bool(_) => ValueType::Bool,
            Value::Int(_) => ValueType::Int,
            Value::Addr(_) => ValueType::Addr,
            Value::Str(_) => ValueType::Str,
            Value::Bin(_) => ValueType::Bin,
        };
        assert_eq!(found, kind, "{expression}");
    }
}

#[test]
fn arguments_are_quoted_twice_as_the_words_of_a_line_are() {
    for (expression, found) in [
        (r#""str('a,b')""#, "a,b"),
        (r"str(\'a,b\')", "a,b"),
        (r#"'str("a b)")'"#, "a b)"),
        (r#"'str("\\ \"")'"#, "\\ \""),
        (r"'str(a\.b)'", r"a\.b"),
        (r#"'str("\n")'"#, "\n"),
        (r#""str('\\n')""#, r"\n"),
        (r#"'str(a),concat(",",,b)'"#, "a,b"),
        ("str(a),,concat(b),", "ab"),
    ] {
        assert_eq!(text(expression).as_deref(), Some(found), "{expression}");
    }
}

#[test]
fn empty_brackets_are_as_good_as_none() {
    assert_eq!(text("str(A),lower()").as_deref(), Some("a"));
    assert_eq!(text("src(),concat()").as_deref(), Some("192.0.2.7"));
}

#[test]
fn a_value_that_would_grow_beyond_what_a_connection_begins_with_is_not_there() {
    let long = "x".repeat(1_000);
    let grown = |times: usize| {
        let doubled = format!("str({long}){}", ",regsub(x,xx,g)".repeat(times));
        text(&format!("{doubled},length"))
    };
    assert_eq!(grown(4).as_deref(), Some("16000"));
    assert_eq!(grown(5), None);
}

#[test]
fn every_flag_is_in_a_test() {
    let texts = [include_str!("fetches.rs"), include_str!("maps.rs"), include_str!("errors.txt")];
    for flag in FLAGS {
        assert!(
            texts.iter().any(|text| text.contains(&format!("{} ", flag.name))),
            "{}",
            flag.name
        );
    }
}

#[test]
fn a_word_that_haproxy_knows_is_answered_with_what_to_use_instead() {
    for (family, instead) in absent_words::FETCHES {
        let name = family.replace('*', "x");
        let why = mistake(&format!("tcp-request session reject if {{ {name} -m found }}"));
        assert_eq!((&*why.advice, why.suggest), (*instead, None), "{name}");
    }
    for (family, instead) in absent_words::CONVERTERS {
        let name = family.replace('*', "x");
        let why = mistake(&format!("tcp-request session reject if {{ src,{name} -m found }}"));
        assert_eq!((&*why.advice, why.suggest), (*instead, None), "{name}");
    }
    for (family, instead) in absent_words::ACTIONS {
        let name = family.replace('*', "x");
        let why = mistake(&format!("tcp-request session {name}"));
        assert_eq!((&*why.advice, why.suggest), (*instead, None), "{name}");
    }
    for (family, instead) in absent_words::ACLS {
        let why = mistake(&format!("tcp-request session reject if {}", family.replace('*', "X")));
        assert_eq!((&*why.advice, why.suggest), (*instead, None), "{family}");
    }
    for (family, instead) in absent_words::LINES {
        let why = mistake(&format!("{} x", family.replace('*', "x")));
        assert_eq!((&*why.advice, why.suggest), (*instead, None), "{family}");
    }
}

#[test]
fn what_is_to_be_used_instead_is_in_the_header() {
    let header = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/include/vestibule.h"));
    let is_of_name = |byte: char| byte.is_ascii_alphanumeric() || byte == '_';
    let known: BTreeSet<&str> = header.split(|byte| !is_of_name(byte)).collect();
    let lists = [
        absent_words::FETCHES,
        absent_words::CONVERTERS,
        absent_words::ACTIONS,
        absent_words::ACLS,
        absent_words::LINES,
    ];
    let advice = lists.iter().flat_map(|list| list.iter()).map(|(_, instead)| *instead);
    let names = advice.flat_map(|text| text.split(|byte| !is_of_name(byte)));
    let of_c: BTreeSet<&str> = names.filter(|name| name.starts_with("vst_")).collect();
    assert!(!of_c.is_empty());
    let unknown: Vec<_> = of_c.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_condition_on_a_converted_value_is_of_the_type_that_comes_out() {
    let visitor = Visitor::known();
    assert!(holds(
        "{ so_name,length 5 } { so_name,length gt 4 } { src,ipmask(8) 192.0.0.0 }",
        &visitor
    ));
    assert!(holds("{ so_name,length,odd } { so_name,crc32 -m int 0: }", &visitor));
    assert!(holds("{ so_name,regsub(^f,F) -i FRONT } !{ so_name,regsub(^f,F) front }", &visitor));
}

#[test]
fn a_word_may_have_a_method_in_its_name() {
    let mut visitor = Visitor::known();
    assert!(holds("{ ssl_fc_sni_end .example.test }", &visitor));
    assert!(holds("{ ssl_fc_sni_end -i .EXAMPLE.test }", &visitor));
    assert!(holds("{ ssl_fc_sni_reg ^www }", &visitor));
    assert!(!holds("{ ssl_fc_sni_end www }", &visitor));
    assert!(holds("{ ssl_fc_sni_end -m beg www }", &visitor), "what is said counts");
    visitor.tls = None;
    assert!(!holds("{ ssl_fc_sni_end .test }", &visitor));
}

#[test]
fn the_listener_of_the_rules_may_be_named() {
    parse("frontend mine\nuse_backend a if { fe_conn(mine) gt 1 } { fe_sess_rate gt 5 }");
}

#[test]
fn an_expression_goes_on_behind_a_comma_and_a_blank() {
    let visitor = Visitor::known();
    assert!(holds("{ ssl_fc_sni, upper,  field(1,.) WWW }", &visitor));
    assert!(!holds("{ ssl_fc_sni, upper www.example.test }", &visitor));
    parse("stick-table type ip size 10\nstick on src, ipmask(24)");
    parse("tcp-request session set-var(sess.x) src, ipmask(24) if TRUE");
}
