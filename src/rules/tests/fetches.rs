//! Every fetch, with every way to compare its value: with a value that matches and with one that does
//! not.

use std::net::IpAddr;

use super::visitor::Visitor;
use super::{holds, parse};
use crate::rules::keyword::{COUNTERS, KEYWORDS, OWNERS};
use crate::rules::progress::SLOTS;
use crate::rules::{RulePhase, RuleProgress, Verdict};
use crate::table::{DataType, TableKey};
use crate::wire::client_hello;

/// A fetch, values that match, and some that do not: they are as near as possible.
const ASKED: &[(&str, &[&str], &[&str])] = &[
    (
        "src",
        &["192.0.2.7", "192.0.2.0/24", "192.0.0.0/255.255.0.0", "0.0.0.0/0", "::ffff:192.0.2.7"],
        &["192.0.2.6", "192.0.2.0/30", "198.51.100.1", "::/0"],
    ),
    (
        "src_port",
        &[
            "40000",
            "eq 40000",
            "ge 40000",
            "le 40000",
            "gt 39999",
            "lt 40001",
            "39999:40001",
            ":40000",
            "40000:",
            "1 40000",
            "lt 5 gt 30000",
        ],
        &[
            "39999",
            "gt 40000",
            "lt 40000",
            "ge 40001",
            "le 39999",
            ":39999",
            "40001:",
            "gt 50000 lt 9",
        ],
    ),
    ("src_is_local", &[""], &[]),
    ("dst", &["198.51.100.1", "198.51.100.0/24"], &["192.0.2.7"]),
    ("dst_port", &["443"], &["8443"]),
    ("fc_src", &["10.0.0.2"], &["192.0.2.7", "10.0.0.1"]),
    ("fc_dst", &["10.0.0.1"], &["198.51.100.1", "10.0.0.2"]),
    (
        "so_name",
        &[
            "front",
            "-i FRONT",
            "-m beg fr",
            "-m end nt",
            "-m sub ron",
            "-m reg ^f.*t$",
            "-m beg fr\\x6fn",
            "-m str back front",
            "-i -m reg ^FRONT$",
            "-m found",
        ],
        &[
            "FRONT",
            "fron",
            "front\\x00",
            "\"front \"",
            "-m beg ront",
            "-m end fron",
            "-m sub nf",
            "-m reg ^ront",
            "back",
        ],
    ),
    ("fc_rcvd_proxy", &[""], &[]),
    ("fc_pp_version", &["2"], &["1"]),
    (
        "fc_pp_tlv(0xe0)",
        &[
            "a\\x00b\\xff",
            "-m beg a\\x00",
            "-m end \\x00b\\xff",
            "-m sub \\x00b",
            "-m reg '^a\\x00.\\xff$'",
            "-m found",
        ],
        &["a", "ab\\xff", "-m beg ab", "-m end b", "a\\x00b\\xef\\xbf\\xbd"],
    ),
    (
        "fc_pp_authority",
        &["www.example.test", "-i WWW.example.test", "-m end .example.test"],
        &["WWW.example.test", "www.example"],
    ),
    ("fc_pp_unique_id", &["id-1"], &["id-"]),
    ("ssl_fc", &[""], &[]),
    (
        "ssl_fc_sni",
        &["www.example.test", "-m end .test", "-i -m end .TEST", "-m reg ^www\\."],
        &["example.test", "-m end .TEST", "-m reg ^www$"],
    ),
    ("ssl_fc_alpn", &["h2", "http/1.1 h2"], &["http/1.1"]),
    ("ssl_fc_protocol", &["TLSv1.3"], &["TLSv1.2"]),
    ("ssl_fc_cipher", &["TLS_AES_128_GCM_SHA256", "-m sub GCM"], &["TLS_AES_256_GCM_SHA384"]),
    ("ssl_c_verify", &["0", "lt 1"], &["1", "gt 0"]),
    ("ssl_c_s_dn", &["/O=Org/CN=alice"], &["alice", "/CN=alice"]),
    ("ssl_c_s_dn(cn)", &["alice", "-m beg al"], &["Org", "Alice"]),
    (
        "ssl_c_sha1",
        &[
            "000102030405060708090A0B0C0D0E0FABCDEFFF",
            "-i 000102030405060708090a0b0c0d0e0fabcdefff",
        ],
        &["000102030405060708090a0b0c0d0e0fabcdefff"],
    ),
    ("be_conn(farm)", &["5", "ge 5"], &["4", "gt 5"]),
    ("queue(farm)", &["2", "gt 1"], &["5", "lt 2"]),
];

