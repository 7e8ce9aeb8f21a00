//! The clients that try to connect.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, StreamOwned};

use super::corpus::{RuleState, Set, Verdict};
use crate::certificates::Certificates;
use crate::ends::{End, connect_from, tls_client, tls_client_of};
use crate::running::PATIENCE;

/// After this long a client that may have been dropped silently sends something, and a verdict that may
/// change is checked again.
const A_WHILE: Duration = Duration::from_millis(50);

pub(crate) struct Crowd {
    stranger: Arc<ClientConfig>,
    /// It speaks TLS 1.2.
    old: Arc<ClientConfig>,
    known: Arc<ClientConfig>,
}

/// A server may send several tickets.
const SESSIONS: usize = 4;

/// A connection that stays open.
type Kept = Box<dyn End>;

impl Crowd {
    pub(crate) fn new(certificates: &'static Certificates) -> Self {
        Self {
            stranger: tls_client(certificates, ALL_VERSIONS),
            old: tls_client(certificates, &[&rustls::version::TLS12]),
            known: tls_client_of(certificates),
        }
    }

    /// The verdicts on the connections of a set, one after the other.
    pub(crate) fn visit(&self, set: &Set, port: u16) -> Vec<Verdict> {
        let mut kept = Vec::new();
        let mut session = Resumption::disabled();
        let mut verdicts = Vec::new();
        for visit in &set.visits {
            let deadline = Instant::now() + PATIENCE;
            let verdict = loop {
                let (end, verdict) = self.try_once(set, visit, port, &mut session);
                let again = visit.at_last && verdict != visit.verdict && Instant::now() < deadline;
                if !visit.closes && (!again || verdict == Verdict::Unknown) {
                    kept.push(end);
                }
                if !again {
                    break verdict;
                }
            };
            verdicts.push(verdict);
        }
        verdicts
    }

    fn try_once(
        &self,
        set: &Set,
        visit: &RuleState,
        port: u16,
        session: &mut Resumption,
    ) -> (Kept, Verdict) {
        let mut stream = connect_from(visit.from, SocketAddrV4::new(visit.to, port));
        if let Some(header) = &visit.header {
            // A client that was refused already cannot send any more; then there is nothing to read
            // either.
            let _ = stream.write_all(&header.bytes());
        }
        if set.kind.speaks_tls() {
            let mut end = StreamOwned::new(self.hello(set, visit, session), stream);
            for piece in &visit.says {
                // Who is refused may not take it.
                let _ = end.write_all(piece);
            }
            let verdict = verdict(&mut end, visit);
            return (Box::new(end), verdict);
        }
        let mut says = visit.says.clone();
        if visit.hello {
            let mut hello = Vec::new();
            let _ = self.hello(set, visit, session).write_tls(&mut hello).expect("into memory");
            says.push(hello);
        }
        for piece in &says {
            let _ = stream.write_all(piece);
        }
        if visit.ends {
            // Who was refused with bytes unread was reset, and has no side left to end.
            let _ = stream.shutdown(Shutdown::Write);
        }
        let hasty = visit.at_last || visit.insists || visit.verdict == Verdict::Unknown;
        let tolerance = if hasty { A_WHILE } else { PATIENCE };
        stream.set_read_timeout(Some(tolerance)).expect("a socket");
        let verdict = verdict(&mut stream, visit);
        (Box::new(stream), verdict)
    }

    fn hello(&self, set: &Set, visit: &RuleState, session: &mut Resumption) -> ClientConnection {
        let mut config = match (set.kind.has_certificate(), visit.tls12) {
            (true, _) => ClientConfig::clone(&self.known),
            (false, true) => ClientConfig::clone(&self.old),
            (false, false) => ClientConfig::clone(&self.stranger),
        };
        // A session is offered only by who goes on with one.
        if !visit.resumes {
            *session = Resumption::in_memory_sessions(SESSIONS);
        }
        config.resumption = session.clone();
        config.alpn_protocols.clone_from(&visit.alpn);
        let name = match visit.sni {
            true => ServerName::try_from(visit.name.clone()).expect("a name"),
            // For an address, no name is sent.
            false => ServerName::from(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST)),
        };
        ClientConnection::new(Arc::new(config), name).expect("a client")
    }
}

/// The verdict that the first read shows, in the terms of the corpus.
fn verdict(end: &mut (impl Read + Write), visit: &RuleState) -> Verdict {
    let deadline = Instant::now() + PATIENCE;
    let mut first = [0];
    loop {
        match end.read(&mut first) {
            Ok(1) if matches!(visit.verdict, Verdict::By(_)) => return Verdict::By(first[0]),
            Ok(1) => return Verdict::In,
            Err(why) if why.kind() == ErrorKind::WouldBlock => {
                let insists = visit.insists && Instant::now() < deadline;
                if !insists {
                    return Verdict::Unknown;
                }
                let _ = end.write_all(b"?");
            }
            _ => return Verdict::Out,
        }
    }
}
