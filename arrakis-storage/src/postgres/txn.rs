//! A transaction of the database, as the rules of a commit see it: what they read is fetched for many commits at once, what they write is
//! kept in memory until the batch is judged, and then goes to the database in few statements.

use std::collections::HashMap;
use std::sync::Arc;

use super::access::Memory;
use super::catalog::Catalog;
use super::overlay::{Place, Rows, Slot, Sought, stored_link};
use super::session::Session;
use super::table::Publisher;
use super::value::{Binder, RowReader};
use super::{commit_log, ontology, scan, statement};
use crate::sql::{ReadRow, TableId, body_of, fits, missing_table, seq_value};
use arrakis_core::commit::{Publication, StoredLink, StoredRow, Txn, VisitLink, VisitObject};
use arrakis_core::ontology::{End, LinkType, ObjectType, Schema};
use arrakis_core::{
    Change, Commit, CommitId, Error, Key, LogEntry, Receipt, Result, Scope, Seq, SpaceId, Tenant, TenantId, Value,
};

/// An entry of the log on its way to the database.
#[derive(Debug)]
pub(super) struct LogRow {
    pub(super) entry: LogEntry,
    pub(super) body: String,
}

/// A point to fall back to.
struct Mark {
    undo: usize,
    log: usize,
}

/// A transaction of the database.
pub(super) struct PgTxn<'c> {
    pub(super) session: Session<'c>,
    pub(super) catalog: &'c Catalog,
    pub(super) memory: &'c mut Memory,
    pub(super) commits: &'c [Commit],
    /// How many of the commits were looked through for what they read.
    pub(super) looked_through: usize,
    /// Whether what is written goes to the database at each savepoint, which it knows of, as a change of tables or tenancy takes.
    pub(super) direct: bool,
    /// Whether the batch is whole or not at all: what is undone of it is undone with the transaction.
    pub(super) all: bool,
    pub(super) rows: HashMap<TableId, Rows>,
    undo: Vec<(TableId, Place, Slot)>,
    marks: Vec<Mark>,
    pub(super) log: Vec<LogRow>,
    pub(super) receipts: HashMap<CommitId, Option<(TenantId, Receipt)>>,
    /// Whether schemas or tables were changed.
    pub(super) changed_catalog: bool,
    /// What the database refused: the transaction is lost with it, and nothing it answers after that counts.
    pub(super) lost: Option<Error>,
}

impl<'c> PgTxn<'c> {
    pub(super) fn new(
        session: Session<'c>,
        catalog: &'c Catalog,
        memory: &'c mut Memory,
        commits: &'c [Commit],
    ) -> Self {
        Self {
            session,
            catalog,
            memory,
            commits,
            looked_through: 0,
            direct: is_structural(commits),
            all: false,
            rows: HashMap::new(),
            undo: Vec::new(),
            marks: Vec::new(),
            log: Vec::new(),
            receipts: HashMap::new(),
            changed_catalog: false,
            lost: None,
        }
    }

    /// What the database answers, or the end of the transaction.
    pub(super) fn kept<T>(&mut self, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer
            && self.lost.is_none()
        {
            self.lost = Some(error.duplicate());
        }
        answer
    }

    pub(super) fn check(&self) -> Result<()> {
        self.lost.as_ref().map_or(Ok(()), |error| Err(error.duplicate()))
    }

    fn write(&mut self, id: TableId, place: Place, new: Option<&[Value]>, seq: Seq) -> Result<()> {
        let rows = self.rows.get_mut(&id).ok_or_else(missing_table)?;
        let before = rows.write(&place, new, seq);
        self.undo.push((id, place, before));
        Ok(())
    }

    /// Sends what was written to the database, and forgets it.
    pub(super) fn settle(&mut self) -> Result<()> {
        let answer = super::flush::rows(self);
        self.kept(answer)?;
        self.rows.clear();
        self.undo.clear();
        Ok(())
    }
}

/// Whether commits change tables or tenancy.
pub(super) fn is_structural(commits: &[Commit]) -> bool {
    let is_structural = |change: &Change| matches!(change, Change::Tenancy(_) | Change::Publish(_));
    commits.iter().flat_map(|commit| &commit.changes).any(is_structural)
}

