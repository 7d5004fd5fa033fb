//! Hashes of what a store holds, whatever the order it is read in.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Cell, CursorPlace, Row, SchemaOutline, Space, TableOutline};
use crate::{Key, LogEntry, Result, Tenant, canonical_json};

/// What parts the hashes of Arrakis's archives from all others, and this canonical form from later ones.
const CONTEXT: &str = "arrakis 2026-11-25 archive item v1";

/// The hash of any number of items in any order: the sum, modulo 2²⁵⁶, of the BLAKE3 hashes of their canonical forms. Items that are
/// there twice count twice.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    fn add(&mut self, hash: &[u8; 32]) {
        let mut carry = 0_u16;
        for (sum, byte) in self.0.iter_mut().zip(hash) {
            let [low, high] = (u16::from(*sum) + u16::from(*byte) + carry).to_le_bytes();
            *sum = low;
            carry = u16::from(high);
        }
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How many items there are, and their hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CountDigest {
    /// How many.
    pub count: u64,
    /// Their hash.
    pub hash: Digest,
}

impl CountDigest {
    fn add(&mut self, item: &Item) {
        self.count += 1;
        self.hash.add(item.0.finalize().as_bytes());
    }

    pub(super) fn store(&mut self, head: u64, at_us: i64, cursor_key: &[u8; 32]) {
        self.add(Item::new().number(head).signed(at_us).bytes(cursor_key));
    }

    pub(super) fn space(&mut self, space: &Space) {
        self.add(Item::new().bytes(space.id.uuid().as_bytes()).text(&space.name));
    }

    pub(super) fn tenant(&mut self, tenant: &Tenant) {
        let space = tenant.space.uuid();
        self.add(Item::new().bytes(tenant.id.uuid().as_bytes()).text(&tenant.name).bytes(space.as_bytes()));
    }

    pub(super) fn schema(&mut self, schema: &SchemaOutline, text: &str) {
        let mut item = Item::new();
        item.bytes(schema.space.uuid().as_bytes()).number(schema.version.into()).bytes(&schema.hash.0);
        self.add(item.number(schema.seq.0).text(text));
    }

    pub(super) fn cursor(&mut self, cursor: &CursorPlace) {
        self.add(Item::new().text(&cursor.name).number(cursor.at.0).number(cursor.epoch));
    }

    pub(super) fn entry(&mut self, entry: &LogEntry) -> Result<()> {
        let unwritable = |e| crate::Error::internal("move.unwritable", "a log entry has no JSON form").caused_by(e);
        let json = serde_json::to_value(entry).map_err(unwritable)?;
        self.add(Item::new().text(&canonical_json(&json)));
        Ok(())
    }

    /// A row of a table whose columns are to be taken in this order. What is absent is left out, so that a column nobody has a value in
    /// counts like one that is not there.
    pub(super) fn row(&mut self, table: &TableOutline, order: &[usize], row: &Row) {
        let mut item = Item::new();
        item.bytes(row.tenant.uuid().as_bytes()).key(&row.key);
        match &row.target {
            Some(target) => item.key(target),
            None => item.number(0),
        };
        item.number(row.from.0).number(row.to.map_or(u64::MAX, |to| to.0));
        for &index in order {
            if let (Some(column), Some(cell)) = (table.columns.get(index), row.cells.get(index)) {
                item.cell((column.number, column.is_second), cell);
            }
        }
        self.add(&item);
    }
}

/// The canonical form of one thing on its way into its hash: each part led by its length or of a fixed one.
struct Item(blake3::Hasher);

impl Item {
    fn new() -> Self {
        Self(blake3::Hasher::new_derive_key(CONTEXT))
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    fn signed(&mut self, number: i64) -> &mut Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn tag(&mut self, tag: u8) -> &mut Self {
        self.0.update(&[tag]);
        self
    }

    fn key(&mut self, key: &Key) -> &mut Self {
        match key {
            Key::Integer(number) => self.tag(1).signed(*number),
            Key::String(text) => self.tag(2).text(text),
        }
    }

    fn cell(&mut self, (number, is_second): (u32, bool), cell: &Cell) {
        if *cell == Cell::Null {
            return;
        }
        self.number(number.into()).tag(u8::from(is_second));
        match cell {
            Cell::Null => self,
            Cell::Integer(number) => self.tag(1).signed(*number),
            // Zero has one form: no store keeps the sign of one.
            Cell::Real(number) => self.tag(2).number(if *number == 0.0 { 0 } else { number.to_bits() }),
            Cell::Text(text) => self.tag(3).text(text),
            Cell::Blob(bytes) => self.tag(4).bytes(bytes),
        };
    }
}
