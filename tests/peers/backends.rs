//! Several servers behind proxy: turns, queues, a server that is killed, and servers that are restarted.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::deadlines::until;
use crate::ends::{Deaf, End, accept, at, connect, listen};
use crate::haproxy::haproxy;
use crate::nginx::{OWN_FOLDERS, nginx};
use crate::place::Place;
use crate::running::{Running, raise_descriptors};
use crate::servers::{HOSTS, joined, proxy, whoami};

/// Streams that are open when a server is killed.
const STREAMS: usize = 200;
/// Streams that begin afterwards.
const LATER: usize = 20;

/// Clients, and how many of them the server serves at once.
const CROWD: usize = 2_000;
const MAXCONN: usize = 50;

/// Clients that connect again and again while servers are restarted, and how often each server is.
const LOOPS: usize = 4;
const ROUNDS: usize = 2;

/// What an HTTP server answers, without its head.
fn page(address: &str) -> String {
    let mut client = connect(address);
    client.say(b"GET / HTTP/1.0\r\n\r\n");
    let answer = String::from_utf8(client.rest().expect("an orderly end")).expect("text");
    answer.split_once("\r\n\r\n").map(|(_, page)| page.to_owned()).unwrap_or_default()
}

#[test]
fn nginx_and_haproxy_take_turns() {
    for host in HOSTS {
        let place = Place::new(&format!("turns-{host}"));
        let (left, right) = (listen(), listen());
        let blocks = format!(
            "http {{ {OWN_FOLDERS} access_log off; server {{ listen {} proxy_protocol; \
             return 200 nginx; }} }}\n",
            at(&left),
        );
        let sections = format!(
            "frontend back\n mode http\n bind fd@{} accept-proxy\n http-request return status 200 \
             content-type text/plain string haproxy\n",
            right.as_raw_fd(),
        );
        let Some(_nginx) = nginx(&place, &left, &blocks) else { return };
        let Some(_haproxy) = haproxy(&place, &right, &sections) else { return };
        let proxy = proxy(&format!(
            "--backend {} --backend {} --send-proxy v2 --host {host}",
            at(&left),
            at(&right),
        ));
        let address = proxy.ready();
        let pages: Vec<String> = (0..6).map(|_| page(&address)).collect();
        assert_eq!(pages, ["nginx", "haproxy"].repeat(3));
    }
}

/// How many connections to a port of ours have bytes that its program has not read.
fn unread(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel tells");
    let own = format!(":{port:04X}");
    let holds_bytes = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let queued = words.get(4).and_then(|queues| queues.split_once(':'));
        words.get(1).is_some_and(|local| local.ends_with(&own))
            && queued.is_some_and(|(_, received)| received.bytes().any(|digit| digit != b'0'))
    };
    // A listener's queue is counted in the same column.
    table.lines().filter(|line| !line.contains(" 0A ")).filter(holds_bytes).count()
}

/// A stream to one of two whoami, and the address of the one that it went to.
fn stream(front: &str) -> (TcpStream, String) {
    let mut client = connect(front);
    client.say(b"abc");
    let line = client.line();
    let mut words = line.split_whitespace().skip(2);
    let (ip, port) = (words.next().expect("an address"), words.next().expect("a port"));
    assert_eq!(client.exactly(3), b"abc");
    (client, format!("{ip}:{port}"))
}

#[test]
fn a_server_that_dies_takes_its_streams_with_it_and_no_others() {
    raise_descriptors();
    for host in HOSTS {
        let (mut dies, lives) = (whoami(""), whoami(""));
        let (dead, alive) = (dies.ready(), lives.ready());
        let proxy =
            proxy(&format!("--backend {dead} --backend {alive} --retries 1 --log --host {host}",));
        let front = proxy.ready();
        let (mut doomed, mut others): (Vec<_>, Vec<_>) =
            (0..STREAMS).map(|_| stream(&front)).partition(|(_, server)| *server == dead);
        assert_eq!((doomed.len(), others.len()), (STREAMS / 2, STREAMS / 2));

        // Bytes that it will never read, so that its end is a reset, and not an orderly end.
        dies.signal(libc::SIGSTOP);
        doomed.iter_mut().for_each(|(client, _)| client.say(b"lost"));
        let port = dead.parse::<SocketAddr>().expect("an address").port();
        until("the bytes are at the server", || unread(port) == STREAMS / 2);
        dies.signal(libc::SIGKILL);
        // Until then it may still listen, and the connections that it had accepted would be lost with
        // it.
        assert!(!dies.exit().success());
        for (mut client, _) in doomed {
            assert_eq!(client.last_words(), b"");
        }
        for _ in 0..LATER {
            let (mut client, server) = stream(&front);
            assert_eq!(server, alive);
            client.finish_writing();
            assert_eq!(client.rest().expect("an orderly end"), b"");
        }
        for (client, _) in &mut others {
            client.say(b"still here");
            assert_eq!(client.exactly(10), b"still here");
            client.finish_writing();
            assert_eq!(client.rest().expect("an orderly end"), b"");
        }
        let log = proxy.stderr.until("every stream's end", |text| {
            let ends = text.lines().filter(|line| line.starts_with("stream ")).count();
            (ends == STREAMS + LATER && text.ends_with('\n')).then(|| text.to_owned())
        });
        let count = |what: String| log.lines().filter(|line| line.contains(&what)).count();
        assert_eq!(count(format!("state=SD server={dead} attempts=1")), STREAMS / 2);
        assert_eq!(count(format!("state=-- server={alive} attempts=1")), (STREAMS + LATER) / 2);
        assert_eq!(count(format!("state=-- server={alive} attempts=2")), LATER / 2);
    }
}

