//! The one JSON form of values, in both directions.
//!
//! Integers travel as numbers where every JSON reader keeps them (up to 2⁵³ − 1 either way) and as strings beyond; decimals always
//! as strings; times as text. Both forms of an integer are read.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Number, Value as Json};

use super::{BaseType, DataType, Field, Geopoint, KEY_LEN_MAX, Key, Value};
use crate::{Date, Decimal, Duration, Error, Result, Timestamp};

/// The largest integer JSON readers keep exactly: 2⁵³ − 1 (RFC 8259 section 6).
pub const JSON_INTEGER_MAX: i64 = 9_007_199_254_740_991;
/// The longest string value, in bytes.
pub const STRING_LEN_MAX: usize = 1_048_576;
/// The most elements of an array value.
pub const ARRAY_LEN_MAX: usize = 10_000;
/// How deep lists and objects nest in a value of type json, so that every reader reads what holds it: most stop at 128.
pub const JSON_DEPTH_MAX: usize = 100;
/// The longest value of type json, in bytes of its text without white space.
pub const JSON_LEN_MAX: usize = 1_048_576;

impl DataType {
    /// Reads a value of this type and checks every constraint. JSON `null` is the absent value.
    ///
    /// # Errors
    /// `value.type_mismatch` with what was expected, `value.*.out_of_range` and the like from the base type, `value.constraint.*`;
    /// the path leads into arrays and structs.
    pub fn read(&self, json: &Json) -> Result<Value> {
        let value = self.base.read(json)?;
        self.check(&value)?;
        Ok(value)
    }

    /// Checks the constraints of this type on a value of its base type.
    ///
    /// # Errors
    /// `value.constraint.*`.
    pub fn check(&self, value: &Value) -> Result<()> {
        self.constraints.iter().try_for_each(|constraint| constraint.check(value))
    }
}

impl BaseType {
    /// Reads a value of this type. JSON `null` is the absent value.
    ///
    /// # Errors
    /// As [`DataType::read`].
    pub fn read(&self, json: &Json) -> Result<Value> {
        let mismatch = || {
            Error::invalid(
                "value.type_mismatch",
                format!("a value of type {} is expected, not {}", self.name(), describe(json)),
            )
            .with("expected", self.name())
        };
        match (self, json) {
            (_, Json::Null) => Ok(Value::Null),
            (Self::Boolean, Json::Bool(value)) => Ok(Value::Boolean(*value)),
            (Self::Integer, json) => read_integer(json).map(Value::Integer).ok_or_else(mismatch),
            (Self::Double, Json::Number(number)) => read_double(number).map(Value::Double).ok_or_else(mismatch),
            (Self::Decimal { precision, scale }, json) => {
                let text = match json {
                    Json::String(text) => text.clone(),
                    Json::Number(number) if !number.is_f64() => number.to_string(),
                    _ => return Err(mismatch()),
                };
                Decimal::parse(&text, *precision, *scale).map(Value::Decimal)
            }
            (Self::String, Json::String(text)) => read_text(text).map(Value::String),
            (Self::Attachment, Json::String(text)) => read_text(text).map(Value::Attachment),
            (Self::Date, Json::String(text)) => text.parse::<Date>().map(Value::Date),
            (Self::Timestamp, Json::String(text)) => text.parse::<Timestamp>().map(Value::Timestamp),
            (Self::Duration, Json::String(text)) => text.parse::<Duration>().map(Value::Duration),
            (Self::Geopoint, Json::Object(members)) => read_geopoint(members),
            (Self::Json, json) => check_json(json).map(|()| {
                let mut json = json.clone();
                // In the order every store reads it back in, also where some crate of the application has serde_json keep the order written.
                json.sort_all_objects();
                Value::Json(Arc::new(json))
            }),
            (Self::Vector { dimension, .. }, Json::Array(items)) => read_vector(items, *dimension),
            (Self::Array(element), Json::Array(items)) => read_array(element, items),
            (Self::Struct(fields), Json::Object(members)) => read_struct(fields, members),
            _ => Err(mismatch()),
        }
    }

