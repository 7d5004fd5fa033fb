//! Rows to changes: columns looked up once, every row judged. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::distinct::Distinct;
use super::{Cell, LOAD_COLUMNS_MAX, Load, LoadMode, LoadRow, LoadTarget, SOURCE, TARGET, fit, order};
use crate::commit::{LinkChange, LinkOp, LinkRef, ObjectOp};
use crate::kernel::edit::dangling;
use crate::kernel::edit::{Held, Template, held, key_of, link_change, link_set, object_change, settable};
use crate::kernel::resolve::{ForeignKey, foreign_keys};
use crate::kernel::{LinkEnds, resolve};
use crate::ontology::{Backing, End, LinkType, ObjectType, Property, Schema};
use crate::{Change, DataType, Error, Key, Result, Value};

/// What a load is of, its columns looked up.
#[derive(Debug)]
pub(in crate::kernel) struct LoadPlan<'a> {
    schema: &'a Schema,
    pub(in crate::kernel) target: Target<'a>,
    columns: Vec<Column<'a>>,
    template: Template<'a>,
    mode: LoadMode,
}

/// What a load is of.
#[derive(Debug)]
pub(in crate::kernel) enum Target<'a> {
    Objects {
        object_type: &'a Arc<ObjectType>,
        /// The properties of which no two objects share a value.
        unique: Vec<usize>,
        /// The foreign keys, with the types they refer to.
        references: Vec<(usize, &'a Arc<ObjectType>)>,
    },
    Links {
        link_type: &'a Arc<LinkType>,
        source: &'a Arc<ObjectType>,
        target: &'a Arc<ObjectType>,
    },
}

