//! What the store holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrakis_core::commit::{StoredLink, StoredRow};
use arrakis_core::ontology::{End, Property, Schema};
use arrakis_core::{
    CommitId, Key, LinkTypeId, LogEntry, ObjectTypeId, Ranked, Seq, SpaceId, Tenant, TenantId, Timestamp, Value,
};

/// The objects of one type of one tenant.
#[derive(Default)]
pub(super) struct ObjectTable {
    rows: BTreeMap<Key, Versions>,
    /// Who holds which value in which column now.
    holders: BTreeMap<(u32, Ranked), BTreeSet<Key>>,
}

/// The links of one join-table backed type of one tenant, by source and target.
#[derive(Default)]
pub(super) struct LinkTable {
    rows: BTreeMap<(Key, Key), Versions>,
    /// The ends of every row the other way round: target and source.
    by_target: BTreeSet<(Key, Key)>,
}

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

impl ObjectTable {
    pub(super) fn get(&self, key: &Key) -> Option<&Versions> {
        self.rows.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Versions)> {
        self.rows.iter()
    }

    /// Replaces the versions of a row and gives those that were.
    pub(super) fn set(&mut self, key: &Key, versions: Versions) -> Versions {
        let after = versions.at(None).map(|version| Arc::clone(&version.columns));
        let before = self.rows.insert(key.clone(), versions).unwrap_or_default();
        for (column, value) in before.at(None).iter().flat_map(|version| version.columns.iter()) {
            if let Some(keys) = self.holders.get_mut(&(*column, Ranked(value.clone()))) {
                keys.remove(key);
            }
        }
        for (column, value) in after.iter().flat_map(|columns| columns.iter()) {
            if !value.is_null() {
                self.holders.entry((*column, Ranked(value.clone()))).or_default().insert(key.clone());
            }
        }
        before
    }

    /// Who holds a present value in a column now, in the order of the keys.
    pub(super) fn holders(&self, column: u32, value: &Value) -> impl Iterator<Item = &Key> {
        self.holders.get(&(column, Ranked(value.clone()))).into_iter().flatten()
    }
}

impl LinkTable {
    pub(super) fn get(&self, ends: &(Key, Key)) -> Option<&Versions> {
        self.rows.get(ends)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&(Key, Key), &Versions)> {
        self.rows.iter()
    }

    /// Replaces the versions of a row and gives those that were.
    pub(super) fn set(&mut self, ends: &(Key, Key), versions: Versions) -> Versions {
        self.by_target.insert((ends.1.clone(), ends.0.clone()));
        self.rows.insert(ends.clone(), versions).unwrap_or_default()
    }

    /// The rows with a key at one end, in the order of the key at the other.
    pub(super) fn at_end(&self, end: End, key: &Key) -> impl Iterator<Item = (&(Key, Key), &Versions)> {
        let first = (key.clone(), Key::Integer(i64::MIN));
        let at_end = |ends: &&(Key, Key)| ends.0 == *key;
        let ends: Vec<_> = match end {
            End::Source => self.rows.range(&first..).map(|(ends, _)| ends).take_while(at_end).cloned().collect(),
            End::Target => {
                let targets = self.by_target.range(&first..).take_while(at_end);
                targets.map(|(target, source)| (source.clone(), target.clone())).collect()
            }
        };
        ends.into_iter().filter_map(|ends| self.rows.get_key_value(&ends))
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
