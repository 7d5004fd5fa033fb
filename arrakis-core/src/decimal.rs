//! Exact decimals of up to eighteen digits, held as a scaled integer so that every store orders and adds them alike.

use std::fmt;

use crate::{Error, Result};

/// The most digits a decimal has.
pub const DECIMAL_PRECISION_MAX: u8 = 18;

/// A decimal: `unscaled × 10^-scale`. The scale comes from the property's type, so equal values have equal bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal {
    // Ordered by scale first only across types, where values never meet.
    scale: u8,
    unscaled: i64,
}

impl Decimal {
    /// The decimal `unscaled × 10^-scale`.
    pub const fn new(unscaled: i64, scale: u8) -> Self {
        Self { scale, unscaled }
    }

    /// The integer behind the point-shifted value.
    pub const fn unscaled(self) -> i64 {
        self.unscaled
    }

    /// Digits after the point.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Reads `-12.50` as a decimal of the given precision and scale, without rounding.
    ///
    /// # Errors
    /// `value.decimal.malformed`; `value.decimal.out_of_range` when digits would be lost.
    pub fn parse(text: &str, precision: u8, scale: u8) -> Result<Self> {
        let malformed =
            || Error::invalid("value.decimal.malformed", format!("{text:?} is not a decimal such as -12.50"));
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(malformed());
        }
        let out_of_range = || {
            Error::invalid("value.decimal.out_of_range", "the decimal does not fit its type without losing digits")
                .with("precision_max", precision)
                .with("scale_max", scale)
        };
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > usize::from(scale) {
            return Err(out_of_range());
        }
        let mut unscaled: i64 = 0;
        let zeros = usize::from(scale) - fraction.len();
        for digit in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', zeros)) {
            unscaled = unscaled
                .checked_mul(10)
                .and_then(|value| value.checked_add(i64::from(digit - b'0')))
                .ok_or_else(out_of_range)?;
        }
        if unscaled >= 10_i64.pow(u32::from(precision.min(DECIMAL_PRECISION_MAX))) {
            return Err(out_of_range());
        }
        Ok(Self::new(if negative { -unscaled } else { unscaled }, scale))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unscaled < 0 {
            f.write_str("-")?;
        }
        let digits = format!("{:0width$}", self.unscaled.unsigned_abs(), width = usize::from(self.scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.scale));
        f.write_str(whole)?;
        if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_as_many_digits_as_the_scale() {
        for (text, printed) in
            [("1", "1.00"), ("-0.5", "-0.50"), ("12.34", "12.34"), ("0", "0.00"), ("-0", "0.00"), ("1.230", "1.23")]
        {
            assert_eq!(Decimal::parse(text, 10, 2).unwrap().to_string(), printed);
        }
        assert_eq!(Decimal::parse("7", 3, 0).unwrap().to_string(), "7");
    }

    #[test]
    fn the_edges_of_eighteen_digits_hold_and_nothing_rounds() {
        assert_eq!(Decimal::parse("999999999999999999", 18, 0).unwrap().unscaled(), 999_999_999_999_999_999);
        assert_eq!(Decimal::parse("-0.999999999999999999", 18, 18).unwrap().unscaled(), -999_999_999_999_999_999);
        for text in ["1000000000000000000", "99999999999999999999999", "0.001"] {
            assert_eq!(Decimal::parse(text, 18, 2).unwrap_err().code(), "value.decimal.out_of_range", "{text}");
        }
        for text in ["", "-", ".5", "5.", "1e3", "+1", "1_000", "٣"] {
            assert_eq!(Decimal::parse(text, 18, 2).unwrap_err().code(), "value.decimal.malformed", "{text}");
        }
    }
}
