//! The word of operations against a plain model, over every state it can reach.
//!
//! The model is a map from operations to words; it knows nothing of bits. Every state is driven
//! with every answer a step may give and everything that may happen from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{Code, Direction, Ending, Op, OpSet, OpWord, Side};

/// The closing operations and what each comes after, as section 5 of the design has it.
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
struct Model(BTreeMap<Op, Stage>);

#[derive(Clone, Copy, Debug)]
enum Input {
    /// A step of an operation that may run is done, or has to wait.
    Done(Op),
    Waits(Op),
    Shut(Direction),
    End(Ending),
}

impl Model {
    fn stage(&self, op: Op) -> Stage {
        self.0.get(&op).copied().unwrap_or(Stage::Unwanted)
    }

    fn incomplete(&self, op: Op) -> bool {
        matches!(self.stage(op), Stage::Wanted | Stage::Started)
    }

    fn closes(&self) -> bool {
        self.stage(Op::Fclose) != Stage::Unwanted
    }

    fn may_run(&self, op: Op) -> bool {
        if !self.incomplete(op) {
            return false;
        }
        match CLOSING.iter().find(|(closing, _)| *closing == op) {
            Some((_, after)) => !after.iter().any(|before| self.incomplete(*before)),
            None if self.closes() => false,
            None => {
                let earlier = Op::ALL.iter().filter(|other| other.side() == op.side());
                !earlier.take_while(|other| **other != op).any(|other| self.incomplete(*other))
            }
        }
    }

    fn set(&mut self, op: Op, stage: Stage) {
        self.0.insert(op, stage);
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
            Input::End(ending) => {
                for op in Op::ALL.iter().copied().filter(|op| op.side() != Side::Closing) {
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

fn apply(word: &mut OpWord, input: Input) {
    match input {
        Input::Done(op) => {
            if op == Op::Dclose {
                word.undo(Op::TlsAccept);
                word.undo(Op::TlsConnect);
            }
            word.finish(op);
        }
        Input::Waits(op) => word.start(op),
        Input::Shut(direction) => word.shut(direction),
        Input::End(ending) => word.end(ending),
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

/// Compares a state with the model and holds it against the laws.
fn check(word: OpWord, model: &Model) {
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

/// Every state that can be reached from the wanted operations. Tells how many there are.
fn explore(wanted: &[Op]) -> usize {
    let mut word = OpWord::default();
    let mut model = Model(Op::ALL.iter().map(|op| (*op, Stage::Unwanted)).collect());
    for op in wanted {
        word.want(*op);
        model.set(*op, Stage::Wanted);
    }
    let mut known = BTreeSet::new();
    let mut todo = vec![(word, model)];
    while let Some((word, model)) = todo.pop() {
        if !known.insert(model.clone()) {
            continue;
        }
        check(word, &model);
        let mut inputs: Vec<Input> = Vec::new();
        for op in word.runnable().iter() {
            inputs.extend([Input::Done(op), Input::Waits(op)]);
        }
        inputs.extend([Ending::Orderly, Ending::Refused, Ending::Abort].map(Input::End));
        if !word.is_opening() {
            inputs.extend([Direction::Read, Direction::Write].map(Input::Shut));
        }
        for input in inputs {
            let (mut word, mut model) = (word, model.clone());
            apply(&mut word, input);
            model.take(input);
            todo.push((word, model));
        }
    }
    known.len()
}

#[test]
fn every_reachable_word_is_the_model_s() {
    use Op::{AcceptProxy, AcceptSession, CtrlConnect, SendProxy, TlsAccept, TlsConnect};
    let plans: [&[Op]; 8] = [
        &[AcceptSession],
        &[AcceptProxy, AcceptSession],
        &[TlsAccept, AcceptSession],
        &[AcceptProxy, TlsAccept, AcceptSession],
        &[CtrlConnect],
        &[CtrlConnect, SendProxy],
        &[CtrlConnect, TlsConnect],
        &[CtrlConnect, SendProxy, TlsConnect],
    ];
    for plan in plans {
        assert!(explore(plan) > 50, "the exploration is too small: {plan:?}");
    }
}

#[allow(clippy::disallowed_methods)] // The library reads no environment; its tests may.
#[test]
fn the_table_of_operations_is_the_one_in_the_documentation() {
    let mut table = String::from("number name side clock after\n");
    for op in Op::ALL {
        let after: Vec<&str> = op.after().iter().map(Op::name).collect();
        let after = if after.is_empty() { "-".to_owned() } else { after.join(",") };
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{} {} {:?} {:?} {after}",
            op.number(),
            op.name(),
            op.side(),
            op.clock()
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ops.txt");
    if std::env::var_os("VST_BLESS").is_some() {
        std::fs::write(path, &table).expect("the table is written");
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(known, table, "VST_BLESS=1 rewrites docs/ops.txt");
}
