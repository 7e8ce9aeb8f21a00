//! Converters between bytes and the ways to write them.

use std::borrow::Cow;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXUPPER};

use super::word::converters;
use crate::rules::arguments::Arguments;
use crate::rules::param::{ANY_NUMBER, ParamKind, optional, param};
use crate::rules::value::Value;

/// The digits of 64 bits.
const HEX_DIGITS: usize = 16;
/// How many bytes a piece has that is written in hexadecimal digits.
const PIECE: ParamKind = ParamKind::Number(1, i64::MAX);
/// The same of one that is written as a number.
const NUMBER: ParamKind = ParamKind::Number(1, 8);

converters! {
    "hex" []: Bin -> Str, |value, _, _| Some(text(HEXUPPER.encode(&value.into_text()))),
        "the bytes as hexadecimal digits, letters in upper case", "";
    "hex2i" []: Str -> Int, |value, _, _| {
            let text = value.into_text();
            let text = std::str::from_utf8(&text).ok()?;
            if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            // The lowest bits of a number without a sign.
            let lowest = &text[text.len().saturating_sub(HEX_DIGITS)..];
            Some(Value::Int(u64::from_str_radix(lowest, 16).unwrap_or(0).cast_signed()))
        },
        "the number that hexadecimal digits are, of which the last 16 count", "";
    "base64" []: Bin -> Str, |value, _, _| Some(text(BASE64.encode(&value.into_text()))),
        "the bytes in Base64 (RFC 4648 section 4)", "";
    "ub64enc" []: Bin -> Str, |value, _, _| Some(text(BASE64URL_NOPAD.encode(&value.into_text()))),
        "the bytes in Base64 for URLs, without padding (RFC 4648 section 5)", "";
    "b64dec" []: Str -> Bin, |value, _, _| BASE64.decode(&value.into_text()).ok().map(owned),
        "the bytes that Base64 stands for", "";
    "ub64dec" []: Str -> Bin, |value, _, _| BASE64URL_NOPAD.decode(&value.into_text()).ok().map(owned),
        "the bytes that Base64 for URLs stands for", "";
    "be2hex" [optional("separator", ParamKind::Text), optional("size", PIECE), optional("whole", ANY_NUMBER)]: Bin -> Str,
        |value, arguments, _| {
            let bytes = value.into_text();
            let pieces: Vec<String> = pieces(&bytes, arguments).map(|piece| HEXUPPER.encode(piece)).collect();
            Some(text(pieces.join(std::str::from_utf8(arguments.text(0)).ok()?)))
        },
        "as `hex`, in pieces of so many bytes with a separator between them; with a last argument other than 0, without \
         a shorter piece at the end", "";
    "be2dec" [param("separator", ParamKind::Text), param("size", NUMBER), optional("whole", ANY_NUMBER)]: Bin -> Str,
        |value, arguments, _| {
            let bytes = value.into_text();
            let number = |piece: &[u8]| piece.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
            let pieces: Vec<String> = pieces(&bytes, arguments).map(|piece| number(piece).to_string()).collect();
            Some(text(pieces.join(std::str::from_utf8(arguments.text(0)).ok()?)))
        },
        "pieces of so many bytes as numbers in network order, with a separator between them", "";
}

/// The bytes in pieces of the size that is the second argument; a third one leaves out a shorter piece at
/// the end.
fn pieces<'b>(bytes: &'b [u8], arguments: &Arguments) -> impl Iterator<Item = &'b [u8]> {
    let size = arguments.place(1).max(1);
    let is_whole = arguments.number(2).is_some_and(|whole| whole != 0);
    bytes.chunks(size).filter(move |piece| !is_whole || piece.len() == size)
}

fn text<'s>(text: String) -> Value<'s> {
    Value::Str(Cow::Owned(text.into_bytes()))
}

fn owned<'s>(bytes: Vec<u8>) -> Value<'s> {
    Value::Bin(Cow::Owned(bytes))
}
