//! Every fetch, with every way to compare its value: with a value that matches and with one that does
//! not.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::visitor::Visitor;
use super::{NOW, holds, holds_in_content, parse};
use crate::rules::criterion::METHODS;
use crate::rules::fetch::{COUNTERS, Counter, FetchWord, OWNERS, STATEFUL, fetch_words};
use crate::rules::place::Places;
use crate::rules::progress::SLOTS;
use crate::rules::{
    Environment, RulePhase, RuleProgress, RuleSet, Tables, Value, Verdict, converter,
};
use crate::table::{DataType, TableKey};
use crate::wire::client_hello;

type Asked = (&'static str, &'static [&'static str], &'static [&'static str]);

/// A fetch, values that match, and some that do not: they are as near as possible.
const ASKED: &[Asked] = &[
    (
        "src",
        &[
            "192.0.2.7",
            "192.0.2.0/24",
            "192.0.0.0/255.255.0.0",
            "0.0.0.0/0",
            "::ffff:192.0.2.7",
            "-n 192.0.2.7",
            "-m str 192.0.2.7",
            "-m beg 192.",
            "-m len 9",
            "-m bin c0000207",
            "-m int 3221225991",
        ],
        &["192.0.2.6", "192.0.2.0/30", "198.51.100.1", "::/0", "-m len 8", "-m bin c00002"],
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
            "39999-40001",
            ":40000",
            "40000:",
            "1 40000",
            "lt 5 gt 30000",
            "-m str 40000",
            "-m bin 0000000000009c40",
            "-m ip 0.0.156.64",
            "-m bool",
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
            "-- -40000",
            "-m bin 9c40",
        ],
    ),
    ("src_is_local", &["", "-m int 1", "-m str 1"], &["-m int 0"]),
    ("dst", &["198.51.100.1", "198.51.100.0/24"], &["192.0.2.7"]),
    ("dst_port", &["443"], &["8443"]),
    ("dst_is_local", &["-m int 0"], &[""]),
    ("fc_src", &["10.0.0.2"], &["192.0.2.7", "10.0.0.1"]),
    ("fc_src_port", &["50000"], &["40000"]),
    ("fc_src_is_local", &["-m int 0"], &[""]),
    ("fc_dst", &["10.0.0.1"], &["198.51.100.1", "10.0.0.2"]),
    ("fc_dst_port", &["8443"], &["443"]),
    ("fc_dst_is_local", &["-m int 0"], &[""]),
    ("fc_fam", &["4"], &["6"]),
    (
        "so_name",
        &[
            "front",
            "-i FRONT",
            "-m beg fr",
            "-m end nt",
            "-m sub ron",
            "-m dir front",
            "-m dom .front.",
            "-m len 5",
            "-m bin 66726F6e74",
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
            "-m dir fron",
            "-m dom ront",
            "-m len 4 6",
            "-m bin 66726f6e",
            "-m reg ^ront",
            "back",
        ],
    ),
    ("so_id", &["1"], &["0"]),
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
            "-m bin 610062ff",
            "-m found",
        ],
        &["a", "ab\\xff", "-m beg ab", "-m end b", "a\\x00b\\xef\\xbf\\xbd"],
    ),
    (
        "fc_pp_authority",
        &["www.example.test", "-i WWW.example.test", "-m end .example.test", "-m dom example"],
        &["WWW.example.test", "www.example", "-m dom exam"],
    ),
    ("fc_pp_unique_id", &["id-1"], &["id-"]),
    ("fc_rtt", &["2"], &["3"]),
    ("fc_rtt(us)", &["2500"], &["2"]),
    ("fc_rttvar", &["1"], &["2"]),
    ("fc_rttvar(ms)", &["1"], &["1250"]),
    ("fc_unacked", &["1"], &["0"]),
    ("fc_sacked", &["11"], &["1"]),
    ("fc_retrans", &["12"], &["11"]),
    ("fc_fackets", &["13"], &["12"]),
    ("fc_lost", &["14"], &["13"]),
    ("fc_reordering", &["15"], &["14"]),
    ("ssl_fc", &[""], &[]),
    (
        "ssl_fc_sni",
        &["www.example.test", "-m end .test", "-i -m end .TEST", "-m reg ^www\\."],
        &["example.test", "-m end .TEST", "-m reg ^www$"],
    ),
    ("ssl_fc_has_sni", &[""], &[]),
    ("ssl_fc_alpn", &["h2", "http/1.1 h2"], &["http/1.1"]),
    ("ssl_fc_protocol", &["TLSv1.3"], &["TLSv1.2"]),
    ("ssl_fc_cipher", &["TLS_AES_128_GCM_SHA256", "-m sub GCM"], &["TLS_AES_256_GCM_SHA384"]),
    ("ssl_fc_alg_keysize", &["128"], &["256", "0"]),
    ("ssl_fc_use_keysize", &["ge 128"], &["lt 128"]),
    ("ssl_fc_has_early", &["-m int 0"], &[""]),
    ("ssl_fc_is_resumed", &["-m int 0"], &[""]),
    ("ssl_fc_has_crt", &[""], &[]),
    ("ssl_c_used", &[""], &[]),
    ("ssl_c_err", &["0"], &["10"]),
    ("ssl_c_ca_err", &["0"], &["10"]),
    ("ssl_c_ca_err_depth", &["0"], &["1"]),
    ("ssl_c_chain_der,bytes(0,1),hex", &["30"], &["31"]),
    ("ssl_c_verify", &["0", "lt 1"], &["1", "gt 0"]),
    ("ssl_c_s_dn", &["/O=Org/CN=alice"], &["alice", "/CN=alice"]),
    ("ssl_c_s_dn(cn)", &["alice", "-m beg al"], &["Org", "Alice"]),
    ("ssl_c_s_dn(O,-1)", &["Org"], &["alice"]),
    ("ssl_c_i_dn", &["/O=Org/CN=alice"], &["/CN=alice"]),
    ("ssl_c_i_dn(cn,1)", &["alice"], &["Org"]),
    ("ssl_c_notbefore", &["750101000000Z"], &["19750101000000Z"]),
    ("ssl_c_notafter", &["960101000000Z"], &["40960101000000Z"]),
    ("ssl_c_serial", &["-m len 1:20"], &["-m len 0"]),
    ("ssl_c_version", &["3"], &["2"]),
    ("ssl_c_sig_alg", &["ED25519"], &["RSA-SHA256"]),
    ("ssl_c_key_alg", &["ED25519"], &["rsaEncryption"]),
    (
        "ssl_c_sha1",
        &["000102030405060708090A0B0C0D0E0FABCDEFFF", "000102030405060708090a0b0c0d0e0fabcdefff"],
        &[
            "000102030405060708090A0B0C0D0E0FABCDEF",
            "-m str 000102030405060708090A0B0C0D0E0FABCDEFFF",
        ],
    ),
    (
        "ssl_c_sha1,hex",
        &[
            "000102030405060708090A0B0C0D0E0FABCDEFFF",
            "-i 000102030405060708090a0b0c0d0e0fabcdefff",
        ],
        &["000102030405060708090a0b0c0d0e0fabcdefff"],
    ),
    ("ssl_c_der", &["-m beg 0\\x81 0\\x82", "-m len gt 200"], &["-m beg \\x31"]),
    ("fe_conn", &["3"], &["2"]),
    ("dst_conn", &["3"], &["2"]),
    ("fe_sess_rate", &["2"], &["3"]),
    ("be_conn(farm)", &["5", "ge 5"], &["4", "gt 5"]),
    ("be_conn_free(farm)", &["3"], &["-- -1"]),
    ("be_sess_rate(farm)", &["4"], &["5"]),
    ("connslots(farm)", &["3"], &["4"]),
    ("queue(farm)", &["3", "gt 1"], &["5", "lt 3"]),
    ("avg_queue(farm)", &["2"], &["1", "3"]),
    ("nbsrv(farm)", &["2"], &["1"]),
    ("srv_is_up(farm/a)", &[""], &[]),
    ("srv_conn(farm/a)", &["2"], &["1"]),
    ("srv_conn_free(farm/a)", &["-- -1", "lt 0"], &["0"]),
    ("srv_queue(farm/a)", &["1"], &["2"]),
    ("var(txn.number)", &["-m int 7", "-m str 7", "-m found"], &["-m int 8", "-m str 07"]),
    ("always_true", &[""], &[]),
    ("always_false", &["-m int 0"], &[""]),
    ("bool(true)", &[""], &[]),
    ("bool(0)", &["-m str 0"], &[""]),
    ("int(-3)", &["-- -3", "lt 0"], &["3"]),
    ("str('a b')", &["\"a b\""], &["a"]),
    ("str()", &["\"\"", "-m len 0"], &["a"]),
    ("bin(00fF)", &["00ff", "-m bin 00FF"], &["00"]),
    ("ipv4(192.0.2.1)", &["192.0.2.1"], &["192.0.2.2"]),
    ("ipv6(2001:db8::1)", &["2001:db8::/32"], &["2001:db9::/32"]),
];