impl Txn for PgTxn<'_> {
    fn receipt(&mut self, commit: CommitId) -> Result<Option<(TenantId, Receipt)>> {
        self.check()?;
        if !self.receipts.contains_key(&commit) {
            super::prefetch::from(self, commit)?;
        }
        Ok(self.receipts.get(&commit).copied().flatten())
    }

    fn request(&mut self, tenant: TenantId, commit: Seq) -> Result<Option<Arc<str>>> {
        self.check()?;
        if let Some(row) = self.log.iter().find(|row| row.entry.seq == commit) {
            return Ok(row.entry.audit.request.clone());
        }
        let after = seq_value(Seq(commit.0.saturating_sub(1)));
        let bound = Binder::default().bind(tenant.uuid())?.bind(after)?.bind(1_i64)?.done();
        let answer = self.session.rows(statement::LOG_ENTRIES, bound);
        let rows = self.kept(answer)?;
        let entry = commit_log::page_of(&rows)?.entries.into_iter().find(|entry| entry.seq == commit);
        Ok(entry.and_then(|entry| entry.audit.request))
    }

    fn schema(&mut self, space: SpaceId) -> Result<Option<Arc<Schema>>> {
        if let Some(schema) = self.memory.schemas.get(&space) {
            return Ok(schema.clone());
        }
        self.check()?;
        let answer = ontology::current(&mut self.session, &self.catalog.schemas, space);
        let schema = self.kept(answer)?;
        self.memory.schemas.insert(space, schema.clone());
        Ok(schema)
    }

    fn tenant(&mut self, tenant: TenantId) -> Result<Option<Tenant>> {
        self.check()?;
        Ok(self.numbered(tenant)?.map(|(_, tenant)| tenant))
    }

    fn space_exists(&mut self, space: SpaceId, name: Option<&str>) -> Result<bool> {
        self.check()?;
        let bound = Binder::default().bind(space.uuid())?.bind(name)?.done();
        let answer = self.session.row(statement::SPACE_EXISTS, bound);
        let row = self.kept(answer)?;
        row.map_or(Ok(false), |row| Ok(RowReader::new(&row).integer()? != 0))
    }

    fn insert_space(&mut self, space: SpaceId, name: &str) -> Result<()> {
        let bound = Binder::default().bind(space.uuid())?.bind(name)?.done();
        let answer = self.session.execute(statement::SPACE_INSERT, bound);
        self.kept(answer).map(drop)
    }

    fn insert_tenant(&mut self, tenant: &Tenant) -> Result<bool> {
        let bound = Binder::default().bind(tenant.id.uuid())?.bind(&*tenant.name)?.bind(tenant.space.uuid())?.done();
        let answer = self.session.execute(statement::TENANT_INSERT, bound);
        self.kept(answer).map(|count| count == 1)
    }

    fn publish(&mut self, space: SpaceId, publication: &Publication, seq: Seq) -> Result<()> {
        let before = self.schema(space)?;
        let after = &publication.schema;
        self.settle()?;
        let answer = ontology::insert_schema(&mut self.session, space, after, seq).and_then(|()| {
            Publisher::new(&mut self.session, space, (before.as_deref(), after), seq).and_then(Publisher::run)
        });
        self.kept(answer)?;
        self.changed_catalog = true;
        self.memory.spaces.remove(&space);
        self.memory.texts.retain(|id, _| id.space != space);
        self.memory.schemas.insert(space, Some(Arc::clone(after)));
        Ok(())
    }

    fn object(&mut self, scope: Scope, object_type: &ObjectType, key: &Key) -> Result<Option<StoredRow>> {
        let tenant = self.number(scope.tenant)?;
        if !fits(object_type, key) {
            return Ok(None);
        }
        let id = TableId::of_object(scope.space, object_type);
        let row = self.row(id, &Place::object(tenant, key), &object_type.properties)?;
        Ok(row.map(|row| (*row).clone()))
    }

    fn insert_object(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        key: &Key,
        values: &[Value],
        seq: Seq,
    ) -> Result<bool> {
        let tenant = self.number(scope.tenant)?;
        let (id, place) = (TableId::of_object(scope.space, object_type), Place::object(tenant, key));
        if self.row(id, &place, &object_type.properties)?.is_some() {
            return Ok(false);
        }
        self.write(id, place, Some(values), seq)?;
        Ok(true)
    }

    fn replace_object(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        key: &Key,
        (_, new): (&StoredRow, Option<&[Value]>),
        seq: Seq,
    ) -> Result<()> {
        let tenant = self.number(scope.tenant)?;
        let (id, place) = (TableId::of_object(scope.space, object_type), Place::object(tenant, key));
        self.row(id, &place, &object_type.properties)?;
        self.write(id, place, new, seq)
    }

    fn keys_with(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        property: usize,
        value: &Value,
        limit: usize,
    ) -> Result<Vec<Key>> {
        self.check()?;
        let tenant = self.number(scope.tenant)?;
        let Some(of) = object_type.properties.get(property) else { return Ok(Vec::new()) };
        if property == object_type.primary_key {
            let key = Key::from_value(value);
            let held = key.map(|key| Ok(self.object(scope, object_type, &key)?.map(|_| key))).transpose()?.flatten();
            return Ok(held.into_iter().take(limit).collect());
        }
        let id = TableId::of_object(scope.space, object_type);
        self.known(id, &object_type.properties)?;
        let sought = Sought::value(tenant, of, value);
        self.find(id, &sought, limit, &scan::Lookup::Value { tenant, property, value })?;
        let rows = self.rows.get(&id).ok_or_else(missing_table)?;
        let holds = |_: &Place, row: &StoredRow| row.values.get(property) == Some(value);
        Ok(rows.places(&sought, holds).into_iter().take(limit).map(|place| place.first.clone()).collect())
    }

    fn link(&mut self, scope: Scope, link_type: &LinkType, source: &Key, target: &Key) -> Result<Option<StoredLink>> {
        let tenant = self.number(scope.tenant)?;
        let (id, place) = (TableId::of_link(scope.space, link_type), Place::link(tenant, source, target));
        let row = self.row(id, &place, &link_type.properties)?;
        Ok(row.map(|row| stored_link(&place, &row)))
    }

    fn links_of(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        end: End,
        key: &Key,
        limit: usize,
    ) -> Result<Vec<StoredLink>> {
        self.check()?;
        let tenant = self.number(scope.tenant)?;
        let id = TableId::of_link(scope.space, link_type);
        self.known(id, &link_type.properties)?;
        let sought = Sought::end(tenant, end, key);
        self.find(id, &sought, limit, &scan::Lookup::End { tenant, end, key })?;
        let rows = self.rows.get(&id).ok_or_else(missing_table)?;
        let mut places: Vec<&Place> = rows.places(&sought, |_, _| true);
        places.sort_by_key(|place| place.at(end.far()));
        let link = |place: &Place| Some(stored_link(place, rows.slots.get(place)?.now.as_ref()?));
        Ok(places.into_iter().take(limit).filter_map(link).collect())
    }

    fn write_link(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        (source, target): (&Key, &Key),
        (_, new): (Option<&StoredLink>, Option<&[Value]>),
        seq: Seq,
    ) -> Result<()> {
        let tenant = self.number(scope.tenant)?;
        let (id, place) = (TableId::of_link(scope.space, link_type), Place::link(tenant, source, target));
        self.row(id, &place, &link_type.properties)?;
        self.write(id, place, new, seq)
    }

    fn scan_objects(&mut self, space: SpaceId, object_type: &ObjectType, visit: &mut VisitObject<'_>) -> Result<()> {
        self.settle()?;
        scan::objects(self, space, object_type, visit)
    }

    fn scan_links(&mut self, space: SpaceId, link_type: &LinkType, visit: &mut VisitLink<'_>) -> Result<()> {
        self.settle()?;
        scan::links(self, space, link_type, visit)
    }

    fn append(&mut self, entry: &LogEntry) -> Result<()> {
        self.check()?;
        let body = body_of(entry)?;
        let receipt = Receipt { commit: entry.commit, seq: entry.seq, replayed: false };
        self.receipts.insert(entry.commit, Some((entry.tenant, receipt)));
        self.log.push(LogRow { entry: entry.clone(), body });
        Ok(())
    }

    fn savepoint(&mut self) -> Result<()> {
        self.check()?;
        if self.direct {
            self.settle()?;
            let answer = self.session.run(statement::SAVEPOINT);
            self.kept(answer)?;
        } else if self.marks.len() <= usize::from(self.all) && super::flush::is_due(self) {
            self.settle()?;
        }
        self.marks.push(Mark { undo: self.undo.len(), log: self.log.len() });
        Ok(())
    }

    fn release(&mut self, keep: bool) -> Result<()> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| Error::internal("store.savepoint.absent", "there is no savepoint to release"))?;
        if !keep {
            for row in self.log.split_off(mark.log.min(self.log.len())) {
                self.receipts.insert(row.entry.commit, None);
            }
            for (id, place, slot) in self.undo.split_off(mark.undo.min(self.undo.len())).into_iter().rev() {
                if let Some(rows) = self.rows.get_mut(&id) {
                    rows.slots.insert(place, slot);
                }
            }
        }
        if self.direct && self.lost.is_none() {
            let answer = self.release_direct(keep);
            self.kept(answer)?;
        }
        Ok(())
    }
}

impl PgTxn<'_> {
    fn release_direct(&mut self, keep: bool) -> Result<()> {
        if keep {
            super::flush::rows(self)?;
        } else {
            *self.memory = Memory::default();
            self.session.run(statement::SAVEPOINT_ROLLBACK)?;
            // A column that was undone may come back with another type, which statements made for it do not survive.
            self.session.forget_statements()?;
        }
        self.rows.clear();
        self.undo.clear();
        self.session.run(statement::SAVEPOINT_RELEASE)
    }
}
