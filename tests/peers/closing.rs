//! How a stream ends: half-closes, which side sends first, slow readers, signals.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use crate::certificates::certificates;
use crate::deadlines::until;
use crate::ends::{
    Deaf, End, STOPPED, connect, tls_accept, tls_client, tls_over, tls_server, tls_server_of,
};
use crate::running::{PATIENCE, Running};
use crate::servers::{HOSTS, backend, echo_server, joined, proxy, whoami};

/// The data layers of the two sides of a proxy.
#[derive(Clone, Copy)]
enum Layers {
    Raw,
    Front,
    Back,
    Both,
}

const LAYERS: [Layers; 4] = [Layers::Raw, Layers::Front, Layers::Back, Layers::Both];

impl Layers {
    const fn front(self) -> bool {
        matches!(self, Self::Front | Self::Both)
    }

    const fn back(self) -> bool {
        matches!(self, Self::Back | Self::Both)
    }
}

/// Runs `serve` and `ask` as the two ends of one stream through proxy, under every host and with
/// TLS 1.3 on neither, either and both sides.
fn between<T: Send + 'static>(
    serve: impl Fn(&mut dyn End) -> T + Clone + Send + 'static,
    ask: impl Fn(&mut dyn End),
    check: impl Fn(T),
) {
    let made = certificates();
    for layers in LAYERS {
        let mut words = String::new();
        if layers.front() {
            let Some(made) = made else { continue };
            let (chain, key) = (made.server.display(), made.server_key.display());
            words += &format!(" --tls {chain} {key}");
        }
        if layers.back() {
            let Some(made) = made else { continue };
            words += &format!(" --backend-tls {} --sni localhost", made.ca.display());
        }
        for host in HOSTS {
            let serve = serve.clone();
            let server_tls = layers.back().then(|| made.map(tls_server)).flatten();
            let (address, server) = backend(move |mut stream| match server_tls {
                Some(config) => serve(&mut tls_accept(&config, stream)),
                None => serve(&mut stream),
            });
            let proxy = proxy(&format!("--backend {address} --host {host} {words}"));
            let mut stream = connect(&proxy.ready());
            match made.filter(|_| layers.front()) {
                None => ask(&mut stream),
                Some(made) => {
                    let config = tls_client(made, &[&rustls::version::TLS13]);
                    ask(&mut tls_over(&config, stream));
                }
            }
            check(joined(server));
        }
    }
}

#[test]
fn a_client_that_half_closes_after_its_request_gets_the_whole_answer() {
    let answer = |byte: u8| vec![byte; 300_000];
    between(
        move |stream| {
            // The end of the request arrives, and only then the answer is sent.
            let request = stream.rest().expect("an orderly end");
            stream.say(&answer(request[0]));
            stream.finish_writing();
            request
        },
        move |stream| {
            stream.say(b"request");
            stream.finish_writing();
            assert_eq!(stream.rest().expect("an orderly end"), answer(b'r'));
        },
        |request| assert_eq!(request, b"request"),
    );
}

/// TLS 1.2 has no half-close: the end is held back, and is sent to a server that sends nothing.
#[test]
fn a_tls_1_2_server_that_answers_behind_the_end_is_told_it_and_its_answer_arrives() {
    let Some(made) = certificates() else { return };
    let answer = vec![7; 3_000_000];
    for host in HOSTS {
        let (config, said) = (tls_server_of(made, &[&rustls::version::TLS12]), answer.clone());
        let (address, server) = backend(move |stream| {
            let mut stream = tls_accept(&config, stream);
            let request = stream.rest().expect("an orderly end");
            stream.say(&said);
            stream.finish_writing();
            request
        });
        let words = format!("--backend-tls {} --sni localhost", made.ca.display());
        let proxy = proxy(&format!("--backend {address} --host {host} {words}"));
        let mut stream = connect(&proxy.ready());
        stream.say(b"request");
        stream.finish_writing();
        assert!(stream.rest().expect("an orderly end") == answer);
        assert_eq!(joined(server), b"request");
    }
}

#[test]
fn a_server_that_half_closes_first_still_gets_all_that_the_client_says() {
    let upload = vec![7; 300_000];
    let sent = upload.clone();
    between(
        |stream| {
            stream.say(b"greeting");
            stream.finish_writing();
            stream.rest().expect("an orderly end")
        },
        move |stream| {
            // The end arrives while this side is still open.
            assert_eq!(stream.rest().expect("an orderly end"), b"greeting");
            stream.say(&sent);
            stream.finish_writing();
        },
        move |got| assert!(got == upload),
    );
}

#[test]
fn a_server_that_speaks_first_is_heard_before_the_client_says_a_byte() {
    between(
        |stream| {
            stream.say(b"220 ready\r\n");
            let line = stream.line();
            stream.say(b"221 bye\r\n");
            stream.finish_writing();
            stream.rest().expect("an orderly end");
            line
        },
        |stream| {
            assert_eq!(stream.line(), "220 ready\r\n");
            stream.say(b"QUIT\r\n");
            assert_eq!(stream.line(), "221 bye\r\n");
            stream.finish_writing();
            assert_eq!(stream.rest().expect("an orderly end"), b"");
        },
        |line| assert_eq!(line, "QUIT\r\n"),
    );
}

