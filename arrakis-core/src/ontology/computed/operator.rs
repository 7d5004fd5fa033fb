//! Operators on values that are there.

use super::Operator;
use super::arithmetic::{self, inconsistent, overflow};
use crate::{Date, Error, Result, STRING_LEN_MAX, Value, canonical_json};

impl Operator {
    /// Its name in the file; the one of what it computes exactly, where the file has none for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply | Self::MultiplyDecimal { .. } => "multiply",
            Self::Divide | Self::DivideDecimal { .. } => "divide",
            Self::Remainder => "remainder",
            Self::Negate => "negate",
            Self::Abs => "abs",
            Self::Min => "min",
            Self::Max => "max",
            Self::ToDecimal { .. } => "decimal",
            Self::Concat => "concat",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Trim => "trim",
            Self::Length => "length",
            Self::ToText => "to_text",
            Self::DateOf => "date_of",
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::AddDays => "add_days",
            Self::Coalesce => "coalesce",
        }
    }

    /// The result on operands all of which are present.
    pub(super) fn apply(self, operands: &[Value]) -> Result<Value> {
        match (self, operands) {
            (Self::Add, [first, rest @ ..]) => {
                rest.iter().try_fold(first.clone(), |sum, term| arithmetic::add(&sum, term))
            }
            (Self::Subtract, [a, b]) => arithmetic::subtract(a, b),
            (Self::Multiply, [a, b]) => arithmetic::multiply(a, b),
            (Self::MultiplyDecimal { scale }, [a, b]) => arithmetic::multiply_decimal(a, b, scale),
            (Self::Divide, [a, b]) => arithmetic::divide(a, b),
            (Self::DivideDecimal { scale }, [a, b]) => arithmetic::divide_decimal(a, b, scale),
            (Self::Remainder, [a, b]) => arithmetic::remainder(a, b),
            (Self::Negate, [value]) => arithmetic::negate(value),
            (Self::Abs, [value]) => arithmetic::abs(value),
            (Self::ToDecimal { precision, scale }, [value]) => arithmetic::to_decimal(value, precision, scale),
            (Self::Min, values) => values.iter().min_by(|a, b| a.compare(b)).cloned().ok_or_else(inconsistent),
            (Self::Max, values) => values.iter().max_by(|a, b| a.compare(b)).cloned().ok_or_else(inconsistent),
            (Self::Concat, texts) => concat(texts),
            (Self::Lower, [Value::String(text)]) => string(text.to_lowercase()),
            (Self::Upper, [Value::String(text)]) => string(text.to_uppercase()),
            (Self::Trim, [Value::String(text)]) => string(text.trim()),
            (Self::Length, [Value::String(text)]) => integer(text.chars().count()),
            (Self::Length, [Value::Array(items)]) => integer(items.len()),
            (Self::ToText, [value]) => match value.to_json() {
                serde_json::Value::String(text) => string(text),
                json => string(canonical_json(&json)),
            },
            (Self::DateOf, [Value::Timestamp(instant)]) => Ok(Value::Date(instant.date())),
            (Self::Year, [Value::Date(date)]) => Ok(Value::Integer(date.year_month_day().0.into())),
            (Self::Month, [Value::Date(date)]) => Ok(Value::Integer(date.year_month_day().1.into())),
            (Self::Day, [Value::Date(date)]) => Ok(Value::Integer(date.year_month_day().2.into())),
            (Self::AddDays, [Value::Date(date), Value::Integer(days)]) => add_days(*date, *days),
            _ => Err(inconsistent()),
        }
    }
}

fn concat(texts: &[Value]) -> Result<Value> {
    let mut whole = String::new();
    for text in texts {
        let Value::String(text) = text else { return Err(inconsistent()) };
        if whole.len() + text.len() > STRING_LEN_MAX {
            return Err(too_long());
        }
        whole.push_str(text);
    }
    string(whole)
}

fn string(text: impl AsRef<str>) -> Result<Value> {
    let text = text.as_ref();
    if text.len() > STRING_LEN_MAX { Err(too_long()) } else { Ok(Value::string(text)) }
}

fn too_long() -> Error {
    Error::invalid("value.string.too_long", "the text computed is too long").with("length_max", STRING_LEN_MAX)
}

fn integer(count: usize) -> Result<Value> {
    i64::try_from(count).map(Value::Integer).map_err(|_| overflow())
}

fn add_days(date: Date, days: i64) -> Result<Value> {
    let days = i64::from(date.days()).checked_add(days).and_then(|days| i32::try_from(days).ok());
    days.and_then(|days| Date::from_days(days).ok()).map(Value::Date).ok_or_else(overflow)
}
