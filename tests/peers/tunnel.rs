//! The tunnel: clients at its near side, a server at its far side, one connection in between.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Output};
use std::thread;

use crate::bulk::{bounded, produce, receive};
use crate::certificates::{Certificates, certificates};
use crate::ends::{End, STOPPED, at, connect, connect_narrow, listen};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, command, echo_server};
use crate::sixteen::{exchange, ways};
use crate::support::peer;

/// The address of curl: not the address that the near side has.
const CLIENT: &str = "127.0.0.2";

/// A download that no buffer between the ends holds.
const LARGE: usize = 64 << 20;

/// How many requests are made at once, and how many at all.
const AT_ONCE: usize = 50;
const REQUESTS: usize = 300;

fn far(words: &str) -> Running {
    Running::spawn(&mut command("tunnel", words))
}

fn near(far: &Running, host: &str) -> Running {
    let words = format!("--through {} --host {host}", far.ready());
    Running::spawn(&mut command("tunnel", &words))
}

fn tls_words(certificates: &Certificates) -> String {
    format!("--tls {} {}", certificates.server.display(), certificates.server_key.display())
}

/// A server of HTTP. `/N` is N bytes, and who asks is told in a field; `/pause` is the half of its answer;
/// `/deaf` is read no further.
pub(crate) fn site() -> String {
    let listener = listen();
    let address = at(&listener).to_string();
    thread::spawn(move || {
        // The deadline of accept ends the thread of a test that is over.
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || answer(stream));
        }
    });
    address
}

/// Answers one request behind a PROXY header. A client that is gone needs none.
fn answer(mut stream: TcpStream) {
    let proxy = stream.line();
    let source = proxy.split(' ').nth(2).unwrap_or_default().to_owned();
    let request = stream.line();
    while !stream.line().trim().is_empty() {}
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let head = |length| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nX-Client: {source}\r\nConnection: close\r\n\r\n"
        )
    };
    match path {
        "deaf" => thread::park(),
        "pause" => {
            stream.say(format!("{}half", head(8)).as_bytes());
            let _ = stream.last_words();
        }
        _ => {
            let length = path.parse().expect("a number");
            let mut goes_on = stream.write_all(head(length).as_bytes()).is_ok();
            produce(length, |part| goes_on = goes_on && stream.write_all(part).is_ok());
        }
    }
}

pub(crate) fn sum_of(length: usize) -> u32 {
    produce(length, |_| {})
}

pub(crate) fn curl(certificates: &Certificates) -> Option<Command> {
    let mut command = Command::new(peer("curl")?);
    command
        .args(["--silent", "--show-error", "--fail", "--max-time", "60", "--noproxy", "*"])
        .args(["--interface", CLIENT, "--cacert"])
        .arg(&certificates.ca);
    Some(command)
}

