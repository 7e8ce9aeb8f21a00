//! Every part of a set of rules has an effect. Of sets that use every action, each rule, each line of an
//! acl, each term and each negation is left out or inverted in turn, and then the result changes for one
//! of the connections.

use std::net::SocketAddr;
use std::sync::Arc;

use super::fetches::hello;
use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::action_word::ACTION_WORDS;
use crate::rules::condition::Condition;
use crate::rules::{RulePhase, RuleProgress, RuleSet, StickEntry, Verdict};

/// A text, and connections that come one after the other, with the result for each. All stay open.
struct Case {
    text: &'static str,
    visits: Vec<(Visitor, &'static str)>,
}

fn from(source: &str) -> Visitor {
    Visitor::from(source)
}

fn asks(name: &str, protocols: &[&str]) -> Visitor {
    Visitor { prefix: hello(name, protocols), ..Visitor::from("192.0.2.1") }
}

fn end(text: &str) -> Option<SocketAddr> {
    Some(text.parse().expect("an end"))
}

/// A connection of which these are the first bytes, to a host with the backend `farm`.
fn says(bytes: &[u8]) -> Visitor {
    let backends = Visitor::known().backends;
    Visitor { prefix: bytes.to_vec(), backends, ..Visitor::from("192.0.2.1") }
}

fn known(change: impl FnOnce(&mut Visitor)) -> Visitor {
    let mut visitor = Visitor::known();
    change(&mut visitor);
    visitor
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            text: "acl friend src 192.0.2.0/25\n\
                   acl friend src 2001:db8::/32\n\
                   acl odd src_port 1:1023 6000\n\
                   tcp-request accept silent-drop if { src 192.0.2.66 }\n\
                   tcp-request connection accept if friend !odd\n\
                   tcp-request connection reject unless odd or { src 198.51.100.0/24 }\n\
                   tcp-request connection set-mark 5 if odd\n\
                   tcp-request session reject if { src 198.51.100.9 }\n\
                   use_backend trusted if friend\n\
                   use_backend others",
            visits: vec![
                (from("192.0.2.66"), "drop 4"),
                (from("192.0.2.1"), "to trusted"),
                (from("2001:db8::1"), "to trusted"),
                (from("192.0.2.200"), "reject 6"),
                (from("198.51.100.1"), "to others"),
                (from("198.51.100.9"), "reject 8"),
                (
                    known(|it| it.source = Some("192.0.2.1:80".parse().expect("an end"))),
                    "to trusted, mark 5",
                ),
            ],
        },
        Case {
            text: "tcp-request inspect-delay 1s\n\
                   acl bad req.ssl_sni -i -m end .bad.test\n\
                   acl bad req.ssl_sni -m reg ^[0-9.]+$\n\
                   acl speaks req.ssl_alpn -m sub h2\n\
                   tcp-request content reject if bad\n\
                   tcp-request content silent-drop if { req.len gt 0 } !{ req.ssl_hello_type 1 }\n\
                   tcp-request content set-var(sess.name) req.ssl_sni if speaks\n\
                   tcp-request content set-tos 8 if !speaks { req.ssl_sni -m beg www. }\n\
                   use_backend fast if speaks\n\
                   use_backend named if { req.ssl_sni www.test } or { req.ssl_sni -m str web.test }",
            visits: vec![
                (asks("a.BAD.test", &["h2"]), "reject 5"),
                (asks("192.0.2.1", &["h2"]), "reject 5"),
                (
                    asks("bad.test", &["h2"]),
                    "to fast, sess.name = Str([98, 97, 100, 46, 116, 101, 115, 116])",
                ),
                (asks("www.a", &["h2"]), "to fast, sess.name = Str([119, 119, 119, 46, 97])"),
                (asks("www.test", &["http/1.1"]), "to named, tos 8"),
                (asks("web.test", &["http/1.1"]), "to named"),
                (asks("any.test", &["http/1.1"]), "on"),
                (Visitor { prefix: b"GET /".to_vec(), ..from("192.0.2.1") }, "drop 6"),
                (from("192.0.2.1"), "on"),
                (Visitor { may_grow: true, ..from("192.0.2.1") }, "wait"),
            ],
        },
        Case {
            text: "stick-table type ip size 100 store conn_cur,gpc0,gpt0\n\
                   tcp-request connection track-sc0 src\n\
                   tcp-request connection reject if { sc0_conn_cur gt 3 }\n\
                   tcp-request session track-sc1 ssl_fc_sni table names if { ssl_fc }\n\
                   tcp-request session track-sc2 dst_port table ports if { ssl_fc }\n\
                   tcp-request session set-mark 1 if { sc1_conn_cnt 2 }\n\
                   tcp-request session set-mark 2 if { sc2_conn_cnt ge 3 }\n\
                   tcp-request session silent-drop if { src_get_gpt0 9 }\n\
                   tcp-request session sc-inc-gpc0(0)\n\
                   tcp-request session sc-set-gpt0(0) 9 if { sc0_get_gpc0 2 }\n\
                   tcp-request session accept if { src 203.0.113.1 }\n\
                   tcp-request session reject if { src 203.0.113.0/24 }\n\
                   backend names\n\
                   stick-table type string len 32 size 100 store conn_cnt\n\
                   backend ports\n\
                   stick-table type integer size 100 store conn_cnt",
            visits: vec![
                (known(|_| ()), "on"),
                (known(|_| ()), "on, mark 1"),
                (known(|_| ()), "drop 8, mark 2"),
                (known(|_| ()), "reject 3"),
                (from("203.0.113.1"), "on"),
                (from("203.0.113.2"), "reject 12"),
            ],
        },
        Case {
            text: "tcp-request connection reject if { fc_pp_tlv(0xe0) a\\x00b }\n\
                   tcp-request connection set-src fc_src unless { fc_rcvd_proxy }\n\
                   tcp-request connection reject if { src 10.0.0.9 } { so_name front }\n\
                   tcp-request session reject if { ssl_c_verify gt 0 } or { ssl_fc_protocol TLSv1.2 }\n\
                   tcp-request session reject unless { ssl_c_s_dn(cn) alice bob } { ssl_c_sha1,hex -m beg 00 }\n\
                   use_backend full if { be_conn(farm) ge 5 } !{ queue(farm) gt 3 }\n\
                   use_backend local if { src_is_local } { ssl_fc_alpn h2 } { ssl_fc_cipher -m sub _AES_ }",
            visits: vec![
                (known(|_| ()), "to full"),
                (known(|it| it.backends[0].1.connections = 4), "to local"),
                (known(|it| it.backends[0].1.queued = 4), "to local"),
                (
                    known(|it| {
                        it.backends.clear();
                        it.locals.clear();
                    }),
                    "on",
                ),
                (
                    known(|it| {
                        it.backends.clear();
                        it.tls.as_mut().expect("TLS").alpn = None;
                    }),
                    "on",
                ),
                (
                    known(|it| {
                        it.backends.clear();
                        it.tls.as_mut().expect("TLS").cipher = "TLS_CHACHA20_POLY1305_SHA256";
                    }),
                    "on",
                ),
                (known(|it| it.tls.as_mut().expect("TLS").verify = 10), "reject 4"),
                (known(|it| it.tls.as_mut().expect("TLS").version = "TLSv1.2"), "reject 4"),
                (known(|it| it.tls.as_mut().expect("TLS").certificate = None), "reject 5"),
                (known(|it| it.sha1 = Some([7; 20])), "reject 5"),
                (
                    known(|it| {
                        it.proxy.as_mut().expect("a header").tlvs =
                            Box::new([0xe0, 0, 3, b'a', 0, b'b'])
                    }),
                    "reject 1",
                ),
                (known(|it| it.proxy = None), "to full, source 10.0.0.2"),
                (
                    known(|it| {
                        it.proxy = None;
                        it.socket_source = Some("10.0.0.9:1".parse().expect("an end"));
                    }),
                    "reject 3, source 10.0.0.9",
                ),
                (
                    known(|it| {
                        it.proxy = None;
                        it.listener.as_mut().expect("a listener").name = Some(b"back");
                        it.socket_source = Some("10.0.0.9:1".parse().expect("an end"));
                    }),
                    "to full, source 10.0.0.9",
                ),
            ],
        },
        Case {
            text: "tcp-request inspect-delay 1s\n\
                   filter bwlim-in slow default-limit 1k default-period 1s\n\
                   filter bwlim-out fast default-limit 1m default-period 1s\n\
                   stick-table type ip size 100 store gpc(3)\n\
                   tcp-request accept set-var-fmt(proc.last) %[src]x if { src 203.0.113.5 }\n\
                   tcp-request connection expect-proxy layer4 if { src 203.0.113.1 }\n\
                   tcp-request connection set-mark 9 if { src 203.0.113.2 }\n\
                   tcp-request connection set-src-port int(1) if { src_port 7 }\n\
                   tcp-request connection set-dst ipv4(203.0.113.9) if { dst_port 7 }\n\
                   tcp-request connection set-dst-port dst_port,add(1) if { dst_port 8 }\n\
                   tcp-request session track-sc0 src\n\
                   tcp-request session sc-inc-gpc(2,0)\n\
                   tcp-request session sc-inc-gpc1(0) if { sc_get_gpc(2,0) 2 }\n\
                   tcp-request session set-log-level silent if { sc0_get_gpc1 1 }\n\
                   tcp-request session capture src_port len 2 if { src_port 7777 }\n\
                   tcp-request content capture req.payload(0,3),lower len 2\n\
                   tcp-request content set-var(txn.first) req.payload(0,1)\n\
                   tcp-request content unset-var(txn.first) if { var(txn.first) -m str x }\n\
                   tcp-request content set-bandwidth-limit slow if { var(txn.first) -m str s }\n\
                   tcp-request content set-bandwidth-limit fast limit 5k period 2s if { var(txn.first) -m str f }\n\
                   use_backend %[var(txn.first),regsub(F,f)]arm if { src_port ge 1024 } !LOCALHOST\n\
                   default_backend usual\n\
                   stick on src table servers if { var(proc.last) -m beg 203.0.113.5 } !LOCALHOST\n\
                   backend farm\n\
                   stick store-request src table servers\n\
                   backend servers\n\
                   stick-table type ip size 100",
            visits: vec![
                (says(b""), "to usual"),
                (
                    says(b"FOOD"),
                    "to farm, store Ip(192.0.2.1), Silent, capture 1 = fo, txn.first = Bin([70])",
                ),
                (
                    says(b"food"),
                    "to farm, store Ip(192.0.2.1), Silent, capture 1 = fo, txn.first = Bin([102]), Outgoing 5120 in 2000000000",
                ),
                (
                    says(b"slow"),
                    "to usual, Silent, capture 1 = sl, txn.first = Bin([115]), Incoming 1024 in 1000000000",
                ),
                (
                    says(b"xyz"),
                    "to usual, Silent, capture 1 = xy, txn.first = Bin([120]), txn.first unset",
                ),
                (
                    Visitor { source: end("127.0.0.1:9999"), ..says(b"FOOD") },
                    "to usual, capture 1 = fo, txn.first = Bin([70])",
                ),
                (
                    Visitor { source: end("192.0.2.2:9"), ..says(b"FOOD") },
                    "to usual, capture 1 = fo, txn.first = Bin([70])",
                ),
                (
                    Visitor { source: end("203.0.113.1:7"), ..says(b"") },
                    "to usual, expects Proxy, source port 1",
                ),
                (
                    Visitor { source: end("203.0.113.2:7777"), ..says(b"") },
                    "to usual, mark 9, capture 0 = 77",
                ),
                (
                    Visitor { destination: end("203.0.113.3:7"), ..says(b"") },
                    "to usual, destination 203.0.113.9, Silent",
                ),
                (
                    Visitor { destination: end("203.0.113.3:8"), ..says(b"") },
                    "to usual, destination port 9, Silent",
                ),
                (from("203.0.113.5"), "to usual, on Ip(203.0.113.5)"),
                (from("203.0.113.6"), "to usual, on Ip(203.0.113.6)"),
                (from("127.0.0.1"), "to usual, Silent"),
            ],
        },
    ]
}