#[test]
fn every_value_is_compared_in_every_way_that_fits_its_kind() {
    let visitor = Visitor::known();
    for (asked, fit, others) in ASKED {
        for values in *fit {
            assert!(holds(&format!("{{ {asked} {values} }}"), &visitor), "{asked} {values}");
        }
        for values in *others {
            assert!(!holds(&format!("{{ {asked} {values} }}"), &visitor), "{asked} {values}");
        }
        assert!(holds(&format!("{{ {asked} -m found }}"), &visitor), "{asked} found");
    }
}

#[test]
fn every_word_is_asked_in_a_test() {
    let seen_in_bytes = ["req.len", "req.ssl_hello_type", "req.ssl_sni", "req.ssl_alpn"];
    for word in KEYWORDS {
        let is_asked = ASKED.iter().any(|(asked, ..)| asked.split('(').next() == Some(word.name));
        assert!(is_asked || seen_in_bytes.contains(&word.name), "{}", word.name);
    }
}

#[test]
fn other_ways_to_write_a_word_ask_the_same() {
    let visitor = Visitor { prefix: hello("a.test", &["h2"]), ..Visitor::known() };
    let value_of = |word: &str, in_bytes: bool| {
        let phase = if in_bytes { RulePhase::Content } else { RulePhase::Session };
        let rules = parse(&format!("tcp-request {} set-var(x) {word}", phase.name()));
        let mut visitor = visitor.clone();
        super::verdict(&rules, phase, &mut visitor);
        visitor.done
    };
    for word in KEYWORDS.iter().filter(|word| !word.also.is_empty()) {
        let in_bytes = word.name.starts_with("req");
        let value = value_of(word.name, in_bytes);
        assert_eq!(value.len(), 1, "{}", word.name);
        for also in word.also {
            assert_eq!(value_of(also, in_bytes), value, "{also}");
        }
    }
}

#[test]
fn yes_or_no_can_be_no() {
    let mut visitor = Visitor::known();
    visitor.source_is_local = Some(false);
    visitor.proxy = None;
    visitor.tls = None;
    for asked in ["src_is_local", "fc_rcvd_proxy", "ssl_fc"] {
        assert!(!holds(&format!("{{ {asked} }}"), &visitor), "{asked}");
        assert!(!holds(&format!("{{ {asked} -m bool }}"), &visitor), "{asked}");
        assert!(holds(&format!("!{{ {asked} }}"), &visitor), "{asked}");
        assert!(holds(&format!("{{ {asked} -m found }}"), &visitor), "{asked}");
    }
}

#[test]
fn an_address_that_stands_for_another_is_that_one() {
    let visitor = Visitor::from("::ffff:192.0.2.7");
    assert!(holds("{ src 192.0.2.0/24 }", &visitor));
    let visitor = Visitor::from("2001:db8::7");
    assert!(holds("{ src 2001:db8::/32 }", &visitor));
    assert!(!holds("{ src 0.0.0.0/0 }", &visitor));
}

/// A ClientHello in one record with this name and these protocols.
pub(super) fn hello(name: &str, protocols: &[&str]) -> Vec<u8> {
    let vector16 = |content: &[u8]| [&(content.len() as u16).to_be_bytes(), content].concat();
    let entry = [&[0], &*vector16(name.as_bytes())].concat();
    let list: Vec<u8> = protocols
        .iter()
        .flat_map(|protocol| [&[protocol.len() as u8], protocol.as_bytes()].concat())
        .collect();
    let mut extensions = [&[0, 0], &*vector16(&vector16(&entry))].concat();
    extensions.extend([&[0, 16], &*vector16(&vector16(&list))].concat());
    let body =
        [&[3, 3], &[7; 32][..], &[0], &[0, 2, 0x13, 1], &[1, 0], &vector16(&extensions)].concat();
    let message = [&[1, 0], &*vector16(&body)].concat();
    [&[22, 3, 1], &*vector16(&message)].concat()
}

