//! The remote side, scripted by a test: servers the engine connects to, and peers.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::endpoint::{Endpoint, EndpointOwner, EndpointState};
use super::network::Network;
use super::site::{ConnectResponse, Site};
use super::slot::EndpointId;
use crate::sys::{Addr, Credentials, Errno};

/// A program the engine connects to.
#[derive(Clone, Debug)]
pub struct RemoteServer {
    network: Rc<RefCell<Network>>,
    at: Addr,
}

impl RemoteServer {
    pub(super) fn new(network: Rc<RefCell<Network>>, at: Addr) -> Self {
        let server = Self { network, at };
        server.answer(ConnectResponse::Accept);
        server
    }

    /// Sets the answer to connection attempts that arrive from now on.
    pub fn answer(&self, answer: ConnectResponse) {
        self.with(|site| site.answer = answer);
    }

    /// The next connection, oldest first.
    #[must_use]
    pub fn accept(&self) -> Option<Peer> {
        let id = self.with(|site| site.waiting.pop_front())?;
        Some(Peer { network: Rc::clone(&self.network), id })
    }

    /// Where it serves.
    #[must_use]
    pub const fn addr(&self) -> &Addr {
        &self.at
    }

    fn with<R>(&self, f: impl FnOnce(&mut Site) -> R) -> R {
        let sites = &mut self.network.borrow_mut().sites;
        let known = sites.iter().position(|site| site.at == self.at);
        let index = known.unwrap_or(sites.len());
        if known.is_none() {
            let answer = ConnectResponse::Accept;
            sites.push(Site { at: self.at.clone(), answer, waiting: VecDeque::new() });
        }
        f(&mut sites[index])
    }
}

/// The far end of one connection. It reads all that arrives at once, unless it is stalled. Commands
/// given before the connection is established are done then. Dropping the handle closes nothing.
#[derive(Clone, Debug)]
pub struct Peer {
    network: Rc<RefCell<Network>>,
    id: EndpointId,
}

impl Peer {
    pub(super) const fn new(network: Rc<RefCell<Network>>, id: EndpointId) -> Self {
        Self { network, id }
    }

    /// Sends bytes. It never blocks: what the engine has no room for waits here.
    ///
    /// # Panics
    /// When the script has ended this direction before.
    pub fn send(&self, bytes: &[u8]) {
        let mut network = self.network.borrow_mut();
        let end = &network.endpoints[self.id];
        assert!(!end.out.shut && end.owner == EndpointOwner::Remote, "sent after its own end");
        if matches!(end.stage, EndpointState::Connecting | EndpointState::Connected) {
            network.take(self.id, bytes.iter().copied(), false);
        }
    }

    /// All that was read since the last [`Peer::take_received`].
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.look(|end| end.read.clone())
    }

    /// All that was read since the last call of this function.
    #[must_use]
    pub fn take_received(&self) -> Vec<u8> {
        self.look(|end| std::mem::take(&mut end.read))
    }

    /// Ends the outgoing direction.
    pub fn shutdown_write(&self) {
        self.network.borrow_mut().shut_write(self.id);
    }

    /// Closes. Bytes that arrived and were not read, because it is stalled, make it a reset.
    pub fn close(&self) {
        let mut network = self.network.borrow_mut();
        let end = &mut network.endpoints[self.id];
        if end.stage == EndpointState::Connecting {
            end.owner = EndpointOwner::Nobody;
            end.out.shut = true;
        } else {
            network.give_up(self.id, false);
        }
    }

    /// Closes with a reset; what the engine has not been sent yet is lost.
    pub fn reset(&self) {
        self.network.borrow_mut().give_up(self.id, true);
    }

    /// Stops reading, so that the engine's send buffer fills, or reads again.
    pub fn stall(&self, stalled: bool) {
        self.look(|end| end.stalled = stalled);
        self.read(usize::MAX);
    }

    /// Reads `n` bytes although it is stalled.
    pub fn read_slowly(&self, n: usize) {
        let was = self.look(|end| std::mem::replace(&mut end.stalled, false));
        self.read(n);
        self.look(|end| end.stalled = was);
    }

    /// Sets how many bytes wait here at most while it does not read.
    pub fn set_window(&self, bytes: usize) {
        self.look(|end| end.input.capacity = bytes);
        self.read(0);
    }

    /// The user and group it runs as, for
    /// [`Net::peer_credentials`](crate::sys::Net::peer_credentials).
    pub fn set_credentials(&self, credentials: Credentials) {
        self.look(|end| end.credentials = credentials);
    }

    /// Whether it is established and not over.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.look(|end| end.stage == EndpointState::Connected)
    }

    /// Whether the engine's end of input was read.
    #[must_use]
    pub fn saw_fin(&self) -> bool {
        self.look(|end| end.input.fin && end.input.waiting.is_empty())
    }

    /// Whether the connection was reset.
    #[must_use]
    pub fn saw_reset(&self) -> bool {
        self.look(|end| end.input.reset)
    }

    /// Why the connection failed, where it did.
    #[must_use]
    pub fn error(&self) -> Option<Errno> {
        self.look(|end| end.error)
    }

    /// Bytes given to [`Peer::send`] that are not yet in flight.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.look(|end| end.out.unsent.len())
    }

    /// Its own address.
    #[must_use]
    pub fn local(&self) -> Addr {
        self.look(|end| end.local.clone())
    }

    /// The engine's address.
    #[must_use]
    pub fn remote(&self) -> Option<Addr> {
        self.look(|end| end.remote.clone())
    }

    fn read(&self, limit: usize) {
        let mut network = self.network.borrow_mut();
        network.read_as_script(self.id, limit);
        if let Some(pair) = network.endpoints[self.id].pair {
            network.pump(pair);
        }
    }

    fn look<R>(&self, f: impl FnOnce(&mut Endpoint) -> R) -> R {
        f(&mut self.network.borrow_mut().endpoints[self.id])
    }
}
