//! Definitions as people write them, and common mistakes.

use super::*;

fn read(text: &str) -> TableConfig {
    TableConfig::parse("t", text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_definition_says_everything_a_table_is_made_from() {
    let text = "type ip size 100k expire 10m nopurge store conn_cur,conn_rate(10s) store gpc0";
    let due = TableConfig {
        name: "t".into(),
        kind: TableKeyKind::Ip,
        size: 102_400,
        expire: Some(600 * SECOND),
        nopurge: true,
        store: vec![Stored::ConnCur, Stored::ConnRate(10 * SECOND), Stored::Gpc(1)],
    };
    assert_eq!(read(text), due);
    let table = Table::new(due).expect("what can be read can be made");
    assert!(table.stores(DataType::Gpc(0)) && !table.stores(DataType::Gpc(1)));
}

#[test]
fn every_datum_can_be_stored_by_its_name() {
    let text = "type ip size 1 store server_id,gpt0,gpc(3),gpc0_rate(1s),conn_cnt,conn_rate(2m) \
                store conn_cur,sess_cnt,sess_rate(3h),bytes_in_cnt,bytes_in_rate(1d),bytes_out_cnt,\
                bytes_out_rate(5000)";
    let due = [
        Stored::ServerId,
        Stored::Gpt0,
        Stored::Gpc(3),
        Stored::Gpc0Rate(SECOND),
        Stored::ConnCnt,
        Stored::ConnRate(120 * SECOND),
        Stored::ConnCur,
        Stored::SessCnt,
        Stored::SessRate(10_800 * SECOND),
        Stored::BytesInCnt,
        Stored::BytesInRate(86_400 * SECOND),
        Stored::BytesOutCnt,
        Stored::BytesOutRate(5 * SECOND),
    ];
    assert_eq!(read(text).store, due);
    for stored in due {
        assert!(text.contains(stored.data().name()), "the name of {stored:?} is another");
    }
}

#[test]
fn keys_have_a_length_where_they_are_texts() {
    let kind = |text| read(text).kind;
    assert_eq!(kind("size 1 type string"), TableKeyKind::String { len: 32 });
    assert_eq!(kind("type string len 7 size 1"), TableKeyKind::String { len: 7 });
    assert_eq!(kind("type binary len 16384 size 2g"), TableKeyKind::Binary { len: 16_384 });
    assert_eq!(kind("type\tipv6  size 1m "), TableKeyKind::Ipv6);
    assert_eq!(kind("type integer size 1"), TableKeyKind::Integer);
}

#[test]
fn counters_of_one_array_are_as_many_as_the_longest_that_is_named() {
    for (text, stored) in [
        ("gpc0", Stored::Gpc(1)),
        ("gpc1", Stored::Gpc(2)),
        ("gpc0,gpc1", Stored::Gpc(2)),
        ("gpc(3),gpc0,gpc1", Stored::Gpc(3)),
    ] {
        let config = TableConfig::parse("t", &format!("type ip size 1 store {text}"));
        assert_eq!(config.expect(text).store, [stored], "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_column_and_what_belongs_there() {
    let cases = [
        ("", "column 1: expected type, and what"),
        ("type ip", "column 8: expected size, and how"),
        ("type", "column 5: expected ip, ipv6"),
        ("type ipx size 1", "column 6, \"ipx\": expected ip, ipv6"),
        ("type ip len 4 size 1", "column 9, \"len\": expected type, size"),
        ("type string len 0 size 1", "column 17, \"0\": expected a number of bytes, 1 to 16384"),
        ("type string len", "column 16: expected a number of bytes"),
        ("type ip size", "column 13: expected a number of entries"),
        ("type ip size 0", "column 14, \"0\": expected a number of entries"),
        ("type ip size 3g", "column 14, \"3g\""),
        ("type ip size 99999999999999999999", "column 14, \"999"),
        ("type ip size 18446744073709551615g", "column 14, "),
        ("type ip size -1", "column 14, \"-1\""),
        ("type ip size 1 size 2", "column 16, \"size\": it was said before"),
        ("type ip size 1 type ip", "column 16, \"type\": it was said before"),
        ("type ip size 1 nopurge nopurge", "column 24, \"nopurge\": it was said before"),
        ("type ip size 1 expire", "column 22: expected a time"),
        ("type ip size 1 expire 10x", "column 23, \"10x\": expected a time"),
        ("type ip size 1 expire 999us", "column 23, \"999us\": expected a time"),
        ("type ip size 1 store", "column 21: expected server_id"),
        ("type ip size 1 store conn_cnt,", "column 31: expected server_id"),
        ("type ip size 1 store gpt0,conn_cn", "column 27, \"conn_cn\": expected server_id"),
        ("type ip size 1 store conn_rate", "column 22, \"conn_rate\": expected a period"),
        ("type ip size 1 store conn_rate()", "column 22, \"conn_rate()\": expected a period"),
        ("type ip size 1 store conn_rate(0)", "expected a period"),
        ("type ip size 1 store conn_cur(1)", "\"conn_cur(1)\": expected nothing in parentheses"),
        ("type ip size 1 store gpc(0)", "\"gpc(0)\": expected a number of counters"),
        ("type ip size 1 store gpc(101)", "\"gpc(101)\": expected a number of counters"),
        ("type ip size 1 store gpc0,gpc0", "column 27, \"gpc0\": gpc is stored already"),
        ("type ip size 1 store gpt0 store gpt0", "column 33, \"gpt0\": gpt0 is stored already"),
        ("type ip size 1 store gpc1_rate(1s)", "not supported; the first counter alone has a rate"),
        (
            "type ip size 1 store gpc_rate(2,1s),gpt0",
            "\"gpc_rate(2,1s)\": not supported; the first",
        ),
        ("type ip size 1 store gpc(2,gpt0", "\"gpc(2,gpt0\": expected server_id"),
        ("type ip size 1 store gpt(2)", "not supported; there is one tag, gpt0"),
        ("type ip size 1 store http_req_rate", "\"http_req_rate\": expected a period"),
        (
            "type ip size 1 store http_req_cnt(1s)",
            "\"http_req_cnt(1s)\": expected nothing in parentheses",
        ),
        ("type ip size 1 peers mine", "column 16, \"peers\": not supported; tables are not sent"),
        ("type ip size 1 stor\u{e9} gpt0", "column 16, \"stor\u{e9}\": expected type, size"),
    ];
    for (text, due) in cases {
        let said = TableConfig::parse("t", text).expect_err(text).to_string();
        assert!(said.contains(due), "{text}\n{said}\n{due}");
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let parts =
        ["type", "ip", "string", "len", "size", "1k", "expire", "\u{2003}", "store", "(", ","];
    let mut random = crate::random::Random::new(7);
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..random.below(8) {
            text += parts[random.below(parts.len() as u64) as usize];
            if random.one_in(2) {
                text.push(' ');
            }
        }
        if let Err(error) = TableConfig::parse("t", &text) {
            assert!(error.column <= text.len() + 1);
        }
    }
}
