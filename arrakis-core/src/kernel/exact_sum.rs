//! Sums of doubles that do not depend on the order of their terms.

/// Bits of a digit of the accumulator.
const DIGIT_BITS: u32 = 32;
/// Digits of the accumulator: the 2098 bits from 2⁻¹⁰⁷⁴ to the top of the largest double, and room for 2⁶⁴ terms.
const DIGITS: usize = 68;
/// Terms after which carries are passed on: each adds less than 2³² to a digit of 63 bits.
const TERMS_PER_CARRY: u32 = 1 << 30;
/// Bits of a double's significand that are stored (IEEE 754 binary64).
const FRACTION_BITS: u32 = 52;

/// An exact sum of finite doubles, rounded once, to the nearest double, ties to even, when it is read.
///
/// A fixed-point number wide enough for every double: adding is integer addition, so any order of the same terms gives the same bits.
#[derive(Clone, Debug)]
pub struct ExactSum {
    /// Signed digits, the lowest first; digit `i` counts 2^(32 i − 1074).
    digits: [i64; DIGITS],
    uncarried: u32,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { digits: [0; DIGITS], uncarried: 0 }
    }
}

impl ExactSum {
    /// Adds a finite double. Every [`crate::Value::Double`] is finite.
    pub fn add(&mut self, term: f64) {
        debug_assert!(term.is_finite(), "a double property is finite");
        let bits = term.to_bits();
        let fraction = bits & ((1 << FRACTION_BITS) - 1);
        let exponent = u32::try_from(bits >> FRACTION_BITS & 0x7ff).unwrap_or_default();
        let (significand, shift) =
            if exponent == 0 { (fraction, 0) } else { (fraction | 1 << FRACTION_BITS, exponent - 1) };
        let mut rest = u128::from(significand) << (shift % DIGIT_BITS);
        for digit in self.digits.iter_mut().skip((shift / DIGIT_BITS) as usize) {
            if rest == 0 {
                break;
            }
            let part = i64::from(low_digit(rest));
            *digit += if term.is_sign_negative() { -part } else { part };
            rest >>= DIGIT_BITS;
        }
        self.count_terms(1);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        other.carry();
        for (digit, term) in self.digits.iter_mut().zip(other.digits) {
            *digit += term;
        }
        self.count_terms(1);
    }

    /// The sum rounded to the nearest double, ties to even; an infinity where it is beyond the largest. Zero is never negative.
    pub fn value(&self) -> f64 {
        let mut magnitude = self.clone();
        magnitude.carry();
        let negative = magnitude.digits.last().is_some_and(|top| *top < 0);
        if negative {
            for digit in &mut magnitude.digits {
                *digit = -*digit;
            }
            magnitude.carry();
        }
        let rounded = magnitude.round();
        if negative { -rounded } else { rounded }
    }

    fn count_terms(&mut self, terms: u32) {
        self.uncarried += terms;
        if self.uncarried >= TERMS_PER_CARRY {
            self.carry();
        }
    }

    /// Brings every digit but the top one, which bears the sign, into 0..2³².
    fn carry(&mut self) {
        let mut carried = 0;
        let top = DIGITS - 1;
        for (index, digit) in self.digits.iter_mut().enumerate() {
            *digit += carried;
            if index < top {
                carried = *digit >> DIGIT_BITS;
                *digit -= carried << DIGIT_BITS;
            }
        }
        self.uncarried = 0;
    }

    /// The nearest double to this carried, not negative number.
    fn round(&self) -> f64 {
        let Some(top) = self.digits.iter().rposition(|digit| *digit != 0) else { return 0.0 };
        let digit = |index: Option<usize>| {
            index.and_then(|index| self.digits.get(index)).map_or(0, |digit| u128::from(digit.unsigned_abs()))
        };
        // The top three digits hold at least 65 significant bits: 53 of the result, the rest to round by.
        let window =
            digit(Some(top)) << (2 * DIGIT_BITS) | digit(top.checked_sub(1)) << DIGIT_BITS | digit(top.checked_sub(2));
        let below = self.digits.iter().take(top.saturating_sub(2)).any(|digit| *digit != 0);
        let window_exponent =
            i64::try_from(top).unwrap_or_default() * i64::from(DIGIT_BITS) - 2 * i64::from(DIGIT_BITS);
        // Bits of the window under the last one a double keeps: 53 significant bits, and never under 2^-1074.
        let width = i64::from(u128::BITS - window.leading_zeros());
        let dropped = (width - i64::from(FRACTION_BITS) - 1).max(-window_exponent).max(0);
        let dropped_bits = u32::try_from(dropped).unwrap_or_default();
        let kept = window >> dropped_bits;
        let rest = window - (kept << dropped_bits);
        let half = if dropped_bits == 0 { 0 } else { 1 << (dropped_bits - 1) };
        let up = dropped_bits > 0 && (rest > half || rest == half && (below || kept & 1 == 1));
        let significand = u64::try_from(kept + u128::from(up)).unwrap_or_default();
        scale(significand, dropped + window_exponent)
    }
}

fn low_digit(bits: u128) -> u32 {
    u32::try_from(bits & u128::from(u32::MAX)).unwrap_or_default()
}

