//! A transaction of the file, as the rules of a commit see it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrakis_core::commit::{Publication, StoredLink, StoredRow, Txn, VisitLink, VisitObject};
use arrakis_core::ontology::{End, LinkType, ObjectType, Property, Schema};
use arrakis_core::{
    Commit, CommitId, Error, Key, LogEntry, Receipt, Result, Scope, Seq, SpaceId, Tenant, TenantId, Value,
};
use rusqlite::Connection;
use uuid::Uuid;

use super::access::{Access, Memory, prepared};
use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::index::Deferred;
use super::reading::run_static;
use super::row::bind_row;
use super::table::{self, Publisher, TableText};
use super::value::{Binder, RowReader};
use super::{commit_log, creation, index, ontology, statement};
use crate::sql::{self, Columns, IndexDefinition, ReadRow, Schemas, TableId, read_link, read_row, seq_value};

/// A transaction of the file.
pub(super) struct SqliteTxn<'c> {
    connection: &'c Connection,
    memory: &'c mut Memory,
    /// Versions that are committed, compiled.
    schemas: &'c Schemas,
    tables: HashMap<TableId, Access<'c>>,
    deferred: Deferred,
    /// Whether what is remembered may be of writes that can still be undone.
    remembers_writes: bool,
    /// Whether tables were made or changed.
    changed_tables: bool,
}

impl<'c> SqliteTxn<'c> {
    pub(super) fn new(connection: &'c Connection, memory: &'c mut Memory, schemas: &'c Schemas) -> Self {
        Self {
            connection,
            memory,
            schemas,
            tables: HashMap::new(),
            deferred: Deferred::default(),
            remembers_writes: false,
            changed_tables: false,
        }
    }

    /// Has the indexes of the empty tables that a batch fills built at the end. The batch begins at `seq`.
    pub(super) fn defer_indexes(&mut self, commits: &[Commit], seq: Seq) -> Result<()> {
        let filled = index::filled(commits)?;
        for (id, _) in &filled {
            self.make(*id, seq)?;
        }
        self.deferred = Deferred::of_tables(self.connection, filled)?;
        self.changed_tables |= !self.deferred.is_empty();
        Ok(())
    }

    /// Does what was left for the end; answers whether tables were made or changed.
    pub(super) fn finish(mut self) -> Result<bool> {
        self.tables.clear();
        self.deferred.build_all(self.connection)?;
        Ok(self.changed_tables)
    }

