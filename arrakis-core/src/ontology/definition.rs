//! The ontology file: what a person writes, in YAML or JSON.
//!
//! Lists keep their order; names are unique within their kind. A document is text until it is compiled: nothing here is checked
//! beyond its shape.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Cardinality, End, Expression, MergeRule, NewActionType, OnDelete};
use crate::{ApiName, Format, VectorMetric};

macro_rules! definition {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($body)* }
    };
}

pub(super) use definition;

definition! {
    /// A whole ontology, as one file states it.
    #[derive(Default)]
    pub struct NewOntology {
        /// What it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// Named constraints on base types.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub value_types: Vec<NewValueType>,
        /// Properties several types share.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub shared_properties: Vec<NewProperty>,
        /// What several object types have in common.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub interfaces: Vec<NewInterface>,
        /// Kinds of objects.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub object_types: Vec<NewObjectType>,
        /// Kinds of links.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub link_types: Vec<NewLinkType>,
        /// Kinds of actions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub action_types: Vec<NewActionType>,
        /// What the change from the version before takes; no part of the content hash.
        #[serde(default, skip_serializing_if = "NewChanges::is_empty")]
        pub changes: NewChanges,
    }
}

definition! {
    /// How to get here from the version before.
    #[derive(Default)]
    pub struct NewChanges {
        /// Renames. Without one, a new name is a new element and the old one is deleted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub moved: Vec<Moved>,
        /// What happens to data the new version would refuse.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub migrations: Vec<NewMigration>,
    }
}

impl NewChanges {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.migrations.is_empty()
    }
}

definition! {
    /// A rename. Paths are `object_types.Airport`, `object_types.Airport.properties.city`, `link_types.Route`, ….
    pub struct Moved {
        /// The path in the version before.
        pub from: String,
        /// The path in this version.
        pub to: String,
    }
}

definition! {
    /// What happens to the data an element's change concerns.
    pub struct NewMigration {
        /// The element in this version, or in the one before when it is deleted, spelled as in a rename.
        pub of: String,
        /// What happens.
        #[serde(flatten)]
        pub step: MigrationStep,
    }
}

/// What happens to stored data in a migration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MigrationStep {
    /// Absent values, and values the new rules refuse, become this one.
    Default(Json),
    /// Values are converted to the new base type; one that has no exact counterpart is treated as stated.
    Cast(OnCastFailure),
    /// What is deleted, or refused by the new rules, goes: the type's objects, the link type's links, the property's values.
    Drop(Dropped),
}

/// What a drop is: a marker, so that the file says `drop: data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The stored data; it stays readable as of earlier commits.
    Data,
}

/// What happens to a value a cast has no exact counterpart for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnCastFailure {
    /// The publication is refused.
    Refuse,
    /// The value becomes absent.
    Absent,
    /// The value becomes this one.
    Default(Json),
}

/// Whether an element is fit for use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Status {
    /// In use.
    #[default]
    Active,
    /// May change without notice.
    Experimental,
    /// On its way out.
    Deprecated {
        /// Since which date, `2026-11-22`.
        since: crate::Date,
        /// What to use in its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replacement: Option<ApiName>,
    },
    /// There to show how it is done.
    Example,
}

impl Status {
    /// Whether it is [`Status::Active`].
    pub fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

definition! {
    /// A named, versioned constraint on a base type.
    pub struct NewValueType {
        /// Its name.
        pub name: ApiName,
        /// What it stands for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The type it constrains.
        #[serde(rename = "type")]
        pub data_type: NewDataType,
        /// What its values obey, all of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub constraints: Vec<NewConstraint>,
        /// Its version, raised by its author when its meaning changes.
        #[serde(default = "first_version", skip_serializing_if = "is_first_version")]
        pub version: u32,
        /// Its status.
        #[serde(default, skip_serializing_if = "Status::is_active")]
        pub status: Status,
    }
}

const fn first_version() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
const fn is_first_version(version: &u32) -> bool {
    *version == 1
}

/// A type as the file names it: `string`, `decimal: {precision: 10, scale: 2}`, `array: integer`, `value_type: iata_code`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NewDataType {
    /// True or false.
    Boolean,
    /// A 64-bit signed integer.
    Integer,
    /// A finite IEEE 754 double.
    Double,
    /// An exact decimal.
    Decimal {
        /// Digits in all, 1 to 18.
        #[cfg_attr(feature = "json-schema", schemars(range(min = 1, max = 18)))]
        precision: u8,
        /// Digits after the point, at most `precision`.
        #[cfg_attr(feature = "json-schema", schemars(range(max = 18)))]
        scale: u8,
    },
    /// UTF-8 text.
    String,
    /// A calendar date.
    Date,
    /// An instant, UTC, microseconds.
    Timestamp,
    /// An elapsed time, microseconds.
    Duration,
    /// A WGS 84 position.
    Geopoint,
    /// Any JSON.
    Json,
    /// A reference to an attachment held elsewhere.
    Attachment,
    /// An embedding.
    Vector {
        /// Numbers in the vector.
        #[cfg_attr(feature = "json-schema", schemars(range(min = 1, max = 16_384)))]
        dimension: u32,
        /// How nearness is measured.
        metric: VectorMetric,
        /// The embedding space.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        space: Option<ApiName>,
    },
    /// A list of values of one type; no list of lists or of vectors.
    Array(Box<NewDataType>),
    /// Named fields.
    Struct(Vec<NewField>),
    /// A value type of this file.
    ValueType(ApiName),
}

