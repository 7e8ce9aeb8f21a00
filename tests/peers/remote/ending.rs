//! What a server sees of the end of a connection that the agent has opened with TLS: first the end of TLS,
//! then that of TCP; and then the link's part of it is closed.

use std::io::Read;

use super::{Pair, pair, tls_at_the_agent};
use crate::certificates::certificates;
use crate::ends::{End, connect, tls_accept, tls_server};
use crate::servers::{HOSTS, backend, joined};

/// How many connections to the agent have ended, and how many connections of it.
fn ended(log: &str) -> [usize; 2] {
    ["client peer=", "connection peer="].map(|start| {
        log.lines().filter(|line| line.starts_with(start) && line.contains("as it should")).count()
    })
}

#[test]
fn tls_ends_then_tcp_then_the_channel_or_its_own_connection_to_the_agent() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        for channels in ["", "--agent-channels 1"] {
            let config = tls_server(certificates);
            let (address, server) = backend(move |stream| {
                let mut server = tls_accept(&config, stream);
                assert_eq!(server.exactly(5), b"hello");
                server.say(b"ready");
                // Nothing but a close_notify makes this an end and not an error.
                assert_eq!(server.rest().expect("the end of TLS"), b"");
                let mut more = Vec::new();
                server.sock.read_to_end(&mut more).expect("the end of TCP, and no reset");
                assert_eq!(more, b"");
                server.finish_writing();
            });
            let (agent, via) = tls_at_the_agent(certificates);
            let Pair { agent, proxy, .. } = &pair(
                &format!("remote-ending-{host}-{}", channels.len()),
                &format!("{agent} --host {host}"),
                &format!("--backend {address} {via} {channels} --host {host}"),
            );
            let mut client = connect(&proxy.ready());
            client.say(b"hello");
            assert_eq!(client.exactly(5), b"ready");
            client.finish_writing();
            assert_eq!(client.rest().expect("an orderly end"), b"");
            joined(server);
            let closed = usize::from(!channels.is_empty());
            agent.stderr.until("both are closed", |log| (ended(log) == [closed, 1]).then_some(()));
        }
    }
}
