//! Statements on many rows at once. Names in them are made of numbers, values are bound as arrays.

use sea_query::DynIden;

use super::dialect::quoted;
use crate::sql::{ColumnKind, Columns, Layout, Table, TableKind};

/// Statements on many rows of a table under one version of its type. `stored` are the columns of the properties in the order of
/// [`Columns::stored`]; the keys are the tenant and the row's own.
#[derive(Debug)]
pub(super) struct ManyText {
    /// Binds a tenant and a list of keys; answers the key, the revision and stored. Objects only.
    pub(super) get: String,
    /// The same as of a commit, which is bound last.
    pub(super) get_at: String,
    /// Binds lists of the keys; answers the keys, the revision and stored.
    pub(super) find: String,
    /// Binds lists of the keys, the revision and stored.
    pub(super) insert: String,
    /// Takes the same as rows that are copied.
    pub(super) copy: String,
    /// Binds lists of the keys, the revision and stored; clears what belongs to properties that are gone.
    pub(super) update: String,
    /// Binds lists of the keys.
    pub(super) delete: String,
    /// Copies rows to the superseded versions. Binds lists of the keys and of the revision that ends each.
    pub(super) supersede: String,
    /// Inserts superseded versions. Binds lists of the keys, the revision, the one that ends it and stored.
    pub(super) past: String,
    /// How the keys are stored, the tenant first.
    pub(super) keys: Vec<ColumnKind>,
    /// How stored is.
    pub(super) stored: Vec<ColumnKind>,
    /// The stored columns as they are read, but for the row they are of: `None` for one that is not there yet.
    readable: Vec<Option<String>>,
}

/// The names of a table's columns.
struct Names<'a> {
    current: String,
    superseded: String,
    keys: &'static [&'static str],
    key_kinds: Vec<ColumnKind>,
    stored: Vec<(DynIden, ColumnKind)>,
    layout: &'a Layout,
}

impl ManyText {
    pub(super) fn new(kind: TableKind, table: &Table, layout: &Layout, columns: Columns<'_>) -> Self {
        let key_kinds = std::iter::once(ColumnKind::Integer).chain(layout.keys.iter().map(|(_, kind)| *kind)).collect();
        let names = Names {
            current: quoted(&table.names.current),
            superseded: quoted(&table.names.superseded),
            keys: key_names(kind),
            key_kinds,
            stored: columns.stored().collect(),
            layout,
        };
        Self {
            get: names.get(),
            get_at: names.get_at(),
            find: names.find(),
            insert: names.insert(),
            copy: names.copy(),
            update: names.update(),
            delete: names.delete(),
            supersede: names.supersede(),
            past: names.past(),
            stored: names.stored.iter().map(|(_, kind)| *kind).collect(),
            readable: names.readable(),
            keys: names.key_kinds,
        }
    }

    /// The stored columns of a row as they are read, in order: one that is not there yet is absent.
    pub(super) fn stored_of(&self, row: &str) -> Vec<String> {
        stored_of(&self.readable, &self.stored, row)
    }
}

/// The columns a table's rows are found by, the tenant first.
pub(super) const fn key_names(kind: TableKind) -> &'static [&'static str] {
    match kind {
        TableKind::Object => &["t", "k"],
        TableKind::Link => &["t", "a", "b"],
    }
}

