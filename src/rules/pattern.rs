//! The values that a condition compares with, from text.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use data_encoding::HEXUPPER_PERMISSIVE;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use regex::bytes::{Regex, RegexBuilder};

use super::value;
pub(super) use super::word_set::Case;

/// The bits in front of an IPv4 address in the IPv6 address that stands for it (RFC 4291 section
/// 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// How far the first of two numbers with a dot between them is shifted.
pub(super) const DOTTED_SHIFT: u32 = 16;

/// How large an expression may be, compiled, in bytes.
const EXPRESSION_MAX: usize = 256 * 1024;
/// How much cache an expression may use, in bytes, for each thread that evaluates it at the same
/// time: a file may bring thousands of expressions.
const EXPRESSION_CACHE_MAX: usize = 64 * 1024;

/// How numbers are compared with the one in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    AtLeast,
    Above,
    AtMost,
    Below,
}

impl Comparison {
    pub(super) const ALL: [Self; 5] =
        [Self::Equal, Self::AtLeast, Self::Above, Self::AtMost, Self::Below];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::AtLeast => "ge",
            Self::Above => "gt",
            Self::AtMost => "le",
            Self::Below => "lt",
        }
    }

    /// What it does, in a few words.
    pub(super) const fn doc(self) -> &'static str {
        match self {
            Self::Equal => "equal to the number, or in the range; the default",
            Self::AtLeast => "greater than or equal to the number",
            Self::Above => "greater than the number",
            Self::AtMost => "less than or equal to the number",
            Self::Below => "less than the number",
        }
    }

    /// The numbers that compare so with what `text` says; none when that is no number, no range
    /// where one is allowed, or when there are no such numbers.
    pub(super) fn numbers(self, text: &str, form: NumberForm) -> Option<RangeInclusive<i64>> {
        let number = || form.read(text);
        match self {
            Self::Equal => range(text, form),
            Self::AtLeast => Some(number()?..=i64::MAX),
            Self::Above => Some(number()?.checked_add(1)?..=i64::MAX),
            Self::AtMost => Some(i64::MIN..=number()?),
            Self::Below => Some(i64::MIN..=number()?.checked_sub(1)?),
        }
    }
}

/// How numbers to compare with are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberForm {
    /// In decimal.
    Plain,
    /// As two numbers with a dot between them, or one: `3.3`.
    Dotted,
}

impl NumberForm {
    fn read(self, text: &str) -> Option<i64> {
        match self {
            Self::Plain => signed(text),
            Self::Dotted => {
                let (high, low) = text.split_once('.').unwrap_or((text, "0"));
                let [high, low] = [number(high)?, number(low)?];
                let fits = high <= u16::MAX.into() && low <= u16::MAX.into();
                fits.then_some((high << DOTTED_SHIFT | low) as i64)
            }
        }
    }
}

/// A number, a range `1:10` or `1-10`, or one with `:` that is open on a side.
fn range(text: &str, form: NumberForm) -> Option<RangeInclusive<i64>> {
    let dash = || text.split_once('-').filter(|(start, end)| !start.is_empty() && !end.is_empty());
    let Some((start, end)) = text.split_once(':').or_else(dash) else {
        let number = form.read(text)?;
        return Some(number..=number);
    };
    let bound = |text: &str, open| if text.is_empty() { Some(open) } else { form.read(text) };
    let range = bound(start, i64::MIN)?..=bound(end, i64::MAX)?;
    (text != ":" && !range.is_empty()).then_some(range)
}

/// Digits and nothing else.
pub(super) fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Digits, with a `-` in front or none.
fn signed(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Digits, with a sign in front or none; beyond 64 bits, the largest or smallest number.
pub(super) fn saturated(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { value::number(text.as_bytes()) } else { None }
}

/// Bytes in pairs of hexadecimal digits.
pub(super) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    HEXUPPER_PERMISSIVE.decode(text).ok()
}

/// What is wrong with an expression, in one line.
pub(super) fn short_reason(why: &regex::Error) -> String {
    let why = why.to_string();
    let last = why.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// A number in decimal, or in hexadecimal behind `0x`.
pub(super) fn number_or_hex(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u64::from_str_radix(hex, 16).ok()
        }
        Some(_) => None,
        None => number(text),
    }
}

/// An address, or a network by the length of its prefix or by its mask; bits behind the prefix are
/// ignored.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let Some((address, prefix)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    };
    let address: IpAddr = address.parse().ok()?;
    let length: Option<u8> = number(prefix).and_then(|number| number.try_into().ok());
    match (address, length) {
        (IpAddr::V4(v4), Some(length)) => Ipv4Net::new(v4, length).ok().map(IpNet::V4),
        (IpAddr::V4(v4), None) => {
            let mask: Ipv4Addr = prefix.parse().ok()?;
            Ipv4Net::with_netmask(v4, mask).ok().map(IpNet::V4)
        }
        (IpAddr::V6(v6), Some(length)) => match v6.to_ipv4_mapped() {
            Some(v4) if length >= MAPPED_BITS => {
                Ipv4Net::new(v4, length - MAPPED_BITS).ok().map(IpNet::V4)
            }
            _ => Ipv6Net::new(v6, length).ok().map(IpNet::V6),
        },
        (IpAddr::V6(_), None) => None,
    }
}

