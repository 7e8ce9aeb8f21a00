//! What the host is to know of a set: notes, and names that it has to have.

use std::sync::Arc;

use super::visitor::Visitor;
use super::{NOW, parse, read_bytes};
use crate::rules::{RulePhase, RuleProgress, RuleSet, Verdict};

fn notes(text: &str) -> Vec<(u32, u32, String)> {
    let rules = parse(text);
    let notes = rules.notes().iter();
    notes.map(|note| (note.line, note.column, note.problem.clone())).collect()
}

#[test]
fn counters_of_http_are_stored_and_stay_0() {
    let text = "stick-table type ip size 10 store conn_cnt,http_req_rate(10s),http_err_cnt\n\
         tcp-request connection track-sc0 src\n\
         tcp-request connection reject if { sc0_http_req_rate gt 100 } or { src_http_err_cnt gt 1 }\n\
         backend other\n stick-table type ip size 10 store http_req_cnt";
    assert_eq!(
        notes(text),
        [
            (1, 44, "`http_req_rate` stays 0, since HTTP is not spoken here".to_owned()),
            (1, 63, "`http_err_cnt` stays 0, since HTTP is not spoken here".to_owned()),
            (5, 36, "`http_req_cnt` stays 0, since HTTP is not spoken here".to_owned()),
        ]
    );
    let verdict =
        super::verdict(&parse(text), RulePhase::Connection, &mut Visitor::from("192.0.2.1"));
    assert_eq!(verdict, Verdict::Accept);
}

#[test]
fn lines_that_no_connection_reaches_are_noted() {
    let due = |line: u32, by: u32| {
        (line, 1, format!("no connection comes here, since line {by} applies to all"))
    };
    let text = "tcp-request connection accept\n\
         tcp-request connection reject if { src 192.0.2.1 }\n\
         use_backend a\n\
         tcp-request session accept\n\
         use_backend b if { src 192.0.2.1 }\n\
         default_backend c";
    assert_eq!(notes(text), [due(2, 1), due(5, 3), due(6, 3)]);
    assert_eq!(notes("default_backend c\nuse_backend %[src]"), []);
    assert_eq!(notes("use_backend a if TRUE\ndefault_backend c"), []);
    assert_eq!(notes("tcp-request session set-mark 1\ntcp-request session accept"), []);
}

#[test]
fn rules_of_a_backend_that_nobody_is_sent_to_are_noted() {
    let rules = "backend a\ntcp-request content reject if TRUE";
    let due = (2, 13, "no line sends a connection to `a`, so this is for nobody".to_owned());
    assert_eq!(notes(rules), [due]);
    for choice in ["use_backend a if FALSE", "default_backend a", "use_backend %[src]"] {
        assert_eq!(notes(&format!("{choice}\n{rules}")), []);
    }
}

#[test]
fn a_note_is_shown_like_a_mistake() {
    let rules = parse("use_backend a\n  use_backend b");
    let said: Vec<String> = rules.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["line 2, column 3: no connection comes here, since line 1 applies to all\n \
          2 |   use_backend b\n   |   ^^^^^^^^^^^^^"]
    );
}

const NAMES: &str = "acl full be_conn(farm) gt 5\n\
    tcp-request connection reject if full\n\
    tcp-request session reject if { srv_is_up(farm/a) } { nbsrv(barn) 0 }\n\
    tcp-request session set-var(sess.n) queue(pond),add(1)\n\
    use_backend one if { src 192.0.2.1 }\n\
    use_backend %[src]\n\
    use_backend %[avg_queue(lake)]\n\
    default_backend two";

fn missing(rules: &RuleSet, backends: &[&str], servers: &[&str]) -> Option<String> {
    let found = rules.check_names(|name| backends.contains(&name), |name| servers.contains(&name));
    found.err().map(ToString::to_string)
}

