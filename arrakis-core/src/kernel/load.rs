//! Bulk loads: every row is judged before the first is written, and one transaction carries them all.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::edit::{Columns, RowReader};
use crate::commit::{AuditRecord, COMMIT_CHANGES_MAX};
use crate::ontology::{Backing, End, LinkType, ObjectType, Property, Schema};
use crate::{
    Change, Commit, CommitId, Committer, Context, DataType, Error, Key, LinkChange, LinkOp, LinkRef, ObjectChange,
    ObjectOp, ObjectRef, Result, Seq, Timestamp, Value,
};

/// The most rows of one load.
pub const LOAD_ROWS_MAX: usize = 10_000_000;
/// The most rejected rows a report lists; all of them are counted.
pub const REJECTIONS_MAX: usize = 1_000;

/// A load of rows of one object or link type.
#[derive(Clone, Debug)]
pub struct Load {
    /// What the rows are.
    pub into: LoadTarget,
    /// What happens to rows that exist.
    pub mode: LoadMode,
    /// The name of each column: properties, and for links `source` and `target` too.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<LoadRow>,
    /// The most rejected rows at which the others are loaded; 0 loads all or nothing.
    pub errors_max: u64,
    /// The idempotency key: the same load with the same id again changes nothing. Fresh when left out.
    pub id: Option<CommitId>,
    /// Why, for the history.
    pub reason: Option<String>,
}

/// What the rows of a load are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadTarget {
    /// Objects of this type.
    Objects(String),
    /// Links of this type, which is backed by a join table.
    Links(String),
}

/// What happens to rows that exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// They are rejected.
    Create,
    /// They take the values given; a row left as it was is not written.
    #[default]
    Upsert,
}

/// A row of a load.
#[derive(Clone, Debug)]
pub struct LoadRow {
    /// Where it stands in its source, for the report.
    pub line: u64,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// A value of a load.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text, as in CSV; empty text is the absent value.
    Text(Box<str>),
    /// The JSON form.
    Json(Json),
    /// A value of the property's base type; its constraints are still checked.
    Value(Value),
    /// Not given: the default.
    Missing,
}

/// What a load did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadReport {
    /// Rows given.
    pub rows: u64,
    /// Rows in the store now because of this load or, where they were the same already, before it.
    pub loaded: u64,
    /// Rows rejected, exactly.
    pub rejected: u64,
    /// The first [`REJECTIONS_MAX`] of them, by line.
    pub rejections: Vec<Rejection>,
    /// The newest commit of the load; `None` when nothing was loaded.
    pub seq: Option<Seq>,
}

/// Why a row was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Its line.
    pub line: u64,
    /// The column, where one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The stable code of the refusal.
    pub code: String,
    /// The reason, for a person.
    pub reason: String,
}

impl Rejection {
    fn of(line: u64, error: &Error) -> Self {
        Self {
            line,
            column: error.path().map(ToOwned::to_owned),
            code: error.code().to_owned(),
            reason: error.message().to_owned(),
        }
    }
}

/// A load after its rows were judged: the changes in order, each with its line.
#[derive(Debug)]
struct Judged {
    changes: Vec<(u64, Change)>,
    rejections: Vec<Rejection>,
}

/// Judges every row under a schema.
///
/// # Errors
/// What concerns the load as a whole: unknown types or columns, a foreign-key backed link type, too many rows.
fn judge(schema: &Schema, load: Load) -> Result<Judged> {
    if load.rows.len() > LOAD_ROWS_MAX {
        return Err(Error::invalid("kernel.load.too_large", "the load has too many rows")
            .with("rows", load.rows.len())
            .with("rows_max", LOAD_ROWS_MAX));
    }
    match &load.into {
        LoadTarget::Objects(name) => {
            let object_type = Arc::clone(schema.object_type(name)?);
            judge_objects(&object_type, &load)
        }
        LoadTarget::Links(name) => {
            let link_type = Arc::clone(schema.link_type(name)?);
            judge_links(schema, &link_type, &load)
        }
    }
}

