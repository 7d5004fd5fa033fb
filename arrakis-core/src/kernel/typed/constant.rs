//! The constants that stand for properties in filters and orders.

use std::fmt;
use std::marker::PhantomData;

use serde_json::Value as Json;

use super::{Ordered, PropertyType, Scalar, Searchable, Text};
use crate::Geopoint;
use crate::kernel::plan::Area;
use crate::kernel::{Filter, OrderBy};

/// A property of the objects a struct `S` holds, with values of the Rust type `T`.
///
/// `#[derive(Object)]` makes one for each field, in capitals: `Airport::NAME.starts_with("San")` is the [`Filter`] one would build by
/// name, and combines with others by `and`, `or` and `!`. Where a name is expected, as in `select` or a metric, the constant is one.
pub struct PropertyOf<S, T> {
    name: &'static str,
    owner: PhantomData<fn() -> (S, T)>,
}

impl<S, T> PropertyOf<S, T> {
    /// The property of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, owner: PhantomData }
    }

    /// Its name in the ontology.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The property is absent.
    pub fn is_null(self) -> Filter {
        Filter::is_null(self.name)
    }
}

macro_rules! compared {
    ($($(#[$doc:meta])* $name:ident => $filter:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(self, value: impl Into<T>) -> Filter {
            Filter::$filter(self.name, json_of(value.into()))
        }
    )*};
}

impl<S, T: Scalar> PropertyOf<S, T> {
    compared! {
        /// The property equals the value.
        eq => eq;
        /// The property is present and does not equal the value.
        ne => ne;
    }

    /// The property equals one of the values, up to [`IN_VALUES_MAX`](crate::kernel::IN_VALUES_MAX).
    pub fn is_in<V: Into<T>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        Filter::any_of(self.name, values.into_iter().map(|value| json_of(value.into())))
    }
}

impl<S, T: Ordered> PropertyOf<S, T> {
    compared! {
        /// The property is less than the value.
        lt => lt;
        /// The property is less than the value or equal.
        lte => le;
        /// The property is greater than the value.
        gt => gt;
        /// The property is greater than the value or equal.
        gte => ge;
    }

    /// Smallest first.
    pub fn asc(self) -> OrderBy {
        OrderBy::asc(self.name)
    }

    /// Largest first.
    pub fn desc(self) -> OrderBy {
        OrderBy::desc(self.name)
    }
}

impl<S, T: Text> PropertyOf<S, T> {
    compared! {
        /// The property starts with the text.
        starts_with => starts_with;
        /// The property ends with the text.
        ends_with => ends_with;
    }
}

impl<S, T: Searchable> PropertyOf<S, T> {
    /// The text occurs in the property, or the property is an array with such an element.
    pub fn contains(self, part: impl Into<T::Part>) -> Filter {
        Filter::contains(self.name, json_of(part.into()))
    }
}

impl<S> PropertyOf<S, Geopoint> {
    /// The position lies in the area.
    pub fn within(self, area: Area) -> Filter {
        Filter::within(self.name, area)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "each caller has just made the value")]
fn json_of<T: PropertyType>(value: T) -> Json {
    value.to_json()
}

impl<S, T> Clone for PropertyOf<S, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, T> Copy for PropertyOf<S, T> {}

impl<S, T> fmt::Debug for PropertyOf<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PropertyOf({:?})", self.name)
    }
}

impl<S, T> fmt::Display for PropertyOf<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<S, T> From<PropertyOf<S, T>> for String {
    fn from(property: PropertyOf<S, T>) -> Self {
        property.name.to_owned()
    }
}