    /// The statements on the objects of a type, whose table is made where there is none.
    fn objects(&mut self, space: SpaceId, object_type: &ObjectType, seq: Seq) -> Result<&mut Access<'c>> {
        self.make(TableId::of_object(space, object_type), seq)?;
        self.found_objects(space, object_type)?.ok_or_else(sql::missing_table)
    }

    /// The statements on the objects of a type; `None` when nothing was ever written to it, so that it has none.
    fn found_objects(&mut self, space: SpaceId, object_type: &ObjectType) -> Result<Option<&mut Access<'c>>> {
        let columns = Columns::of_object(object_type);
        self.access(TableId::of_object(space, object_type), &object_type.properties, columns)
    }

    fn links(&mut self, space: SpaceId, link_type: &LinkType, seq: Seq) -> Result<&mut Access<'c>> {
        self.make(TableId::of_link(space, link_type), seq)?;
        self.found_links(space, link_type)?.ok_or_else(sql::missing_table)
    }

    fn found_links(&mut self, space: SpaceId, link_type: &LinkType) -> Result<Option<&mut Access<'c>>> {
        self.access(TableId::of_link(space, link_type), &link_type.properties, Columns::of_link(link_type))
    }

    /// Makes a table where there is none.
    fn make(&mut self, id: TableId, seq: Seq) -> Result<()> {
        let known = self.tables.contains_key(&id) || self.memory.texts.contains_key(&id);
        if known || table::find(self.connection, id)?.is_some() {
            return Ok(());
        }
        let Some(schema) = self.schema(id.space)? else { return Ok(()) };
        self.remembers_writes = true;
        self.changed_tables = true;
        creation::make(self.connection, id, &schema, seq)
    }

    fn access(
        &mut self,
        id: TableId,
        properties: &[Property],
        columns: Columns<'_>,
    ) -> Result<Option<&mut Access<'c>>> {
        let ready = self.tables.get(&id).is_some_and(|access| access.text.fits(properties));
        if !ready {
            let Some(text) = self.text(id, properties, columns)? else { return Ok(None) };
            self.tables.insert(id, Access::new(text));
        }
        Ok(self.tables.get_mut(&id))
    }

    fn text(&mut self, id: TableId, properties: &[Property], columns: Columns<'_>) -> Result<Option<Arc<TableText>>> {
        if let Some(known) = self.memory.texts.get(&id).filter(|text| text.fits(properties)) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(found) = table::find(self.connection, id)? else { return Ok(None) };
        let text = Arc::new(TableText::new(self.connection, id.kind, found, (properties, columns))?);
        self.memory.texts.insert(id, Arc::clone(&text));
        Ok(Some(text))
    }

    /// Makes sure that a table has one for its superseded versions.
    fn keep_superseded(
        &mut self,
        id: TableId,
        (properties, columns): (&[Property], Columns<'_>),
        indexes: impl FnOnce() -> Result<Vec<IndexDefinition>>,
        seq: Seq,
    ) -> Result<()> {
        let found = self.access(id, properties, columns)?.ok_or_else(sql::missing_table)?.text.found.clone();
        if found.table.superseded {
            return Ok(());
        }
        table::keep_superseded(self.connection, &found, &indexes()?, seq)?;
        self.memory.texts.remove(&id);
        self.tables.remove(&id);
        self.remembers_writes = true;
        self.changed_tables = true;
        Ok(())
    }

    /// The number of a tenant in keys.
    fn number(&mut self, tenant: TenantId) -> Result<i64> {
        if !self.memory.tenants.contains_key(&tenant) {
            self.tenant(tenant)?;
        }
        let known = self.memory.tenants.get(&tenant);
        known
            .map(|(number, _)| *number)
            .ok_or_else(|| Error::not_found("tenancy.tenant.unknown", "there is no such tenant in this space"))
    }

    fn tenants_of(&self, space: SpaceId) -> Result<Vec<(i64, TenantId)>> {
        let mut tenants = self.connection.prepare_cached(statement::TENANTS_OF_SPACE).map_err(sqlite)?;
        let rows = tenants.query_map([space.uuid().as_bytes()], |row| Ok((row.get(0)?, uuid(row.get(1)?))));
        let rows = rows.and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>).map_err(sqlite)?;
        Ok(rows.into_iter().map(|(number, id)| (number, TenantId::from_uuid(id))).collect())
    }
}

pub(super) fn uuid(bytes: [u8; 16]) -> Uuid {
    Uuid::from_bytes(bytes)
}