fn judge_objects(object_type: &Arc<ObjectType>, load: &Load) -> Result<Judged> {
    let columns = Columns::resolve(load.columns.iter().map(String::as_str), &|name| object_type.property(name))
        .map_err(|e| e.at("columns"))?;
    let types = types_of(&object_type.properties, &columns);
    let reader = RowReader::new(&object_type.properties);
    let mut seen: HashMap<Key, u64> = HashMap::with_capacity(load.rows.len());
    let mut judged = Judged { changes: Vec::with_capacity(load.rows.len()), rejections: Vec::new() };
    for row in &load.rows {
        let change = read_cells(row, &types, &load.columns).and_then(|set| {
            let whole = reader.whole(set.iter().cloned())?;
            let key = object_type.key_of(&whole)?;
            once(&mut seen, key.clone(), row.line)?;
            let op = match load.mode {
                LoadMode::Create => ObjectOp::Create { row: whole },
                LoadMode::Upsert => ObjectOp::Upsert {
                    row: whole,
                    set: set.into_iter().filter(|(i, _)| *i != object_type.primary_key).collect(),
                },
            };
            Ok(Change::Object(ObjectChange { object: ObjectRef { object_type: Arc::clone(object_type), key }, op }))
        });
        judged.note(row.line, change);
    }
    Ok(judged)
}

fn judge_links(schema: &Schema, link_type: &Arc<LinkType>, load: &Load) -> Result<Judged> {
    if link_type.backing != Backing::Join {
        return Err(Error::invalid(
            "kernel.load.foreign_key",
            "links kept in a foreign key are loaded with the objects that hold it",
        )
        .with("link_type", &link_type.api_name));
    }
    let end_column = |name: &str| {
        load.columns.iter().position(|column| column == name).ok_or_else(|| {
            Error::invalid("kernel.load.ends", "a load of links has the columns source and target")
                .at("columns")
                .with("missing", name)
        })
    };
    let ends = [(End::Source, end_column("source")?), (End::Target, end_column("target")?)];
    let of_link = |name: &&str| *name != "source" && *name != "target";
    let names = load.columns.iter().map(String::as_str).filter(of_link);
    let columns = Columns::resolve(names, &|name| link_type.property(name)).map_err(|e| e.at("columns"))?;
    let mut types = types_of(&link_type.properties, &columns).into_iter();
    let mut by_column: Vec<Option<(usize, &DataType)>> =
        load.columns.iter().map(|name| if of_link(&name.as_str()) { types.next().flatten() } else { None }).collect();
    by_column.truncate(load.columns.len());
    let reader = RowReader::new(&link_type.properties);
    let mut seen = HashMap::with_capacity(load.rows.len());
    let mut judged = Judged { changes: Vec::with_capacity(load.rows.len()), rejections: Vec::new() };
    for row in &load.rows {
        let change = read_cells(row, &by_column, &load.columns).and_then(|set| {
            let [source, target] = ends.map(|(end, column)| read_end(schema, link_type, end, row.cells.get(column)));
            let link = LinkRef { link_type: Arc::clone(link_type), source: source?, target: target? };
            once(&mut seen, (link.source.clone(), link.target.clone()), row.line)?;
            let row = reader.whole(set)?;
            let op = match load.mode {
                LoadMode::Create => LinkOp::Create { row },
                LoadMode::Upsert => LinkOp::Upsert { row },
            };
            Ok(Change::Link(LinkChange { link, op }))
        });
        judged.note(row.line, change);
    }
    Ok(judged)
}

impl Judged {
    fn note(&mut self, line: u64, change: Result<Change>) {
        match change {
            Ok(change) => self.changes.push((line, change)),
            Err(error) => self.rejections.push(Rejection::of(line, &error)),
        }
    }
}

fn types_of<'a>(properties: &'a [Property], columns: &Columns) -> Vec<Option<(usize, &'a DataType)>> {
    columns.indexes().iter().map(|&index| properties.get(index).map(|property| (index, &property.data_type))).collect()
}

fn read_cells(row: &LoadRow, types: &[Option<(usize, &DataType)>], names: &[String]) -> Result<Vec<(usize, Value)>> {
    if row.cells.len() != types.len() {
        return Err(Error::invalid("kernel.load.cells", "the row has another number of cells than there are columns")
            .with("cells", row.cells.len())
            .with("columns", types.len()));
    }
    let mut set = Vec::with_capacity(row.cells.len());
    for ((cell, data_type), name) in row.cells.iter().zip(types).zip(names) {
        let Some((index, data_type)) = data_type else { continue };
        if let Some(value) = read_cell(cell, data_type).map_err(|e| e.at(name))? {
            set.push((*index, value));
        }
    }
    Ok(set)
}

fn read_cell(cell: &Cell, data_type: &DataType) -> Result<Option<Value>> {
    let value = match cell {
        Cell::Missing => return Ok(None),
        Cell::Text(text) if text.is_empty() => Value::Null,
        Cell::Text(text) => data_type.base.read_text(text)?,
        Cell::Json(json) => data_type.base.read(json)?,
        Cell::Value(value) if data_type.base.holds(value) => value.clone(),
        Cell::Value(_) => {
            return Err(Error::invalid("value.type_mismatch", "the value is of another type than the property")
                .with("expected", data_type.base.name()));
        }
    };
    data_type.check(&value)?;
    Ok(Some(value))
}

