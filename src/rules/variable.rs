//! Variables: names with a scope in front, such as `txn.name`.

use std::ops::Range;

use super::context::EvalContext;
use super::error::{LineFault, named};
use super::process;
use super::value::Value;

/// The scopes, and how long what is in them lives.
pub(super) const SCOPES: [(&str, &str); 5] = [
    ("proc.", "the process"),
    ("sess.", "the connection"),
    ("txn.", "the connection"),
    ("req.", "the connection"),
    ("res.", "the connection"),
];

/// A name as it is written: a scope, then letters, digits, `_` and `.`.
pub(super) fn name(text: &[u8], span: &Range<usize>) -> Result<Box<str>, LineFault> {
    let fault = |problem: &str, expected: &str| {
        let problem = format!("{} {problem}", named(text));
        Err(LineFault::new(span.clone(), problem, expected))
    };
    let Ok(name) = std::str::from_utf8(text) else {
        return fault("is no name of a variable", "letters, digits, `_` and `.`");
    };
    let rest = SCOPES.iter().find_map(|(scope, _)| name.strip_prefix(scope));
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    match rest {
        Some(rest) if !rest.is_empty() && rest.bytes().all(is_fine) => Ok(name.into()),
        Some(_) => {
            fault("is no name of a variable", "letters, digits, `_` and `.` behind the scope")
        }
        None => {
            let scopes = SCOPES.map(|(scope, _)| format!("`{scope}`")).join(", ");
            fault("has no scope in front", &format!("one of {scopes} in front of the name"))
        }
    }
}

/// Whether a connection can have a variable of this name.
#[must_use]
pub fn is_variable_of_connection(text: &str) -> bool {
    name(text.as_bytes(), &(0..text.len())).is_ok() && !text.starts_with(process::SCOPE)
}

/// The value of a variable.
pub(super) fn read<'s>(context: &'s EvalContext<'_>, name: &str) -> Option<Value<'s>> {
    if name.starts_with(process::SCOPE) {
        return context.process.get(name);
    }
    context.facts.variable(name).map(Value::borrowed)
}