    /// Reads a value of this type from text, as in a CSV cell or a filter: JSON for the composite types, the bare text otherwise.
    ///
    /// # Errors
    /// As [`DataType::read`].
    pub fn read_text(&self, text: &str) -> Result<Value> {
        match self {
            Self::String | Self::Attachment | Self::Date | Self::Timestamp | Self::Duration | Self::Decimal { .. } => {
                self.read(&Json::String(text.to_owned()))
            }
            Self::Integer => self.read(&Json::String(text.trim().to_owned())),
            Self::Boolean
            | Self::Double
            | Self::Geopoint
            | Self::Json
            | Self::Vector { .. }
            | Self::Array(_)
            | Self::Struct(_) => {
                let json = serde_json::from_str(text).map_err(|e| {
                    Error::invalid(
                        "value.type_mismatch",
                        format!("a value of type {} is expected, not this text", self.name()),
                    )
                    .with("expected", self.name())
                    .caused_by(e)
                })?;
                self.read(&json)
            }
        }
    }
}

fn describe(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

fn read_integer(json: &Json) -> Option<i64> {
    match json {
        Json::Number(number) => number.as_i64(),
        Json::String(text) if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    }
}

fn read_double(number: &Number) -> Option<f64> {
    // Adding zero turns −0 into 0, so that equal values have equal bits.
    number.as_f64().filter(|value| value.is_finite()).map(|value| value + 0.0)
}

fn read_text(text: &str) -> Result<Arc<str>> {
    if text.len() > STRING_LEN_MAX {
        return Err(Error::invalid("value.string.too_long", "the text is too long")
            .with("length", text.len())
            .with("length_max", STRING_LEN_MAX));
    }
    if text.contains('\0') {
        return Err(Error::invalid("value.string.nul", "text holds no NUL character"));
    }
    Ok(text.into())
}

/// Passes when a value of type json is within its limits.
///
/// # Errors
/// `value.json.too_deep`, `value.json.too_long`.
pub(crate) fn check_json(json: &Json) -> Result<()> {
    if !nests_within(json, JSON_DEPTH_MAX) {
        return Err(Error::invalid("value.json.too_deep", "the JSON nests too deep").with("depth_max", JSON_DEPTH_MAX));
    }
    let mut length = Length(0);
    // Counting does not fail, nor does a tree of values as text.
    let _ = serde_json::to_writer(&mut length, json);
    let Length(length) = length;
    if length > JSON_LEN_MAX {
        return Err(Error::invalid("value.json.too_long", "the JSON is too long")
            .with("length", length)
            .with("length_max", JSON_LEN_MAX));
    }
    Ok(())
}

/// Whether lists and objects nest no deeper; looks no further than that.
fn nests_within(json: &Json, depth_max: usize) -> bool {
    match (json, depth_max.checked_sub(1)) {
        (Json::Array(items), Some(left)) => items.iter().all(|item| nests_within(item, left)),
        (Json::Object(members), Some(left)) => members.values().all(|member| nests_within(member, left)),
        (Json::Array(_) | Json::Object(_), None) => false,
        _ => true,
    }
}

/// Bytes written and forgotten.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn read_geopoint(members: &Map<String, Json>) -> Result<Value> {
    let malformed = || {
        Error::invalid("value.geopoint.malformed", "a geopoint has the members lat (-90 to 90) and lon (-180 to 180)")
    };
    let degrees = |name: &str, limit: f64| {
        members.get(name).and_then(|json| json.as_number()).and_then(read_double).filter(|value| value.abs() <= limit)
    };
    if members.len() != 2 {
        return Err(malformed());
    }
    let (Some(lat), Some(lon)) = (degrees("lat", 90.0), degrees("lon", 180.0)) else { return Err(malformed()) };
    Ok(Value::Geopoint(Geopoint { lat, lon }))
}

fn read_vector(items: &[Json], dimension: u32) -> Result<Value> {
    if items.len() != dimension as usize {
        return Err(Error::invalid(
            "value.vector.dimension",
            "the vector has another number of dimensions than its type",
        )
        .with("dimension", dimension)
        .with("length", items.len()));
    }
    let mut numbers = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a vector holds single precision; the check below refuses overflow"
        )]
        let number =
            item.as_number().and_then(read_double).map(|value| value as f32 + 0.0).filter(|value| value.is_finite());
        numbers.push(number.ok_or_else(|| {
            Error::invalid("value.type_mismatch", "a vector holds finite numbers")
                .with("expected", "vector")
                .at(format!("[{index}]"))
        })?);
    }
    Ok(Value::Vector(numbers.into()))
}

