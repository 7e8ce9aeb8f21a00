//! `proxy` behind `agent`: servers reached through the agent, and clients that it hands over.

mod chain;
mod ending;
mod incoming;
mod passing;
mod restart;
mod sandbox;
pub(crate) mod suite;

use std::path::Path;
use std::process::Command;

use crate::certificates::Certificates;
use crate::examples::example;
use crate::place::Place;
use crate::running::Running;
use crate::servers::proxy;

/// Where an agent of a test may connect to.
const LOOPBACK: &str = "127.0.0.1:*,localhost:*";

/// A command of `agent`; a word must not contain a blank.
pub(crate) fn agent_command(words: &str) -> Command {
    let mut command = Command::new(example("agent"));
    command.args(["--allow", LOOPBACK, "--log"]).args(words.split_whitespace());
    command
}

/// An agent whose clients come to this path. It serves when this returns.
pub(crate) fn agent_at(path: &Path, words: &str) -> Running {
    let agent =
        Running::spawn(&mut agent_command(&format!("--clients unix:{} {words}", path.display())));
    agent.ready();
    agent
}

/// A proxy and its agent, with a unix socket between them.
struct Pair {
    agent: Running,
    proxy: Running,
    place: Place,
}

/// `name` is used by this test alone.
fn pair(name: &str, agent_words: &str, proxy_words: &str) -> Pair {
    let place = Place::new(name);
    let path = place.join("agent");
    let agent = agent_at(&path, agent_words);
    let via = format!("--via-agent unix:{} --log {proxy_words}", path.display());
    let proxy = proxy(&via);
    proxy.ready();
    proxy.stderr.until_said("link up");
    Pair { agent, proxy, place }
}

/// The words of an agent that does TLS with servers of the authority of this run, and of its proxy.
fn tls_at_the_agent(certificates: &Certificates) -> (String, &'static str) {
    (format!("--tls there={}", certificates.ca.display()), "--agent-tls there --sni localhost")
}
