//! The transaction the rules of a commit run in: writes go straight into the state, and a list of what was there before undoes them.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrakis_core::commit::{Publication, StoredLink, StoredRow, Txn, VisitLink, VisitObject};
use arrakis_core::ontology::{Backing, End, LinkType, ObjectType, Property, Schema};
use arrakis_core::{
    CommitId, Error, Key, LinkTypeId, LogEntry, ObjectTypeId, Receipt, Result, Scope, Seq, SpaceId, Tenant, TenantId,
    Value,
};

use super::state::{LinkTable, ObjectTable, Space, State, Versions};

type ObjectPlace = ((SpaceId, ObjectTypeId, TenantId), Key);
type LinkPlace = ((SpaceId, LinkTypeId, TenantId), (Key, Key));

/// What takes one write back.
enum Undo {
    Space(SpaceId),
    Tenant(TenantId),
    Published(SpaceId),
    Logged,
    Object(ObjectPlace, Versions),
    Link(LinkPlace, Versions),
}

/// A transaction over the whole state.
pub(super) struct MemoryTxn<'a> {
    state: &'a mut State,
    undo: Vec<Undo>,
    /// How long `undo` was at each savepoint.
    savepoints: Vec<usize>,
}

impl<'a> MemoryTxn<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        Self { state, undo: Vec::new(), savepoints: Vec::new() }
    }

    fn change_object(&mut self, (table, key): ObjectPlace, change: impl FnOnce(&mut Versions)) {
        let rows = self.state.objects.entry(table).or_default();
        let mut versions = rows.get(&key).cloned().unwrap_or_default();
        change(&mut versions);
        let before = rows.set(&key, versions);
        self.undo.push(Undo::Object((table, key), before));
    }

    fn change_link(&mut self, (table, ends): LinkPlace, change: impl FnOnce(&mut Versions)) {
        let rows = self.state.links.entry(table).or_default();
        let mut versions = rows.get(&ends).cloned().unwrap_or_default();
        change(&mut versions);
        let before = rows.set(&ends, versions);
        self.undo.push(Undo::Link((table, ends), before));
    }

    fn take_back(&mut self, undo: Undo) {
        match undo {
            Undo::Space(space) => {
                self.state.spaces.remove(&space);
            }
            Undo::Tenant(tenant) => {
                self.state.tenants.remove(&tenant);
            }
            Undo::Published(space) => {
                if let Some(space) = self.state.spaces.get_mut(&space) {
                    space.published.pop();
                }
            }
            Undo::Logged => {
                if let Some(entry) = self.state.log.pop() {
                    self.state.commits.remove(&entry.commit);
                }
            }
            Undo::Object((table, key), versions) => {
                self.state.objects.entry(table).or_default().set(&key, versions);
            }
            Undo::Link((table, ends), versions) => {
                self.state.links.entry(table).or_default().set(&ends, versions);
            }
        }
    }

    fn objects(&self, scope: Scope, object_type: &ObjectType) -> Option<&ObjectTable> {
        self.state.objects.get(&(scope.space, object_type.id, scope.tenant))
    }

    fn links(&self, scope: Scope, link_type: &LinkType) -> Option<&LinkTable> {
        self.state.links.get(&(scope.space, link_type.id, scope.tenant))
    }

    fn end_objects(&mut self, space: SpaceId, retired: ObjectTypeId, seq: Seq) {
        let of_type = self.state.objects.iter().filter(|((of, id, _), _)| *of == space && *id == retired);
        let current = |(table, rows): (&(SpaceId, ObjectTypeId, TenantId), &ObjectTable)| {
            let table = *table;
            rows.iter()
                .filter(|(_, versions)| versions.at(None).is_some())
                .map(move |(key, _)| (table, key.clone()))
                .collect::<Vec<_>>()
        };
        for place in of_type.flat_map(current).collect::<Vec<_>>() {
            self.change_object(place, |versions| versions.end(seq));
        }
    }

    fn end_links(&mut self, space: SpaceId, retired: LinkTypeId, seq: Seq) {
        let of_type = self.state.links.iter().filter(|((of, id, _), _)| *of == space && *id == retired);
        let current = |(table, rows): (&(SpaceId, LinkTypeId, TenantId), &LinkTable)| {
            let table = *table;
            rows.iter()
                .filter(|(_, versions)| versions.at(None).is_some())
                .map(move |(ends, _)| (table, ends.clone()))
                .collect::<Vec<_>>()
        };
        for place in of_type.flat_map(current).collect::<Vec<_>>() {
            self.change_link(place, |versions| versions.end(seq));
        }
    }
}

