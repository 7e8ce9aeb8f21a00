//! What a rule does when it applies.

use std::borrow::Cow;
use std::sync::Arc;

use super::context::{EvalContext, Sample};
use super::expression::Expression;
use super::facts::{Effects, LimitedDirection, LogLevel};
use super::process;
use super::progress::{TrackSlot, Tracks};
use super::template::Template;
use super::value::{KEPT_MAX, Value, ValueType};
use super::{key, process::ProcessVariables};
use crate::table::{Table, Tracked};

/// What a rule does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Accept,
    Reject,
    SilentDrop,
    Track(TrackSlot, Expression, Arc<Table>),
    IncrementGpc(TrackSlot, u8),
    SetGpt0(TrackSlot, Operand),
    SetMark(u32),
    SetTos(u8),
    SetSource(Expression),
    SetSourcePort(Expression),
    SetDestination(Expression),
    SetDestinationPort(Expression),
    SetVariable(Box<str>, Expression),
    SetVariableText(Box<str>, Template),
    UnsetVariable(Box<str>),
    /// The first bytes of a value, as many as this, are kept under a number.
    Capture {
        value: Expression,
        length: usize,
        number: usize,
    },
    SetLogLevel(LogLevel),
    ExpectProxy,
    Limit(LimitedDirection, ByteRate),
}

/// So many bytes in so many nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct ByteRate {
    pub(super) bytes: Operand,
    /// Where what is asked for is no number that limits.
    pub(super) default: u64,
    pub(super) period: u64,
}

/// A number that is written, or asked for.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Number(u64),
    Expression(Expression),
}

/// What an action comes to. It borrows nothing of the connection that is to change.
pub(super) enum Decided<'a> {
    Accept,
    Reject,
    SilentDrop,
    /// What the action needs may still arrive.
    Wait,
    /// The next rule is evaluated, once this change is made.
    Go(Option<ConnChange<'a>>),
}

/// A change of the connection.
pub(super) enum ConnChange<'a> {
    Track(TrackSlot, Tracked),
    Mark(u32),
    Tos(u8),
    Source(std::net::IpAddr),
    SourcePort(u16),
    Destination(std::net::IpAddr),
    DestinationPort(u16),
    Variable(&'a str, Option<Value<'static>>),
    Capture(usize, Vec<u8>),
    LogLevel(LogLevel),
    ExpectProxy,
    Limit(LimitedDirection, u64, u64),
}

/// The value of an expression, or that it has to be waited for.
enum ActionValue<'a> {
    Value(Value<'a>),
    Absent,
    Wait,
}

/// What an action does with a value that more bytes may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unsettled {
    /// It takes the value.
    Taken,
    /// It waits until the value changes no more.
    Awaited,
}

fn ask<'s>(
    expression: &'s Expression,
    context: &'s EvalContext<'_>,
    unsettled: Unsettled,
) -> ActionValue<'s> {
    let sample = expression.read(context);
    match sample.value {
        _ if sample.may_change && unsettled == Unsettled::Awaited => ActionValue::Wait,
        Some(value) => ActionValue::Value(value),
        None if sample.may_change => ActionValue::Wait,
        None => ActionValue::Absent,
    }
}

impl Action {
    /// Whether no further rule of the phase is asked.
    pub(super) const fn is_last(&self) -> bool {
        matches!(self, Self::Accept | Self::Reject | Self::SilentDrop)
    }