pub(crate) fn done(command: &mut Command) -> Output {
    let output = command.output().expect("curl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn curl_speaks_tls_with_the_far_side_and_the_server_learns_who_it_is() {
    let Some(certificates) = certificates() else { return };
    let site = site();
    for host in HOSTS {
        let far =
            far(&format!("--to {site} --send-proxy --host {host} {}", tls_words(certificates)));
        let near = near(&far, host);
        let Some(mut curl) = curl(certificates) else { return };
        let output = done(curl.args(["--include"]).arg(format!("https://{}/1000", near.ready())));
        let head = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(head.contains(&format!("X-Client: {CLIENT}\r\n")), "{head}");
        let body = &output.stdout[output.stdout.len() - 1000..];
        assert_eq!(crc32c::crc32c(body), sum_of(1000));
    }
}

#[test]
fn many_requests_at_once_and_a_large_download_arrive_as_they_were() {
    let Some(certificates) = certificates() else { return };
    let site = site();
    for host in HOSTS {
        let place = Place::new(&format!("tunnel-{host}"));
        let far =
            far(&format!("--to {site} --send-proxy --host {host} {}", tls_words(certificates)));
        let near = near(&far, host);
        let url = format!("https://{}", near.ready());
        let Some(mut many) = curl(certificates) else { return };
        many.args(["--parallel", "--parallel-immediate", "--parallel-max", &AT_ONCE.to_string()])
            .arg("--output")
            .arg(place.join("#1"))
            .arg(format!("{url}/[1-{REQUESTS}]000"));
        let Some(mut one) = curl(certificates) else { return };
        one.arg(format!("{url}/{LARGE}"));
        let large = thread::spawn(move || done(&mut one));
        done(&mut many);
        for number in 1..=REQUESTS {
            let body = fs::read(place.join(number.to_string())).expect("curl wrote it");
            assert_eq!(body.len(), number * 1000);
            assert_eq!(crc32c::crc32c(&body), sum_of(number * 1000), "{number}");
        }
        let large = large.join().expect("curl is done").stdout;
        assert_eq!((large.len(), crc32c::crc32c(&large)), (LARGE, sum_of(LARGE)));
        bounded(&far);
        bounded(&near);
    }
}

#[test]
fn whoever_stalls_is_waited_for_and_nobody_else_waits() {
    let Some(certificates) = certificates() else { return };
    let site = site();
    for host in HOSTS {
        let far = far(&format!("--to {site} --send-proxy --host {host}"));
        let near = near(&far, host);
        let address = near.ready();
        // One that does not read what it asked for, and one whose server does not read.
        let mut reader = connect_narrow(&address);
        reader.say(format!("GET /{LARGE} HTTP/1.1\r\n\r\n").as_bytes());
        let mut writer = connect(&address);
        writer.set_write_timeout(Some(STOPPED)).expect("a socket");
        writer.say(b"POST /deaf HTTP/1.1\r\n\r\n");
        let flood = vec![0; 1 << 20];
        let mut sent = 0_u64;
        while let Ok(count) = writer.write(&flood) {
            sent += count as u64;
            assert!(sent < 1 << 30, "nobody says stop");
        }
        let Some(mut curl) = curl(certificates) else { return };
        let output = done(curl.arg(format!("http://{address}/{LARGE}")));
        assert_eq!(crc32c::crc32c(&output.stdout), sum_of(LARGE));
        bounded(&far);
        bounded(&near);
        while !reader.line().trim().is_empty() {}
        assert_eq!(receive(&mut reader), (LARGE, sum_of(LARGE)), "late, but all of it");
    }
}

#[test]
fn however_one_side_ends_the_other_learns_it_through_the_tunnel() {
    let Some(certificates) = certificates() else { return };
    for way in ways() {
        for host in HOSTS {
            let tls = way.tls.then_some(certificates);
            let words = tls.map_or_else(String::new, tls_words);
            exchange(way, tls, None, |server| {
                let far = far(&format!("--to {server} --host {host} {words}"));
                let near = near(&far, host);
                (near.ready(), (near, far))
            });
        }
    }
}

#[test]
fn when_the_far_side_is_killed_its_clients_are_cut_and_another_one_serves_the_next() {
    let Some(certificates) = certificates() else { return };
    let site = site();
    for host in HOSTS {
        let place = Place::new(&format!("tunnel-killed-{host}"));
        let path = place.join("far");
        let words =
            format!("--listen unix:{} --to {site} --send-proxy --host {host}", path.display());
        let first = far(&words);
        let near = near(&first, host);
        let address = near.ready();
        let Some(mut curl) = curl(certificates) else { return };
        curl.arg("--no-buffer").arg(format!("http://{address}/pause"));
        let mut waiting = Running::spawn(&mut curl);
        waiting.stdout.until_said("half");
        let mut other = connect(&address);
        other.say(b"GET /pause HTTP/1.1\r\n\r\n");
        while !other.line().trim().is_empty() {}
        assert_eq!(other.exactly(4), b"half");
        first.signal(libc::SIGKILL);
        assert!(!waiting.exit().success(), "half of an answer is none");
        assert_eq!(other.last_words(), b"", "nothing more, and at once");
        // Nobody is there.
        assert_eq!(connect(&address).last_words(), b"");
        let second = far(&words);
        second.ready();
        let mut client = connect(&address);
        client.say(b"GET /5000 HTTP/1.1\r\n\r\n");
        while !client.line().trim().is_empty() {}
        assert_eq!(receive(&mut client), (5000, sum_of(5000)));
    }
}

#[test]
fn either_side_stops_when_it_is_told_to() {
    let echo = echo_server();
    for host in HOSTS {
        for near_first in [true, false] {
            let far = far(&format!("--to {echo} --host {host}"));
            let near = near(&far, host);
            let mut client = connect(&near.ready());
            client.say(b"echo");
            assert_eq!(client.exactly(4), b"echo");
            drop(client);
            let mut both = [near, far];
            if !near_first {
                both.reverse();
            }
            for side in &mut both {
                side.signal(libc::SIGTERM);
                assert!(side.exit().success());
            }
        }
    }
}

#[test]
fn a_peer_that_breaks_the_rules_of_the_carrier_loses_it_and_others_do_not() {
    let echo = echo_server();
    let far = far(&format!("--to {echo}"));
    let near = near(&far, "epoll");
    let mut good = connect(&near.ready());
    good.say(b"here");
    assert_eq!(good.exactly(4), b"here");
    let frame = |kind: u8, length: u32| {
        let mut frame = 1_u32.to_be_bytes().to_vec();
        frame.push(kind);
        frame.extend(length.to_be_bytes());
        frame
    };
    let open = frame(1, 0);
    let bad: [&[Vec<u8>]; 6] = [
        &[open.clone(), frame(3, 0)],
        &[open.clone(), open.clone()],
        &[open.clone(), frame(2, 16_385)],
        &[open.clone(), frame(2, u32::MAX)],
        &[open.clone(), frame(4, 1)],
        &[open.clone(), frame(8, 0), frame(2, 1), vec![0]],
    ];
    for (number, frames) in bad.iter().enumerate() {
        let mut carrier = connect(&far.ready());
        let _ = carrier.write_all(&frames.concat());
        let _ = carrier.last_words();
        let complaint = "the other side broke the rules";
        let complaints = |text: &str| (text.matches(complaint).count() > number).then_some(());
        far.stderr.until(complaint, complaints);
    }
    good.say(b"still here");
    assert_eq!(good.exactly(10), b"still here");
}
