//! A peer that speaks TLS, with a session of ours over its simulated socket.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use super::rig::Actor;
use crate::buffer::{BUFFER_SIZE, Buffer, Pool};
use crate::sim::{Peer, RemoteServer};
use crate::tls::tests::rig::repeatable;
use crate::tls::{ClientTls, Failure, Handshake, ServerTls, Session, TlsVersion};

/// Both sides' configuration for `a.test`, one version only, with lengths that repeat.
pub(super) fn pair(version: TlsVersion) -> (Arc<ClientTls>, Arc<ServerTls>) {
    type Both = (Arc<ClientTls>, Arc<ServerTls>);
    static CONFIGS: [OnceLock<Both>; 2] = [const { OnceLock::new() }; 2];
    let config = &CONFIGS[usize::from(version == TlsVersion::Tls13)];
    config.get_or_init(|| repeatable(version)).clone()
}

/// What the peer does when it has sent so many bytes of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It sends nothing any more.
    Stop,
    /// It ends its direction.
    End,
    /// It resets the connection.
    Reset,
}

pub(super) struct TlsPeer {
    pub(super) peer: Peer,
    session: Session,
    pool: Pool,
    out: Buffer,
    /// What was sent of the wire.
    pub(super) sent: usize,
    /// Where the sending stops, and what then happens.
    pub(super) limit: Option<(usize, Then)>,
    stopped: bool,
    pause: Option<usize>,
    /// A line in the clear has yet to arrive.
    line: bool,
    /// What is still to be sent.
    say: Vec<u8>,
    /// Send close_notify and the FIN after it.
    ends: bool,
    ended: bool,
    /// What was received.
    pub(super) got: Vec<u8>,
    /// The engine's close_notify came.
    pub(super) closed: bool,
    pub(super) failure: Option<Failure>,
}

pub(super) type Shared = Rc<RefCell<TlsPeer>>;

impl TlsPeer {
    /// A client that first sends `prefix` in the clear.
    pub(super) fn client(peer: Peer, tls: &Arc<ClientTls>, prefix: &[u8]) -> Shared {
        let session = Session::client(tls, "a.test").expect("a name");
        Self::new(peer, session, prefix)
    }

    pub(super) fn server(peer: Peer, tls: &Arc<ServerTls>) -> Shared {
        Self::new(peer, Session::server(tls), &[])
    }

    fn new(peer: Peer, session: Session, prefix: &[u8]) -> Shared {
        let mut out = Buffer::with_size(BUFFER_SIZE);
        out.extend(prefix);
        Rc::new(RefCell::new(Self {
            peer,
            session,
            pool: Pool::new(2, 2),
            out,
            sent: 0,
            limit: None,
            stopped: false,
            pause: None,
            line: false,
            say: Vec::new(),
            ends: false,
            ended: false,
            got: Vec::new(),
            closed: false,
            failure: None,
        }))
    }

    pub(super) fn say(&mut self, bytes: &[u8]) {
        self.say.extend(bytes);
    }

    pub(super) fn end(&mut self) {
        self.ends = true;
    }

    /// Makes the session send what no program would: its bytes are sent together with whatever waits to
    /// be sent.
    pub(super) fn utter(&mut self, say: impl FnOnce(&mut Session, &mut Buffer)) {
        say(&mut self.session, &mut self.out);
    }

    pub(super) fn is_established(&self) -> bool {
        self.session.is_established()
    }

    /// Sends so many bytes of the wire for now.
    pub(super) const fn pause_at(&mut self, bytes: usize) {
        self.pause = Some(bytes);
    }

    pub(super) const fn go_on(&mut self) {
        self.pause = None;
    }

    /// A line in the clear comes first.
    pub(super) const fn expect_a_line(&mut self) {
        self.line = true;
    }

    /// Sends nothing any more.
    pub(super) const fn fall_silent(&mut self) {
        self.stopped = true;
    }

