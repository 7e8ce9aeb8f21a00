//! Converters of bytes to numbers that are spread, to choose by them. None of them is hard to invert.

use twox_hash::{XxHash3_64, XxHash32, XxHash64};

use super::word::converters;
use crate::rules::arguments::Arguments;
use crate::rules::param::{ANY_NUMBER, optional};
use crate::rules::value::Value;

/// The start of Bernstein's hash.
const DJB2_START: u32 = 5_381;

converters! {
    "xxh32" [optional("seed", ANY_NUMBER)]: Bin -> Int,
        |value, arguments, _| Some(Value::Int(XxHash32::oneshot(seed(arguments) as u32, &value.into_text()).into())),
        "xxHash of 32 bits", "";
    "xxh64" [optional("seed", ANY_NUMBER)]: Bin -> Int,
        |value, arguments, _| Some(Value::Int(XxHash64::oneshot(seed(arguments), &value.into_text()).cast_signed())),
        "xxHash of 64 bits, as a number with a sign", "";
    "xxh3" [optional("seed", ANY_NUMBER)]: Bin -> Int,
        |value, arguments, _| {
            let hash = XxHash3_64::oneshot_with_seed(seed(arguments), &value.into_text());
            Some(Value::Int(hash.cast_signed()))
        },
        "XXH3 of 64 bits, as a number with a sign", "";
    "crc32" [optional("mixed", ANY_NUMBER)]: Bin -> Int,
        |value, arguments, _| Some(mixed(crc32fast::hash(&value.into_text()), arguments)),
        "the CRC of Ethernet; with a number other than 0, mixed once more", "";
    "crc32c" [optional("mixed", ANY_NUMBER)]: Bin -> Int,
        |value, arguments, _| Some(mixed(crc32c::crc32c(&value.into_text()), arguments)),
        "the CRC of Castagnoli (RFC 3720 section 12.1); with a number other than 0, mixed once more", "";
    "djb2" [optional("mixed", ANY_NUMBER)]: Bin -> Int,
        |value, arguments, _| {
            let step = |hash: u32, byte: &u8| hash.wrapping_mul(33).wrapping_add(u32::from(*byte));
            Some(mixed(value.into_text().iter().fold(DJB2_START, step), arguments))
        },
        "Bernstein's hash of 32 bits; with a number other than 0, mixed once more", "";
    "sdbm" [optional("mixed", ANY_NUMBER)]: Bin -> Int,
        |value, arguments, _| {
            let step = |hash: u32, byte: &u8| hash.wrapping_mul(65_599).wrapping_add(u32::from(*byte));
            Some(mixed(value.into_text().iter().fold(0, step), arguments))
        },
        "the hash of sdbm; with a number other than 0, mixed once more", "";
}

fn seed(arguments: &Arguments) -> u64 {
    arguments.number(0).unwrap_or(0).cast_unsigned()
}

fn mixed<'s>(hash: u32, arguments: &Arguments) -> Value<'s> {
    let is_mixed = arguments.number(0).is_some_and(|mixed| mixed != 0);
    Value::Int(if is_mixed { avalanche(hash) } else { hash }.into())
}

/// What the mixed number is multiplied with at last, so that the values that HAProxy chooses by are the same.
const SPREAD: u32 = 0xc000_0001;

/// Robert Jenkins' mixing of 32 bits in six shifts: every bit of the result depends on every bit.
fn avalanche(hash: u32) -> u32 {
    let mut a = hash;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(SPREAD)
}
