//! OpenSSL's own client and server on either side.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::certificates::{Certificates, certificates};
use crate::ends::{End, connect};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, echo_server, proxy, whoami};
use crate::support::peer;

/// `openssl s_client`, checking the server's certificate for `localhost`.
pub(crate) fn s_client(certificates: &Certificates, address: &str, words: &str) -> Running {
    let program = peer("openssl").expect("it made the certificates");
    let mut command = Command::new(program);
    command.args(["s_client", "-connect", address, "-servername", "localhost", "-CAfile"]);
    command.arg(&certificates.ca).args(["-verify_return_error", "-verify_hostname", "localhost"]);
    command.args(words.split_whitespace());
    Running::spawn(&mut command)
}

/// Sends a line and waits until it comes back.
pub(crate) fn exchange(client: &mut Running) {
    client.input().write_all(b"said and heard\n").expect("it listens");
    client.stdout.until_said("said and heard\n");
}

/// Ends the client's input, which ends the client.
pub(crate) fn finish(mut client: Running) -> String {
    client.end_input();
    let status = client.exit();
    let said = client.stdout.so_far();
    assert!(status.success(), "{status}: {said}{}", client.stderr.so_far());
    said
}

pub(crate) fn keys(certificates: &Certificates) -> String {
    format!("--tls {} {}", certificates.server.display(), certificates.server_key.display())
}

#[test]
fn s_client_of_either_version_is_told_who_it_is_and_echoed() {
    let Some(certificates) = certificates() else { return };
    for host in ["epoll", "epoll-et"] {
        let whoami = whoami(&format!("{} --host {host}", keys(certificates)));
        for (word, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let mut client = s_client(certificates, &whoami.ready(), word);
            client.stdout.until_said(&whoami.ready().replace(':', " "));
            exchange(&mut client);
            let said = finish(client);
            assert!(said.contains(&format!("New, {version}, Cipher is")), "{said}");
        }
    }
}

#[test]
fn clients_of_versions_before_1_2_are_told_that_theirs_is_not_spoken() {
    let Some(certificates) = certificates() else { return };
    let whoami = whoami(&keys(certificates));
    for version in ["-tls1", "-tls1_1"] {
        let words = format!("{version} -cipher DEFAULT@SECLEVEL=0");
        let mut client = s_client(certificates, &whoami.ready(), &words);
        assert!(!client.exit().success());
        let complaint = client.stderr.to_the_end();
        assert!(complaint.contains("alert protocol version"), "{complaint}");
    }
}

#[test]
fn certificates_of_an_authority_and_of_version_1_are_presented() {
    let Some(certificates) = certificates() else { return };
    for own in [&certificates.own_authority, &certificates.version_1] {
        let key = own.with_extension("key");
        let whoami = whoami(&format!("--tls {} {}", own.display(), key.display()));
        for version in ["-tls1_2", "-tls1_3"] {
            let words = format!("{version} -CAfile {}", own.display());
            let mut client = s_client(certificates, &whoami.ready(), &words);
            exchange(&mut client);
            finish(client);
        }
    }
}

#[test]
fn a_session_of_tls_1_3_resumes_by_its_ticket() {
    let Some(certificates) = certificates() else { return };
    let place = Place::new("resume-13");
    let whoami = whoami(&keys(certificates));
    let file = place.join("session");
    let words = format!("-tls1_3 -sess_out {}", file.display());
    let mut client = s_client(certificates, &whoami.ready(), &words);
    // The tickets arrived no later than the line; openssl prints them at an arbitrary time.
    exchange(&mut client);
    assert!(finish(client).contains("New, TLSv1.3"));
    let words = format!("-tls1_3 -sess_in {}", file.display());
    let mut client = s_client(certificates, &whoami.ready(), &words);
    exchange(&mut client);
    assert!(finish(client).contains("Reused, TLSv1.3"));
}

#[test]
fn a_session_of_tls_1_2_resumes_with_tickets_and_with_the_cache() {
    let Some(certificates) = certificates() else { return };
    let whoami = whoami(&keys(certificates));
    for words in ["-tls1_2 -reconnect", "-tls1_2 -reconnect -no_ticket"] {
        let mut client = s_client(certificates, &whoami.ready(), words);
        let reused = |text: &str| (text.matches("Reused, TLSv1.2").count() == 5).then_some(());
        client.stdout.until("five resumed sessions", reused);
        exchange(&mut client);
        finish(client);
    }
}

#[test]
fn a_client_certificate_opens_proxy_and_none_or_a_stranger_s_does_not() {
    let Some(certificates) = certificates() else { return };
    let backend = echo_server();
    for host in HOSTS {
        let proxy = proxy(&format!(
            "{} --client-ca {} --backend {backend} --host {host}",
            keys(certificates),
            certificates.ca.display(),
        ));
        for version in ["-tls1_2", "-tls1_3"] {
            let (own, key) = (certificates.client.display(), certificates.client_key.display());
            let words = format!("{version} -cert {own} -key {key}");
            let mut client = s_client(certificates, &proxy.ready(), &words);
            exchange(&mut client);
            finish(client);

            let mut client = s_client(certificates, &proxy.ready(), version);
            client.exit();
            let complaint = client.stderr.to_the_end();
            assert!(complaint.contains("alert"), "{complaint}");

            let stranger = certificates.stranger.display();
            let stranger_key = certificates.stranger.with_extension("key");
            let words = format!("{version} -cert {stranger} -key {}", stranger_key.display());
            let mut client = s_client(certificates, &proxy.ready(), &words);
            client.exit();
            let complaint = client.stderr.to_the_end();
            assert!(complaint.contains("alert"), "{complaint}");
        }
    }
}

