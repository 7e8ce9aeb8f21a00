//! Tables that are defined outside of the text that uses them.

use std::sync::Arc;

use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::{Environment, RulePhase, RuleProgress, RuleSet, Tables, Verdict};
use crate::table::{DataType, Table, TableConfig};

const COUNTS: &str = "stick-table type ip size 10 store gpc0\n\
     tcp-request connection track-sc0 src\n\
     tcp-request connection reject if { sc0_get_gpc0 gt 0 }\n\
     tcp-request connection sc-inc-gpc0(0)";

fn comes(rules: &RuleSet) -> Verdict {
    let mut visitor = Visitor::from("192.0.2.1");
    rules.evaluate(RulePhase::Connection, &mut RuleProgress::default(), &mut visitor, NOW)
}

fn after(before: &RuleSet, text: &str) -> Result<Arc<RuleSet>, String> {
    let load = |_: &str| Err(String::new());
    let environment = Environment { tables: &Tables::default(), before: Some(before), load: &load };
    RuleSet::parse(text.as_bytes(), environment).map_err(|why| why.problem)
}

#[test]
fn a_set_goes_on_with_the_tables_of_the_one_before_that_it_defines_alike() {
    let before = parse(COUNTS);
    assert_eq!(comes(&before), Verdict::Accept);
    assert_eq!(comes(&before), Verdict::Reject { line: 3 });
    assert_eq!(comes(&after(&before, COUNTS).expect("rules")), Verdict::Reject { line: 3 });
    let larger = COUNTS.replace("size 10", "size 20");
    assert_eq!(comes(&after(&before, &larger).expect("rules")), Verdict::Accept);
}

#[test]
fn a_set_names_no_table_of_the_one_before_that_it_does_not_define() {
    let before = parse(COUNTS);
    let problem = after(&before, "tcp-request connection track-sc0 src").expect_err("no table");
    assert_eq!(problem, "no table is named, and this section has none");
}

#[test]
fn a_host_brings_tables_that_lines_name_and_cannot_define_again() {
    let config = TableConfig::parse("seen", "type ip size 10 store gpc0").expect("a table");
    let mut tables = Tables::default();
    assert!(tables.add(Table::new(config.clone()).expect("a table")));
    assert!(!tables.add(Table::new(config).expect("a table")), "the name is taken");
    let load = |_: &str| Err(String::new());
    let environment = Environment { tables: &tables, before: None, load: &load };
    let text = COUNTS.replace("track-sc0 src", "track-sc0 src table seen");
    let rules = RuleSet::parse(text.as_bytes(), environment).expect("rules");
    assert_eq!(comes(&rules), Verdict::Accept);
    assert_eq!(tables.get("seen").expect("a table").len(), 1);
    let text = format!("{COUNTS}\nbackend seen\nstick-table type ip size 10");
    let why = RuleSet::parse(text.as_bytes(), environment).expect_err("it is there");
    assert_eq!(why.problem, "there is a table `seen` already");
}

#[test]
fn the_table_of_a_stick_line_is_the_one_it_names_behind_its_value() {
    for line in [
        "stick on src",
        "stick on src if { var(sess.x) -m str table }",
        "acl table src 192.0.2.1\nstick on src if table other",
        "stick on src, ipmask(24) table web",
    ] {
        let rules = parse(&format!(
            "frontend web\nstick-table type ip size 10\nacl other always_true\n\
             tcp-request session set-var(sess.x) str(a)\n{line}"
        ));
        let table = rules.tables().get("web").expect("a table");
        assert!(table.stores(DataType::ServerId), "{line}");
    }
}

#[test]
fn a_table_of_the_host_that_stores_no_server_remembers_none() {
    let load = |_: &str| Err(String::new());
    for (store, problem) in
        [("conn_cur", Some("table `seen` does not store server_id")), ("server_id", None)]
    {
        let config = TableConfig::parse("seen", &format!("type ip size 10 store {store}"));
        let mut tables = Tables::default();
        assert!(tables.add(Table::new(config.expect("a table")).expect("a table")));
        let environment = Environment { tables: &tables, before: None, load: &load };
        let rules = RuleSet::parse(b"stick on src table seen", environment);
        assert_eq!(rules.err().map(|why| why.problem).as_deref(), problem);
    }
}
