//! Sums, products and quotients: exact, or rounded once where a scale is stated, or refused.

use crate::{DECIMAL_PRECISION_MAX, Decimal, Duration, Error, Result, Timestamp, Value};

pub(super) fn overflow() -> Error {
    Error::invalid("kernel.action.overflow", "the result is out of the range of its type")
}

pub(super) fn inconsistent() -> Error {
    Error::internal("schema.inconsistent", "a value of an action is of another type than its operator takes")
}

fn division_by_zero() -> Error {
    Error::invalid("kernel.action.division_by_zero", "a division by zero")
}

fn integer(result: Option<i64>) -> Result<Value> {
    result.map(Value::Integer).ok_or_else(overflow)
}

fn duration(micros: Option<i64>) -> Result<Value> {
    micros.map(|micros| Value::Duration(Duration::from_micros(micros))).ok_or_else(overflow)
}

fn timestamp(micros: Option<i64>) -> Result<Value> {
    micros.and_then(|micros| Timestamp::from_micros(micros).ok()).map(Value::Timestamp).ok_or_else(overflow)
}

fn double(result: f64) -> Result<Value> {
    // Adding zero turns −0 into 0, so that equal values have equal bits.
    if result.is_finite() { Ok(Value::Double(result + 0.0)) } else { Err(overflow()) }
}

fn decimal(unscaled: i128, precision: u8, scale: u8) -> Result<Value> {
    let limit = 10_i128.pow(u32::from(precision.min(DECIMAL_PRECISION_MAX)));
    i64::try_from(unscaled)
        .ok()
        .filter(|_| unscaled.abs() < limit)
        .map(|unscaled| Value::Decimal(Decimal::new(unscaled, scale)))
        .ok_or_else(|| overflow().with("precision_max", precision).with("scale", scale))
}

/// A number `unscaled × 10^-scale`.
fn exact(value: &Value) -> Result<(i128, u8)> {
    match value {
        Value::Integer(number) => Ok(((*number).into(), 0)),
        Value::Decimal(decimal) if decimal.scale() <= DECIMAL_PRECISION_MAX => {
            Ok((decimal.unscaled().into(), decimal.scale()))
        }
        _ => Err(inconsistent()),
    }
}

/// Two decimals of one scale.
fn alike(a: Decimal, b: Decimal) -> Result<(i128, i128, u8)> {
    if a.scale() == b.scale() { Ok((a.unscaled().into(), b.unscaled().into(), a.scale())) } else { Err(inconsistent()) }
}

pub(super) fn add(a: &Value, b: &Value) -> Result<Value> {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => integer(a.checked_add(*b)),
        (Value::Double(a), Value::Double(b)) => double(a + b),
        (Value::Decimal(a), Value::Decimal(b)) => {
            let (a, b, scale) = alike(*a, *b)?;
            decimal(a + b, DECIMAL_PRECISION_MAX, scale)
        }
        (Value::Duration(a), Value::Duration(b)) => duration(a.micros().checked_add(b.micros())),
        (Value::Timestamp(a), Value::Duration(b)) => timestamp(a.micros().checked_add(b.micros())),
        _ => Err(inconsistent()),
    }
}

pub(super) fn subtract(a: &Value, b: &Value) -> Result<Value> {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => integer(a.checked_sub(*b)),
        (Value::Double(a), Value::Double(b)) => double(a - b),
        (Value::Decimal(a), Value::Decimal(b)) => {
            let (a, b, scale) = alike(*a, *b)?;
            decimal(a - b, DECIMAL_PRECISION_MAX, scale)
        }
        (Value::Duration(a), Value::Duration(b)) => duration(a.micros().checked_sub(b.micros())),
        (Value::Timestamp(a), Value::Timestamp(b)) => duration(a.micros().checked_sub(b.micros())),
        (Value::Timestamp(a), Value::Duration(b)) => timestamp(a.micros().checked_sub(b.micros())),
        (Value::Date(a), Value::Date(b)) => integer(i64::from(a.days()).checked_sub(b.days().into())),
        _ => Err(inconsistent()),
    }
}

pub(super) fn multiply(a: &Value, b: &Value) -> Result<Value> {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => integer(a.checked_mul(*b)),
        (Value::Double(a), Value::Double(b)) => double(a * b),
        (Value::Duration(time), Value::Integer(times)) | (Value::Integer(times), Value::Duration(time)) => {
            duration(time.micros().checked_mul(*times))
        }
        _ => Err(inconsistent()),
    }
}