#[test]
fn every_name_of_a_backend_or_a_server_is_looked_for_in_the_order_of_the_lines() {
    let rules = parse(NAMES);
    let mut backends = Vec::new();
    for (name, line, column) in [("farm", 2, 34), ("barn", 3, 55)] {
        let why = missing(&rules, &backends, &["farm/a"]).expect("a missing name");
        let due =
            format!("line {line}, column {column}: no backend of this engine is called `{name}`");
        assert_eq!(why.lines().next(), Some(&*due));
        backends.push(name);
    }
    let why = missing(&rules, &backends, &[]).expect("a missing server");
    assert_eq!(
        why,
        "line 3, column 33: no server of this engine is called `farm/a`\n \
         3 | tcp-request session reject if { srv_is_up(farm/a) } { nbsrv(barn) 0 }\n   \
         |                                 ^^^^^^^^^^^^^^^^^"
    );
    for (name, line) in [("pond", 4), ("one", 5), ("lake", 7), ("two", 8)] {
        let why = missing(&rules, &backends, &["farm/a"]).expect("a missing name");
        assert!(why.starts_with(&format!("line {line}, ")), "{why}");
        assert!(why.contains(&format!("`{name}`")), "{why}");
        backends.push(name);
    }
    assert_eq!(missing(&rules, &backends, &["farm/a"]), None);
}

#[test]
fn an_acl_that_no_line_uses_names_nothing() {
    assert_eq!(missing(&parse("acl full be_conn(farm) gt 5"), &[], &[]), None);
}

#[test]
fn the_backends_that_lines_choose_are_named_once_each() {
    let rules = parse(
        "use_backend b if TRUE\nuse_backend a if TRUE\nuse_backend b if FALSE\n\
         use_backend %[src] if FALSE\ndefault_backend a",
    );
    assert_eq!(rules.backends().collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn a_line_that_looks_for_a_client_hello_is_a_mistake_where_tls_ends() {
    for (text, line) in [
        (
            "tcp-request inspect-delay 1s\ntcp-request content reject if { req.ssl_sni a.test }",
            Some(2),
        ),
        (
            "acl a req.ssl_ec_ext\ntcp-request inspect-delay 1s\ntcp-request content reject if a",
            Some(3),
        ),
        ("tcp-request inspect-delay 1s\ntcp-request content capture req_ssl_sni len 5", Some(2)),
        ("tcp-request inspect-delay 1s\ntcp-request content reject if { req.len gt 5 }", None),
        ("tcp-request session reject if { ssl_fc_sni a.test }", None),
    ] {
        let why = parse(text).check_tls().err().cloned();
        assert_eq!(why.as_ref().map(|why| why.line), line, "{text}");
        if let Some(why) = why {
            assert!(why.problem.contains("looks for a ClientHello, and TLS ends"), "{why}");
        }
    }
    let rules =
        parse("tcp-request inspect-delay 1s\ntcp-request content reject if { req.ssl_sni a.test }");
    assert_eq!(
        rules.check_tls().expect_err("it ends").to_string(),
        "line 2, column 33: `req.ssl_sni` looks for a ClientHello, and TLS ends on this listener: \
         `ssl_fc_sni` and `ssl_fc_alpn` are what the client asked for\n \
         2 | tcp-request content reject if { req.ssl_sni a.test }\n   \
         |                                 ^^^^^^^^^^^"
    );
}

#[test]
fn a_line_with_many_names_is_kept_once() {
    let terms = |name: fn(usize) -> usize| -> String {
        (0..3_000).map(|at| format!(" {{ be_conn(b{}) gt 1 }}", name(at))).collect()
    };
    let reject = "tcp-request connection reject if";
    assert_eq!(parse(&format!("{reject}{}", terms(|_| 1))).mentions.len(), 1);
    let rules = parse(&format!("{reject} FALSE\n{reject}{}", terms(|at| at)));
    assert_eq!(rules.mentions.len(), 3_000);
    let first = &rules.mentions[0].error.source;
    assert!(rules.mentions.iter().all(|it| Arc::ptr_eq(first, &it.error.source)));
    // Of several names the host has not, the first is named.
    let missing = rules.check_names(|name| name == "b0", |_| true).expect_err("it has one");
    assert_eq!((missing.line, missing.column, &*missing.word), (2, 57, "be_conn(b1)"));
}

#[test]
fn a_byte_order_mark_in_front_is_no_part_of_the_text() {
    let nothing = |_: &str| Err(String::new());
    let rules = read_bytes(b"\xef\xbb\xbfuse_backend a", &nothing).expect("rules");
    let progress = RuleProgress::default();
    let name = rules.backend(&progress, &Visitor::default(), NOW);
    assert_eq!(name.as_deref(), Some("a"));
    let why = read_bytes(b"\xef\xbb\xbfuse_backnd a", &nothing).expect_err("a mistake");
    assert_eq!((why.line, why.column, &*why.word), (1, 1, "use_backnd"));
}