/// `significand × 2^(exponent − 1074)`, exactly, for a significand of at most 2⁵³ and, below 2⁵², an exponent of 0.
fn scale(significand: u64, exponent: i64) -> f64 {
    // Biased exponents and fractions are adjacent in the bits of a double, so a carry out of the fraction moves on to the next
    // power of two by itself, from the subnormals up to infinity.
    let exponent = u64::try_from(exponent).unwrap_or_default().min(0x7ff);
    f64::from_bits((significand + (exponent << FRACTION_BITS)).min(f64::INFINITY.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(terms: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        for term in terms {
            sum.add(*term);
        }
        sum.value()
    }

    /// The sum by another way: whole multiples of 2^-1074 as big integers in base 2^16, rounded by comparing neighbours.
    fn reference(terms: &[f64]) -> f64 {
        let mut total = vec![0_i64; 140];
        for term in terms {
            for (index, digit) in wide(term.abs()).into_iter().enumerate() {
                total[index] += if *term < 0.0 { -digit } else { digit };
            }
        }
        let negative = {
            normal(&mut total);
            total[139] < 0
        };
        if negative {
            for digit in &mut total {
                *digit = -*digit;
            }
            normal(&mut total);
        }
        // The largest double not above the total, by bisection over the bits of doubles, then the nearer of it and the next.
        let (mut low, mut high) = (0_u64, f64::MAX.to_bits());
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if compare(&wide(f64::from_bits(middle)), &total).is_le() { low = middle } else { high = middle - 1 }
        }
        let mut twice = total.clone();
        for digit in &mut twice {
            *digit *= 2;
        }
        normal(&mut twice);
        let mut between = wide(f64::from_bits(low));
        let next =
            if low == f64::MAX.to_bits() { doubled(&wide(2_f64.powi(1023))) } else { wide(f64::from_bits(low + 1)) };
        between.iter_mut().zip(next).for_each(|(digit, other)| *digit += other);
        normal(&mut between);
        let up = match compare(&twice, &between) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => low % 2 == 1,
            std::cmp::Ordering::Less => false,
        };
        let rounded = f64::from_bits(low + u64::from(up));
        if negative { -rounded } else { rounded }
    }

    fn wide(value: f64) -> Vec<i64> {
        let bits = value.to_bits();
        let (fraction, exponent) = (bits & ((1 << 52) - 1), bits >> 52);
        let (significand, shift) = if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        let mut digits = vec![0; 140];
        for bit in 0..53 {
            let place = usize::try_from(shift).unwrap() + bit;
            digits[place / 16] += i64::try_from(significand >> bit & 1).unwrap() << (place % 16);
        }
        digits
    }

    fn doubled(digits: &[i64]) -> Vec<i64> {
        let mut digits: Vec<i64> = digits.iter().map(|digit| digit * 2).collect();
        normal(&mut digits);
        digits
    }

    fn normal(digits: &mut [i64]) {
        for index in 0..digits.len() - 1 {
            let carried = digits[index].div_euclid(1 << 16);
            digits[index] -= carried << 16;
            digits[index + 1] += carried;
        }
    }

    fn compare(a: &[i64], b: &[i64]) -> std::cmp::Ordering {
        a.iter().rev().cmp(b.iter().rev())
    }

    fn any_double(rng: &mut fastrand::Rng) -> f64 {
        loop {
            let value = match rng.u8(0..4) {
                0 => f64::from_bits(rng.u64(..)),
                1 => rng.f64() * 1e3 - 500.0,
                2 => f64::from(rng.i32(..)) * 2_f64.powi(rng.i32(-60..60)),
                _ => f64::from_bits(rng.u64(0..1 << 54)),
            };
            if value.is_finite() {
                return if rng.bool() { value } else { -value } + 0.0;
            }
        }
    }

    #[test]
    fn known_sums_come_out_exact() {
        let half_ulp = f64::EPSILON / 2.0;
        for (terms, expected) in [
            (vec![], 0.0),
            (vec![0.1; 10], 1.0),
            (vec![1e100, 1.0, -1e100], 1.0),
            (vec![1.0, half_ulp], 1.0),
            (vec![1.0, half_ulp, 5e-324], 1.0 + f64::EPSILON),
            (vec![1.0 + f64::EPSILON, half_ulp], 1.0 + 2.0 * f64::EPSILON),
            (vec![5e-324, 5e-324], 1e-323),
            (vec![f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
            (vec![f64::MAX, f64::MAX], f64::INFINITY),
            (vec![-f64::MAX, -f64::MAX], f64::NEG_INFINITY),
            (vec![f64::MAX, 2_f64.powi(969)], f64::MAX),
            (vec![f64::MAX, 2_f64.powi(970)], f64::INFINITY),
            (vec![f64::MIN_POSITIVE, -5e-324], f64::MIN_POSITIVE - 5e-324),
        ] {
            assert_eq!(sum(&terms).to_bits(), f64::to_bits(expected), "{terms:?}");
        }
        assert!(sum(&[-1.0, 1.0]).is_sign_positive());
    }

    #[test]
    fn any_sum_is_the_exact_one_rounded_once_in_any_order() {
        for seed in 0..400 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut terms: Vec<f64> = (0..rng.usize(1..40)).map(|_| any_double(&mut rng)).collect();
            if rng.bool() {
                let negated: Vec<f64> = terms.iter().take(terms.len() / 2).map(|term| -term).collect();
                terms.extend(negated);
            }
            let expected = reference(&terms);
            for _ in 0..4 {
                rng.shuffle(&mut terms);
                assert_eq!(sum(&terms).to_bits(), expected.to_bits(), "seed {seed}: {terms:?}");
            }
            let (left, right) = terms.split_at(rng.usize(0..=terms.len()));
            let (mut merged, mut other) = (ExactSum::default(), ExactSum::default());
            for term in left {
                merged.add(*term);
            }
            for term in right {
                other.add(*term);
            }
            merged.merge(&other);
            assert_eq!(merged.value().to_bits(), expected.to_bits(), "seed {seed}: merged");
        }
    }
}