    /// The expressions that it evaluates.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let text = match self {
            Self::SetVariableText(_, text) => Some(text),
            _ => None,
        };
        self.expression().into_iter().chain(text.into_iter().flat_map(Template::expressions))
    }

    /// The expression whose value it takes.
    fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Track(_, expression, _)
            | Self::SetSource(expression)
            | Self::SetSourcePort(expression)
            | Self::SetDestination(expression)
            | Self::SetDestinationPort(expression)
            | Self::SetVariable(_, expression)
            | Self::Capture { value: expression, .. }
            | Self::SetGpt0(_, Operand::Expression(expression))
            | Self::Limit(_, ByteRate { bytes: Operand::Expression(expression), .. }) => {
                Some(expression)
            }
            Self::Accept
            | Self::Reject
            | Self::SilentDrop
            | Self::IncrementGpc(..)
            | Self::SetGpt0(_, Operand::Number(_))
            | Self::SetMark(_)
            | Self::SetTos(_)
            | Self::SetVariableText(..)
            | Self::UnsetVariable(_)
            | Self::SetLogLevel(_)
            | Self::ExpectProxy
            | Self::Limit(_, ByteRate { bytes: Operand::Number(_), .. }) => None,
        }
    }

    /// Evaluates the action for a connection. Its effects on table entries happen here; those on the
    /// connection are returned.
    pub(super) fn decide<'s>(&'s self, context: &EvalContext<'_>) -> Decided<'s> {
        let Some(expression) = self.expression() else { return self.decide_with(None, context) };
        // A connection that is counted stays where it is counted.
        if let Self::Track(slot, ..) = self
            && context.tracks.get(*slot).is_some()
        {
            return Decided::Go(None);
        }
        // What is counted or kept is so once.
        let unsettled = match self {
            Self::Track(..) | Self::Capture { .. } => Unsettled::Awaited,
            _ => Unsettled::Taken,
        };
        match ask(expression, context, unsettled) {
            ActionValue::Wait => Decided::Wait,
            // A limit is never left out because its number is not there.
            ActionValue::Absent if matches!(self, Self::Limit(..)) => {
                self.decide_with(None, context)
            }
            ActionValue::Absent => Decided::Go(None),
            ActionValue::Value(value) => self.decide_with(Some(value), context),
        }
    }

    /// The same, with the value of its expression.
    fn decide_with<'s>(
        &'s self,
        value: Option<Value<'_>>,
        context: &EvalContext<'_>,
    ) -> Decided<'s> {
        let port = |value: Option<Value<'_>>| number(value?).and_then(|port| port.try_into().ok());
        let address = |value: Option<Value<'_>>| match value?.cast(ValueType::Addr)? {
            Value::Addr(address) => Some(address),
            _ => None,
        };
        Decided::Go(match self {
            Self::Accept => return Decided::Accept,
            Self::Reject => return Decided::Reject,
            Self::SilentDrop => return Decided::SilentDrop,
            Self::Track(slot, _, table) => {
                let value = value.and_then(|value| key::cast(value, table.config().kind));
                let tracked =
                    value.as_ref().and_then(|value| table.track(key::of(value)?, context.now));
                tracked.map(|tracked| ConnChange::Track(*slot, tracked))
            }
            Self::IncrementGpc(slot, index) => {
                let tracked = context.tracks.get(*slot);
                tracked.and_then(|tracked| tracked.increment_gpc(*index, context.now));
                None
            }
            Self::SetGpt0(slot, tag) => {
                let tag = tag.with(value).and_then(|tag| u32::try_from(tag).ok());
                context.tracks.get(*slot).zip(tag).and_then(|(tracked, tag)| tracked.set_gpt0(tag));
                None
            }
            Self::SetMark(mark) => Some(ConnChange::Mark(*mark)),
            Self::SetTos(tos) => Some(ConnChange::Tos(*tos)),
            Self::SetSource(_) => address(value).map(ConnChange::Source),
            Self::SetSourcePort(_) => port(value).map(ConnChange::SourcePort),
            Self::SetDestination(_) => address(value).map(ConnChange::Destination),
            Self::SetDestinationPort(_) => port(value).map(ConnChange::DestinationPort),
            Self::SetVariable(name, _) => value
                .filter(|value| value.len() <= KEPT_MAX)
                .map(|value| ConnChange::Variable(name, Some(value.into_owned()))),
            Self::SetVariableText(name, text) => match text.read(context) {
                Sample { may_change: true, .. } => return Decided::Wait,
                Sample { value, .. } => value.map(|value| ConnChange::Variable(name, Some(value))),
            },
            Self::UnsetVariable(name) => Some(ConnChange::Variable(name, None)),
            Self::Capture { length, number, .. } => value.map(|value| {
                let mut text: Vec<u8> = match value.into_text() {
                    Cow::Borrowed(text) => text[..text.len().min(*length)].to_vec(),
                    Cow::Owned(text) => text,
                };
                text.truncate(*length);
                ConnChange::Capture(*number, text)
            }),
            Self::SetLogLevel(level) => Some(ConnChange::LogLevel(*level)),
            Self::ExpectProxy => Some(ConnChange::ExpectProxy),
            Self::Limit(direction, ByteRate { bytes, default, period }) => {
                let bytes = bytes.with(value).filter(|bytes| *bytes > 0).unwrap_or(*default);
                Some(ConnChange::Limit(*direction, bytes, *period))
            }
        })
    }
}

fn number(value: Value<'_>) -> Option<u64> {
    match value.cast(ValueType::Int)? {
        Value::Int(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

impl Operand {
    /// The number, where it is asked for that of `value`.
    fn with(&self, value: Option<Value<'_>>) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Expression(_) => number(value?),
        }
    }
}

impl ConnChange<'_> {
    pub(super) fn make(
        self,
        tracks: &mut Tracks,
        process: &ProcessVariables,
        connection: &mut dyn Effects,
    ) {
        match self {
            Self::Track(slot, tracked) => tracks.set(slot, tracked),
            Self::Mark(mark) => connection.set_mark(mark),
            Self::Tos(tos) => connection.set_tos(tos),
            Self::Source(address) => connection.set_source(address),
            Self::SourcePort(port) => connection.set_source_port(port),
            Self::Destination(address) => connection.set_destination(address),
            Self::DestinationPort(port) => connection.set_destination_port(port),
            Self::Variable(name, value) if name.starts_with(process::SCOPE) => {
                process.set(name, value)
            }
            Self::Variable(name, value) => connection.set_variable(name, value),
            Self::Capture(number, text) => connection.capture(number, text),
            Self::LogLevel(level) => connection.set_log_level(level),
            Self::ExpectProxy => connection.expect_proxy(),
            Self::Limit(direction, bytes, period) => connection.limit(direction, bytes, period),
        }
    }
}
