//! The other tests of this program once more, with an agent behind every `proxy`.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::agent_command;
use crate::running::Running;
use crate::servers::command;

/// The variable that asks for it, and the two ways: descriptors are passed and the proxy does TLS, or all
/// bytes go in frames and the agent does.
const BEHIND: &str = "VST_PEERS_BEHIND_AN_AGENT";
const PASSED: &str = "passed";
const FRAMED: &str = "framed";

/// The tests of these modules; a module's name is the beginning of theirs.
const MODULES: [&str; 10] = [
    "backends::",
    "cip::",
    "closing::",
    "curl::",
    "families::",
    "haproxy::",
    "headers::",
    "manners::",
    "nginx::",
    "openssl::",
];

/// Of these, those that are run where descriptors are passed: a passed socket is used as one of its own.
const WITH_PASSED: [&str; 2] = ["closing::", "curl::"];

/// A proxy behind an agent of its own, if this run is to have one.
pub(crate) fn proxy_behind_an_agent(words: &str) -> Option<Running> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let way = std::env::var(BEHIND).ok().filter(|_| !words.contains("--via-agent"))?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let address = format!("unix:@vst-peers-{}-{number}", std::process::id());
    let everywhere = "0.0.0.0/0:*,[::]/0:*,unix:/";
    let mut of_agent = format!("--allow {everywhere} --clients {address}");
    let mut of_proxy = format!("--via-agent {address}");
    let mut given = words.split_whitespace();
    while let Some(word) = given.next() {
        if word == "--backend-tls" && way == FRAMED {
            let trust = given.next().expect("a value");
            of_agent += &format!(" --tls there={trust}");
            of_proxy += " --agent-tls there";
        } else {
            of_proxy += &format!(" {word}");
        }
    }
    if way == FRAMED {
        of_agent += " --no-pass";
    }
    let agent = Running::spawn(&mut agent_command(&of_agent));
    agent.ready();
    Some(Running::spawn(&mut command("proxy", &of_proxy)).beside(agent))
}

/// Runs the tests whose names have one of these parts once more, with a variable that says how.
pub(crate) fn again(variable: &str, value: &str, parts: &[&str]) {
    let mut run = Command::new(std::env::current_exe().expect("this program"));
    run.env(variable, value).args(parts);
    let output = run.output().expect("this program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_holds_for_a_proxy_holds_behind_an_agent_that_passes_descriptors() {
    again(BEHIND, PASSED, &WITH_PASSED);
}

#[test]
fn what_holds_for_a_proxy_holds_behind_an_agent_that_moves_all_bytes() {
    again(BEHIND, FRAMED, &MODULES);
}