definition! {
    /// A field of a struct.
    pub struct NewField {
        /// Its name.
        pub name: ApiName,
        /// Its type.
        #[serde(rename = "type")]
        pub data_type: NewDataType,
        /// Whether a struct without it is refused.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub required: bool,
    }
}

/// A rule values obey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NewConstraint {
    /// One of these.
    Enum(Vec<Json>),
    /// Between two values, both included.
    Range {
        /// The smallest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Json>,
        /// The largest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<Json>,
    },
    /// Characters of a string or elements of a list.
    Length {
        /// The fewest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<u64>,
        /// The most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u64>,
    },
    /// The whole string matches this pattern (RE2 syntax, linear time).
    Regex(String),
    /// The string has a well-known form.
    Format(Format),
}

definition! {
    /// A property.
    pub struct NewProperty {
        /// Its name.
        pub name: ApiName,
        /// What it means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// Its type; left out when it is shared.
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        pub data_type: Option<NewDataType>,
        /// The shared property it takes its type, constraints and description from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub shared: Option<ApiName>,
        /// What its values obey beyond the type, all of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub constraints: Vec<NewConstraint>,
        /// Whether an object without it is refused.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub required: bool,
        /// Whether no two objects of a tenant share a value.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub unique: bool,
        /// Whether filters and orders on it are lookups.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub indexed: bool,
        /// Whether full-text search covers it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub searchable: bool,
        /// The value of an object created without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default: Option<Json>,
        /// How it is computed from the other properties.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub derived: Option<Expression>,
        /// How two branches' values merge.
        #[serde(default, skip_serializing_if = "is_default_merge")]
        pub merge: MergeRule,
        /// How sensitive it is: the marking an actor needs to see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub marking: Option<ApiName>,
        /// Its status.
        #[serde(default, skip_serializing_if = "Status::is_active")]
        pub status: Status,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
fn is_default_merge(merge: &MergeRule) -> bool {
    *merge == MergeRule::default()
}

definition! {
    /// What several object types have in common.
    pub struct NewInterface {
        /// Its name.
        pub name: ApiName,
        /// What it means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// Interfaces whose properties and constraints it includes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub extends: Vec<ApiName>,
        /// Properties an implementing type has.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub properties: Vec<NewProperty>,
        /// Links an implementing type has.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub links: Vec<NewLinkConstraint>,
        /// Actions an implementing type offers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub actions: Vec<ApiName>,
        /// Its status.
        #[serde(default, skip_serializing_if = "Status::is_active")]
        pub status: Status,
    }
}

definition! {
    /// A link an implementing type has.
    pub struct NewLinkConstraint {
        /// What the type's objects call the far end.
        pub name: ApiName,
        /// The object type or interface at the far end.
        pub target: ApiName,
        /// How many far objects one object is linked to.
        pub cardinality: Cardinality,
        /// Whether a type without such a link is refused.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub required: bool,
    }
}

definition! {
    /// A kind of object.
    pub struct NewObjectType {
        /// Its name.
        pub name: ApiName,
        /// Its name for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub display_name: Option<String>,
        /// What it stands for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The property that identifies an object: a required string or integer.
        pub primary_key: ApiName,
        /// The property that names an object to people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<ApiName>,
        /// Its properties.
        pub properties: Vec<NewProperty>,
        /// Indexes over several properties, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub indexes: Vec<Vec<ApiName>>,
        /// The interfaces it implements.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub implements: Vec<NewImplementation>,
        /// An icon's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub icon: Option<String>,
        /// A colour, `#rrggbb`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub color: Option<String>,
        /// Groups it is listed under.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub groups: Vec<ApiName>,
        /// Its status.
        #[serde(default, skip_serializing_if = "Status::is_active")]
        pub status: Status,
    }
}

definition! {
    /// How a type implements an interface.
    pub struct NewImplementation {
        /// The interface.
        pub interface: ApiName,
        /// Interface property to own property, where their names differ.
        #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        pub properties: std::collections::BTreeMap<ApiName, ApiName>,
        /// Interface link to own link, where their names differ.
        #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        pub links: std::collections::BTreeMap<ApiName, ApiName>,
        /// Interface action to own action type, where their names differ.
        #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        pub actions: std::collections::BTreeMap<ApiName, ApiName>,
    }
}

definition! {
    /// A kind of link.
    pub struct NewLinkType {
        /// Its name.
        pub name: ApiName,
        /// What it means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The end it starts at.
        pub source: NewLinkSide,
        /// The end it leads to.
        pub target: NewLinkSide,
        /// The property that holds the link, when it is not kept in a table of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub foreign_key: Option<NewForeignKey>,
        /// Properties of each link; only without a foreign key.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub properties: Vec<NewProperty>,
        /// What happens when a linked object is deleted.
        #[serde(default)]
        pub on_delete: OnDelete,
        /// Its status.
        #[serde(default, skip_serializing_if = "Status::is_active")]
        pub status: Status,
    }
}

definition! {
    /// One end of a link type.
    pub struct NewLinkSide {
        /// The type of the objects at this end.
        pub object_type: ApiName,
        /// What an object at this end calls the far end, as in an airport's `destinations`.
        pub name: ApiName,
        /// How many far objects one object at this end is linked to.
        pub cardinality: Cardinality,
    }
}

definition! {
    /// The property that holds a link.
    pub struct NewForeignKey {
        /// The end whose object holds it.
        pub holder: End,
        /// The property, of the type of the far end's primary key.
        pub property: ApiName,
    }
}
