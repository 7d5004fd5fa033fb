//! Columns of typed tables.

use arrakis_core::ontology::{LinkType, ObjectType, Property};
use arrakis_core::{BaseType, Error, Result, Value};
use sea_query::{DynIden, IntoIden};

/// How a column stores its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Booleans as 0 and 1, integers, unscaled decimals, days, microseconds.
    Integer,
    /// Doubles and degrees.
    Real,
    /// Text, and the canonical JSON of composite values.
    Text,
    /// Single-precision vectors, little-endian.
    Blob,
}

impl ColumnKind {
    /// How values of a type are stored; a geopoint takes two such columns.
    pub(crate) const fn of(base: &BaseType) -> Self {
        match base {
            BaseType::Boolean
            | BaseType::Integer
            | BaseType::Decimal { .. }
            | BaseType::Date
            | BaseType::Timestamp
            | BaseType::Duration => Self::Integer,
            BaseType::Double | BaseType::Geopoint => Self::Real,
            BaseType::String | BaseType::Attachment | BaseType::Json | BaseType::Array(_) | BaseType::Struct(_) => {
                Self::Text
            }
            BaseType::Vector { .. } => Self::Blob,
        }
    }
}

/// The columns of an object or link type's properties.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    properties: &'a [Property],
    /// The property that is the key and has no column of its own.
    key: Option<usize>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of_object(object_type: &'a ObjectType) -> Self {
        Self { properties: &object_type.properties, key: Some(object_type.primary_key) }
    }

    pub(crate) fn of_link(link_type: &'a LinkType) -> Self {
        Self { properties: &link_type.properties, key: None }
    }

    pub(crate) fn base(self, property: usize) -> Result<&'a BaseType> {
        self.property(property).map(|property| &property.data_type.base)
    }

    /// Whether the property is the key.
    pub(crate) fn is_key(self, property: usize) -> bool {
        self.key == Some(property)
    }

    /// The column of a property; the latitude of a geopoint.
    pub(crate) fn name(self, property: usize) -> Result<DynIden> {
        if self.is_key(property) {
            return Ok("k".into_iden());
        }
        self.property(property).map(|property| column_name(property.column))
    }

    /// The second column of a geopoint: its longitude.
    pub(crate) fn longitude(self, property: usize) -> Result<DynIden> {
        self.property(property).map(|property| longitude_name(property.column))
    }

    /// Every column but the key's, with how it stores, in the order of the properties.
    pub(crate) fn stored(self) -> impl Iterator<Item = (DynIden, ColumnKind)> + use<'a> {
        let Self { properties, key } = self;
        let own = properties.iter().enumerate().filter(move |(index, _)| key != Some(*index));
        own.flat_map(|(_, property)| stored(property))
    }

    fn property(self, property: usize) -> Result<&'a Property> {
        self.properties
            .get(property)
            .ok_or_else(|| Error::internal("schema.inconsistent", "a plan names a property its type does not have"))
    }
}

/// The columns of one property, with how they store.
pub(crate) fn stored(property: &Property) -> impl Iterator<Item = (DynIden, ColumnKind)> + use<> {
    let base = &property.data_type.base;
    let second = matches!(base, BaseType::Geopoint).then(|| (longitude_name(property.column), ColumnKind::Real));
    std::iter::once((column_name(property.column), ColumnKind::of(base))).chain(second)
}

fn column_name(column: u32) -> DynIden {
    format!("p{column}").into_iden()
}

fn longitude_name(column: u32) -> DynIden {
    format!("p{column}x").into_iden()
}

/// What a scalar is compared as. A geopoint, which takes two columns, is no scalar here.
pub(crate) fn scalar(value: &Value) -> Result<sea_query::Value> {
    Ok(match value {
        Value::Boolean(value) => i64::from(*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Double(value) => (*value).into(),
        Value::Decimal(value) => value.unscaled().into(),
        Value::Date(value) => i64::from(value.days()).into(),
        Value::Timestamp(value) => value.micros().into(),
        Value::Duration(value) => value.micros().into(),
        Value::String(text) | Value::Attachment(text) => text.as_ref().into(),
        Value::Null | Value::Geopoint(_) | Value::Json(_) | Value::Vector(_) | Value::Array(_) | Value::Struct(_) => {
            return Err(Error::internal("kernel.plan.not_scalar", "a plan compares a value that is not comparable"));
        }
    })
}
