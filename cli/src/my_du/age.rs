//! AGE arguments: how long ago, or since which day.

use std::time::SystemTime;

use libc::{time_t, tm};
use memalloc_os::walk::TimeStamp;

/// Units and their seconds; months and years are mean ones.
const UNITS: [(&str, i64); 7] = [
    ("s", 1),
    ("min", 60),
    ("h", 3600),
    ("d", 86_400),
    ("w", 7 * 86_400),
    ("mon", 2_629_746),
    ("y", 31_556_952),
];

/// The moment that is meant: so long before now (`36h`, `2w`), or the start of a day here (`2026-01-31`).
pub(super) fn moment(text: &str) -> Option<TimeStamp> {
    before(text, now()).or_else(|| Some((start_of_day(text)?, 0)))
}

/// The last moment before one.
pub(super) fn just_before((seconds, nanoseconds): TimeStamp) -> TimeStamp {
    match nanoseconds.checked_sub(1) {
        Some(less) => (seconds, less),
        None => (seconds.saturating_sub(1), 999_999_999),
    }
}

fn now() -> TimeStamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs().cast_signed(), since.subsec_nanos())
}

fn before(text: &str, (seconds, nanoseconds): TimeStamp) -> Option<TimeStamp> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let age = number.parse::<i64>().ok()?.checked_mul(*unit)?;
    Some((seconds.checked_sub(age)?, nanoseconds))
}

fn start_of_day(text: &str) -> Option<i64> {
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    let mut parts = text.split('-').map(|part| part.parse::<i32>());
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if !is_date || parts.next().is_some() {
        return None;
    }
    // SAFETY: all bytes zero are a valid `tm`, of which the zone's name is null.
    let mut local = unsafe { std::mem::zeroed::<tm>() };
    (local.tm_year, local.tm_mon, local.tm_mday, local.tm_isdst) = (year - 1900, month - 1, day, -1);
    // SAFETY: it points to a value that lives throughout the call, and this program has one thread.
    let seconds: time_t = unsafe { libc::mktime(&mut local) };
    // A day that no month has is another one now.
    let is_a_day = (local.tm_year, local.tm_mon, local.tm_mday) == (year - 1900, month - 1, day);
    is_a_day.then_some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_numbers_with_a_unit() {
        let now = (1_000_000, 7);
        assert_eq!(before("90s", now), Some((999_910, 7)));
        assert_eq!(before("2min", now), Some((999_880, 7)));
        assert_eq!(before("36h", now), Some((1_000_000 - 36 * 3600, 7)));
        assert_eq!(before("2w", now), Some((1_000_000 - 14 * 86_400, 7)));
        for wrong in ["", "d", "5", "5x", "-5d", "5 d", "99999999999999999999d", "9223372036854775807y"] {
            assert_eq!(before(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        let (day, next) = (start_of_day("2026-02-28").unwrap(), start_of_day("2026-03-01").unwrap());
        assert!((23 * 3600..=25 * 3600).contains(&(next - day)));
        for wrong in ["2026-02-29", "2026-13-01", "26-02-03-4", "2026-2-28", "+026-02-28", "2026-00-10"] {
            assert_eq!(start_of_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_moment_before_is_a_nanosecond_away() {
        assert_eq!(just_before((5, 1)), (5, 0));
        assert_eq!(just_before((5, 0)), (4, 999_999_999));
    }
}