/// Where a session goes, and the tables that are asked for its server or remember it.
fn place(rules: &RuleSet, progress: &RuleProgress, visitor: &Visitor) -> String {
    let backend = rules.backend(progress, visitor, NOW);
    let entries = rules.stick_entries(backend.as_deref(), progress, visitor, NOW);
    let mut said = backend.map_or_else(|| "on".to_owned(), |backend| format!("to {backend}"));
    for StickEntry { key, matches, stores, .. } in entries {
        let what = match (matches, stores) {
            (true, true) => "on",
            (true, false) => "match",
            _ => "store",
        };
        said += &format!(", {what} {key:?}");
    }
    said
}

/// Evaluates the rules for each connection, phase by phase, and returns the results.
fn run(rules: &RuleSet, case: &Case) -> Vec<String> {
    let mut stay = Vec::new();
    let visit = |visitor: &Visitor| {
        let mut visitor = visitor.clone();
        let mut progress = RuleProgress::default();
        let mut verdicts = RulePhase::ALL
            .into_iter()
            .map(|phase| rules.evaluate(phase, &mut progress, &mut visitor, NOW));
        let decisive = verdicts.find(|verdict| *verdict != Verdict::Accept);
        let outcome = match decisive.unwrap_or(Verdict::Accept) {
            Verdict::Reject { line } => format!("reject {line}"),
            Verdict::SilentDrop { line } => format!("drop {line}"),
            Verdict::Wait => "wait".to_owned(),
            Verdict::Accept => place(rules, &progress, &visitor),
        };
        stay.push(progress);
        std::iter::once(outcome).chain(visitor.done).collect::<Vec<_>>().join(", ")
    };
    case.visits.iter().map(|(visitor, _)| visitor).map(visit).collect()
}

