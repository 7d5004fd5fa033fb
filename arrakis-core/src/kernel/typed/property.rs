//! Which Rust types hold the values of properties, and what one may ask of a property of each.

use std::sync::Arc;

use serde_json::{Number, Value as Json, json};

use super::TypeShape;
use crate::{BaseType, Date, Decimal, Duration, Error, Geopoint, Key, Result, Timestamp, Value};

/// A Rust type that holds the value of a property.
///
/// `bool` is a boolean; `i64`, `i32` and `u32` an integer, the narrow ones refusing to read what they cannot hold; `f64` a double;
/// [`Decimal`] a decimal of any precision and scale; `String` and `Arc<str>` text; [`Date`], [`Timestamp`], [`Duration`] and
/// [`Geopoint`] their namesakes; `serde_json::Value` any JSON; [`Attachment`] an attachment; `Vec<f32>` a vector of any dimension; a
/// `Vec` of another of these types an array; and a struct that derives `Struct` a struct.
#[diagnostic::on_unimplemented(
    message = "no property is held by `{Self}`",
    label = "no type of a property",
    note = "a property is held by `bool`, `i64`, `i32`, `u32`, `f64`, `String`, `Arc<str>`, `Decimal`, `Date`, `Timestamp`, `Duration`, \
            `Geopoint`, `serde_json::Value`, `Attachment`, `Vec<f32>`, a `Vec` of these, or a struct with `#[derive(arrakis::Struct)]`"
)]
pub trait PropertyType: Sized {
    /// What type the property has.
    fn shape() -> TypeShape;

    /// Reads a value that is not absent. Its type, where it is known, names the fields of structs.
    ///
    /// # Errors
    /// `typed.property.type` for a value of another type, `typed.property.out_of_range` for one this cannot hold.
    fn read(value: &Value, base: Option<&BaseType>) -> Result<Self>;

    /// The JSON form. A number that is not finite becomes text, which the kernel refuses.
    fn to_json(&self) -> Json;
}

/// The type of a field: a [`PropertyType`], or an `Option` of one for a property that may be absent.
#[diagnostic::on_unimplemented(
    message = "no property is held by a field of type `{Self}`",
    label = "no type of a property",
    note = "a field holds a `PropertyType`, or an `Option` of one: see `arrakis::typed::PropertyType`"
)]
pub trait FieldType: Sized {
    /// The type of a value that is there.
    type Present: PropertyType;

    /// Whether the property must be there.
    const REQUIRED: bool;

    /// Reads a value.
    ///
    /// # Errors
    /// `typed.property.absent` for an absent value this cannot stand for; as [`PropertyType::read`].
    fn read(value: &Value, base: Option<&BaseType>) -> Result<Self>;

    /// The JSON form; `null` for none.
    fn to_json(&self) -> Json;
}

/// A type of a primary key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key",
    label = "no type of a key",
    note = "a key is an integer or text: `i64`, `i32`, `u32`, `String` or `Arc<str>`, and no `Option`"
)]
pub trait KeyType: Scalar + Clone {
    /// The key.
    fn to_key(&self) -> Key;
}

/// A type whose values are equal or not.
#[diagnostic::on_unimplemented(message = "values of `{Self}` are not compared in filters")]
pub trait Scalar: PropertyType {}

/// A type whose values have an order.
#[diagnostic::on_unimplemented(message = "values of `{Self}` have no order in filters and queries")]
pub trait Ordered: Scalar {}

/// A type of text.
#[diagnostic::on_unimplemented(message = "values of `{Self}` are no text")]
pub trait Text: Ordered {}

/// A type whose values contain parts: text its texts, an array its elements.
#[diagnostic::on_unimplemented(message = "values of `{Self}` contain nothing to look for")]
pub trait Searchable: PropertyType {
    /// What is contained.
    type Part: Scalar;
}

/// A reference to an attachment held elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attachment(pub Arc<str>);

