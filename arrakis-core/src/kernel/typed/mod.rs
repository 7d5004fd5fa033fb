//! Objects as Rust structs: read, written, filtered and ordered by what their fields are called, and checked against the ontology.
//!
//! `#[derive(Object)]` makes a struct an [`ObjectStruct`]: the type of its objects, a [`PropertyOf`] constant for each field, and a
//! [`Shape`] to compare with a published schema. [`TypedKernel`] reads and writes such structs through the same
//! [`KernelService`](crate::kernel::KernelService) as everything else.

mod constant;
mod difference;
mod property;
mod row;
mod shape;
#[cfg(test)]
mod tests;
mod view;

pub use self::constant::PropertyOf;
pub use self::difference::{Severity, ShapeDifference, ShapeFaults, ShapeRule, check_shapes};
pub use self::property::{Attachment, FieldType, KeyType, Ordered, PropertyType, Scalar, Searchable, Text};
pub use self::row::{Row, StructRow};
pub use self::shape::{PropertyShape, Shape, Shapes, TypeShape, shapes_json};
pub use self::view::{TypedKernel, TypedPage, TypedQuery};
use super::{Edit, NewProperties, Object};
use crate::Result;

/// What the code `#[derive(Object)]` and `#[derive(Struct)]` write names beside this module; no part of the interface.
#[doc(hidden)]
pub mod derived {
    pub use serde_json::{Map, Value as Json};

    pub use crate::kernel::{NewProperties, Object};
    pub use crate::{BaseType, Result, Value};
}

/// A Rust struct that holds objects of one type, or some of their properties. `#[derive(Object)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no struct of an object type",
    note = "`#[derive(arrakis::Object)]` makes it one"
)]
pub trait ObjectStruct: Sized {
    /// The object type, by its name in the ontology.
    const OBJECT_TYPE: &'static str;

    /// The Rust type of the primary key.
    type Key: KeyType;

    /// What the struct takes the object type to be.
    fn shape() -> Shape;

    /// Reads an object. Properties that the struct has no field for are passed over.
    ///
    /// # Errors
    /// `typed.object.type` for an object of another type; `typed.property.unread` for a property that was not selected,
    /// `typed.property.absent` for an absent one whose field is no `Option`, `typed.property.type` for a value of another type and
    /// `typed.property.out_of_range` for one the field cannot hold, each with the object type and key, and the property as the path.
    fn from_object(object: &Object) -> Result<Self>;

    /// The primary key.
    fn key(&self) -> Self::Key;

    /// The properties as written: the key and all that are not derived. `None` is `null`, which leaves the property absent.
    fn properties(&self) -> NewProperties;
}

impl Edit {
    /// Creates an object; refused when it exists. A property without a field takes its default, one whose field is `None` is absent.
    pub fn create<S: ObjectStruct>(object: &S) -> Self {
        Self::Create { object_type: S::OBJECT_TYPE.to_owned(), properties: object.properties() }
    }

    /// Replaces every property the struct has a field for; refused when the object does not exist.
    pub fn modify<S: ObjectStruct>(object: &S) -> Self {
        let (key, properties) = (object.key().to_key(), object.properties());
        Self::Modify { object_type: S::OBJECT_TYPE.to_owned(), key, properties, expect: None }
    }

    /// Creates an object, or replaces every property the struct has a field for.
    pub fn upsert<S: ObjectStruct>(object: &S) -> Self {
        Self::Upsert { object_type: S::OBJECT_TYPE.to_owned(), properties: object.properties(), expect: None }
    }

    /// Deletes an object by the on-delete rules of its links; refused when it does not exist.
    pub fn delete<S: ObjectStruct>(key: impl Into<S::Key>) -> Self {
        Self::Delete { object_type: S::OBJECT_TYPE.to_owned(), key: key.into().to_key(), expect: None }
    }
}