#[derive(Clone, Copy, Debug)]
enum Column<'a> {
    Property(usize, &'a Property),
    End(End, &'a DataType),
}

/// Rows judged.
#[derive(Debug, Default)]
pub(in crate::kernel) struct Judged {
    /// The position of each row that passed, and its change, in the order they are to be applied.
    pub(in crate::kernel) changes: Vec<(usize, Change)>,
    /// The position of each row that did not, and why.
    pub(in crate::kernel) faults: Vec<(usize, Error)>,
}

impl<'a> LoadPlan<'a> {
    /// Looks the type and the columns up.
    ///
    /// # Errors
    /// `kernel.*.unknown`, `kernel.property.derived`, `kernel.load.columns`, each with the path into the request.
    pub(in crate::kernel) fn new(schema: &'a Schema, load: &Load) -> Result<Self> {
        if load.columns.len() > LOAD_COLUMNS_MAX {
            return Err(misfit("the load has too many columns").with("columns_max", LOAD_COLUMNS_MAX));
        }
        let (target, properties) = match &load.into {
            LoadTarget::Objects(name) => {
                let object_type = schema.object_type(name).map_err(|e| e.at("into.objects"))?;
                (objects(schema, object_type)?, &object_type.properties)
            }
            LoadTarget::Links(name) => {
                let link_type = schema.link_type(name).map_err(|e| e.at("into.links"))?;
                let source = resolve::object_type_at(schema, link_type, End::Source)?;
                let target = resolve::object_type_at(schema, link_type, End::Target)?;
                (Target::Links { link_type, source, target }, &link_type.properties)
            }
        };
        let mut columns = Vec::with_capacity(load.columns.len());
        for (index, name) in load.columns.iter().enumerate() {
            let at = |e: Error| e.at(format!("columns[{index}]"));
            if load.columns.iter().take(index).any(|earlier| earlier == name) {
                return Err(at(Error::invalid("kernel.property.twice", "the column is named twice")));
            }
            columns.push(target.column(name).map_err(at)?);
        }
        let plan = Self { schema, target, columns, template: Template::new(properties), mode: load.mode };
        plan.check_complete()?;
        Ok(plan)
    }

    fn check_complete(&self) -> Result<()> {
        let names = |wanted: &dyn Fn(&Column<'_>) -> bool| self.columns.iter().any(wanted);
        match &self.target {
            Target::Objects { object_type, .. } => {
                if !names(&|column| matches!(column, Column::Property(index, _) if *index == object_type.primary_key)) {
                    return Err(
                        misfit("no column is the primary key").with("property", &object_type.key_property()?.api_name)
                    );
                }
            }
            Target::Links { .. } => {
                for (wanted, name) in [(End::Source, SOURCE), (End::Target, TARGET)] {
                    if !names(&|column| matches!(column, Column::End(end, _) if *end == wanted)) {
                        let message = "a load of links has the columns source and target";
                        return Err(Error::invalid("kernel.load.ends", message).with("missing", name).at("columns"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Judges every row but those passed over.
    pub(in crate::kernel) fn judge(&self, rows: &[LoadRow], passed_over: &dyn Fn(usize) -> bool) -> Judged {
        let mut judged = Judged { changes: Vec::with_capacity(rows.len()), faults: Vec::new() };
        let mut seen = Seen::default();
        for (index, row) in rows.iter().enumerate().filter(|(index, _)| !passed_over(*index)) {
            match self.row(row).and_then(|change| seen.check(&self.target, row.line, change)) {
                Ok(change) => judged.changes.push((index, change)),
                Err(fault) => judged.faults.push((index, fault)),
            }
        }
        self.reorder(&mut judged.changes);
        judged
    }

    /// A refusal by the store under the names of the load: of a link held in a property the store names the property, or, where the
    /// holder does not exist, the holder alone.
    pub(in crate::kernel) fn told_by_column(&self, refusal: Error) -> Error {
        let Target::Links { link_type, .. } = &self.target else { return refusal };
        let Backing::ForeignKey { holder, .. } = link_type.backing else { return refusal };
        if refusal.code() == "kernel.object.absent" {
            return dangling(&refusal).at(column_of(holder));
        }
        refusal.without_path().at(column_of(holder.far()))
    }

    fn row(&self, row: &LoadRow) -> Result<Change> {
        if row.cells.len() != self.columns.len() {
            return Err(Error::invalid(
                "kernel.load.cells",
                "the row has another number of cells than there are columns",
            )
            .with("cells", row.cells.len())
            .with("columns", self.columns.len()));
        }
        let mut given = Vec::with_capacity(row.cells.len());
        let (mut source, mut target) = (Value::Null, Value::Null);
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            match column {
                Column::Property(index, property) => {
                    let value = read(&property.data_type, cell).map_err(|e| e.at(&property.api_name))?;
                    if let Some(value) = value {
                        given.push((*index, value));
                    }
                }
                Column::End(End::Source, data_type) => {
                    source = read(data_type, cell).map_err(|e| e.at(SOURCE))?.unwrap_or_default();
                }
                Column::End(End::Target, data_type) => {
                    target = read(data_type, cell).map_err(|e| e.at(TARGET))?.unwrap_or_default();
                }
            }
        }
        match &self.target {
            Target::Objects { object_type, .. } => self.object(object_type, given),
            Target::Links { link_type, .. } => {
                let ends = LinkEnds { source: end_key(&source, SOURCE)?, target: end_key(&target, TARGET)? };
                self.link(link_type, ends, given)
            }
        }
    }

    fn object(&self, object_type: &Arc<ObjectType>, mut given: Vec<(usize, Value)>) -> Result<Change> {
        match self.mode {
            LoadMode::Create => {
                let row = self.template.row(given.into_iter())?;
                let key = key_of(object_type, &row)?;
                Ok(object_change(object_type, key, ObjectOp::Create { row }))
            }
            LoadMode::Upsert => {
                let row = self.template.row(given.iter().cloned())?;
                let key = key_of(object_type, &row)?;
                given.retain(|(index, _)| *index != object_type.primary_key);
                Ok(object_change(object_type, key, ObjectOp::Upsert { row, set: given }))
            }
        }
    }

    fn link(&self, link_type: &Arc<LinkType>, ends: LinkEnds, given: Vec<(usize, Value)>) -> Result<Change> {
        if let Backing::ForeignKey { .. } = link_type.backing {
            let Held { holder, holder_key, far_key, property } = held(self.schema, link_type, ends)?;
            let set = vec![link_set(holder, property, Some(&far_key), link_type)?];
            return Ok(object_change(holder, holder_key, ObjectOp::Modify { set }));
        }
        let row = self.template.row(given.into_iter())?;
        let op = match self.mode {
            LoadMode::Create => LinkOp::Create { row },
            LoadMode::Upsert => LinkOp::Upsert { row },
        };
        Ok(link_change(link_type, ends, op))
    }

    /// Puts objects after those of their own type they refer to, for references are judged commit by commit.
    fn reorder(&self, changes: &mut Vec<(usize, Change)>) {
        let Target::Objects { object_type, references, .. } = &self.target else { return };
        let own: Vec<usize> =
            references.iter().filter(|(_, to)| to.id == object_type.id).map(|(index, _)| *index).collect();
        if own.is_empty() {
            return;
        }
        let refers = |(_, change): &(usize, Change)| match change {
            Change::Object(change) => {
                let row = row_of(&change.op).unwrap_or_default();
                let to = own.iter().filter_map(|index| row.get(*index)).filter_map(Key::from_value).collect();
                (change.object.key.clone(), to)
            }
            Change::Link(_) | Change::Tenancy(_) | Change::Publish(_) => (Key::Integer(0), Vec::new()),
        };
        let rows: Vec<_> = changes.iter().map(refers).collect();
        let mut slots: Vec<Option<(usize, Change)>> = std::mem::take(changes).into_iter().map(Some).collect();
        changes.extend(order::referred_first(&rows).into_iter().filter_map(|index| slots.get_mut(index)?.take()));
    }
}

/// The row an object is created with.
pub(in crate::kernel) fn row_of(op: &ObjectOp) -> Option<&[Value]> {
    match op {
        ObjectOp::Create { row } | ObjectOp::Upsert { row, .. } => Some(row),
        ObjectOp::Modify { .. } | ObjectOp::Delete => None,
    }
}

const fn column_of(end: End) -> &'static str {
    match end {
        End::Source => SOURCE,
        End::Target => TARGET,
    }
}

fn misfit(message: &'static str) -> Error {
    Error::invalid("kernel.load.columns", message).at("columns")
}

fn objects<'a>(schema: &'a Schema, object_type: &'a Arc<ObjectType>) -> Result<Target<'a>> {
    let indexes = object_type.indexes.iter().filter(|index| index.unique);
    let mut unique: Vec<usize> = indexes.filter_map(|index| index.properties.first().copied()).collect();
    let mut references = Vec::new();
    for ForeignKey { property, far_type, is_exclusive } in foreign_keys(schema, object_type)? {
        references.push((property, far_type));
        if is_exclusive && !unique.contains(&property) {
            unique.push(property);
        }
    }
    Ok(Target::Objects { object_type, unique, references })
}

impl<'a> Target<'a> {
    fn column(&self, name: &str) -> Result<Column<'a>> {
        match self {
            Self::Objects { object_type, .. } => {
                let (index, property) = object_type.property(name)?;
                Ok(Column::Property(index, settable(property)?))
            }
            Self::Links { source, .. } if name == SOURCE => {
                Ok(Column::End(End::Source, &source.key_property()?.data_type))
            }
            Self::Links { target, .. } if name == TARGET => {
                Ok(Column::End(End::Target, &target.key_property()?.data_type))
            }
            Self::Links { link_type, .. } => {
                let (index, property) = link_type.property(name)?;
                Ok(Column::Property(index, settable(property)?))
            }
        }
    }
}

/// The value of a cell; `None` when it is not given.
fn read(data_type: &DataType, cell: &Cell) -> Result<Option<Value>> {
    let value = match cell {
        Cell::Missing => return Ok(None),
        Cell::Text(text) if text.is_empty() => return Ok(Some(Value::Null)),
        Cell::Text(text) => data_type.base.read_text(text)?,
        Cell::Json(json) => data_type.base.read(json)?,
        Cell::Value(value) => {
            fit::check(&data_type.base, value)?;
            value.clone()
        }
    };
    data_type.check(&value)?;
    Ok(Some(value))
}

fn end_key(value: &Value, column: &str) -> Result<Key> {
    Key::from_value(value).ok_or_else(|| {
        Error::invalid("kernel.key.length", "a key is an integer or a string of 1 to 512 bytes")
            .with("length_max", crate::KEY_LEN_MAX)
            .at(column)
    })
}

/// What the rows before have, by the line they stand on.
#[derive(Debug, Default)]
struct Seen {
    objects: HashMap<Key, u64>,
    links: HashMap<LinkEnds, u64>,
    unique: HashMap<(usize, Distinct), u64>,
}

impl Seen {
    fn check(&mut self, target: &Target<'_>, line: u64, change: Change) -> Result<Change> {
        let repeated = |first: u64| {
            Err(Error::invalid("kernel.load.twice", format!("the row repeats that of line {first}"))
                .with("first_line", first))
        };
        match &change {
            Change::Object(object) => {
                if let Some(first) = self.objects.get(&object.object.key) {
                    return repeated(*first);
                }
                self.check_unique(target, line, row_of(&object.op).unwrap_or_default())?;
                self.objects.insert(object.object.key.clone(), line);
            }
            Change::Link(LinkChange { link: LinkRef { source, target, .. }, .. }) => {
                let ends = LinkEnds { source: source.clone(), target: target.clone() };
                if let Some(first) = self.links.get(&ends) {
                    return repeated(*first);
                }
                self.links.insert(ends, line);
            }
            Change::Tenancy(_) | Change::Publish(_) => {}
        }
        Ok(change)
    }

    fn check_unique(&mut self, target: &Target<'_>, line: u64, row: &[Value]) -> Result<()> {
        let Target::Objects { object_type, unique, .. } = target else { return Ok(()) };
        let held = |property: &usize| row.get(*property).and_then(Distinct::of).map(|value| (*property, value));
        let values: Vec<_> = unique.iter().filter_map(held).collect();
        for value in &values {
            if let Some(first) = self.unique.get(value) {
                let name = object_type.names.get(value.0).map(ToString::to_string).unwrap_or_default();
                return Err(Error::conflict(
                    "kernel.object.not_unique",
                    format!("the value is on line {first} already"),
                )
                .with("first_line", *first)
                .at(name));
            }
        }
        self.unique.extend(values.into_iter().map(|value| (value, line)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::fixture::schema;

    fn text(line: u64, cells: &[&str]) -> LoadRow {
        LoadRow { line, cells: cells.iter().map(|cell| Cell::Text((*cell).into())).collect() }
    }

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn judged(load: &Load) -> Judged {
        LoadPlan::new(&schema(), load).unwrap().judge(&load.rows, &|_| false)
    }

    #[test]
    fn cells_are_read_by_the_type_of_their_column() {
        let cells = vec![
            Cell::Text("SFO".into()),
            Cell::Json(json!("San Francisco")),
            Cell::Text("13".into()),
            Cell::Value(Value::Boolean(true)),
            Cell::Text("".into()),
            Cell::Missing,
        ];
        let names = columns(&["iata", "name", "elevation", "active", "state", "ratio"]);
        let load = Load::objects("Airport", names, vec![LoadRow { line: 2, cells }]);
        let judged = judged(&load);
        let [(0, Change::Object(change))] = judged.changes.as_slice() else { panic!("{judged:?}") };
        let ObjectOp::Upsert { row, set } = &change.op else { panic!("an upsert") };
        assert_eq!(change.object.key, Key::from("SFO"));
        assert_eq!((&row[4], &row[7], &row[5]), (&Value::Integer(13), &Value::Boolean(true), &Value::Null));
        assert_eq!(set.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 4, 7, 2]);
    }

    #[test]
    fn every_row_at_fault_is_found_with_its_column() {
        let mut load = Load::objects(
            "Airport",
            columns(&["iata", "name", "elevation", "code"]),
            vec![
                text(2, &["AAA", "a", "1", "u"]),
                text(3, &["BBB", "", "1", ""]),
                text(4, &["CCC", "c", "x", ""]),
                text(5, &["AAA", "a", "1", ""]),
                text(6, &["DDD", "d", "1", "u"]),
                text(7, &["EEE", "e", "1"]),
                text(8, &["", "f", "1", ""]),
                LoadRow {
                    line: 9,
                    cells: vec![
                        Cell::Text("GGG".into()),
                        Cell::Text("g".into()),
                        Cell::Value(Value::Double(1.0)),
                        Cell::Missing,
                    ],
                },
                text(10, &["HHH", "h", "", ""]),
            ],
        );
        load.mode = LoadMode::Create;
        let judged = judged(&load);
        let faults: Vec<_> = judged.faults.iter().map(|(row, fault)| (*row, fault.code(), fault.path())).collect();
        assert_eq!(
            faults,
            [
                (1, "kernel.property.required", Some("name")),
                (2, "value.type_mismatch", Some("elevation")),
                (3, "kernel.load.twice", None),
                (4, "kernel.object.not_unique", Some("code")),
                (5, "kernel.load.cells", None),
                (6, "kernel.property.required", Some("iata")),
                (7, "value.type_mismatch", Some("elevation")),
            ]
        );
        assert_eq!(judged.changes.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 8]);
    }

    #[test]
    fn links_of_both_backings_load_by_their_ends() {
        let load = Load::links(
            "Route",
            columns(&["target", "flights", "source"]),
            vec![text(1, &["JFK", "3", "SFO"]), text(2, &["JFK", "4", "SFO"]), text(3, &["JFK", "4", ""])],
        );
        let routes = judged(&load);
        let [(0, Change::Link(change))] = routes.changes.as_slice() else { panic!("{routes:?}") };
        assert_eq!((change.link.source.to_string(), change.link.target.to_string()), ("SFO".into(), "JFK".into()));
        let faults: Vec<_> = routes.faults.iter().map(|(_, fault)| (fault.code(), fault.path())).collect();
        assert_eq!(faults, [("kernel.load.twice", None), ("kernel.key.length", Some("source"))]);

        let load = Load::links("StateOfAirport", columns(&["source", "target"]), vec![text(1, &["SFO", "CA"])]);
        let held = judged(&load);
        let [(0, Change::Object(change))] = held.changes.as_slice() else { panic!("{held:?}") };
        assert!(matches!(&change.op, ObjectOp::Modify { set } if *set == [(2, Value::string("CA"))]));
    }

    #[test]
    fn columns_at_fault_refuse_the_load_as_a_whole() {
        let objects = |names: &[&str]| Load::objects("Airport", columns(names), Vec::new());
        let links = |names: &[&str]| Load::links("Route", columns(names), Vec::new());
        for (load, code, path) in [
            (objects(&["iata", "nam"]), "kernel.property.unknown", "columns[1]"),
            (objects(&["iata", "title"]), "kernel.property.derived", "columns[1]"),
            (objects(&["iata", "name", "iata"]), "kernel.property.twice", "columns[2]"),
            (objects(&["name"]), "kernel.load.columns", "columns"),
            (links(&["source", "flights"]), "kernel.load.ends", "columns"),
            (links(&["source", "target", "iata"]), "kernel.property.unknown", "columns[2]"),
            (Load::links("Airport", Vec::new(), Vec::new()), "kernel.link_type.unknown", "into.links"),
        ] {
            let schema = schema();
            let error = LoadPlan::new(&schema, &load).unwrap_err();
            assert_eq!((error.code(), error.path()), (code, Some(path)));
        }
    }
}
