//! Converters of numbers and of truths. Sums and products stay within 64 bits: beyond, they are the
//! largest or smallest number.

use super::word::converters;
use crate::rules::arguments::{Arguments, operand};
use crate::rules::context::EvalContext;
use crate::rules::param::{ParamKind, param};
use crate::rules::value::Value;

converters! {
    "add" [param("number", ParamKind::Operand)]: Int -> Int, |value, arguments, cx| with(value, arguments, cx, i64::saturating_add),
        "the sum with a number, or a variable's", "";
    "sub" [param("number", ParamKind::Operand)]: Int -> Int, |value, arguments, cx| with(value, arguments, cx, i64::saturating_sub),
        "the number minus another", "";
    "mul" [param("number", ParamKind::Operand)]: Int -> Int, |value, arguments, cx| with(value, arguments, cx, i64::saturating_mul),
        "the product with a number", "";
    "div" [param("number", ParamKind::Operand)]: Int -> Int,
        |value, arguments, cx| with(value, arguments, cx, |number, by| {
            // Without a quotient, the bound of what quotients by ever smaller numbers come to.
            if by == 0 { i64::MAX } else { number.saturating_div(by) }
        }),
        "the quotient by a number, without what is behind the point; by 0, the largest number", "";
    "mod" [param("number", ParamKind::Operand)]: Int -> Int,
        |value, arguments, cx| with(value, arguments, cx, |number, by| number.checked_rem(by).unwrap_or(0)),
        "what is left of the quotient by a number; by 0, 0", "";
    "neg" []: Int -> Int, |value, _, _| of(value, i64::saturating_neg), "the number with the other sign", "";
    "and" [param("number", ParamKind::Operand)]: Int -> Int, |value, arguments, cx| with(value, arguments, cx, |a, b| a & b),
        "the bits that both have", "";
    "or" [param("number", ParamKind::Operand)]: Int -> Int, |value, arguments, cx| with(value, arguments, cx, |a, b| a | b),
        "the bits that either has", "";
    "xor" [param("number", ParamKind::Operand)]: Int -> Int, |value, arguments, cx| with(value, arguments, cx, |a, b| a ^ b),
        "the bits that exactly one has", "";
    "cpl" []: Int -> Int, |value, _, _| of(value, |number| !number), "every bit inverted", "";
    "bool" []: Int -> Bool, |value, _, _| truth(value, |number| number != 0), "whether the number is not 0", "";
    "not" []: Bool -> Bool, |value, _, _| match value {
            Value::Bool(truth) => Some(Value::Bool(!truth)),
            _ => None,
        },
        "no for yes, and yes for no", "";
    "odd" []: Int -> Bool, |value, _, _| truth(value, |number| number & 1 == 1), "whether the number is odd", "";
    "even" []: Int -> Bool, |value, _, _| truth(value, |number| number & 1 == 0), "whether the number is even", "";
}

fn of<'s>(value: Value<'s>, change: impl FnOnce(i64) -> i64) -> Option<Value<'s>> {
    match value {
        Value::Int(number) => Some(Value::Int(change(number))),
        _ => None,
    }
}

fn truth<'s>(value: Value<'s>, ask: impl FnOnce(i64) -> bool) -> Option<Value<'s>> {
    match value {
        Value::Int(number) => Some(Value::Bool(ask(number))),
        _ => None,
    }
}

fn with<'s>(
    value: Value<'s>,
    arguments: &Arguments,
    context: &EvalContext<'_>,
    change: impl FnOnce(i64, i64) -> i64,
) -> Option<Value<'s>> {
    let other = operand(arguments, 0, context)?;
    of(value, |number| change(number, other))
}
