//! Lines with conditions, of which the first that applies is looked for. Where lines side by side compare
//! one value with constants, as a list of a thousand addresses does, one look-up finds the first of them.

use std::cmp::Ordering;

use super::condition::{Acl, Condition, Test, Truth};
use super::context::EvalContext;
use super::expression::Expression;
use super::matcher::{Matcher, numbered};
use super::segments::{Segments, unsigned};
use super::value::Value;
use super::word_set::Case;

/// A line that applies under a condition.
pub(super) trait RuleLine {
    /// When it applies; always without one.
    fn condition(&self) -> Option<&Condition>;
    /// Whether no line behind it is looked at once it applies.
    fn is_last(&self) -> bool;
}

/// Lines in their order.
#[derive(Clone, Debug)]
pub(super) struct RuleList<T> {
    lines: Vec<T>,
    runs: Vec<Run>,
}

impl<T> Default for RuleList<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), runs: Vec::new() }
    }
}

/// So many lines side by side at least are made one look-up: fewer cost as little one by one.
const RUN_LEAST: usize = 4;

/// Lines side by side that compare one value, each with constants.
#[derive(Clone, Debug)]
struct Run {
    start: usize,
    end: usize,
    expression: Expression,
    look_up: LookUp,
}

/// Finds the first line of a run, counted from its start.
#[derive(Clone, Debug)]
enum LookUp {
    /// By family.
    Addresses(Box<[Segments; 2]>),
    Numbers(Segments),
    Words(WordRanks),
}

/// Words, each with the first line that names it.
#[derive(Clone, Debug)]
struct WordRanks {
    case: Case,
    /// Ascending by word, each word once.
    sorted: Box<[(Box<[u8]>, usize)]>,
}

impl<T> std::ops::Deref for RuleList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.lines
    }
}

impl<T: RuleLine> RuleList<T> {
    pub(super) fn push(&mut self, line: T) {
        self.lines.push(line);
    }

    /// The first line from `from` on that applies, or may once more bytes have come.
    pub(super) fn first(
        &self,
        from: usize,
        acls: &[Acl],
        context: &EvalContext<'_>,
    ) -> Option<(usize, Truth)> {
        let mut at = from;
        let behind = self.runs.partition_point(|run| run.start < from);
        let mut runs = self.runs[behind..].iter().peekable();
        while let Some(line) = self.lines.get(at) {
            if let Some(run) = runs.next_if(|run| run.start == at) {
                match run.first(context) {
                    RunResult::Line(found) => return Some((found, Truth::True)),
                    RunResult::None => {
                        at = run.end;
                        continue;
                    }
                    RunResult::Unsettled => {}
                }
            }
            let truth = line.condition().map_or(Truth::True, |it| it.holds(acls, context));
            if truth != Truth::False {
                return Some((at, truth));
            }
            at += 1;
        }
        None
    }

    /// The lines, to be changed: without look-ups, which a change makes wrong.
    #[cfg(test)]
    pub(super) fn lines_mut(&mut self) -> &mut Vec<T> {
        self.runs.clear();
        &mut self.lines
    }

    /// How many look-ups there are.
    #[cfg(test)]
    pub(super) const fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// Makes look-ups of lines side by side, once no line and no acl changes any more.
    pub(super) fn compile(&mut self, acls: &[Acl]) {
        self.runs.clear();
        let mut start = 0;
        while start < self.lines.len() {
            let length = self.run_length(start, acls);
            if length >= RUN_LEAST
                && let Some(run) = self.run(start, start + length, acls)
            {
                self.runs.push(run);
            }
            start += length.max(1);
        }
    }

    /// How many lines from `start` on compare the same value in the same way.
    fn run_length(&self, start: usize, acls: &[Acl]) -> usize {
        let Some(first) = sole_test(&self.lines[start], acls) else { return 0 };
        let is_like = |line: &&T| {
            sole_test(*line, acls).is_some_and(|test| {
                test.expression.is_like(&first.expression)
                    && is_same_way(&test.matcher, &first.matcher)
            })
        };
        self.lines[start..].iter().take_while(is_like).count()
    }

