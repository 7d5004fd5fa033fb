//! Where structs and a schema say different things, field by field.

use std::fmt;

use serde::Serialize;

use super::{PropertyShape, Shape, TypeShape};
use crate::ontology::{ObjectType, Property, Schema, Status};
use crate::{BaseType, Error, ErrorKind, Result};

/// One thing a struct and a schema say differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShapeDifference {
    /// The object type the struct names.
    #[serde(rename = "type")]
    pub object_type: String,
    /// The property, and the fields into its struct: `address.street`. None for what concerns the whole type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Which rule it breaks.
    pub rule: ShapeRule,
    /// Whether it breaks something.
    pub severity: Severity,
    /// What the struct says.
    pub expected: String,
    /// What the schema says.
    pub found: String,
}

/// Whether a difference breaks something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Some read or write through the struct fails, or loses something.
    Fault,
    /// Everything works, for now.
    Warning,
}

/// In what a struct and a schema differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ShapeRule {
    /// The schema has no such object type.
    TypeUnknown,
    /// The type has no such property, or the struct value no such field.
    PropertyUnknown,
    /// The primary key is another property.
    KeyDiffers,
    /// The value is of another type.
    TypeDiffers,
    /// The property may be absent, and its field is no `Option`: an object without it cannot be read. An `Option` for a required
    /// property is no difference: reading always finds a value, and writing none is refused. Of a derived property, which is never
    /// required, a warning: its expression may always have a value.
    MayBeAbsent,
    /// A required property without a default has no field: no object can be created. No difference of a struct that is `partial`.
    RequiredMissing,
    /// The struct value has a field the Rust struct lacks: writing the value drops it. A fault where it is required.
    FieldMissing,
    /// A derived property has a field that is written.
    Derived,
    /// A field is read as derived, and the property is not: it is never written.
    NotDerived,
    /// The object type or property is deprecated.
    Deprecated,
}

/// Every fault [`check_shapes`] found: the source of its error. Shown one a line, in `Debug` too, so that a failed test is read as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct ShapeFaults(pub Vec<ShapeDifference>);

/// Passes when no struct has a fault under the schema; warnings pass.
///
/// # Errors
/// `typed.shape.differs`, telling the first fault and, as the parameter `faults`, how many there are; its source is [`ShapeFaults`].
pub fn check_shapes(schema: &Schema, shapes: &[Shape]) -> Result<()> {
    let differences = shapes.iter().flat_map(|shape| shape.differences(schema));
    let faults: Vec<_> = differences.filter(|difference| difference.severity == Severity::Fault).collect();
    let Some(first) = faults.first() else { return Ok(()) };
    Err(Error::new(
        ErrorKind::Precondition,
        "typed.shape.differs",
        format!("the structs and the ontology differ: {first}"),
    )
    .with("faults", faults.len())
    .with("version", schema.version)
    .caused_by(ShapeFaults(faults)))
}

impl Shape {
    /// Where this and the schema say different things, in the order of the properties here and then of those in the schema.
    pub fn differences(&self, schema: &Schema) -> Vec<ShapeDifference> {
        let mut found = Found { object_type: &self.object_type, differences: Vec::new() };
        match schema.object_type(&self.object_type) {
            Ok(object_type) => found.object_type(self, object_type),
            Err(_) => found.fault(None, ShapeRule::TypeUnknown, &self.object_type, "no such object type"),
        }
        found.differences
    }
}

struct Found<'a> {
    object_type: &'a str,
    differences: Vec<ShapeDifference>,
}

