//! How sizes are printed: rounded up to a unit, or in powers for human readers, as GNU du does it.

use std::io::Write;

/// The unit of sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// A whole number of units of so many bytes, and what stands behind it.
    Unit { bytes: u64, suffix: String },
    /// Powers of 1024 or 1000, up to two digits or a whole number from 10 units on: `1.1K`, `10M`.
    Powers(u32),
}

impl Scale {
    /// A unit without a name.
    pub(super) fn unit(bytes: u64) -> Self {
        Self::Unit { bytes, suffix: String::new() }
    }

    /// Prints a size, rounded up.
    pub(super) fn append(&self, size: u64, out: &mut Vec<u8>) {
        // Writing to memory does not fail.
        let _ = match self {
            Self::Unit { bytes, suffix } => write!(out, "{}{suffix}", size.div_ceil(*bytes)),
            Self::Powers(base) => write!(out, "{}", in_powers(size, u128::from(*base))),
        };
    }
}

fn in_powers(size: u64, base: u128) -> String {
    let kilo = if base == 1000 { "k" } else { "K" };
    let mut unit = 1u128;
    for letter in ["", kilo, "M", "G", "T", "P", "E"] {
        let size = u128::from(size);
        let whole = size.div_ceil(unit);
        let tenths = (10 * size).div_ceil(unit);
        match () {
            () if whole >= base => unit *= base,
            () if unit == 1 => return whole.to_string(),
            () if tenths < 100 => return format!("{}.{}{letter}", tenths / 10, tenths % 10),
            () => return format!("{whole}{letter}"),
        }
    }
    unreachable!("2^64 bytes are 16 E or 19 E")
}

#[cfg(test)]
mod tests {
    use super::Scale;

    fn show(scale: &Scale, size: u64) -> String {
        let mut out = Vec::new();
        scale.append(size, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sizes_are_rounded_up_as_gnu_does() {
        let cases = [
            (0, "0", "0"),
            (999, "999", "999"),
            (1000, "1000", "1.0k"),
            (1023, "1023", "1.1k"),
            (1024, "1.0K", "1.1k"),
            (1025, "1.1K", "1.1k"),
            (9950, "9.8K", "10k"),
            (10_137, "9.9K", "11k"),
            (10_138, "10K", "11k"),
            (10_240, "10K", "11k"),
            (10_241, "11K", "11k"),
            (999_001, "976K", "1.0M"),
            (1_047_552, "1023K", "1.1M"),
            (1_047_553, "1.0M", "1.1M"),
            (1_048_577, "1.1M", "1.1M"),
            (5_000_000_000, "4.7G", "5.0G"),
            (u64::MAX, "16E", "19E"),
        ];
        for (size, binary, decimal) in cases {
            assert_eq!(show(&Scale::Powers(1024), size), binary, "{size}");
            assert_eq!(show(&Scale::Powers(1000), size), decimal, "{size}");
        }
    }

    #[test]
    fn units_are_rounded_up() {
        let shown = |bytes, size| show(&Scale::unit(bytes), size);
        assert_eq!([shown(1024, 0), shown(1024, 1), shown(1024, 1025)], ["0", "1", "2"]);
        assert_eq!(shown(u64::MAX, u64::MAX), "1");
        assert_eq!(show(&Scale::Unit { bytes: 1000, suffix: "kB".into() }, 1001), "2kB");
    }
}
