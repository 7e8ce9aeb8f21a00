//! What rules cost an accepted connection, in instructions: counted by valgrind, so that the figures are
//! the same on a busy machine as on an idle one.
//!
//! Without arguments it runs itself under `valgrind --tool=callgrind` for every case and prints a table.
//! Each figure is the difference of two runs that differ by their number of connections, so what is done
//! once for the process (compiling the rules, for example) is in none of them. Of each connection only
//! accept, echo and close are counted, not the setup of the network around it.

#[path = "support/callgrind.rs"]
mod callgrind;

mod rig;

use std::sync::Arc;

use callgrind::Steps;
use vestibule::config::{AcceptConfig, LiveRules};
use vestibule::rules::{Environment, RuleSet, Tables};

use rig::{PAYLOAD, Rig};

/// The connections of the shorter run, and of the longer one.
const FEW: u64 = 50;
const MANY: u64 = 150;

const TRACKING: &str = "stick-table type ip size 100k expire 10m \
    store conn_cnt,conn_cur,conn_rate(10s),bytes_in_rate(10s)\n\
    tcp-request connection track-sc0 src\n\
    tcp-request connection reject if { sc0_conn_cur gt 100000 }\n";

/// What comes before the rules of a case, and how many rules there are.
const CASES: [(&str, &str, u32); 6] = [
    ("no rules", "", 0),
    ("1 rule", "", 1),
    ("10 rules", "", 10),
    ("1,000 rules", "", 1_000),
    ("tracking and a limit", TRACKING, 0),
    ("tracking, a limit and 10 rules", TRACKING, 10),
];

/// The rules of a case, none of which applies, so that all are evaluated; `None` if there are none.
fn text(case: usize) -> Option<String> {
    let (_, before, rules) = CASES[case];
    let rules = (0..rules).map(|n| {
        let (a, b) = (n / 256, n % 256);
        format!("tcp-request connection reject if {{ src 10.{a}.{b}.0/24 }}\n")
    });
    let text: String = [before.to_owned()].into_iter().chain(rules).collect();
    (!text.is_empty()).then_some(text)
}

/// Makes this many connections, one after the other.
fn connections(case: usize, count: u64) {
    let environment =
        Environment { tables: &Tables::default(), before: None, load: &|_| Ok(Vec::new()) };
    let rules = text(case).map(|text| {
        let rules = RuleSet::parse(text.as_bytes(), environment).expect("rules");
        Arc::new(LiveRules::new(rules))
    });
    let config = Arc::new(AcceptConfig { rules, ..AcceptConfig::default() });
    for _ in 0..count {
        let done = Rig::new(&config, b"").run();
        assert_eq!(done.peer.received(), PAYLOAD, "the echo came back");
    }
}

fn main() {
    let steps = Steps { few: FEW, many: MANY };
    callgrind::main(&CASES.map(|(name, ..)| name), "*Rig*run*", steps, connections);
}
