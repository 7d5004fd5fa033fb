//! Everything the store holds, in plain values: the whole of it at once, as it is in memory anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrakis_core::archive::{
    ArchiveReader, ArchiveStore, CellKind, Column, CursorPlace, Outline, PAGE_ROWS_MAX, Part, Row, RowsOf,
    SchemaOutline, Space, TableOutline, cells,
};
use arrakis_core::ontology::{Backing, LinkType, ObjectType, Property, Schema};
use arrakis_core::{BaseType, Error, Key, LogEntry, Result, Seq, SpaceId, TenantId};
use async_trait::async_trait;

use super::MemoryStore;
use super::state::{RowVersion, State, Versions};

/// What everything was at one commit.
#[derive(Debug)]
struct MemoryArchive {
    outline: Outline,
    schemas: BTreeMap<(SpaceId, u32), String>,
    log: Vec<LogEntry>,
    rows: BTreeMap<(SpaceId, RowsOf, Part), Vec<Row>>,
}

/// A type in the words of every version that had it.
#[derive(Default)]
struct Shape {
    keys: Vec<CellKind>,
    columns: BTreeSet<Column>,
}

impl Shape {
    fn add(&mut self, properties: &[Property], key: Option<usize>) {
        for (_, property) in properties.iter().enumerate().filter(|(index, _)| key != Some(*index)) {
            let base = &property.data_type.base;
            let kind = CellKind::of(base);
            self.columns.insert(Column { number: property.column, is_second: false, kind });
            if matches!(base, BaseType::Geopoint) {
                self.columns.insert(Column { number: property.column, is_second: true, kind });
            }
        }
    }
}

fn shapes(state: &State) -> Result<BTreeMap<(SpaceId, RowsOf), Shape>> {
    let mut shapes: BTreeMap<_, Shape> = BTreeMap::new();
    for (space, id) in state.spaces.iter().map(|(id, space)| (space, *id)) {
        for (schema, _) in &space.published {
            for object_type in &schema.object_types {
                let shape = shapes.entry((id, RowsOf::Objects(object_type.id))).or_default();
                shape.keys = vec![key_kind(object_type)?];
                shape.add(&object_type.properties, Some(object_type.primary_key));
            }
            for link_type in schema.link_types.iter().filter(|link_type| link_type.backing == Backing::Join) {
                let shape = shapes.entry((id, RowsOf::Links(link_type.id))).or_default();
                shape.keys = vec![end_kind(schema, link_type, true)?, end_kind(schema, link_type, false)?];
                shape.add(&link_type.properties, None);
            }
        }
    }
    Ok(shapes)
}

fn key_kind(object_type: &ObjectType) -> Result<CellKind> {
    Ok(CellKind::of(&object_type.key_property()?.data_type.base))
}

fn end_kind(schema: &Schema, link_type: &LinkType, is_source: bool) -> Result<CellKind> {
    let side = if is_source { &link_type.source } else { &link_type.target };
    key_kind(schema.object_type_by_id(side.object_type).ok_or_else(inconsistent)?)
}

fn inconsistent() -> Error {
    Error::internal("schema.inconsistent", "a row of a type its schema does not have")
}

/// The properties of a type in the version its row was written under, and which of them is the key.
fn properties_at(state: &State, space: SpaceId, of: RowsOf, from: Seq) -> Result<(&[Property], Option<usize>)> {
    let (schema, _) = state.published_at(space, from).ok_or_else(inconsistent)?;
    match of {
        RowsOf::Objects(id) => {
            let object_type = schema.object_type_by_id(id).ok_or_else(inconsistent)?;
            Ok((&object_type.properties, Some(object_type.primary_key)))
        }
        RowsOf::Links(id) => Ok((&schema.link_type_by_id(id).ok_or_else(inconsistent)?.properties, None)),
    }
}

/// Gathers the rows of one table.
struct Gathering<'s> {
    state: &'s State,
    space: SpaceId,
    of: RowsOf,
    columns: &'s [Column],
    rows: [Vec<Row>; 2],
}

