//! The rows a batch has read and written, before any of it goes to the database: its rules are judged here, in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrakis_core::commit::{StoredLink, StoredRow};
use arrakis_core::ontology::{End, LinkType, ObjectType, Property};
use arrakis_core::{BaseType, Key, Result, Seq, Value};
use sqlx::postgres::PgArguments;

use super::cell::{Cell, Cells, key_cell, value_cells};
use super::table::TableText;
use super::value::Binder;

/// A row of a table: the tenant's number, and the key of an object or both keys of a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) tenant: i64,
    pub(super) first: Key,
    pub(super) second: Option<Key>,
}

impl Place {
    pub(super) fn object(tenant: i64, key: &Key) -> Self {
        Self { tenant, first: key.clone(), second: None }
    }

    pub(super) fn link(tenant: i64, source: &Key, target: &Key) -> Self {
        Self { tenant, first: source.clone(), second: Some(target.clone()) }
    }

    /// The key at an end of a link.
    pub(super) fn at(&self, end: End) -> &Key {
        match (end, &self.second) {
            (End::Target, Some(second)) => second,
            _ => &self.first,
        }
    }
}

/// A row before and after what the batch does to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// As the database has it.
    pub(super) base: Option<Arc<StoredRow>>,
    /// The commit that ended it.
    pub(super) base_to: Option<Seq>,
    /// The versions that began and ended within the batch, each with the commit that ended it.
    pub(super) past: Vec<(Arc<StoredRow>, Seq)>,
    /// As it is now.
    pub(super) now: Option<Arc<StoredRow>>,
}

impl Slot {
    pub(super) fn found(base: Option<StoredRow>) -> Self {
        let base = base.map(Arc::new);
        Self { now: base.clone(), base, base_to: None, past: Vec::new() }
    }

    /// Whether the batch left it as it was.
    pub(super) fn is_unchanged(&self) -> bool {
        self.base_to.is_none() && self.past.is_empty() && self.base.is_some() == self.now.is_some()
    }

    /// Ends the version there is at `seq` and puts another in its place. One that began at `seq` was never visible and goes without a trace.
    fn replace(&mut self, new: Option<StoredRow>, seq: Seq) {
        if let Some(old) = self.now.take()
            && old.revision != seq
        {
            let is_base =
                self.base_to.is_none() && self.base.as_ref().is_some_and(|base| base.revision == old.revision);
            if is_base {
                self.base_to = Some(seq);
            } else {
                self.past.push((old, seq));
            }
        }
        self.now = new.map(Arc::new);
    }
}

/// What the rows of a table are of.
#[derive(Clone, Debug)]
pub(super) enum Of {
    Object(Arc<ObjectType>),
    Link(Arc<LinkType>),
}

impl Of {
    pub(super) fn properties(&self) -> &[Property] {
        match self {
            Self::Object(of) => &of.properties,
            Self::Link(of) => &of.properties,
        }
    }

    /// The property that is the key and has no column of its own.
    pub(super) fn key(&self) -> Option<usize> {
        match self {
            Self::Object(of) => Some(of.primary_key),
            Self::Link(_) => None,
        }
    }

    fn is_looked_up(&self, property: usize) -> bool {
        match self {
            Self::Object(of) => of.indexes.iter().any(|index| index.properties.first() == Some(&property)),
            Self::Link(_) => false,
        }
    }
}

/// What is looked up: rows of a tenant that hold a value in a column, or links with a key at an end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sought {
    tenant: i64,
    /// The column; [`SOURCE`] and [`TARGET`] for the ends of links.
    column: u32,
    value: Vec<u8>,
}

/// Numbers no property's column has.
const SOURCE: u32 = u32::MAX;
const TARGET: u32 = u32::MAX - 1;

impl Sought {
    pub(super) fn value(tenant: i64, property: &Property, value: &Value) -> Self {
        Self { tenant, column: property.column, value: bytes(value, &property.data_type.base) }
    }

    pub(super) fn end(tenant: i64, end: End, key: &Key) -> Self {
        let column = if end == End::Source { SOURCE } else { TARGET };
        Self { tenant, column, value: key_bytes(key) }
    }
}

/// The keys of places, bound as a list per column.
pub(super) fn keys_bound(text: &TableText, places: &[Place]) -> Result<PgArguments> {
    let lists = key_lists(text, places.iter());
    Ok(lists.into_iter().try_fold(Binder::default(), Binder::bind)?.done())
}