pub(super) fn multiply_decimal(a: &Value, b: &Value, scale: u8) -> Result<Value> {
    let ((a, a_scale), (b, b_scale)) = (exact(a)?, exact(b)?);
    // Below 10^19 times 10^19.
    let product = a.checked_mul(b).ok_or_else(overflow)?;
    rescaled(product, a_scale + b_scale, scale).and_then(|unscaled| decimal(unscaled, DECIMAL_PRECISION_MAX, scale))
}

pub(super) fn divide(a: &Value, b: &Value) -> Result<Value> {
    match (a, b) {
        (Value::Integer(_), Value::Integer(0)) | (Value::Double(_), Value::Double(0.0)) => Err(division_by_zero()),
        (Value::Integer(a), Value::Integer(b)) => integer(a.checked_div(*b)),
        (Value::Double(a), Value::Double(b)) => double(a / b),
        _ => Err(inconsistent()),
    }
}

pub(super) fn divide_decimal(a: &Value, b: &Value, scale: u8) -> Result<Value> {
    let ((a, a_scale), (b, b_scale)) = (exact(a)?, exact(b)?);
    if b == 0 {
        return Err(division_by_zero());
    }
    let (up, down) = (u32::from(scale) + u32::from(b_scale), u32::from(a_scale));
    // A numerator too large for 128 bits has a quotient of more than eighteen digits: the denominator has at most nineteen.
    let numerator = a.checked_mul(10_i128.pow(up.saturating_sub(down))).ok_or_else(overflow)?;
    let denominator = b.checked_mul(10_i128.pow(down.saturating_sub(up))).ok_or_else(overflow)?;
    decimal(half_even(numerator, denominator), DECIMAL_PRECISION_MAX, scale)
}

pub(super) fn remainder(a: &Value, b: &Value) -> Result<Value> {
    match (a, b) {
        (Value::Integer(_), Value::Integer(0)) | (Value::Double(_), Value::Double(0.0)) => Err(division_by_zero()),
        // The one remainder whose quotient overflows is 0.
        (Value::Integer(a), Value::Integer(b)) => Ok(Value::Integer(a.wrapping_rem(*b))),
        (Value::Double(a), Value::Double(b)) => double(a % b),
        (Value::Decimal(a), Value::Decimal(b)) => {
            let (a, b, scale) = alike(*a, *b)?;
            if b == 0 {
                return Err(division_by_zero());
            }
            decimal(a % b, DECIMAL_PRECISION_MAX, scale)
        }
        _ => Err(inconsistent()),
    }
}

pub(super) fn negate(value: &Value) -> Result<Value> {
    match value {
        Value::Integer(number) => integer(number.checked_neg()),
        Value::Double(number) => double(-number),
        Value::Decimal(number) => decimal(-i128::from(number.unscaled()), DECIMAL_PRECISION_MAX, number.scale()),
        Value::Duration(time) => duration(time.micros().checked_neg()),
        _ => Err(inconsistent()),
    }
}

pub(super) fn abs(value: &Value) -> Result<Value> {
    let negative = match value {
        Value::Integer(number) => *number < 0,
        Value::Double(number) => *number < 0.0,
        Value::Decimal(number) => number.unscaled() < 0,
        Value::Duration(time) => time.micros() < 0,
        _ => return Err(inconsistent()),
    };
    if negative { negate(value) } else { Ok(value.clone()) }
}

/// An integer or decimal in a scale no smaller than its own.
pub(super) fn to_decimal(value: &Value, precision: u8, scale: u8) -> Result<Value> {
    let (unscaled, from) = exact(value)?;
    if from > scale {
        return Err(inconsistent());
    }
    rescaled(unscaled, from, scale).and_then(|unscaled| decimal(unscaled, precision, scale))
}

/// The same number in another scale, rounded half to even where digits go.
fn rescaled(unscaled: i128, from: u8, to: u8) -> Result<i128> {
    if from > to {
        return Ok(half_even(unscaled, 10_i128.pow(u32::from(from - to))));
    }
    unscaled.checked_mul(10_i128.pow(u32::from(to - from))).ok_or_else(overflow)
}

/// The quotient rounded to the nearest integer, ties to even. The denominator is not zero.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (numerator, denominator) = if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    // Compared without doubling, which could overflow.
    match rest.cmp(&(denominator - rest)) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + (floor & 1),
    }
}
