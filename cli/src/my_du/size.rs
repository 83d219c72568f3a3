//! SIZE arguments as GNU programs read them: `4096`, `1K`, `MB`, `'KiB`, `human-readable`.

use super::scale::Scale;

/// What is wrong with a SIZE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Number,
    Suffix,
    TooLarge,
}

impl Wrong {
    /// The message about the argument of an option, which is named as it was given.
    pub(super) fn message(self, option: &str, argument: &[u8]) -> Vec<u8> {
        let (before, after): (_, &[u8]) = match self {
            Self::Number => (format!("invalid {option} argument '"), b"'"),
            Self::Suffix => (format!("invalid suffix in {option} argument '"), b"'"),
            Self::TooLarge => (format!("{option} argument '"), b"' too large"),
        };
        [before.as_bytes(), argument, after].concat()
    }
}

const BLOCK_UNITS: &[u8] = b"eEgGkKmMpPtTyYzZ";
const THRESHOLD_UNITS: &[u8] = b"kKmMGTPEZY";

/// The letters of the powers of 1024 and of 1000.
const POWERS: &[u8] = b"KMGTPEZY";

/// Reads a block size.
pub(super) fn block(text: &[u8]) -> Result<Scale, Wrong> {
    let text = text.strip_prefix(b"'").unwrap_or(text);
    if let Some(scale) = word(text) {
        return Ok(scale);
    }
    let number = number(text, BLOCK_UNITS);
    match number {
        Number { value: 0, .. } => Err(Wrong::Number),
        Number { wrong: Some(wrong), .. } => Err(wrong),
        Number { value, suffix, .. } => Ok(Scale::Unit { bytes: value, suffix }),
    }
}

/// Reads a block size of the environment, of which anything may be taken that is a number.
pub(super) fn lenient_block(text: &[u8]) -> Option<Scale> {
    let text = text.strip_prefix(b"'").unwrap_or(text);
    word(text).or_else(|| {
        let Number { value, suffix, wrong } = number(text, BLOCK_UNITS);
        let suffix = if wrong.is_none() { suffix } else { String::new() };
        (value > 0).then_some(Scale::Unit { bytes: value, suffix })
    })
}

/// Reads a threshold: at least so many bytes, or, if negative, at most.
pub(super) fn threshold(text: &[u8]) -> Result<i64, Wrong> {
    let blank = text.iter().take_while(|byte| is_blank(**byte)).count();
    let digits = text[blank..].strip_prefix(b"-");
    let number = number(digits.unwrap_or(text), THRESHOLD_UNITS);
    let starts_well = digits.is_none_or(|digits| digits.first().is_some_and(u8::is_ascii_digit));
    match number.wrong {
        _ if !starts_well => Err(Wrong::Number),
        Some(wrong) => Err(wrong),
        None if digits.is_none() => i64::try_from(number.value).map_err(|_| Wrong::TooLarge),
        None if number.value == 0 => Err(Wrong::Number),
        None => 0_i64.checked_sub_unsigned(number.value).ok_or(Wrong::TooLarge),
    }
}

/// Reads a number without a unit.
pub(super) fn plain(text: &[u8]) -> Option<usize> {
    match number(text, b"") {
        Number { value, wrong: None, .. } => value.try_into().ok(),
        _ => None,
    }
}

/// `human-readable` or `si`, or the start of one.
fn word(text: &[u8]) -> Option<Scale> {
    let starts = |word: &str| !text.is_empty() && word.as_bytes().starts_with(text);
    match () {
        () if starts("human-readable") => Some(Scale::Powers(1024)),
        () if starts("si") => Some(Scale::Powers(1000)),
        () => None,
    }
}

struct Number {
    /// As much of it as could be read.
    value: u64,
    /// The unit, if it stands alone.
    suffix: String,
    wrong: Option<Wrong>,
}

impl Number {
    fn wrong(value: u64, wrong: Wrong) -> Self {
        Self { value, suffix: String::new(), wrong: Some(wrong) }
    }
}

fn number(text: &[u8], units: &[u8]) -> Number {
    let (digits, rest, overflown) = digits(text);
    let alone = digits.is_none();
    let Some(value) = digits.or_else(|| units.contains(rest.first()?).then_some(1)) else {
        return Number::wrong(0, Wrong::Number);
    };
    let Some(&letter) = rest.first() else {
        let wrong = overflown.then_some(Wrong::TooLarge);
        return Number { value, suffix: String::new(), wrong };
    };
    let Some(power) = power(letter).filter(|_| units.contains(&letter)) else {
        return Number::wrong(value, Wrong::Suffix);
    };
    let (base, after) = base(&rest[1..]);
    let size = base.checked_pow(power).and_then(|unit| unit.checked_mul(value)).filter(|_| !overflown);
    let value = size.unwrap_or(u64::MAX);
    match size {
        _ if !after.is_empty() => Number::wrong(value, Wrong::Suffix),
        None => Number::wrong(value, Wrong::TooLarge),
        Some(_) => {
            let suffix = if alone { suffix(power, &rest[1..]) } else { String::new() };
            Number { value, suffix, wrong: None }
        }
    }
}

