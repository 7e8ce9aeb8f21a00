//! Sections, their tables, and `stick` lines.

use super::visitor::Visitor;
use super::{NOW, mistake, parse};
use crate::rules::compile::STATEMENTS;
use crate::rules::predefined::ACLS;
use crate::rules::section::SECTIONS;
use crate::rules::stick::STICK_WORDS;
use crate::rules::{RulePhase, RuleProgress, RuleSet, Verdict};
use crate::table::{OwnedKey, Stored};

#[test]
fn rules_are_those_of_the_lines_in_front_or_of_one_frontend() {
    for begin in [
        "",
        "frontend web\n",
        "listen web\n",
        "defaults\nfrontend web\n",
        "defaults any\nlisten web\n",
    ] {
        let rules = parse(&format!("{begin}use_backend a\nbackend b\n"));
        assert_eq!(rules.backends().collect::<Vec<_>>(), ["a"], "{begin}");
    }
    let problem = mistake("frontend a\nfrontend b\n").problem;
    assert_eq!(problem, "there are rules of another listener above");
}

#[test]
fn a_backend_may_come_before_the_frontend() {
    let rules = parse(
        "backend t\nstick-table type ip size 10 store gpc0\nfrontend f\n\
         tcp-request connection track-sc0 src table t\nuse_backend a if { sc0_gpc0 0 }",
    );
    assert!(rules.has(RulePhase::Connection) && rules.chooses_backends());
}

#[test]
fn the_table_of_a_section_is_called_like_it_and_meant_by_its_lines() {
    let rules = parse(
        "stick-table type ip size 10 store conn_cnt\n\
         tcp-request connection track-sc0 src\n\
         tcp-request connection track-sc1 src table later\n\
         tcp-request connection reject if { src_conn_cnt 1 } { src_gpc0(later) 0 }\n\
         backend later\n\
         stick-table type ip size 20 store gpc0\n",
    );
    let names: Vec<&str> = rules.tables().iter().map(|table| &*table.config().name).collect();
    assert_eq!(names, ["default", "later"]);
    let mut visitor = Visitor::from("192.0.2.1");
    let verdict = super::verdict(&rules, RulePhase::Connection, &mut visitor);
    assert_eq!(verdict, Verdict::Reject { line: 4 });
    let rules = parse(
        "frontend web\nstick-table type ip size 10 store conn_cnt\n\
         tcp-request connection reject if { src_conn_cnt gt 5 } { src_conn_cnt(web) gt 5 }",
    );
    assert!(rules.tables().get("web").is_some() && rules.tables().get("default").is_none());
}

#[test]
fn tables_that_are_alike_are_two() {
    let rules = parse(
        "backend a\nstick-table type ip size 10 store gpc0\n\
         backend b\nstick-table type ip size 10 store gpc0\n\
         frontend f\ntcp-request connection track-sc0 src table a",
    );
    let mut progress = RuleProgress::default();
    rules.evaluate(RulePhase::Connection, &mut progress, &mut Visitor::from("192.0.2.1"), NOW);
    let entries = |name| rules.tables().get(name).expect("a table").len();
    assert_eq!((entries("a"), entries("b")), (1, 0));
}

#[test]
fn an_acl_is_that_of_its_section() {
    let text = "acl a src 192.0.2.1\nuse_backend x if a\n\
         backend b\nstick-table type ip size 10\nacl a src 192.0.2.2\nstick on src if a";
    let rules = parse(text);
    let goes = |source: &str| {
        let visitor = Visitor::from(source);
        let progress = RuleProgress::default();
        let chosen = rules.backend(&progress, &visitor, NOW).is_some();
        (chosen, rules.stick_entries(Some("b"), &progress, &visitor, NOW).len())
    };
    assert_eq!(goes("192.0.2.1"), (true, 0));
    assert_eq!(goes("192.0.2.2"), (false, 1));
}

const STICKS: &str = "stick match dst_port table ports if { dst_port 443 }\n\
    backend farm\n\
    stick-table type ip size 10\n\
    stick on src\n\
    stick store-request ssl_fc_sni,lower table names\n\
    backend ports\n\
    stick-table type integer size 10 store conn_cnt\n\
    backend names\n\
    stick-table type string len 8 size 10 store server_id";

fn entries(
    rules: &RuleSet,
    backend: Option<&str>,
    visitor: &Visitor,
) -> Vec<(OwnedKey, bool, bool)> {
    let entries = rules.stick_entries(backend, &RuleProgress::default(), visitor, NOW);
    entries.into_iter().map(|entry| (entry.key, entry.matches, entry.stores)).collect()
}

#[test]
fn stick_lines_are_for_their_backend_or_for_all() {
    let rules = parse(STICKS);
    assert!(rules.remembers_servers() && !parse("use_backend a").remembers_servers());
    let visitor = Visitor::known();
    let port = (OwnedKey::Integer(443), true, false);
    let source = (OwnedKey::Ip([192, 0, 2, 7].into()), true, true);
    let name = (OwnedKey::Text(b"www.example.test"[..].into()), false, true);
    assert_eq!(entries(&rules, Some("farm"), &visitor), [port.clone(), source, name]);
    for backend in [Some("other"), None] {
        assert_eq!(entries(&rules, backend, &visitor), std::slice::from_ref(&port));
    }
}

