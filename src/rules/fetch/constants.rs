//! Values that are written in the rules, and variables.

use super::word::fetches;
use crate::rules::context::Sample;
use crate::rules::param::{ANY_NUMBER, ParamKind, optional, param};
use crate::rules::value::Value;
use crate::rules::variable;

const TRUTHS: ParamKind = ParamKind::Word(&["true", "false", "1", "0"]);

fetches! {
    "var" [param("name", ParamKind::Variable), optional("default", ParamKind::Text)]: Any, EVERYWHERE, Nothing,
        |cx, arguments| {
            let default = || arguments.is_given(1).then(|| Value::str(arguments.text(1)));
            Sample::settled(variable::read(cx, arguments.name(0)).or_else(default))
        },
        "the value that `set-var` has given the variable, or else the text that is the default", "";
    "always_true" []: Bool, EVERYWHERE, Nothing, |_, _| Sample::settled(Some(Value::Bool(true))), "yes", "";
    "always_false" []: Bool, EVERYWHERE, Nothing, |_, _| Sample::settled(Some(Value::Bool(false))), "no", "";
    "bool" [param("truth", TRUTHS)]: Bool, EVERYWHERE, Nothing,
        |_, arguments| Sample::settled(Some(Value::Bool(matches!(arguments.text(0), b"true" | b"1")))),
        "the truth that is written", "";
    "int" [param("number", ANY_NUMBER)]: Int, EVERYWHERE, Nothing,
        |_, arguments| Sample::settled(arguments.number(0).map(Value::Int)), "the number that is written", "";
    "str" [param("text", ParamKind::Text)]: Str, EVERYWHERE, Nothing,
        |_, arguments| Sample::settled(Some(Value::str(arguments.text(0)))), "the text that is written", "";
    "bin" [param("hex", ParamKind::Hex)]: Bin, EVERYWHERE, Nothing,
        |_, arguments| Sample::settled(Some(Value::bin(arguments.text(0)))),
        "the bytes that are written, in hexadecimal digits", "";
    "ipv4" [param("address", ParamKind::Ipv4)]: Addr, EVERYWHERE, Nothing,
        |_, arguments| Sample::settled(arguments.address(0).map(Value::Addr)),
        "the address that is written", "";
    "ipv6" [param("address", ParamKind::Ipv6)]: Addr, EVERYWHERE, Nothing,
        |_, arguments| Sample::settled(arguments.address(0).map(Value::Addr)),
        "the address that is written", "";
}
