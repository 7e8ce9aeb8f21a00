//! What actions other than those that refuse or count do to a connection.

use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::{RulePhase, RuleProgress, Verdict};

/// What a rule of a phase does to a connection of which everything is known, and which has sent `bytes`.
fn done_on(phase: RulePhase, lines: &str, bytes: &[u8]) -> Vec<String> {
    let text: String =
        lines.lines().map(|line| format!("tcp-request {} {line}\n", phase.name())).collect();
    let rules = parse(&format!(
        "filter bwlim-in in default-limit 100k default-period 2s min-size 1k\n\
         filter bwlim-out out default-period 1s default-limit 1m\n\
         tcp-request inspect-delay 1s\n{text}"
    ));
    let mut visitor = Visitor { prefix: bytes.to_vec(), ..Visitor::known() };
    let verdict = rules.evaluate(phase, &mut RuleProgress::default(), &mut visitor, NOW);
    assert_eq!(verdict, Verdict::Accept, "{lines}");
    visitor.done
}

fn done(phase: RulePhase, lines: &str) -> Vec<String> {
    done_on(phase, lines, b"")
}

#[test]
fn captures_are_numbered_by_their_lines_and_cut_to_their_length() {
    let lines = "capture src len 100\ncapture ssl_fc_sni len 3 if { src_port 1 }\n\
                 capture ssl_fc_sni,upper len 3\ncapture src_port len 16384";
    assert_eq!(
        done(RulePhase::Session, lines),
        ["capture 0 = 192.0.2.7", "capture 2 = WWW", "capture 3 = 40000"]
    );
    assert_eq!(
        done_on(RulePhase::Content, "capture req.payload(0,0),hex len 4", b"\x00\xffab"),
        ["capture 0 = 00FF"]
    );
}

#[test]
fn captures_of_all_phases_are_numbered_together() {
    let rules = parse(
        "tcp-request content capture src len 20\ntcp-request session capture src_port len 20",
    );
    let mut visitor = Visitor::known();
    super::verdict(&rules, RulePhase::Session, &mut visitor);
    super::verdict(&rules, RulePhase::Content, &mut visitor);
    assert_eq!(visitor.done, ["capture 1 = 40000", "capture 0 = 192.0.2.7"]);
}

#[test]
fn a_level_says_how_loud_the_host_is_to_be() {
    for (severity, level) in
        ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"].iter().enumerate()
    {
        let said = done(RulePhase::Content, &format!("set-log-level {level}"));
        assert_eq!(said, [format!("Severity({severity})")], "{level}");
    }
    assert_eq!(done(RulePhase::Session, "set-log-level silent"), ["Silent"]);
}

#[test]
fn a_header_is_asked_for_where_a_rule_says_so() {
    let lines = "expect-proxy layer4 if { fc_src 10.0.0.0/8 }\nexpect-proxy layer4 if { fc_src 11.0.0.0/8 }";
    assert_eq!(done(RulePhase::Connection, lines), ["expects Proxy"]);
}

#[test]
fn a_limit_is_that_of_its_filter_or_of_its_line() {
    for (line, limit) in [
        ("set-bandwidth-limit in", "Incoming 102400 in 2000000000"),
        ("set-bandwidth-limit out", "Outgoing 1048576 in 1000000000"),
        ("set-bandwidth-limit in limit 1g", "Incoming 1073741824 in 2000000000"),
        ("set-bandwidth-limit in period 250ms", "Incoming 102400 in 250000000"),
        ("set-bandwidth-limit in limit src_port period 3s", "Incoming 40000 in 3000000000"),
        ("set-bandwidth-limit in period 1s limit int(5),mul(2)", "Incoming 10 in 1000000000"),
    ] {
        assert_eq!(done(RulePhase::Content, line), [limit], "{line}");
    }
}

#[test]
fn a_limit_that_is_not_there_is_that_of_its_filter() {
    for limit in ["ssl_fc_sni,hex2i", "int(0)", "int(-1)", "var(txn.none)"] {
        let line = format!("set-bandwidth-limit in limit {limit}");
        assert_eq!(done(RulePhase::Content, &line), ["Incoming 102400 in 2000000000"], "{limit}");
    }
}

#[test]
fn addresses_and_ports_are_set_to_what_is_one() {
    for (line, change) in [
        ("set-src ipv6(2001:db8::1)", "source 2001:db8::1"),
        ("set-src str(10.1.1.1)", "source 10.1.1.1"),
        ("set-src int(1)", "source 0.0.0.1"),
        ("set-src src,ipmask(24)", "source 192.0.2.0"),
        ("set-src-port int(1024)", "source port 1024"),
        ("set-dst ipv4(10.1.1.1)", "destination 10.1.1.1"),
        ("set-dst-port dst_port,add(1)", "destination port 444"),
        ("set-dst-port str(80)", "destination port 80"),
    ] {
        assert_eq!(done(RulePhase::Session, line), [change], "{line}");
    }
    for line in [
        "set-src ssl_fc_sni",
        "set-src-port int(65536)",
        "set-dst-port int(-1)",
        "set-dst str(10.1.1)",
    ] {
        assert_eq!(done(RulePhase::Session, line), [""; 0], "{line}");
    }
}
