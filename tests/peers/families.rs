//! Addresses that are not IPv4: IPv6 and unix sockets.

use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use crate::ends::{End, at, connect, listen_at};
use crate::examples::example;
use crate::place::Place;
use crate::running::{PATIENCE, Running};
use crate::servers::{HOSTS, backend, echo, joined, proxy, whoami};
use crate::support::peer;

/// Whether this machine has IPv6; if it has none, a message is printed.
fn has_ipv6() -> bool {
    let has = TcpListener::bind("[::1]:0").is_ok();
    if !has {
        eprintln!("this machine has no IPv6: skipped");
    }
    has
}

#[test]
fn whoami_serves_ipv6() {
    if !has_ipv6() {
        return;
    }
    let whoami = whoami("--listen [::1]:0");
    let mut client = connect(&whoami.ready());
    let (own, far) = (client.local_addr(), client.peer_addr());
    let (own, far) = (own.expect("connected"), far.expect("connected"));
    let expected = format!("{} {} {} {}\n", own.ip(), own.port(), far.ip(), far.port());
    assert_eq!(client.line(), expected);
}

#[test]
fn a_client_of_ipv4_at_a_socket_for_both_has_an_address_of_ipv4() {
    if !has_ipv6() {
        return;
    }
    let whoami = whoami("--listen [::]:0");
    let address = whoami.ready();
    let port = address.rsplit(':').next().expect("a port");
    let mut client = connect(&format!("127.0.0.1:{port}"));
    let line = client.line();
    // Where sockets for both families are off, the connect above would have failed.
    assert!(line.starts_with("127.0.0.1 "), "{line}");
}

#[test]
fn proxy_connects_to_ipv6_and_never_mixes_families_in_a_header() {
    if !has_ipv6() {
        return;
    }
    let back = listen_at("[::1]:0");
    for (listen, family) in [("127.0.0.1:0", "TCP4"), ("[::1]:0", "TCP6")] {
        let words = format!("--listen {listen} --backend {} --send-proxy v1", at(&back));
        let proxy = proxy(&words);
        let mut client = connect(&proxy.ready());
        let (own, far) = (client.local_addr(), client.peer_addr());
        let (own, far) = (own.expect("connected"), far.expect("connected"));
        client.say(b"abc");
        let mut server = crate::ends::accept(&back);
        let (src, dst) = (own.ip(), far.ip());
        let expected = format!("PROXY {family} {src} {dst} {} {}\r\n", own.port(), far.port());
        assert_eq!(server.line(), expected);
        assert_eq!(server.exactly(3), b"abc");
    }
}

#[test]
fn an_announced_ipv6_client_at_an_ipv4_socket_stays_ipv6() {
    let (address, server) = backend(|mut stream| stream.line());
    let proxy = proxy(&format!("--accept-proxy any --backend {address} --send-proxy v1"));
    let mut client = connect(&proxy.ready());
    let header = b"PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n";
    client.say(header);
    assert_eq!(joined(server).as_bytes(), header);
}

#[test]
fn unix_sockets_work_on_both_sides() {
    for host in HOSTS {
        let place = Place::new(&format!("unix-{host}"));
        let (front, back) = (place.join("front"), place.join("back"));
        let listener = UnixListener::bind(&back).expect("a path of our own");
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().expect("proxy connects").0;
            let mut header = [0; 16];
            std::io::Read::read_exact(&mut stream, &mut header).expect("a header");
            let length = u16::from_be_bytes([header[14], header[15]]);
            let mut block = vec![0; length.into()];
            std::io::Read::read_exact(&mut stream, &mut block).expect("its addresses");
            echo(&mut stream);
            header[13]
        });
        let proxy = proxy(&format!(
            "--listen unix:{} --backend unix:{} --send-proxy v2 --host {host}",
            front.display(),
            back.display(),
        ));
        assert!(proxy.ready().starts_with("unix:"));
        let mut client = UnixStream::connect(&front).expect("proxy listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a socket");
        client.say(b"abc");
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"abc");
        let family = joined(server);
        assert!(family == 0x31 || family == 0, "a unix socket or nothing: {family:#x}");
    }
}

#[test]
fn a_header_of_ipv6_is_taken_on_a_host_without_ipv6() {
    let Some(unshare) = peer("unshare") else { return };
    let place = Place::new("without-ipv6");
    let path = place.join("socket");
    // A network namespace, with IPv6 switched off; the unix socket can be reached from outside.
    let script = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && exec \"$@\"";
    let mut command = Command::new(unshare);
    command.args(["--net", "--map-root-user", "sh", "-c", script, "sh"]);
    command.arg(example("whoami"));
    command.args(["--listen", &format!("unix:{}", path.display()), "--accept-proxy", "any"]);
    let whoami = Running::spawn(&mut command);
    whoami.ready();
    let mut client = UnixStream::connect(&path).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a socket");
    client.say(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n");
    assert_eq!(client.line(), "2001:db8::1 1 2001:db8::2 2\n");
}
