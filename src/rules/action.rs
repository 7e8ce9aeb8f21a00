//! What a rule does when it applies.

use std::sync::Arc;

use super::facts::{Effects, Value};
use super::fetch::{EvalContext, Fetch};
use super::progress::{TrackSlot, Tracks};
use crate::table::{KeyForm, Table, TableKey, Tracked};

/// What a rule does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Accept,
    Reject,
    SilentDrop,
    Track(TrackSlot, Fetch, Arc<Table>),
    IncrementGpc0(TrackSlot),
    SetGpt0(TrackSlot, u32),
    SetMark(u32),
    SetTos(u8),
    SetSource(Fetch),
    SetVariable(Box<str>, Fetch),
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
    Variable(&'a str, Value<'static>),
}

impl Action {
    /// Evaluates the action for a connection. Its effects on table entries happen here; those on the
    /// connection are returned.
    pub(super) fn decide(&self, context: &EvalContext<'_>) -> Decided<'_> {
        Decided::Go(match self {
            Self::Accept => return Decided::Accept,
            Self::Reject => return Decided::Reject,
            Self::SilentDrop => return Decided::SilentDrop,
            Self::Track(slot, fetch, table) => {
                if context.tracks.get(*slot).is_some() {
                    return Decided::Go(None);
                }
                let sample = fetch.read(context);
                if sample.value.is_none() && sample.may_change {
                    return Decided::Wait;
                }
                let tracked = sample.value.as_ref().and_then(|value| {
                    table.track(key(value, table.config().kind.form())?, context.now)
                });
                tracked.map(|tracked| ConnChange::Track(*slot, tracked))
            }
            Self::IncrementGpc0(slot) => {
                context.tracks.get(*slot).and_then(|tracked| tracked.increment_gpc(0, context.now));
                None
            }
            Self::SetGpt0(slot, tag) => {
                context.tracks.get(*slot).and_then(|tracked| tracked.set_gpt0(*tag));
                None
            }
            Self::SetMark(mark) => Some(ConnChange::Mark(*mark)),
            Self::SetTos(tos) => Some(ConnChange::Tos(*tos)),
            Self::SetSource(fetch) => match fetch.read(context).value {
                Some(Value::Address(address)) => Some(ConnChange::Source(address)),
                _ => None,
            },
            Self::SetVariable(name, fetch) => {
                let sample = fetch.read(context);
                if sample.value.is_none() && sample.may_change {
                    return Decided::Wait;
                }
                sample.value.map(|value| ConnChange::Variable(name, value.into_owned()))
            }
        })
    }
}

impl ConnChange<'_> {
    pub(super) fn make(self, tracks: &mut Tracks, connection: &mut dyn Effects) {
        match self {
            Self::Track(slot, tracked) => tracks.set(slot, tracked),
            Self::Mark(mark) => connection.set_mark(mark),
            Self::Tos(tos) => connection.set_tos(tos),
            Self::Source(address) => connection.set_source(address),
            Self::Variable(name, value) => connection.set_variable(name, value),
        }
    }
}

/// The value as a key of a table; `None` when a value of its type cannot be such a key.
fn key<'a>(value: &'a Value<'_>, form: KeyForm) -> Option<TableKey<'a>> {
    match (value, form) {
        (Value::Address(address), KeyForm::Ip) => Some(TableKey::Ip(*address)),
        (Value::Number(number), KeyForm::Integer) => {
            u32::try_from(*number).ok().map(TableKey::Integer)
        }
        (Value::Bytes(bytes), KeyForm::Text) => Some(TableKey::Text(bytes)),
        _ => None,
    }
}
