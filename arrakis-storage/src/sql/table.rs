//! Typed tables: their names, and the statements that make and extend them.

use arrakis_core::ontology::{Index as PropertyIndex, LinkType, ObjectType, Property, Schema};
use arrakis_core::{BaseType, Error, Result, SpaceId};
use sea_query::{ColumnDef, ColumnType, DynIden, Index, IntoIden, Table};

use super::dialect::IndexShape;
use super::row::key_columns;
use super::{ColumnKind, Columns, Dialect};

/// What a typed table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TableKind {
    /// Objects of a type.
    Object,
    /// Links of a join-table backed type.
    Link,
}

/// Which typed table: of an object or link type of a space, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TableId {
    pub(crate) kind: TableKind,
    pub(crate) space: SpaceId,
    pub(crate) of: u32,
}

impl TableId {
    pub(crate) fn of_object(space: SpaceId, object_type: &ObjectType) -> Self {
        Self { kind: TableKind::Object, space, of: object_type.id.0 }
    }

    pub(crate) fn of_link(space: SpaceId, link_type: &LinkType) -> Self {
        Self { kind: TableKind::Link, space, of: link_type.id.0 }
    }
}

/// The names of a typed table and of the one that holds its superseded versions.
#[derive(Clone, Debug)]
pub(crate) struct TableNames {
    pub(crate) current: DynIden,
    pub(crate) superseded: DynIden,
    base: String,
    kind: TableKind,
}

impl TableNames {
    pub(crate) fn new(kind: TableKind, number: i64) -> Self {
        let base = match kind {
            TableKind::Object => format!("obj_{number}"),
            TableKind::Link => format!("lnk_{number}"),
        };
        Self { current: base.clone().into_iden(), superseded: format!("{base}_v").into_iden(), base, kind }
    }

    pub(crate) fn text(&self, superseded: bool) -> String {
        if superseded { format!("{}_v", self.base) } else { self.base.clone() }
    }

    /// The name of the current table, for statements that take it as a value.
    pub(crate) fn current_text(&self) -> &str {
        &self.base
    }
}

/// A secondary index: its name tells what it is over, so that two versions of a schema are compared by names.
#[derive(Clone, Debug)]
pub(crate) struct IndexDefinition {
    suffix: String,
    columns: Vec<DynIden>,
}

impl IndexDefinition {
    pub(crate) fn suffix(&self) -> &str {
        &self.suffix
    }

    /// Whether values of this column are found by it.
    pub(crate) fn leads_with(&self, column: &DynIden) -> bool {
        self.columns.first() == Some(column)
    }

    pub(crate) fn name(&self, names: &TableNames, superseded: bool) -> String {
        format!("{}_{}", names.text(superseded), self.suffix)
    }

    pub(crate) fn create(&self, dialect: &dyn Dialect, names: &TableNames, superseded: bool) -> String {
        let table = if superseded { names.superseded.clone() } else { names.current.clone() };
        let mut keys: Vec<_> = key_columns(names.kind).iter().skip(1).copied().collect();
        keys.extend(superseded.then_some("rev_to"));
        let (name, columns) = (self.name(names, superseded), self.columns.clone());
        dialect.create_index(&IndexShape { name, table, columns, keys })
    }

    pub(crate) fn drop(&self, dialect: &dyn Dialect, names: &TableNames, superseded: bool) -> String {
        dialect.drop_index(Index::drop().name(self.name(names, superseded)))
    }
}

/// The secondary indexes of an object type's table.
pub(crate) fn object_indexes(object_type: &ObjectType) -> Result<Vec<IndexDefinition>> {
    object_indexes_where(object_type, |_| true)
}

/// Some of the secondary indexes of an object type's table.
pub(crate) fn object_indexes_where(
    object_type: &ObjectType,
    wanted: impl Fn(&PropertyIndex) -> bool,
) -> Result<Vec<IndexDefinition>> {
    let columns = Columns::of_object(object_type);
    let mut definitions: Vec<IndexDefinition> = Vec::new();
    for index in object_type.indexes.iter().filter(|index| wanted(index)) {
        let definition = object_index(columns, object_type, index)?;
        if definitions.iter().all(|other| other.suffix != definition.suffix) {
            definitions.push(definition);
        }
    }
    Ok(definitions)
}

