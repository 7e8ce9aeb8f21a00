//! Whether a line is read or is a mistake, in a frontend with a table, an acl `known` and a backend `t`.

use super::{Deviation, compare};
use crate::rules::tests::read;

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        reason: "a line that can never do what it says is a mistake, and no warning",
        is_of: |row, ours| row[1] == "warns" && ours == "fails",
    },
    Deviation {
        reason: "nothing tracks by the slot, so the line can never do what it says",
        is_of: |row, ours| row[0].contains("sc-inc-gpc0") && ours == "fails",
    },
    Deviation {
        reason: "there are three slots",
        is_of: |row, ours| row[0].contains("sc_conn_cnt(3)") && ours == "fails",
    },
    Deviation {
        reason: "a condition is behind `if`, behind `!` and on either side of `or`",
        is_of: |row, ours| {
            let condition = row[0].split("reject ").nth(1);
            ["if", "if known or", "if or known", "if !"].map(Some).contains(&condition)
                && ours == "fails"
        },
    },
    Deviation {
        reason: "bytes are compared with bytes where no method is named",
        is_of: |row, ours| row[0].contains("req.payload(0,1) 61") && ours == "loads",
    },
    Deviation {
        reason: "an address is written in full",
        is_of: |row, ours| row[0].contains("127.1 ") && ours == "fails",
    },
    Deviation {
        reason: "an empty word is an empty value, and ends no line",
        is_of: |row, ours| row[0].contains("\"\"") && ours == "loads",
    },
    Deviation {
        reason: "the end of a connection from which nothing comes is logged as well",
        is_of: |row, ours| row[0].contains("session set-log-level silent") && ours == "loads",
    },
    Deviation {
        reason: "the host has the names of backends, and checks them",
        is_of: |row, ours| row[0].contains("_backend nowhere") && ours == "loads",
    },
    Deviation {
        reason: "a `$` in double quotes is a `$`, and no variable of the environment",
        is_of: |row, ours| row[0].contains("\"a$\"") && ours == "loads",
    },
];

#[test]
fn the_same_lines_are_mistakes() {
    compare(include_str!("loads.tsv"), DEVIATIONS, |row| {
        let text = format!(
            "frontend f\ntcp-request inspect-delay 1s\nstick-table type ip size 100 store gpc0,conn_cnt,gpt0\n\
             acl known src 127.0.0.1\n{}\nbackend t\nstick-table type ip size 100 store conn_cnt\n",
            row[0]
        );
        let load = |name: &str| match name {
            "FILE" => Ok(b"a.test 1\n".to_vec()),
            _ => Err("there is no such file".to_owned()),
        };
        match read(&text, &load) {
            Ok(_) => "loads".to_owned(),
            Err(_) => "fails".to_owned(),
        }
    });
}
