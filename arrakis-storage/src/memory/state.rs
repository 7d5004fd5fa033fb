//! What the store holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrakis_core::commit::{StoredLink, StoredRow};
use arrakis_core::ontology::{Property, Schema};
use arrakis_core::{
    CommitId, Key, LinkTypeId, LogEntry, ObjectTypeId, Seq, SpaceId, Tenant, TenantId, Timestamp, Value,
};

/// The objects of one type of one tenant.
pub(super) type ObjectTable = BTreeMap<Key, Versions>;
/// The links of one join-table backed type of one tenant, by source and target.
pub(super) type LinkTable = BTreeMap<(Key, Key), Versions>;

/// Everything, with every version of it.
#[derive(Default)]
pub(super) struct State {
    pub(super) spaces: BTreeMap<SpaceId, Space>,
    pub(super) tenants: BTreeMap<TenantId, Tenant>,
    /// The entry of seq `n` is at `n − 1`.
    pub(super) log: Vec<LogEntry>,
    pub(super) commits: HashMap<CommitId, Seq>,
    pub(super) objects: BTreeMap<(SpaceId, ObjectTypeId, TenantId), ObjectTable>,
    pub(super) links: BTreeMap<(SpaceId, LinkTypeId, TenantId), LinkTable>,
}

/// A space and the schemas published in it, oldest first.
pub(super) struct Space {
    pub(super) name: Arc<str>,
    pub(super) published: Vec<(Arc<Schema>, Seq)>,
}

/// The versions of one row, oldest first. Only the last one may be current.
#[derive(Clone, Default)]
pub(super) struct Versions(Vec<RowVersion>);

/// A row from one commit on, until another.
#[derive(Clone)]
pub(super) struct RowVersion {
    pub(super) from: Seq,
    pub(super) to: Option<Seq>,
    /// Values by column, so that any schema's properties find theirs.
    columns: Arc<BTreeMap<u32, Value>>,
}

impl State {
    pub(super) fn head(&self) -> Seq {
        Seq(u64::try_from(self.log.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn last_at(&self) -> Timestamp {
        self.log.last().map_or_else(|| Timestamp::from_micros_saturating(i64::MIN), |entry| entry.at)
    }

    pub(super) fn entry(&self, seq: Seq) -> Option<&LogEntry> {
        let index = seq.0.checked_sub(1).and_then(|index| usize::try_from(index).ok())?;
        self.log.get(index)
    }

    /// The schema in force right after the commit at `seq`, and the commit that published it.
    pub(super) fn published_at(&self, space: SpaceId, seq: Seq) -> Option<&(Arc<Schema>, Seq)> {
        self.spaces.get(&space)?.published.iter().rev().find(|(_, published)| *published <= seq)
    }
}

impl Versions {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, RowVersion> {
        self.0.iter()
    }

    /// The version right after the commit at `at`; the current one for `None`.
    pub(super) fn at(&self, at: Option<Seq>) -> Option<&RowVersion> {
        match at {
            None => self.0.last().filter(|version| version.to.is_none()),
            Some(at) => self.0.iter().find(|version| version.from <= at && version.to.is_none_or(|to| at < to)),
        }
    }

    /// Starts a version at `seq`.
    pub(super) fn start(&mut self, seq: Seq, properties: &[Property], values: &[Value]) {
        let columns = properties.iter().zip(values).map(|(property, value)| (property.column, value.clone())).collect();
        self.0.push(RowVersion { from: seq, to: None, columns: Arc::new(columns) });
    }

    /// Ends the current version at `seq`. One started at `seq` was never visible and goes without a trace.
    pub(super) fn end(&mut self, seq: Seq) {
        match self.0.last_mut() {
            Some(last) if last.to.is_none() && last.from == seq => {
                self.0.pop();
            }
            Some(last) if last.to.is_none() => last.to = Some(seq),
            _ => {}
        }
    }
}

impl RowVersion {
    /// The values of these properties; absent for a column the row never had.
    pub(super) fn values(&self, properties: &[Property]) -> Vec<Value> {
        properties.iter().map(|property| self.columns.get(&property.column).cloned().unwrap_or_default()).collect()
    }

    pub(super) fn row(&self, properties: &[Property]) -> StoredRow {
        StoredRow { revision: self.from, values: self.values(properties) }
    }

    pub(super) fn link(&self, (source, target): (&Key, &Key), properties: &[Property]) -> StoredLink {
        StoredLink {
            source: source.clone(),
            target: target.clone(),
            revision: self.from,
            values: self.values(properties),
        }
    }
}
