//! Whole chains, as a person would try them.

use std::os::fd::AsRawFd;

use super::{Pair, agent_command, pair, tls_at_the_agent};
use crate::certificates::{Certificates, certificates};
use crate::curl::{CLIENT, PAGE, curl, page};
use crate::ends::{End, at, connect, listen};
use crate::haproxy::haproxy;
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, echo_server, proxy};

fn front_tls(certificates: &Certificates) -> String {
    format!("--tls {} {}", certificates.server.display(), certificates.server_key.display())
}

#[test]
fn curl_gets_the_page_of_nginx_with_tls_by_the_proxy_and_then_by_the_agent() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        for channels in ["", "--agent-channels 1"] {
            let name = format!("remote-chain-{host}-{}", channels.len());
            let place = Place::new(&format!("{name}-nginx"));
            let Some((backend, nginx)) = page(&place, Some(certificates)) else { return };
            let (agent, via) = tls_at_the_agent(certificates);
            let Pair { proxy, .. } = &pair(
                &name,
                &format!("{agent} --host {host}"),
                &format!(
                    "{} --backend {backend} --send-proxy v2 {via} {channels} --host {host}",
                    front_tls(certificates)
                ),
            );
            let Some(answer) = curl(&format!("https://{}/", proxy.ready()), certificates) else {
                return;
            };
            assert_eq!(answer, PAGE);
            nginx.stdout.until_said(&format!("client={CLIENT} request=GET / "));
        }
    }
}

#[test]
fn the_proxy_header_goes_to_haproxy_through_the_agent_ahead_of_its_tls() {
    let Some(certificates) = certificates() else { return };
    for version in ["v1", "v2"] {
        let place = Place::new(&format!("remote-haproxy-{version}"));
        let back = listen();
        let sections = format!(
            "frontend back\n mode http\n bind fd@{} accept-proxy ssl crt {}\n http-request return \
             status 200 content-type text/plain lf-string \"%[src] %[dst_port] %[ssl_fc_sni]\"\n",
            back.as_raw_fd(),
            certificates.server_both.display(),
        );
        let Some(_haproxy) = haproxy(&place, &back, &sections) else { return };
        let (agent, via) = tls_at_the_agent(certificates);
        let words = format!("--backend {} --send-proxy {version} {via}", at(&back));
        let Pair { proxy, .. } = &pair(&format!("remote-header-{version}"), &agent, &words);
        let front = proxy.ready();
        let Some(answer) = curl(&format!("http://{front}/"), certificates) else { return };
        let port = front.rsplit_once(':').expect("a port").1;
        assert_eq!(answer, format!("{CLIENT} {port} localhost"));
    }
}

#[test]
fn a_certificate_that_the_agent_does_not_trust_is_logged_as_its_error() {
    let Some(certificates) = certificates() else { return };
    let place = Place::new("remote-stranger-nginx");
    let Some((backend, _nginx)) = page(&place, Some(certificates)) else { return };
    let Pair { proxy, .. } = &pair(
        "remote-stranger",
        &format!("--tls there={}", certificates.stranger.display()),
        &format!(
            "--backend {backend} --send-proxy v2 --agent-tls there --sni localhost --retries 0"
        ),
    );
    let mut client = connect(&proxy.ready());
    client.say(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.last_words(), b"");
    proxy.stderr.until("the failure", |text| {
        let line = text.lines().find(|line| line.starts_with("stream "))?;
        (line.contains("TLS_CONNECT") && line.ends_with(" remote")).then_some(())
    });
}

#[test]
fn the_agent_looks_up_the_name_of_a_server() {
    let echo = echo_server();
    let port = echo.rsplit_once(':').expect("a port").1;
    for pass in ["", "--no-pass"] {
        let words = format!("--backend localhost:{port} {pass}");
        let Pair { proxy, .. } = &pair(&format!("remote-name{pass}"), "", &words);
        let mut client = connect(&proxy.ready());
        client.say(b"abc");
        assert_eq!(client.exactly(3), b"abc");
    }
}

#[test]
fn an_address_that_is_not_allowed_is_refused_by_the_agent() {
    let Pair { proxy, .. } = &pair("remote-denied", "", "--backend 127.0.0.2:9 --retries 0");
    let mut client = connect(&proxy.ready());
    client.say(b"abc");
    assert_eq!(client.last_words(), b"");
    proxy.stderr.until_said("the agent does not allow connections to 127.0.0.2:9");
}

/// An agent whose clients come over TCP and show a certificate.
fn agent_over_tcp(certificates: &Certificates, words: &str) -> Running {
    let agent = Running::spawn(&mut agent_command(&format!(
        "--clients 127.0.0.1:0 --client-tls {} {} {} {words}",
        certificates.server.display(),
        certificates.server_key.display(),
        certificates.ca.display(),
    )));
    agent.ready();
    agent
}

#[test]
fn links_over_tcp_have_tls_with_certificates_on_both_sides() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        for channels in ["", "--agent-channels 1"] {
            let place = Place::new(&format!("remote-tcp-{host}-{}", channels.len()));
            let Some((backend, _nginx)) = page(&place, Some(certificates)) else { return };
            let (words, via) = tls_at_the_agent(certificates);
            let agent = agent_over_tcp(certificates, &format!("{words} --host {host}"));
            let proxy = proxy(&format!(
                "--backend {backend} --send-proxy v2 {via} {channels} --host {host} --via-agent {} \
                 --link-tls {} {} {}",
                agent.ready(),
                certificates.client.display(),
                certificates.client_key.display(),
                certificates.ca.display(),
            ));
            let url = format!("http://{}/", proxy.ready());
            let Some(answer) = curl(&url, certificates) else { return };
            assert_eq!(answer, PAGE);
        }
    }
}

#[test]
fn a_link_over_tcp_without_a_certificate_is_refused() {
    let Some(certificates) = certificates() else { return };
    let agent = agent_over_tcp(certificates, "");
    let proxy = proxy(&format!(
        "--backend {} --via-agent {} --timeout-connect 300 --retries 0 --log",
        echo_server(),
        agent.ready(),
    ));
    let mut client = connect(&proxy.ready());
    client.say(b"abc");
    assert_eq!(client.last_words(), b"");
    agent.stderr.until_said("refused peer=127.0.0.1");
}

#[test]
fn an_agent_does_not_open_a_tcp_port_for_everybody_unless_it_is_told_to() {
    let mut agent = Running::spawn(&mut agent_command("--clients 127.0.0.1:0"));
    assert!(!agent.exit().success());
    agent.stderr.until_said("--insecure");
    let agent = Running::spawn(&mut agent_command("--clients 127.0.0.1:0 --insecure"));
    let words = format!("--backend {} --via-agent {}", echo_server(), agent.ready());
    let proxy = proxy(&words);
    let mut client = connect(&proxy.ready());
    client.say(b"abc");
    assert_eq!(client.exactly(3), b"abc");
}
