//! Descriptors that the agent passes, and bytes in frames where it does not.

use std::thread;

use super::{Pair, pair, tls_at_the_agent};
use crate::bulk::{bounded, receive, send, transfer};
use crate::certificates::certificates;
use crate::deadlines::until;
use crate::ends::{End, accept, at, connect, connect_narrow, listen, tls_accept, tls_server};
use crate::running::{Running, raise_descriptors};
use crate::servers::{HOSTS, joined};
use crate::tunnel::{curl, done, site, sum_of};

const LARGE: usize = 64 << 20;

/// Requests that are made at once.
const CROWD: usize = 200;

/// More connections than one connection to the agent has windows for.
const MANY: usize = 1200;

/// How many descriptors of a process are sockets.
fn sockets(process: &Running) -> usize {
    let numbers = std::fs::read_dir(format!("/proc/{}/fd", process.id())).expect("it lives");
    let targets = numbers.filter_map(|number| std::fs::read_link(number.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// A large transfer each way, in the middle of which the agent has so many sockets more than before.
fn both_ways(name: &str, agent_words: &str, proxy_words: &str, with_tls: bool, more: usize) {
    let Some(certificates) = certificates() else { return };
    let listener = listen();
    let words = format!("--backend {} {proxy_words}", at(&listener));
    let Pair { agent, proxy, place: _place } = &pair(name, agent_words, &words);
    let before = sockets(agent);
    let front = proxy.ready();
    for upward in [true, false] {
        let front = front.clone();
        let client = thread::spawn(move || transfer(&mut connect(&front), upward, LARGE));
        let stream = accept(&listener);
        let mut server: Box<dyn End> = if with_tls {
            Box::new(tls_accept(&tls_server(certificates), stream))
        } else {
            Box::new(stream)
        };
        // Bytes flow, so that whatever is passed was passed.
        server.exactly(1);
        until("the agent has what it has", || sockets(agent) == before + more);
        let served = if upward {
            let got = receive(&mut *server);
            server.finish_writing();
            got
        } else {
            (LARGE, send(&mut *server, LARGE))
        };
        drop(server);
        assert_eq!(joined(client), served, "the same bytes on both sides");
        assert_eq!(served.0, LARGE);
        until("the agent is done with it", || sockets(agent) == before);
    }
    bounded(agent);
    bounded(proxy);
}

#[test]
fn the_descriptor_of_a_raw_connection_is_passed_and_the_agent_keeps_none() {
    for host in HOSTS {
        let words = format!("--host {host}");
        both_ways(&format!("remote-passed-{host}"), &words, &words, false, 0);
    }
}

#[test]
fn what_is_not_passed_goes_through_the_agent_in_frames_unchanged() {
    for host in HOSTS {
        for (number, words) in [("--no-pass", ""), ("", "--no-pass")].into_iter().enumerate() {
            let [agent, proxy] = [words.0, words.1].map(|word| format!("--host {host} {word}"));
            both_ways(&format!("remote-framed-{host}-{number}"), &agent, &proxy, false, 1);
        }
    }
}

#[test]
fn bytes_under_the_agent_s_tls_go_through_it_unchanged() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        let (agent, proxy) = tls_at_the_agent(certificates);
        let [agent, proxy] = [&*agent, proxy].map(|words| format!("{words} --host {host}"));
        both_ways(&format!("remote-tls-{host}"), &agent, &proxy, true, 1);
    }
}

#[test]
fn two_hundred_requests_do_not_wait_for_one_who_does_not_read() {
    let Some(certificates) = certificates() else { return };
    let site = site();
    for host in HOSTS {
        for channels in ["", "--agent-channels 1"] {
            let words =
                format!("--backend {site} --send-proxy v1 --no-pass {channels} --host {host}");
            let name = format!("remote-stalled-{host}-{}", channels.len());
            let Pair { agent, proxy, place } = &pair(&name, &format!("--host {host}"), &words);
            let front = proxy.ready();
            let mut stalled = connect_narrow(&front);
            stalled.say(format!("GET /{LARGE} HTTP/1.1\r\n\r\n").as_bytes());
            while !stalled.line().trim().is_empty() {}
            let Some(mut many) = curl(certificates) else { return };
            many.args(["--parallel", "--parallel-immediate", "--parallel-max"])
                .arg(CROWD.to_string())
                .arg("--output")
                .arg(place.join("#1"))
                .arg(format!("http://{front}/[1-{CROWD}]000"));
            done(&mut many);
            for number in 1..=CROWD {
                let body = std::fs::read(place.join(number.to_string())).expect("curl wrote it");
                let due = number * 1000;
                assert_eq!((body.len(), crc32c::crc32c(&body)), (due, sum_of(due)));
            }
            bounded(agent);
            bounded(proxy);
            assert_eq!(receive(&mut stalled), (LARGE, sum_of(LARGE)), "late, but all of it");
        }
    }
}

#[test]
fn connections_for_which_one_link_has_no_window_left_go_over_another() {
    raise_descriptors();
    let listener = listen();
    let words = format!("--backend {} --no-pass", at(&listener));
    let Pair { agent, proxy, place: _place } = &pair("remote-many", "", &words);
    let front = proxy.ready();
    let before = sockets(agent);
    let mut open = Vec::new();
    for _ in 0..MANY {
        let mut client = connect(&front);
        client.say(b"abc");
        let mut server = accept(&listener);
        assert_eq!(server.exactly(3), b"abc");
        open.push((client, server));
    }
    assert_eq!(sockets(agent) - before, MANY + 1, "one connection to the agent more");
    for (mut client, mut server) in open {
        server.say(b"def");
        drop(server);
        assert_eq!(client.rest().expect("an orderly end"), b"def");
    }
    until("all are closed", || sockets(agent) == before);
    bounded(agent);
    bounded(proxy);
}