impl Txn for SqliteTxn<'_> {
    fn receipt(&mut self, commit: CommitId) -> Result<Option<(TenantId, Receipt)>> {
        commit_log::receipt(self.connection, commit)
    }

    fn request(&mut self, tenant: TenantId, commit: Seq) -> Result<Option<Arc<str>>> {
        let entry = commit_log::entries(self.connection, tenant, (Seq(commit.0.saturating_sub(1)), 1))?;
        Ok(entry.into_iter().find(|entry| entry.seq == commit).and_then(|entry| entry.audit.request))
    }

    fn schema(&mut self, space: SpaceId) -> Result<Option<Arc<Schema>>> {
        if let Some(schema) = self.memory.schemas.get(&space) {
            return Ok(schema.clone());
        }
        let schema = match ontology::current_version(self.connection, space)? {
            Some(version) => match self.schemas.get(space, version) {
                Some(schema) => Some(schema),
                None => ontology::read_schema(self.connection, space, version)?.map(Arc::new),
            },
            None => None,
        };
        self.memory.schemas.insert(space, schema.clone());
        Ok(schema)
    }

    fn tenant(&mut self, tenant: TenantId) -> Result<Option<Tenant>> {
        if let Some((_, known)) = self.memory.tenants.get(&tenant) {
            return Ok(Some(known.clone()));
        }
        let found = commit_log::tenant(self.connection, tenant)?;
        if let Some(found) = &found {
            self.memory.tenants.insert(tenant, found.clone());
        }
        Ok(found.map(|(_, tenant)| tenant))
    }

    fn space_exists(&mut self, space: SpaceId, name: Option<&str>) -> Result<bool> {
        let mut exists = self.connection.prepare_cached(statement::SPACE_EXISTS).map_err(sqlite)?;
        exists.query_row((space.uuid().as_bytes(), name), |row| row.get(0)).map_err(sqlite)
    }

    fn insert_space(&mut self, space: SpaceId, name: &str) -> Result<()> {
        let mut insert = self.connection.prepare_cached(statement::SPACE_INSERT).map_err(sqlite)?;
        insert.execute((space.uuid().as_bytes(), name)).map(drop).map_err(sqlite)
    }

    fn insert_tenant(&mut self, tenant: &Tenant) -> Result<bool> {
        self.remembers_writes = true;
        let mut insert = self.connection.prepare_cached(statement::TENANT_INSERT).map_err(sqlite)?;
        let (id, space) = (tenant.id.uuid(), tenant.space.uuid());
        insert.execute((id.as_bytes(), &*tenant.name, space.as_bytes())).map(|count| count == 1).map_err(sqlite)
    }

    fn publish(&mut self, space: SpaceId, publication: &Publication, seq: Seq) -> Result<()> {
        let before = self.schema(space)?;
        let after = &publication.schema;
        self.remembers_writes = true;
        // Statements in use would keep the tables they read from being changed.
        self.tables.clear();
        ontology::insert_schema(self.connection, space, after, seq)?;
        let publisher = Publisher::new((self.connection, space), (before.as_deref(), after), seq);
        self.changed_tables |= publisher.run()?;
        self.memory.texts.retain(|id, _| id.space != space);
        self.memory.schemas.insert(space, Some(Arc::clone(after)));
        Ok(())
    }

    fn object(&mut self, scope: Scope, object_type: &ObjectType, key: &Key) -> Result<Option<StoredRow>> {
        let (connection, tenant) = (self.connection, self.number(scope.tenant)?);
        let Some(access) = self.found_objects(scope.space, object_type)? else { return Ok(None) };
        let get = prepared(&mut access.get, connection, &access.text.text.get)?;
        Binder::new(get).bind(tenant)?.key(key)?;
        let mut rows = get.raw_query();
        let Some(row) = rows.next().map_err(sqlite)? else { return Ok(None) };
        let mut row = RowReader::new(row);
        let revision = row.seq()?;
        let values = read_row(&mut row, &object_type.properties, Some((object_type.primary_key, key)))?;
        Ok(Some(StoredRow { revision, values }))
    }

    fn insert_object(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        key: &Key,
        values: &[Value],
        seq: Seq,
    ) -> Result<bool> {
        let (connection, tenant) = (self.connection, self.number(scope.tenant)?);
        let access = self.objects(scope.space, object_type, seq)?;
        let insert = prepared(&mut access.insert, connection, &access.text.text.insert)?;
        let mut binder = Binder::new(insert);
        binder.bind(tenant)?.key(key)?.bind(seq_value(seq))?;
        bind_row(&mut binder, &object_type.properties, Some(object_type.primary_key), values)?;
        insert.raw_execute().map(|count| count == 1).map_err(sqlite)
    }

    fn replace_object(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        key: &Key,
        (old, new): (&StoredRow, Option<&[Value]>),
        seq: Seq,
    ) -> Result<()> {
        let (connection, tenant) = (self.connection, self.number(scope.tenant)?);
        if old.revision != seq {
            let id = TableId::of_object(scope.space, object_type);
            let of_type = (&*object_type.properties, Columns::of_object(object_type));
            self.keep_superseded(id, of_type, || sql::object_indexes(object_type), seq)?;
            let access = self.objects(scope.space, object_type, seq)?;
            let supersede = prepared(&mut access.supersede, connection, &access.text.text.supersede)?;
            Binder::new(supersede).bind(seq_value(seq))?.bind(tenant)?.key(key)?;
            supersede.raw_execute().map_err(sqlite)?;
        }
        let access = self.objects(scope.space, object_type, seq)?;
        let written = if let Some(values) = new {
            let update = prepared(&mut access.update, connection, &access.text.text.update)?;
            let mut binder = Binder::new(update);
            binder.bind(seq_value(seq))?;
            bind_row(&mut binder, &object_type.properties, Some(object_type.primary_key), values)?;
            binder.bind(tenant)?.key(key)?;
            update
        } else {
            let delete = prepared(&mut access.delete, connection, &access.text.text.delete)?;
            Binder::new(delete).bind(tenant)?.key(key)?;
            delete
        };
        written.raw_execute().map(drop).map_err(sqlite)
    }

    fn keys_with(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        property: usize,
        value: &Value,
        limit: usize,
    ) -> Result<Vec<Key>> {
        let (connection, tenant) = (self.connection, self.number(scope.tenant)?);
        let columns = Columns::of_object(object_type);
        self.deferred.build(connection, TableId::of_object(scope.space, object_type), &columns.name(property)?)?;
        let base = columns.base(property)?;
        let Some(access) = self.found_objects(scope.space, object_type)? else { return Ok(Vec::new()) };
        let lookup = match access.lookups.entry(property) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let sql = sql::keys_with(&SqliteDialect, &access.text.found.table, columns, property)?;
                entry.insert(connection.prepare_cached(&sql).map_err(sqlite)?)
            }
        };
        Binder::new(lookup).bind(tenant)?.value(value, base)?.bind(i64::try_from(limit).unwrap_or(i64::MAX))?;
        let mut keys = Vec::new();
        let mut rows = lookup.raw_query();
        while let Some(row) = rows.next().map_err(sqlite)? {
            keys.push(RowReader::new(row).key()?);
        }
        Ok(keys)
    }

    fn link(&mut self, scope: Scope, link_type: &LinkType, source: &Key, target: &Key) -> Result<Option<StoredLink>> {
        let (connection, tenant) = (self.connection, self.number(scope.tenant)?);
        let Some(access) = self.found_links(scope.space, link_type)? else { return Ok(None) };
        let get = prepared(&mut access.get, connection, &access.text.text.get)?;
        Binder::new(get).bind(tenant)?.key(source)?.key(target)?;
        let mut rows = get.raw_query();
        let Some(row) = rows.next().map_err(sqlite)? else { return Ok(None) };
        let mut row = RowReader::new(row);
        let revision = row.seq()?;
        let values = read_row(&mut row, &link_type.properties, None)?;
        Ok(Some(StoredLink { source: source.clone(), target: target.clone(), revision, values }))
    }

    fn links_of(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        end: End,
        key: &Key,
        limit: usize,
    ) -> Result<Vec<StoredLink>> {
        let (connection, tenant) = (self.connection, self.number(scope.tenant)?);
        self.deferred.build(connection, TableId::of_link(scope.space, link_type), &sql::end_name(end))?;
        let Some(access) = self.found_links(scope.space, link_type)? else { return Ok(Vec::new()) };
        let sql = sql::links_of(&SqliteDialect, &access.text.found.table, Columns::of_link(link_type), end);
        let mut lookup = connection.prepare_cached(&sql).map_err(sqlite)?;
        Binder::new(&mut lookup).bind(tenant)?.key(key)?.bind(i64::try_from(limit).unwrap_or(i64::MAX))?;
        let mut links = Vec::new();
        let mut rows = lookup.raw_query();
        while let Some(row) = rows.next().map_err(sqlite)? {
            links.push(read_link(&mut RowReader::new(row), link_type)?);
        }
        Ok(links)
    }

    fn write_link(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        (source, target): (&Key, &Key),
        (old, new): (Option<&StoredLink>, Option<&[Value]>),
        seq: Seq,
    ) -> Result<()> {
        let (connection, tenant) = (self.connection, self.number(scope.tenant)?);
        if old.is_some_and(|old| old.revision != seq) {
            let id = TableId::of_link(scope.space, link_type);
            let of_type = (&*link_type.properties, Columns::of_link(link_type));
            self.keep_superseded(id, of_type, || Ok(vec![sql::link_index()]), seq)?;
            let access = self.links(scope.space, link_type, seq)?;
            let supersede = prepared(&mut access.supersede, connection, &access.text.text.supersede)?;
            Binder::new(supersede).bind(seq_value(seq))?.bind(tenant)?.key(source)?.key(target)?;
            supersede.raw_execute().map_err(sqlite)?;
        }
        let access = self.links(scope.space, link_type, seq)?;
        let written = match (old, new) {
            (None, None) => return Ok(()),
            (None, Some(values)) => {
                let insert = prepared(&mut access.insert, connection, &access.text.text.insert)?;
                let mut binder = Binder::new(insert);
                binder.bind(tenant)?.key(source)?.key(target)?.bind(seq_value(seq))?;
                bind_row(&mut binder, &link_type.properties, None, values)?;
                insert
            }
            (Some(_), Some(values)) => {
                let update = prepared(&mut access.update, connection, &access.text.text.update)?;
                let mut binder = Binder::new(update);
                binder.bind(seq_value(seq))?;
                bind_row(&mut binder, &link_type.properties, None, values)?;
                binder.bind(tenant)?.key(source)?.key(target)?;
                update
            }
            (Some(_), None) => {
                let delete = prepared(&mut access.delete, connection, &access.text.text.delete)?;
                Binder::new(delete).bind(tenant)?.key(source)?.key(target)?;
                delete
            }
        };
        written.raw_execute().map(drop).map_err(sqlite)
    }

    fn scan_objects(&mut self, space: SpaceId, object_type: &ObjectType, visit: &mut VisitObject<'_>) -> Result<()> {
        let (connection, tenants) = (self.connection, self.tenants_of(space)?);
        let Some(access) = self.found_objects(space, object_type)? else { return Ok(()) };
        let text = Arc::clone(&access.text);
        let mut scan = connection.prepare_cached(&text.text.scan).map_err(sqlite)?;
        for (number, tenant) in tenants {
            Binder::new(&mut scan).bind(number)?;
            let mut rows = scan.raw_query();
            while let Some(row) = rows.next().map_err(sqlite)? {
                let mut row = RowReader::new(row);
                let (key, revision) = (row.key()?, row.seq()?);
                let values = read_row(&mut row, &object_type.properties, Some((object_type.primary_key, &key)))?;
                if visit(tenant, &key, &StoredRow { revision, values })? == ControlFlow::Break(()) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn scan_links(&mut self, space: SpaceId, link_type: &LinkType, visit: &mut VisitLink<'_>) -> Result<()> {
        let (connection, tenants) = (self.connection, self.tenants_of(space)?);
        let Some(access) = self.found_links(space, link_type)? else { return Ok(()) };
        let text = Arc::clone(&access.text);
        let mut scan = connection.prepare_cached(&text.text.scan).map_err(sqlite)?;
        for (number, tenant) in tenants {
            Binder::new(&mut scan).bind(number)?;
            let mut rows = scan.raw_query();
            while let Some(row) = rows.next().map_err(sqlite)? {
                let link = read_link(&mut RowReader::new(row), link_type)?;
                if visit(tenant, &link)? == ControlFlow::Break(()) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, entry: &LogEntry) -> Result<()> {
        commit_log::append(self.connection, entry)
    }

    fn savepoint(&mut self) -> Result<()> {
        // Some errors undo the whole transaction by themselves. What came after would be outside of any.
        if self.connection.is_autocommit() {
            return Err(Error::unavailable("store.transaction.lost", "an earlier error undid the transaction"));
        }
        run_static(self.connection, statement::SAVEPOINT)
    }

    fn release(&mut self, keep: bool) -> Result<()> {
        if !keep {
            self.deferred.undone();
            if self.remembers_writes {
                self.tables.clear();
                self.memory.forget();
            }
            run_static(self.connection, statement::SAVEPOINT_ROLLBACK)?;
        }
        run_static(self.connection, statement::SAVEPOINT_RELEASE)
    }
}
