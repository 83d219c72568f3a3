//! Times of day in the formats of `date`.

use std::ffi::{CString, c_long};

use libc::{strftime, time_t, tm};
use memalloc_os::walk::TimeStamp;

/// Bytes that one conversion may take.
const ROOM: usize = 1024;

/// How times are printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeFormat(pub(super) Vec<u8>);

impl TimeFormat {
    /// The time here, or, where there is no such year, the seconds since 1970.
    pub(super) fn append(&self, time: TimeStamp, out: &mut Vec<u8>) {
        match local(time.0) {
            Some(local) => self.fill(time, &local, out),
            None => out.extend_from_slice(time.0.to_string().as_bytes()),
        }
    }

    fn fill(&self, time: TimeStamp, local: &tm, out: &mut Vec<u8>) {
        let mut rest = self.0.as_slice();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match Conversion::read(after).filter(|_| byte == b'%') {
                Some((conversion, after)) => {
                    conversion.append(time, local, out);
                    rest = after;
                }
                None => out.push(byte),
            }
        }
    }
}

/// What follows a `%`.
struct Conversion<'f> {
    /// All of it.
    text: &'f [u8],
    flags: &'f [u8],
    width: Option<usize>,
    colons: usize,
    letter: u8,
}

impl<'f> Conversion<'f> {
    fn read(text: &'f [u8]) -> Option<(Self, &'f [u8])> {
        let count = |text: &[u8], set: &[u8]| text.iter().take_while(|byte| set.contains(byte)).count();
        let (flags, rest) = text.split_at(count(text, b"_-0^#+"));
        let (digits, rest) = rest.split_at(count(rest, b"0123456789"));
        let rest = &rest[count(rest, b"EO")..];
        let colons = count(rest, b":");
        let (&letter, after) = rest[colons..].split_first()?;
        let width = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        let text = &text[..text.len() - after.len()];
        Some((Self { text, flags, width, colons, letter }, after))
    }

    fn append(&self, time: TimeStamp, local: &tm, out: &mut Vec<u8>) {
        match (self.letter, self.colons) {
            (b'N', 0) => self.append_nanoseconds(time.1, out),
            (b'q', 0) => out.extend_from_slice((local.tm_mon / 3 + 1).to_string().as_bytes()),
            (b'z', colons @ 1..=3) => append_zone(local.tm_gmtoff, colons, out),
            (_, 0) => self.append_as_c(local, out),
            _ => {
                out.push(b'%');
                out.extend_from_slice(self.text);
            }
        }
    }

    fn append_nanoseconds(&self, nanoseconds: u32, out: &mut Vec<u8>) {
        let digits = format!("{nanoseconds:09}");
        let kept = self.width.unwrap_or(9);
        let shown = if self.flags.contains(&b'-') { digits.trim_end_matches('0') } else { &digits };
        out.extend_from_slice(&shown.as_bytes()[..kept.min(shown.len())]);
        if !self.flags.contains(&b'-') {
            out.extend(std::iter::repeat_n(b'0', kept.saturating_sub(9).min(ROOM)));
        }
    }

    /// Has the C library do it.
    fn append_as_c(&self, local: &tm, out: &mut Vec<u8>) {
        // The blank tells an empty result from one that has no room.
        let Ok(format) = CString::new([b" %", self.text].concat()) else { return };
        let mut room = [0u8; ROOM];
        // SAFETY: `room` is as long as is said, `format` ends with a zero, and `local` is whole.
        let len = unsafe { strftime(room.as_mut_ptr().cast(), ROOM, format.as_ptr(), local) };
        out.extend_from_slice(room.get(1..len).unwrap_or_default());
    }
}

fn append_zone(seconds: c_long, colons: usize, out: &mut Vec<u8>) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = match colons {
        1 => format!("{sign}{hours:02}:{minutes:02}"),
        2 => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
        _ if rest > 0 => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
        _ if minutes > 0 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn local(seconds: i64) -> Option<tm> {
    let seconds = as_time_t(seconds)?;
    // SAFETY: all bytes zero are a valid `tm`, of which the zone's name is null.
    let mut local = unsafe { std::mem::zeroed::<tm>() };
    // SAFETY: both point to values that live throughout the call, and this program has one thread.
    let done = unsafe { libc::localtime_r(&seconds, &mut local) };
    (!done.is_null()).then_some(local)
}

/// The C library's type, which may be too small.
fn as_time_t(seconds: i64) -> Option<time_t> {
    let time = seconds as time_t;
    (i128::from(time) == i128::from(seconds)).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(format: &str, time: TimeStamp) -> String {
        let mut out = Vec::new();
        // SAFETY: all bytes zero are a valid `tm`.
        let mut utc = unsafe { std::mem::zeroed::<tm>() };
        // SAFETY: both point to values that live throughout the call.
        unsafe { libc::gmtime_r(&as_time_t(time.0).unwrap(), &mut utc) };
        TimeFormat(format.into()).fill(time, &utc, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn formats_are_those_of_date() {
        let time = (-31_536_000, 500_000_000);
        assert_eq!(show("%Y-%m-%d %H:%M:%S.%N %z", time), "1969-01-01 00:00:00.500000000 +0000");
        assert_eq!(show("%-d %_H %^a %3N %:z %::z %:::z", time), "1  0 WED 500 +00:00 +00:00:00 +00");
        assert_eq!(show("%%%q%10Y|%n|%-N|%12N", time), "%10000001969|\n|5|500000000000");
        assert_eq!(show("100%", time), "100%");
        assert_eq!(show("", time), "");
    }

    #[test]
    fn years_that_no_calendar_has_are_seconds() {
        let mut out = Vec::new();
        TimeFormat(b"%Y".into()).append((i64::MAX, 0), &mut out);
        assert_eq!(out, i64::MAX.to_string().as_bytes());
    }
}