fn read_array(element: &DataType, items: &[Json]) -> Result<Value> {
    if items.len() > ARRAY_LEN_MAX {
        return Err(Error::invalid("value.array.too_long", "the list is too long")
            .with("length", items.len())
            .with("length_max", ARRAY_LEN_MAX));
    }
    let read = |(index, item): (usize, &Json)| {
        let value = element.read(item).map_err(|e| e.at(format!("[{index}]")))?;
        if value.is_null() {
            return Err(Error::invalid("value.array.null", "a list holds no null").at(format!("[{index}]")));
        }
        Ok(value)
    };
    items.iter().enumerate().map(read).collect::<Result<_>>().map(Value::Array)
}

fn read_struct(fields: &[Field], members: &Map<String, Json>) -> Result<Value> {
    if let Some(unknown) = members.keys().find(|name| !fields.iter().any(|field| field.api_name == name.as_str())) {
        return Err(Error::invalid("value.struct.unknown_field", "the struct has no such field").at(unknown));
    }
    let read = |field: &Field| {
        let value = members.get(field.api_name.as_str()).map_or(Ok(Value::Null), |json| field.data_type.read(json));
        match value {
            Ok(Value::Null) if field.required => {
                Err(Error::invalid("value.struct.missing_field", "the struct lacks a required field")
                    .at(&field.api_name))
            }
            other => other.map_err(|e| e.at(&field.api_name)),
        }
    };
    fields.iter().map(read).collect::<Result<_>>().map(Value::Struct)
}

impl Value {
    /// The JSON form, without the names of struct fields: a struct becomes a list. Used where only scalars occur.
    pub fn to_json(&self) -> Json {
        self.write_json(None)
    }

    /// The JSON form under its type, which names the fields of structs.
    pub fn to_json_as(&self, base: &BaseType) -> Json {
        self.write_json(Some(base))
    }

    fn write_json(&self, base: Option<&BaseType>) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => Json::Bool(*value),
            Self::Integer(value) if value.unsigned_abs() <= JSON_INTEGER_MAX.unsigned_abs() => Json::from(*value),
            Self::Integer(value) => Json::String(value.to_string()),
            Self::Double(value) => Json::from(*value),
            Self::Decimal(value) => Json::String(value.to_string()),
            Self::String(text) | Self::Attachment(text) => Json::String(text.to_string()),
            Self::Date(value) => Json::String(value.to_string()),
            Self::Timestamp(value) => Json::String(value.to_string()),
            Self::Duration(value) => Json::String(value.to_string()),
            Self::Geopoint(point) => {
                Json::Object(Map::from_iter([("lat".into(), point.lat.into()), ("lon".into(), point.lon.into())]))
            }
            Self::Json(json) => Json::clone(json),
            Self::Vector(numbers) => numbers.iter().map(|number| Json::from(f64::from(*number))).collect(),
            Self::Array(items) => {
                let element = match base {
                    Some(BaseType::Array(element)) => Some(&element.base),
                    _ => None,
                };
                items.iter().map(|item| item.write_json(element)).collect()
            }
            Self::Struct(values) => match base {
                Some(BaseType::Struct(fields)) => fields
                    .iter()
                    .zip(values)
                    .filter(|(_, value)| !value.is_null())
                    .map(|(field, value)| (field.api_name.to_string(), value.write_json(Some(&field.data_type.base))))
                    .collect(),
                _ => values.iter().map(|value| value.write_json(None)).collect(),
            },
        }
    }

    /// The order of two values of one type, with the absent value lowest: false before true, numbers by size, text by byte.
    /// Values without an order compare by their canonical JSON, so that every sort is total.
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => std::cmp::Ordering::Equal,
            (Self::Null, _) => std::cmp::Ordering::Less,
            (_, Self::Null) => std::cmp::Ordering::Greater,
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => a.total_cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) | (Self::Attachment(a), Self::Attachment(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            (Self::Geopoint(a), Self::Geopoint(b)) => a.lat.total_cmp(&b.lat).then(a.lon.total_cmp(&b.lon)),
            (a, b) => canonical_json(&a.to_json()).cmp(&canonical_json(&b.to_json())),
        }
    }
}

