//! Agents that are killed, and agents that are replaced.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Pair, agent_at, agent_command, pair};
use crate::backends::shown;
use crate::deadlines::until;
use crate::ends::{Deaf, End, accept, at, connect, listen};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, echo_server, proxy};
use crate::tunnel::{site, sum_of};

/// Clients that make requests one after the other, and how many each makes.
const LANES: usize = 10;
const EACH: usize = 30;

/// The descriptor that socket activation begins with.
const FIRST_INHERITED: libc::c_int = 3;

#[test]
fn a_killed_agent_cuts_its_streams_and_the_next_one_serves_the_next_clients() {
    let site = site();
    for host in HOSTS {
        let control = Deaf::new().address();
        let words =
            format!("--backend {site} --send-proxy v1 --no-pass --control {control} --host {host}");
        let name = format!("remote-killed-{host}");
        let Pair { agent, proxy, place } = &pair(&name, &format!("--host {host}"), &words);
        let front = proxy.ready();
        let mut client = connect(&front);
        client.say(b"GET /pause HTTP/1.1\r\n\r\n");
        while !client.line().trim().is_empty() {}
        assert_eq!(client.exactly(4), b"half");
        assert_eq!(shown(&control, &site, "streams"), 1);
        agent.signal(libc::SIGKILL);
        assert_eq!(client.last_words(), b"", "nothing more, and at once");
        proxy.stderr.until("the end of the stream", |text| {
            let line = text.lines().find(|line| line.starts_with("stream "))?;
            line.ends_with(" remote").then_some(())
        });
        proxy.stderr.until_said("link down: ");
        assert_eq!(shown(&control, &site, "streams"), 0, "its slot is free");
        // This one comes before there is an agent, and waits for it.
        let mut early = connect(&front);
        early.say(b"GET /1000 HTTP/1.1\r\n\r\n");
        let _agent = agent_at(&place.join("agent"), &format!("--host {host}"));
        let mut late = connect(&front);
        late.say(b"GET /1000 HTTP/1.1\r\n\r\n");
        for client in [&mut early, &mut late] {
            while !client.line().trim().is_empty() {}
            let body = client.exactly(1000);
            assert_eq!(crc32c::crc32c(&body), sum_of(1000));
        }
    }
}

#[test]
fn a_connection_that_was_passed_outlives_its_agent() {
    let echo = echo_server();
    for host in HOSTS {
        let words = format!("--backend {echo} --host {host}");
        let name = format!("remote-outlives-{host}");
        let Pair { agent, proxy, .. } = &pair(&name, &format!("--host {host}"), &words);
        let mut client = connect(&proxy.ready());
        client.say(b"abc");
        assert_eq!(client.exactly(3), b"abc");
        agent.signal(libc::SIGKILL);
        proxy.stderr.until_said("link down: ");
        client.say(b"still here");
        assert_eq!(client.exactly(10), b"still here");
    }
}

/// An agent that is given the socket at which its clients wait, as systemd does it.
fn agent_on(socket: &UnixListener, words: &str) -> Running {
    let agent = agent_command(words);
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$0\" \"$@\""]);
    command.arg(agent.get_program()).args(agent.get_args()).env("LISTEN_FDS", "1");
    let number = socket.as_raw_fd();
    let give = move || {
        let given = if number == FIRST_INHERITED {
            // SAFETY: between fork and exec: one system call, with numbers.
            unsafe { libc::fcntl(number, libc::F_SETFD, 0) }
        } else {
            // SAFETY: the same.
            unsafe { libc::dup2(number, FIRST_INHERITED) }
        };
        if given < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(give) };
    let agent = Running::spawn(&mut command);
    agent.ready();
    agent
}

#[test]
fn an_agent_is_replaced_under_load_without_a_failed_request() {
    let echo = echo_server();
    for host in HOSTS {
        for pass in ["", "--no-pass"] {
            let place = Place::new(&format!("remote-replaced-{host}{pass}"));
            let path = place.join("agent");
            let socket = UnixListener::bind(&path).expect("the folder is writable");
            let words = format!("--host {host} {pass}");
            let mut agent = agent_on(&socket, &words);
            let via = format!("--backend {echo} --retries 0 --via-agent unix:{}", path.display());
            let proxy = proxy(&format!("{via} --host {host}"));
            let front = proxy.ready();
            let served = AtomicUsize::new(0);
            let lane = || {
                for number in 0..EACH {
                    let mut client = connect(&front);
                    let said = format!("{number:08}");
                    client.say(said.as_bytes());
                    assert_eq!(client.exactly(said.len()), said.as_bytes());
                    client.finish_writing();
                    assert_eq!(client.rest().expect("an orderly end"), b"");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            };
            thread::scope(|scope| {
                let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
                for part in 1..=3 {
                    let due = LANES * EACH * part / 4;
                    let over = || lanes.iter().all(|lane| lane.is_finished());
                    until("requests are made", || served.load(Ordering::Relaxed) >= due || over());
                    agent.signal(libc::SIGTERM);
                    let next = agent_on(&socket, &words);
                    assert!(agent.exit().success());
                    agent = next;
                }
            });
            assert_eq!(served.load(Ordering::Relaxed), LANES * EACH);
        }
    }
}

#[test]
fn an_agent_that_is_to_end_lets_what_it_carries_go_on_and_ends_with_the_last() {
    for host in HOSTS {
        let listener = listen();
        let words = format!("--backend {} --no-pass --host {host}", at(&listener));
        let name = format!("remote-drained-{host}");
        let Pair { mut agent, proxy, place } = pair(&name, &format!("--host {host}"), &words);
        let mut client = connect(&proxy.ready());
        client.say(b"abc");
        let mut server = accept(&listener);
        assert_eq!(server.exactly(3), b"abc");
        agent.signal(libc::SIGTERM);
        until("it takes no more links", || !place.join("agent").exists());
        server.say(b"def");
        assert_eq!(client.exactly(3), b"def");
        client.finish_writing();
        assert_eq!(server.rest().expect("an orderly end"), b"");
        drop(server);
        assert_eq!(client.rest().expect("an orderly end"), b"");
        assert!(agent.exit().success());
    }
}
