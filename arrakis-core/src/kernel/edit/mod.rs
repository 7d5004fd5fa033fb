//! Edits as callers state them: what one write does.

mod decide;
mod row;

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

pub(super) use self::decide::{Decision, Held, decide, decide_any, held, link_change, object_change};
pub(super) use self::row::{Template, dangling, key_of, link_set, settable};
use crate::{CommitId, Error, Key, Receipt, Result, Seq};

/// The longest reason of a write, in bytes.
pub const REASON_LEN_MAX: usize = 4_096;

/// A write: all of its edits happen, in one commit, or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The edits, up to [`crate::commit::COMMIT_CHANGES_MAX`], in order; each sees those before it.
    pub edits: Vec<Edit>,
    /// The idempotency key: the same id again answers the first receipt and changes nothing. A fresh one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CommitId>,
    /// Why, in the writer's words, up to [`REASON_LEN_MAX`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Written {
    /// The proof; its seq is the revision of everything written, and what a later read states as `at_least` to see it.
    pub receipt: Receipt,
}

/// One edit. What it expects is judged by the state before the first edit of the write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Creates an object; refused when it exists.
    Create {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its properties, the primary key among them. One not given takes its default; `null` leaves it absent.
        properties: NewProperties,
    },
    /// Replaces some properties of an object; refused when it does not exist.
    Modify {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its key.
        key: Key,
        /// The properties to replace; `null` makes one absent.
        properties: NewProperties,
        /// What must hold before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Replaces the properties given when the object exists, else creates it of them.
    Upsert {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its properties, the primary key and every required one among them.
        properties: NewProperties,
        /// What must hold before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Deletes an object by the on-delete rules of its links; refused when it does not exist.
    Delete {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its key.
        key: Key,
        /// What must hold before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Links two objects, or replaces the properties of the link that is there. A link held in a property replaces the one held before.
    Link {
        /// The link's type.
        #[serde(rename = "type")]
        link_type: String,
        /// The key at the source end.
        source: Key,
        /// The key at the target end.
        target: Key,
        /// The link's properties.
        #[serde(default, skip_serializing_if = "NewProperties::is_empty")]
        properties: NewProperties,
        /// What must hold before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Deletes a link; refused when it does not exist.
    Unlink {
        /// The link's type.
        #[serde(rename = "type")]
        link_type: String,
        /// The key at the source end.
        source: Key,
        /// The key at the target end.
        target: Key,
        /// What must hold before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
}

/// What must hold of an object or link before the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It exists at exactly this revision. A link held in a property has its holder's.
    At(Seq),
}

/// Values by property name, each given once, in the JSON form of the property's type.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct NewProperties(Map<String, Json>);

impl NewProperties {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Json)> {
        self.0.iter()
    }

    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Map<String, Json>> for NewProperties {
    fn from(values: Map<String, Json>) -> Self {
        Self(values)
    }
}

impl TryFrom<Json> for NewProperties {
    type Error = Error;

    /// # Errors
    /// `kernel.properties.malformed` for JSON that is not an object.
    fn try_from(json: Json) -> Result<Self> {
        match json {
            Json::Object(values) => Ok(Self(values)),
            _ => Err(Error::invalid("kernel.properties.malformed", "properties are a JSON object, values by name")),
        }
    }
}

impl<'de> Deserialize<'de> for NewProperties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NewPropertiesVisitor)
    }
}

struct NewPropertiesVisitor;

impl<'de> Visitor<'de> for NewPropertiesVisitor {
    type Value = NewProperties;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of values by property name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NewProperties, A::Error> {
        let mut values = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            if values.contains_key(&name) {
                return Err(de::Error::custom(format_args!("the property {name:?} is given twice")));
            }
            values.insert(name, value);
        }
        Ok(NewProperties(values))
    }
}

impl Edit {
    /// The object or link type it is about.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Create { object_type, .. }
            | Self::Modify { object_type, .. }
            | Self::Upsert { object_type, .. }
            | Self::Delete { object_type, .. } => object_type,
            Self::Link { link_type, .. } | Self::Unlink { link_type, .. } => link_type,
        }
    }

    /// The name of the edit in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Modify { .. } => "modify",
            Self::Upsert { .. } => "upsert",
            Self::Delete { .. } => "delete",
            Self::Link { .. } => "link",
            Self::Unlink { .. } => "unlink",
        }
    }
}

impl From<Edit> for Write {
    fn from(edit: Edit) -> Self {
        Self { edits: vec![edit], ..Self::default() }
    }
}

impl From<Vec<Edit>> for Write {
    fn from(edits: Vec<Edit>) -> Self {
        Self { edits, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_forms_read_and_print_alike() {
        let json = json!({
            "edits": [
                { "create": { "type": "Airport", "properties": { "iata": "SFO", "state": null } } },
                { "modify": { "type": "Airport", "key": "SFO", "properties": {}, "expect": { "at": 7 } } },
                { "upsert": { "type": "Airport", "properties": {}, "expect": "absent" } },
                { "delete": { "type": "City", "key": 7 } },
                { "link": { "type": "Route", "source": "SFO", "target": "JFK", "properties": { "flights": 1 } } },
                { "unlink": { "type": "Route", "source": "SFO", "target": "JFK" } }
            ],
            "id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "reason": "moved"
        });
        let write: Write = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&write).unwrap(), json);
        for (edit, name) in write.edits.iter().zip(["create", "modify", "upsert", "delete", "link", "unlink"]) {
            assert_eq!(edit.name(), name);
        }
    }

    #[test]
    fn doubled_and_unknown_members_are_refused() {
        for text in [
            r#"{"edits":[{"create":{"type":"A","properties":{"a":1,"a":2}}}]}"#,
            r#"{"edits":[{"create":{"type":"A","key":1,"properties":{}}}]}"#,
            r#"{"edits":[{"create":{"type":"A","properties":{}},"delete":{"type":"A","key":1}}]}"#,
            r#"{"edits":[{"delete":{"type":"A","key":1.5}}]}"#,
            r#"{"edits":[{"delete":{"type":"A","key":1,"expect":{"revision":1}}}]}"#,
            r#"{"edits":[],"dry_run":true}"#,
        ] {
            assert!(serde_json::from_str::<Write>(text).is_err(), "{text}");
        }
    }
}
