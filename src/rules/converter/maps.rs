//! Converters that look a value up in a file.

use super::word::converters;
use crate::rules::arguments::Arguments;
use crate::rules::map::{KeyMatch, MapKind};
use crate::rules::param::{ParamKind, optional, param};
use crate::rules::value::{Value, ValueType};

macro_rules! file {
    ($keys:expr, $values:ident) => {
        param("file", ParamKind::Map(MapKind { keys: $keys, values: ValueType::$values }))
    };
}
macro_rules! default {
    ($values:ident) => {
        optional("default", ParamKind::Typed(ValueType::$values))
    };
}

converters! {
    "map" [file!(KeyMatch::Whole, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "the text behind the key that the value is, in a file of lines with a key and a text; or the default", "";
    "map_str" [file!(KeyMatch::Whole, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "as `map`", "";
    "map_str_int" [file!(KeyMatch::Whole, Int), default!(Int)]: Str -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map`, to a number", "";
    "map_str_ip" [file!(KeyMatch::Whole, Addr), default!(Addr)]: Str -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map`, to an address", "";
    "map_beg" [file!(KeyMatch::Begin, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "of the keys that the value begins with, the longest", "";
    "map_beg_int" [file!(KeyMatch::Begin, Int), default!(Int)]: Str -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_beg`, to a number", "";
    "map_beg_ip" [file!(KeyMatch::Begin, Addr), default!(Addr)]: Str -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_beg`, to an address", "";
    "map_end" [file!(KeyMatch::END, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "the first key that the value ends with", "";
    "map_end_int" [file!(KeyMatch::END, Int), default!(Int)]: Str -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_end`, to a number", "";
    "map_end_ip" [file!(KeyMatch::END, Addr), default!(Addr)]: Str -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_end`, to an address", "";
    "map_sub" [file!(KeyMatch::INSIDE, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "the first key that is in the value", "";
    "map_sub_int" [file!(KeyMatch::INSIDE, Int), default!(Int)]: Str -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_sub`, to a number", "";
    "map_sub_ip" [file!(KeyMatch::INSIDE, Addr), default!(Addr)]: Str -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_sub`, to an address", "";
    "map_dir" [file!(KeyMatch::DIRECTORY, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "the first key that is a part of the value between `/` and `?`", "";
    "map_dir_int" [file!(KeyMatch::DIRECTORY, Int), default!(Int)]: Str -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_dir`, to a number", "";
    "map_dir_ip" [file!(KeyMatch::DIRECTORY, Addr), default!(Addr)]: Str -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_dir`, to an address", "";
    "map_dom" [file!(KeyMatch::DOMAIN, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "the first key that is a part of the value between `.`, `/`, `?` and `:`", "";
    "map_dom_int" [file!(KeyMatch::DOMAIN, Int), default!(Int)]: Str -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_dom`, to a number", "";
    "map_dom_ip" [file!(KeyMatch::DOMAIN, Addr), default!(Addr)]: Str -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_dom`, to an address", "";
    "map_reg" [file!(KeyMatch::Expression, Str), default!(Str)]: Str -> Str, |value, arguments, _| look_up(value, arguments),
        "the first key that is an expression with a match in the value", "";
    "map_reg_int" [file!(KeyMatch::Expression, Int), default!(Int)]: Str -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_reg`, to a number", "";
    "map_reg_ip" [file!(KeyMatch::Expression, Addr), default!(Addr)]: Str -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_reg`, to an address", "";
    "map_int" [file!(KeyMatch::Number, Str), default!(Str)]: Int -> Str, |value, arguments, _| look_up(value, arguments),
        "the first key that is the number, or a range with it", "";
    "map_int_int" [file!(KeyMatch::Number, Int), default!(Int)]: Int -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_int`, to a number", "";
    "map_int_ip" [file!(KeyMatch::Number, Addr), default!(Addr)]: Int -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_int`, to an address", "";
    "map_ip" [file!(KeyMatch::Address, Str), default!(Str)]: Addr -> Str, |value, arguments, _| look_up(value, arguments),
        "of the keys that are the address or a network with it, the smallest", "";
    "map_ip_int" [file!(KeyMatch::Address, Int), default!(Int)]: Addr -> Int, |value, arguments, _| look_up(value, arguments),
        "as `map_ip`, to a number", "";
    "map_ip_ip" [file!(KeyMatch::Address, Addr), default!(Addr)]: Addr -> Addr, |value, arguments, _| look_up(value, arguments),
        "as `map_ip`, to an address", "";
}

fn look_up<'s>(value: Value<'s>, arguments: &'s Arguments) -> Option<Value<'s>> {
    arguments.map(0)?.look_up(&value).or_else(|| arguments.value(1))
}
