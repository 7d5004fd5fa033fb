//! Exact fractions to the nearest double.

/// Bits enough to round once: the 53 of a double, a guard, and room for the sticky bit below.
const BITS: u32 = 60;

/// `numerator / denominator` rounded once to the nearest double, ties to even. The denominator is not zero and below 2¹²⁶.
pub(super) fn ratio(numerator: i128, denominator: u128) -> f64 {
    let magnitude = numerator.unsigned_abs();
    let mut mantissa = magnitude / denominator;
    let mut rest = magnitude % denominator;
    let mut exponent = 0_i32;
    // Too few bits: divide on.
    while rest != 0 && mantissa < 1 << (BITS - 1) {
        rest <<= 1;
        mantissa <<= 1;
        if rest >= denominator {
            rest -= denominator;
            mantissa |= 1;
        }
        exponent -= 1;
    }
    // Too many: what falls off leaves its mark in the lowest bit, which is far below the one rounded at.
    let surplus = (u128::BITS - mantissa.leading_zeros()).saturating_sub(BITS);
    let lost = mantissa & ((1 << surplus) - 1) != 0 || rest != 0;
    let kept = u64::try_from(mantissa >> surplus).unwrap_or(u64::MAX) | u64::from(lost);
    exponent += i32::try_from(surplus).unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "the one rounding, to nearest with ties to even")]
    let rounded = kept as f64;
    // A power of two scales without rounding: exponents here stay within ±190.
    let value = rounded * 2_f64.powi(exponent);
    if numerator < 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_round_once_to_the_nearest_even() {
        for (numerator, denominator, expected) in [
            (0, 3, 0.0),
            (1, 3, 1.0 / 3.0),
            (-10, 4, -2.5),
            (1, 10, 0.1),
            (i128::from(i64::MAX), 1, 9_223_372_036_854_775_807.0),
            ((1 << 53) + 1, 1, 9_007_199_254_740_992.0),
            ((1 << 53) + 3, 1, 9_007_199_254_740_996.0),
            ((1 << 54) + 3, 2, 9_007_199_254_740_994.0),
            (999_999_999_999_999_999, 1_000_000_000_000_000_000, 1.0),
            (i128::MAX, 1, 1.701_411_834_604_692_3e38),
            (1, 1 << 124, 4.701_977_403_289_15e-38),
        ] {
            assert_eq!(ratio(numerator, denominator).to_bits(), f64::to_bits(expected), "{numerator}/{denominator}");
        }
    }

    #[test]
    fn small_fractions_agree_with_the_division_of_doubles() {
        // Both operands are exact doubles, so the hardware rounds the exact quotient once, too.
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let numerator = rng.i64(-(1 << 53)..1 << 53) >> rng.u32(..53);
            let denominator = (rng.u64(1..1 << 53) >> rng.u32(..52)).max(1);
            #[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
            let expected = numerator as f64 / denominator as f64;
            let found = ratio(numerator.into(), denominator.into());
            assert_eq!(found.to_bits(), (expected + 0.0).to_bits(), "{numerator}/{denominator}");
        }
    }
}