    /// Does what can be done. Returns whether anything was.
    pub(super) fn act(&mut self) -> bool {
        let bytes = self.peer.take_received();
        let mut acted = !bytes.is_empty();
        let mut rest = &bytes[..];
        while self.line
            && let Some((first, more)) = rest.split_first()
        {
            self.line = *first != b'\n';
            rest = more;
        }
        self.hear(rest);
        if self.session.is_established() && !self.ended {
            self.encrypt();
            if self.ends {
                self.session.close_notify(&mut self.out);
            }
        }
        acted |= self.leave();
        let all_out = self.out.is_empty() && self.session.is_established();
        if self.ends && !self.ended && !self.stopped && all_out {
            self.ended = true;
            self.peer.shutdown_write();
            acted = true;
        }
        acted
    }

    /// Encrypts what is still to be sent.
    pub(super) fn encrypt(&mut self) {
        while !self.say.is_empty() {
            let Ok(n) = self.session.encrypt(&self.say, &mut self.out) else { break };
            self.say.drain(..n);
        }
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        loop {
            if self.failure.is_some() || self.closed {
                return;
            }
            match self.session.handshake(&mut self.out, &mut self.pool) {
                Handshake::Failed(failure) => self.failure = Some(failure),
                Handshake::NeedInput => {}
                Handshake::Done => {
                    let mut plain = Buffer::with_size(BUFFER_SIZE);
                    match self.session.decrypt(&mut plain, &mut self.out, &mut self.pool) {
                        Ok(reading) => {
                            self.got.extend(plain.bytes());
                            self.closed = reading.closed;
                            if reading.no_room {
                                continue;
                            }
                        }
                        Err(failure) => self.failure = Some(failure),
                    }
                }
            }
            if bytes.is_empty() || self.failure.is_some() || self.closed {
                return;
            }
            match self.session.input(&mut self.pool) {
                Ok(buffer) => {
                    let n = buffer.fill(bytes);
                    assert!(n > 0 || buffer.room() > 0, "an input buffer without room");
                    bytes = &bytes[n..];
                }
                Err(failure) => self.failure = Some(failure),
            }
        }
    }

    /// Sends what waits to be sent, up to the limit.
    fn leave(&mut self) -> bool {
        if self.stopped || self.ended {
            self.out.clear();
            return false;
        }
        let limit = self.limit.map_or(usize::MAX, |(limit, _)| limit);
        let now = self.pause.unwrap_or(usize::MAX).min(limit);
        let n = self.out.len().min(now.saturating_sub(self.sent));
        if n > 0 {
            self.peer.send(&self.out.bytes()[..n]);
            self.out.consume(n);
            self.sent += n;
        }
        if self.sent == limit {
            match self.limit.map(|(_, then)| then) {
                Some(Then::End) => self.peer.shutdown_write(),
                Some(Then::Reset) => self.peer.reset(),
                Some(Then::Stop) | None => {}
            }
            self.stopped = true;
            return true;
        }
        n > 0
    }
}

/// The actor that plays `peer`.
pub(super) fn play(peer: &Shared) -> Box<dyn FnMut() -> bool> {
    let peer = Rc::clone(peer);
    Box::new(move || peer.borrow_mut().act())
}

/// The actor that takes every connection of `server` and speaks TLS on it.
pub(super) fn serve(
    server: RemoteServer,
    tls: Arc<ServerTls>,
    begin: impl Fn(&mut TlsPeer) + 'static,
) -> (Rc<RefCell<Vec<Shared>>>, Actor) {
    let peers = Rc::new(RefCell::new(Vec::new()));
    let taken = Rc::clone(&peers);
    let actor = move || {
        let mut acted = false;
        while let Some(peer) = server.accept() {
            let shared = TlsPeer::server(peer, &tls);
            begin(&mut shared.borrow_mut());
            taken.borrow_mut().push(shared);
            acted = true;
        }
        let peers: Vec<Shared> = taken.borrow().clone();
        for peer in peers {
            acted |= peer.borrow_mut().act();
        }
        acted
    };
    (peers, Box::new(actor))
}
