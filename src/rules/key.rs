//! Values as keys of tables.

use super::error::{LineFault, named};
use super::token::Token;
use super::value::{Value, ValueType};
use crate::table::{KeyForm, Table, TableKey, TableKeyKind};

/// The type that keys of a table are made from.
pub(super) const fn kind_of(kind: TableKeyKind) -> ValueType {
    match kind {
        TableKeyKind::Ip | TableKeyKind::Ipv6 => ValueType::Addr,
        TableKeyKind::Integer => ValueType::Int,
        TableKeyKind::String { .. } => ValueType::Str,
        TableKeyKind::Binary { .. } => ValueType::Bin,
    }
}

/// The value as the type that keys of a table are made from; `None` where it can be no key of it.
pub(super) fn cast(value: Value<'_>, kind: TableKeyKind) -> Option<Value<'_>> {
    let value = value.cast(kind_of(kind))?;
    match value {
        // A table of type `ip` has addresses of IPv4 alone.
        Value::Addr(address) if kind == TableKeyKind::Ip && address.to_canonical().is_ipv6() => {
            None
        }
        value => Some(value),
    }
}

/// The key that a value of such a type is; `None` where no table can hold it.
pub(super) fn of<'a>(value: &'a Value<'_>) -> Option<TableKey<'a>> {
    match value {
        Value::Addr(address) => Some(TableKey::Ip(*address)),
        // Keys have 32 bits: the lowest of a number count.
        Value::Int(number) => Some(TableKey::Integer(*number as u32)),
        Value::Str(text) | Value::Bin(text) => Some(TableKey::Text(text)),
        Value::Bool(_) => None,
    }
}

/// What a table of this kind takes, for a person to read.
pub(super) const fn what(kind: TableKeyKind) -> &'static str {
    match kind.form() {
        KeyForm::Ip => "an address",
        KeyForm::Integer => "a number",
        KeyForm::Text => "text or bytes",
    }
}

/// Checks that the value of this type, which `token` asks for, can be a key of a table.
pub(super) fn fits_table(token: &Token, kind: ValueType, table: &Table) -> Result<(), LineFault> {
    let config = table.config();
    if kind.casts_to(kind_of(config.kind)) {
        return Ok(());
    }
    let problem = format!(
        "{} is of type {}, no key of table {}",
        named(&token.word),
        kind.name(),
        named(config.name.as_bytes())
    );
    let expected = format!("{}, since its type is {}", what(config.kind), config.kind.name());
    Err(LineFault::new(token.span.clone(), problem, expected))
}