/// A regular expression over bytes: `.` is any byte, and classes are those of ASCII.
pub(super) fn expression(text: &str, case: Case) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .unicode(false)
        .dot_matches_new_line(true)
        .case_insensitive(case == Case::Ignored)
        .size_limit(EXPRESSION_MAX)
        .dfa_size_limit(EXPRESSION_CACHE_MAX)
        .build()
}

#[cfg(test)]
mod tests {
    use super::{Case, Comparison, NumberForm, expression, network, number_or_hex};

    #[test]
    fn numbers_are_digits_with_a_sign_and_ranges_have_two_ends_or_one() {
        const LEAST: i64 = i64::MIN;
        const MOST: i64 = i64::MAX;
        for (comparison, text, numbers) in [
            (Comparison::Equal, "7", Some(7..=7)),
            (Comparison::Equal, "-7", Some(-7..=-7)),
            (Comparison::Equal, "1:10", Some(1..=10)),
            (Comparison::Equal, "1-10", Some(1..=10)),
            (Comparison::Equal, "-10:-1", Some(-10..=-1)),
            (Comparison::Equal, ":10", Some(LEAST..=10)),
            (Comparison::Equal, "10:", Some(10..=MOST)),
            (Comparison::AtLeast, "7", Some(7..=MOST)),
            (Comparison::Above, "7", Some(8..=MOST)),
            (Comparison::AtMost, "-7", Some(LEAST..=-7)),
            (Comparison::Below, "7", Some(LEAST..=6)),
            (Comparison::Below, "-9223372036854775808", None),
            (Comparison::Above, "9223372036854775807", None),
            (Comparison::Above, "1:10", None),
            (Comparison::Equal, "10:1", None),
            (Comparison::Equal, ":", None),
            (Comparison::Equal, "", None),
            (Comparison::Equal, "-", None),
            (Comparison::Equal, "+7", None),
            (Comparison::Equal, "0x7", None),
            (Comparison::Equal, "9223372036854775808", None),
        ] {
            let found = comparison.numbers(text, NumberForm::Plain);
            assert_eq!(found, numbers, "{comparison:?} {text}");
        }
        assert_eq!(number_or_hex("0x1F"), Some(31));
        assert_eq!(number_or_hex("0x"), None);
        assert_eq!(number_or_hex("0x+1"), None);
    }

    #[test]
    fn versions_are_two_numbers_with_a_dot_between_them() {
        for (text, numbers) in [
            ("3.3", Some(0x3_0003..=0x3_0003)),
            ("3", Some(0x3_0000..=0x3_0000)),
            ("3.1:3.3", Some(0x3_0001..=0x3_0003)),
            ("3.", None),
            ("3.65536", None),
            (".3", None),
        ] {
            assert_eq!(Comparison::Equal.numbers(text, NumberForm::Dotted), numbers, "{text}");
        }
    }

    #[test]
    fn networks_come_with_a_length_a_mask_or_neither() {
        for (text, written) in [
            ("192.0.2.1", Some("192.0.2.1/32")),
            ("10.1.2.3/8", Some("10.1.2.3/8")),
            ("10.0.0.0/255.255.0.0", Some("10.0.0.0/16")),
            ("::1", Some("::1/128")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("::ffff:192.0.2.1", Some("192.0.2.1/32")),
            ("::ffff:192.0.2.0/120", Some("192.0.2.0/24")),
            ("::ffff:0:0/95", Some("::ffff:0.0.0.0/95")),
            ("10.0.0.0/33", None),
            ("10.0.0.0/255.0.255.0", None),
            ("10.0.0.0/", None),
            ("10.0.0", None),
            ("localhost", None),
            ("fe80::1%eth0", None),
            ("::/129", None),
        ] {
            let network = network(text).map(|network| network.to_string());
            assert_eq!(network.as_deref(), written, "{text}");
        }
    }

    #[test]
    fn expressions_are_about_bytes() {
        let any = expression("^a.b$", Case::Exact).expect("an expression");
        assert!(any.is_match(b"a\xffb") && any.is_match(b"a\nb") && any.is_match(b"a\0b"));
        assert!(!any.is_match(b"a\0b\n"), "the end is the end");
        let folded = expression("^ab$", Case::Ignored).expect("an expression");
        assert!(folded.is_match(b"Ab"));
        assert!(expression("a(", Case::Exact).is_err());
    }
}