impl<T: PropertyType> FieldType for T {
    type Present = T;
    const REQUIRED: bool = true;

    fn read(value: &Value, base: Option<&BaseType>) -> Result<Self> {
        if value.is_null() {
            return Err(Error::invalid("typed.property.absent", "the property is absent, and its field is no Option"));
        }
        T::read(value, base)
    }

    fn to_json(&self) -> Json {
        PropertyType::to_json(self)
    }
}

impl<T: PropertyType> FieldType for Option<T> {
    type Present = T;
    const REQUIRED: bool = false;

    fn read(value: &Value, base: Option<&BaseType>) -> Result<Self> {
        if value.is_null() { Ok(None) } else { T::read(value, base).map(Some) }
    }

    fn to_json(&self) -> Json {
        self.as_ref().map_or(Json::Null, PropertyType::to_json)
    }
}

macro_rules! copied {
    ($($rust:ty => $variant:ident),* $(,)?) => {$(
        impl PropertyType for $rust {
            fn shape() -> TypeShape {
                TypeShape::$variant
            }

            fn read(value: &Value, _: Option<&BaseType>) -> Result<Self> {
                match value {
                    Value::$variant(value) => Ok(*value),
                    other => Err(mismatch(&TypeShape::$variant, other)),
                }
            }

            fn to_json(&self) -> Json {
                Value::$variant(*self).to_json()
            }
        }
    )*};
}

copied! { bool => Boolean, i64 => Integer, Decimal => Decimal, Date => Date, Timestamp => Timestamp, Duration => Duration }

macro_rules! narrow_integer {
    ($($rust:ty),*) => {$(
        impl PropertyType for $rust {
            fn shape() -> TypeShape {
                TypeShape::Integer
            }

            fn read(value: &Value, base: Option<&BaseType>) -> Result<Self> {
                let value = <i64 as PropertyType>::read(value, base)?;
                Self::try_from(value).map_err(|_| {
                    Error::invalid("typed.property.out_of_range", "the field cannot hold the integer")
                        .with("value", value)
                        .with("min", Self::MIN)
                        .with("max", Self::MAX)
                })
            }

            fn to_json(&self) -> Json {
                Json::from(*self)
            }
        }
    )*};
}

narrow_integer! { i32, u32 }

macro_rules! text {
    ($($rust:ty => $variant:ident, $make:expr, $text:expr;)*) => {$(
        impl PropertyType for $rust {
            fn shape() -> TypeShape {
                TypeShape::$variant
            }

            fn read(value: &Value, _: Option<&BaseType>) -> Result<Self> {
                match value {
                    Value::$variant(text) => Ok($make(text)),
                    other => Err(mismatch(&TypeShape::$variant, other)),
                }
            }

            fn to_json(&self) -> Json {
                let text: fn(&Self) -> &str = $text;
                Json::from(text(self))
            }
        }
    )*};
}

text! {
    String => String, |text: &Arc<str>| String::from(&**text), |text| text;
    Arc<str> => String, Arc::clone, |text| text;
    Attachment => Attachment, |text| Self(Arc::clone(text)), |attachment| &attachment.0;
}

impl PropertyType for f64 {
    fn shape() -> TypeShape {
        TypeShape::Double
    }

    fn read(value: &Value, _: Option<&BaseType>) -> Result<Self> {
        match value {
            Value::Double(value) => Ok(*value),
            other => Err(mismatch(&TypeShape::Double, other)),
        }
    }

    fn to_json(&self) -> Json {
        // JSON has no NaN and no infinity. `null` would make the property absent; text is refused by every type of numbers.
        Number::from_f64(*self).map_or_else(|| Json::String(self.to_string()), Json::Number)
    }
}

impl PropertyType for Geopoint {
    fn shape() -> TypeShape {
        TypeShape::Geopoint
    }

