//! The programs that use the engine, and the rules for what is reported to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::{ConnectConfig, StreamConfig};
use crate::conn::Direction;
use crate::engine::{
    ConnectOptions, Engine, Event, EventKind, HandlerAnswer, Question, Received, Sent, StartTls,
};
use crate::id::Id;
use crate::sim::SimNet;
use crate::sys::Addr;
use crate::tls::ServerTls;

/// A handler of the host's own: what it answers to a question.
pub(super) type Script =
    Box<dyn Fn(&mut Engine<SimNet>, &mut Question) -> HandlerAnswer + Send + Sync>;

/// What the host does with its connections.
#[derive(Clone, Debug)]
pub(super) enum Program {
    /// Nothing: the test does.
    Idle,
    /// Sends back what arrives, and ends when the peer does.
    Echo,
    /// Takes a line from each session, answers with another, begins TLS, and echoes after it.
    StartTls { tls: Arc<ServerTls>, answer: &'static [u8] },
    /// Joins each session with a new connection.
    Forward { to: Addr, config: Arc<ConnectConfig>, stream: Arc<StreamConfig> },
    /// Joins each session with a server of a backend.
    ForwardTo { backend: Id, stream: Arc<StreamConfig> },
}

/// A stream that is bounded by silence alone.
pub(super) fn silent(span: u64) -> Arc<StreamConfig> {
    let config = StreamConfig { client: span, server: span, ..StreamConfig::default() };
    Arc::new(StreamConfig { client_fin: 0, server_fin: 0, ..config })
}

#[derive(Debug, Default)]
struct Talk {
    unsent: Vec<u8>,
    ended: bool,
    over: bool,
}

/// One program, everything that was reported to it, and its state.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) program: Program,
    pub(super) events: Vec<Event>,
    /// What handlers had to free, in that order.
    pub(super) spent: Vec<u64>,
    /// Sessions whose TLS handshake is complete.
    secured: BTreeSet<u64>,
    /// Streams that were begun and have not ended.
    pub(super) streams: Vec<Id>,
    talks: BTreeMap<u64, Talk>,
    ended: BTreeSet<u64>,
    begun: BTreeSet<u64>,
    paused: BTreeMap<u64, bool>,
}

impl Host {
    pub(super) fn new(program: Program) -> Self {
        Self {
            program,
            events: Vec::new(),
            spent: Vec::new(),
            secured: BTreeSet::new(),
            streams: Vec::new(),
            talks: BTreeMap::new(),
            ended: BTreeSet::new(),
            begun: BTreeSet::new(),
            paused: BTreeMap::new(),
        }
    }

    pub(super) fn hear(&mut self, engine: &mut Engine<SimNet>, event: Event) {
        self.check(&event);
        let id = event.id;
        let kind = event.kind.clone();
        self.events.push(event);
        match (&self.program, kind) {
            (_, EventKind::StreamEnd(_)) => self.streams.retain(|stream| *stream != id),
            (Program::Idle, _) => {}
            (
                Program::Echo,
                EventKind::Session
                | EventKind::Connected
                | EventKind::Readable
                | EventKind::Writable,
            ) => self.echo(engine, id),
            (Program::StartTls { .. }, EventKind::Secured) => {
                self.secured.insert(id.bits());
                self.echo(engine, id);
            }
            (
                Program::StartTls { tls, answer },
                EventKind::Session | EventKind::Readable | EventKind::Writable,
            ) => {
                if self.secured.contains(&id.bits()) {
                    return self.echo(engine, id);
                }
                let (tls, answer) = (Arc::clone(tls), *answer);
                if self.begin_tls(engine, id, tls, answer).is_none() {
                    let _ = engine.close(id);
                }
            }
            (Program::Forward { to, config, stream }, EventKind::Session) => {
                let options = ConnectOptions { client: Some(id), ..ConnectOptions::default() };
                let joined = engine
                    .connect(to.clone(), Arc::clone(config), &options)
                    .and_then(|server| engine.forward(id, server, Some(Arc::clone(stream)), 0));
                match joined {
                    Ok(stream) => self.streams.push(stream),
                    // It may have failed already, after the event and before now.
                    Err(_) => {
                        let _ = engine.abort(id);
                    }
                }
            }
            (Program::ForwardTo { backend, stream }, EventKind::Session) => {
                match engine.forward_to(id, *backend, Some(Arc::clone(stream)), 0) {
                    Ok(stream) => self.streams.push(stream),
                    Err(_) => {
                        let _ = engine.abort(id);
                    }
                }
            }
            _ => {}
        }
    }