    fn run(&self, start: usize, end: usize, acls: &[Acl]) -> Option<Run> {
        let tests: Vec<&Test> =
            self.lines[start..end].iter().filter_map(|line| sole_test(line, acls)).collect();
        let first = tests.first()?;
        let matchers = || tests.iter().map(|test| &test.matcher).enumerate();
        let look_up = match &first.matcher {
            Matcher::Networks(_) => LookUp::Addresses(Box::new([0, 1].map(|family| {
                let ranges = matchers().flat_map(|(rank, matcher)| match matcher {
                    Matcher::Networks(networks) => {
                        let [v4, v6] = networks.ranges();
                        let of = if family == 0 { v4 } else { v6 };
                        of.into_iter().map(|(start, end)| (start..=end, rank)).collect()
                    }
                    _ => Vec::new(),
                });
                Segments::new(ranges)
            }))),
            Matcher::Numbers(_) => {
                LookUp::Numbers(Segments::new(matchers().flat_map(|(rank, matcher)| {
                    let ranges: Vec<_> = match matcher {
                        Matcher::Numbers(numbers) => numbers
                            .iter()
                            .map(|(start, end)| (unsigned(start)..=unsigned(end), rank))
                            .collect(),
                        _ => Vec::new(),
                    };
                    ranges
                })))
            }
            Matcher::Words(words) => {
                let mut all: Vec<(Box<[u8]>, usize)> = matchers()
                    .flat_map(|(rank, matcher)| {
                        let words = match matcher {
                            Matcher::Words(words) => words.all(),
                            _ => &[],
                        };
                        words.iter().map(move |word| (word.clone(), rank))
                    })
                    .collect();
                all.sort_unstable();
                all.dedup_by(|later, kept| later.0 == kept.0);
                LookUp::Words(WordRanks { case: words.case(), sorted: all.into() })
            }
            _ => return None,
        };
        Some(Run { start, end, expression: first.expression.clone(), look_up })
    }
}

/// What a look-up comes to.
enum RunResult {
    /// The place of the line.
    Line(usize),
    /// No line of the run applies.
    None,
    /// More bytes may come: the lines are to be asked one by one.
    Unsettled,
}

impl Run {
    fn first(&self, context: &EvalContext<'_>) -> RunResult {
        let sample = self.expression.read(context);
        if sample.may_change {
            return RunResult::Unsettled;
        }
        let rank = match (&self.look_up, &sample.value) {
            (LookUp::Addresses(families), Some(Value::Addr(address))) => {
                let (family, number) = numbered(*address);
                families[family].rank(number)
            }
            (LookUp::Numbers(numbers), Some(Value::Int(number))) => numbers.rank(unsigned(*number)),
            (LookUp::Words(words), Some(Value::Str(text))) => words.rank(text),
            (_, None) => None,
            _ => return RunResult::Unsettled,
        };
        rank.map_or(RunResult::None, |rank| RunResult::Line(self.start + rank))
    }
}

impl WordRanks {
    fn rank(&self, text: &[u8]) -> Option<usize> {
        let order = |word: &[u8]| -> Ordering {
            let word = word.iter().copied();
            match self.case {
                Case::Exact => word.cmp(text.iter().copied()),
                Case::Ignored => word.cmp(text.iter().map(u8::to_ascii_lowercase)),
            }
        };
        let found = self.sorted.binary_search_by(|(word, _)| order(word)).ok()?;
        Some(self.sorted[found].1)
    }
}

/// The only test that decides whether a line applies, which ends the search.
fn sole_test<'a>(line: &impl RuleLine, acls: &'a [Acl]) -> Option<&'a Test> {
    if !line.is_last() {
        return None;
    }
    match &*acls.get(line.condition()?.sole_acl()?)?.0 {
        [test] => Some(test),
        _ => None,
    }
}

/// Whether two matchers can be one look-up.
fn is_same_way(one: &Matcher, other: &Matcher) -> bool {
    match (one, other) {
        (Matcher::Networks(_), Matcher::Networks(_))
        | (Matcher::Numbers(_), Matcher::Numbers(_)) => true,
        (Matcher::Words(one), Matcher::Words(other)) => {
            one.is_whole() && other.is_whole() && one.case() == other.case()
        }
        _ => false,
    }
}
