//! Clients that the agent accepts and hands over.

use std::os::fd::AsRawFd;
use std::path::Path;

use super::agent_at;
use crate::certificates::{Certificates, certificates};
use crate::deadlines::until;
use crate::ends::{End, at, connect, listen, tls_client, tls_over};
use crate::haproxy::haproxy;
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, command, echo_server};

/// The address at which an agent serves a name.
fn served(agent: &Running, name: &str) -> String {
    let start = format!("{name} ");
    agent.stdout.until("an address", |text| {
        text.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
    })
}

/// A proxy that has no listener but what the agent hands over under `front`.
fn takes(path: &Path, words: &str) -> Running {
    let all = format!("--via-agent unix:{} --log {words}", path.display());
    let inner = command("proxy", &all);
    let mut command = std::process::Command::new(inner.get_program());
    // Without the listener that every other test wants.
    let given = ["--listen-via-agent", "front"].into_iter().map(std::ffi::OsStr::new);
    command.args(given).args(inner.get_args().skip(2));
    let proxy = Running::spawn(&mut command);
    assert_eq!(proxy.ready(), "front");
    proxy
}

fn keys(certificates: &Certificates) -> String {
    format!("{},{}", certificates.server.display(), certificates.server_key.display())
}

/// Nothing tells when the agent has heard that a proxy takes its clients: the first that is served does.
fn until_taken(mut one: impl FnMut() -> bool) {
    until("the proxy takes clients", &mut one);
}

#[test]
fn clients_of_the_agent_s_tls_meet_rules_that_know_what_was_agreed() {
    let Some(certificates) = certificates() else { return };
    let echo = echo_server();
    for host in HOSTS {
        let place = Place::new(&format!("remote-incoming-{host}"));
        let path = place.join("agent");
        let words = format!("--serve front=127.0.0.1:0,{} --host {host}", keys(certificates));
        let agent = agent_at(&path, &words);
        let rules = "tcp-request session reject unless { ssl_fc_sni localhost } { src 127.0.0.1 }";
        let rules = place.write("rules", &format!("{rules}\n"));
        let proxy =
            takes(&path, &format!("--backend {echo} --rules {} --host {host}", rules.display()));
        let address = served(&agent, "front");
        let config = tls_client(certificates, rustls::ALL_VERSIONS);
        until_taken(|| {
            let mut client = tls_over(&config, connect(&address));
            let said = std::io::Write::write_all(&mut client, b"abc");
            let mut back = [0; 3];
            let read = std::io::Read::read_exact(&mut client, &mut back);
            said.is_ok() && read.is_ok() && &back == b"abc"
        });
        let mut client = tls_over(&config, connect(&address));
        client.say(b"hello");
        assert_eq!(client.exactly(5), b"hello");
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"");
        proxy.stderr.until("its line", |text| {
            let line = text.lines().find(|line| line.contains(" in=5 out=5 "))?;
            (line.contains("peer=127.0.0.1:") && line.contains("state=--")).then_some(())
        });
        // The same server under another name is none that the rules accept.
        let address_only = std::sync::Arc::clone(&config);
        let mut client = connect(&address);
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1").expect("an address");
        let session = rustls::ClientConnection::new(address_only, name).expect("a client");
        let mut client = rustls::StreamOwned::new(session, &mut client);
        let _ = std::io::Write::write_all(&mut client, b"abc");
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client, &mut rest);
        assert_eq!(rest, b"");
        proxy.stderr.until_said("RULES");
    }
}

#[test]
fn the_source_in_a_proxy_header_that_the_agent_has_read_is_known_to_rules() {
    let echo = echo_server();
    for pass in ["", "--no-pass"] {
        let place = Place::new(&format!("remote-incoming-header{pass}"));
        let path = place.join("agent");
        let words = format!("--serve front=127.0.0.1:0 --accept-proxy 127.0.0.1 {pass}");
        let agent = agent_at(&path, &words);
        let rules = "tcp-request connection reject unless { src 192.0.2.1 }\n";
        let rules = place.write("rules", rules);
        let proxy = takes(&path, &format!("--backend {echo} --rules {}", rules.display()));
        let address = served(&agent, "front");
        let ask = |source: &str| {
            let mut client = connect(&address);
            client.say(format!("PROXY TCP4 {source} 192.0.2.9 1111 443\r\nabc").as_bytes());
            client.finish_writing();
            client.last_words()
        };
        until_taken(|| ask("192.0.2.1") == b"abc");
        assert_eq!(ask("192.0.2.1"), b"abc");
        assert_eq!(ask("192.0.2.2"), b"");
        proxy.stderr.until_said("for=192.0.2.1:1111");
        proxy.stderr.until_said("for=192.0.2.2:1111");
    }
}

#[test]
fn haproxy_learns_of_a_client_of_the_agent_s_listener() {
    let place = Place::new("remote-incoming-haproxy");
    let path = place.join("agent");
    let agent = agent_at(&path, "--serve front=127.0.0.1:0");
    let back = listen();
    let sections = format!(
        "frontend back\n mode http\n bind fd@{} accept-proxy\n http-request return status 200 \
         content-type text/plain lf-string \"%[src] %[src_port] %[dst] %[dst_port]\"\n",
        back.as_raw_fd(),
    );
    let Some(_haproxy) = haproxy(&place, &back, &sections) else { return };
    let _proxy = takes(&path, &format!("--backend {} --send-proxy v2", at(&back)));
    let address = served(&agent, "front");
    let ask = || {
        let mut client = connect(&address);
        let own = client.local_addr().expect("it is connected");
        client.say(b"GET / HTTP/1.0\r\n\r\n");
        let answer = String::from_utf8(client.last_words()).expect("text");
        let far = at_port(&address);
        (answer, format!("{} {} 127.0.0.1 {far}", own.ip(), own.port()))
    };
    until_taken(|| !ask().0.is_empty());
    let (answer, due) = ask();
    assert!(answer.ends_with(&due), "{due} is not in {answer}");
}

fn at_port(address: &str) -> &str {
    address.rsplit_once(':').expect("a port").1
}

#[test]
fn a_client_that_no_proxy_takes_is_closed() {
    let place = Place::new("remote-incoming-nobody");
    let agent = agent_at(&place.join("agent"), "--serve front=127.0.0.1:0");
    let mut client = connect(&served(&agent, "front"));
    assert_eq!(client.last_words(), b"");
    agent.stderr.until_said("nobody takes a connection under front");
}
