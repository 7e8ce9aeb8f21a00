//! What a proxy and an agent give up, and whom an agent does not serve.

use std::path::PathBuf;
use std::process::Command;

use super::{agent_at, agent_command};
use crate::ends::{End, connect};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, command, echo_server, proxy};
use crate::support::peer;

/// The same command under strace, whose lines come with what it prints on stderr.
fn traced(strace: &PathBuf, calls: &str, inner: &Command) -> Running {
    let mut traced = Command::new(strace);
    traced.args(["-D", "-f", "-qq", "-o", "/dev/stderr", "-e"]).arg(format!("trace={calls}"));
    Running::spawn(traced.arg("--").arg(inner.get_program()).args(inner.get_args()))
}

fn echoes(address: &str) {
    let mut client = connect(address);
    client.say(b"abc");
    assert_eq!(client.exactly(3), b"abc");
    client.finish_writing();
    assert_eq!(client.rest().expect("an orderly end"), b"");
}

#[test]
fn a_proxy_in_its_sandbox_makes_no_socket_but_its_link_and_serves() {
    let Some(strace) = peer("strace") else { return };
    let echo = echo_server();
    for host in HOSTS {
        for pass in ["", "--no-pass"] {
            let place = Place::new(&format!("remote-sandbox-{host}{pass}"));
            let path = place.join("agent");
            let _agent = agent_at(&path, "");
            let words = format!(
                "--backend {echo} --via-agent unix:{} --sandbox {pass} --host {host} --check",
                path.display()
            );
            let proxy = traced(&strace, "socket,connect", &command("proxy", &words));
            let front = proxy.ready();
            (0..10).for_each(|_| echoes(&front));
            let trace = proxy.stderr.so_far();
            let of_inet = trace.matches("socket(AF_INET").count();
            assert_eq!(of_inet, 1, "the listener's, and no other:\n{trace}");
            assert!(!trace.contains("sa_family=AF_INET"), "it connects by itself:\n{trace}");
        }
    }
}

#[test]
fn a_proxy_in_its_sandbox_reads_its_rules_again() {
    let echo = echo_server();
    let place = Place::new("remote-sandbox-rules");
    let path = place.join("agent");
    let _agent = agent_at(&path, "--sandbox");
    let rules = place.write("rules", "tcp-request connection accept\n");
    let words = format!(
        "--backend {echo} --via-agent unix:{} --sandbox --rules {} --log",
        path.display(),
        rules.display()
    );
    let proxy = proxy(&words);
    let front = proxy.ready();
    echoes(&front);
    // As editors do it: another file under the same name.
    let fresh = place.write("fresh", "tcp-request connection reject\n");
    std::fs::rename(fresh, &rules).expect("the folder is writable");
    proxy.signal(libc::SIGHUP);
    proxy.stdout.until_said("rules read: ");
    assert_eq!(connect(&front).last_words(), b"");
}

#[test]
fn a_proxy_in_its_sandbox_does_not_go_anywhere_without_its_agent() {
    let echo = echo_server();
    let proxy = proxy(&format!("--backend {echo} --sandbox --retries 0 --log"));
    let mut client = connect(&proxy.ready());
    client.say(b"abc");
    assert_eq!(client.last_words(), b"");
    let errno = format!("errno {}", libc::EACCES);
    proxy.stderr.until_said(&errno);
}

#[test]
fn an_agent_in_its_sandbox_looks_names_up_and_serves() {
    let echo = echo_server();
    let port = echo.rsplit_once(':').expect("a port").1.to_owned();
    for host in HOSTS {
        let place = Place::new(&format!("remote-sandbox-agent-{host}"));
        let path = place.join("agent");
        let agent = agent_at(&path, &format!("--sandbox --host {host}"));
        for pass in ["", "--no-pass"] {
            let via = format!("--via-agent unix:{} {pass} --host {host}", path.display());
            let proxy = proxy(&format!("--backend localhost:{port} {via}"));
            (0..10).for_each(|_| echoes(&proxy.ready()));
        }
        let mut agent = agent;
        agent.signal(libc::SIGTERM);
        assert!(agent.exit().success());
    }
}

#[test]
fn a_user_that_is_not_admitted_is_refused_and_logged() {
    let echo = echo_server();
    // SAFETY: the call has no arguments and cannot fail.
    let own = unsafe { libc::getuid() };
    for (admitted, words) in
        [(false, format!("--uid {}", own + 1)), (true, format!("--uid {} --uid {own}", own + 1))]
    {
        let place = Place::new(&format!("remote-uid-{admitted}"));
        let path = place.join("agent");
        let agent = agent_at(&path, &words);
        let proxy = proxy(&format!(
            "--backend {echo} --via-agent unix:{} --timeout-connect 300 --retries 0",
            path.display(),
        ));
        if admitted {
            echoes(&proxy.ready());
            continue;
        }
        let mut client = connect(&proxy.ready());
        client.say(b"abc");
        assert_eq!(client.last_words(), b"");
        agent.stderr.until_said(&format!("client of uid {own} and gid "));
    }
}

#[test]
fn an_agent_that_was_root_serves_as_another_user() {
    // SAFETY: the call has no arguments and cannot fail.
    if unsafe { libc::getuid() } != 0 {
        return;
    }
    let echo = echo_server();
    let place = Place::new("remote-dropped");
    let path = place.join("agent");
    let words = format!("--clients unix:{} --drop-to nobody --sandbox", path.display());
    let agent = Running::spawn(&mut agent_command(&words));
    agent.ready();
    let proxy = proxy(&format!("--backend {echo} --via-agent unix:{}", path.display()));
    echoes(&proxy.ready());
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.id())).expect("it lives");
    let line = |name| status.lines().find(|line: &&str| line.starts_with(name)).expect("a line");
    let numbers =
        |name| line(name).split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert!(numbers("Uid:").iter().all(|number| number != "0"), "{status}");
    assert!(numbers("Gid:").iter().all(|number| number != "0"), "{status}");
    assert_eq!(numbers("Groups:").len(), 1, "{status}");
    assert_eq!(numbers("Seccomp:"), ["2"], "{status}");
}
