//! When a rule applies.

use super::context::EvalContext;
use super::expression::Expression;
use super::matcher::Matcher;

/// The truth of a condition, ordered so that "or" is the greatest of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    False,
    /// More bytes may make it true, and it is worth waiting for them.
    Unknown,
    True,
}

impl Truth {
    const fn negated_if(self, negated: bool) -> Self {
        match self {
            Self::False if negated => Self::True,
            Self::True if negated => Self::False,
            _ => self,
        }
    }
}

/// A comparison of an expression with values.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) expression: Expression,
    pub(super) matcher: Matcher,
}

impl Test {
    fn holds(&self, context: &EvalContext<'_>) -> Truth {
        let sample = self.expression.read(context);
        let mut values = sample.value.into_iter().chain(self.expression.further(context));
        match values.any(|value| self.matcher.matches(value)) {
            true => Truth::True,
            false if sample.may_change => Truth::Unknown,
            false => Truth::False,
        }
    }
}

/// Tests under one name, of which at least one has to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Acl(pub(super) Vec<Test>);

impl Acl {
    fn holds(&self, context: &EvalContext<'_>) -> Truth {
        any(self.0.iter().map(|test| test.holds(context)))
    }
}

/// A reference to an [`Acl`], by its index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) negated: bool,
    pub(super) acl: usize,
}

/// What stands behind `if` or `unless`.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// It is `unless`.
    pub(super) negated: bool,
    /// Groups of terms: it holds when all terms of at least one group hold.
    pub(super) any_of: Box<[Box<[Term]>]>,
}

impl Condition {
    /// The acl that alone decides, as it is.
    pub(super) fn sole_acl(&self) -> Option<usize> {
        match &*self.any_of {
            [group] if !self.negated => match **group {
                [Term { negated: false, acl }] => Some(acl),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn holds(&self, acls: &[Acl], context: &EvalContext<'_>) -> Truth {
        let term = |term: &Term| acls[term.acl].holds(context).negated_if(term.negated);
        let groups = self.any_of.iter().map(|terms| all(terms.iter().map(term)));
        any(groups).negated_if(self.negated)
    }
}

/// The "or" of `truths`; nothing behind one that is true is evaluated.
fn any(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut greatest = Truth::False;
    for truth in truths {
        greatest = greatest.max(truth);
        if greatest == Truth::True {
            break;
        }
    }
    greatest
}

/// The "and" of `truths`: nothing behind the first that is not true is evaluated, so that whoever writes the
/// question about bytes first waits for them, whatever else is asked.
fn all(mut truths: impl Iterator<Item = Truth>) -> Truth {
    truths.find(|truth| *truth != Truth::True).unwrap_or(Truth::True)
}