#[test]
fn every_value_is_compared_in_every_way_that_fits_its_type() {
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

const HTTP: &[u8] = b"GET /path HTTP/1.1\r\nHost: a.test\r\n\r\n";
const RDP: &[u8] = b"\x03\x00\x00\x2c\x27\xe0\x00\x00\x00\x00\x00Cookie: mstshash=alice\r\n\x01";

/// The same, of fetches that look at bytes, which come in front.
const IN_BYTES: &[(&[u8], Asked)] = &[
    (b"abc", ("req.len", &["3", "lt 4"], &["2", "gt 3"])),
    (b"abc", ("req.payload(1,2)", &["6263", "-m str bc", "-m beg b"], &["6162", "62"])),
    (b"abc", ("req.payload(0,0)", &["616263"], &["6162"])),
    (b"abc", ("req.payload(2,0)", &["-m str c"], &["-m str bc"])),
    (b"\x02abc", ("req.payload_lv(0,1)", &["6162"], &["616263"])),
    (b"\x00\x02abc", ("req.payload_lv(0,2)", &["6162"], &["61"])),
    (b"\x02abc", ("req.payload_lv(0,1,+1)", &["6263"], &["6162"])),
    (b"\x02abc", ("req.payload_lv(0,1,-1)", &["0261"], &["6162"])),
    (b"\x02abc", ("req.payload_lv(0,1,2)", &["6263"], &["6162"])),
    (HTTP, ("req.proto_http", &[""], &[])),
    (HTTP, ("method", &["GET"], &["get", "POST"])),
    (RDP, ("req.rdp_cookie", &["alice"], &["mstshash"])),
    (RDP, ("req.rdp_cookie(MSTShash)", &["alice"], &["bob"])),
    (RDP, ("req.rdp_cookie_cnt", &["1"], &["0"])),
    (RDP, ("req.rdp_cookie_cnt(msts)", &["0"], &["1"])),
    (b"", ("wait_end", &[""], &[])),
];

#[test]
fn every_value_of_bytes_is_compared_likewise() {
    for (prefix, (asked, fit, others)) in IN_BYTES {
        let visitor = Visitor { prefix: prefix.to_vec(), ..Visitor::default() };
        for values in *fit {
            let condition = format!("{{ {asked} {values} }}");
            assert!(holds_in_content(&condition, &visitor), "{condition}");
        }
        for values in *others {
            let condition = format!("{{ {asked} {values} }}");
            assert!(!holds_in_content(&condition, &visitor), "{condition}");
        }
        assert!(holds_in_content(&format!("{{ {asked} -m found }}"), &visitor), "{asked} found");
    }
}

/// Conditions on a ClientHello, and whether they hold.
const OF_HELLO: &[(&str, bool)] = &[
    ("req.ssl_hello_type 1", true),
    ("req.ssl_hello_type 2", false),
    ("req_ssl_hello_type 1", true),
    ("req.ssl_sni WWW.example.test", true),
    ("req.ssl_sni www.example.test", false),
    ("req.ssl_sni,lower www.example.test", true),
    ("req.ssl_sni -i www.example.test", true),
    ("req_ssl_sni -i -m end .EXAMPLE.test", true),
    ("req.ssl_alpn h2", true),
    ("req.ssl_alpn http/1.1", true),
    ("req.ssl_alpn,upper HTTP/1.1", true),
    ("req.ssl_alpn h2,http/1.1", false),
    ("req.ssl_alpn h3", false),
    ("req.ssl_alpn -m beg http/", true),
    ("req.ssl_alpn -m end 2", true),
    ("req.ssl_alpn -m found", true),
    ("req.ssl_ver 3.3", true),
    ("req.ssl_ver gt 3.3", false),
    ("req.ssl_ver 3.1:3.3", true),
    ("req.ssl_ver -m int 196611", true),
    ("req_ssl_ver 3.3", true),
    ("req.ssl_ec_ext", true),
    ("req.ssl_st_ext 1", true),
    ("req.ssl_st_ext 2", false),
    ("req.ssl_cipherlist 1301", true),
    ("req.ssl_cipherlist 1302", false),
    ("req.ssl_sessionid 0505", true),
    ("req.ssl_keyshare_groups 001d", true),
    ("req.ssl_keyshare_groups 0017", false),
    ("req.ssl_supported_groups 001d0017", true),
    ("req.ssl_supported_groups 001d", false),
    ("req.ssl_sigalgs 0807", true),
    ("req.ssl_sigalgs 0804", false),
    ("req.len gt 60", true),
    ("req.len lt 60", false),
];

#[test]
fn what_a_client_hello_asks_for_is_seen_by_content_rules_and_use_backend() {
    let bytes = hello("WWW.example.test", &["h2", "http/1.1"]);
    assert!(matches!(client_hello::parse(&bytes), client_hello::Parsed::Hello(_)));
    let visitor = Visitor { prefix: bytes, ..Visitor::default() };
    for (condition, expected) in OF_HELLO {
        assert_eq!(
            holds_in_content(&format!("{{ {condition} }}"), &visitor),
            *expected,
            "{condition}"
        );
        let rules = parse(&format!(
            "tcp-request inspect-delay 5s\n\
             tcp-request content accept if {{ req.ssl_hello_type 1 }}\n\
             use_backend b if {{ {condition} }}"
        ));
        let chosen = rules.backend(&RuleProgress::default(), &visitor, NOW).is_some();
        assert_eq!(chosen, *expected, "{condition}");
    }
}

/// Words about tables.
const OF_TABLES: [&str; 2] = ["table_cnt", "table_avl"];

#[test]
fn a_table_knows_how_many_entries_it_has_and_has_place_for() {
    let rules = parse(
        "tcp-request session track-sc0 src table t\n\
         tcp-request session reject if { table_cnt(t) 1 } { table_avl(t) 9 }\n\
         backend t\nstick-table type ip size 10",
    );
    let verdict = super::verdict(&rules, RulePhase::Session, &mut Visitor::from("192.0.2.1"));
    assert_eq!(verdict, Verdict::Reject { line: 2 });
}

/// The words that tests above ask, without brackets and converters.
fn words_asked() -> BTreeSet<&'static str> {
    let named = ASKED.iter().map(|(asked, ..)| *asked);
    let in_bytes = IN_BYTES.iter().map(|(_, (asked, ..))| *asked);
    let of_hello = OF_HELLO.iter().filter_map(|(asked, _)| asked.split(' ').next());
    let all = named.chain(in_bytes).chain(of_hello).chain(OF_TABLES);
    all.filter_map(|asked| asked.split(['(', ',']).next()).collect()
}

