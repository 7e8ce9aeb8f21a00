//! One end of a simulated connection: what Linux keeps in a socket, as far as a program can observe it.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::knobs::Knobs;
use super::slot::{EndpointId, Passing};
use crate::sys::{Addr, Credentials, Errno, Family, SockOpt};
use crate::time::Time;

/// The user and group every remote process runs as, unless the test sets others.
const REMOTE: Credentials = Credentials { uid: 1_000, gid: 1_000 };
/// Those the engine runs as.
const ROOT: Credentials = Credentials { uid: 0, gid: 0 };

/// What is true of a descriptor now, as `poll(2)` would report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// POLLIN
    pub read: bool,
    /// POLLOUT
    pub write: bool,
    /// POLLRDHUP
    pub rdhup: bool,
    /// POLLHUP
    pub hup: bool,
    /// POLLERR
    pub err: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndpointState {
    /// Neither connected nor listening.
    Idle,
    Listening,
    Connecting,
    /// Established, in one direction at least.
    Connected,
    /// Over: both directions have ended, or it was reset, or it was never established.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndpointOwner {
    /// A descriptor of the engine's.
    Engine,
    /// A script that plays a peer.
    Remote,
    /// Closed by its program; the system still sends what is left.
    Nobody,
}

#[derive(Debug, Default)]
pub(super) struct SendQueue {
    /// Taken from the program, not yet sent.
    pub(super) unsent: VecDeque<u8>,
    /// Bytes in flight.
    pub(super) flying: usize,
    /// Bytes ever taken from the program.
    pub(super) taken: u64,
    /// Bytes ever sent.
    pub(super) departed: u64,
    /// The program has ended this direction.
    pub(super) shut: bool,
    /// The FIN is in flight.
    pub(super) fin_departed: bool,
    /// The FIN has arrived.
    pub(super) fin_arrived: bool,
    /// What had not been acknowledged when a reset came, the FIN counted as one.
    pub(super) cut: usize,
    /// Held back by `MSG_MORE`.
    pub(super) corked: bool,
    /// The one EAGAIN of `Knobs::split_writes_at` has been given.
    pub(super) split: bool,
    pub(super) capacity: usize,
    /// When the last segment that was sent arrives: later ones must not overtake it.
    pub(super) last_arrival: Time,
}

impl SendQueue {
    /// What has not arrived, the FIN counted as one: it takes a place in the sequence.
    pub(super) fn unacknowledged(&self) -> usize {
        self.unsent.len() + self.flying + usize::from(self.shut && !self.fin_arrived)
    }
}

#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub(super) waiting: VecDeque<u8>,
    pub(super) capacity: usize,
    /// Descriptors that come with them, in order.
    pub(super) passing: VecDeque<Passing>,
    /// Bytes ever given to the program.
    pub(super) given: u64,
    pub(super) fin: bool,
    pub(super) reset: bool,
}

#[derive(Debug)]
pub(super) struct Listening {
    /// The address at which it is found: for a unix path not where it was bound. `None` when another has
    /// taken the path, or it was unlinked.
    pub(super) at: Option<Addr>,
    pub(super) waiting: VecDeque<EndpointId>,
    pub(super) backlog: usize,
    pub(super) v6_only: bool,
    pub(super) reuse_port: bool,
    /// Whether new connections pass it by.
    pub(super) drops_syns: bool,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) family: Family,
    pub(super) stage: EndpointState,
    pub(super) owner: EndpointOwner,
    pub(super) local: Addr,
    pub(super) remote: Option<Addr>,
    pub(super) pair: Option<EndpointId>,
    pub(super) credentials: Credentials,
    /// How many handles there are beside the first: numbers of descriptors, and those that were passed
    /// and that nobody has received. All of them stand for this one endpoint (open(2)).
    pub(super) further_handles: usize,
    /// `SO_LINGER` of 0 is set: the close of the last handle resets.
    pub(super) aborts: bool,
    /// `SO_ERROR`: taken by the first call that checks it.
    pub(super) error: Option<Errno>,
    /// `connect` has reported that it is established, or it was returned by `accept`: from then on the
    /// answer is EISCONN, whatever happens to the connection.
    pub(super) reported: bool,
    pub(super) out: SendQueue,
    pub(super) input: Incoming,
    pub(super) listening: Option<Listening>,
    pub(super) options: Vec<SockOpt>,
    /// The remote script does not read.
    pub(super) stalled: bool,
    /// What a remote script has read.
    pub(super) read: Vec<u8>,
}

/// The address of an unbound socket.
pub(super) fn unbound(family: Family) -> Addr {
    match family {
        Family::V4 => Addr::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)),
        Family::V6 => Addr::Ip(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)),
        Family::Unix => Addr::Unix([].into()),
    }
}

