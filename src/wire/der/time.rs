//! The two ways in which DER writes a time (RFC 5280 section 4.1.2.5).

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// Days from 0000-03-01 to 1970-01-01 in the calendar of today, in which years begin in March so
/// that the leap day is their last.
const DAYS_TO_EPOCH: i64 = 719_468;
const DAYS_PER_YEAR: i64 = 365;

/// Seconds since 1970 of a time with this tag and these contents; one before that is 0. `None` for
/// a form that RFC 5280 does not allow: UTC to the second, and nothing else.
pub(super) fn unix_seconds(tag: u8, contents: &[u8]) -> Option<u64> {
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = number(contents, 2)?;
            // 50 to 99 are of the twentieth century.
            (year + if year < 50 { 2000 } else { 1900 }, rest)
        }
        GENERALIZED_TIME => number(contents, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    let sane = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && rest == b"Z";
    let time = days(year, month, day) * SECONDS_PER_DAY + (hour * 60 + minute) * 60 + second;
    sane.then(|| u64::try_from(time).unwrap_or(0))
}

/// A time with this tag and these contents as it is written, with two digits of the year.
pub(super) fn without_century((tag, contents): (u8, &[u8])) -> Option<&[u8]> {
    match tag {
        UTC_TIME => Some(contents),
        GENERALIZED_TIME => contents.get(2..),
        _ => None,
    }
}

/// The first `digits` digits as a number, and what follows them.
fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    let number = number.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })?;
    Some((number, rest))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // From March on, months have 31, 30, 31, 30, 31 days in turn.
    let in_year = (153 * month + 2) / 5 + day - 1;
    year * DAYS_PER_YEAR + leap_days + in_year - DAYS_TO_EPOCH
}
