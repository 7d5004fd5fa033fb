//! Values of one type as values of another, exactly or not at all.

use crate::{BaseType, Constraint, DECIMAL_PRECISION_MAX, DataType, Decimal, Field, Value, canonical_json};

impl DataType {
    /// Whether a value of a type stored alike is one of this type: its constraints hold at every level, no required field is absent, a
    /// decimal has no more digits than it may. The absent value is one of every type.
    pub fn accepts(&self, value: &Value) -> bool {
        let shape = match (&self.base, value) {
            (_, Value::Null) => return true,
            (BaseType::Array(element), Value::Array(items)) => items.iter().all(|item| element.accepts(item)),
            (BaseType::Struct(fields), Value::Struct(values)) => {
                fields.len() == values.len()
                    && fields
                        .iter()
                        .zip(values)
                        .all(|(field, value)| !(field.required && value.is_null()) && field.data_type.accepts(value))
            }
            (BaseType::Decimal { precision, scale }, Value::Decimal(decimal)) => {
                decimal.scale() == *scale && fits(*decimal, *precision)
            }
            (BaseType::Vector { dimension, .. }, Value::Vector(numbers)) => numbers.len() == *dimension as usize,
            (BaseType::Boolean, Value::Boolean(_))
            | (BaseType::Integer, Value::Integer(_))
            | (BaseType::Double, Value::Double(_))
            | (BaseType::String, Value::String(_))
            | (BaseType::Date, Value::Date(_))
            | (BaseType::Timestamp, Value::Timestamp(_))
            | (BaseType::Duration, Value::Duration(_))
            | (BaseType::Geopoint, Value::Geopoint(_))
            | (BaseType::Json, Value::Json(_))
            | (BaseType::Attachment, Value::Attachment(_)) => true,
            _ => false,
        };
        shape && self.constraints.iter().all(|constraint: &Constraint| constraint.check(value).is_ok())
    }

    /// The exact counterpart in this type of a value of the type `from`; `None` where there is none, or a constraint refuses it. The
    /// absent value stays absent.
    ///
    /// Numbers keep their value, dates become the midnight (UTC) they begin with, lists and structs convert within; text is read and
    /// written in the form values have in files.
    pub fn cast(&self, from: &BaseType, value: &Value) -> Option<Value> {
        if value.is_null() {
            return Some(Value::Null);
        }
        let cast = if self.base.is_stored_as(from) { Some(value.clone()) } else { convert(from, &self.base, value) };
        cast.filter(|value| self.accepts(value))
    }
}

fn fits(decimal: Decimal, precision: u8) -> bool {
    decimal.unscaled().unsigned_abs() < 10_u64.pow(u32::from(precision.min(DECIMAL_PRECISION_MAX)))
}

fn convert(from: &BaseType, to: &BaseType, value: &Value) -> Option<Value> {
    match (to, value) {
        (BaseType::Double, Value::Integer(number)) => integer_to_double(*number),
        (BaseType::Double, Value::Decimal(decimal)) => {
            let double: f64 = decimal.to_string().parse().ok()?;
            let back = Decimal::parse(&double.to_string(), DECIMAL_PRECISION_MAX, decimal.scale()).ok()?;
            (back == *decimal).then_some(Value::Double(double))
        }
        (BaseType::Integer, Value::Double(double)) => double_to_integer(*double),
        (BaseType::Integer, Value::Decimal(decimal)) => {
            let one = 10_i64.pow(u32::from(decimal.scale()));
            (decimal.unscaled() % one == 0).then(|| Value::Integer(decimal.unscaled() / one))
        }
        (BaseType::Decimal { precision, scale }, Value::Integer(_) | Value::Double(_) | Value::Decimal(_)) => {
            // Rust writes a double without an exponent, in the fewest digits that read back as it.
            let text = match value {
                Value::Double(double) => double.to_string(),
                Value::Integer(number) => number.to_string(),
                value => value.to_json().as_str()?.to_owned(),
            };
            Decimal::parse(&text, *precision, *scale).ok().map(Value::Decimal)
        }
        (BaseType::Timestamp, Value::Date(date)) => Some(Value::Timestamp(date.start())),
        (BaseType::Date, Value::Timestamp(instant)) => {
            (instant.date().start() == *instant).then(|| Value::Date(instant.date()))
        }
        (BaseType::Array(element), Value::Array(items)) => {
            let BaseType::Array(old) = from else { return None };
            items.iter().map(|item| element.cast(&old.base, item)).collect::<Option<_>>().map(Value::Array)
        }
        (BaseType::Struct(fields), Value::Struct(values)) => {
            let BaseType::Struct(old) = from else { return None };
            convert_struct(old, fields, values)
        }
        (BaseType::Json, value) => Some(Value::Json(std::sync::Arc::new(value.to_json_as(from)))),
        (BaseType::String, value) => match value.to_json_as(from) {
            serde_json::Value::String(text) => Some(Value::string(text)),
            json => Some(Value::string(canonical_json(&json))),
        },
        (to, Value::Json(json)) => to.read(json).ok(),
        (to, Value::String(text) | Value::Attachment(text)) => to.read_text(text).ok(),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the way back tells whether anything was lost"
)]
fn integer_to_double(number: i64) -> Option<Value> {
    let double = number as f64;
    (double as i128 == i128::from(number)).then_some(Value::Double(double))
}

#[expect(clippy::cast_possible_truncation, reason = "the range and the fraction are checked first")]
fn double_to_integer(double: f64) -> Option<Value> {
    // 2^63 is a double, 2^63 − 1 is not.
    let within = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&double);
    (within && double.fract() == 0.0).then_some(Value::Integer(double as i64))
}

