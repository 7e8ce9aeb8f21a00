//! The same connections to HAProxy and to us, with the same rules: the verdicts have to be the same.

mod client;
mod corpus;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;

use client::Crowd;
use corpus::{Kind, Set, Verdict, sets};

use crate::certificates::{Certificates, certificates};
use crate::ends::{Deaf, End, at, connect, connect_from, listen_at};
use crate::examples::example;
use crate::haproxy::haproxy_at;
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, command};
use crate::support::peer;

/// As many as the kinds of rules that both have require.
const SETS_LEAST: usize = 400;
/// How long content rules wait where a rule is left out.
const SHORT: &str = "300ms";
/// So many sets behind one HAProxy.
const AT_ONCE: usize = 400;
/// The names of backends, which are the first bytes that they send.
const LETTERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A server that sends its letter to every client, and stays until the client leaves.
fn server(letter: &'static str) -> String {
    // Without a deadline: some of them may have no client for long.
    let listener = TcpListener::bind("127.0.0.1:0").expect("the address is this machine's");
    let address = at(&listener).to_string();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || {
                let _ = stream.write_all(letter.as_bytes());
                std::io::copy(&mut stream, &mut std::io::sink())
            });
        }
    });
    address
}

struct World {
    place: Place,
    certificates: &'static Certificates,
    /// The addresses of the servers, by their letters.
    servers: [String; 6],
    /// Of the client's certificate: what stands for it in a set, and what it is. The longer of two that begin
    /// alike comes first.
    about: Vec<(&'static str, String)>,
}

impl World {
    /// With a folder of its own, of this name.
    fn new(folder: &str) -> Option<Self> {
        let certificates = certificates()?;
        let about = |what: &str| {
            let mut openssl = Command::new(peer("openssl")?);
            openssl.args(["x509", "-noout", what, "-nameopt", "compat", "-in"]);
            let output = openssl.arg(&certificates.client).output().expect("openssl runs");
            let said = String::from_utf8(output.stdout).expect("text");
            Some(said.trim().split_once('=').expect("an answer").1.trim().to_owned())
        };
        let subject = about("-subject")?;
        let name = subject.rsplit_once("CN=")?.1.trim().to_owned();
        // HAProxy's words for a time: YYMMDDhhmmssZ.
        let date = |what: &str| {
            let mut date = Command::new("date");
            date.args(["-u", "+%y%m%d%H%M%SZ", "-d", &about(what)?]);
            let output = date.output().expect("date runs");
            Some(String::from_utf8(output.stdout).expect("text").trim().to_owned())
        };
        let about = vec![
            ("SUBJECT", subject.clone()),
            ("ISSUER", about("-issuer")?),
            ("NAME", name),
            ("SHA1", about("-fingerprint")?.replace(':', "")),
            ("SERIAL", about("-serial")?),
            ("NOTAFTER", date("-enddate")?),
            ("NOTBEFORE", date("-startdate")?),
        ];
        let place = Place::new(folder);
        Some(Self { place, certificates, servers: LETTERS.map(server), about })
    }

    /// The rules of a set, in the language of one of the two programs.
    fn text(&self, set: &Set, number: usize, phase: &str) -> String {
        let mut text = set.rules.replace("PHASE", phase);
        if set.kind.has_certificate() {
            for (token, value) in &self.about {
                text = text.replace(token, value);
            }
        }
        for (file, values) in &set.files {
            let path = self.place.write(&format!("{number}-{file}"), values);
            text = text.replace(&format!("FILE:{file}"), &path.display().to_string());
        }
        text
    }

    /// The sections of HAProxy for a set behind a listener.
    fn sections(&self, set: &Set, number: usize, listener: &TcpListener) -> String {
        let shown = |path: &std::path::Path| path.display().to_string();
        let both = shown(&self.certificates.server_both);
        let tls = format!("ssl crt {both} alpn h2,http/1.1");
        let how = match set.kind {
            Kind::Before | Kind::Header => "accept-proxy".to_owned(),
            kind if kind.has_certificate() => {
                format!("{tls} verify required ca-file {}", shown(&self.certificates.ca))
            }
            kind if kind.speaks_tls() => tls,
            _ => String::new(),
        };
        let fd = listener.as_raw_fd();
        // All sets share a configuration, so their sections have names of their own.
        let mut text =
            self.text(set, number, set.kind.there()).replace('@', &format!("s{number}-"));
        // A section that is called like a backend has its server.
        for (letter, address) in LETTERS.iter().zip(&self.servers) {
            let head = format!("\nbackend s{number}-{letter}\n");
            text = text.replace(&head, &format!("{head} server {letter} {address}\n"));
        }
        let has_default = text.lines().any(|line| line.trim_start().starts_with("default_backend"));
        let default = if has_default { "" } else { " default_backend a\n" };
        format!(
            "frontend f{number}\n bind fd@{fd} name 0.0.0.0:0 {how}\n{default} option contstats\n{text}"
        )
    }