#[test]
fn a_stick_line_that_does_not_apply_has_no_entry() {
    let rules = parse(STICKS);
    let mut visitor = Visitor::known();
    visitor.tls = None;
    visitor.destination = Some("198.51.100.1:80".parse().expect("an end"));
    assert_eq!(entries(&rules, Some("farm"), &visitor).len(), 1);
    visitor.source = None;
    assert_eq!(entries(&rules, Some("farm"), &visitor), []);
}

#[test]
fn a_table_that_a_stick_line_names_remembers_servers() {
    let rules = parse(STICKS);
    for name in ["farm", "ports", "names"] {
        let table = rules.tables().get(name).expect("a table");
        let count = table.config().store.iter().filter(|it| **it == Stored::ServerId).count();
        assert_eq!(count, 1, "{name}");
    }
}

#[test]
fn a_name_that_no_backend_has_is_counted_and_goes_to_the_default() {
    let rules = parse(
        "use_backend %[so_name] if { src_port 1:1000 }\nuse_backend %[so_name,regsub(o,a)]-x if { src_port 2000 }\n\
         use_backend farm if { src_port 3000 }\ndefault_backend usual",
    );
    let goes = |port: u16, name: &'static [u8]| {
        let mut visitor = Visitor::known();
        visitor.source.as_mut().expect("a source").set_port(port);
        visitor.listener.as_mut().expect("a listener").name = Some(name);
        rules.backend(&RuleProgress::default(), &visitor, NOW).map(|name| name.into_owned())
    };
    assert_eq!(goes(5, b"farm").as_deref(), Some("farm"));
    assert_eq!(rules.unknown_backends(), 0);
    assert_eq!(goes(5, b"Farm").as_deref(), Some("usual"));
    assert_eq!(goes(5, b"\xff").as_deref(), Some("usual"));
    assert_eq!(goes(2000, b"farm").as_deref(), Some("usual"));
    assert_eq!(rules.unknown_backends(), 3);
    assert_eq!(goes(3000, b"farm").as_deref(), Some("farm"));
    assert_eq!(goes(4000, b"farm").as_deref(), Some("usual"));
    assert_eq!(rules.unknown_backends(), 3);
    let rules = parse("use_backend %[so_name]");
    assert_eq!(rules.backend(&RuleProgress::default(), &Visitor::known(), NOW), None);
    assert_eq!(rules.unknown_backends(), 1);
}

#[test]
fn a_name_is_put_together_from_texts_and_values() {
    for name in ["f%[str(a)]r%[str(']'),regsub(],m)]", "%[var(txn.none)]farm%[var(txn.none)]"] {
        let rules = parse(&format!("use_backend {name}"));
        let progress = RuleProgress::default();
        let made = rules.backend(&progress, &Visitor::known(), NOW);
        assert_eq!(made.as_deref(), Some("farm"), "{name}");
    }
}

#[test]
fn acls_that_need_no_line_hold_when_what_they_stand_for_does() {
    let hold = |name: &str, prefix: &[u8]| {
        let visitor = Visitor { prefix: prefix.to_vec(), ..Visitor::from("127.0.0.1") };
        super::holds_in_content(name, &visitor)
    };
    let http = b"GET / HTTP/1.1\r\n";
    let rdp = b"\x03\x00\x00\x2c\x27\xe0\x00\x00\x00\x00\x00Cookie: mstshash=a\r\n";
    for (name, prefix, holds) in [
        ("TRUE", b"" as &[u8], true),
        ("FALSE", b"", false),
        ("LOCALHOST", b"", true),
        ("WAIT_END", b"", true),
        ("REQ_CONTENT", b"x", true),
        ("REQ_CONTENT", b"", false),
        ("HTTP", http, true),
        ("HTTP", rdp, false),
        ("RDP_COOKIE", rdp, true),
        ("RDP_COOKIE", http, false),
    ] {
        assert_eq!(hold(name, prefix), holds, "{name}");
        assert_eq!(hold(&format!("!{name}"), prefix), !holds, "!{name}");
    }
    for acl in ACLS {
        hold(acl.name, b"");
    }
}

#[test]
fn a_line_may_give_a_name_that_needs_none_another_meaning() {
    let rules = parse("acl TRUE always_false\ntcp-request session reject if TRUE");
    let verdict = super::verdict(&rules, RulePhase::Session, &mut Visitor::default());
    assert_eq!(verdict, Verdict::Accept);
}

#[test]
fn every_word_of_a_section_a_line_and_a_stick_is_in_a_test() {
    const TEXT: &str = include_str!("sections.rs");
    const OTHERS: &str = concat!(include_str!("actions.rs"), include_str!("responses.rs"));
    for name in SECTIONS.iter().map(|word| word.name) {
        assert!(
            TEXT.contains(&format!("{name} ")) || TEXT.contains(&format!("{name}\\n")),
            "{name}"
        );
    }
    let of_requests = STICK_WORDS.iter().filter(|word| word.name != "store-response");
    for name in of_requests.map(|word| word.name) {
        assert!(STICKS.contains(&format!("stick {name} ")), "{name}");
    }
    for name in STATEMENTS.iter().map(|statement| statement.name) {
        assert!(
            TEXT.contains(&format!("{name} ")) || OTHERS.contains(&format!("{name} ")),
            "{name}"
        );
    }
}