#[test]
fn every_word_is_asked_in_a_test() {
    let asked = words_asked();
    let of_answers = include_str!("responses.rs");
    for word in fetch_words() {
        let is_asked = asked.contains(word.name) || of_answers.contains(word.name);
        assert!(is_asked, "{}", word.name);
    }
}

#[test]
fn every_method_is_used_in_a_test() {
    let values = ASKED.iter().flat_map(|(_, fit, others)| fit.iter().chain(*others));
    let values: String = values.copied().collect::<Vec<_>>().join(" ");
    for word in METHODS.iter().filter(|word| word.name != "found") {
        let is_used = values.contains(&format!("-m {}", word.name));
        assert!(is_used || word.name == "int" || word.name == "ip", "{}", word.name);
    }
}

#[test]
fn other_ways_to_write_a_word_ask_the_same() {
    let http = HTTP.to_vec();
    let of = |name: &str| match name {
        "req.proto_http" => http.clone(),
        "req.rdp_cookie" | "req.rdp_cookie_cnt" => RDP.to_vec(),
        _ => hello("a.test", &["h2"]),
    };
    let value_of = |word: &str, name: &str| {
        let rules = parse(&format!(
            "tcp-request inspect-delay 5s\ntcp-request content set-var(txn.x) {word}"
        ));
        let mut visitor = Visitor { prefix: of(name), ..Visitor::known() };
        super::verdict(&rules, RulePhase::Content, &mut visitor);
        visitor.done
    };
    let is_of_clients = |word: &&FetchWord| word.seen.contains(Places::CONTENT);
    for word in fetch_words().filter(is_of_clients).filter(|word| !word.also.is_empty()) {
        let value = value_of(word.name, word.name);
        assert_eq!(value.len(), 1, "{}", word.name);
        for also in word.also {
            assert_eq!(value_of(also, word.name), value, "{also}");
        }
    }
}

