//! What is in flight, and what happens when it arrives.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoint::{Endpoint, EndpointOwner, EndpointState, Ready, until};
use super::journal::Journal;
use super::knobs::{FIRST_FD, FIRST_PORT, Knobs};
use super::pipe::Slots;
use super::site::Site;
use super::slot::{DescriptorSlot, EndpointId};
use crate::random::Random;
use crate::sys::{Addr, Errno, Family, Fd};
use crate::time::{SECOND, Time};

/// When a world begins: not at 0, which a host may take for "no time given".
pub(super) const START: Time = Time(SECOND);

/// What travels from one end of a connection to the other, in order.
#[derive(Debug)]
pub(super) enum Segment {
    /// The answer to a connection that was taken.
    Established,
    Data(Box<[u8]>),
    Fin,
    Reset,
    /// A unix socket was closed, with bytes unread or without.
    Gone {
        unread: bool,
    },
}

#[derive(Debug)]
pub(super) enum NetworkEvent {
    /// A connection attempt reaches its destination.
    Knock {
        client: EndpointId,
        to: Addr,
    },
    /// A connection attempt fails.
    Fail {
        client: EndpointId,
        errno: Errno,
    },
    Arrive {
        from: EndpointId,
        to: EndpointId,
        segment: Segment,
    },
    Uncork(EndpointId),
}