/// Every way to leave one thing out or to invert it, with its description.
type Mutation = (String, Box<dyn Fn(&mut RuleSet)>);

fn mutations(rules: &RuleSet) -> Vec<Mutation> {
    let mut all: Vec<Mutation> = Vec::new();
    for phase in RulePhase::ALL {
        for (at, rule) in rules.rules[phase as usize].iter().enumerate() {
            let line = rule.line;
            all.push((
                format!("without line {line}"),
                Box::new(move |set| drop(set.rules[phase as usize].lines_mut().remove(at))),
            ));
            let Some(condition) = &rule.condition else { continue };
            for (what, condition) in changed(condition) {
                all.push((
                    format!("{what} of line {line}"),
                    Box::new(move |set| {
                        set.rules[phase as usize].lines_mut()[at].condition =
                            Some(condition.clone());
                    }),
                ));
            }
        }
    }
    for (at, choice) in rules.backends.iter().enumerate() {
        let line = choice.line;
        all.push((
            format!("without line {line}"),
            Box::new(move |set| drop(set.backends.lines_mut().remove(at))),
        ));
        let Some(condition) = &choice.condition else { continue };
        for (what, condition) in changed(condition) {
            all.push((
                format!("{what} of line {line}"),
                Box::new(move |set| {
                    set.backends.lines_mut()[at].condition = Some(condition.clone());
                }),
            ));
        }
    }
    if rules.default_backend.is_some() {
        all.push((
            "without the default backend".to_owned(),
            Box::new(|set| set.default_backend = None),
        ));
    }
    for (at, stick) in rules.sticks.iter().enumerate() {
        let name = format!("stick line {at}");
        all.push((format!("without {name}"), Box::new(move |set| drop(set.sticks.remove(at)))));
        if stick.backend.is_some() {
            all.push((
                format!("{name} for all backends"),
                Box::new(move |set| set.sticks[at].backend = None),
            ));
        }
        let Some(condition) = &stick.condition else { continue };
        for (what, condition) in changed(condition) {
            all.push((
                format!("{what} of {name}"),
                Box::new(move |set| set.sticks[at].condition = Some(condition.clone())),
            ));
        }
    }
    for (acl, tests) in rules.acls.iter().enumerate() {
        for at in 0..tests.0.len() {
            all.push((
                format!("without test {at} of acl {acl}"),
                Box::new(move |set| drop(set.acls[acl].0.remove(at))),
            ));
        }
    }
    all
}

