//! A host that moves the bytes of fed connections between the engine and sockets of the simulated
//! network, so that whatever is written for sockets runs on fed connections too. It is as adversarial as
//! a correct one may be: it reports late, in parts, and in any order between connections.

use std::collections::BTreeMap;
use std::io::IoSlice;

use crate::engine::{Engine, FedAsk, FedAsks};
use crate::id::{Id, Kind};
use crate::sim::{Random, SimNet, World};
use crate::slab::Key;
use crate::sys::{Addr, Errno, Family, Fd, Net, SockOpt};

/// The most bytes that are read or written at a time.
const PIECE: usize = 20_000;

/// How a bridge delays what it does: one time in so many, if ever.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sloth {
    /// A step is left for the next round.
    pub(super) late: Option<u64>,
    /// Bytes are reported in parts.
    pub(super) partial: bool,
}

/// What one connection stands on.
#[derive(Debug)]
struct Link {
    fd: Fd,
    /// The address that it is being connected to.
    connecting: Option<Addr>,
    /// Whether the connection was begun, so that readiness tells how it went.
    knocked: bool,
    /// Whether the engine takes bytes.
    receives: bool,
    /// Bytes that were read, and not all taken.
    kept: Vec<u8>,
    /// Whether the engine has bytes to be sent.
    sends: bool,
    /// Whether the peer's end was reported.
    ended: bool,
    /// Whether a failure was reported.
    failed: bool,
    /// Whether the direction to the peer is to be ended.
    shut: bool,
    /// Whether it was ended.
    was_shut: bool,
    /// How it is to be closed.
    close: Option<FedAsks>,
}

/// A turn of one link.
enum Turn {
    /// Nothing could be done.
    Idle,
    /// Something was done.
    Done,
    /// It could not be opened.
    Failed,
    /// It is closed.
    Gone,
}

impl<N: Net> Engine<N> {
    /// Notes the descriptor that an accepted connection is to be fed from.
    pub(in crate::engine) fn note_fed_fd(&mut self, conn: Key, fd: Fd) {
        if self.feeds_all {
            let id = self.id(Kind::Conn, conn);
            self.fed_fds.push((id, fd));
        }
    }
}

/// The links of one engine.
pub(super) struct Bridge {
    net: SimNet,
    random: Random,
    sloth: Sloth,
    links: BTreeMap<u64, Link>,
    /// Ids of connections that are closed.
    gone: Vec<Id>,
    /// Whether the last round left a step for the next.
    pub(super) keeps: bool,
}

impl Bridge {
    pub(super) fn new(world: &World, seed: u64, sloth: Sloth) -> Self {
        Self {
            net: world.net(),
            random: Random::new(seed ^ 0xb41d6e),
            sloth,
            links: BTreeMap::new(),
            gone: Vec::new(),
            keeps: false,
        }
    }

    /// A connection that the engine accepted is fed from its socket.
    pub(super) fn accepted(&mut self, conn: Id, fd: Fd) {
        self.links.insert(conn.bits(), Link::new(fd, None));
    }

    /// Notes what a connection asks.
    pub(super) fn hear(&mut self, engine: &mut Engine<SimNet>, ask: FedAsk) {
        let FedAsk { conn, asks, open, .. } = ask;
        assert!(!self.gone.contains(&conn), "{conn:?} asks after its end");
        if asks.contains(FedAsks::OPEN) {
            let (to, from) = open.expect("an address");
            assert!(!self.links.contains_key(&conn.bits()), "{conn:?} asks twice to be opened");
            match self.open(&to, from.as_ref()) {
                Ok(fd) => _ = self.links.insert(conn.bits(), Link::new(fd, Some(to))),
                Err(errno) => engine.fed_failed(conn, errno).expect("it asked to be opened"),
            }
            return;
        }
        let link = self.links.get_mut(&conn.bits()).expect("it was opened");
        assert!(link.close.is_none() || asks == FedAsks::RESET, "{asks:?} after the close");
        assert!(!asks.contains(FedAsks::SHUT_WRITE) || !link.shut, "its side is ended twice");
        link.receives = asks.contains(FedAsks::RECEIVE);
        link.sends = asks.contains(FedAsks::SEND);
        link.shut |= asks.contains(FedAsks::SHUT_WRITE);
        if asks.intersects(FedAsks::CLOSE | FedAsks::RESET) {
            link.close = Some(asks);
        }
    }