#[derive(Debug)]
pub(super) struct Network {
    pub(super) now: Time,
    pub(super) random: Random,
    pub(super) knobs: Knobs,
    pub(super) journal: Journal,
    pub(super) endpoints: Vec<Endpoint>,
    /// By number, from [`FIRST_FD`] on.
    pub(super) slots: Vec<DescriptorSlot>,
    pub(super) pipes: Vec<Slots>,
    pub(super) listeners: Vec<EndpointId>,
    pub(super) sites: Vec<Site>,
    /// Paths of the file system that are sockets, stale ones included.
    pub(super) paths: BTreeSet<Box<[u8]>>,
    pub(super) next_port: u16,
    /// Descriptors on which a call answered EAGAIN although they were ready: each must get an event.
    pub(super) owed: Vec<Fd>,
    /// The engine has spliced into a socket and not settled the signals since.
    pub(super) holds_signals: bool,
    /// By time, and in the order they were caused where the time is the same.
    flights: BTreeMap<(Time, u64), NetworkEvent>,
    caused: u64,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            now: START,
            random: Random::new(seed),
            knobs: Knobs::default(),
            journal: Journal::default(),
            endpoints: Vec::new(),
            slots: Vec::new(),
            pipes: Vec::new(),
            listeners: Vec::new(),
            sites: Vec::new(),
            paths: BTreeSet::new(),
            next_port: FIRST_PORT,
            owed: Vec::new(),
            holds_signals: false,
            flights: BTreeMap::new(),
            caused: 0,
        }
    }

    pub(super) fn add(&mut self, family: Family, owner: EndpointOwner) -> EndpointId {
        self.endpoints.push(Endpoint::new(family, owner, &self.knobs));
        self.endpoints.len() - 1
    }

    // Descriptors.

    /// The lowest free number, as the kernel gives it.
    pub(super) fn open(&mut self, slot: DescriptorSlot) -> Result<Fd, Errno> {
        let free = self.slots.iter().position(|slot| *slot == DescriptorSlot::Free);
        let index = free.unwrap_or(self.slots.len());
        let fd = Fd(FIRST_FD + i32::try_from(index).unwrap_or(i32::MAX - FIRST_FD));
        if fd >= self.knobs.fd_limit {
            return Err(Errno(libc::EMFILE));
        }
        match self.slots.get_mut(index) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        Ok(fd)
    }

    /// The slot of an open number.
    ///
    /// # Panics
    /// When it is not open: EBADF would hide the mistake, and by the next call the number may be
    /// another connection's.
    #[track_caller]
    pub(super) fn slot(&mut self, fd: Fd, doing: &str) -> &mut DescriptorSlot {
        let index = fd.0.checked_sub(FIRST_FD).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| self.slots.get_mut(index)) {
            Some(slot) if *slot != DescriptorSlot::Free => slot,
            _ => panic!("{doing} on descriptor {}, which is not open", fd.0),
        }
    }

    pub(super) fn free(&mut self, fd: Fd) {
        *self.slot(fd, "close") = DescriptorSlot::Free;
    }

    // Flights.

    pub(super) fn next_event(&self) -> Option<Time> {
        self.flights.first_key_value().map(|(&(at, _), _)| at)
    }

    pub(super) fn advance_to(&mut self, time: Time) {
        while let Some(flight) = self.flights.first_entry() {
            if flight.key().0 > time {
                break;
            }
            let ((at, _), event) = flight.remove_entry();
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(time);
    }

    pub(super) fn latency(&mut self) -> u64 {
        self.random.within(&self.knobs.latency)
    }

    pub(super) fn cause(&mut self, at: Time, event: NetworkEvent) {
        self.caused += 1;
        self.flights.insert((at, self.caused), event);
    }

    /// Sends a segment to the other end, behind everything sent before.
    pub(super) fn depart(&mut self, from: EndpointId, segment: Segment, gap: u64) {
        let at = self.now + self.latency();
        let end = &mut self.endpoints[from];
        let Some(to) = end.pair else { return };
        let at = at.max(end.out.last_arrival + gap);
        end.out.last_arrival = at;
        self.cause(at, NetworkEvent::Arrive { from, to, segment });
    }

    /// Sends the bytes that the other end has room for, and then the FIN.
    pub(super) fn pump(&mut self, id: EndpointId) {
        while let Some(n) = self.departing(id) {
            let out = &mut self.endpoints[id].out;
            let bytes = out.unsent.drain(..n).collect();
            let gap = u64::from(self.knobs.split_reads_at == Some(out.departed));
            out.departed += n as u64;
            out.flying += n;
            self.depart(id, Segment::Data(bytes), gap);
        }
        let end = &mut self.endpoints[id];
        let out = &mut end.out;
        let finished = out.shut && !out.fin_departed && out.unsent.is_empty();
        if end.stage == EndpointState::Connected && finished {
            out.fin_departed = true;
            self.depart(id, Segment::Fin, 0);
        }
    }

    /// The size of the next segment of `id`, where one can leave.
    fn departing(&mut self, id: EndpointId) -> Option<usize> {
        let end = &self.endpoints[id];
        if end.stage != EndpointState::Connected || end.out.corked || end.out.unsent.is_empty() {
            return None;
        }
        let window = match (end.pair, end.is_unix()) {
            (Some(pair), false) => {
                let input = &self.endpoints[pair].input;
                input.capacity.saturating_sub(input.waiting.len() + end.out.flying)
            }
            // On a unix socket the sender's own buffer is the only limit: see `used`.
            _ => usize::MAX,
        };
        let split = until(self.knobs.split_reads_at, end.out.departed);
        let most = end.out.unsent.len().min(window).min(self.knobs.max_segment.max(1)).min(split);
        if most == 0 {
            return None;
        }
        let any = self.knobs.random_segments;
        Some(if any { 1 + self.random.below(most as u64) as usize } else { most })
    }

    /// Bytes that count against the send buffer: on TCP until they have arrived, on a unix socket
    /// until they are read.
    pub(super) fn used(&self, id: EndpointId) -> usize {
        let end = &self.endpoints[id];
        let unread = match end.pair {
            Some(pair) if end.is_unix() => self.endpoints[pair].input.waiting.len(),
            _ => 0,
        };
        end.out.unsent.len() + end.out.flying + unread
    }

    pub(super) fn room(&self, id: EndpointId) -> usize {
        self.endpoints[id].out.capacity.saturating_sub(self.used(id))
    }

    /// Whether poll would report POLLOUT: a third of the buffer free on TCP (sk_stream_is_writeable),
    /// three quarters on a unix socket (unix_writable).
    fn is_writable(&self, id: EndpointId) -> bool {
        let end = &self.endpoints[id];
        let (used, capacity) = (self.used(id), end.out.capacity);
        if end.is_unix() { used <= capacity / 4 } else { used <= capacity - capacity.div_ceil(3) }
    }

    pub(super) fn ready(&self, id: EndpointId) -> Ready {
        let end = &self.endpoints[id];
        let input = &end.input;
        let err = end.error.is_some();
        match end.stage {
            EndpointState::Idle => Ready { write: true, hup: true, err, ..Ready::default() },
            EndpointState::Connecting => Ready { err, ..Ready::default() },
            EndpointState::Listening => {
                let waits = end.listening.as_ref().is_some_and(|it| !it.waiting.is_empty());
                Ready { read: waits, ..Ready::default() }
            }
            EndpointState::Connected => Ready {
                read: input.fin || !input.waiting.is_empty(),
                write: (end.out.shut && !end.is_unix()) || self.is_writable(id),
                rdhup: input.fin,
                hup: input.fin && end.out.shut,
                err,
            },
            EndpointState::Done => Ready { read: true, write: true, rdhup: true, hup: true, err },
        }
    }

    // Arrivals.

    fn happen(&mut self, event: NetworkEvent) {
        match event {
            NetworkEvent::Knock { client, to } => self.knock(client, to),
            NetworkEvent::Fail { client, errno } => {
                let end = &mut self.endpoints[client];
                if end.stage == EndpointState::Connecting {
                    end.fail(errno);
                }
            }
            NetworkEvent::Uncork(id) => {
                self.endpoints[id].out.corked = false;
                self.pump(id);
            }
            NetworkEvent::Arrive { from, to, segment } => self.arrive(from, to, segment),
        }
    }

    fn arrive(&mut self, from: EndpointId, to: EndpointId, segment: Segment) {
        if self.endpoints[from].pair != Some(to) || self.endpoints[to].pair != Some(from) {
            // One of the ends was disconnected in the meantime, and may be in use again.
            return;
        }
        let end = &mut self.endpoints[to];
        match segment {
            Segment::Established if end.stage == EndpointState::Connecting => {
                end.stage = EndpointState::Connected;
                self.pump(to);
            }
            Segment::Data(bytes) => {
                self.endpoints[from].out.flying -= bytes.len();
                self.deliver(to, &bytes);
                self.pump(from);
            }
            Segment::Fin if end.stage == EndpointState::Connected => {
                end.input.fin = true;
                end.end_if_both_ended();
                let sender = &mut self.endpoints[from];
                sender.out.fin_arrived = true;
                sender.end_if_both_ended();
            }
            Segment::Reset => end.be_reset(),
            Segment::Gone { unread } => {
                if unread {
                    end.be_reset();
                } else if end.stage == EndpointState::Connected {
                    end.stage = EndpointState::Done;
                }
                end.input.fin = true;
            }
            // The program has closed: TCP answers with a reset, a unix socket has informed its peer
            // already.
            Segment::Established | Segment::Fin => self.answer_with_reset(to),
        }
    }

    fn deliver(&mut self, to: EndpointId, bytes: &[u8]) {
        let end = &mut self.endpoints[to];
        if end.stage != EndpointState::Connected || end.owner == EndpointOwner::Nobody {
            return self.answer_with_reset(to);
        }
        end.input.waiting.extend(bytes);
        self.read_as_script(to, usize::MAX);
    }

    /// Lets a scripted peer read at most `limit` bytes, if it reads at all.
    pub(super) fn read_as_script(&mut self, id: EndpointId, limit: usize) {
        let end = &mut self.endpoints[id];
        if end.owner == EndpointOwner::Remote && !end.stalled {
            let n = end.input.waiting.len().min(limit);
            end.read.extend(end.input.waiting.drain(..n));
            end.input.given += n as u64;
            self.drop_begun(id);
        }
    }

    fn answer_with_reset(&mut self, id: EndpointId) {
        if !self.endpoints[id].is_unix() {
            self.send_reset(id);
        }
    }

    /// Resets the connection: what was queued is discarded, and the other end gets a reset.
    pub(super) fn send_reset(&mut self, id: EndpointId) {
        let end = &mut self.endpoints[id];
        if end.stage != EndpointState::Idle {
            end.stage = EndpointState::Done;
        }
        end.out.unsent.clear();
        self.depart(id, Segment::Reset, 0);
    }
}