#[test]
fn yes_or_no_can_be_no() {
    let mut visitor = Visitor::known();
    visitor.locals.clear();
    visitor.proxy = None;
    visitor.tls = None;
    visitor.servers[0].1.is_up = false;
    for asked in ["src_is_local", "fc_rcvd_proxy", "ssl_fc", "srv_is_up(farm/a)"] {
        assert!(!holds(&format!("{{ {asked} }}"), &visitor), "{asked}");
        assert!(!holds(&format!("{{ {asked} -m bool }}"), &visitor), "{asked}");
        assert!(holds(&format!("!{{ {asked} }}"), &visitor), "{asked}");
        assert!(holds(&format!("{{ {asked} -m found }}"), &visitor), "{asked}");
    }
}

#[test]
fn the_peer_of_a_unix_socket_is_local_and_has_no_family() {
    let visitor = Visitor { is_unix: true, ..Visitor::default() };
    assert!(holds("{ src_is_local } !{ fc_src_is_local -m found } !{ fc_fam -m found }", &visitor));
}

#[test]
fn a_queue_of_servers_of_which_none_can_be_used_counts_twice() {
    let mut visitor = Visitor::known();
    visitor.backends[0].1.servers = 0;
    assert!(holds("{ avg_queue(farm) 6 }", &visitor));
    visitor.backends[0].1.free = None;
    assert!(holds("{ be_conn_free(farm) lt 0 } { connslots(farm) -- -1 }", &visitor));
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
    let extension = |kind: u8, content: &[u8]| [&[0, kind], &*vector16(content)].concat();
    let entry = [&[0], &*vector16(name.as_bytes())].concat();
    let list: Vec<u8> = protocols
        .iter()
        .flat_map(|protocol| [&[protocol.len() as u8], protocol.as_bytes()].concat())
        .collect();
    let extensions = [
        extension(0, &vector16(&entry)),
        extension(16, &vector16(&list)),
        extension(10, &vector16(&[0, 0x1d, 0, 0x17])),
        extension(13, &vector16(&[8, 7])),
        extension(35, &[]),
        extension(51, &vector16(&[0, 0x1d, 0, 2, 1, 1])),
    ]
    .concat();
    let body =
        [&[3, 3], &[7; 32][..], &[2, 5, 5], &[0, 2, 0x13, 1], &[1, 0], &vector16(&extensions)]
            .concat();
    let message = [&[1, 0], &*vector16(&body)].concat();
    [&[22, 3, 1], &*vector16(&message)].concat()
}