    fn open(&mut self, to: &Addr, from: Option<&Addr>) -> Result<Fd, Errno> {
        let family = to.family();
        let fd = self.net.socket(family)?;
        let made = (|| {
            if family != Family::Unix {
                self.net.set(fd, SockOpt::NoDelay)?;
            }
            match from {
                Some(from) => self.net.bind(fd, from),
                None => Ok(()),
            }
        })();
        made.inspect_err(|_| self.net.close(fd))?;
        Ok(fd)
    }

    /// Gives every link one turn, in any order. Returns whether something came of it.
    pub(super) fn turn(&mut self, engine: &mut Engine<SimNet>, world: &World) -> bool {
        self.keeps = false;
        let mut order: Vec<u64> = self.links.keys().copied().collect();
        for i in (1..order.len()).rev() {
            order.swap(i, self.random.below(i as u64 + 1) as usize);
        }
        let mut acted = false;
        for bits in order {
            let conn = Id::from_bits(bits).expect("an id");
            let Some(mut link) = self.links.remove(&bits) else { continue };
            if self.sloth.late.is_some_and(|n| self.random.one_in(n)) {
                self.keeps = true;
                self.links.insert(bits, link);
                continue;
            }
            match self.step(&mut link, conn, engine, world) {
                Turn::Idle => _ = self.links.insert(bits, link),
                Turn::Done => {
                    acted = true;
                    self.links.insert(bits, link);
                }
                Turn::Failed => acted = true,
                Turn::Gone => {
                    acted = true;
                    self.gone.push(conn);
                }
            }
        }
        acted
    }

    fn step(
        &mut self,
        link: &mut Link,
        conn: Id,
        engine: &mut Engine<SimNet>,
        world: &World,
    ) -> Turn {
        if let Some(how) = link.close {
            match how {
                FedAsks::RESET => self.net.reset(link.fd),
                _ => self.net.close(link.fd),
            }
            engine.fed_closed(conn).expect("it asked to be closed");
            return Turn::Gone;
        }
        if link.failed {
            return Turn::Idle;
        }
        if link.connecting.is_some() {
            return self.connect(link, conn, engine, world);
        }
        let before = world.succeeded();
        let ready = world.readiness(link.fd);
        let mut acted = false;
        if link.receives && (!link.kept.is_empty() || ready.read && !link.ended) {
            acted |= self.receive(link, conn, engine);
        } else if ready.err {
            let error = self.net.take_error(link.fd);
            let errno = error.unwrap_or_else(Some);
            acted |= errno.is_some_and(|errno| link.fail(conn, errno, engine));
        }
        // Not only when the poller would tell it, which is when a third of the system's buffer is free:
        // what is not reported as sent counts as stalled.
        if link.sends && !link.failed {
            acted |= self.send(link, conn, engine, ready.write);
        }
        if link.shut && !link.was_shut && !link.failed {
            // ENOTCONN: it was reset, which a read shows.
            let _ = self.net.shutdown_write(link.fd);
            link.was_shut = true;
            acted = true;
        }
        if acted || world.succeeded() != before { Turn::Done } else { Turn::Idle }
    }

