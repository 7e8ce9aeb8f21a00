//! The word of operations compared with a simple model, over every state that it can reach.
//!
//! The model is a map from operations to stages, without any bits. Every state is driven
//! with every answer a step may give and everything that may happen from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use super::{
    Cause, CloseMode, Code, Conn, Direction, Driven, Ending, Events, Facts, Flags, HalfClose, Op,
    OpKind, OpSet, OpWord, Opening, Owner, Plan, State, Wait, Why,
};
use crate::agenda::Listed;
use crate::config::{AcceptConfig, ConnectConfig};
use crate::ctrl::Ctrl;
use crate::data::DataLayer;
use crate::sys::Addr;
use crate::time::Time;
use crate::wheel::Wheel;

/// The closing operations and their predecessors, as in section 5 of the design.
const CLOSING: [(Op, &[Op]); 7] = [
    (Op::Dshw, &[]),
    (Op::Dshr, &[]),
    (Op::Dclose, &[Op::Dshw, Op::Dshr]),
    (Op::Cshw, &[Op::Dshw]),
    (Op::Cshr, &[Op::Dshr]),
    (Op::Cclose, &[Op::Cshw, Op::Cshr, Op::Dclose]),
    (Op::Fclose, &[Op::Cclose]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Unwanted,
    Wanted,
    Started,
    Complete,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Model {
    stages: BTreeMap<Op, Stage>,
    /// Whether a failure is latched.
    failed: bool,
    outgoing: bool,
}

#[derive(Clone, Copy, Debug)]
enum Input {
    /// A step of an operation that may run is done, has to wait, or fails.
    Done(Op),
    Waits(Op),
    Fails(Op),
    /// A step has sent the last bytes instead of a session.
    Leaves(Op),
    /// A step skips to a later operation.
    Leaps(Op, Op),
    /// The peer has ended its side: `clean` is an end of the data layer, else one of the layer below.
    Eof {
        clean: bool,
    },
    /// The peer takes no more.
    WriteFails,
    Shut(Direction),
    End(Ending, Blame),
}

/// Whether an end comes with a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    Nobody,
    Somebody,
}

impl Model {
    fn stage(&self, op: Op) -> Stage {
        self.stages.get(&op).copied().unwrap_or(Stage::Unwanted)
    }

    fn incomplete(&self, op: Op) -> bool {
        matches!(self.stage(op), Stage::Wanted | Stage::Started)
    }

    fn closes(&self) -> bool {
        self.stage(Op::Fclose) != Stage::Unwanted
    }

    fn opens(&self) -> bool {
        let opening = Op::ALL.iter().filter(|op| op.kind() != OpKind::Closing);
        !self.closes() && opening.copied().any(|op| self.incomplete(op))
    }

    /// The state as in section 2 of the design.
    fn state(&self) -> State {
        if self.stage(Op::Fclose) == Stage::Complete || (self.closes() && !self.failed) {
            State::Closed
        } else if self.failed {
            State::Error
        } else if !self.opens() {
            State::Established
        } else if self.outgoing {
            State::Connecting
        } else {
            State::Accepted
        }
    }

    fn may_run(&self, op: Op) -> bool {
        if !self.incomplete(op) {
            return false;
        }
        match CLOSING.iter().find(|(closing, _)| *closing == op) {
            Some((_, after)) => !after.iter().any(|before| self.incomplete(*before)),
            None if self.closes() => false,
            None => {
                let earlier = Op::ALL.iter().filter(|other| other.kind() == op.kind());
                !earlier.take_while(|other| **other != op).any(|other| self.incomplete(*other))
            }
        }
    }

    fn set(&mut self, op: Op, stage: Stage) {
        self.stages.insert(op, stage);
    }

    fn want(&mut self, op: Op) {
        if self.stage(op) == Stage::Unwanted {
            self.set(op, Stage::Wanted);
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Done(op) => {
                self.set(op, Stage::Complete);
                if op == Op::Dclose {
                    for made in [Op::TlsAccept, Op::TlsConnect] {
                        self.set(made, Stage::Unwanted);
                    }
                }
            }
            Input::Waits(op) => self.set(op, Stage::Started),
            Input::Fails(op) => {
                let ending = if self.opens() { Ending::Refused } else { Ending::Abort };
                self.set(op, Stage::Started);
                self.take(Input::End(ending, Blame::Somebody));
            }
            Input::Leaves(op) => {
                self.set(op, Stage::Complete);
                self.take(Input::End(Ending::Orderly, Blame::Nobody));
            }
            Input::Leaps(from, to) => {
                for op in Op::ALL.iter().copied().filter(|op| from < *op && *op < to) {
                    if self.stage(op) == Stage::Wanted {
                        self.set(op, Stage::Unwanted);
                    }
                }
                self.want(to);
                self.set(from, Stage::Complete);
            }
            Input::Eof { clean } => {
                self.failed |= !clean;
                self.take(Input::Shut(Direction::Read));
            }
            Input::WriteFails => {
                self.failed = true;
                self.take(Input::Shut(Direction::Write));
                self.set(Op::Dshw, Stage::Complete);
                self.set(Op::Cshw, Stage::Complete);
            }
            Input::Shut(direction) => {
                let (ops, other) = match direction {
                    Direction::Read => ([Op::Dshr, Op::Cshr], Op::Dshw),
                    Direction::Write => ([Op::Dshw, Op::Cshw], Op::Dshr),
                };
                for op in ops {
                    self.want(op);
                }
                if self.stage(other) != Stage::Unwanted {
                    for op in [Op::Dclose, Op::Cclose, Op::Fclose] {
                        self.want(op);
                    }
                }
            }
            Input::End(ending, blame) => {
                self.failed |= blame == Blame::Somebody;
                for op in Op::ALL.iter().copied().filter(|op| op.kind() != OpKind::Closing) {
                    let shakes = matches!(op, Op::TlsAccept | Op::TlsConnect);
                    let keeps = shakes && self.stage(op) == Stage::Started;
                    if self.incomplete(op) && !keeps {
                        self.set(op, Stage::Unwanted);
                    }
                }
                for (op, _) in CLOSING {
                    self.want(op);
                }
                if ending == Ending::Abort {
                    for op in [Op::Dshw, Op::Dshr, Op::Cshw, Op::Cshr] {
                        self.set(op, Stage::Complete);
                    }
                }
            }
        }
    }
}

/// A connection in this state, without a socket.
pub(super) fn conn(plan: &Plan, word: OpWord, failed: bool) -> Conn {
    let peer = Addr::parse("192.0.2.1:1").expect("an address");
    Conn {
        word,
        ctrl: Ctrl::default(),
        data: DataLayer::raw(),
        cause: failed.then(cause),
        facts: Box::new(Facts::new(plan.clone(), peer, Time(0))),
        deadline: Time::NEVER,
        retry_at: Time::NEVER,
        timer: Wheel::new(Time(0)).insert(0),
        owner: Owner::Host,
        user: 0,
        waits: Wait::empty(),
        flow: Wait::empty(),
        events: Events::empty(),
        half_close: HalfClose::Free,
        opening: Opening::Nothing,
        close_mode: CloseMode::Orderly,
        flags: Flags::empty(),
        listed: Listed::empty(),
    }
}

fn cause() -> Box<Cause> {
    Box::new(Cause::new(None, Why::Reset))
}

/// Does to the connection what the driver, the closing steps and the session do for `input`.
fn apply(conn: &mut Conn, input: Input) {
    let word = &mut conn.word;
    match input {
        Input::Done(op) => {
            if op == Op::Dclose {
                word.undo(Op::TlsAccept);
                word.undo(Op::TlsConnect);
            }
            word.finish(op);
        }
        Input::Waits(op) => word.start(op),
        Input::Fails(op) => {
            word.start(op);
            conn.fail(cause());
        }
        Input::Leaves(op) => {
            word.finish(op);
            conn.leave();
        }
        Input::Leaps(from, to) => {
            word.leap(from, to);
            word.finish(from);
        }
        Input::Eof { clean } => {
            if !clean {
                conn.truncated();
            }
            conn.word.shut(Direction::Read);
        }
        Input::WriteFails => conn.end_writing(cause()),
        Input::Shut(direction) => word.shut(direction),
        Input::End(ending, Blame::Nobody) => conn.end(ending, None),
        Input::End(ending, Blame::Somebody) => conn.end(ending, Some(cause())),
    }
}

const fn stage(code: Code) -> Stage {
    match code {
        Code::Unwanted => Stage::Unwanted,
        Code::Wanted => Stage::Wanted,
        Code::Started => Stage::Started,
        Code::Complete => Stage::Complete,
    }
}

/// Compares a state with the model, and checks the invariants.
fn check(conn: &Conn, model: &Model) {
    let word = conn.word;
    assert_eq!(conn.state(), model.state(), "[{word}]");
    assert_eq!(conn.cause.is_some(), model.failed, "[{word}]");
    assert_eq!(word.is_opening(), model.opens(), "[{word}]");
    for &op in Op::ALL {
        assert_eq!(stage(word.code(op)), model.stage(op), "{} in [{word}]", op.name());
        assert_eq!(word.may_run(op), model.may_run(op), "{} may run in [{word}]", op.name());
    }
    assert_eq!(word.is_closing(), model.closes());
    let both = word.is_wanted(Op::Dshr) && word.is_wanted(Op::Dshw);
    assert_eq!(both, word.is_closing(), "whichever direction is second closes: [{word}]");
    if word.is_complete(Op::Dclose) {
        let rest = word.incomplete().both(OpSet::OPENING);
        assert!(rest.is_empty(), "something is left of the opening: [{word}]");
    }
    if !word.incomplete().is_empty() {
        assert!(word.runnable().first().is_some(), "nothing can run: [{word}]");
    }
    for (one, other) in [(Op::Dshw, Op::Dshr), (Op::Dshr, Op::Dshw)] {
        let waits = matches!(word.code(one), Code::Wanted | Code::Started);
        let may = word.may_run(one);
        assert_eq!(waits, may, "{} waits for {}: [{word}]", one.name(), other.name());
    }
    if word.is_complete(Op::Fclose) {
        assert!(word.incomplete().is_empty(), "closed and not done: [{word}]");
    }
}

/// Every input that may occur in a state.
fn inputs(conn: &Conn) -> Vec<Input> {
    let word = conn.word;
    let mut inputs: Vec<Input> = Vec::new();
    for op in word.runnable().iter() {
        inputs.extend([Input::Done(op), Input::Waits(op), Input::Fails(op)]);
        inputs.extend(match op {
            Op::MonitorIn => Some(Input::Leaps(op, Op::SendLastChunk)),
            Op::SendLastChunk => Some(Input::Leaves(op)),
            _ => None,
        });
    }
    for blame in [Blame::Nobody, Blame::Somebody] {
        let endings = [Ending::Orderly, Ending::Refused, Ending::Abort];
        inputs.extend(endings.map(|ending| Input::End(ending, blame)));
    }
    if conn.may_read() {
        inputs.extend([true, false].map(|clean| Input::Eof { clean }));
    }
    if conn.may_write() {
        inputs.push(Input::WriteFails);
    }
    if !word.is_opening() {
        inputs.extend([Direction::Read, Direction::Write].map(Input::Shut));
    }
    inputs
}

/// Every state that can be reached from the wanted operations.
fn explore(wanted: &[Op]) -> BTreeSet<Model> {
    let outgoing = wanted.iter().any(|op| op.kind() == OpKind::Outgoing);
    let plan = if outgoing {
        Plan::Outgoing(Arc::new(ConnectConfig::default()))
    } else {
        Plan::Incoming(Arc::new(AcceptConfig::default()))
    };
    let stages = Op::ALL.iter().map(|op| (*op, Stage::Unwanted)).collect();
    let mut model = Model { stages, failed: false, outgoing };
    let mut word = OpWord::default();
    for op in wanted {
        word.want(*op);
        model.set(*op, Stage::Wanted);
    }
    let mut known = BTreeSet::new();
    let mut todo = vec![(conn(&plan, word, false), model)];
    while let Some((reached, model)) = todo.pop() {
        if !known.insert(model.clone()) {
            continue;
        }
        check(&reached, &model);
        for input in inputs(&reached) {
            let mut next = conn(&plan, reached.word, model.failed);
            let mut expected = model.clone();
            apply(&mut next, input);
            expected.take(input);
            todo.push((next, expected));
        }
    }
    known
}

#[test]
fn every_reachable_word_and_state_is_the_model_s() {
    use Op::{
        AcceptCip, AcceptProxy, AcceptRules, AcceptSession, CtrlConnect, CustomClear,
        CustomClearOut, CustomRaw, CustomRawOut, Inspect, MonitorIn, SendLastChunk, SendProxy,
        SessionRules, SocksRecv, SocksSend, TcpRules, TlsAccept, TlsConnect,
    };
    let plans: [&[Op]; 16] = [
        &[AcceptSession],
        &[AcceptProxy, AcceptSession],
        &[TlsAccept, AcceptSession],
        &[AcceptProxy, TlsAccept, AcceptSession],
        &[AcceptCip, AcceptSession],
        &[MonitorIn, AcceptProxy, AcceptCip, TlsAccept, AcceptSession],
        &[TlsAccept, SendLastChunk, AcceptSession],
        &[CustomRaw, TlsAccept, CustomClear, AcceptSession],
        &[AcceptRules, AcceptProxy, TcpRules, TlsAccept, SessionRules, Inspect, AcceptSession],
        &[CtrlConnect, CustomRawOut, TlsConnect, CustomClearOut],
        &[CtrlConnect],
        &[CtrlConnect, SendProxy],
        &[CtrlConnect, TlsConnect],
        &[CtrlConnect, SocksSend, SocksRecv],
        &[CtrlConnect, SendProxy, SocksSend, SocksRecv, TlsConnect],
        &[CtrlConnect, SendProxy, TlsConnect],
    ];
    for plan in plans {
        let known = explore(plan);
        assert!(known.len() > 50, "the exploration is too small: {plan:?}");
        let opening = if plan.contains(&CtrlConnect) { State::Connecting } else { State::Accepted };
        for state in [opening, State::Established, State::Closed, State::Error] {
            assert!(known.iter().any(|model| model.state() == state), "{state:?} of {plan:?}");
        }
    }
}

#[allow(clippy::disallowed_methods)] // The library reads no environment; its tests may.
#[test]
fn the_table_of_operations_is_the_one_in_the_documentation() {
    let mut table = String::from("number name kind timeout after\n");
    for op in Op::ALL {
        let after: Vec<&str> = op.after().iter().map(Op::name).collect();
        let after = if after.is_empty() { "-".to_owned() } else { after.join(",") };
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{} {} {:?} {:?} {after}",
            op.number(),
            op.name(),
            op.kind(),
            op.timeout_kind()
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ops.txt");
    if std::env::var_os("VST_BLESS").is_some() {
        std::fs::write(path, &table).expect("the table is written");
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(known, table, "VST_BLESS=1 rewrites docs/ops.txt");
}
