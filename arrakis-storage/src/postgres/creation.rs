//! Makes the table of a type when its first row is written, and the one of its superseded versions with it.

use arrakis_core::ontology::Schema;
use arrakis_core::{Result, Seq};

use super::connection::Fence;
use super::dialect::{PgDialect, quoted};
use super::error::corrupt;
use super::session::Session;
use super::statement;
use super::value::{Binder, RowReader};
use crate::sql::{self, IndexDefinition, Layout, ReadRow, Table, TableId, TableKind, seq_value};

/// A typed table to be made.
pub(super) struct Plan {
    pub(super) layout: Layout,
    pub(super) indexes: Vec<IndexDefinition>,
}

impl Plan {
    /// What the table of a type of the schema is like; `None` for a type it does not have.
    pub(super) fn of(schema: &Schema, id: TableId) -> Result<Option<Self>> {
        match id.kind {
            TableKind::Object => {
                let Some(object_type) = schema.object_types.iter().find(|of| of.id.0 == id.of) else { return Ok(None) };
                let indexes = sql::object_indexes(object_type)?;
                Ok(Some(Self { layout: Layout::of_object(object_type)?, indexes }))
            }
            TableKind::Link => {
                let Some(link_type) = schema.link_types.iter().find(|of| of.id.0 == id.of) else { return Ok(None) };
                let layout = Layout::of_link(link_type, sql::ends(schema, link_type)?)?;
                Ok(Some(Self { layout, indexes: vec![sql::link_index()] }))
            }
        }
    }
}

/// Makes a table with its indexes; answers its number.
pub(super) fn create(
    session: &mut Session<'_>,
    id: TableId,
    layout: &Layout,
    indexes: &[IndexDefinition],
    seq: Seq,
) -> Result<i64> {
    let number = create_bare(session, id, layout, seq)?;
    create_indexes(session, &Table::new(id.kind, number, true), indexes)?;
    Ok(number)
}

/// Makes a table without its indexes; answers its number.
pub(super) fn create_bare(session: &mut Session<'_>, id: TableId, layout: &Layout, seq: Seq) -> Result<i64> {
    let sql = match id.kind {
        TableKind::Object => statement::OBJECT_TABLE_INSERT,
        TableKind::Link => statement::LINK_TABLE_INSERT,
    };
    let values = Binder::default().bind(id.space.uuid())?.bind(i64::from(id.of))?.bind(seq_value(seq))?.done();
    let row = session.row(sql, values)?.ok_or_else(corrupt)?;
    let number = RowReader::new(&row).integer()?;
    let table = Table::new(id.kind, number, true);
    let mut statements = Vec::new();
    for superseded in [false, true] {
        statements.push(layout.create(&PgDialect, &table.names, superseded));
        if let Fence::Role(role) = &session.settings.options.fence {
            let name = quoted(if superseded { &table.names.superseded } else { &table.names.current });
            statements.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
            statements.push(format!(
                "CREATE POLICY tenant ON {name} FOR SELECT TO \"{role}\" \
                 USING (\"t\" = NULLIF(current_setting('arrakis.tenant', true), '')::bigint)"
            ));
            statements.push(format!("GRANT SELECT ON {name} TO \"{role}\""));
        }
    }
    session.run(statements.join("; "))?;
    Ok(number)
}

/// Makes the indexes of a table.
pub(super) fn create_indexes(session: &mut Session<'_>, table: &Table, indexes: &[IndexDefinition]) -> Result<()> {
    let both = [false, true].into_iter();
    let statements: Vec<_> = both
        .flat_map(|superseded| indexes.iter().map(move |index| index.create(&PgDialect, &table.names, superseded)))
        .collect();
    if statements.is_empty() { Ok(()) } else { session.run(statements.join("; ")) }
}