/// The keys of places, a list per column, the tenant first.
pub(super) fn key_lists<'p>(text: &TableText, places: impl Iterator<Item = &'p Place>) -> Vec<Cells> {
    let mut lists: Vec<Cells> = text.many.keys.iter().map(|kind| Cells::new(*kind)).collect();
    for place in places {
        let cells = [Cell::Integer(place.tenant), key_cell(&place.first)];
        let cells = cells.into_iter().chain(place.second.as_ref().map(key_cell));
        for (list, cell) in lists.iter_mut().zip(cells) {
            list.push(&cell);
        }
    }
    lists
}

fn bytes(value: &Value, base: &BaseType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (first, second) = value_cells(value, base);
    first.write(&mut bytes);
    if let Some(cell) = second {
        cell.write(&mut bytes);
    }
    bytes
}

fn key_bytes(key: &Key) -> Vec<u8> {
    match key {
        Key::Integer(number) => [b"i".as_slice(), &number.to_be_bytes()].concat(),
        Key::String(text) => [b"s", text.as_bytes()].concat(),
    }
}

/// What the database has of something looked up: the first so many, or all.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) places: Vec<Place>,
    pub(super) is_all: bool,
}

/// The rows of one table the batch knows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) of: Of,
    pub(super) slots: HashMap<Place, Slot>,
    pub(super) found: HashMap<Sought, Found>,
    /// Rows that at some time within the batch held what is looked up.
    written: HashMap<Sought, BTreeSet<Place>>,
    /// Writes over rows the database has.
    overwritten: usize,
}

impl Rows {
    pub(super) fn new(of: Of) -> Self {
        Self { of, slots: HashMap::new(), found: HashMap::new(), written: HashMap::new(), overwritten: 0 }
    }

    /// Whether rows are read as these properties.
    pub(super) fn fits(&self, properties: &[Property]) -> bool {
        let own = self.of.properties();
        own.len() == properties.len() && own.iter().zip(properties).all(|(own, other)| own.column == other.column)
    }

    /// Whether something was written that the database does not have.
    pub(super) fn is_changed(&self) -> bool {
        self.slots.values().any(|slot| !slot.is_unchanged())
    }

    /// Writes a row, ending the version there is; answers the slot as it was.
    pub(super) fn write(&mut self, place: &Place, new: Option<&[Value]>, seq: Seq) -> Slot {
        if let Some(values) = new {
            self.note(place, values);
        }
        let slot = self.slots.entry(place.clone()).or_default();
        let before = slot.clone();
        self.overwritten += usize::from(before.base.is_some());
        slot.replace(new.map(|values| StoredRow { revision: seq, values: values.to_vec() }), seq);
        before
    }

    fn note(&mut self, place: &Place, values: &[Value]) {
        let of = self.of.clone();
        match &of {
            Of::Object(_) => {
                for (index, (property, value)) in of.properties().iter().zip(values).enumerate() {
                    if !value.is_null() && of.is_looked_up(index) {
                        let sought = Sought::value(place.tenant, property, value);
                        self.written.entry(sought).or_default().insert(place.clone());
                    }
                }
            }
            Of::Link(_) => {
                for end in [End::Source, End::Target] {
                    let sought = Sought::end(place.tenant, end, place.at(end));
                    self.written.entry(sought).or_default().insert(place.clone());
                }
            }
        }
    }

    /// How many rows of the database may no longer be what they were. Writes that were undone count too: it only says how much to look up.
    pub(super) const fn changed_max(&self) -> usize {
        self.overwritten
    }

    /// The places that hold what is looked up now: those the database has, but for rows that hold something else by now, and those that were
    /// written.
    pub(super) fn places<'a>(
        &'a self,
        sought: &Sought,
        holds: impl Fn(&Place, &StoredRow) -> bool + 'a,
    ) -> Vec<&'a Place> {
        let found = self.found.get(sought).into_iter().flat_map(|found| &found.places);
        let candidates: BTreeSet<&Place> = found.chain(self.written.get(sought).into_iter().flatten()).collect();
        let still = |place: &&Place| match self.slots.get(*place) {
            None => true,
            Some(slot) => slot.now.as_ref().is_some_and(|row| holds(place, row)),
        };
        candidates.into_iter().filter(still).collect()
    }
}

/// A link as the rules see it.
pub(super) fn stored_link(place: &Place, row: &StoredRow) -> StoredLink {
    StoredLink {
        source: place.at(End::Source).clone(),
        target: place.at(End::Target).clone(),
        revision: row.revision,
        values: row.values.clone(),
    }
}