    /// Asks whether the connection is established.
    fn connect(
        &mut self,
        link: &mut Link,
        conn: Id,
        engine: &mut Engine<SimNet>,
        world: &World,
    ) -> Turn {
        let ready = world.readiness(link.fd);
        if link.knocked && !ready.write && !ready.err {
            return Turn::Idle;
        }
        let Some(to) = &link.connecting else { return Turn::Idle };
        match self.net.connect(link.fd, to) {
            Ok(()) => {
                link.connecting = None;
                let local = self.net.local(link.fd).ok();
                engine.fed_opened(conn, local).expect("it asked to be opened");
                Turn::Done
            }
            Err(Errno(libc::EINPROGRESS | libc::EALREADY)) => {
                // Ready, and asked in vain: the poller tells it again.
                self.keeps |= link.knocked;
                link.knocked = true;
                Turn::Idle
            }
            Err(errno) if errno.is_again() => Turn::Idle,
            Err(errno) => {
                self.net.close(link.fd);
                engine.fed_failed(conn, errno).expect("it asked to be opened");
                Turn::Failed
            }
        }
    }

    /// Hands in what came, as much as is taken.
    fn receive(&mut self, link: &mut Link, conn: Id, engine: &mut Engine<SimNet>) -> bool {
        if link.kept.is_empty() {
            let mut piece = vec![0; PIECE];
            match self.net.recv(link.fd, &mut piece) {
                Ok(0) => {
                    link.ended = true;
                    engine.fed_ended(conn).expect("it is open");
                    return true;
                }
                Ok(n) => link.kept.extend_from_slice(&piece[..n]),
                Err(errno) if errno.is_again() => {
                    self.keeps = true;
                    return false;
                }
                Err(errno) => return link.fail(conn, errno, engine),
            }
        }
        let most = self.part(link.kept.len());
        let taken = engine.fed_received(conn, &link.kept[..most]).expect("it is open");
        link.kept.drain(..taken);
        // The rest is reported when it is asked for.
        link.receives = taken == most;
        // What is asked meanwhile is heard before the next turn.
        taken > 0
    }

    /// Sends what is to be sent, as much as there is room for.
    fn send(
        &mut self,
        link: &mut Link,
        conn: Id,
        engine: &mut Engine<SimNet>,
        ready: bool,
    ) -> bool {
        let unsent = engine.fed_unsent(conn).expect("it is open").to_vec();
        let most = self.part(unsent.len());
        if most == 0 {
            link.sends = false;
            return false;
        }
        match self.net.send(link.fd, &[IoSlice::new(&unsent[..most])], false) {
            Ok(n) => {
                link.sends = n < unsent.len();
                engine.fed_sent(conn, n).expect("they wait");
                true
            }
            Err(errno) if errno.is_again() => {
                self.keeps |= ready;
                false
            }
            Err(errno) => link.fail(conn, errno, engine),
        }
    }

    /// How many of `n` bytes are moved at a time.
    fn part(&mut self, n: usize) -> usize {
        match n {
            0 => 0,
            n if self.sloth.partial => 1 + self.random.below(n as u64) as usize,
            n => n.min(PIECE),
        }
    }

    /// Whether nothing is left of any connection.
    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// What can go on and was not done, if anything.
    pub(super) fn is_lost(&self, world: &World) -> Option<String> {
        self.links.iter().find_map(|(conn, link)| {
            let ready = world.readiness(link.fd);
            let opens = link.connecting.is_some() && ready.write && link.knocked;
            let reads = link.receives && !link.failed && !link.ended && ready.read;
            let lost = link.connecting.is_none() && reads || opens || link.close.is_some();
            lost.then(|| format!("{conn:#x} is fed no more: {link:?}"))
        })
    }
}

impl Link {
    const fn new(fd: Fd, connecting: Option<Addr>) -> Self {
        Self {
            fd,
            connecting,
            knocked: false,
            receives: false,
            kept: Vec::new(),
            sends: false,
            ended: false,
            failed: false,
            shut: false,
            was_shut: false,
            close: None,
        }
    }

    fn fail(&mut self, conn: Id, errno: Errno, engine: &mut Engine<SimNet>) -> bool {
        self.failed = true;
        engine.fed_hung_up(conn, errno).expect("it is open");
        true
    }
}
