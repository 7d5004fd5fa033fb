//! Whether a value given as such is one its type could have read.

use crate::value::check_json;
use crate::{ARRAY_LEN_MAX, BaseType, Error, Result, STRING_LEN_MAX, Value};

/// Passes when the value is of the type, or absent.
///
/// # Errors
/// `value.type_mismatch`; constraints inside arrays and structs.
pub(super) fn check(base: &BaseType, value: &Value) -> Result<()> {
    if !is_of(base, value) {
        return Err(Error::invalid("value.type_mismatch", format!("a value of type {} is expected", base.name()))
            .with("expected", base.name()));
    }
    match (base, value) {
        (BaseType::Array(element), Value::Array(items)) => items.iter().try_for_each(|item| {
            check(&element.base, item)?;
            element.check(item)
        }),
        (BaseType::Struct(fields), Value::Struct(values)) => {
            fields.iter().zip(values).try_for_each(|(field, value)| {
                if field.required && value.is_null() {
                    return Err(Error::invalid("value.struct.missing_field", "the struct lacks a required field"));
                }
                check(&field.data_type.base, value)?;
                field.data_type.check(value)
            })
        }
        _ => Ok(()),
    }
}

fn is_of(base: &BaseType, value: &Value) -> bool {
    let is_text = |text: &str| text.len() <= STRING_LEN_MAX && !text.contains('\0');
    let is_double = |number: f64| number.is_finite() && (number != 0.0 || number.is_sign_positive());
    match (base, value) {
        (_, Value::Null)
        | (BaseType::Boolean, Value::Boolean(_))
        | (BaseType::Integer, Value::Integer(_))
        | (BaseType::Date, Value::Date(_))
        | (BaseType::Timestamp, Value::Timestamp(_))
        | (BaseType::Duration, Value::Duration(_)) => true,
        (BaseType::Json, Value::Json(json)) => check_json(json).is_ok(),
        (BaseType::Double, Value::Double(number)) => is_double(*number),
        (BaseType::Decimal { precision, scale }, Value::Decimal(decimal)) => {
            decimal.scale() == *scale && decimal.unscaled().unsigned_abs() < 10_u64.pow(u32::from(*precision))
        }
        (BaseType::String, Value::String(text)) | (BaseType::Attachment, Value::Attachment(text)) => is_text(text),
        (BaseType::Geopoint, Value::Geopoint(point)) => {
            let within = |degrees: f64, limit: f64| is_double(degrees) && degrees.abs() <= limit;
            within(point.lat, 90.0) && within(point.lon, 180.0)
        }
        (BaseType::Vector { dimension, .. }, Value::Vector(numbers)) => {
            numbers.len() == *dimension as usize && numbers.iter().all(|number| is_double(f64::from(*number)))
        }
        (BaseType::Array(_), Value::Array(items)) => items.len() <= ARRAY_LEN_MAX && !items.iter().any(Value::is_null),
        (BaseType::Struct(fields), Value::Struct(values)) => values.len() == fields.len(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataType, Decimal, Field, Geopoint};

    #[test]
    fn only_what_the_type_could_have_read_fits() {
        let decimal = BaseType::Decimal { precision: 3, scale: 1 };
        let strings = BaseType::Array(Box::new(DataType::of(BaseType::String)));
        let name = crate::ApiName::parse("street").unwrap();
        let street = Field { api_name: name, data_type: DataType::of(BaseType::String), required: true };
        let address = BaseType::Struct(vec![street]);
        let nested = |depth| (0..depth).fold(serde_json::Value::Null, |inner, _| serde_json::Value::from(vec![inner]));
        let json = |depth: usize| Value::Json(std::sync::Arc::new(nested(depth)));
        let at = |lat, lon| Value::Geopoint(Geopoint { lat, lon });
        for (base, value, fits) in [
            (&BaseType::Integer, Value::Null, true),
            (&BaseType::Integer, Value::Integer(1), true),
            (&BaseType::Integer, Value::Double(1.0), false),
            (&BaseType::Double, Value::Double(0.0), true),
            (&BaseType::Double, Value::Double(-0.0), false),
            (&BaseType::Double, Value::Double(f64::NAN), false),
            (&BaseType::Double, Value::Double(f64::INFINITY), false),
            (&decimal, Value::Decimal(Decimal::new(-999, 1)), true),
            (&decimal, Value::Decimal(Decimal::new(1_000, 1)), false),
            (&decimal, Value::Decimal(Decimal::new(1, 2)), false),
            (&BaseType::String, Value::string("a\0"), false),
            (&BaseType::String, Value::string("x".repeat(STRING_LEN_MAX + 1)), false),
            (&BaseType::Json, json(100), true),
            (&BaseType::Json, json(101), false),
            (&BaseType::Geopoint, at(90.0, -180.0), true),
            (&BaseType::Geopoint, at(90.1, 0.0), false),
            (&BaseType::Geopoint, at(0.0, f64::NAN), false),
            (&strings, Value::Array(vec![Value::string("a")]), true),
            (&strings, Value::Array(vec![Value::Null]), false),
            (&strings, Value::Array(vec![Value::Integer(1)]), false),
            (&address, Value::Struct(vec![Value::string("Main")]), true),
            (&address, Value::Struct(vec![Value::Null]), false),
            (&address, Value::Struct(Vec::new()), false),
        ] {
            assert_eq!(check(base, &value).is_ok(), fits, "{base:?} {value:?}");
        }
    }
}
