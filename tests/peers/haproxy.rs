//! HAProxy in front of whoami, and behind proxy.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::process::Command;

use crate::certificates::certificates;
use crate::ends::{End, at, connect, listen, tls_client, tls_over};
use crate::place::Place;
use crate::running::{Running, inherit};
use crate::servers::{HOSTS, proxy, whoami};
use crate::support::peer;

/// Starts HAProxy with `sections`; it inherits the listener, whose number `fd@` contains, so that no
/// port is ever guessed and a connection made before it is up waits in the backlog.
pub(crate) fn haproxy(place: &Place, listener: &TcpListener, sections: &str) -> Option<Running> {
    haproxy_at(place, std::slice::from_ref(listener), sections)
}

/// The same with several listeners.
pub(crate) fn haproxy_at(
    place: &Place,
    listeners: &[TcpListener],
    sections: &str,
) -> Option<Running> {
    let program = peer("haproxy")?;
    let limits = "timeout connect 20s\n timeout client 20s\n timeout server 20s";
    let defaults = format!("defaults\n mode tcp\n log global\n {limits}\n");
    let config = format!("global\n log stdout format raw local0\n{defaults}{sections}");
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(place.write("haproxy.cfg", &config));
    for listener in listeners {
        inherit(&mut command, listener);
    }
    Some(Running::spawn(&mut command))
}

/// HAProxy before whoami: whoami must answer with the client's address and HAProxy's.
fn haproxy_tells_whoami(name: &str, server_options: &str) {
    for host in ["epoll", "epoll-et"] {
        let place = Place::new(name);
        let whoami = whoami(&format!("--accept-proxy 127.0.0.0/8 --host {host}"));
        let front = listen();
        let sections = format!(
            "listen front\n bind fd@{}\n server whoami {} {server_options}\n",
            front.as_raw_fd(),
            whoami.ready(),
        );
        let Some(_haproxy) = haproxy(&place, &front, &sections) else { return };
        let mut client = connect(&at(&front).to_string());
        let own = client.local_addr().expect("it is connected");
        let dst = at(&front);
        let expected = format!("{} {} {} {}\n", own.ip(), own.port(), dst.ip(), dst.port());
        client.say(b"abc");
        assert_eq!(client.line(), expected);
        assert_eq!(client.exactly(3), b"abc");
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"");
    }
}

#[test]
fn haproxy_send_proxy_tells_whoami_the_client() {
    haproxy_tells_whoami("haproxy-v1", "send-proxy");
}

#[test]
fn haproxy_send_proxy_v2_tells_whoami_the_client() {
    haproxy_tells_whoami("haproxy-v2", "send-proxy-v2");
}

#[test]
fn haproxy_send_proxy_v2_with_options_and_crc32c_tells_whoami_the_client() {
    let options = "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority";
    haproxy_tells_whoami("haproxy-v2-options", options);
}

#[test]
fn haproxy_send_proxy_v2_ssl_behind_its_own_tls_tells_whoami_the_client() {
    let Some(certificates) = certificates() else { return };
    for form in ["send-proxy-v2-ssl", "send-proxy-v2-ssl-cn"] {
        let place = Place::new(form);
        let whoami = whoami("--accept-proxy any");
        let front = listen();
        let sections = format!(
            "listen front\n bind fd@{} ssl crt {} alpn h2,http/1.1\n server whoami {} {form}\n",
            front.as_raw_fd(),
            certificates.server_both.display(),
            whoami.ready(),
        );
        let Some(_haproxy) = haproxy(&place, &front, &sections) else { return };
        let stream = connect(&at(&front).to_string());
        let own = stream.local_addr().expect("it is connected");
        let mut client = tls_over(&tls_client(certificates, rustls::ALL_VERSIONS), stream);
        client.say(b"abc");
        assert!(client.line().starts_with(&format!("{} {} ", own.ip(), own.port())));
        assert_eq!(client.exactly(3), b"abc");
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"");
    }
}

#[test]
fn haproxy_accepts_the_header_of_proxy_in_both_versions() {
    for host in HOSTS {
        for version in ["v1", "v2"] {
            let place = Place::new(&format!("haproxy-accepts-{version}-{host}"));
            let back = listen();
            let sections = format!(
                "frontend back\n mode http\n bind fd@{} accept-proxy\n http-request return status \
                 200 content-type text/plain lf-string \"%[src] %[src_port] %[dst] %[dst_port]\"\n",
                back.as_raw_fd(),
            );
            let Some(_haproxy) = haproxy(&place, &back, &sections) else { return };
            let proxy =
                proxy(&format!("--backend {} --send-proxy {version} --host {host}", at(&back)));
            let mut client = connect(&proxy.ready());
            let own = client.local_addr().expect("it is connected");
            let far = client.peer_addr().expect("it is connected");
            client.say(b"GET / HTTP/1.0\r\n\r\n");
            let answer = String::from_utf8(client.rest().expect("an orderly end")).expect("text");
            let line = format!("{} {} {} {}", own.ip(), own.port(), far.ip(), far.port());
            assert!(answer.ends_with(&line), "{line} is not in {answer}");
        }
    }
}
