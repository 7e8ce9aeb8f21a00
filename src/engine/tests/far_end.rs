//! The far end of a connection of the engine's, raw or with TLS: scripts need not know which.

use std::cell::RefCell;
use std::rc::Rc;

use super::rig::Rig;
use super::tls_peer::{Shared, Then, TlsPeer, pair, play};
use crate::sim::{Peer, RemoteServer};
use crate::tls::TlsVersion;

#[derive(Clone)]
pub(super) enum FarEnd {
    Raw(Peer),
    Tls(Shared),
}

impl FarEnd {
    /// A new client that connects to the engine, and first sends `prefix` in the clear.
    pub(super) fn client(rig: &mut Rig, tls: Option<TlsVersion>, prefix: &[u8]) -> Self {
        let peer = rig.peer();
        match tls {
            None => {
                peer.send(prefix);
                Self::Raw(peer)
            }
            Some(version) => {
                let shared = TlsPeer::client(peer, &pair(version).0, prefix);
                rig.actors.push(play(&shared));
                Self::Tls(shared)
            }
        }
    }

    pub(super) fn peer(&self) -> Peer {
        match self {
            Self::Raw(peer) => peer.clone(),
            Self::Tls(shared) => shared.borrow().peer.clone(),
        }
    }

    /// Sends all bytes and ends in order; or sends only what fits into so many bytes of the wire, and
    /// then does what is given.
    pub(super) fn say_up_to(&self, bytes: &[u8], stop: Option<(usize, Then)>) {
        match (self, stop) {
            (Self::Raw(peer), Some((most, then))) => {
                peer.send(&bytes[..most]);
                match then {
                    Then::Stop => {}
                    Then::End => peer.shutdown_write(),
                    Then::Reset => peer.reset(),
                }
            }
            (Self::Tls(shared), Some(stop)) => {
                shared.borrow_mut().limit = Some(stop);
                self.say(bytes);
                self.end();
            }
            (_, None) => {
                self.say(bytes);
                self.end();
            }
        }
    }

    pub(super) fn say(&self, bytes: &[u8]) {
        match self {
            Self::Raw(peer) => peer.send(bytes),
            Self::Tls(shared) => shared.borrow_mut().say(bytes),
        }
    }

    /// Ends its direction in order.
    pub(super) fn end(&self) {
        match self {
            Self::Raw(peer) => peer.shutdown_write(),
            Self::Tls(shared) => shared.borrow_mut().end(),
        }
    }

    pub(super) fn reset(&self) {
        self.fall_silent();
        self.peer().reset();
    }

    pub(super) fn close(&self) {
        self.fall_silent();
        self.peer().close();
    }

    fn fall_silent(&self) {
        if let Self::Tls(shared) = self {
            shared.borrow_mut().fall_silent();
        }
    }

    pub(super) fn heard(&self) -> Vec<u8> {
        match self {
            Self::Raw(peer) => peer.received(),
            Self::Tls(shared) => shared.borrow().got.clone(),
        }
    }

    /// Whether the engine ended its direction in order.
    pub(super) fn saw_end(&self) -> bool {
        self.peer().saw_fin()
            && match self {
                Self::Raw(_) => true,
                Self::Tls(shared) => shared.borrow().closed,
            }
    }
}

/// The connections to a server that were taken so far.
pub(super) type Taken = Rc<RefCell<Vec<FarEnd>>>;

/// Takes every connection of `server`, each of which begins with `begin`. With `line` a line in the
/// clear comes before TLS.
pub(super) fn take_all(
    rig: &mut Rig,
    server: RemoteServer,
    tls: Option<TlsVersion>,
    line: bool,
    begin: impl Fn(&FarEnd) + 'static,
) -> Taken {
    let taken = Taken::default();
    let ends = Rc::clone(&taken);
    rig.actors.push(Box::new(move || {
        let mut acted = false;
        while let Some(peer) = server.accept() {
            let end = match tls {
                None => FarEnd::Raw(peer),
                Some(version) => {
                    let shared = TlsPeer::server(peer, &pair(version).1);
                    if line {
                        shared.borrow_mut().expect_a_line();
                    }
                    FarEnd::Tls(shared)
                }
            };
            begin(&end);
            ends.borrow_mut().push(end);
            acted = true;
        }
        for end in ends.borrow().iter() {
            if let FarEnd::Tls(shared) = end {
                acted |= shared.borrow_mut().act();
            }
        }
        acted
    }));
    taken
}
