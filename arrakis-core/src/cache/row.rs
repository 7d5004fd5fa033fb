//! Objects as bytes, and how much memory they take.

use serde_json::{Value as Json, json};

use crate::kernel::{Object, Properties};
use crate::ontology::ObjectType;
use crate::{BaseType, Error, Key, Result, Seq, Value};

/// The bytes of a whole object, or of there being none: JSON of its revision and its values in the order of the type.
pub(super) fn write(object_type: &ObjectType, object: Option<&Object>) -> Vec<u8> {
    let json = match object {
        None => Json::Null,
        Some(object) => {
            let bases = object_type.properties.iter().map(|property| &property.data_type.base);
            let values = object.properties.values().iter().zip(bases).map(|(value, base)| value.to_json_as(base));
            json!([object.revision, values.collect::<Vec<_>>()])
        }
    };
    json.to_string().into_bytes()
}

/// The object of bytes under the type they were written under, or that there is none.
///
/// # Errors
/// `cache.row.unreadable`.
pub(super) fn read(object_type: &ObjectType, key: &Key, bytes: &[u8]) -> Result<Option<Object>> {
    let unreadable = || Error::corrupt("cache.row.unreadable", "a cached object cannot be read");
    let json: Json = serde_json::from_slice(bytes).map_err(|e| unreadable().caused_by(e))?;
    if json.is_null() {
        return Ok(None);
    }
    let Some([revision, Json::Array(values)]) = json.as_array().map(Vec::as_slice) else { return Err(unreadable()) };
    let revision = revision.as_u64().filter(|_| values.len() == object_type.properties.len()).ok_or_else(unreadable)?;
    let bases = object_type.properties.iter().map(|property| &property.data_type.base);
    let value = |(json, base): (&Json, &BaseType)| if json.is_null() { Ok(Value::Null) } else { base.read(json) };
    Ok(Some(Object {
        object_type: object_type.api_name.clone(),
        key: key.clone(),
        revision: Seq(revision),
        properties: Properties::new(
            object_type.names.clone(),
            values.iter().zip(bases).map(value).collect::<Result<_>>()?,
        ),
    }))
}

/// About how many bytes of memory an object takes.
pub(super) fn weight(key: &Key, object: Option<&Object>) -> usize {
    let key = match key {
        Key::Integer(_) => 0,
        Key::String(text) => text.len(),
    };
    let values = object.map_or(0, |object| object.properties.values().iter().map(weight_of).sum());
    2 * key + values + size_of::<Object>()
}

fn weight_of(value: &Value) -> usize {
    let held = match value {
        Value::String(text) | Value::Attachment(text) => text.len(),
        Value::Json(json) => weight_of_json(json),
        Value::Vector(numbers) => size_of_val::<[f32]>(numbers),
        Value::Array(items) | Value::Struct(items) => items.iter().map(weight_of).sum(),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Double(_)
        | Value::Decimal(_)
        | Value::Date(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Geopoint(_) => 0,
    };
    held + size_of::<Value>()
}

fn weight_of_json(json: &Json) -> usize {
    let held = match json {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(weight_of_json).sum(),
        // A member takes its name and about three words of a tree.
        Json::Object(members) => members.iter().map(|(name, value)| name.len() + 48 + weight_of_json(value)).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    };
    held + size_of::<Json>()
}