    fn read(value: &Value, _: Option<&BaseType>) -> Result<Self> {
        match value {
            Value::Geopoint(point) => Ok(*point),
            other => Err(mismatch(&TypeShape::Geopoint, other)),
        }
    }

    fn to_json(&self) -> Json {
        json!({ "lat": PropertyType::to_json(&self.lat), "lon": PropertyType::to_json(&self.lon) })
    }
}

impl PropertyType for Json {
    fn shape() -> TypeShape {
        TypeShape::Json
    }

    fn read(value: &Value, _: Option<&BaseType>) -> Result<Self> {
        match value {
            Value::Json(json) => Ok(Self::clone(json)),
            other => Err(mismatch(&TypeShape::Json, other)),
        }
    }

    fn to_json(&self) -> Json {
        self.clone()
    }
}

impl PropertyType for Vec<f32> {
    fn shape() -> TypeShape {
        TypeShape::Vector
    }

    fn read(value: &Value, _: Option<&BaseType>) -> Result<Self> {
        match value {
            Value::Vector(numbers) => Ok(numbers.to_vec()),
            other => Err(mismatch(&TypeShape::Vector, other)),
        }
    }

    fn to_json(&self) -> Json {
        self.iter().map(|number| PropertyType::to_json(&f64::from(*number))).collect()
    }
}

impl<T: PropertyType> PropertyType for Vec<T> {
    fn shape() -> TypeShape {
        TypeShape::Array(Box::new(T::shape()))
    }

    fn read(value: &Value, base: Option<&BaseType>) -> Result<Self> {
        let Value::Array(items) = value else { return Err(mismatch(&Self::shape(), value)) };
        let element = match base {
            Some(BaseType::Array(element)) => Some(&element.base),
            _ => None,
        };
        let read = |(index, item)| T::read(item, element).map_err(|e| e.at(format!("[{index}]")));
        items.iter().enumerate().map(read).collect()
    }

    fn to_json(&self) -> Json {
        self.iter().map(PropertyType::to_json).collect()
    }
}

macro_rules! marked {
    ($marker:ident: $($rust:ty),*) => {$(
        impl $marker for $rust {}
    )*};
}

marked! { Scalar: bool, i64, i32, u32, f64, Decimal, String, Arc<str>, Date, Timestamp, Duration, Geopoint, Attachment }
marked! { Ordered: bool, i64, i32, u32, f64, Decimal, String, Arc<str>, Date, Timestamp, Duration }
marked! { Text: String, Arc<str> }

impl Searchable for String {
    type Part = Self;
}

impl Searchable for Arc<str> {
    type Part = Self;
}

impl<T: Scalar> Searchable for Vec<T> {
    type Part = T;
}

macro_rules! key {
    ($($rust:ty => $key:expr;)*) => {$(
        impl KeyType for $rust {
            fn to_key(&self) -> Key {
                let key: fn(&Self) -> Key = $key;
                key(self)
            }
        }
    )*};
}

key! {
    i64 => |number| Key::Integer(*number);
    i32 => |number| Key::Integer((*number).into());
    u32 => |number| Key::Integer((*number).into());
    String => |text| Key::string(text.as_str());
    Arc<str> => |text| Key::String(Arc::clone(text));
}

/// The refusal of a value of another type.
pub(super) fn mismatch(expected: &TypeShape, found: &Value) -> Error {
    Error::invalid("typed.property.type", "the value is of another type than the field")
        .with("expected", expected)
        .with("found", type_of(found))
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "absent",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) => "integer",
        Value::Double(_) => "double",
        Value::Decimal(_) => "decimal",
        Value::String(_) => "string",
        Value::Date(_) => "date",
        Value::Timestamp(_) => "timestamp",
        Value::Duration(_) => "duration",
        Value::Geopoint(_) => "geopoint",
        Value::Json(_) => "json",
        Value::Attachment(_) => "attachment",
        Value::Vector(_) => "vector",
        Value::Array(_) => "array",
        Value::Struct(_) => "struct",
    }
}