impl Key {
    /// Reads a key of the primary key's type.
    ///
    /// # Errors
    /// `value.type_mismatch`; `kernel.key.length` for an empty string or one longer than [`KEY_LEN_MAX`].
    pub fn read(base: &BaseType, json: &Json) -> Result<Self> {
        // A key in a path or a CSV cell is text whatever its type.
        let value = match (base, json) {
            (BaseType::String, Json::Number(number)) => base.read(&Json::String(number.to_string()))?,
            _ => base.read(json)?,
        };
        Self::from_value(&value).ok_or_else(|| {
            Error::invalid("kernel.key.length", "a key is an integer or a string of 1 to 512 bytes")
                .with("length_max", KEY_LEN_MAX)
        })
    }
}

/// JSON text with the members of every object sorted by name and no white space: equal values, equal bytes.
pub fn canonical_json(json: &Json) -> String {
    let mut text = String::new();
    write_canonical(json, &mut text);
    text
}

fn write_canonical(json: &Json, text: &mut String) {
    match json {
        Json::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Json::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(&Json::String(name.clone()), text);
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        scalar => {
            // Writing to a String does not fail.
            let _ = write!(text, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_beyond_two_to_the_53_travel_as_strings() {
        for (value, form) in [
            (JSON_INTEGER_MAX, json!(JSON_INTEGER_MAX)),
            (JSON_INTEGER_MAX + 1, json!("9007199254740992")),
            (i64::MIN, json!("-9223372036854775808")),
        ] {
            assert_eq!(Value::Integer(value).to_json(), form);
            assert_eq!(BaseType::Integer.read(&form).unwrap(), Value::Integer(value));
        }
        for bad in
            [json!(1.5), json!(9_223_372_036_854_775_808_u64), json!("9223372036854775808"), json!("+1"), json!(true)]
        {
            assert_eq!(BaseType::Integer.read(&bad).unwrap_err().code(), "value.type_mismatch", "{bad}");
        }
    }

    #[test]
    fn negative_zero_is_zero_and_huge_text_is_refused() {
        let Value::Double(zero) = BaseType::Double.read(&json!(-0.0)).unwrap() else { panic!("a double") };
        assert!(zero.is_sign_positive());
        let long = "x".repeat(STRING_LEN_MAX + 1);
        assert_eq!(BaseType::String.read(&json!(long)).unwrap_err().param("length_max"), Some("1048576"));
        assert_eq!(BaseType::String.read(&json!("a\0b")).unwrap_err().code(), "value.string.nul");
        assert!(serde_json::from_str::<Json>("1e999").is_err(), "an infinity is no JSON number");
    }

    #[test]
    fn structs_name_the_path_of_the_fault() {
        let field = |name: &str, base, required| Field {
            api_name: ApiName::parse(name).unwrap(),
            data_type: DataType::of(base),
            required,
        };
        let base = BaseType::Array(Box::new(DataType::of(BaseType::Struct(vec![
            field("street", BaseType::String, true),
            field("number", BaseType::Integer, false),
        ]))));
        let value = base.read(&json!([{ "street": "Main", "number": 3 }, { "street": "Elm" }])).unwrap();
        assert_eq!(value.to_json_as(&base), json!([{ "street": "Main", "number": 3 }, { "street": "Elm" }]));
        assert_eq!(base.read(&json!([{ "street": 1 }])).unwrap_err().path(), Some("[0].street"));
        assert_eq!(base.read(&json!([{ "number": 1 }])).unwrap_err().code(), "value.struct.missing_field");
        assert_eq!(base.read(&json!([{ "street": "a", "zip": 1 }])).unwrap_err().path(), Some("[0].zip"));
    }

    #[test]
    fn canonical_json_sorts_members() {
        assert_eq!(
            canonical_json(&json!({ "b": [1, { "z": null, "a": "\"" }], "a": 1.5 })),
            r#"{"a":1.5,"b":[1,{"a":"\"","z":null}]}"#
        );
    }

    use crate::ApiName;
}
