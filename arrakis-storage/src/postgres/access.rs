//! What a transaction keeps at hand: the tables there are, the statements on them, and the rows it has read.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::commit::{StoredRow, Txn};
use arrakis_core::ontology::{Property, Schema};
use arrakis_core::{Error, LinkTypeId, ObjectTypeId, Result, Seq, SpaceId, Tenant, TenantId};

use super::catalog::SpaceTables;
use super::overlay::{Found, Of, Place, Rows, Slot, Sought, keys_bound};
use super::table::{self, TableText};
use super::txn::PgTxn;
use super::value::{Binder, RowReader};
use super::{scan, statement};
use crate::sql::{Columns, ReadRow, Table, TableId, TableKind, missing_table};

/// What a connection that writes remembers between transactions; forgotten when one is undone or tables or schemas changed.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) schemas: HashMap<SpaceId, Option<Arc<Schema>>>,
    pub(super) spaces: HashMap<SpaceId, SpaceTables>,
    pub(super) texts: HashMap<TableId, Arc<TableText>>,
    /// Up to which commit this is known.
    pub(super) as_of: Seq,
}

impl PgTxn<'_> {
    /// The number of a tenant in keys.
    pub(super) fn number(&mut self, tenant: TenantId) -> Result<i64> {
        let known = self.numbered(tenant)?;
        known
            .map(|(number, _)| number)
            .ok_or_else(|| Error::not_found("tenancy.tenant.unknown", "there is no such tenant in this space"))
    }

    pub(super) fn numbered(&mut self, tenant: TenantId) -> Result<Option<(i64, Tenant)>> {
        if let Some(known) = self.catalog.tenants.get(&tenant) {
            return Ok(Some(known));
        }
        let answer = self.session.row(statement::TENANT, Binder::default().bind(tenant.uuid())?.done());
        let Some(row) = self.kept(answer)? else { return Ok(None) };
        let mut row = RowReader::new(&row);
        let (number, name, space) = (row.integer()?, row.text()?.into(), SpaceId::from_uuid(row.uuid()?));
        let found = (number, Tenant { id: tenant, name, space });
        // One that was made in this transaction may still be undone.
        if !self.direct {
            self.catalog.tenants.set(tenant, found.clone());
        }
        Ok(Some(found))
    }

    /// The table of a type; `None` where nothing was written to it yet.
    pub(super) fn table(&mut self, id: TableId) -> Result<Option<Table>> {
        if !self.memory.spaces.contains_key(&id.space) {
            let answer = self.session.rows(statement::TYPED_TABLES, Binder::default().bind(id.space.uuid())?.done());
            let tables = table::tables_of(id.space, &self.kept(answer)?)?;
            self.memory.spaces.insert(id.space, tables);
        }
        Ok(self.memory.spaces.get(&id.space).and_then(|tables| tables.find(id)))
    }

    /// The statements on the rows of a table; `None` where there is none.
    pub(super) fn text(&mut self, id: TableId, of: &Of) -> Result<Option<Arc<TableText>>> {
        if let Some(known) = self.memory.texts.get(&id).filter(|text| text.fits(of.properties())) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(table) = self.table(id)? else { return Ok(None) };
        let answer = table::layout(&mut self.session, &table);
        let layout = self.kept(answer)?;
        let columns = match of {
            Of::Object(of) => Columns::of_object(of),
            Of::Link(of) => Columns::of_link(of),
        };
        let text = Arc::new(TableText::new(id.kind, table, layout, (of.properties(), columns)));
        self.memory.texts.insert(id, Arc::clone(&text));
        Ok(Some(text))
    }

    /// The rows of a table the batch knows, read as these properties.
    pub(super) fn known(&mut self, id: TableId, properties: &[Property]) -> Result<&mut Rows> {
        if let Some(rows) = self.rows.get(&id)
            && !rows.fits(properties)
        {
            if rows.is_changed() {
                return Err(Error::internal(
                    "store.batch.mixed",
                    "rows are read as another version than they were written",
                ));
            }
            self.rows.remove(&id);
        }
        if !self.rows.contains_key(&id) {
            let of = self.of(id, properties)?;
            self.rows.insert(id, Rows::new(of));
        }
        self.rows.get_mut(&id).ok_or_else(missing_table)
    }

    fn of(&mut self, id: TableId, properties: &[Property]) -> Result<Of> {
        let schema = self.schema(id.space)?.ok_or_else(missing_table)?;
        let of = match id.kind {
            TableKind::Object => schema.object_type_by_id(ObjectTypeId(id.of)).cloned().map(Of::Object),
            TableKind::Link => schema.link_type_by_id(LinkTypeId(id.of)).cloned().map(Of::Link),
        };
        let of = of.ok_or_else(missing_table)?;
        if Rows::new(of.clone()).fits(properties) {
            Ok(of)
        } else {
            Err(Error::internal("store.batch.mixed", "rows are read as another version than the current one"))
        }
    }

    /// A row, from memory where it is known.
    pub(super) fn row(
        &mut self,
        id: TableId,
        place: &Place,
        properties: &[Property],
    ) -> Result<Option<Arc<StoredRow>>> {
        self.check()?;
        if let Some(slot) = self.known(id, properties)?.slots.get(place) {
            return Ok(slot.now.clone());
        }
        self.fetch(id, std::slice::from_ref(place))?;
        let rows = self.rows.get(&id).ok_or_else(missing_table)?;
        Ok(rows.slots.get(place).and_then(|slot| slot.now.clone()))
    }

    /// Reads rows that are not known yet; those the database does not have are known to be absent from then on.
    pub(super) fn fetch(&mut self, id: TableId, places: &[Place]) -> Result<()> {
        let of = self.rows.get(&id).ok_or_else(missing_table)?.of.clone();
        let text = self.text(id, &of)?;
        let mut found = HashMap::new();
        if let Some(text) = text {
            let answer = self.session.rows(text.many.find.clone(), keys_bound(&text, places)?);
            for row in &self.kept(answer)? {
                let mut row = RowReader::new(row);
                let (place, revision) = (scan::place(&mut row, id.kind)?, row.seq()?);
                let values = scan::values(&mut row, &of, &place)?;
                found.insert(place, StoredRow { revision, values });
            }
        }
        let rows = self.rows.get_mut(&id).ok_or_else(missing_table)?;
        for place in places {
            let base = found.remove(place);
            rows.slots.entry(place.clone()).or_insert_with(|| Slot::found(base));
        }
        Ok(())
    }

    /// Makes sure that enough is known of what is looked up for so many answers.
    pub(super) fn find(&mut self, id: TableId, sought: &Sought, limit: usize, lookup: &scan::Lookup<'_>) -> Result<()> {
        let rows = self.rows.get(&id).ok_or_else(missing_table)?;
        // Rows of the database may hold something else by now.
        let wanted = limit.saturating_add(rows.changed_max());
        if rows.found.get(sought).is_some_and(|found| found.is_all || found.places.len() >= wanted) {
            return Ok(());
        }
        let found = scan::look_up(self, id, lookup, wanted)?;
        self.rows.get_mut(&id).ok_or_else(missing_table)?.found.insert(sought.clone(), found);
        Ok(())
    }

    /// What a lookup found, remembered.
    pub(super) fn remember(&mut self, id: TableId, sought: Sought, found: Found) {
        if let Some(rows) = self.rows.get_mut(&id) {
            rows.found.insert(sought, found);
        }
    }
}