impl Gathering<'_> {
    fn add(&mut self, tenant: TenantId, (key, target): (&Key, Option<&Key>), versions: &Versions) -> Result<()> {
        for version in versions.iter() {
            let row = Row {
                tenant,
                key: key.clone(),
                target: target.cloned(),
                from: version.from,
                to: version.to,
                cells: self.cells(version)?,
            };
            let [current, superseded] = &mut self.rows;
            if version.to.is_some() { superseded.push(row) } else { current.push(row) }
        }
        Ok(())
    }

    fn cells(&self, version: &RowVersion) -> Result<Vec<arrakis_core::archive::Cell>> {
        let (properties, key) = properties_at(self.state, self.space, self.of, version.from)?;
        let mut found = BTreeMap::new();
        for (index, (property, value)) in properties.iter().zip(version.values(properties)).enumerate() {
            if key != Some(index) {
                let (first, second) = cells(&value, &property.data_type.base);
                found.insert((property.column, false), first);
                found.extend(second.map(|second| ((property.column, true), second)));
            }
        }
        let cell = |column: &Column| found.remove(&(column.number, column.is_second)).unwrap_or_default();
        Ok(self.columns.iter().map(cell).collect())
    }
}

impl MemoryArchive {
    fn new(state: &State, cursor_key: [u8; 32], cursors: Vec<CursorPlace>) -> Result<Self> {
        let mut archive = Self {
            outline: Outline {
                head: state.head(),
                at: state.last_at(),
                cursor_key,
                spaces: Vec::new(),
                tenants: state.tenants.values().cloned().collect(),
                schemas: Vec::new(),
                tables: Vec::new(),
                cursors,
            },
            schemas: BTreeMap::new(),
            log: state.log.clone(),
            rows: BTreeMap::new(),
        };
        for (id, space) in &state.spaces {
            archive.outline.spaces.push(Space { id: *id, name: Arc::clone(&space.name) });
            for (schema, seq) in &space.published {
                let outline = SchemaOutline { space: *id, version: schema.version, hash: schema.hash, seq: *seq };
                archive.outline.schemas.push(outline);
                archive.schemas.insert((*id, schema.version), schema.to_stored()?);
            }
        }
        for ((space, of), shape) in shapes(state)? {
            let columns: Vec<_> = shape.columns.into_iter().collect();
            archive.gather(state, (space, of), &columns)?;
            archive.outline.tables.push(TableOutline { space, of, keys: shape.keys, columns });
        }
        Ok(archive)
    }

    fn gather(&mut self, state: &State, (space, of): (SpaceId, RowsOf), columns: &[Column]) -> Result<()> {
        let mut gathering = Gathering { state, space, of, columns, rows: Default::default() };
        match of {
            RowsOf::Objects(id) => {
                let tables = state.objects.iter().filter(|((of, with, _), _)| (*of, *with) == (space, id));
                for ((.., tenant), table) in tables {
                    for (key, versions) in table.iter() {
                        gathering.add(*tenant, (key, None), versions)?;
                    }
                }
            }
            RowsOf::Links(id) => {
                let tables = state.links.iter().filter(|((of, with, _), _)| (*of, *with) == (space, id));
                for ((.., tenant), table) in tables {
                    for ((source, target), versions) in table.iter() {
                        gathering.add(*tenant, (source, Some(target)), versions)?;
                    }
                }
            }
        }
        let [current, superseded] = gathering.rows;
        self.rows.insert((space, of, Part::Current), current);
        self.rows.insert((space, of, Part::Superseded), superseded);
        Ok(())
    }
}

#[async_trait]
impl ArchiveReader for MemoryArchive {
    async fn outline(&mut self) -> Result<Outline> {
        Ok(self.outline.clone())
    }

    async fn schema(&mut self, space: SpaceId, version: u32) -> Result<String> {
        let found = self.schemas.get(&(space, version)).cloned();
        found.ok_or_else(|| Error::corrupt("store.corrupt", "there is no such version").with("version", version))
    }

    async fn log(&mut self, after: Seq) -> Result<Vec<LogEntry>> {
        let skipped = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(self.log.iter().skip(skipped).take(PAGE_ROWS_MAX).cloned().collect())
    }

    async fn rows(&mut self, table: &TableOutline, part: Part, after: Option<&Row>) -> Result<Vec<Row>> {
        let rows = self.rows.get(&(table.space, table.of, part)).into_iter().flatten();
        let mut rows = rows.peekable();
        if let Some(after) = after {
            let place = |row: &Row| (row.tenant, row.key.clone(), row.target.clone(), row.from);
            // They are in the order of their places: tenant, key and beginning.
            while rows.next_if(|row| place(row) <= place(after)).is_some() {}
        }
        Ok(rows.take(PAGE_ROWS_MAX).cloned().collect())
    }
}

#[async_trait]
impl ArchiveStore for MemoryStore {
    async fn archive(&self) -> Result<Box<dyn ArchiveReader>> {
        let state = self.read()?;
        Ok(Box::new(MemoryArchive::new(&state, self.cursor_key, self.cursors.places())?))
    }
}
