//! Filters as callers state them: JSON on the wire, a builder in Rust, AIP-160 text for people.

mod parse;
mod print;
mod scan;

use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

pub(super) use self::parse::{Parsed, parse};
pub(super) use self::scan::column;
use super::plan::Area;

/// The most conditions in all filters of one request, `and`, `or` and `not` included.
pub const FILTER_TERMS_MAX: usize = 1_000;
/// How deep filters nest.
pub const FILTER_DEPTH_MAX: usize = 32;
/// The most values of one `in`.
pub const IN_VALUES_MAX: usize = 10_000;
/// The longest filter text, in bytes.
pub const FILTER_TEXT_LEN_MAX: usize = 1_048_576;

/// A condition on an object or a link.
///
/// Two-valued: a comparison with an absent value is false whatever the operator, `ne` included, and `not` is the complement. In JSON
/// a filter is an object with one member, `{"eq": {"property": "state", "value": "CA"}}`, or a string of text. Values are read by the
/// type of the property they are compared with.
///
/// # Text
/// The human form is that of AIP-160 (<https://google.aip.dev/160>):
///
/// ```text
/// filter      = term {"AND" term} | term {"OR" term}
/// term        = ["NOT" | "-"] ( "(" filter ")" | restriction | function | "true" | "false" )
/// restriction = property ("=" | "!=" | "<" | "<=" | ">" | ">=") argument | property ("=" | "!=") "null"
///             | property ":" argument                          (contains: a text in a text, an element in an array)
///             | property ":" "*"                               (is present)
/// function    = "in(" property {"," argument} ")"
///             | "starts_with(" property "," argument ")" | "ends_with(" property "," argument ")"
///             | "within_circle(" property "," lat "," lon "," metres ")"
///             | "within_box(" property "," south "," west "," north "," east ")"
///             | "has(" link ["," (filter | "*") ["," filter]] ")"   (on the link, then on the far object)
/// argument    = text in quotes | a word without quotes | "point(" lat "," lon ")"
/// ```
///
/// It is narrower than AIP-160 where that would surprise: AND and OR side by side take parentheses, for there OR binds tighter than
/// AND, which few readers expect and no answer would show; words side by side are no AND; there is no search by a bare value; `*` in
/// a text is an ordinary character; `!=` is false of an absent value, as every comparison is.
///
/// ```
/// use arrakis_core::kernel::Filter;
///
/// let filter = Filter::eq("state", "CA").and(Filter::contains("name", "Intl"));
/// assert_eq!(filter.to_string(), r#"state = "CA" AND name : "Intl""#);
/// assert_eq!(filter.to_string().parse::<Filter>()?, filter);
/// # Ok::<(), arrakis_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
pub enum Filter {
    /// The property equals the value.
    Eq(PropertyValue),
    /// The property is present and does not equal the value.
    Ne(PropertyValue),
    /// The property is less.
    Lt(PropertyValue),
    /// The property is less or equal.
    Le(PropertyValue),
    /// The property is greater.
    Gt(PropertyValue),
    /// The property is greater or equal.
    Ge(PropertyValue),
    /// The property equals one of up to [`IN_VALUES_MAX`] values.
    In {
        /// Its name.
        property: String,
        /// The values.
        values: Vec<Json>,
    },
    /// The property is absent.
    IsNull {
        /// Its name.
        property: String,
    },
    /// The text occurs in the property, or the property is an array with such an element.
    Contains(PropertyValue),
    /// The property starts with the text.
    StartsWith(PropertyValue),
    /// The property ends with the text.
    EndsWith(PropertyValue),
    /// The position lies in the area.
    Within {
        /// Its name.
        property: String,
        /// The area.
        area: Area,
    },
    /// The object is linked to at least one that fits. No condition on links.
    Has {
        /// What the object calls the far end.
        link: String,
        /// What the link satisfies: a filter on the link's properties.
        #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
        link_where: Option<Box<Filter>>,
        /// What the far object satisfies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Box<Filter>>,
    },
    /// All hold; true when empty.
    And(Vec<Filter>),
    /// At least one holds; false when empty.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// AIP-160 text, a bare string in JSON: parsed when the request is resolved, its values read as text by the property's type.
    Text(String),
}

/// A property and the value it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PropertyValue {
    /// The property's name.
    pub property: String,
    /// The value, in the JSON form of the property's type.
    pub value: Json,
}

macro_rules! property_value {
    ($($(#[$doc:meta])* $name:ident => $variant:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(property: impl Into<String>, value: impl Into<Json>) -> Self {
            Self::$variant(PropertyValue { property: property.into(), value: value.into() })
        }
    )*};
}

impl Filter {
    property_value! {
        /// The property equals the value.
        eq => Eq;
        /// The property is present and does not equal the value.
        ne => Ne;
        /// The property is less than the value.
        lt => Lt;
        /// The property is less than the value or equal.
        le => Le;
        /// The property is greater than the value.
        gt => Gt;
        /// The property is greater than the value or equal.
        ge => Ge;
        /// The text occurs in the property, or the property is an array with such an element.
        contains => Contains;
        /// The property starts with the text.
        starts_with => StartsWith;
        /// The property ends with the text.
        ends_with => EndsWith;
    }

