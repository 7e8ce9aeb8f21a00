//! The arguments of a word.

use std::net::IpAddr;
use std::sync::Arc;

use regex::bytes::Regex;

use super::context::EvalContext;
use super::map::Map;
use super::mqtt_field::MqttField;
use super::progress::TrackSlot;
use super::value::{Value, ValueType};
use super::variable;
use crate::table::Table;

/// An argument.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    /// It was left out.
    Absent,
    Number(i64),
    Text(Box<[u8]>),
    Address(IpAddr),
    Variable(Box<str>),
    Table(Arc<Table>),
    Slot(TrackSlot),
    Map(Arc<Map>),
    Value(Value<'static>),
    Expression(Box<Regex>),
    MqttField(MqttField),
}

/// The arguments of a word, as many as it has parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments(Box<[Argument]>);

impl Arguments {
    pub(super) fn new(all: Vec<Argument>) -> Self {
        Self(all.into())
    }

    fn get(&self, at: usize) -> &Argument {
        self.0.get(at).unwrap_or(&Argument::Absent)
    }

    /// The number at a place.
    pub(super) fn number(&self, at: usize) -> Option<i64> {
        match self.get(at) {
            Argument::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The length or place at a place; 0 where it was left out.
    pub(super) fn place(&self, at: usize) -> usize {
        self.number(at).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
    }

    /// The bytes at a place; none where they were left out.
    pub(super) fn text(&self, at: usize) -> &[u8] {
        match self.get(at) {
            Argument::Text(text) => text,
            _ => &[],
        }
    }

    /// The name at a place, which is text.
    pub(super) fn name(&self, at: usize) -> &str {
        match self.get(at) {
            Argument::Text(text) => std::str::from_utf8(text).unwrap_or_default(),
            Argument::Variable(name) => name,
            _ => "",
        }
    }

    pub(super) fn address(&self, at: usize) -> Option<IpAddr> {
        match self.get(at) {
            Argument::Address(address) => Some(*address),
            _ => None,
        }
    }

    pub(super) fn value(&self, at: usize) -> Option<Value<'_>> {
        match self.get(at) {
            Argument::Value(value) => Some(value.borrowed()),
            _ => None,
        }
    }

    pub(super) fn is_given(&self, at: usize) -> bool {
        !matches!(self.get(at), Argument::Absent)
    }

    pub(super) fn variable(&self, at: usize) -> Option<&str> {
        match self.get(at) {
            Argument::Variable(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn table(&self, at: usize) -> Option<&Arc<Table>> {
        match self.get(at) {
            Argument::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(super) fn slot(&self, at: usize) -> Option<TrackSlot> {
        match self.get(at) {
            Argument::Slot(slot) => Some(*slot),
            _ => None,
        }
    }

    pub(super) fn map(&self, at: usize) -> Option<&Map> {
        match self.get(at) {
            Argument::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn mqtt_field(&self, at: usize) -> Option<MqttField> {
        match self.get(at) {
            Argument::MqttField(field) => Some(*field),
            _ => None,
        }
    }

    pub(super) fn expression(&self, at: usize) -> Option<&Regex> {
        match self.get(at) {
            Argument::Expression(expression) => Some(expression),
            _ => None,
        }
    }
}

/// The number that an operand stands for.
pub(super) fn operand(arguments: &Arguments, at: usize, context: &EvalContext<'_>) -> Option<i64> {
    match arguments.number(at) {
        Some(number) => Some(number),
        None => {
            let held = variable::read(context, arguments.variable(at)?)?;
            match held.cast(ValueType::Int)? {
                Value::Int(number) => Some(number),
                _ => None,
            }
        }
    }
}
