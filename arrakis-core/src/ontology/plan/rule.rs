//! The rules a change of an ontology is judged by: stable ids, one line each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What a change asks of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It adds something; nothing that was there is affected.
    Additive,
    /// It changes or loosens something that all data survives.
    Compatible,
    /// Callers that rely on the element as it was break; the data does not.
    Breaking,
    /// It stands when no stored data breaks the new rule.
    NeedsValidation,
    /// It stands when no stored data breaks the new rule, or a migration says what becomes of what does.
    NeedsMigration,
    /// It stands only where there is no data.
    Forbidden,
}

/// Whose data survives a change, in the sense of the Confluent schema registry's compatibility types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "ChangeDirection"))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Readers of the new version read data written under the old one.
    Backward,
    /// Readers of the old version read data written under the new one.
    Forward,
    /// Both.
    Full,
    /// Neither.
    None,
}

macro_rules! rules {
    ($($rule:ident = $id:literal, $class:ident, $direction:ident, $message:literal;)*) => {
        /// A rule. Its id is stable: it is never given another meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(
                #[doc = concat!("`", $id, "`: ", $message, ".")]
                $rule,
            )*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// The stable id, such as `ARK-PROP-TYPE-NARROWED`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$rule => $id,)* }
            }

            /// What a change under this rule asks of the data, before the data was looked at.
            pub const fn class(self) -> Class {
                match self { $(Self::$rule => Class::$class,)* }
            }

            /// Whose data survives it.
            pub const fn direction(self) -> Direction {
                match self { $(Self::$rule => Direction::$direction,)* }
            }

            /// What happened, for a person.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$rule => $message,)* }
            }
        }
    };
}