    /// All sets behind one HAProxy, each behind a listener of its own.
    fn theirs(&self, sets: &[Set]) -> Option<(Running, Vec<TcpListener>)> {
        let listeners: Vec<TcpListener> = sets.iter().map(|_| listen_at("0.0.0.0:0")).collect();
        // One thread, so that the next connection sees what the one before has counted.
        let mut text = "global\n nbthread 1\n".to_owned();
        for (letter, address) in LETTERS.iter().zip(&self.servers) {
            let most = if *letter == "f" { "maxconn 1" } else { "" };
            let _ = writeln!(text, "backend {letter}\n server {letter} {address} {most}");
        }
        for (number, (set, listener)) in sets.iter().zip(&listeners).enumerate() {
            text += &self.sections(set, number, listener);
        }
        let haproxy = haproxy_at(&self.place, &listeners, &text)?;
        Some((haproxy, listeners))
    }

    /// A program of ours with the rules of a set.
    fn ours(&self, set: &Set, number: usize, phase: &str) -> Running {
        let mut text = self.text(set, number, phase).replace('@', "");
        // Servers have their addresses as names.
        for (letter, address) in LETTERS.iter().zip(&self.servers) {
            text = text.replace(&format!("({letter}/{letter})"), &format!("({letter}/{address})"));
        }
        let file = self.place.write(&format!("{number}-{phase}"), &text);
        let mut words = format!("--listen 0.0.0.0:0 --rules {} {}", file.display(), set.words);
        let is_proxy = set.kind.speaks_tls() || set.kind.chooses_backends();
        let program = if is_proxy { "proxy" } else { "whoami" };
        if set.kind.takes_headers() {
            words += " --accept-proxy any";
        }
        if set.kind.speaks_tls() {
            let Certificates { server, server_key, .. } = self.certificates;
            let tls = format!(" --tls {} {}", server.display(), server_key.display());
            words += &format!("{tls} --alpn h2,http/1.1");
        }
        if set.kind.has_certificate() {
            words += &format!(" --client-ca {}", self.certificates.ca.display());
        }
        if is_proxy {
            for (letter, address) in LETTERS.iter().zip(&self.servers) {
                words += &format!(" --backend {letter}={address}");
            }
        }
        Running::spawn(&mut command(program, &words))
    }
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// How the verdicts differ from what they should be, in a line for each connection.
fn wrong(who: &str, set: &Set, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for (visit, is) in set.visits.iter().zip(verdicts) {
        if visit.verdict != *is {
            let _ = writeln!(text, "{:?}, {}, {who}: {is:?}: > {}", set.kind, set.name, visit.line);
        }
    }
    text
}

#[test]
fn every_set_has_somebody_who_comes_in_and_somebody_who_does_not() {
    let sets = sets();
    assert!(sets.len() >= SETS_LEAST, "{} sets", sets.len());
    for set in sets {
        let mut verdicts: Vec<_> = set.visits.iter().map(|visit| visit.verdict).collect();
        verdicts.dedup();
        assert!(verdicts.len() > 1, "whoever ignores the rules would be right: {}", set.name);
    }
}

#[test]
fn haproxy_and_we_come_to_the_same_verdicts() {
    let Some(world) = World::new("rules") else { return };
    let sets = sets();
    let Some((_haproxy, listeners)) = world.theirs(&sets) else { return };
    let crowd = Crowd::new(world.certificates);
    let mut text = String::new();
    for (number, (set, listener)) in sets.iter().zip(&listeners).enumerate() {
        text += &wrong("HAProxy", set, &crowd.visit(set, at(listener).port()));
        for phase in set.kind.here() {
            let ours = world.ours(set, number, phase);
            text += &wrong(phase, set, &crowd.visit(set, port(&ours.ready())));
        }
    }
    assert!(text.is_empty(), "\n{text}");
}

/// A set without one of its rules, where its visits do not depend on which rule says what.
fn without(set: &Set, line: usize) -> Set {
    let rules: String = set
        .rules
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != line)
        .map(|(_, rule)| format!("{rule}\n"))
        .collect();
    // Who is not let in by a rule any more waits for the delay, which need not be long.
    let rules = match rules.split_once("inspect-delay ") {
        Some((before, after)) => {
            let (_, rest) = after.split_once('\n').expect("the rest of the text");
            format!("{before}inspect-delay {SHORT}\n{rest}")
        }
        None => rules,
    };
    let name = format!("{} without line {}", set.name, line + 1);
    Set { rules, name, ..set.clone() }
}

/// The lines of a set whose absence HAProxy loads: rules and choices of backends.
fn rules_of(set: &Set) -> impl Iterator<Item = usize> {
    let is_rule = |line: &str| {
        let line = line.trim_start();
        let is_delay = line.starts_with("tcp-request inspect-delay");
        (line.starts_with("tcp-request") && !is_delay) || line.starts_with("use_backend")
    };
    set.rules.lines().enumerate().filter(move |(_, line)| is_rule(line)).map(|(at, _)| at)
}

/// What we say of a set that can never do what it says, where HAProxy says nothing.
const CAN_NEVER_BE: [&str; 4] = [
    "nothing is tracked as sc",
    " is tracked later, by line ",
    "bytes that no rule waits for",
    "bytes that nothing waits for",
];

/// Whether what a set says of bytes depends on how soon they come to HAProxy: there `set-var` does not wait for
/// them, and finds them only if a rule before it has. Here it waits itself.
fn depends_on_timing(set: &Set) -> bool {
    let asks_for_bytes = |line: &&str| line.contains("req.");
    set.rules.lines().find(asks_for_bytes).is_some_and(|line| line.contains("set-var"))
}

#[test]
fn haproxy_and_we_agree_about_every_set_without_each_of_its_rules() {
    let Some(world) = World::new("rules-without") else { return };
    // Verdicts that are waited for in another way than others depend on what they are. Variables of the
    // process are those of all sets in HAProxy, which is one process.
    let is_plain = |set: &&Set| {
        let is_odd = |visit: &corpus::RuleState| {
            visit.insists || visit.at_last || visit.verdict == Verdict::Unknown
        };
        let is_of_process = set.rules.contains("proc.");
        !is_of_process && !set.visits.iter().any(is_odd)
    };
    let sets: Vec<Set> = sets()
        .iter()
        .filter(is_plain)
        .flat_map(|set| rules_of(set).map(|line| without(set, line)).collect::<Vec<_>>())
        .filter(|set| !depends_on_timing(set))
        .collect();
    assert!(sets.len() > SETS_LEAST, "{}", sets.len());
    let crowd = Crowd::new(world.certificates);
    let mut text = String::new();
    let (mut played, mut number) = (0, 0);
    // A process has so many listeners at once as leave it descriptors.
    for sets in sets.chunks(AT_ONCE) {
        let Some((_haproxy, listeners)) = world.theirs(sets) else { return };
        for (set, listener) in sets.iter().zip(&listeners) {
            number += 1;
            let theirs = crowd.visit(set, at(listener).port());
            for phase in set.kind.here() {
                let ours = world.ours(set, number, phase);
                let Some(address) = ours.ready_or_ended() else {
                    let said = ours.stderr.to_the_end();
                    let never = CAN_NEVER_BE.iter().any(|why| said.contains(why));
                    assert!(never, "{said}\n{}: {}", set.name, set.rules);
                    continue;
                };
                let verdicts = crowd.visit(set, port(&address));
                played += 1;
                if verdicts != theirs {
                    let _ = writeln!(
                        text,
                        "{:?}, {phase}, {}: {theirs:?}, and we {verdicts:?}\n{}",
                        set.kind, set.name, set.rules
                    );
                }
            }
        }
    }
    assert!(text.is_empty(), "\n{text}");
    assert!(played > SETS_LEAST, "{played}");
}

#[test]
fn rule_files_of_operators_send_everybody_where_haproxy_does() {
    let Some(python) = peer("python3") else { return };
    if peer("openssl").is_none() {
        return;
    }
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rule_cases/run.py");
    let played = Command::new(python).arg(cases).arg("--proxy").arg(example("proxy")).output();
    let played = played.expect("the runner runs");
    let said = String::from_utf8_lossy(&played.stdout);
    let all = "30 of 30 files load, 116 of 116 probes right";
    assert!(said.contains(all) && played.status.success(), "{said}");
}

/// The first byte that a client receives at an address, or `None` if it is refused.
fn greeting(address: &str) -> Option<u8> {
    let mut first = [0];
    let address = address.parse().expect("an address");
    match connect_from(Ipv4Addr::LOCALHOST, address).read(&mut first) {
        Ok(1) => Some(first[0]),
        _ => None,
    }
}

#[test]
fn whoami_reads_its_rules_again_and_a_mistake_changes_nothing() {
    for host in HOSTS {
        let place = Place::new(&format!("rules-again-{host}"));
        let file = place.write("rules", "tcp-request connection accept");
        let words = format!("--rules {} --host {host}", file.display());
        let whoami = Running::spawn(&mut command("whoami", &words));
        let address = whoami.ready();
        assert!(greeting(&address).is_some());

        place.write("rules", "# nobody\ntcp-request connection regect");
        whoami.signal(libc::SIGHUP);
        whoami.stderr.until_said("line 2, column 24: `regect`");
        whoami.stderr.until_said("^^^^^^");
        assert!(greeting(&address).is_some());

        place.write("rules", "# nobody\ntcp-request connection reject");
        whoami.signal(libc::SIGHUP);
        whoami.stdout.until_said("rules read");
        assert_eq!(greeting(&address), None);
        whoami.stderr.until_said("TCP_RULES");

        std::fs::remove_file(&file).expect("it was there");
        whoami.signal(libc::SIGHUP);
        whoami.stderr.until_said("No such file");
        assert_eq!(greeting(&address), None);
    }
}

#[test]
fn proxy_sends_clients_elsewhere_when_an_operator_has_its_rules_read_again() {
    for host in HOSTS {
        let place = Place::new(&format!("rules-operator-{host}"));
        let file = place.write("rules", "use_backend far:other if { src 127.0.0.9 }");
        let port = Deaf::new();
        let control = port.address();
        let [a, b] = ["a", "b"].map(server);
        let words = format!(
            "--backend {a} --backend far:other={b} --rules {} --control {control} --host {host}",
            file.display(),
        );
        let proxy = Running::spawn(&mut command("proxy", &words));
        let address = proxy.ready();
        let report = |line: &[u8]| {
            let mut operator = connect(&control);
            operator.say(line);
            String::from_utf8(operator.rest().expect("an orderly end")).expect("text")
        };
        assert_eq!(greeting(&address), Some(b'a'));
        place.write("rules", "use_backend far:other if { src 127.0.0.0/8 }");
        assert_eq!(report(b"reload\n"), "done\n");
        assert_eq!(greeting(&address), Some(b'b'));
        place.write("rules", "use_backend");
        assert_eq!(report(b"reload\n"), "what?\n");
        assert_eq!(greeting(&address), Some(b'b'));
        // A name that no backend has is a mistake like any other.
        place.write("rules", "use_backend far:other\nuse_backend another if { src 127.0.0.9 }");
        assert_eq!(report(b"reload\n"), "what?\n");
        proxy.stderr.until_said("line 2, column 13: no backend of this engine is called `another`");
        assert_eq!(greeting(&address), Some(b'b'));
        let shown = report(b"show\n");
        assert!(shown.contains(&a) && shown.contains(&b), "{shown}");
    }
}

#[test]
fn a_connection_that_a_rule_has_made_silent_is_not_in_the_log_of_proxy() {
    let place = Place::new("rules-silent");
    let text = "tcp-request session set-log-level silent if { src 127.0.0.2 }";
    let file = place.write("rules", text);
    let words = format!("--backend {} --log --rules {}", server("a"), file.display());
    let proxy = Running::spawn(&mut command("proxy", &words));
    let address = proxy.ready().parse().expect("an address");
    for host in [2, 1] {
        let mut client = connect_from(Ipv4Addr::new(127, 0, 0, host), address);
        assert_eq!(client.exactly(1), b"a");
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"");
    }
    proxy.stderr.until_said("stream peer=127.0.0.1:");
    proxy.signal(libc::SIGTERM);
    let log = proxy.stderr.to_the_end();
    assert!(!log.contains("127.0.0.2"), "{log}");
}

#[test]
fn rules_with_a_mistake_are_no_beginning() {
    let place = Place::new("rules-mistake");
    let file = place.write("rules", "tcp-request accept reject if { ssl_fc_sni a.test }");
    let words = format!("--rules {}", file.display());
    let mut whoami = Running::spawn(&mut command("whoami", &words));
    assert!(!whoami.exit().success());
    whoami.stderr.until_said("line 1, column 32: `ssl_fc_sni` is not known here");
}