/// What an entry contains: a number for each counter that no other has, except `conn_cur`, which is one
/// for each slot, and what HTTP would count.
fn held(counter: &Counter) -> u64 {
    match counter.data() {
        DataType::ConnCur => SLOTS as u64,
        DataType::Http(_) => 0,
        _ if counter.name.starts_with("kbytes") => number_of(counter.data()) / 1_024,
        data => number_of(data),
    }
}

fn number_of(data: DataType) -> u64 {
    let place = COUNTERS.iter().position(|counter| counter.data() == data).expect("a counter");
    5_000 * (place as u64 + 1)
}

const ALL_DATA: &str = "stick-table type ip size 10 store conn_cnt,conn_cur,conn_rate(1s),sess_cnt,\
    sess_rate(1s),bytes_in_cnt,bytes_in_rate(1s),bytes_out_cnt,bytes_out_rate(1s),gpc0,gpc1,gpc0_rate(1s),gpt0,\
    http_req_cnt,http_req_rate(1s),http_err_cnt,http_err_rate(1s),http_fail_cnt,http_fail_rate(1s)\n\
    tcp-request session track-sc0 src\n\
    tcp-request session track-sc1 src\n\
    tcp-request session track-sc2 src\n";

/// Whether a counter is found by this word, in an entry that holds the numbers above.
fn finds(word: &str, number: u64) -> bool {
    let rules = parse(&format!("{ALL_DATA}use_backend b if {{ {word} {number} }}"));
    let (mut visitor, mut progress) = (Visitor::from("192.0.2.1"), RuleProgress::default());
    rules.evaluate(RulePhase::Session, &mut progress, &mut visitor, NOW);
    let table = rules.tables().get("default").expect("a table");
    let key = TableKey::Ip(IpAddr::from([192, 0, 2, 1]));
    for counter in COUNTERS {
        if !matches!(counter.data(), DataType::ConnCur | DataType::Http(_)) {
            table.set(key, counter.data(), number_of(counter.data()), NOW).expect("it is stored");
        }
    }
    rules.backend(&progress, &visitor, NOW).is_some()
}

