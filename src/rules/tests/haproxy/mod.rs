//! What HAProxy 2.6.12 answers, beside what is answered here. Each file has a row for each question: its
//! columns are written as the tests below read them. Where the answers differ on purpose, a table of the
//! test says why.

mod conversions;
mod loads;
mod maps;
mod matches;
mod mqtt;

use std::fmt::Write;

use super::read;
use super::visitor::Visitor;
use crate::rules::{Loader, RulePhase, Value};

/// Tables that rows name.
const TABLES: &str = "backend table_str\nstick-table type string len 32 size 100 store gpc0,gpc1,gpt0,\
    conn_cnt,conn_cur,conn_rate(10s),sess_cnt,sess_rate(10s),bytes_in_rate(10s),bytes_out_rate(10s),server_id\n\
    backend table_ip\nstick-table type ip size 100 store gpc0,conn_cnt,conn_cur,conn_rate(10s)\n\
    backend table_int\nstick-table type integer size 100 store gpc0,conn_cnt,conn_cur,conn_rate(10s)\n";

/// An answer that is not the same here.
struct Deviation {
    reason: &'static str,
    /// Whether a row is one of those it is about, with the answer that is given here.
    is_of: fn(&[&str], &str) -> bool,
}

/// Compares the answer to each row with its last column.
fn compare(rows: &str, deviations: &[Deviation], answer: impl Fn(&[&str]) -> String) {
    let mut differences = String::new();
    let mut used = vec![false; deviations.len()];
    for row in rows.lines() {
        let columns: Vec<&str> = row.split('\t').collect();
        let ours = answer(&columns);
        if columns.last() == Some(&&*ours) {
            continue;
        }
        match deviations.iter().position(|deviation| (deviation.is_of)(&columns, &ours)) {
            Some(known) => used[known] = true,
            None => writeln!(differences, "{row}\there {ours}").expect("a string"),
        }
    }
    assert!(differences.is_empty(), "{differences}");
    for (deviation, is_used) in deviations.iter().zip(used) {
        assert!(is_used, "no row differs: {}", deviation.reason);
    }
}

/// The bytes of a column in which `\xHH` is a byte.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.strip_prefix(b"x").and_then(|tail| tail.get(..2));
        let byte = digits
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[3..] } else { tail };
    }
    bytes
}

/// A word as a line has it, so that it is read as these bytes.
fn word(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "\"\"".to_owned();
    }
    let mut written = String::new();
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => written.push(char::from(*byte)),
            b'-' | b'_' | b'.' | b',' | b':' | b'/' | b'(' | b')' => {
                written.push(char::from(*byte))
            }
            b'{' | b'}' | b'!' | b'|' => written.push(char::from(*byte)),
            other => write!(written, "\\x{other:02x}").expect("a string"),
        }
    }
    written
}

/// The fetch of a value of a type that is written like this.
fn constant(kind: &str, input: &str) -> Vec<u8> {
    let mut bytes = unescaped(input);
    if kind == "str" {
        let quoted: Vec<u8> = bytes
            .iter()
            .flat_map(|byte| match byte {
                b'\\' | b'"' => vec![b'\\', *byte],
                other => vec![*other],
            })
            .collect();
        bytes = [b"\"", &*quoted, b"\""].concat();
    }
    [kind.as_bytes(), b"(", &bytes, b")"].concat()
}

/// Converters as a row writes them, with a tab, a line feed or a carriage return as a backslash and a
/// letter; a substitute has a backslash and a letter as they are.
fn converters(column: &str) -> Vec<u8> {
    if column.starts_with("regsub") {
        return column.as_bytes().to_vec();
    }
    column.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r").into_bytes()
}

fn visitor() -> Visitor {
    let mut visitor = Visitor::from("192.0.2.1");
    for (name, value) in [
        ("txn.five", Value::Int(5)),
        ("txn.minus", Value::Int(-3)),
        ("txn.zero", Value::Int(0)),
        ("txn.abc", Value::text("abc")),
        ("txn.digits", Value::text("12")),
        ("txn.mixed", Value::text("12ab")),
        ("txn.addr", Value::Addr([192, 0, 2, 1].into())),
        ("txn.yes", Value::Bool(true)),
        ("txn.raw", Value::bin(b"\x00\xff")),
    ] {
        visitor.variables.push((name.to_owned(), value));
    }
    visitor
}

/// The value of an expression: `=` and its text in hexadecimal digits, `#` and its bytes, `-` where it is
/// absent, `!` where it is a mistake.
fn value(expression: &[u8], load: &Loader<'_>) -> String {
    let text = format!("tcp-request content set-var(txn.result) {}\n{TABLES}", word(expression));
    let Ok(rules) = read(&text, load) else { return "!".to_owned() };
    let mut visitor = visitor();
    super::verdict(&rules, RulePhase::Content, &mut visitor);
    let Some((_, value)) = visitor.variables.into_iter().find(|(name, _)| name == "txn.result")
    else {
        return "-".to_owned();
    };
    let mark = if matches!(value, Value::Bin(_)) { '#' } else { '=' };
    let text = value.into_text();
    text.iter().fold(String::from(mark), |said, byte| said + &format!("{byte:02x}"))
}