/// The number at the start, as C reads it (`0x10`, `010`), if there is one; what follows; whether it is too large.
fn digits(text: &[u8]) -> (Option<u64>, &[u8], bool) {
    let blank = text.iter().take_while(|byte| is_blank(**byte)).count();
    let rest = text[blank..].strip_prefix(b"+").unwrap_or(&text[blank..]);
    let is_hex = rest.len() > 2 && rest[2].is_ascii_hexdigit() && matches!(rest, [b'0', b'x' | b'X', ..]);
    let (radix, rest) = match rest {
        [_, _, rest @ ..] if is_hex => (16, rest),
        [b'0', ..] => (8, rest),
        _ => (10, rest),
    };
    let digits = rest.iter().map_while(|&byte| char::from(byte).to_digit(radix));
    let (mut value, mut count) = (Some(0u64), 0);
    for digit in digits {
        value = value.and_then(|value| value.checked_mul(radix.into())?.checked_add(digit.into()));
        count += 1;
    }
    ((count > 0).then(|| value.unwrap_or(u64::MAX)), &rest[count..], value.is_none())
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn power(letter: u8) -> Option<u32> {
    let upper = if b"gkmt".contains(&letter) { letter.to_ascii_uppercase() } else { letter };
    POWERS.iter().position(|&power| power == upper).map(|at| at as u32 + 1)
}

/// What a unit's letter is a power of, by what follows the letter; and what is left of that.
fn base(after: &[u8]) -> (u64, &[u8]) {
    match after {
        [b'i', b'B', rest @ ..] => (1024, rest),
        [b'B' | b'D', rest @ ..] => (1000, rest),
        rest => (1024, rest),
    }
}

fn suffix(power: u32, after: &[u8]) -> String {
    let letter = char::from(POWERS[power as usize - 1]);
    match after {
        b"B" if power == 1 => "kB".into(),
        b"B" => format!("{letter}B"),
        b"iB" => format!("{letter}iB"),
        _ => letter.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(bytes: u64, suffix: &str) -> Result<Scale, Wrong> {
        Ok(Scale::Unit { bytes, suffix: suffix.into() })
    }

    #[test]
    fn numbers_and_units() {
        assert_eq!(block(b"0x10"), unit(16, ""));
        assert_eq!(block(b" +010"), unit(8, ""));
        assert_eq!(block(b"2k"), unit(2048, ""));
        assert_eq!(block(b"1KD"), unit(1000, ""));
        assert_eq!(block(b"9999P"), unit(9999 << 50, ""));
        assert_eq!(block(b"18446744073709551615"), unit(u64::MAX, ""));
    }

    #[test]
    fn a_unit_alone_is_shown() {
        assert_eq!(block(b"K"), unit(1 << 10, "K"));
        assert_eq!(block(b"'m"), unit(1 << 20, "M"));
        assert_eq!(block(b"kB"), unit(1000, "kB"));
        assert_eq!(block(b"gB"), unit(1_000_000_000, "GB"));
        assert_eq!(block(b"KiB"), unit(1 << 10, "KiB"));
        assert_eq!(block(b"KD"), unit(1000, "K"));
    }

    #[test]
    fn words_may_be_cut() {
        for text in ["human-readable", "h", "'hum"] {
            assert_eq!(block(text.as_bytes()), Ok(Scale::Powers(1024)));
        }
        assert_eq!(block(b"s"), Ok(Scale::Powers(1000)));
        assert_eq!(block(b"six"), Err(Wrong::Number));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        for text in ["", "0", "08", "0x", "x", "B", "R", "-1", " -1", "''K", "hx"] {
            assert_eq!(block(text.as_bytes()), Err(Wrong::Number), "{text}");
        }
        for text in ["1x", "p", "1e", "K1", "KiBx", "1 K", "1Ki", "1KiD", "1B"] {
            assert_eq!(block(text.as_bytes()), Err(Wrong::Suffix), "{text}");
        }
        for text in ["18446744073709551616", "16E", "Z", "17179869184G"] {
            assert_eq!(block(text.as_bytes()), Err(Wrong::TooLarge), "{text}");
        }
        assert_eq!(Wrong::Suffix.message("-B", b"1x"), b"invalid suffix in -B argument '1x'");
    }

    #[test]
    fn the_environment_is_read_with_indulgence() {
        assert_eq!(lenient_block(b"4Q"), unit(4, "").ok());
        assert_eq!(lenient_block(b"16E"), unit(u64::MAX, "").ok());
        assert_eq!(lenient_block(b"KB"), unit(1000, "kB").ok());
        for text in ["1Kx", "K1", "1KiBx"] {
            assert_eq!(lenient_block(text.as_bytes()), unit(1024, "").ok(), "{text}");
        }
        assert_eq!(lenient_block(b"3MBx"), unit(3_000_000, "").ok());
        for text in ["", "'", "bogus", "08", "-5"] {
            assert_eq!(lenient_block(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn thresholds_have_a_sign() {
        assert_eq!(threshold(b"0"), Ok(0));
        assert_eq!(threshold(b"2KB"), Ok(2000));
        assert_eq!(threshold(b"-1M"), Ok(-(1 << 20)));
        assert_eq!(threshold(b"-0"), Err(Wrong::Number));
        assert_eq!(threshold(b"--1"), Err(Wrong::Number));
        assert_eq!(threshold(b"e"), Err(Wrong::Number));
        assert_eq!(threshold(b"1e"), Err(Wrong::Suffix));
        assert_eq!(threshold(b"9223372036854775808"), Err(Wrong::TooLarge));
        assert_eq!(threshold(b"-8E"), Ok(i64::MIN));
        assert_eq!(threshold(b"-9223372036854775809"), Err(Wrong::TooLarge));
    }
}