#[test]
fn every_counter_can_be_asked_of_every_entry_by_every_name() {
    for (owner, _) in &OWNERS {
        for counter in COUNTERS {
            for name in std::iter::once(counter.name).chain(counter.haproxy) {
                let argument = if *owner == "sc_" { "(2)" } else { "" };
                let word = format!("{owner}{name}{argument}");
                assert!(finds(&word, held(counter)), "{word}");
            }
        }
    }
    assert!(finds("sc0_conn_rate(default)", number_of(DataType::ConnRate)));
    assert!(finds("sc_get_gpc(1,2)", number_of(DataType::Gpc(1))));
    assert!(finds("sc1_get_gpc(0)", number_of(DataType::Gpc(0))));
    assert!(finds("src_get_gpc(1)", number_of(DataType::Gpc(1))));
}

#[test]
fn every_counter_can_be_looked_up_in_a_table() {
    let all = converter::all().filter_map(|converter| converter.name.strip_prefix("table_"));
    for name in all.filter(|name| !["server_id", "trackers"].contains(name)) {
        let counter = COUNTERS.iter().find(|counter| counter.name == name).expect(name);
        assert!(finds(&format!("src,table_{name}(default)"), held(counter)), "{name}");
    }
    assert!(finds("src,table_trackers(default)", SLOTS as u64));
    let rules = parse(&ALL_DATA.replace("conn_cnt,", "conn_cnt,server_id,"));
    let table = rules.tables().get("default").expect("a table");
    let tracked = table.track(TableKey::Ip(IpAddr::from([192, 0, 2, 1])), NOW).expect("room");
    tracked.set_server(NonZeroU32::MAX).expect("it is stored");
    let rules = "tcp-request session reject if { src,table_server_id(default) 4294967295 }";
    let load = |_: &str| Err(String::new());
    let mut tables = Tables::default();
    tables.add(Arc::clone(table));
    let environment = Environment { tables: &tables, before: None, load: &load };
    let rules = RuleSet::parse(rules.as_bytes(), environment).expect("rules");
    let verdict = super::verdict(&rules, RulePhase::Session, &mut Visitor::from("192.0.2.1"));
    assert_eq!(verdict, Verdict::Reject { line: 1 });
}

#[test]
fn every_counter_that_does_more_than_read_says_a_number() {
    let before = number_of(DataType::Gpc(0));
    let second = number_of(DataType::Gpc(1));
    let connections = number_of(DataType::ConnCnt);
    let said = |name: &str| match name {
        "inc_gpc0" => before + 1,
        "inc_gpc1" => second + 1,
        "clr_gpc0" => before,
        "clr_gpc1" => second,
        "trackers" => SLOTS as u64,
        "tracked" => 1,
        "updt_conn_cnt" => connections + 1,
        other => panic!("{other}"),
    };
    for word in STATEFUL {
        for (owner, _) in &OWNERS {
            let is_of_source = *owner == "src_";
            let exists = match word.name {
                "trackers" | "tracked" => !is_of_source,
                "updt_conn_cnt" => is_of_source,
                _ => true,
            };
            let argument = if *owner == "sc_" { "(1)" } else { "" };
            let name = format!("{owner}{}{argument}", word.name);
            if exists {
                assert!(finds(&name, said(word.name)), "{name}");
            } else {
                let text = format!("{ALL_DATA}tcp-request session reject if {{ {name} 1 }}");
                assert!(
                    super::mistake(&text).problem.contains("nothing that can be asked"),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_name_of_the_client_is_text_and_what_is_counted_is_a_number() {
    let value = |word: &str| {
        let rules = parse(&format!("tcp-request session set-var(txn.x) {word}"));
        let mut visitor = Visitor::known();
        super::verdict(&rules, RulePhase::Session, &mut visitor);
        visitor.variables.pop().map(|(_, value)| value)
    };
    assert_eq!(value("ssl_fc_alpn"), Some(Value::text("h2")));
    assert_eq!(value("fe_conn"), Some(Value::Int(3)));
    assert_eq!(value("bin(61)"), Some(Value::bin(b"a")));
}
