//! What commits are going to read, read for many of them at once. What is not foreseen is read when it is asked for.

use std::collections::{HashMap, HashSet};

use arrakis_core::commit::{Change, LinkChange, LinkOp, ObjectChange, ObjectOp, ObjectRef, Precondition, Receipt, Txn};
use arrakis_core::ontology::{Backing, Cardinality, End, LinkType, ObjectType, Schema};
use arrakis_core::{Commit, CommitId, Key, Result, TenantId, Value};

use super::cell::Cells;
use super::overlay::{Place, Sought};
use super::scan::{self, Lookup};
use super::statement;
use super::txn::PgTxn;
use super::value::{Binder, RowReader};
use crate::sql::{ReadRow, TableId, fits};

/// The most changes looked through at a time: what they read is kept in memory.
const CHANGES_MAX: usize = 10_000;
/// Rows of each thing that is looked up, which tells whether there is none, one or more.
const LOOKED_UP_MAX: usize = 2;

/// Looks through the commits from one on.
pub(super) fn from(txn: &mut PgTxn<'_>, commit: CommitId) -> Result<()> {
    let rest = txn.commits.get(txn.looked_through..).unwrap_or_default();
    let Some(first) = rest.iter().position(|each| each.id == commit) else {
        return receipts(txn, [commit]);
    };
    let mut changes = 0;
    let few = |each: &&Commit| {
        let is_within = changes == 0 || changes + each.changes.len() <= CHANGES_MAX;
        changes += each.changes.len();
        is_within
    };
    let window: Vec<&Commit> = rest.iter().skip(first).take_while(few).collect();
    txn.looked_through += first + window.len();
    receipts(txn, window.iter().map(|each| each.id))?;
    let mut wanted = Wanted::default();
    for commit in window {
        if txn.receipts.get(&commit.id).copied().flatten().is_none() {
            wanted.look_through(txn, commit)?;
        }
    }
    wanted.read(txn)
}

/// Reads the receipts of commits that are not known yet.
pub(super) fn receipts(txn: &mut PgTxn<'_>, commits: impl IntoIterator<Item = CommitId>) -> Result<()> {
    let unknown: Vec<_> = commits.into_iter().filter(|commit| !txn.receipts.contains_key(commit)).collect();
    let ids = Cells::uuids(unknown.iter().map(|commit| commit.uuid()));
    let answer = txn.session.rows(statement::LOG_COMMITS, Binder::default().bind(ids)?.done());
    let rows = txn.kept(answer)?;
    txn.receipts.extend(unknown.into_iter().map(|commit| (commit, None)));
    for row in &rows {
        let mut row = RowReader::new(row);
        let (commit, seq) = (CommitId::from_uuid(row.uuid()?), row.seq()?);
        let receipt = Receipt { commit, seq, replayed: false };
        txn.receipts.insert(commit, Some((TenantId::from_uuid(row.uuid()?), receipt)));
    }
    Ok(())
}

/// What is looked up, and how it is asked for.
enum By<'c> {
    Property(usize, Value),
    End(End, &'c Key),
}

/// What commits read, by table.
#[derive(Default)]
struct Wanted<'c> {
    rows: HashMap<TableId, HashSet<Place>>,
    lookups: HashMap<(TableId, u32), HashMap<Sought, (i64, By<'c>)>>,
}

impl<'c> Wanted<'c> {
    fn look_through(&mut self, txn: &mut PgTxn<'_>, commit: &'c Commit) -> Result<()> {
        let space = commit.scope.space;
        // Decided under a version that is no longer in force, it is refused before it reads anything.
        let Some(schema) = txn.schema(space)?.filter(|schema| commit.schema_version == Some(schema.version)) else {
            return Ok(());
        };
        let Some((tenant, _)) = txn.numbered(commit.scope.tenant)? else { return Ok(()) };
        let mut reader = Reader { wanted: self, txn, schema: &schema, space, tenant };
        commit.preconditions.iter().try_for_each(|precondition| reader.precondition(precondition))?;
        commit.changes.iter().try_for_each(|change| match change {
            Change::Object(change) => reader.object(change),
            Change::Link(change) => reader.link(change),
            Change::Tenancy(_) | Change::Publish(_) => Ok(()),
        })
    }

    fn read(self, txn: &mut PgTxn<'_>) -> Result<()> {
        for (id, places) in self.rows {
            let Some(rows) = txn.rows.get(&id) else { continue };
            let mut places: Vec<_> = places.into_iter().filter(|place| !rows.slots.contains_key(place)).collect();
            places.sort();
            if !places.is_empty() {
                txn.fetch(id, &places)?;
            }
        }
        for ((id, _), sought) in self.lookups {
            let (sought, asked): (Vec<_>, Vec<_>) = sought.into_iter().unzip();
            let lookups: Vec<_> = asked
                .iter()
                .map(|(tenant, by)| match by {
                    By::Property(property, value) => Lookup::Value { tenant: *tenant, property: *property, value },
                    By::End(end, key) => Lookup::End { tenant: *tenant, end: *end, key },
                })
                .collect();
            let found = scan::look_up_all(txn, id, &lookups, LOOKED_UP_MAX)?;
            for (sought, found) in sought.into_iter().zip(found) {
                txn.remember(id, sought, found);
            }
        }
        Ok(())
    }
}

/// Notes what one commit reads.
struct Reader<'w, 'c, 't, 's> {
    wanted: &'w mut Wanted<'c>,
    txn: &'w mut PgTxn<'t>,
    schema: &'s Schema,
    space: arrakis_core::SpaceId,
    tenant: i64,
}

