//! The built-in host: a poller for programs that have none, over mio, which only this folder names.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};

use crate::ctrl::Io;
use crate::id::Id;
use crate::sys::Fd;

/// Events fetched from the system in one go.
const EVENTS: usize = 256;
/// Not the bits of any id: those of kind 0 are none.
const WAKE: Token = Token(0);

/// What the system is asked to watch, and what it said.
pub(crate) struct Poller {
    poll: RefCell<Poll>,
    registry: Registry,
    waker: Waker,
    events: RefCell<Events>,
    /// Descriptors that stay level-triggered. mio tells edges only; registering again after an event
    /// makes a level of them.
    levels: RefCell<HashMap<Id, Fd>>,
    stopped: Cell<bool>,
}

impl Poller {
    /// A poller that watches nothing.
    ///
    /// # Errors
    /// What the system answers.
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

    /// Watches `fd` for `new` instead of `old`.
    ///
    /// # Errors
    /// What the system answers; the watch is as it was.
    pub(crate) fn watch(&self, fd: Fd, token: Id, old: Io, new: Io) -> io::Result<()> {
        let mut source = SourceFd(&fd.0);
        let known = old.intersects(Io::BOTH);
        let Some(interest) = interest(new) else {
            self.levels.borrow_mut().remove(&token);
            return if known { self.registry.deregister(&mut source) } else { Ok(()) };
        };
        if !new.contains(Io::EDGE) {
            self.levels.borrow_mut().insert(token, fd);
        }
        let mio_token = Token(token.bits() as usize);
        if known {
            self.registry.reregister(&mut source, mio_token, interest)
        } else {
            self.registry.register(&mut source, mio_token, interest)
        }
    }

    /// Waits for readiness, at most `most`, and hands over what came.
    ///
    /// # Errors
    /// What the system answers; a signal is no error and hands over nothing.
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
            Some((id, told(event)))
        });
        Ok(ready.collect())
    }

    /// The event of `token` has been dealt with.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn dealt_with(&self, token: Id) -> io::Result<()> {
        let levels = self.levels.borrow();
        let Some(fd) = levels.get(&token) else { return Ok(()) };
        let mio_token = Token(token.bits() as usize);
        self.registry.reregister(&mut SourceFd(&fd.0), mio_token, Interest::READABLE)
    }

    /// Ends the wait, from any thread or signal handler.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }

    /// Whether [`Poller::wake`] has ended a wait since this was last asked.
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

fn told(event: &mio::event::Event) -> Io {
    let mut io = Io::empty();
    io.set(Io::IN, event.is_readable());
    io.set(Io::OUT, event.is_writable());
    io.set(Io::HANGUP, event.is_read_closed());
    io.set(Io::ERROR, event.is_error() || event.is_write_closed());
    io
}
