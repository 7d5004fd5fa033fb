//! The values a struct is read from: an object's properties, or the fields of a struct value.

use super::property::mismatch;
use super::{FieldType, ObjectStruct, TypeShape};
use crate::kernel::Object;
use crate::{BaseType, Error, Field, Result, Value};

/// An object that is being read into a struct.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    object: &'a Object,
}

impl<'a> Row<'a> {
    /// The object, when it is of the struct's type.
    ///
    /// # Errors
    /// `typed.object.type`, naming both types and the key.
    pub fn of<S: ObjectStruct>(object: &'a Object) -> Result<Self> {
        if object.object_type != S::OBJECT_TYPE {
            return Err(Error::invalid("typed.object.type", "the object is of another type than the struct")
                .with("expected", S::OBJECT_TYPE)
                .with("found", &object.object_type)
                .with("key", &object.key));
        }
        Ok(Self { object })
    }

    /// The property's value as the type of its field.
    ///
    /// # Errors
    /// As [`ObjectStruct::from_object`].
    pub fn get<F: FieldType>(&self, property: &str) -> Result<F> {
        let properties = &self.object.properties;
        let read = match properties.entry(property) {
            Some((value, base)) => F::read(value, base),
            None => Err(Error::invalid("typed.property.unread", "the property was not selected")),
        };
        read.map_err(|e| {
            e.at(property)
                .at("properties")
                .with("object_type", &self.object.object_type)
                .with("property", property)
                .with("key", &self.object.key)
        })
    }
}

/// A struct value that is being read into a struct.
#[derive(Clone, Copy, Debug)]
pub struct StructRow<'a> {
    fields: &'a [Field],
    values: &'a [Value],
}

impl<'a> StructRow<'a> {
    /// The value, when it is a struct and its type is known, which names its fields.
    ///
    /// # Errors
    /// `typed.property.type`.
    pub fn of(value: &'a Value, base: Option<&'a BaseType>) -> Result<Self> {
        match (value, base) {
            (Value::Struct(values), Some(BaseType::Struct(fields))) => Ok(Self { fields, values }),
            (other, _) => Err(mismatch(&TypeShape::Struct(Vec::new()), other)),
        }
    }

    /// The value of a field as the Rust type of the field of that name.
    ///
    /// # Errors
    /// As [`FieldType::read`], and `typed.property.unread` for a field the type does not have, with the field as the path.
    pub fn get<F: FieldType>(&self, name: &str) -> Result<F> {
        let found = self.fields.iter().zip(self.values).find(|(field, _)| field.api_name == *name);
        let read = match found {
            Some((field, value)) => F::read(value, Some(&field.data_type.base)),
            None => Err(Error::invalid("typed.property.unread", "the type of the value has no such field")),
        };
        read.map_err(|e| e.at(name))
    }
}