rules! {
    TypeAdded = "ARK-TYPE-ADDED", Additive, Full, "an object type is new";
    TypeRemoved = "ARK-TYPE-REMOVED", NeedsMigration, None, "an object type is gone, and its objects with it";
    TypeRenamed = "ARK-TYPE-RENAMED", Breaking, None, "an object type has another name";
    TypeKeyChanged = "ARK-TYPE-KEY-CHANGED", Forbidden, None, "an object type has another primary key";
    TypeTitleChanged = "ARK-TYPE-TITLE-CHANGED", Compatible, Full, "objects are titled by another property";
    TypeIndexAdded = "ARK-TYPE-INDEX-ADDED", Additive, Full, "an index over several properties is new";
    TypeIndexRemoved = "ARK-TYPE-INDEX-REMOVED", Compatible, Full, "an index over several properties is gone";
    TypeInterfaceAdded = "ARK-TYPE-INTERFACE-ADDED", Additive, Full, "an object type implements one more interface";
    TypeInterfaceRemoved = "ARK-TYPE-INTERFACE-REMOVED", Breaking, None, "an object type no longer implements an interface";
    TypeInterfaceChanged = "ARK-TYPE-INTERFACE-CHANGED", Breaking, None, "an object type implements an interface by other elements";

    PropAdded = "ARK-PROP-ADDED", Additive, Full, "an optional property is new";
    PropAddedRequired = "ARK-PROP-ADDED-REQUIRED", NeedsMigration, Forward, "a required property without a default is new";
    PropAddedDefault = "ARK-PROP-ADDED-DEFAULT", Compatible, Full, "a required property is new and filled with its default";
    PropAddedDerived = "ARK-PROP-ADDED-DERIVED", Additive, Full, "a derived property is new and computed for every object";
    PropRemoved = "ARK-PROP-REMOVED", NeedsMigration, Backward, "a property is gone, and its values with it";
    PropRemovedDerived = "ARK-PROP-REMOVED-DERIVED", Breaking, Backward, "a derived property is gone";
    PropRenamed = "ARK-PROP-RENAMED", Breaking, None, "a property has another name";
    PropRequiredAdded = "ARK-PROP-REQUIRED-ADDED", NeedsMigration, Forward, "an optional property is required now";
    PropRequiredFilled = "ARK-PROP-REQUIRED-FILLED", Compatible, Forward, "an optional property is required now, and absent values become its default";
    PropRequiredRemoved = "ARK-PROP-REQUIRED-REMOVED", Compatible, Backward, "a required property is optional now";
    PropTypeWidened = "ARK-PROP-TYPE-WIDENED", Compatible, Backward, "a property's type holds every value it held before";
    PropTypeWidenedInexact = "ARK-PROP-TYPE-WIDENED-INEXACT", NeedsMigration, Backward, "a property's type holds most values it held before";
    PropTypeNarrowed = "ARK-PROP-TYPE-NARROWED", NeedsMigration, Forward, "a property's type holds fewer values than before";
    PropTypeChanged = "ARK-PROP-TYPE-CHANGED", NeedsMigration, None, "a property is of another type";
    PropTypeRestated = "ARK-PROP-TYPE-RESTATED", Compatible, Full, "a property's type is stated otherwise and is the same";
    PropConstraintAdded = "ARK-PROP-CONSTRAINT-ADDED", NeedsMigration, Forward, "a constraint is new";
    PropConstraintTightened = "ARK-PROP-CONSTRAINT-TIGHTENED", NeedsMigration, Forward, "a constraint allows less than before";
    PropConstraintLoosened = "ARK-PROP-CONSTRAINT-LOOSENED", Compatible, Backward, "a constraint allows more than before";
    PropConstraintRemoved = "ARK-PROP-CONSTRAINT-REMOVED", Compatible, Backward, "a constraint is gone";
    PropEnumAdded = "ARK-PROP-ENUM-ADDED", Compatible, Backward, "a listed value is new";
    PropEnumRemoved = "ARK-PROP-ENUM-REMOVED", NeedsMigration, Forward, "a listed value is gone";
    PropUniqueAdded = "ARK-PROP-UNIQUE-ADDED", NeedsValidation, Forward, "no two objects may share a value now";
    PropUniqueRemoved = "ARK-PROP-UNIQUE-REMOVED", Compatible, Backward, "objects may share a value now";
    PropIndexAdded = "ARK-PROP-INDEX-ADDED", Additive, Full, "a property is indexed now";
    PropIndexRemoved = "ARK-PROP-INDEX-REMOVED", Compatible, Full, "a property is no longer indexed";
    PropSearchAdded = "ARK-PROP-SEARCH-ADDED", Additive, Full, "a property is searched now";
    PropSearchRemoved = "ARK-PROP-SEARCH-REMOVED", Breaking, Full, "a property is no longer searched";
    PropDefaultAdded = "ARK-PROP-DEFAULT-ADDED", Compatible, Full, "new objects without the property have a default";
    PropDefaultChanged = "ARK-PROP-DEFAULT-CHANGED", Compatible, Full, "new objects without the property have another default";
    PropDefaultRemoved = "ARK-PROP-DEFAULT-REMOVED", Breaking, Full, "new objects without the property have no default";
    PropDerivedAdded = "ARK-PROP-DERIVED-ADDED", NeedsMigration, None, "a stored property is derived now, and its values are computed anew";
    PropDerivedChanged = "ARK-PROP-DERIVED-CHANGED", Compatible, Full, "a derived property is computed otherwise, for every object";
    PropDerivedRemoved = "ARK-PROP-DERIVED-REMOVED", Compatible, Full, "a derived property is stored now, and keeps its last values";
    PropMergeChanged = "ARK-PROP-MERGE-CHANGED", Compatible, Full, "changes of a property on two branches merge otherwise";
    PropMarkingChanged = "ARK-PROP-MARKING-CHANGED", Breaking, Full, "who may see a property changes";

    LinkAdded = "ARK-LINK-ADDED", Additive, Full, "a link type is new";
    LinkAddedOverProperty = "ARK-LINK-ADDED-OVER-PROPERTY", NeedsValidation, Forward, "a property is a foreign key now: each of its values names an object";
    LinkRemoved = "ARK-LINK-REMOVED", NeedsMigration, None, "a link type is gone, and its links with it";
    LinkRemovedFromProperty = "ARK-LINK-REMOVED-FROM-PROPERTY", Breaking, None, "a link type is gone; its foreign key stays a property";
    LinkRenamed = "ARK-LINK-RENAMED", Breaking, None, "a link type has another name";
    LinkSideRenamed = "ARK-LINK-SIDE-RENAMED", Breaking, None, "a side of a link type has another name";
    LinkEndChanged = "ARK-LINK-END-CHANGED", Forbidden, None, "a link type is between other object types";
    LinkBackingChanged = "ARK-LINK-BACKING-CHANGED", Forbidden, None, "links are kept elsewhere";
    LinkForeignKeyChanged = "ARK-LINK-FOREIGN-KEY-CHANGED", NeedsValidation, None, "links are held by another property";
    LinkCardinalityNarrowed = "ARK-LINK-CARDINALITY-NARROWED", NeedsValidation, Forward, "an object has at most one such link now";
    LinkCardinalityWidened = "ARK-LINK-CARDINALITY-WIDENED", Compatible, Backward, "an object may have many such links now";
    LinkOnDeleteChanged = "ARK-LINK-ON-DELETE-CHANGED", Compatible, Full, "deleting a linked object has another effect";

    InterfaceAdded = "ARK-IFACE-ADDED", Additive, Full, "an interface is new";
    InterfaceRemoved = "ARK-IFACE-REMOVED", Breaking, None, "an interface is gone";
    InterfaceRenamed = "ARK-IFACE-RENAMED", Breaking, None, "an interface has another name";
    InterfacePropAdded = "ARK-IFACE-PROP-ADDED", Compatible, Full, "an interface has one more property";
    InterfacePropRemoved = "ARK-IFACE-PROP-REMOVED", Breaking, None, "an interface has one property less";
    InterfacePropRenamed = "ARK-IFACE-PROP-RENAMED", Breaking, None, "a property of an interface has another name";
    InterfacePropChanged = "ARK-IFACE-PROP-CHANGED", Breaking, None, "a property of an interface is another";
    InterfaceExtendsChanged = "ARK-IFACE-EXTENDS-CHANGED", Breaking, None, "an interface extends others";
    InterfaceLinksChanged = "ARK-IFACE-LINKS-CHANGED", Breaking, None, "an interface asks for other links";
    InterfaceActionsChanged = "ARK-IFACE-ACTIONS-CHANGED", Breaking, None, "an interface asks for other actions";

    ValueTypeAdded = "ARK-VTYPE-ADDED", Additive, Full, "a value type is new";
    ValueTypeRemoved = "ARK-VTYPE-REMOVED", Compatible, Full, "a value type is gone, which nothing uses now";
    ValueTypeRenamed = "ARK-VTYPE-RENAMED", Compatible, Full, "a value type has another name";
    ValueTypeChanged = "ARK-VTYPE-CHANGED", Compatible, Full, "a value type is another: see the properties that use it";
    SharedPropAdded = "ARK-SHARED-ADDED", Additive, Full, "a shared property is new";
    SharedPropRemoved = "ARK-SHARED-REMOVED", Compatible, Full, "a shared property is gone, which nothing uses now";
    SharedPropRenamed = "ARK-SHARED-RENAMED", Compatible, Full, "a shared property has another name";
    SharedPropChanged = "ARK-SHARED-CHANGED", Compatible, Full, "a shared property is another: see the properties that use it";

    ActionAdded = "ARK-ACTION-ADDED", Additive, Full, "an action type is new";
    ActionRemoved = "ARK-ACTION-REMOVED", Breaking, None, "an action type is gone";
    ActionRenamed = "ARK-ACTION-RENAMED", Breaking, None, "an action type has another name";
    ActionParamAdded = "ARK-ACTION-PARAM-ADDED", Additive, Full, "an optional parameter is new";
    ActionParamAddedRequired = "ARK-ACTION-PARAM-ADDED-REQUIRED", Breaking, None, "a required parameter is new";
    ActionParamRemoved = "ARK-ACTION-PARAM-REMOVED", Breaking, None, "a parameter is gone";
    ActionParamChanged = "ARK-ACTION-PARAM-CHANGED", Breaking, None, "a parameter is another";
    ActionBehaviorChanged = "ARK-ACTION-BEHAVIOR-CHANGED", Compatible, Full, "an action type asks for or does something else";

    StatusDeprecated = "ARK-STATUS-DEPRECATED", Compatible, Full, "an element is on its way out";
    StatusChanged = "ARK-STATUS-CHANGED", Compatible, Full, "an element has another status";
    DocumentationChanged = "ARK-DOC-CHANGED", Compatible, Full, "what is said of an element changes";
    FormChanged = "ARK-FORM-CHANGED", Compatible, Full, "the file is written otherwise and means the same";
    MigrationStale = "ARK-MIGRATION-STALE", Forbidden, Full, "a migration is stated that no change needs";

    PolicyBroken = "ARK-POLICY-BROKEN", Breaking, Full, "the policy names what is no more, or as it is no more: what it grants there is granted no longer";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .find(|rule| rule.id() == text)
            .copied()
            .ok_or_else(|| Error::invalid("ontology.plan.rule_unknown", "there is no such rule").with("rule", text))
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