impl Txn for MemoryTxn<'_> {
    fn receipt(&mut self, commit: CommitId) -> Result<Option<(TenantId, Receipt)>> {
        let entry = self.state.commits.get(&commit).and_then(|seq| self.state.entry(*seq));
        Ok(entry.map(|entry| (entry.tenant, Receipt { commit, seq: entry.seq, replayed: false })))
    }

    fn request(&mut self, tenant: TenantId, commit: Seq) -> Result<Option<Arc<str>>> {
        let entry = self.state.entry(commit).filter(|entry| entry.tenant == tenant);
        Ok(entry.and_then(|entry| entry.audit.request.clone()))
    }

    fn schema(&mut self, space: SpaceId) -> Result<Option<Arc<Schema>>> {
        let latest = self.state.spaces.get(&space).and_then(|space| space.published.last());
        Ok(latest.map(|(schema, _)| Arc::clone(schema)))
    }

    fn tenant(&mut self, tenant: TenantId) -> Result<Option<Tenant>> {
        Ok(self.state.tenants.get(&tenant).cloned())
    }

    fn space_exists(&mut self, space: SpaceId, name: Option<&str>) -> Result<bool> {
        let named = |name: &str| self.state.spaces.values().any(|space| *space.name == *name);
        Ok(self.state.spaces.contains_key(&space) || name.is_some_and(named))
    }

    fn insert_space(&mut self, space: SpaceId, name: &str) -> Result<()> {
        self.state.spaces.insert(space, Space { name: name.into(), published: Vec::new() });
        self.undo.push(Undo::Space(space));
        Ok(())
    }

    fn insert_tenant(&mut self, tenant: &Tenant) -> Result<bool> {
        let taken = |other: &Tenant| other.id == tenant.id || other.name == tenant.name;
        if self.state.tenants.values().any(taken) {
            return Ok(false);
        }
        self.state.tenants.insert(tenant.id, tenant.clone());
        self.undo.push(Undo::Tenant(tenant.id));
        Ok(true)
    }

    fn publish(&mut self, space: SpaceId, publication: &Publication, seq: Seq) -> Result<()> {
        let before = self.schema(space)?;
        let after = &publication.schema;
        let published = self.state.spaces.get_mut(&space).map(|space| &mut space.published);
        published.ok_or_else(unknown_space)?.push((Arc::clone(after), seq));
        self.undo.push(Undo::Published(space));
        let Some(before) = before else { return Ok(()) };
        for object_type in &before.object_types {
            if after.object_type_by_id(object_type.id).is_none() {
                self.end_objects(space, object_type.id, seq);
            }
        }
        for link_type in &before.link_types {
            if after.link_type_by_id(link_type.id).is_none_or(|after| after.backing != Backing::Join) {
                self.end_links(space, link_type.id, seq);
            }
        }
        Ok(())
    }

    fn object(&mut self, scope: Scope, object_type: &ObjectType, key: &Key) -> Result<Option<StoredRow>> {
        let version = self.objects(scope, object_type).and_then(|table| table.get(key)?.at(None));
        Ok(version.map(|version| version.row(&object_type.properties)))
    }

    fn insert_object(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        key: &Key,
        values: &[Value],
        seq: Seq,
    ) -> Result<bool> {
        if self.object(scope, object_type, key)?.is_some() {
            return Ok(false);
        }
        let place = ((scope.space, object_type.id, scope.tenant), key.clone());
        self.change_object(place, |versions| versions.start(seq, &object_type.properties, values));
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
        let place = ((scope.space, object_type.id, scope.tenant), key.clone());
        self.change_object(place, |versions| replace(versions, &object_type.properties, new, seq));
        Ok(())
    }

    fn keys_with(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        property: usize,
        value: &Value,
        limit: usize,
    ) -> Result<Vec<Key>> {
        let Some(sought) = object_type.properties.get(property) else { return Ok(Vec::new()) };
        let holders = self.objects(scope, object_type).into_iter().flat_map(|rows| rows.holders(sought.column, value));
        Ok(holders.take(limit).cloned().collect())
    }

    fn link(&mut self, scope: Scope, link_type: &LinkType, source: &Key, target: &Key) -> Result<Option<StoredLink>> {
        let ends = (source.clone(), target.clone());
        let version = self.links(scope, link_type).and_then(|table| table.get(&ends)?.at(None));
        Ok(version.map(|version| version.link((source, target), &link_type.properties)))
    }

    fn links_of(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        end: End,
        key: &Key,
        limit: usize,
    ) -> Result<Vec<StoredLink>> {
        let rows = self.links(scope, link_type).into_iter().flat_map(|rows| rows.at_end(end, key));
        let current = rows.filter_map(|((source, target), versions)| {
            Some(versions.at(None)?.link((source, target), &link_type.properties))
        });
        Ok(current.take(limit).collect())
    }

    fn write_link(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        (source, target): (&Key, &Key),
        (_, new): (Option<&StoredLink>, Option<&[Value]>),
        seq: Seq,
    ) -> Result<()> {
        let place = ((scope.space, link_type.id, scope.tenant), (source.clone(), target.clone()));
        self.change_link(place, |versions| replace(versions, &link_type.properties, new, seq));
        Ok(())
    }

    fn scan_objects(&mut self, space: SpaceId, object_type: &ObjectType, visit: &mut VisitObject<'_>) -> Result<()> {
        for ((of, id, tenant), table) in &self.state.objects {
            if (*of, *id) != (space, object_type.id) {
                continue;
            }
            for (key, versions) in table.iter() {
                let Some(version) = versions.at(None) else { continue };
                if let ControlFlow::Break(()) = visit(*tenant, key, &version.row(&object_type.properties))? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn scan_links(&mut self, space: SpaceId, link_type: &LinkType, visit: &mut VisitLink<'_>) -> Result<()> {
        for ((of, id, tenant), table) in &self.state.links {
            if (*of, *id) != (space, link_type.id) {
                continue;
            }
            for ((source, target), versions) in table.iter() {
                let Some(version) = versions.at(None) else { continue };
                let link = version.link((source, target), &link_type.properties);
                if let ControlFlow::Break(()) = visit(*tenant, &link)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, entry: &LogEntry) -> Result<()> {
        if entry.seq != self.state.head().next() {
            return Err(Error::internal("memory.log.gap", "a log entry does not follow the one before it"));
        }
        self.state.commits.insert(entry.commit, entry.seq);
        self.state.log.push(entry.clone());
        self.undo.push(Undo::Logged);
        Ok(())
    }

    fn savepoint(&mut self) -> Result<()> {
        self.savepoints.push(self.undo.len());
        Ok(())
    }

    fn release(&mut self, keep: bool) -> Result<()> {
        let mark = self.savepoints.pop();
        let mark =
            mark.ok_or_else(|| Error::internal("memory.savepoint.absent", "there is no savepoint to release"))?;
        if !keep {
            for undo in self.undo.split_off(mark).into_iter().rev() {
                self.take_back(undo);
            }
        }
        Ok(())
    }
}

fn replace(versions: &mut Versions, properties: &[Property], new: Option<&[Value]>, seq: Seq) {
    versions.end(seq);
    if let Some(values) = new {
        versions.start(seq, properties, values);
    }
}

fn unknown_space() -> Error {
    Error::not_found("tenancy.space.unknown", "there is no such space")
}
