//! The descriptors that were announced to the host's poller: whether they are watched, and as what; whether
//! they are still what they were.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;

use super::circumstances::Circumstances;
use super::text::{DescriptorName, Handle, Mask, PollerBits, Span};
use super::violation::Violation;
use crate::ctrl::Io;
use crate::id::Id;
use crate::sys::{Fd, FdCondition, FileId};
use crate::time::{SECOND, Time};

/// How long a descriptor is ready before its missing readiness is named, and how often the host has polled
/// meanwhile: a host that is busy between two polls hands nothing in either.
pub(super) const READY_SPAN: u64 = 2 * SECOND;
pub(super) const READY_POLLS: u64 = 4;
/// A released descriptor that is handed in so long after its release, and so often then, was not in a batch
/// that the host had already polled.
pub(super) const RELEASE_SPAN: u64 = SECOND;
pub(super) const RELEASE_TIMES: u32 = 2;
/// How often the same readiness of an edge-triggered descriptor comes while nothing moves.
pub(super) const SAME_TIMES: u32 = 1_000;
/// How often in a row readiness comes that the mask does not have, and how long after the mask changed.
pub(super) const FOREIGN_TIMES: u32 = 64;
pub(super) const FOREIGN_SPAN: u64 = SECOND;

/// How many descriptors are looked at in one second.
const LOOK_MOST: usize = 1_024;
/// How many released descriptors are remembered.
const RELEASED_MOST: usize = 1_024;

/// A descriptor that was announced.
#[derive(Debug)]
struct Watched {
    fd: i32,
    mask: Io,
    /// When the mask was reported.
    masked_at: Time,
    file: Option<FileId>,
    /// It was closed, or its number used again: that was reported.
    is_lost: bool,
    /// All that was ever handed in.
    handed: Io,
    /// In which poll it was handed in last.
    last_poll: u64,
    /// When it was first seen ready, and in which poll, if nothing was handed in since.
    ready: Option<(Time, u64)>,
    /// The end of the peer's side was seen.
    has_ended: bool,
    foreign_times: u32,
    same: Same,
}

/// The same readiness, again and again.
#[derive(Debug, Default)]
struct Same {
    events: Io,
    times: u32,
    /// The bytes that were moved, and those that wait, when it began.
    began: (u64, usize),
}

#[derive(Debug)]
struct ReleasedDescriptor {
    descriptor: (i32, u64),
    at: Time,
    /// How often it was handed in when it could not be in a batch any more.
    times: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Announced {
    watched: BTreeMap<u64, Watched>,
    by_number: BTreeMap<i32, u64>,
    released: VecDeque<ReleasedDescriptor>,
    /// Whether some that were released are not remembered any more.
    has_forgotten: bool,
    /// Where the next look begins.
    next: u64,
}

impl Announced {
    /// An interest is reported to the host.
    pub(super) fn announce(&mut self, cx: &mut Circumstances, fd: Fd, token: Id, mask: Io) {
        let token = token.bits();
        if let Some(watched) = self.watched.get_mut(&token) {
            watched.verify(token, cx);
        }
        if mask.contains(Io::RELEASED) {
            return self.release(cx.now, token);
        }
        let file = cx.kernel.file_id(fd);
        let watched = self.watched.entry(token).or_insert_with(|| Watched {
            fd: fd.0,
            mask,
            masked_at: cx.now,
            file,
            is_lost: false,
            handed: Io::empty(),
            last_poll: 0,
            ready: None,
            has_ended: false,
            foreign_times: 0,
            same: Same::default(),
        });
        (watched.mask, watched.masked_at) = (mask, cx.now);
        (watched.ready, watched.foreign_times) = (None, 0);
        self.by_number.insert(fd.0, token);
    }

    fn release(&mut self, now: Time, token: u64) {
        let Some(watched) = self.watched.remove(&token) else { return };
        if self.by_number.get(&watched.fd) == Some(&token) {
            self.by_number.remove(&watched.fd);
        }
        if self.released.len() == RELEASED_MOST {
            self.released.pop_front();
            self.has_forgotten = true;
        }
        self.released.push_back(ReleasedDescriptor {
            descriptor: (watched.fd, token),
            at: now,
            times: 0,
        });
    }