fn token(number: usize) -> Vec<u8> {
    format!("{number:08}").into_bytes()
}

#[test]
fn two_thousand_clients_share_fifty_places_in_the_order_they_came() {
    raise_descriptors();
    for host in HOSTS {
        let listener = listen();
        let proxy = proxy(&format!(
            "--backend {} --maxconn {MAXCONN} --maxqueue {CROWD} --queue-timeout 20000 --host {host}",
            at(&listener),
        ));
        let server = thread::spawn(move || {
            let mut held: VecDeque<TcpStream> = VecDeque::new();
            for number in 0..CROWD {
                if held.len() == MAXCONN {
                    listener.set_nonblocking(true).expect("a socket");
                    let more = listener.accept().expect_err("every place is taken");
                    assert_eq!(more.kind(), ErrorKind::WouldBlock);
                    listener.set_nonblocking(false).expect("a socket");
                    // Its end is what makes room.
                    held.pop_front().expect("the first").say(&token(number - MAXCONN));
                }
                let mut stream = accept(&listener);
                assert_eq!(stream.exactly(8), token(number));
                held.push_back(stream);
            }
            for (number, mut stream) in (CROWD - MAXCONN..).zip(held) {
                stream.say(&token(number));
            }
        });
        let front = proxy.ready();
        let mut clients: Vec<TcpStream> = Vec::new();
        for number in 0..CROWD {
            let mut client = connect(&front);
            client.say(&token(number));
            clients.push(client);
        }
        // Each one leaves once it has its answer: a slot is taken until both sides have ended.
        for (number, mut client) in clients.into_iter().enumerate() {
            assert_eq!(client.rest().expect("an orderly end"), token(number));
        }
        joined(server);
    }
}

/// One client after the other, until `stop` is set. That each was served is asserted.
fn ask_again_and_again(front: &str, stop: &AtomicBool, served: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        let (mut client, _) = stream(front);
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"");
        served.fetch_add(1, Ordering::Relaxed);
    }
}

/// What `--control` answers to a line.
pub(crate) fn report(control: &str, line: &str) -> String {
    let mut operator = connect(control);
    operator.say(format!("{line}\n").as_bytes());
    String::from_utf8(operator.rest().expect("an orderly end")).expect("text")
}

/// A number in the line of a server in the answer to `show`.
pub(crate) fn shown(control: &str, server: &str, name: &str) -> u64 {
    let answer = report(control, "show");
    let line = answer.lines().find(|line| line.starts_with(&format!("{server} ")));
    let words = line.unwrap_or_else(|| panic!("{server} is not in {answer}")).split_whitespace();
    let value = words.filter_map(|word| word.split_once('=')).find(|(key, _)| *key == name);
    value.and_then(|(_, number)| number.parse().ok()).expect("a number")
}

#[test]
fn servers_are_restarted_one_after_the_other_without_a_failed_request() {
    for host in HOSTS {
        // The ports stay reserved while no program listens there; the third is that of the control.
        let ports = [Deaf::new(), Deaf::new(), Deaf::new()];
        let [left, right, control] = ports.each_ref().map(Deaf::address);
        let start = |address: &String| {
            let server = whoami(&format!("--listen {address}"));
            server.ready();
            server
        };
        let mut servers = [&left, &right].map(|address| (address, start(address)));
        let proxy = proxy(&format!(
            "--backend {left} --backend {right} --check --check-interval 20 \
             --control {control} --host {host}",
        ));
        let front = proxy.ready();
        let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..LOOPS {
                scope.spawn(|| ask_again_and_again(&front, &stop, &served));
            }
            // Set also when something below fails.
            let _stop = Stop(&stop);
            for _ in 0..ROUNDS {
                for (address, server) in &mut servers {
                    assert_eq!(report(&control, &format!("drain {address}")), "done\n");
                    until("nobody is there", || shown(&control, address, "streams") == 0);
                    server.signal(libc::SIGTERM);
                    assert!(server.exit().success());
                    let before = served.load(Ordering::Relaxed);
                    until("the other serves", || served.load(Ordering::Relaxed) > before + LOOPS);
                    *server = start(address);
                    let total = shown(&control, address, "total");
                    assert_eq!(report(&control, &format!("ready {address}")), "done\n");
                    until("it serves again", || shown(&control, address, "total") > total);
                }
            }
        });
    }
}

/// Sets the flag when it is dropped, so that the other threads stop.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_server_that_is_not_there_costs_no_request_and_is_used_once_it_is() {
    for host in HOSTS {
        let late = Deaf::new();
        let (there, late) = (whoami(""), late.address());
        let proxy = proxy(&format!(
            "--backend {late} --backend {} --retries 1 --check --check-interval 20 --host {host}",
            there.ready(),
        ));
        let front = proxy.ready();
        for _ in 0..LATER {
            assert_eq!(stream(&front).1, there.ready());
        }
        proxy.stderr.until_said(&format!("server {late} is down: "));
        let server: Running = whoami(&format!("--listen {late}"));
        server.ready();
        proxy.stderr.until_said(&format!("server {late} is up: checks\n"));
        assert!((0..2).any(|_| stream(&front).1 == late));
    }
}
