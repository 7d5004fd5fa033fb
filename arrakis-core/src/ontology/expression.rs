//! A small total language for derived properties: it always ends, and always has a value.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ObjectType;
use crate::{ApiName, Value};

/// An expression over the properties of one object. Absent operands make the result absent, but for `coalesce`; a result that does
/// not fit its type is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expression {
    /// Another property, not itself derived.
    Property(ApiName),
    /// A text.
    Text(String),
    /// Texts one after the other.
    Concat(Vec<Expression>),
    /// The first that is present.
    Coalesce(Vec<Expression>),
    /// The text in lower case (Unicode).
    Lower(Box<Expression>),
    /// The text in upper case (Unicode).
    Upper(Box<Expression>),
}

impl Expression {
    /// The names of the properties it reads.
    pub fn properties(&self) -> Vec<&ApiName> {
        match self {
            Self::Property(name) => vec![name],
            Self::Text(_) => Vec::new(),
            Self::Concat(parts) | Self::Coalesce(parts) => parts.iter().flat_map(Self::properties).collect(),
            Self::Lower(part) | Self::Upper(part) => part.properties(),
        }
    }

    fn value(&self, object_type: &ObjectType, row: &[Value]) -> Value {
        let text = |part: &Self| match part.value(object_type, row) {
            Value::String(text) => Some(text),
            _ => None,
        };
        match self {
            Self::Property(name) => {
                object_type.index_of(name.as_str()).and_then(|index| row.get(index)).cloned().unwrap_or_default()
            }
            Self::Text(text) => Value::string(text.as_str()),
            Self::Concat(parts) => parts
                .iter()
                .map(text)
                .collect::<Option<Vec<Arc<str>>>>()
                .map_or(Value::Null, |texts| Value::string(texts.concat())),
            Self::Coalesce(parts) => {
                parts.iter().map(|part| part.value(object_type, row)).find(|value| !value.is_null()).unwrap_or_default()
            }
            Self::Lower(part) => text(part).map_or(Value::Null, |text| Value::string(text.to_lowercase())),
            Self::Upper(part) => text(part).map_or(Value::Null, |text| Value::string(text.to_uppercase())),
        }
    }
}

impl ObjectType {
    /// Whether some property is derived.
    pub fn is_derived(&self) -> bool {
        self.properties.iter().any(|property| property.derived.is_some())
    }

    /// Computes the derived properties of a row in place. A result its type refuses is absent.
    pub fn derive(&self, row: &mut [Value]) {
        for (index, property) in self.properties.iter().enumerate() {
            let Some(expression) = &property.derived else { continue };
            let value = expression.value(self, row);
            let value = if property.data_type.check(&value).is_ok() { value } else { Value::Null };
            if let Some(slot) = row.get_mut(index) {
                *slot = value;
            }
        }
    }
}