    /// Readiness was handed in; `moved` tells how many bytes a connection has moved, by its token.
    pub(super) fn handed_in(
        &mut self,
        cx: &mut Circumstances,
        handle: Handle,
        events: Io,
        moved: impl FnOnce(u64) -> u64,
    ) {
        let token = match handle {
            Handle::Token(token) => Some(token),
            Handle::Number(fd) => self.by_number.get(&fd).copied(),
        };
        let watched = token.and_then(|token| Some((token, self.watched.get_mut(&token)?)));
        let Some((token, watched)) = watched else { return self.unknown(cx, handle) };
        if watched.last_poll == cx.polls {
            // One poll reports a descriptor once.
            cx.polls += 1;
        }
        watched.last_poll = cx.polls;
        watched.handed |= events;
        watched.ready = None;
        watched.check_hangup(token, events, cx);
        watched.check_mask(token, events, cx);
        watched.check_same(token, events, cx, moved);
    }

    /// Readiness was refused, for bits that are none of ours.
    pub(super) fn refused(&self, cx: &mut Circumstances, handle: Handle, bits: u32) {
        let token = match handle {
            Handle::Token(token) => Some(token),
            Handle::Number(fd) => self.by_number.get(&fd).copied(),
        };
        let watched = token.and_then(|token| Some((token, self.watched.get(&token)?.fd)));
        let descriptor: &dyn Display = match &watched {
            Some((token, fd)) => &DescriptorName { fd: *fd, token: *token },
            None => &handle,
        };
        let names = PollerBits(bits);
        let bits = format!("{bits:#x}");
        let values: [(&str, &dyn Display); 3] =
            [("descriptor", descriptor), ("bits", &bits), ("names", &names)];
        cx.report(Violation::PollerBits, &values);
    }

    /// Readiness of what is not announced.
    fn unknown(&mut self, cx: &mut Circumstances, handle: Handle) {
        let is_it = |released: &&mut ReleasedDescriptor| match handle {
            Handle::Token(token) => released.descriptor.1 == token,
            Handle::Number(fd) => released.descriptor.0 == fd,
        };
        let Some(released) = self.released.iter_mut().rev().find(is_it) else {
            if !self.has_forgotten {
                cx.report(Violation::UnknownToken, &[("token", &handle)]);
            }
            return;
        };
        let late = cx.now.since(released.at);
        if late <= RELEASE_SPAN {
            return;
        }
        released.times += 1;
        if released.times >= RELEASE_TIMES {
            let (fd, token) = released.descriptor;
            let values: [(&str, &dyn Display); 2] =
                [("descriptor", &DescriptorName { fd, token }), ("span", &Span(late))];
            cx.report(Violation::ReleaseIgnored, &values);
        }
    }

    /// Looks at what the kernel says of them: once a second, at some of them in turn if there are many.
    pub(super) fn look(&mut self, cx: &mut Circumstances) {
        let mut tokens: Vec<u64> =
            self.watched.range(self.next..).map(|(token, _)| *token).take(LOOK_MOST).collect();
        let left = LOOK_MOST - tokens.len();
        tokens.extend(self.watched.range(..self.next).map(|(token, _)| *token).take(left));
        self.next = tokens.last().map_or(0, |last| last + 1);
        tokens.retain(|token| {
            self.watched.get_mut(token).is_some_and(|watched| watched.verify(*token, cx))
        });
        let wanted = |token: &u64| self.watched.get(token).map(Watched::question);
        let mut conditions: Vec<FdCondition> = tokens.iter().filter_map(wanted).collect();
        cx.kernel.conditions(&mut conditions);
        for (token, condition) in tokens.iter().zip(conditions) {
            if let Some(watched) = self.watched.get_mut(token) {
                watched.check_ready(*token, condition, cx);
            }
        }
    }
}

impl Watched {
    const fn descriptor(&self, token: u64) -> DescriptorName {
        DescriptorName { fd: self.fd, token }
    }

    /// What a look asks the kernel for. Not for the end of the peer's side: not every poller has such an
    /// event.
    const fn question(&self) -> FdCondition {
        FdCondition {
            fd: Fd(self.fd),
            readable: self.mask.contains(Io::IN),
            writable: self.mask.contains(Io::OUT),
            ended: false,
        }
    }

