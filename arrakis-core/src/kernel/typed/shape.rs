//! What structs take object types to be, in a form that can be written down and compared with a schema.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::FieldType;
use crate::{BaseType, Error, Result};

/// What a struct takes an object type to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// The object type's name.
    #[serde(rename = "type")]
    pub object_type: String,
    /// The primary key property's name.
    pub key: String,
    /// The properties it has fields for, the key among them, in the order of its fields.
    pub properties: Vec<PropertyShape>,
    /// Whether no object is created of the struct, so that it may lack required properties.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// What a struct takes a property, or a field of a struct value, to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyShape {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: TypeShape,
    /// Whether its field is no `Option`, so that an object without it cannot be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Whether it is only read, because the kernel computes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

/// A base type as far as a Rust type tells: without constraints, precision, scale and dimension. In JSON as in the ontology file,
/// `"string"`, `{"array": "integer"}`, `{"struct": […]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeShape {
    /// True or false.
    Boolean,
    /// An integer.
    Integer,
    /// A double.
    Double,
    /// A decimal of any precision and scale.
    Decimal,
    /// Text.
    String,
    /// A calendar date.
    Date,
    /// An instant.
    Timestamp,
    /// An elapsed time.
    Duration,
    /// A WGS 84 position.
    Geopoint,
    /// Any JSON.
    Json,
    /// A reference to an attachment held elsewhere.
    Attachment,
    /// An embedding of any dimension.
    Vector,
    /// A list.
    Array(Box<TypeShape>),
    /// Named fields.
    Struct(Vec<PropertyShape>),
}

/// The shapes of an application, as the file that `arrakis ontology check` reads holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shapes {
    /// The shapes, in any order.
    pub shapes: Vec<Shape>,
}

/// The shapes as an application writes them for `arrakis ontology check`: indented JSON that ends in a line break.
///
/// # Errors
/// None that shapes give.
pub fn shapes_json(shapes: &[Shape]) -> Result<String> {
    let shapes = Shapes { shapes: shapes.to_vec() };
    let text = serde_json::to_string_pretty(&shapes)
        .map_err(|e| Error::internal("typed.shape.unwritable", "the shapes cannot be written").caused_by(e))?;
    Ok(text + "\n")
}

impl PropertyShape {
    /// The property of this name, held by a field of type `F`.
    pub fn of<F: FieldType>(name: impl Into<String>) -> Self {
        use super::PropertyType as _;
        Self { name: name.into(), data_type: F::Present::shape(), required: F::REQUIRED, derived: false }
    }

    /// As one that is only read.
    #[must_use]
    pub fn derived(mut self) -> Self {
        self.derived = true;
        self
    }
}

impl From<&BaseType> for TypeShape {
    fn from(base: &BaseType) -> Self {
        match base {
            BaseType::Boolean => Self::Boolean,
            BaseType::Integer => Self::Integer,
            BaseType::Double => Self::Double,
            BaseType::Decimal { .. } => Self::Decimal,
            BaseType::String => Self::String,
            BaseType::Date => Self::Date,
            BaseType::Timestamp => Self::Timestamp,
            BaseType::Duration => Self::Duration,
            BaseType::Geopoint => Self::Geopoint,
            BaseType::Json => Self::Json,
            BaseType::Attachment => Self::Attachment,
            BaseType::Vector { .. } => Self::Vector,
            BaseType::Array(element) => Self::Array(Box::new(Self::from(&element.base))),
            BaseType::Struct(fields) => Self::Struct(
                fields
                    .iter()
                    .map(|field| PropertyShape {
                        name: field.api_name.to_string(),
                        data_type: Self::from(&field.data_type.base),
                        required: field.required,
                        derived: false,
                    })
                    .collect(),
            ),
        }
    }
}

impl fmt::Display for TypeShape {
    /// The name used in the ontology file, `array of string`, or `struct`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Decimal => "decimal",
            Self::String => "string",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Geopoint => "geopoint",
            Self::Json => "json",
            Self::Attachment => "attachment",
            Self::Vector => "vector",
            Self::Array(element) => return write!(f, "array of {element}"),
            Self::Struct(_) => "struct",
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_json_form_reads_and_prints_alike() {
        let street = PropertyShape::of::<String>("street");
        let addresses = TypeShape::Array(Box::new(TypeShape::Struct(vec![street])));
        let properties = vec![
            PropertyShape::of::<i64>("id"),
            PropertyShape { name: "addresses".into(), data_type: addresses, required: false, derived: false },
            PropertyShape::of::<Option<String>>("label").derived(),
        ];
        let shapes = [Shape { object_type: "Person".into(), key: "id".into(), properties, partial: true }];
        let text = shapes_json(&shapes).unwrap();
        let json = json!({ "shapes": [{
            "type": "Person",
            "key": "id",
            "properties": [
                { "name": "id", "type": "integer", "required": true },
                { "name": "addresses", "type": { "array": { "struct": [{ "name": "street", "type": "string", "required": true }] } } },
                { "name": "label", "type": "string", "derived": true },
            ],
            "partial": true,
        }] });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
        assert_eq!(serde_json::from_str::<Shapes>(&text).unwrap().shapes, shapes);
        let unknown = text.replace("\"derived\"", "\"computed\"");
        assert!(serde_json::from_str::<Shapes>(&unknown).is_err());
    }
}
