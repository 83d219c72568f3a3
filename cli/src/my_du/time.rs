//! Times of day in the formats of `date`.

use std::ffi::{CString, c_long};
use std::iter::repeat_n;

use libc::{strftime, time_t, tm};
use memalloc_os::walk::TimeStamp;

/// Bytes that one conversion may take.
const ROOM: usize = 1024;

/// The conversions that are left to the C library.
const OF_C: &[u8] = b"aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyYZ";

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
    digits: &'f [u8],
    /// What follows the digits.
    rest: &'f [u8],
    colons: usize,
    letter: u8,
}

impl<'f> Conversion<'f> {
    fn read(text: &'f [u8]) -> Option<(Self, &'f [u8])> {
        let count = |text: &[u8], set: &[u8]| text.iter().take_while(|byte| set.contains(byte)).count();
        let (flags, rest) = text.split_at(count(text, b"_-0^#+"));
        let (digits, rest) = rest.split_at(count(rest, b"0123456789"));
        let end = &rest[count(rest, b"EO")..];
        let colons = count(end, b":");
        let (&letter, after) = end[colons..].split_first()?;
        let rest = &rest[..rest.len() - after.len()];
        let text = &text[..text.len() - after.len()];
        Some((Self { text, flags, digits, rest, colons, letter }, after))
    }

    fn append(&self, time: TimeStamp, local: &tm, out: &mut Vec<u8>) {
        match (self.letter, self.colons) {
            (b'N', 0) => self.append_nanoseconds(time.1, out),
            (b'q', 0) => self.append_number("", &(local.tm_mon / 3 + 1).to_string(), 1, out),
            (b's', 0) => {
                let sign = if time.0 < 0 { "-" } else { "" };
                self.append_number(sign, &time.0.unsigned_abs().to_string(), 1, out);
            }
            (b'z', colons @ 0..=3) => self.append_zone(local.tm_gmtoff, colons, out),
            (b'%', 0) if self.text.len() == 1 => out.push(b'%'),
            (b'%', _) | (_, 1..) => self.append_itself(out),
            (letter, 0) if self.rest.len() == 1 && !OF_C.contains(&letter) => self.append_itself(out),
            _ => self.append_as_c(local, out),
        }
    }

    /// The flag that says how to fill up: the last one.
    fn fill(&self) -> Option<u8> {
        self.flags.iter().copied().rfind(|flag| b"_-0+".contains(flag))
    }

    fn width(&self) -> Option<usize> {
        std::str::from_utf8(self.digits).ok().and_then(|digits| digits.parse().ok())
    }

    /// How many bytes `len` lack, where `usual` are usual.
    fn lacking(&self, len: usize, usual: usize) -> usize {
        let width = if self.fill() == Some(b'-') { 0 } else { self.width().unwrap_or(usual) };
        width.saturating_sub(len).min(ROOM)
    }

    fn append_number(&self, sign: &str, digits: &str, usual: usize, out: &mut Vec<u8>) {
        let lacking = self.lacking(sign.len() + digits.len(), usual);
        let (blanks, zeros) = if self.fill() == Some(b'_') { (lacking, 0) } else { (0, lacking) };
        out.extend(repeat_n(b' ', blanks));
        out.extend_from_slice(sign.as_bytes());
        out.extend(repeat_n(b'0', zeros));
        out.extend_from_slice(digits.as_bytes());
    }

    /// These are the digits of a fraction: the width says how many are shown, and they are filled up behind.
    fn append_nanoseconds(&self, nanoseconds: u32, out: &mut Vec<u8>) {
        let digits = format!("{nanoseconds:09}");
        let (first, others) = digits[..self.width().unwrap_or(9).clamp(1, 9)].split_at(1);
        let others = others.trim_end_matches('0');
        out.extend_from_slice([first, others].concat().as_bytes());
        let byte = if self.fill() == Some(b'_') { b' ' } else { b'0' };
        out.extend(repeat_n(byte, self.lacking(1 + others.len(), 9)));
    }

    fn append_zone(&self, seconds: c_long, colons: usize, out: &mut Vec<u8>) {
        let sign = if seconds < 0 { "-" } else { "+" };
        let seconds = seconds.unsigned_abs();
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let (digits, usual) = match colons {
            0 => ((100 * hours + minutes).to_string(), 5),
            3 if minutes == 0 && rest == 0 => (hours.to_string(), 3),
            3 if rest == 0 => (format!("{hours}:{minutes:02}"), 6),
            1 => (format!("{hours}:{minutes:02}"), 6),
            _ => (format!("{hours}:{minutes:02}:{rest:02}"), 9),
        };
        self.append_number(sign, &digits, usual, out);
    }

    /// Appends what means nothing. GNU counts neither colons nor a second `%`.
    fn append_itself(&self, out: &mut Vec<u8>) {
        let counted =
            1 + self.text.len() - self.colons - usize::from(self.colons == 0 && self.letter == b'%');
        let byte = if matches!(self.fill(), Some(b'0' | b'+')) { b'0' } else { b' ' };
        out.extend(repeat_n(byte, self.lacking(counted, 0)));
        out.push(b'%');
        out.extend_from_slice(self.text);
    }

    /// Has the C library do it.
    fn append_as_c(&self, local: &tm, out: &mut Vec<u8>) {
        let text = if self.rest.len() > 1 { self.text.to_vec() } else { self.text_for_c() };
        // The blank tells an empty result from one that has no room.
        let Ok(format) = CString::new([b" %", &*text].concat()) else { return };
        let mut room = [0u8; ROOM];
        // SAFETY: `room` is as long as is said, `format` ends with a zero, and `local` is whole.
        let len = unsafe { strftime(room.as_mut_ptr().cast(), ROOM, format.as_ptr(), local) };
        out.extend_from_slice(room.get(1..len).unwrap_or_default());
    }

    /// What means the same to the C library, which fills up even with `-`, fills dates with blanks, and knows no `+`.
    fn text_for_c(&self) -> Vec<u8> {
        let (fill, digits): (&[u8], &[u8]) = match self.fill() {
            Some(b'-') => (b"-", b""),
            Some(b'_') => (b"_", self.digits),
            None if self.letter != b'F' => (b"", self.digits),
            _ => (b"0", self.digits),
        };
        let case: Vec<u8> = self.flags.iter().copied().filter(|flag| b"^#".contains(flag)).collect();
        [&*case, fill, digits, self.rest].concat()
    }
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
        assert_eq!(show("%_:z %+10z %-9d %5% %-N %_4N|%3C", time), " +0:00 +000000000 1    %5% 5 5   |019");
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