fn read_end(schema: &Schema, link_type: &LinkType, end: End, cell: Option<&Cell>) -> Result<Key> {
    let name = if end == End::Source { "source" } else { "target" };
    let object_type = schema
        .object_type_by_id(link_type.side(end).object_type)
        .ok_or_else(|| Error::internal("schema.inconsistent", "a link type without its object type"))?;
    let data_type = &object_type.key_property()?.data_type;
    let value = cell.map_or(Ok(None), |cell| read_cell(cell, data_type)).map_err(|e| e.at(name))?;
    value.as_ref().and_then(Key::from_value).ok_or_else(|| {
        Error::invalid("kernel.key.length", "a key is an integer or a string of 1 to 512 bytes")
            .at(name)
            .with("length_max", crate::KEY_LEN_MAX)
    })
}

fn once<K: std::hash::Hash + Eq>(seen: &mut HashMap<K, u64>, key: K, line: u64) -> Result<()> {
    match seen.insert(key, line) {
        None => Ok(()),
        Some(first) => Err(Error::invalid("kernel.load.twice", format!("the row repeats that of line {first}"))
            .with("first_line", first)),
    }
}

/// Loads rows: judges all of them, then commits what was accepted in one transaction.
///
/// # Errors
/// As [`judge`], and what the store answers when it fails as a whole. A row it refuses is a rejection, not an error.
pub(super) async fn run(
    committer: &Committer,
    ctx: &Context,
    schema: &Schema,
    load: Load,
    (id, at): (CommitId, Timestamp),
) -> Result<LoadReport> {
    let (rows, errors_max, reason) = (load.rows.len() as u64, load.errors_max, load.reason.clone());
    let Judged { mut changes, mut rejections } = judge(schema, load)?;
    let mut seq = None;
    while rejections.len() as u64 <= errors_max && !changes.is_empty() {
        let commits = pack(ctx, schema, &changes, (id, reason.as_deref()), at);
        match committer.commit_all(commits).await {
            Ok(receipts) => {
                seq = receipts.last().map(|receipt| receipt.seq);
                break;
            }
            Err((chunk, error)) => {
                let Some((index, line)) = line_of(&changes, chunk, &error) else { return Err(error) };
                rejections.push(Rejection::of(line, &error));
                changes.remove(index);
            }
        }
    }
    rejections.sort_by_key(|rejection| rejection.line);
    let rejected = rejections.len() as u64;
    rejections.truncate(REJECTIONS_MAX);
    let loaded = if seq.is_some() { rows - rejected } else { 0 };
    Ok(LoadReport { rows, loaded, rejected, rejections, seq })
}

/// Packs judged changes into commits whose ids follow from the load's, so that a repeat changes nothing.
fn pack(
    ctx: &Context,
    schema: &Schema,
    changes: &[(u64, Change)],
    load: (CommitId, Option<&str>),
    at: Timestamp,
) -> Vec<Commit> {
    let (id, reason) = load;
    let chunk = |(number, changes): (usize, &[(u64, Change)])| Commit {
        id: chunk_id(id, number),
        scope: ctx.scope(),
        schema_version: Some(schema.version),
        actor: ctx.actor().clone(),
        at,
        reason: reason.map(Arc::from),
        preconditions: Vec::new(),
        changes: changes.iter().map(|(_, change)| change.clone()).collect(),
        audit: AuditRecord { method: "kernel.load".into(), request_id: ctx.request_id() },
        events: Vec::new(),
    };
    changes.chunks(COMMIT_CHANGES_MAX).enumerate().map(chunk).collect()
}

/// The id of a load's n-th commit: the load's own for the first, else a UUID made of the hash of both (RFC 9562 version 8).
fn chunk_id(load: CommitId, number: usize) -> CommitId {
    if number == 0 {
        return load;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(load.uuid().as_bytes());
    hasher.update(&u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    CommitId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// The line of the row a commit of the load was refused for, from the change its error names.
fn line_of(changes: &[(u64, Change)], chunk: usize, error: &Error) -> Option<(usize, u64)> {
    let number = error.path()?.strip_prefix("changes[")?;
    let (number, _) = number.split_once(']')?;
    let index = chunk * COMMIT_CHANGES_MAX + number.parse::<usize>().ok()?;
    changes.get(index).map(|(line, _)| (index, *line))
}