#[test]
fn what_a_client_hello_asks_for_is_seen_before_tls() {
    let bytes = hello("WWW.example.test", &["h2", "http/1.1"]);
    assert!(matches!(client_hello::parse(&bytes), client_hello::Parsed::Hello(_)));
    for (condition, expected) in [
        ("req.ssl_hello_type 1", true),
        ("req.ssl_hello_type 2", false),
        ("req_ssl_hello_type 1", true),
        ("req.ssl_sni WWW.example.test", true),
        ("req.ssl_sni www.example.test", false),
        ("req.ssl_sni -i www.example.test", true),
        ("req_ssl_sni -i -m end .EXAMPLE.test", true),
        ("req.ssl_alpn h2", true),
        ("req.ssl_alpn http/1.1", true),
        ("req.ssl_alpn h2,http/1.1", false),
        ("req.ssl_alpn h3", false),
        ("req.ssl_alpn -m beg http/", true),
        ("req.ssl_alpn -m end 2", true),
        ("req.ssl_alpn -m found", true),
        ("req.len gt 60", true),
        ("req.len lt 60", false),
    ] {
        let text = format!(
            "tcp-request content reject if {{ {condition} }}\nuse_backend b if {{ {condition} }}"
        );
        let rules = parse(&text);
        let visitor = &mut Visitor { prefix: bytes.clone(), ..Visitor::default() };
        let refused = super::verdict(&rules, RulePhase::Content, visitor) != Verdict::Accept;
        assert_eq!(refused, expected, "{condition}");
        let chosen = rules.backend(&RuleProgress::default(), visitor, super::NOW).is_some();
        assert_eq!(chosen, expected, "{condition}");
    }
}

/// What an entry contains: a number for each counter that no other has, except `conn_cur`, which is one
/// for each slot.
const HELD: &[(&str, DataType, u64)] = &[
    ("conn_cnt", DataType::ConnCnt, 11),
    ("conn_cur", DataType::ConnCur, SLOTS as u64),
    ("conn_rate", DataType::ConnRate, 12),
    ("sess_cnt", DataType::SessCnt, 13),
    ("sess_rate", DataType::SessRate, 14),
    ("bytes_in_rate", DataType::BytesInRate, 15),
    ("bytes_out_rate", DataType::BytesOutRate, 16),
    ("gpc0", DataType::Gpc(0), 17),
    ("gpc0_rate", DataType::Gpc0Rate, 18),
    ("gpt0", DataType::Gpt0, 19),
];

#[test]
fn every_counter_can_be_asked_of_every_entry_by_every_name() {
    for (owner, _) in &OWNERS {
        for counter in COUNTERS {
            let held = HELD.iter().find(|(name, ..)| *name == counter.name);
            let (.., number) = held.expect("a counter of the list");
            for name in std::iter::once(counter.name).chain(counter.haproxy) {
                let argument = if *owner == "sc_" { "(2)" } else { "" };
                let rules = parse(&format!(
                    "stick-table type ip size 10 store conn_cnt,conn_cur,conn_rate(1s),sess_cnt,\
                     sess_rate(1s),bytes_in_rate(1s),bytes_out_rate(1s),gpc0,gpc0_rate(1s),gpt0\n\
                     tcp-request session track-sc0 src\n\
                     tcp-request session track-sc1 src\n\
                     tcp-request session track-sc2 src\n\
                     use_backend b if {{ {owner}{name}{argument} {number} }}"
                ));
                let (mut visitor, mut progress) =
                    (Visitor::from("192.0.2.1"), RuleProgress::default());
                rules.evaluate(RulePhase::Session, &mut progress, &mut visitor, super::NOW);
                let table = rules.tables().get("default").expect("a table");
                let key = TableKey::Ip(IpAddr::from([192, 0, 2, 1]));
                for (_, data, number) in
                    HELD.iter().filter(|(_, data, _)| *data != DataType::ConnCur)
                {
                    table.set(key, *data, *number, super::NOW).expect("it is stored");
                }
                let chosen = rules.backend(&progress, &visitor, super::NOW);
                assert_eq!(chosen, Some("b"), "{owner}{name}");
            }
        }
    }
}