    /// The property equals one of the values.
    pub fn any_of<V: Into<Json>>(property: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        Self::In { property: property.into(), values: values.into_iter().map(Into::into).collect() }
    }

    /// The property is absent.
    pub fn is_null(property: impl Into<String>) -> Self {
        Self::IsNull { property: property.into() }
    }

    /// The position lies in the area.
    pub fn within(property: impl Into<String>, area: Area) -> Self {
        Self::Within { property: property.into(), area }
    }

    /// The object is linked to another.
    pub fn has(link: impl Into<String>) -> Self {
        Self::Has { link: link.into(), link_where: None, to: None }
    }

    /// The object is linked to one that satisfies the filter.
    pub fn has_to(link: impl Into<String>, to: impl Into<Self>) -> Self {
        Self::Has { link: link.into(), link_where: None, to: Some(Box::new(to.into())) }
    }

    /// The object has a link whose properties satisfy the filter.
    pub fn has_where(link: impl Into<String>, link_where: impl Into<Self>) -> Self {
        Self::Has { link: link.into(), link_where: Some(Box::new(link_where.into())), to: None }
    }

    /// AIP-160 text, parsed when the request is resolved.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        let mut all = match self {
            Self::And(all) if !all.is_empty() => all,
            one => vec![one],
        };
        all.push(other.into());
        Self::And(all)
    }

    /// At least one of the two holds.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        let mut any = match self {
            Self::Or(any) if !any.is_empty() => any,
            one => vec![one],
        };
        any.push(other.into());
        Self::Or(any)
    }
}

impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl From<&str> for Filter {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Filter {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            other => Self::serialize(other, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilterVisitor)
    }
}

struct FilterVisitor;

impl<'de> Visitor<'de> for FilterVisitor {
    type Value = Filter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter: an object with one member, or text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Filter, E> {
        Ok(Filter::text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filter, A::Error> {
        // The inherent function serde derives for `remote = "Self"`, not this trait's.
        let filter = Filter::deserialize(MapAccessDeserializer::new(&mut map))?;
        match (filter, map.next_key::<IgnoredAny>()?) {
            (Filter::Text(_), _) => Err(de::Error::custom("text is a bare string, not a member")),
            (_, Some(_)) => Err(de::Error::custom("a filter has one member; join several by \"and\"")),
            (filter, None) => Ok(filter),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Geopoint;

    fn read(json: &Json) -> Result<Filter, String> {
        let from_value = serde_json::from_value(json.clone()).map_err(|e| e.to_string());
        let from_text: Result<Filter, _> = serde_json::from_str(&json.to_string()).map_err(|e| e.to_string());
        assert_eq!(from_value.is_ok(), from_text.is_ok(), "{json}");
        from_value
    }

    #[test]
    fn json_forms_read_and_print_alike() {
        let circle = Area::Circle { center: Geopoint { lat: 1.0, lon: 2.0 }, radius_m: 3.0 };
        for (json, filter) in [
            (json!({ "eq": { "property": "state", "value": "CA" } }), Filter::eq("state", "CA")),
            (
                json!({ "in": { "property": "state", "values": ["CA", 1] } }),
                Filter::any_of("state", [json!("CA"), json!(1)]),
            ),
            (json!({ "is_null": { "property": "state" } }), Filter::is_null("state")),
            (
                json!({ "within": { "property": "at", "area": { "circle": { "center": { "lat": 1.0, "lon": 2.0 }, "radius_m": 3.0 } } } }),
                Filter::within("at", circle),
            ),
            (
                json!({ "has": { "link": "destinations", "where": { "gt": { "property": "flights", "value": 1 } } } }),
                Filter::has_where("destinations", Filter::gt("flights", 1)),
            ),
            (json!({ "has": { "link": "a", "to": "b = 1" } }), Filter::has_to("a", "b = 1")),
            (json!({ "and": ["a = 1", { "not": { "or": [] } }] }), Filter::text("a = 1").and(!Filter::Or(Vec::new()))),
        ] {
            assert_eq!(read(&json).unwrap(), filter);
            assert_eq!(serde_json::to_value(&filter).unwrap(), json);
        }
    }

    #[test]
    fn unknown_members_and_second_operators_are_refused() {
        for json in [
            json!({ "eq": { "property": "state", "value": "CA", "case": false } }),
            json!({ "eq": { "property": "state", "value": "CA" }, "ne": { "property": "state", "value": "CA" } }),
            json!({ "like": { "property": "state", "value": "CA" } }),
            json!({ "text": "state = 1" }),
            json!({ "eq": { "property": "state" } }),
            json!({}),
            json!(["a"]),
            json!(1),
            json!(null),
        ] {
            assert!(read(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn builders_flatten_their_own_kind_only() {
        let [a, b, c] = ["a", "b", "c"].map(|name| Filter::eq(name, 1));
        assert_eq!(a.clone().and(b.clone()).and(c.clone()), Filter::And(vec![a.clone(), b.clone(), c.clone()]));
        assert_eq!(a.clone().and(b.clone()).or(c.clone()), Filter::Or(vec![Filter::And(vec![a, b]), c]));
    }
}