/// Makes the look-ups of lines that were changed.
fn compile(set: &mut RuleSet) {
    set.rules.iter_mut().for_each(|rules| rules.compile(&set.acls));
    set.backends.compile(&set.acls);
}

/// The condition with one term less, and with one more negation.
fn changed(condition: &Condition) -> Vec<(String, Condition)> {
    let mut all = Vec::new();
    let negated = Condition { negated: !condition.negated, ..condition.clone() };
    all.push(("the negation".to_owned(), negated));
    for (group, terms) in condition.any_of.iter().enumerate() {
        for at in 0..terms.len() {
            let mut without = condition.clone();
            let mut left = terms.to_vec();
            left.remove(at);
            // A group without terms would be true, so the whole group is removed.
            let mut groups = without.any_of.to_vec();
            if left.is_empty() {
                groups.remove(group);
            } else {
                groups[group] = left.into();
            }
            without.any_of = groups.into();
            all.push((format!("without term {at} of group {group}"), without));
            let mut turned = condition.clone();
            turned.any_of[group][at].negated ^= true;
            all.push((format!("term {at} of group {group}"), turned));
        }
    }
    all
}

#[test]
fn every_set_does_to_everybody_what_is_expected() {
    for case in cases() {
        let expected: Vec<&str> = case.visits.iter().map(|(_, expected)| *expected).collect();
        assert_eq!(run(&parse(case.text), &case), expected, "{}", case.text);
    }
}

#[test]
fn whatever_is_left_out_or_turned_around_is_missed_by_somebody() {
    let mut tried = 0;
    let mut missed_by_nobody = Vec::new();
    for case in cases() {
        let expected: Vec<&str> = case.visits.iter().map(|(_, expected)| *expected).collect();
        for (what, change) in mutations(&parse(case.text)) {
            // Tables keep state, so each run has its own.
            let mut rules = Arc::unwrap_or_clone(parse(case.text));
            change(&mut rules);
            compile(&mut rules);
            if run(&rules, &case) == expected {
                missed_by_nobody.push(format!("{what}:\n{}", case.text));
            }
            tried += 1;
        }
    }
    assert!(missed_by_nobody.is_empty(), "{}", missed_by_nobody.join("\n\n"));
    assert!(tried > 100, "{tried}");
}

#[test]
fn every_action_is_in_one_of_the_sets() {
    let texts: String = cases().iter().map(|case| case.text).collect();
    for word in ACTION_WORDS {
        assert!(texts.contains(&format!(" {}", word.name)), "{}", word.name);
    }
}