impl Found<'_> {
    fn object_type(&mut self, shape: &Shape, object_type: &ObjectType) {
        if let Some(instead) = deprecation(&object_type.status) {
            self.push((None, ShapeRule::Deprecated, Severity::Warning), &shape.object_type, instead);
        }
        let key = object_type.names.get(object_type.primary_key).map_or("", |name| name.as_str());
        if shape.key != key {
            self.fault(None, ShapeRule::KeyDiffers, format!("key {}", shape.key), format!("key {key}"));
        }
        for property in &shape.properties {
            match object_type.property(&property.name) {
                Ok((index, of)) => self.property(property, of, index == object_type.primary_key),
                Err(_) => {
                    self.fault(Some(&property.name), ShapeRule::PropertyUnknown, held(property), "no such property");
                }
            }
        }
        let has = |name: &str| shape.properties.iter().any(|property| property.name == name);
        for (index, property) in object_type.properties.iter().enumerate() {
            let given = property.required && property.default.is_none() && property.derived.is_none();
            if (given && !shape.partial || index == object_type.primary_key) && !has(property.api_name.as_str()) {
                let required = format!("required {}", TypeShape::from(&property.data_type.base));
                self.fault(Some(property.api_name.as_str()), ShapeRule::RequiredMissing, "no field", required);
            }
        }
    }

    fn property(&mut self, shape: &PropertyShape, property: &Property, is_key: bool) {
        let name = shape.name.as_str();
        self.data_type(name, &shape.data_type, &property.data_type.base);
        if shape.required && !property.required && !is_key {
            self.may_be_absent(name, shape, property.derived.is_some());
        }
        match (shape.derived, property.derived.is_some()) {
            (false, true) => self.fault(Some(name), ShapeRule::Derived, "a field that is written", "derived"),
            (true, false) => self.fault(Some(name), ShapeRule::NotDerived, "derived", "a property that is given"),
            (true, true) | (false, false) => {}
        }
        if let Some(instead) = deprecation(&property.status) {
            self.push((Some(name), ShapeRule::Deprecated, Severity::Warning), held(shape), instead);
        }
    }

    fn data_type(&mut self, path: &str, shape: &TypeShape, base: &BaseType) {
        match (shape, base) {
            (TypeShape::Array(element), BaseType::Array(of)) if is_struct(element) && is_struct(&(&of.base).into()) => {
                self.data_type(path, element, &of.base);
            }
            (TypeShape::Struct(fields), BaseType::Struct(of)) => self.fields(path, fields, of),
            _ => {
                let found = TypeShape::from(base);
                if *shape != found {
                    self.fault(Some(path), ShapeRule::TypeDiffers, shape.to_string(), found.to_string());
                }
            }
        }
    }

    fn fields(&mut self, path: &str, shapes: &[PropertyShape], fields: &[crate::Field]) {
        for shape in shapes {
            let inner = format!("{path}.{}", shape.name);
            match fields.iter().find(|field| field.api_name == *shape.name) {
                Some(field) => {
                    self.data_type(&inner, &shape.data_type, &field.data_type.base);
                    if shape.required && !field.required {
                        self.may_be_absent(&inner, shape, false);
                    }
                }
                None => self.fault(Some(&inner), ShapeRule::PropertyUnknown, held(shape), "no such field"),
            }
        }
        let missing = |field: &&crate::Field| !shapes.iter().any(|shape| field.api_name == *shape.name);
        for field in fields.iter().filter(missing) {
            let inner = format!("{path}.{}", field.api_name);
            let (severity, is) =
                if field.required { (Severity::Fault, "required") } else { (Severity::Warning, "optional") };
            let found = format!("{is} {}", TypeShape::from(&field.data_type.base));
            self.push((Some(&inner), ShapeRule::FieldMissing, severity), "no field", found);
        }
    }

    fn may_be_absent(&mut self, path: &str, shape: &PropertyShape, is_derived: bool) {
        let (severity, is) = if is_derived { (Severity::Warning, "derived") } else { (Severity::Fault, "optional") };
        let found = format!("{is} {}", shape.data_type);
        self.push((Some(path), ShapeRule::MayBeAbsent, severity), held(shape), found);
    }

    fn fault(
        &mut self,
        property: Option<&str>,
        rule: ShapeRule,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        self.push((property, rule, Severity::Fault), expected, found);
    }

    fn push(
        &mut self,
        (property, rule, severity): (Option<&str>, ShapeRule, Severity),
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        self.differences.push(ShapeDifference {
            object_type: self.object_type.to_owned(),
            property: property.map(str::to_owned),
            rule,
            severity,
            expected: expected.into(),
            found: found.into(),
        });
    }
}

/// `required string`, as a field holds it.
fn held(shape: &PropertyShape) -> String {
    format!("{} {}", if shape.required { "required" } else { "optional" }, shape.data_type)
}

const fn is_struct(shape: &TypeShape) -> bool {
    matches!(shape, TypeShape::Struct(_))
}

fn deprecation(status: &Status) -> Option<String> {
    match status {
        Status::Deprecated { since, replacement: Some(replacement) } => {
            Some(format!("deprecated since {since}, replaced by {replacement}"))
        }
        Status::Deprecated { since, replacement: None } => Some(format!("deprecated since {since}")),
        Status::Active | Status::Experimental | Status::Example => None,
    }
}

impl fmt::Display for ShapeFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} {}", if count == 1 { "fault" } else { "faults" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl fmt::Debug for ShapeFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ShapeFaults {}

impl ShapeRule {
    /// The stable name, as in `property_unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TypeUnknown => "type_unknown",
            Self::PropertyUnknown => "property_unknown",
            Self::KeyDiffers => "key_differs",
            Self::TypeDiffers => "type_differs",
            Self::MayBeAbsent => "may_be_absent",
            Self::RequiredMissing => "required_missing",
            Self::FieldMissing => "field_missing",
            Self::Derived => "derived",
            Self::NotDerived => "not_derived",
            Self::Deprecated => "deprecated",
        }
    }
}

impl fmt::Display for ShapeDifference {
    /// `Airport.city: may_be_absent: the struct says required string, the ontology optional string`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.object_type)?;
        if let Some(property) = &self.property {
            write!(f, ".{property}")?;
        }
        let Self { rule, expected, found, .. } = self;
        write!(f, ": {}: the struct says {expected}, the ontology {found}", rule.name())
    }
}
