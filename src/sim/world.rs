//! A test's handle on the simulated network.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

use super::endpoint::{EndpointOwner, Ready};
use super::journal::{CallKind, CallRecord, InjectedFault};
use super::knobs::{FIRST_FD, Knobs};
use super::meeting::path;
use super::net::SimNet;
use super::network::Network;
use super::remote::{Peer, RemoteServer};
use super::slot::DescriptorSlot;
use crate::sys::{Addr, Errno, Fd, SockOpt};
use crate::time::{MILLISECOND, Time};

/// [`World::settle`] waits for nothing that is due later than this: longer than any latency a test sets
/// and than `MSG_MORE` holds bytes back, shorter than a repeated SYN.
const SETTLING: u64 = 500 * MILLISECOND;

/// One simulated network and its clock. Cloning it shares it.
#[derive(Clone, Debug)]
pub struct World {
    network: Rc<RefCell<Network>>,
}

impl World {
    /// An empty network, one second after the origin of time. The same seed and the same calls give
    /// the same run.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { network: Rc::new(RefCell::new(Network::new(seed))) }
    }

    /// The engine's side of it.
    #[must_use]
    pub fn net(&self) -> SimNet {
        SimNet::new(Rc::clone(&self.network))
    }

    /// Changes the behaviour of the network.
    pub fn tune(&self, change: impl FnOnce(&mut Knobs)) {
        let mut network = self.network.borrow_mut();
        change(&mut network.knobs);
        assert_ne!(network.knobs.would_block_one_in, Some(1), "nothing would ever happen");
    }

    // Time.

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.network.borrow().now
    }

    /// When the next thing happens, if anything is pending.
    #[must_use]
    pub fn next_event(&self) -> Option<Time> {
        self.network.borrow().next_event()
    }

    /// Lets everything happen that is due until `time`, which is then the current time. Never goes
    /// back.
    pub fn advance_to(&self, time: Time) {
        self.network.borrow_mut().advance_to(time);
    }

    /// Lets everything happen that is pending and due soon. A repeated SYN or the timeout of a
    /// connection attempt is due later, and is not waited for.
    pub fn settle(&self) {
        while let Some(next) = self.next_event() {
            if next.since(self.now()) > SETTLING {
                break;
            }
            self.advance_to(next);
        }
    }

    // The remote side.

    /// A peer that connects from `from` to `to`, where the engine listens.
    #[must_use]
    pub fn connect(&self, to: &Addr, from: Addr) -> Peer {
        let mut network = self.network.borrow_mut();
        let id = network.add(to.family(), EndpointOwner::Remote);
        network.endpoints[id].local = from;
        network.set_out(id, to);
        Peer::new(Rc::clone(&self.network), id)
    }

    /// A program that serves `at`, for the engine to connect to. It accepts at once until its answer is
    /// changed.
    #[must_use]
    pub fn serve(&self, at: Addr) -> RemoteServer {
        RemoteServer::new(Rc::clone(&self.network), at)
    }

    // Readiness.

    /// What is true of an open descriptor now. A file or a pipe is always ready.
    #[must_use]
    pub fn readiness(&self, fd: Fd) -> Ready {
        let mut network = self.network.borrow_mut();
        match *network.slot(fd, "readiness") {
            DescriptorSlot::Socket(id) => network.ready(id),
            DescriptorSlot::Free | DescriptorSlot::File | DescriptorSlot::Pipe(_) => {
                Ready { read: true, write: true, ..Ready::default() }
            }
        }
    }

    /// The descriptors on which calls answered EAGAIN although they were ready, since the last call of
    /// this function: a host that reports each event once has to report another one for each of them.
    #[must_use]
    pub fn take_owed(&self) -> Vec<Fd> {
        std::mem::take(&mut self.network.borrow_mut().owed)
    }

    // Faults.

    /// Makes the `n`th call of a kind fail, counted from 1 and from the start of the world, and
    /// with `ever_after` every later one. The call does nothing else. Calls without a result
    /// (close, reset, unlink, close pipe) are counted and work.
    pub fn fail_nth(&self, call: CallKind, n: u64, errno: Errno, ever_after: bool) {
        self.fail(Some(call), n, errno, ever_after);
    }

    /// [`World::fail_nth`], with calls of all kinds counted together.
    pub fn fail_nth_any(&self, n: u64, errno: Errno, ever_after: bool) {
        self.fail(None, n, errno, ever_after);
    }

    /// Cancels all planned faults.
    pub fn heal(&self) {
        self.network.borrow_mut().journal.faults.clear();
    }

    fn fail(&self, call: Option<CallKind>, nth: u64, errno: Errno, ever_after: bool) {
        let fault = InjectedFault { call, nth, errno, ever_after };
        self.network.borrow_mut().journal.faults.push(fault);
    }

    // What was done.

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.network.borrow().journal.total()
    }

    /// How many calls of one kind there were.
    #[must_use]
    pub fn calls_of(&self, call: CallKind) -> u64 {
        self.network.borrow().journal.of(call)
    }

    /// How many calls succeeded.
    #[must_use]
    pub fn succeeded(&self) -> u64 {
        self.network.borrow().journal.succeeded
    }

    /// All calls and their answers.
    #[must_use]
    pub fn entries(&self) -> Vec<CallRecord> {
        self.network.borrow().journal.entries.clone()
    }

    /// All calls and their answers as text, one a line.
    #[must_use]
    pub fn trace(&self) -> String {
        let mut text = String::new();
        for entry in &self.network.borrow().journal.entries {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{entry}");
        }
        text
    }

    /// The options that were turned on, in order; a listener's are inherited.
    #[must_use]
    pub fn options(&self, fd: Fd) -> Vec<SockOpt> {
        let mut network = self.network.borrow_mut();
        match *network.slot(fd, "options") {
            DescriptorSlot::Socket(id) => network.endpoints[id].options.clone(),
            DescriptorSlot::Free | DescriptorSlot::File | DescriptorSlot::Pipe(_) => Vec::new(),
        }
    }

    /// The descriptors that are open: at the end of a run, those that leaked.
    #[must_use]
    pub fn open_fds(&self) -> Vec<Fd> {
        let slots = &self.network.borrow().slots;
        let numbers = (FIRST_FD..).map(Fd).zip(slots);
        numbers.filter(|(_, slot)| **slot != DescriptorSlot::Free).map(|(fd, _)| fd).collect()
    }

    /// Whether the engine has spliced into a socket and not called `Net::settle_signals` since:
    /// never true when the host has control.
    #[must_use]
    pub fn holds_signals(&self) -> bool {
        self.network.borrow().holds_signals
    }

    /// Whether a socket is at a path.
    #[must_use]
    pub fn has_path(&self, addr: &Addr) -> bool {
        path(addr).is_some_and(|path| self.network.borrow().paths.contains(path))
    }

    /// A descriptor that is no socket.
    ///
    /// # Errors
    /// EMFILE.
    pub fn open_file(&self) -> Result<Fd, Errno> {
        self.network.borrow_mut().open(DescriptorSlot::File)
    }
}
