//! What a store holds besides its log and its rows.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::CellKind;
use crate::ontology::SchemaHash;
use crate::{LinkTypeId, ObjectTypeId, Seq, SpaceId, Tenant, Timestamp};

/// What a store holds besides its log, its rows and the texts of its schemas, as of one snapshot.
#[derive(Clone, PartialEq)]
pub struct Outline {
    /// The newest commit.
    pub head: Seq,
    /// The instant of the newest commit, or of the beginning of time.
    pub at: Timestamp,
    /// What the store's cursors are authenticated with: carried, so that cursors handed out stay valid.
    pub cursor_key: [u8; 32],
    /// The spaces, by id.
    pub spaces: Vec<Space>,
    /// The tenants, by id.
    pub tenants: Vec<Tenant>,
    /// The published versions, by space and version.
    pub schemas: Vec<SchemaOutline>,
    /// The tables of objects and links, by space and type.
    pub tables: Vec<TableOutline>,
    /// Where readers of the log are, by name. Leases are not carried: who holds one holds it on the store it asked.
    pub cursors: Vec<CursorPlace>,
}

impl fmt::Debug for Outline {
    /// The cursor key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Outline");
        debug.field("head", &self.head).field("at", &self.at).field("spaces", &self.spaces);
        debug.field("tenants", &self.tenants).field("schemas", &self.schemas).field("tables", &self.tables);
        debug.field("cursors", &self.cursors).finish_non_exhaustive()
    }
}

/// A space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Its id.
    pub id: SpaceId,
    /// Its name.
    pub name: Arc<str>,
}

/// A published version, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaOutline {
    /// Its space.
    pub space: SpaceId,
    /// Its number in its space, from 1.
    pub version: u32,
    /// The hash of its definition.
    pub hash: SchemaHash,
    /// The commit that published it.
    pub seq: Seq,
}

/// How far a reader of the log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorPlace {
    /// Its name.
    pub name: Arc<str>,
    /// The newest entry that needs no telling any more.
    pub at: Seq,
    /// How often it was leased: a later lease has a higher one on the new store, too.
    pub epoch: u64,
}

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowsOf {
    /// Objects of a type.
    Objects(ObjectTypeId),
    /// Links of a join-table backed type.
    Links(LinkTypeId),
}

impl fmt::Display for RowsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Objects(id) => write!(f, "objects/{}", id.0),
            Self::Links(id) => write!(f, "links/{}", id.0),
        }
    }
}

impl Serialize for RowsOf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A table of objects or links of all tenants of a space, columns of properties that are gone included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOutline {
    /// Its space.
    pub space: SpaceId,
    /// What its rows are.
    pub of: RowsOf,
    /// What its keys are: one for objects, the source's and the target's for links.
    pub keys: Vec<CellKind>,
    /// Its columns, those of the keys aside, in the order of a [`super::Row`]'s cells.
    pub columns: Vec<Column>,
}

/// A column as every store has it: columns are numbered once and for all in the type they belong to, and never change what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column {
    /// Its number, as [`crate::ontology::Property::column`].
    pub number: u32,
    /// Whether it is the second of two: the longitude of a geopoint.
    pub is_second: bool,
    /// What it holds.
    pub kind: CellKind,
}
