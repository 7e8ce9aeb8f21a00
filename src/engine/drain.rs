//! Draining an engine: first no new connections, then time for open ones to end, then abort.

use super::{Engine, Refusal, TimerOwner};
use crate::conn::{Cause, Conn, Ending, Events, Flags, Owner, Why};
use crate::cx::NOBODY;
use crate::slab::Key;
use crate::stream::By;
use crate::sys::Net;
use crate::time::Time;
use crate::wheel::Timer;

/// How far a drain goes; each stage includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DrainStage {
    /// It still accepts connections, but health answers fail, so that no new ones are sent here.
    LameDuck,
    /// Listeners stop accepting; what waits in their queues is left to other processes that share the
    /// sockets.
    Pause,
    /// Listeners accept what waits and are closed.
    Close,
}

/// A drain under way.
#[derive(Debug)]
pub(super) struct Draining {
    how: DrainStage,
    deadline: Time,
    timer: Timer,
    aborted: u64,
}

impl Draining {
    /// The stage.
    pub(super) const fn how(&self) -> DrainStage {
        self.how
    }
}

/// The state of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainState {
    /// The stage.
    pub how: DrainStage,
    /// When the connections and streams that remain are aborted.
    pub deadline: Time,
    /// Connections and streams that were aborted when the grace period had passed.
    pub aborted: u64,
}

impl<N: Net> Engine<N> {
    /// Begins to drain the engine, or goes to a later stage. From [`DrainStage::Pause`] on, the host gets an
    /// event for each of its sessions that it should end, and what remains `grace` nanoseconds later is
    /// aborted; with [`FOREVER`](crate::time::FOREVER) nothing is.
    ///
    /// # Errors
    /// [`Refusal::State`] for an earlier stage than the present one.
    pub fn drain(&mut self, how: DrainStage, grace: u64) -> Result<(), Refusal> {
        let earlier = self.draining.take();
        if let Some(draining) = &earlier
            && draining.how > how
        {
            self.draining = earlier;
            return Err(Refusal::State);
        }
        let (timer, aborted) = match earlier {
            Some(draining) => (draining.timer, draining.aborted),
            None => (self.tools.timers.insert(TimerOwner::Drain.tag()), 0),
        };
        let is_bounded = how > DrainStage::LameDuck;
        let deadline = if is_bounded { self.tools.now + grace } else { Time::NEVER };
        self.tools.timers.set(timer, deadline);
        self.draining = Some(Draining { how, deadline, timer, aborted });
        self.trace_drain(how, deadline);
        if how > DrainStage::LameDuck {
            self.stop_listeners(how);
            self.report_draining();
            self.give_up_checks();
            self.hand_checks_over();
            self.drain_links();
        }
        Ok(())
    }

    /// The state of the drain; `None` when there is none.
    pub fn drain_state(&self) -> Option<DrainState> {
        self.draining.as_ref().map(|draining| DrainState {
            how: draining.how,
            deadline: draining.deadline,
            aborted: draining.aborted,
        })
    }

    /// Whether a drain is done: nothing is left but what it leaves.
    pub fn is_drained(&self) -> bool {
        self.draining.as_ref().is_some_and(|draining| {
            let listeners = match draining.how {
                DrainStage::LameDuck => return false,
                DrainStage::Pause => 0,
                DrainStage::Close => self.registry.listeners.len(),
            };
            self.conns.len() + self.streams.len() + listeners == 0
        })
    }

    /// Whether sessions are asked to end, and listeners stop accepting.
    pub(super) fn lets_end(&self) -> bool {
        self.draining.as_ref().is_some_and(|draining| draining.how > DrainStage::LameDuck)
    }

    /// Whether a drain allows listeners to accept.
    pub(super) fn may_listen(&self) -> Result<(), Refusal> {
        if self.lets_end() { Err(Refusal::State) } else { Ok(()) }
    }

    fn stop_listeners(&mut self, how: DrainStage) {
        let keys: Vec<Key> = self.registry.listeners.iter().map(|(key, _)| key).collect();
        for key in keys {
            let id = self.id(crate::id::Kind::Listener, key);
            // An error means that the listener is closing already.
            let _ = match how {
                DrainStage::Close => self.close_listener(id),
                DrainStage::LameDuck | DrainStage::Pause => self.pause_listener(id),
            };
        }
    }

    fn report_draining(&mut self) {
        let Self { conns, tools, registry, .. } = self;
        let mut cx = tools.cx(registry, NOBODY);
        for (key, conn) in conns.iter_mut().filter(|(_, conn)| is_hosts(conn)) {
            conn.events.insert(Events::DRAINING);
            conn.settle(key, &mut cx);
        }
    }

    /// The grace period has passed: what remains is aborted.
    pub(super) fn drain_deadline(&mut self) {
        self.trace_drain_over();
        let streams: Vec<Key> = self.streams.iter().map(|(key, _)| key).collect();
        let mut aborted = 0;
        for key in streams {
            if self.streams.get(key).is_ok_and(|stream| !stream.is_over()) {
                aborted += 1;
                self.cut_stream(key, Ending::Abort, By::Host, over());
                self.work_stream(key.slot);
            }
        }
        let conns: Vec<Key> = self.conns.iter().map(|(key, _)| key).collect();
        for key in conns {
            let Ok(conn) = self.conns.get_mut(key) else { continue };
            if conn.seat().is_none() {
                aborted += u64::from(!conn.word.is_closing());
                conn.end(Ending::Abort, Some(Box::new(over())));
                self.work(key);
            }
        }
        if let Some(draining) = &mut self.draining {
            draining.aborted += aborted;
        }
    }
}

/// Whether it is a session that the host itself reads and writes.
const fn is_hosts(conn: &Conn) -> bool {
    matches!(conn.owner, Owner::Host)
        && !conn.flags.contains(Flags::CLOSED_BY_HOST)
        && !conn.word.is_opening()
        && !conn.word.is_closing()
}

fn over() -> Cause {
    Cause::new(None, Why::Aborted).because("the time that draining left for it is over")
}