    /// Goes as far as it can; `None` if the connection cannot be used any more.
    fn begin_tls(
        &mut self,
        engine: &mut Engine<SimNet>,
        id: Id,
        tls: Arc<ServerTls>,
        answer: &[u8],
    ) -> Option<()> {
        let heard = &mut self.talks.entry(id.bits()).or_default().unsent;
        let mut space = [0; 1000];
        let end = loop {
            if let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
                break end + 1;
            }
            match engine.recv(id, &mut space).ok()? {
                Received::Bytes(n) => heard.extend(&space[..n]),
                Received::Wait => return Some(()),
                _ => return None,
            }
        };
        let early = heard.split_off(end);
        heard.clear();
        // If the system does not take a line at once, the connection is given up.
        (engine.send(id, answer).ok()? == Sent::Bytes(answer.len())).then_some(())?;
        engine.start_tls(id, StartTls::Server(tls), &early).ok()
    }

    fn echo(&mut self, engine: &mut Engine<SimNet>, id: Id) {
        let talk = self.talks.entry(id.bits()).or_default();
        let mut space = [0; 1000];
        while !talk.over {
            while !talk.unsent.is_empty() {
                match engine.send(id, &talk.unsent) {
                    Ok(Sent::Bytes(n)) => {
                        assert!(n > 0, "a write that took nothing and did not say so");
                        talk.unsent.drain(..n);
                    }
                    Ok(Sent::Wait) => return,
                    Ok(Sent::Failed(_)) | Err(_) => {
                        talk.over = true;
                        let _ = engine.close(id);
                        return;
                    }
                }
            }
            if talk.ended {
                talk.over = true;
                engine.shutdown(id, Direction::Write).expect("the read side alone has ended");
                return;
            }
            match engine.recv(id, &mut space) {
                Ok(Received::Bytes(n)) => talk.unsent.extend(&space[..n]),
                Ok(Received::Wait) => return,
                Ok(Received::End | Received::Truncated) => talk.ended = true,
                Ok(Received::Failed(_)) | Err(_) => {
                    talk.over = true;
                    let _ = engine.close(id);
                }
            }
        }
    }

    /// Which events may be reported, and in which order.
    fn check(&mut self, event: &Event) {
        let id = event.id.bits();
        assert!(!self.ended.contains(&id), "news of {id:#x} after its end: {event:?}");
        match &event.kind {
            EventKind::Session | EventKind::Connected => {
                assert!(self.begun.insert(id), "{id:#x} has become a session twice");
            }
            EventKind::Secured
            | EventKind::Draining
            | EventKind::Readable
            | EventKind::Writable => {}
            EventKind::Refused(record) => {
                assert!(!self.begun.contains(&id), "{id:#x} was a session and is refused");
                assert!(record.cause.is_some(), "refused without a cause");
                self.ended.insert(id);
            }
            EventKind::Server(..)
            | EventKind::LinkUp
            | EventKind::LinkDown(_)
            | EventKind::Resolve(..) => {}
            EventKind::Closed(_)
            | EventKind::StreamEnd(_)
            | EventKind::ListenerClosed
            | EventKind::LinkClosed => {
                self.ended.insert(id);
            }
            EventKind::Paused(_) | EventKind::Resumed => {
                let pauses = matches!(event.kind, EventKind::Paused(_));
                let was = self.paused.insert(id, pauses).unwrap_or(false);
                assert_ne!(was, pauses, "{:?} is told twice", event.kind);
            }
        }
    }

    /// The identifiers of the sessions so far, oldest first.
    pub(super) fn sessions(&self) -> Vec<Id> {
        let begins =
            |event: &&Event| matches!(event.kind, EventKind::Session | EventKind::Connected);
        self.events.iter().filter(begins).map(|event| event.id).collect()
    }
}
