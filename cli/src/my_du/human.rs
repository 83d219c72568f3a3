//! Sizes for human readers, as GNU du -h prints them.

/// A size in powers of 1024, rounded up to two digits, or to a whole number from 10 units on: `1.1K`, `10M`.
pub(super) fn ceiling(bytes: u64) -> String {
    let mut unit = 1u128;
    for letter in ["", "K", "M", "G", "T", "P", "E"] {
        let size = u128::from(bytes);
        let whole = size.div_ceil(unit);
        let tenths = (10 * size).div_ceil(unit);
        match () {
            () if whole >= 1024 => unit *= 1024,
            () if unit == 1 => return whole.to_string(),
            () if tenths < 100 => return format!("{}.{}{letter}", tenths / 10, tenths % 10),
            () => return format!("{whole}{letter}"),
        }
    }
    unreachable!("2^64 bytes are 16 E")
}

#[cfg(test)]
mod tests {
    use super::ceiling;

    #[test]
    fn sizes_are_rounded_up_as_gnu_does() {
        let cases = [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10_137, "9.9K"),
            (10_138, "10K"),
            (10_240, "10K"),
            (10_241, "11K"),
            (1_047_552, "1023K"),
            (1_047_553, "1.0M"),
            (1_048_577, "1.1M"),
            (5_000_000_000, "4.7G"),
            (u64::MAX, "16E"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(ceiling(bytes), expected, "{bytes}");
        }
    }
}