#[test]
fn a_server_that_speaks_first_gets_the_header_before_the_client_says_a_byte() {
    for host in HOSTS {
        let (address, server) = backend(|mut stream| {
            let line = stream.line();
            stream.say(b"220 ready\r\n");
            line
        });
        let proxy = proxy(&format!("--backend {address} --send-proxy v1 --host {host}"));
        let mut client = connect(&proxy.ready());
        assert_eq!(client.line(), "220 ready\r\n");
        assert!(joined(server).starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "));
    }
}

#[test]
fn a_slow_reader_gets_every_byte() {
    // More than the kernel's buffers between the ends can hold together.
    const ALL: usize = 64 << 20;
    for host in HOSTS {
        let (stuck, is_stuck) = mpsc::channel();
        let (address, server) = backend(move |mut stream| {
            stream.set_write_timeout(Some(STOPPED)).expect("a socket");
            let block: Vec<u8> = (0..=250).collect();
            let mut bytes = block.repeat(ALL / block.len());
            bytes.push(255);
            let mut sent = 0;
            loop {
                match stream.write(&bytes[sent..]) {
                    Ok(count) => sent += count,
                    Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                    Err(why) => panic!("{why}"),
                }
            }
            stuck.send(sent).expect("the test waits");
            stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
            stream.say(&bytes[sent..]);
            // Everything is sent and the connection is closed, with nothing of it read yet.
            drop(stream);
            bytes
        });
        let proxy = proxy(&format!("--backend {address} --host {host}"));
        let mut client = connect(&proxy.ready());
        let sent = is_stuck.recv_timeout(PATIENCE).expect("the server is stopped");
        assert!(sent < ALL, "backpressure reaches the server");
        let got = client.rest().expect("an orderly end");
        let sent = joined(server);
        assert!(got == sent, "{} bytes of {}", got.len(), sent.len());
    }
}

#[test]
fn a_client_that_goes_without_a_byte_leaves_nothing_behind() {
    let backend = echo_server();
    for host in HOSTS {
        let proxy = proxy(&format!("--backend {backend} --host {host}"));
        let before = {
            proxy.ready();
            proxy.descriptors()
        };
        for _ in 0..10 {
            let mut client = connect(&proxy.ready());
            client.finish_writing();
            assert_eq!(client.last_words(), b"");
        }
        until("its descriptors are closed", || proxy.descriptors() <= before);
    }
}

#[test]
fn a_server_that_refuses_ends_the_client() {
    let deaf = Deaf::new();
    for host in HOSTS {
        for send in ["", "--send-proxy v2"] {
            let words =
                format!("--backend {} --retries 0 --log --host {host} {send}", deaf.address());
            let proxy = proxy(&words);
            let mut client = connect(&proxy.ready());
            client.say(b"abc");
            assert_eq!(client.last_words(), b"");
            proxy.stderr.until_said("CTRL_CONNECT");
        }
    }
}

fn open_stream(proxy: &Running) -> TcpStream {
    let mut client = connect(&proxy.ready());
    client.say(b"abc");
    assert_eq!(client.exactly(3), b"abc");
    client
}

#[test]
fn sigterm_lets_streams_finish_takes_no_more_and_exits_0() {
    let backend = echo_server();
    for host in HOSTS {
        let mut proxy = proxy(&format!("--backend {backend} --host {host}"));
        let mut client = open_stream(&proxy);
        let address = proxy.ready();
        proxy.signal(libc::SIGTERM);
        // The listener is closed before anything else, so a connection is refused from then on at the
        // latest.
        until("no more connections are taken", || TcpStream::connect(&address).is_err());
        client.say(b"still here");
        assert_eq!(client.exactly(10), b"still here");
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"");
        assert_eq!(proxy.exit().code(), Some(0));
    }
}

#[test]
fn sigterm_without_a_stream_exits_0_at_once() {
    for host in HOSTS {
        let mut proxy = proxy(&format!("--backend 127.0.0.1:9 --host {host}"));
        proxy.ready();
        proxy.signal(libc::SIGTERM);
        assert_eq!(proxy.exit().code(), Some(0));
    }
}

#[test]
fn whoami_echoes_what_it_has_before_it_closes() {
    for host in ["epoll", "epoll-et"] {
        let whoami = whoami(&format!("--host {host}"));
        let mut client = connect(&whoami.ready());
        let bytes = vec![b'x'; 200_000];
        let mut writer = client.try_clone().expect("a socket");
        let sent = bytes.clone();
        let sender = std::thread::spawn(move || {
            writer.say(&sent);
            writer.finish_writing();
        });
        client.line();
        assert!(client.rest().expect("an orderly end") == bytes);
        joined(sender);
    }
}