#[test]
fn alpn_is_agreed_on_in_the_order_of_the_server_and_refused_without_overlap() {
    let Some(certificates) = certificates() else { return };
    let backend = echo_server();
    let proxy = proxy(&format!("{} --alpn h2,http/1.1 --backend {backend}", keys(certificates)));
    for (offer, agreed) in [("http/1.1,h2", "h2"), ("http/1.1", "http/1.1")] {
        let words = format!("-alpn {offer}");
        let mut client = s_client(certificates, &proxy.ready(), &words);
        exchange(&mut client);
        let said = finish(client);
        assert!(said.contains(&format!("ALPN protocol: {agreed}\n")), "{said}");
    }
    let mut client = s_client(certificates, &proxy.ready(), "");
    exchange(&mut client);
    assert!(finish(client).contains("No ALPN negotiated"));
    let mut client = s_client(certificates, &proxy.ready(), "-alpn gopher");
    client.exit();
    assert!(client.stderr.to_the_end().contains("alert no application protocol"));
}

/// `openssl s_server` that sends every line back reversed.
fn s_server(certificates: &Certificates, words: &str) -> (String, Running) {
    s_server_as(&certificates.server, words)
}

/// The same with another certificate; its key lies beside it.
fn s_server_as(certificate: &Path, words: &str) -> (String, Running) {
    let program = peer("openssl").expect("it made the certificates");
    let mut command = Command::new(program);
    command.args(["s_server", "-accept", "127.0.0.1:0", "-rev", "-cert"]);
    command.arg(certificate).arg("-key").arg(certificate.with_extension("key"));
    command.args(words.split_whitespace());
    let server = Running::spawn(&mut command);
    let address = server.stdout.until("where it listens", |text| {
        let rest = text.split_once("ACCEPT ")?.1;
        Some(rest.split_once('\n')?.0.trim().to_owned())
    });
    (address, server)
}

#[test]
fn proxy_speaks_either_version_to_s_server() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        for (word, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let (backend, server) = s_server(certificates, word);
            let proxy = proxy(&format!(
                "--backend {backend} --backend-tls {} --sni localhost --host {host}",
                certificates.ca.display(),
            ));
            // Twice: the second may resume the first's session.
            for _ in 0..2 {
                let mut client = connect(&proxy.ready());
                client.say(b"drawer\n");
                assert_eq!(client.exactly(7), b"reward\n");
                // The server ends first: TLS 1.2 has no half-close that the client could pass on.
                client.say(b"CLOSE\n");
                assert_eq!(client.rest().expect("an orderly end"), b"");
            }
            server.stderr.until_said(&format!("Protocol version: {version}"));
        }
    }
}

/// What a client of proxy receives if the backend sends the server certificate of this run.
fn through(certificates: &Certificates, trust: &str, words: &str) -> (Vec<u8>, Running) {
    through_to(&certificates.server, trust, words)
}

/// The same for a backend that sends `certificate`.
fn through_to(certificate: &Path, trust: &str, words: &str) -> (Vec<u8>, Running) {
    let (backend, _server) = s_server_as(certificate, "");
    let proxy = proxy(&format!("--backend {backend} --backend-tls {trust} --log {words}"));
    let mut client = connect(&proxy.ready());
    client.say(b"drawer\n");
    client.finish_writing();
    // A reset means the same as an end: nothing arrived.
    (client.last_words(), proxy)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_server_certificate_of_an_unknown_authority_is_refused() {
    let Some(certificates) = certificates() else { return };
    let (got, proxy) = through(certificates, &shown(&certificates.stranger), "--sni localhost");
    assert_eq!(got, b"");
    proxy.stderr.until_said("TLS_CONNECT");
}

#[test]
fn a_server_certificate_for_another_name_is_refused() {
    let Some(certificates) = certificates() else { return };
    let (got, proxy) = through(certificates, &shown(&certificates.ca), "--sni elsewhere.test");
    assert_eq!(got, b"");
    proxy.stderr.until_said("TLS_CONNECT");
}

#[test]
fn a_server_that_shows_the_very_certificate_given_as_authority_is_taken() {
    let Some(certificates) = certificates() else { return };
    let own = &certificates.own_authority;
    let (got, _proxy) = through_to(own, &shown(own), "--sni localhost");
    assert_eq!(got, b"reward\n");
    let (got, proxy) = through_to(own, &shown(own), "--sni elsewhere.test");
    assert_eq!(got, b"");
    proxy.stderr.until_said("TLS_CONNECT");
    // Another of the same kind.
    let (got, proxy) = through_to(own, &shown(&certificates.stranger), "--sni localhost");
    assert_eq!(got, b"");
    proxy.stderr.until_said("TLS_CONNECT");
}

#[test]
fn a_client_that_shows_the_very_certificate_given_as_authority_is_taken() {
    let Some(certificates) = certificates() else { return };
    let backend = echo_server();
    let own = certificates.own_authority.display();
    let key = certificates.own_authority.with_extension("key");
    let proxy = proxy(&format!("{} --client-ca {own} --backend {backend}", keys(certificates)));
    for version in ["-tls1_2", "-tls1_3"] {
        let words = format!("{version} -cert {own} -key {}", key.display());
        let mut client = s_client(certificates, &proxy.ready(), &words);
        exchange(&mut client);
        finish(client);
    }
}

#[test]
fn insecure_takes_any_server_certificate() {
    let Some(certificates) = certificates() else { return };
    let (got, _proxy) = through(certificates, "insecure", "--sni elsewhere.test");
    assert_eq!(got, b"reward\n");
}
