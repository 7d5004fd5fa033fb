//! Values drawn from small pools, so that they meet again, with the edges of every type among them.

use std::sync::Arc;

use fastrand::Rng;
use serde_json::json;

use crate::{BaseType, DataType, Date, Decimal, Duration, Geopoint, Key, Timestamp, Value};

const INTEGERS: [i64; 9] = [i64::MIN, -2, -1, 0, 1, 2, 10, 9_007_199_254_740_993, i64::MAX];
const DOUBLES: [f64; 10] = [f64::MIN, -1.5, -0.1, 0.0, 5e-324, 0.1, 0.2, 10.0, 1e16, f64::MAX];
const TEXTS: [&str; 14] = ["", "a", "A", "ab", "a%", "_", "é", "e\u{301}", "\u{ffff}", "🚀", "z'\"\\", " a", "10", "9"];
const DAYS: [i32; 8] = [-719_162, -25_567, -4, -1, 0, 19_782, 20_087, 2_932_896];
const MICROS: [i64; 7] =
    [-62_135_596_800_000_000, -1, 0, 1, 1_709_211_599_999_999, 1_767_225_600_000_000, 253_402_300_799_999_999];
const LENGTHS: [i64; 6] = [i64::MIN, -1, 0, 1, 9_000_000, i64::MAX];
const DEGREES: [(f64, f64); 6] =
    [(0.0, 0.0), (0.1, 0.2), (10.0, 179.9), (10.0, -179.9), (-90.0, 180.0), (90.0, -180.0)];
const TEXT_KEYS: [&str; KEYS] = ["a", "A", "é", "'", "10"];
const INTEGER_KEYS: [i64; KEYS] = [i64::MIN, -1, 0, 2, i64::MAX];

fn of<T: Copy>(rng: &mut Rng, pool: &[T]) -> T {
    pool[rng.usize(..pool.len())]
}

/// A text to look for in others.
pub(super) fn text(rng: &mut Rng) -> &'static str {
    of(rng, &TEXTS)
}

/// How many keys objects of a type have.
pub(super) const KEYS: usize = 5;

/// The keys of a type whose key is of this type.
pub(super) fn keys(base: &BaseType) -> [Key; KEYS] {
    match base {
        BaseType::Integer => INTEGER_KEYS.map(Key::Integer),
        _ => TEXT_KEYS.map(Key::string),
    }
}

/// A present value of a type.
pub(super) fn value(rng: &mut Rng, data_type: &DataType) -> Value {
    match &data_type.base {
        BaseType::Boolean => Value::Boolean(rng.bool()),
        BaseType::Integer => Value::Integer(of(rng, &INTEGERS)),
        BaseType::Double => Value::Double(of(rng, &DOUBLES)),
        BaseType::Decimal { precision, scale } => {
            let most = 10_i64.pow(u32::from(*precision)) - 1;
            Value::Decimal(Decimal::new(of(rng, &[-most, -15, -1, 0, 1, 10, 100, most]), *scale))
        }
        BaseType::String => Value::string(of(rng, &TEXTS)),
        BaseType::Date => Value::Date(Date::from_days(of(rng, &DAYS)).unwrap()),
        BaseType::Timestamp => Value::Timestamp(Timestamp::from_micros(of(rng, &MICROS)).unwrap()),
        BaseType::Duration => Value::Duration(Duration::from_micros(of(rng, &LENGTHS))),
        BaseType::Geopoint => {
            let (lat, lon) = of(rng, &DEGREES);
            Value::Geopoint(Geopoint { lat, lon })
        }
        BaseType::Json => {
            let pool =
                [json!(1), json!(1.0), json!("1"), json!([]), json!({}), json!({ "b": [1, { "é": null }], "a": 0.1 })];
            Value::Json(Arc::new(pool[rng.usize(..pool.len())].clone()))
        }
        BaseType::Attachment => Value::Attachment(of(rng, &TEXTS).into()),
        BaseType::Vector { dimension, .. } => {
            let numbers: Vec<f32> = (0..*dimension).map(|_| of(rng, &[-1.5, 0.0, 0.1, f32::MAX])).collect();
            Value::Vector(numbers.into())
        }
        BaseType::Array(element) => Value::Array((0..rng.usize(..4)).map(|_| value(rng, element)).collect()),
        BaseType::Struct(fields) => {
            let field = |field: &crate::Field| {
                if field.required || rng.bool() { value(rng, &field.data_type) } else { Value::Null }
            };
            Value::Struct(fields.iter().map(field).collect())
        }
    }
}

/// A value of a type that may be absent.
pub(super) fn maybe(rng: &mut Rng, data_type: &DataType) -> Value {
    if rng.u8(..4) == 0 { Value::Null } else { value(rng, data_type) }
}
