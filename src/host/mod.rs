//! The built-in host: a poller for programs that have none, over mio. Only this folder uses mio.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};

use crate::ctrl::Io;
use crate::id::Id;
use crate::sys::Fd;

/// The most events fetched from the system at a time.
const EVENTS: usize = 256;
/// No id has these bits, since kind 0 does not exist.
const WAKE: Token = Token(0);

/// The poller: what the system watches, and the events it reported.
pub(crate) struct Poller {
    poll: RefCell<Poll>,
    registry: Registry,
    waker: Waker,
    events: RefCell<Events>,
    /// Descriptors that are level-triggered for the engine. mio is edge-triggered; registering again
    /// after an event emulates a level.
    levels: RefCell<HashMap<Id, Fd>>,
    stopped: Cell<bool>,
}

impl Poller {
    /// A poller that watches nothing.
    ///
    /// # Errors
    /// An error of the system.
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE)?;
        Ok(Self {
            poll: RefCell::new(poll),
            registry,
            waker,
            events: RefCell::new(Events::with_capacity(EVENTS)),
            levels: RefCell::new(HashMap::new()),
            stopped: Cell::new(false),
        })
    }

    /// Has the system watch `fd` for `new` instead of `old`.
    ///
    /// # Errors
    /// An error of the system; then nothing has changed.
    pub(crate) fn watch(&self, fd: Fd, token: Id, old: Io, new: Io) -> io::Result<()> {
        let mut source = SourceFd(&fd.0);
        let known = old.intersects(Io::BOTH);
        let Some(interest) = interest(new) else {
            self.levels.borrow_mut().remove(&token);
            return if known { self.registry.deregister(&mut source) } else { Ok(()) };
        };
        let mio_token = Token(token.bits() as usize);
        if known {
            self.registry.reregister(&mut source, mio_token, interest)?;
        } else {
            self.registry.register(&mut source, mio_token, interest)?;
        }
        if !new.contains(Io::EDGE) {
            self.levels.borrow_mut().insert(token, fd);
        }
        Ok(())
    }

    /// Waits for readiness, at most for `most`, and returns the events.
    ///
    /// # Errors
    /// An error of the system. A signal is not an error and returns no events.
    pub(crate) fn wait(&self, most: Option<Duration>) -> io::Result<Vec<(Id, Io)>> {
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, most) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Vec::new()),
            result => result?,
        }
        let ready = events.iter().filter_map(|event| {
            if event.token() == WAKE {
                self.stopped.set(true);
            }
            let id = Id::from_bits(event.token().0 as u64)?;
            Some((id, reported(event)))
        });
        Ok(ready.collect())
    }

    /// The event of `token` has been handled.
    ///
    /// # Errors
    /// An error of the system.
    pub(crate) fn dealt_with(&self, token: Id) -> io::Result<()> {
        let levels = self.levels.borrow();
        let Some(fd) = levels.get(&token) else { return Ok(()) };
        let mio_token = Token(token.bits() as usize);
        self.registry.reregister(&mut SourceFd(&fd.0), mio_token, Interest::READABLE)
    }

    /// Ends the wait, from any thread or signal handler.
    ///
    /// # Errors
    /// An error of the system.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }

    /// Whether [`Poller::wake`] has ended a wait since the last call of this.
    pub(crate) fn take_stopped(&self) -> bool {
        self.stopped.replace(false)
    }
}

fn interest(io: Io) -> Option<Interest> {
    let read = io.contains(Io::IN).then_some(Interest::READABLE);
    let write = io.contains(Io::OUT).then_some(Interest::WRITABLE);
    match (read, write) {
        (Some(read), Some(write)) => Some(read | write),
        (one, other) => one.or(other),
    }
}

fn reported(event: &mio::event::Event) -> Io {
    let mut io = Io::empty();
    io.set(Io::IN, event.is_readable());
    io.set(Io::OUT, event.is_writable());
    io.set(Io::HANGUP, event.is_read_closed());
    io.set(Io::ERROR, event.is_error() || event.is_write_closed());
    io
}