impl Endpoint {
    pub(super) fn new(family: Family, owner: EndpointOwner, knobs: &Knobs) -> Self {
        // The script of a remote peer never gets EAGAIN.
        let capacity = if owner == EndpointOwner::Remote { usize::MAX } else { knobs.send_buffer };
        Self {
            family,
            stage: EndpointState::Idle,
            owner,
            local: unbound(family),
            remote: None,
            pair: None,
            credentials: if owner == EndpointOwner::Remote { REMOTE } else { ROOT },
            further_handles: 0,
            aborts: false,
            error: None,
            reported: false,
            out: SendQueue { capacity, ..SendQueue::default() },
            input: Incoming { capacity: knobs.receive_buffer, ..Incoming::default() },
            listening: None,
            options: Vec::new(),
            stalled: false,
            read: Vec::new(),
        }
    }

    pub(super) fn is_unix(&self) -> bool {
        self.family == Family::Unix
    }

    /// `recv`: waiting bytes come first, even behind a reset. Then TCP reports a FIN before an error
    /// (tcp_recvmsg checks SOCK_DONE first), a unix socket the error before the end.
    ///
    /// Returns how many bytes it can give, 0 being the end.
    pub(super) fn receivable(&mut self, wanted: usize, knobs: &Knobs) -> Result<usize, Errno> {
        let n = self.readable_at_once(wanted, knobs);
        if n > 0 {
            return Ok(n);
        }
        let unconnected = matches!(self.stage, EndpointState::Idle | EndpointState::Listening);
        if unconnected && self.is_unix() {
            return Err(Errno(libc::EINVAL));
        }
        if self.input.fin && !self.is_unix() {
            return Ok(0);
        }
        if let Some(errno) = self.error.take() {
            return Err(errno);
        }
        match self.stage {
            _ if unconnected => Err(Errno(libc::ENOTCONN)),
            EndpointState::Connecting => Err(Errno::AGAIN),
            EndpointState::Connected if !self.input.fin => Err(Errno::AGAIN),
            _ => Ok(0),
        }
    }

    /// Gives the program the bytes that [`Self::receivable`] counted.
    pub(super) fn give(&mut self, n: usize) -> impl Iterator<Item = u8> {
        self.input.given += n as u64;
        self.input.waiting.drain(..n)
    }

    fn readable_at_once(&self, wanted: usize, knobs: &Knobs) -> usize {
        let n = self.input.waiting.len().min(wanted).min(knobs.max_read.max(1));
        self.input.up_to_passing(n.min(until(knobs.split_reads_at, self.input.given)))
    }

    /// Why nothing can be sent, if so; a lack of room is not considered here.
    pub(super) fn send_refused(&mut self) -> Option<Errno> {
        let pipe = Errno(libc::EPIPE);
        match (self.stage, self.is_unix()) {
            (EndpointState::Connected, _) if !self.out.shut => None,
            (EndpointState::Connecting, _) => Some(Errno::AGAIN),
            (EndpointState::Idle | EndpointState::Listening, true) => Some(Errno(libc::ENOTCONN)),
            (_, true) => Some(pipe),
            // The pending error is returned instead of EPIPE, once (sk_stream_error).
            (_, false) => Some(self.error.take().unwrap_or(pipe)),
        }
    }

    /// A reset has arrived. What waits for the program stays readable (tcp_reset).
    pub(super) fn be_reset(&mut self) {
        let half_closed = self.input.fin && !self.out.shut;
        let errno = match self.stage {
            EndpointState::Connecting => libc::ECONNREFUSED,
            EndpointState::Connected if half_closed && !self.is_unix() => libc::EPIPE,
            EndpointState::Connected => libc::ECONNRESET,
            EndpointState::Idle | EndpointState::Listening | EndpointState::Done => return,
        };
        self.input.reset = true;
        self.out.cut = self.out.unacknowledged();
        self.fail(Errno(errno));
    }

    /// Ends the connection, with an error for the next call that checks for one.
    pub(super) fn fail(&mut self, errno: Errno) {
        self.error = Some(errno);
        self.stage = EndpointState::Done;
        self.out.unsent.clear();
    }

    /// Unconnected again (tcp_disconnect): nothing of the attempt is left.
    pub(super) fn begin_anew(&mut self) {
        let (send, receive) = (self.out.capacity, self.input.capacity);
        self.stage = EndpointState::Idle;
        self.pair = None;
        self.out = SendQueue { capacity: send, ..SendQueue::default() };
        self.input = Incoming { capacity: receive, ..Incoming::default() };
    }

    /// TCP: when both FINs have arrived the connection is over, and the socket behaves as unconnected.
    pub(super) fn end_if_both_ended(&mut self) {
        if self.stage == EndpointState::Connected
            && !self.is_unix()
            && self.input.fin
            && self.out.fin_arrived
        {
            self.stage = EndpointState::Done;
        }
    }
}

/// How many bytes may be moved before the offset `split` is reached, if `done` were moved already.
pub(super) fn until(split: Option<u64>, done: u64) -> usize {
    match split {
        Some(split) if done < split => usize::try_from(split - done).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}
