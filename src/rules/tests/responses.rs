//! Rules about the first bytes of servers.

use super::visitor::Visitor;
use super::{NOW, mistake, parse};
use crate::rules::{RuleProgress, Verdict};
use crate::table::OwnedKey;

fn answered(text: &str, backend: Option<&str>, bytes: &[u8], may_grow: bool) -> (Verdict, Visitor) {
    let rules = parse(text);
    let mut visitor = Visitor { prefix: bytes.to_vec(), may_grow, ..Visitor::from("192.0.2.1") };
    let progress = &mut RuleProgress::default();
    (rules.evaluate_response(backend, progress, &mut visitor, NOW), visitor)
}

const EVIL: &str = "tcp-response inspect-delay 1s\n\
    tcp-response content reject if { res.payload(0,4) -m str evil }\n\
    tcp-response content silent-drop if { res.payload_lv(0,1) -m bin 4142 }\n\
    tcp-response content set-var(sess.answer) res.len\n\
    tcp-response content accept if WAIT_END";

#[test]
fn what_a_server_sends_is_looked_at_once_it_has_come() {
    let verdict = |bytes: &[u8], may_grow| answered(EVIL, None, bytes, may_grow).0;
    assert_eq!(verdict(b"ev", true), Verdict::Wait);
    assert_eq!(verdict(b"ev", false), Verdict::Accept);
    assert_eq!(verdict(b"evil", true), Verdict::Reject { line: 2 });
    assert_eq!(verdict(b"\x02AB?", true), Verdict::SilentDrop { line: 3 });
    assert_eq!(verdict(b"good", true), Verdict::Wait, "for WAIT_END");
    let (verdict, visitor) = answered(EVIL, None, b"good", false);
    assert_eq!(
        (verdict, &*visitor.done),
        (Verdict::Accept, &["sess.answer = Int(4)".to_owned()][..])
    );
}

#[test]
fn rules_about_answers_are_those_of_the_backend_or_those_for_all() {
    let text = "tcp-response content set-log-level silent\n\
        backend own\n\
        tcp-response content reject if { src 192.0.2.1 }";
    assert_eq!(answered(text, Some("own"), b"", false).0, Verdict::Reject { line: 3 });
    let (verdict, visitor) = answered(text, Some("other"), b"", false);
    assert_eq!((verdict, &*visitor.done), (Verdict::Accept, &["Silent".to_owned()][..]));
    let alone = "backend own\ntcp-response content reject";
    assert_eq!(answered(alone, None, b"", false).0, Verdict::Accept);
    assert_eq!(parse(alone).response_delay(Some("own")), Some(0));
    assert_eq!(parse(alone).response_delay(None), None);
}

const PERSISTENT: &str = "backend farm\n\
    stick-table type binary len 32 size 10\n\
    acl serverhello rep_ssl_hello_type 2\n\
    tcp-response content accept if serverhello\n\
    stick store-response payload_lv(9,1) if serverhello";

#[test]
fn a_server_is_remembered_by_what_it_sends() {
    let rules = parse(PERSISTENT);
    let entries = |backend, prefix: &[u8]| {
        let visitor = Visitor { prefix: prefix.to_vec(), ..Visitor::from("192.0.2.1") };
        let progress = RuleProgress::default();
        assert!(rules.stick_entries(backend, &progress, &visitor, NOW).is_empty());
        let found = rules.response_entries(backend, &progress, &visitor, NOW);
        found.into_iter().map(|entry| (entry.key, entry.stores)).collect::<Vec<_>>()
    };
    let hello = b"\x16\x03\x03\0\x06\x02\0\0\x02\x02ab";
    assert_eq!(entries(Some("farm"), hello), [(OwnedKey::Text(b"ab"[..].into()), true)]);
    assert_eq!(entries(Some("other"), hello), []);
    assert_eq!(entries(Some("farm"), b"\x15\x03\x03\0\x02\x02\x28"), []);
    assert!(rules.stores_response(Some("farm")) && !rules.stores_response(None));
    assert!(rules.looks_at_responses() && rules.remembers_servers());
    let alone =
        parse("backend farm\nstick-table type integer size 10\nstick store-response res.len");
    assert_eq!((alone.response_delay(Some("farm")), alone.response_delay(None)), (Some(0), None));
}

/// Whether a rule about the server with this condition refuses.
fn holds(condition: &str, visitor: &Visitor) -> bool {
    let rules = parse(&format!("tcp-response content reject if {{ {condition} }}"));
    let progress = &mut RuleProgress::default();
    let verdict = rules.evaluate_response(None, progress, &mut visitor.clone(), NOW);
    verdict == Verdict::Reject { line: 1 }
}

#[test]
fn what_is_known_of_the_connection_to_the_server_is_known_where_it_answers() {
    let visitor = &Visitor::known();
    for (asked, fits, other) in [
        ("bc_src", "10.0.0.1", "10.9.0.1"),
        ("bc_src_port", "60000", "8080"),
        ("bc_dst", "10.9.0.0/24", "10.0.0.1"),
        ("bc_dst_port", "8080", "60000"),
        ("ssl_bc", "-m int 1", "-m int 0"),
        ("ssl_bc_alpn", "http/1.1", "h2"),
        ("ssl_bc_protocol", "TLSv1.2", "TLSv1.3"),
        ("ssl_bc_cipher", "-m end _GCM_SHA384", "-m beg TLS_AES"),
        ("ssl_bc_alg_keysize", "256", "128"),
        ("ssl_bc_use_keysize", "256", "128"),
        ("ssl_bc_is_resumed", "-m int 1", "-m int 0"),
    ] {
        assert!(holds(&format!("{asked} {fits}"), visitor), "{asked}");
        assert!(!holds(&format!("{asked} {other}"), visitor), "{asked}");
        let early = mistake(&format!("tcp-request content reject if {{ {asked} {fits} }}"));
        assert_eq!(early.problem, format!("`{asked}` is not known here"));
    }
    let nobody = &Visitor { server: None, server_tls: None, ..Visitor::known() };
    assert!(!holds("bc_dst -m found", nobody) && !holds("ssl_bc_cipher -m found", nobody));
    assert!(holds("ssl_bc -m int 0", nobody));
    let mut chacha = Visitor::known();
    chacha.server_tls.as_mut().expect("TLS").cipher = "TLS_CHACHA20_POLY1305_SHA256";
    assert!(holds("ssl_bc_use_keysize 256", &chacha));
    chacha.server_tls.as_mut().expect("TLS").cipher = "TLS_OF_ANOTHER_YEAR";
    assert!(!holds("ssl_bc_use_keysize -m found", &chacha), "not known, so not there");
}

#[test]
fn a_rule_that_accepts_misses_nothing_by_not_waiting() {
    parse("tcp-response content accept if { res.ssl_hello_type 2 }");
    let text = "tcp-response content accept if { res.len gt 5 }\ntcp-response content reject";
    assert_eq!(mistake(text).problem, "`res.len` looks at bytes that nothing waits for");
}

#[test]
fn an_action_about_the_client_alone_has_no_place_in_an_answer() {
    use crate::rules::action_word::ACTION_WORDS;
    use crate::rules::place::Places;
    let of_answers: Vec<&str> = ACTION_WORDS
        .iter()
        .filter(|verb| verb.seen.contains(Places::RESPONSE))
        .map(|verb| verb.name)
        .collect();
    assert!(of_answers.contains(&"reject") && of_answers.contains(&"set-bandwidth-limit"));
    assert!(!of_answers.contains(&"track-sc0") && !of_answers.contains(&"expect-proxy"));
}
