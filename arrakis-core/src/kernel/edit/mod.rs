//! Edits of objects and links: what callers ask, and the commit it becomes.

mod decide;
mod row;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub(super) use self::decide::decide;
pub(super) use self::row::{Columns, RowReader};
use crate::{CommitId, Key, Receipt, Seq};

/// A write: all of its edits happen, in order and in one commit, or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// What changes, at most [`crate::commit::COMMIT_CHANGES_MAX`].
    pub edits: Vec<Edit>,
    /// The idempotency key: the same id again answers the first receipt and changes nothing. Fresh when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CommitId>,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One edit. Properties are given by name in their JSON form; `null` makes a property absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Creates an object; defaults fill what is left out. `AlreadyExists` when it is there.
    Create {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its properties, the primary key among them.
        properties: Map<String, Json>,
    },
    /// Replaces some properties of an object; `NotFound` when it is absent.
    Modify {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its key.
        key: Key,
        /// The properties that change.
        properties: Map<String, Json>,
        /// What the caller takes for granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Creates an object, or replaces the properties given when it is there. States enough to create it.
    Upsert {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its properties, the primary key among them.
        properties: Map<String, Json>,
        /// What the caller takes for granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Deletes an object by the on-delete rules of its links; `NotFound` when it is absent.
    Delete {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its key.
        key: Key,
        /// What the caller takes for granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Links two objects, or replaces the properties of their link. A foreign key is set at its holder.
    Link {
        /// The link type.
        #[serde(rename = "type")]
        link_type: String,
        /// The key at the source end.
        source: Key,
        /// The key at the target end.
        target: Key,
        /// The link's properties.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        properties: Map<String, Json>,
        /// What the caller takes for granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
    /// Removes the link of two objects; refused when they are not linked.
    Unlink {
        /// The link type.
        #[serde(rename = "type")]
        link_type: String,
        /// The key at the source end.
        source: Key,
        /// The key at the target end.
        target: Key,
        /// What the caller takes for granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Expect>,
    },
}

/// What a caller takes for granted about the object or link it edits. All of it is judged before the first edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It is at exactly this revision. For a foreign key, its holder is.
    At(Seq),
}

/// What a write became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Proof that it is applied. `seq` is the revision of every object and link it changed.
    pub receipt: Receipt,
}