fn convert_struct(old: &[Field], new: &[Field], values: &[Value]) -> Option<Value> {
    let lost = old
        .iter()
        .zip(values)
        .any(|(field, value)| !value.is_null() && !new.iter().any(|kept| kept.api_name == field.api_name));
    if lost {
        return None;
    }
    let convert = |field: &Field| {
        let index = old.iter().position(|old| old.api_name == field.api_name);
        match index.and_then(|index| Some((old.get(index)?, values.get(index)?))) {
            Some((old, value)) => field.data_type.cast(&old.data_type.base, value),
            None => Some(Value::Null),
        }
    };
    new.iter().map(convert).collect::<Option<_>>().map(Value::Struct)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ApiName, ontology::NewOntology, ontology::Schema};

    fn data_type(yaml: &str) -> DataType {
        let file = format!(
            "object_types: [{{name: A, primary_key: id, properties: [{{name: id, type: string}}, {{name: p, type: {yaml}}}]}}]"
        );
        let schema = Schema::first(NewOntology::from_yaml(&file).unwrap()).unwrap();
        schema.object_types[0].property("p").unwrap().1.data_type.clone()
    }

    #[test]
    fn a_cast_is_exact_or_none() {
        let decimal = "{decimal: {precision: 6, scale: 2}}";
        for (from, value, to, expected) in [
            ("integer", json!(3), "double", Some(json!(3.0))),
            ("integer", json!(9_007_199_254_740_993_i64.to_string()), "double", None),
            ("integer", json!("-9223372036854775808"), "double", Some(json!(-9_223_372_036_854_775_808.0))),
            ("integer", json!("9223372036854775807"), "double", None),
            ("integer", json!(12), decimal, Some(json!("12.00"))),
            ("integer", json!(12345), decimal, None),
            ("double", json!(3.0), "integer", Some(json!(3))),
            ("double", json!(3.5), "integer", None),
            ("double", json!(9_223_372_036_854_775_808.0), "integer", None),
            ("double", json!(0.1), decimal, Some(json!("0.10"))),
            ("double", json!(0.125), decimal, None),
            ("double", json!(1e300), decimal, None),
            (decimal, json!("0.10"), "double", Some(json!(0.1))),
            ("{decimal: {precision: 18, scale: 0}}", json!("123456789012345679"), "double", None),
            (decimal, json!("7.00"), "integer", Some(json!(7))),
            (decimal, json!("7.01"), "integer", None),
            (decimal, json!("7.10"), "{decimal: {precision: 3, scale: 1}}", Some(json!("7.1"))),
            (decimal, json!("7.11"), "{decimal: {precision: 3, scale: 1}}", None),
            (decimal, json!("1000.00"), "{decimal: {precision: 5, scale: 2}}", None),
            ("date", json!("2024-02-29"), "timestamp", Some(json!("2024-02-29T00:00:00.000000Z"))),
            ("timestamp", json!("2024-02-29T00:00:00Z"), "date", Some(json!("2024-02-29"))),
            ("timestamp", json!("2024-02-29T00:00:01Z"), "date", None),
            ("string", json!("12"), "integer", Some(json!(12))),
            ("string", json!("twelve"), "integer", None),
            ("string", json!("true"), "boolean", Some(json!(true))),
            ("boolean", json!(true), "string", Some(json!("true"))),
            ("boolean", json!(true), "integer", None),
            ("geopoint", json!({"lat": 1.0, "lon": 2.0}), "string", Some(json!(r#"{"lat":1.0,"lon":2.0}"#))),
            ("string", json!("x"), "attachment", Some(json!("x"))),
            ("json", json!({"a": [1]}), "string", Some(json!(r#"{"a":[1]}"#))),
            ("json", json!(4), "integer", Some(json!(4))),
            ("integer", json!(4), "json", Some(json!(4))),
            ("{array: integer}", json!([1, 2]), "{array: double}", Some(json!([1.0, 2.0]))),
            ("{array: double}", json!([1.0, 2.5]), "{array: integer}", None),
            (
                "{struct: [{name: a, type: integer}]}",
                json!({"a": 1}),
                "{struct: [{name: b, type: date}, {name: a, type: double}]}",
                Some(json!({"a": 1.0})),
            ),
            ("{struct: [{name: a, type: integer}]}", json!({"a": 1}), "{struct: [{name: b, type: date}]}", None),
            (
                "{struct: [{name: a, type: integer}]}",
                json!({}),
                "{struct: [{name: a, type: integer, required: true}]}",
                None,
            ),
        ] {
            let (before, after) = (data_type(from), data_type(to));
            let cast = after.cast(&before.base, &before.read(&value).unwrap());
            assert_eq!(cast.map(|cast| cast.to_json_as(&after.base)), expected, "{value} from {from} to {to}");
        }
        assert_eq!(data_type("integer").cast(&BaseType::Geopoint, &Value::Null), Some(Value::Null));
    }

    #[test]
    fn constraints_hold_at_every_level() {
        let short = |max| DataType {
            base: BaseType::String,
            constraints: vec![Constraint::Length { min: None, max: Some(max) }],
        };
        let field = |data_type| Field { api_name: ApiName::parse("a").unwrap(), data_type, required: false };
        let of = |max| DataType::of(BaseType::Array(Box::new(DataType::of(BaseType::Struct(vec![field(short(max))])))));
        let value = of(3).read(&json!([{"a": "xyz"}])).unwrap();
        assert!(of(3).accepts(&value));
        assert!(!of(2).accepts(&value));
        assert_eq!(of(2).cast(&of(3).base, &value), None);
    }
}