impl<'c> Reader<'_, 'c, '_, '_> {
    fn row_of(&mut self, object_type: &ObjectType, key: &Key) -> Result<()> {
        if !fits(object_type, key) {
            return Ok(());
        }
        let id = TableId::of_object(self.space, object_type);
        self.txn.known(id, &object_type.properties)?;
        self.wanted.rows.entry(id).or_default().insert(Place::object(self.tenant, key));
        Ok(())
    }

    fn link_row(&mut self, link_type: &LinkType, source: &Key, target: &Key) -> Result<()> {
        let id = TableId::of_link(self.space, link_type);
        self.txn.known(id, &link_type.properties)?;
        self.wanted.rows.entry(id).or_default().insert(Place::link(self.tenant, source, target));
        Ok(())
    }

    fn holders(&mut self, object_type: &ObjectType, property: usize, value: Value) -> Result<()> {
        let Some(of) = object_type.properties.get(property).filter(|_| !value.is_null()) else { return Ok(()) };
        if property == object_type.primary_key {
            return Key::from_value(&value).map_or(Ok(()), |key| self.row_of(object_type, &key));
        }
        let id = TableId::of_object(self.space, object_type);
        self.txn.known(id, &object_type.properties)?;
        let sought = Sought::value(self.tenant, of, &value);
        let by = (self.tenant, By::Property(property, value));
        self.wanted.lookups.entry((id, of.column)).or_default().insert(sought, by);
        Ok(())
    }

    fn links_at(&mut self, link_type: &LinkType, end: End, key: &'c Key) -> Result<()> {
        let id = TableId::of_link(self.space, link_type);
        self.txn.known(id, &link_type.properties)?;
        let sought = Sought::end(self.tenant, end, key);
        let number = u32::from(end == End::Target);
        self.wanted.lookups.entry((id, number)).or_default().insert(sought, (self.tenant, By::End(end, key)));
        Ok(())
    }

    fn precondition(&mut self, precondition: &'c Precondition) -> Result<()> {
        match precondition {
            Precondition::Absent(ObjectRef { object_type, key })
            | Precondition::At(ObjectRef { object_type, key }, _)
            | Precondition::Holds(ObjectRef { object_type, key }, ..) => self.row_of(object_type, key),
            Precondition::Unique(object_type, property, value) => self.holders(object_type, *property, value.clone()),
            Precondition::LinkAt(link, _) | Precondition::LinkAbsent(link) => {
                self.link_row(&link.link_type, &link.source, &link.target)
            }
        }
    }

    fn object(&mut self, change: &'c ObjectChange) -> Result<()> {
        let ObjectRef { object_type, key } = &change.object;
        self.row_of(object_type, key)?;
        match &change.op {
            ObjectOp::Create { row } => self.written(object_type, row.iter().enumerate()),
            ObjectOp::Modify { set } => self.written(object_type, set.iter().map(|(index, value)| (*index, value))),
            ObjectOp::Upsert { row, set } => {
                self.written(object_type, row.iter().enumerate())?;
                self.written(object_type, set.iter().map(|(index, value)| (*index, value)))
            }
            ObjectOp::Delete => self.deleted(object_type, key),
        }
    }

    fn written<'v>(
        &mut self,
        object_type: &ObjectType,
        values: impl Iterator<Item = (usize, &'v Value)>,
    ) -> Result<()> {
        let schema = self.schema;
        for (property, value) in values {
            let is_unique =
                |index: &arrakis_core::ontology::Index| index.unique && index.properties.first() == Some(&property);
            if object_type.indexes.iter().any(is_unique) {
                self.holders(object_type, property, value.clone())?;
            }
            let Some(key) = Key::from_value(value) else { continue };
            for side in &object_type.sides {
                let Some(link_type) = schema.link_type_by_id(side.link_type) else { continue };
                let Backing::ForeignKey { holder, property: held } = link_type.backing else { continue };
                if holder != side.end || held != property {
                    continue;
                }
                let far = link_type.side(holder.far());
                if let Some(referenced) = schema.object_type_by_id(far.object_type) {
                    self.row_of(referenced, &key)?;
                }
                if far.cardinality == Cardinality::One {
                    self.holders(object_type, property, value.clone())?;
                }
            }
        }
        Ok(())
    }

    fn deleted(&mut self, object_type: &ObjectType, key: &'c Key) -> Result<()> {
        let schema = self.schema;
        for side in &object_type.sides {
            let Some(link_type) = schema.link_type_by_id(side.link_type) else { continue };
            match link_type.backing {
                Backing::ForeignKey { holder, .. } if holder == side.end => {}
                Backing::ForeignKey { holder, property } => {
                    if let Some(of) = schema.object_type_by_id(link_type.side(holder).object_type) {
                        self.holders(of, property, key.to_value())?;
                    }
                }
                Backing::Join => self.links_at(link_type, side.end, key)?,
            }
        }
        Ok(())
    }

    fn link(&mut self, change: &'c LinkChange) -> Result<()> {
        let (link, schema) = (&change.link, self.schema);
        self.link_row(&link.link_type, &link.source, &link.target)?;
        if matches!(change.op, LinkOp::Delete) {
            return Ok(());
        }
        for (end, key) in [(End::Source, &link.source), (End::Target, &link.target)] {
            let side = link.link_type.side(end);
            if let Some(object_type) = schema.object_type_by_id(side.object_type) {
                self.row_of(object_type, key)?;
            }
            if side.cardinality == Cardinality::One {
                self.links_at(&link.link_type, end, key)?;
            }
        }
        Ok(())
    }
}