fn object_index(columns: Columns<'_>, object_type: &ObjectType, index: &PropertyIndex) -> Result<IndexDefinition> {
    let mut suffix = String::from("i");
    let mut over = Vec::new();
    for &property in &index.properties {
        over.push(columns.name(property)?);
        if matches!(columns.base(property)?, BaseType::Geopoint) {
            over.push(columns.longitude(property)?);
        }
        let number = object_type.properties.get(property).map(|property| property.column).unwrap_or_default();
        suffix.push('_');
        suffix.push_str(&number.to_string());
    }
    Ok(IndexDefinition { suffix, columns: over })
}

/// The index of a link table that finds links from their target.
pub(crate) fn link_index() -> IndexDefinition {
    IndexDefinition { suffix: "by_target".to_owned(), columns: vec!["b".into_iden(), "a".into_iden()] }
}

/// The columns of a typed table.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The keys but the tenant.
    pub(crate) keys: Vec<(DynIden, ColumnKind)>,
    /// What holds properties, those of properties that are gone included.
    pub(crate) properties: Vec<(DynIden, ColumnKind)>,
}

impl Layout {
    pub(crate) fn of_object(object_type: &ObjectType) -> Result<Self> {
        let kind = ColumnKind::of(&object_type.key_property()?.data_type.base);
        let properties = Columns::of_object(object_type).stored().collect();
        Ok(Self { keys: vec![("k".into_iden(), kind)], properties })
    }

    /// `ends` are the types at the source and the target.
    pub(crate) fn of_link(link_type: &LinkType, ends: (&ObjectType, &ObjectType)) -> Result<Self> {
        let kind = |of: &ObjectType| of.key_property().map(|key| ColumnKind::of(&key.data_type.base));
        let keys = vec![("a".into_iden(), kind(ends.0)?), ("b".into_iden(), kind(ends.1)?)];
        Ok(Self { keys, properties: Columns::of_link(link_type).stored().collect() })
    }

    pub(crate) fn property_names(self) -> Vec<DynIden> {
        self.properties.into_iter().map(|(name, _)| name).collect()
    }

    /// Makes the table of current rows, or of superseded versions.
    pub(crate) fn create(&self, dialect: &dyn Dialect, names: &TableNames, superseded: bool) -> String {
        let table = if superseded { names.superseded.clone() } else { names.current.clone() };
        let required = |name: DynIden, kind| column(dialect, name, kind).not_null().take();
        let mut primary_key = Index::create();
        primary_key.col("t");
        let mut statement = Table::create();
        statement.table(table).col(required("t".into_iden(), ColumnKind::Integer));
        for (name, kind) in &self.keys {
            statement.col(required(name.clone(), *kind));
            primary_key.col(name.clone());
        }
        statement.col(required("rev".into_iden(), ColumnKind::Integer));
        if superseded {
            statement.col(required("rev_to".into_iden(), ColumnKind::Integer));
            primary_key.col("rev_to");
        }
        for (name, kind) in &self.properties {
            statement.col(column(dialect, name.clone(), *kind));
        }
        statement.primary_key(&mut primary_key);
        if let Some(suffix) = dialect.table_suffix() {
            statement.extra(suffix);
        }
        dialect.create_table(&statement)
    }
}

/// Adds a column to a table.
pub(crate) fn add_column(dialect: &dyn Dialect, table: &DynIden, name: DynIden, kind: ColumnKind) -> String {
    dialect.alter_table(Table::alter().table(table.clone()).add_column(column(dialect, name, kind)))
}

fn column(dialect: &dyn Dialect, name: DynIden, kind: ColumnKind) -> ColumnDef {
    ColumnDef::new_with_type(name, ColumnType::custom(dialect.column_type(kind)))
}

/// The number a type was given in the store is missing: nothing was published for it.
pub(crate) fn missing_table() -> Error {
    Error::internal("store.table.missing", "a type has no table: its schema was not published here")
}

/// Whether a version of a type has no longer a column that the one before had.
pub(crate) fn loses_columns(before: &[Property], after: &[Property]) -> bool {
    before.iter().any(|before| after.iter().all(|after| after.column != before.column))
}

/// Whether two versions of a type have the same columns.
pub(crate) fn same_columns(before: &[Property], after: &[Property]) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(before, after)| before.column == after.column)
}

/// The object types at the source and the target of a link type.
pub(crate) fn ends<'s>(schema: &'s Schema, link_type: &LinkType) -> Result<(&'s ObjectType, &'s ObjectType)> {
    let end = |id| {
        let object_type = schema.object_type_by_id(id).map(|object_type| &**object_type);
        object_type.ok_or_else(|| Error::internal("schema.inconsistent", "a link type without its object type"))
    };
    Ok((end(link_type.source.object_type)?, end(link_type.target.object_type)?))
}