impl Names<'_> {
    fn stored_names(&self) -> Vec<String> {
        self.stored.iter().map(|(name, _)| quoted(name)).collect()
    }

    fn readable(&self) -> Vec<Option<String>> {
        let is_there = |name: &DynIden| self.layout.properties.iter().any(|(own, _)| own == name);
        self.stored.iter().map(|(name, _)| is_there(name).then(|| quoted(name))).collect()
    }

    fn stored_of(&self, row: &str) -> Vec<String> {
        let kinds: Vec<_> = self.stored.iter().map(|(_, kind)| *kind).collect();
        stored_of(&self.readable(), &kinds, row)
    }

    fn key_list(&self, row: &str) -> Vec<String> {
        self.keys.iter().map(|key| format!("{row}\"{key}\"")).collect()
    }

    /// `UNNEST` of one bound list per column.
    fn lists(kinds: impl IntoIterator<Item = ColumnKind>) -> String {
        let each = kinds.into_iter().enumerate().map(|(index, kind)| format!("${}::{}[]", index + 1, type_name(kind)));
        format!("UNNEST({})", each.collect::<Vec<_>>().join(", "))
    }

    fn joined(&self) -> String {
        let each = self.keys.iter().map(|key| format!("o.\"{key}\" = u.\"{key}\""));
        each.collect::<Vec<_>>().join(" AND ")
    }

    /// What a whole row binds: the keys, the revision and stored.
    fn row_kinds(&self) -> Vec<ColumnKind> {
        let revision = [ColumnKind::Integer];
        self.key_kinds.iter().copied().chain(revision).chain(self.stored.iter().map(|(_, kind)| *kind)).collect()
    }

    fn row_names(&self) -> String {
        let names = self.key_list("").into_iter().chain(["\"rev\"".to_owned()]).chain(self.stored_names());
        names.collect::<Vec<_>>().join(", ")
    }

    fn get(&self) -> String {
        self.get_from(&self.current, "")
    }

    fn get_at(&self) -> String {
        let now = self.get_from(&self.current, " AND \"rev\" <= $3");
        let then = self.get_from(&self.superseded, " AND \"rev\" <= $3 AND \"rev_to\" > $3");
        format!("{now} UNION ALL {then}")
    }

    fn get_from(&self, table: &str, condition: &str) -> String {
        let columns = ["\"k\"".to_owned(), "\"rev\"".to_owned()].into_iter().chain(self.stored_of(""));
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("SELECT {columns} FROM {table} WHERE \"t\" = $1 AND \"k\" = ANY($2){condition}")
    }

    fn find(&self) -> String {
        let columns = self.key_list("o.").into_iter().chain(["o.\"rev\"".to_owned()]).chain(self.stored_of("o."));
        format!(
            "SELECT {} FROM {} AS u ({}) JOIN {} AS o ON {}",
            columns.collect::<Vec<_>>().join(", "),
            Self::lists(self.key_kinds.iter().copied()),
            self.key_list("").join(", "),
            self.current,
            self.joined()
        )
    }

    fn insert(&self) -> String {
        let lists = Self::lists(self.row_kinds());
        format!("INSERT INTO {} ({}) SELECT * FROM {lists}", self.current, self.row_names())
    }

    fn copy(&self) -> String {
        format!("COPY {} ({}) FROM STDIN (FORMAT binary)", self.current, self.row_names())
    }

    fn update(&self) -> String {
        let own = self.stored_names();
        let mut set = vec!["\"rev\" = u.\"rev\"".to_owned()];
        set.extend(own.iter().map(|name| format!("{name} = u.{name}")));
        let gone = self.layout.properties.iter().map(|(name, _)| quoted(name)).filter(|name| !own.contains(name));
        set.extend(gone.map(|name| format!("{name} = NULL")));
        format!(
            "UPDATE {} AS o SET {} FROM {} AS u ({}) WHERE {}",
            self.current,
            set.join(", "),
            Self::lists(self.row_kinds()),
            self.row_names(),
            self.joined()
        )
    }

    fn delete(&self) -> String {
        let lists = Self::lists(self.key_kinds.iter().copied());
        let keys = self.key_list("").join(", ");
        format!("DELETE FROM {} AS o USING {lists} AS u ({keys}) WHERE {}", self.current, self.joined())
    }

    fn supersede(&self) -> String {
        let every = |row: &str| -> String {
            self.layout.properties.iter().fold(String::new(), |listed, (name, _)| listed + ", " + row + &quoted(name))
        };
        let (into, from) = (every(""), every("o."));
        format!(
            "INSERT INTO {} ({}, \"rev\", \"rev_to\"{into}) SELECT {}, o.\"rev\", u.\"rev_to\"{from} \
             FROM {} AS u ({}, \"rev_to\") JOIN {} AS o ON {}",
            self.superseded,
            self.key_list("").join(", "),
            self.key_list("o.").join(", "),
            Self::lists(self.key_kinds.iter().copied().chain([ColumnKind::Integer])),
            self.key_list("").join(", "),
            self.current,
            self.joined()
        )
    }

    fn past(&self) -> String {
        let mut names = self.key_list("");
        names.extend(["\"rev\"".to_owned(), "\"rev_to\"".to_owned()]);
        names.extend(self.stored_names());
        let ended = [ColumnKind::Integer, ColumnKind::Integer];
        let kinds = self.key_kinds.iter().copied().chain(ended).chain(self.stored.iter().map(|(_, kind)| *kind));
        format!("INSERT INTO {} ({}) SELECT * FROM {}", self.superseded, names.join(", "), Self::lists(kinds))
    }
}

fn stored_of(readable: &[Option<String>], kinds: &[ColumnKind], row: &str) -> Vec<String> {
    let read = |(name, kind): (&Option<String>, &ColumnKind)| match name {
        Some(name) => format!("{row}{name}"),
        None => format!("NULL::{}", type_name(*kind)),
    };
    readable.iter().zip(kinds).map(read).collect()
}

pub(super) const fn type_name(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Integer => "bigint",
        ColumnKind::Real => "double precision",
        ColumnKind::Text => "text",
        ColumnKind::Blob => "bytea",
    }
}

#[cfg(test)]
mod tests {
    use arrakis_core::ontology::{NewOntology, Schema};

    use super::*;

    #[test]
    fn a_row_moves_whole_and_what_is_gone_is_cleared() {
        let text = "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: n, type: integer}]}]";
        let schema = Schema::first(NewOntology::from_text(text).unwrap()).unwrap();
        let object_type = &schema.object_types[0];
        let mut layout = Layout::of_object(object_type).unwrap();
        layout.properties.push((sea_query::IntoIden::into_iden("p9"), ColumnKind::Text));
        let table = Table::new(TableKind::Object, 5, true);
        let many = ManyText::new(TableKind::Object, &table, &layout, Columns::of_object(object_type));
        let n = layout.properties[0].0.to_string();
        assert_eq!(
            many.supersede,
            format!(
                "INSERT INTO \"obj_5_v\" (\"t\", \"k\", \"rev\", \"rev_to\", \"{n}\", \"p9\") SELECT o.\"t\", o.\"k\", o.\"rev\", \
                 u.\"rev_to\", o.\"{n}\", o.\"p9\" FROM UNNEST($1::bigint[], $2::text[], $3::bigint[]) AS u (\"t\", \"k\", \"rev_to\") \
                 JOIN \"obj_5\" AS o ON o.\"t\" = u.\"t\" AND o.\"k\" = u.\"k\""
            )
        );
        assert!(many.update.contains("\"p9\" = NULL"), "{}", many.update);
        assert!(!many.insert.contains("p9"), "{}", many.insert);
    }
}