    /// Whether it still is what was announced.
    fn verify(&mut self, token: u64, cx: &mut Circumstances) -> bool {
        if self.is_lost {
            return false;
        }
        let found = cx.kernel.file_id(Fd(self.fd));
        if found.is_some() && found == self.file {
            return true;
        }
        self.is_lost = true;
        let violation = match found {
            None => Violation::DescriptorClosed,
            Some(_) => Violation::NumberReused,
        };
        cx.report(violation, &[("descriptor", &self.descriptor(token))]);
        false
    }

    /// Whether it is ready and the host has not handed that in.
    fn check_ready(&mut self, token: u64, is: FdCondition, cx: &mut Circumstances) {
        // An edge-triggered descriptor that was reported once stays ready without another report.
        let is_due = !self.mask.contains(Io::EDGE) || self.handed.is_empty();
        if !is_due || !(is.readable || is.writable) {
            self.ready = None;
            return;
        }
        let (since, polls) = *self.ready.get_or_insert((cx.now, cx.polls));
        let span = cx.now.since(since);
        if span < READY_SPAN || cx.polls - polls < READY_POLLS {
            return;
        }
        let violation = match self.handed.is_empty() {
            true => Violation::NeverWatched,
            false => Violation::ReadinessLost,
        };
        let ready = match (is.readable, is.writable) {
            (true, true) => "readable and writable",
            (true, false) => "readable",
            _ => "writable",
        };
        let values: [(&str, &dyn Display); 3] =
            [("descriptor", &self.descriptor(token)), ("ready", &ready), ("span", &Span(span))];
        cx.report(violation, &values);
    }

    /// A hang-up that is handed in is true for ever, so a false one ends a connection too early.
    fn check_hangup(&mut self, token: u64, events: Io, cx: &mut Circumstances) {
        if !events.contains(Io::HANGUP) || events.contains(Io::ERROR) || self.has_ended {
            return;
        }
        let mut one = [FdCondition { readable: true, writable: true, ..self.question() }];
        cx.kernel.conditions(&mut one);
        self.has_ended = one[0].ended;
        if !self.has_ended && self.verify(token, cx) {
            cx.report(Violation::FalseHangup, &[("descriptor", &self.descriptor(token))]);
        }
    }

    /// Readiness that nobody asked for is legal, and a mask that is not followed is only waste: it is named
    /// when it goes on.
    fn check_mask(&mut self, token: u64, events: Io, cx: &mut Circumstances) {
        // Pollers report errors without being asked, and some then report both directions.
        let is_foreign = !events.contains(Io::ERROR) && !self.mask.contains(events);
        self.foreign_times = if is_foreign { self.foreign_times + 1 } else { 0 };
        if self.foreign_times < FOREIGN_TIMES || cx.now.since(self.masked_at) < FOREIGN_SPAN {
            return;
        }
        let values: [(&str, &dyn Display); 4] = [
            ("descriptor", &self.descriptor(token)),
            ("count", &self.foreign_times),
            ("mask", &Mask(events)),
            ("announced", &Mask(self.mask)),
        ];
        cx.report(Violation::NotInMask, &values);
        self.foreign_times = 0;
    }

    /// Under edge triggering the poller reports changes: where nothing changes it reports nothing.
    fn check_same(
        &mut self,
        token: u64,
        events: Io,
        cx: &mut Circumstances,
        moved: impl FnOnce(u64) -> u64,
    ) {
        if !self.mask.contains(Io::EDGE) {
            return;
        }
        let is_first = self.same.times == 0 || self.same.events != events;
        self.same.times = if is_first { 1 } else { self.same.times + 1 };
        self.same.events = events;
        if !is_first && self.same.times < SAME_TIMES {
            return;
        }
        let state = (moved(token), cx.kernel.unread(Fd(self.fd)));
        if is_first {
            self.same.began = state;
            return;
        }
        if self.same.began == state {
            let values: [(&str, &dyn Display); 3] = [
                ("descriptor", &self.descriptor(token)),
                ("count", &self.same.times),
                ("mask", &Mask(events)),
            ];
            cx.report(Violation::NotEdge, &values);
        }
        self.same.times = 0;
    }
}
