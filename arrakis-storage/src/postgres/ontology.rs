//! Published schemas.

use std::sync::Arc;

use arrakis_core::ontology::{DataCheck, OntologyStore, Schema, SchemaHash, SchemaVersion, Violations};
use arrakis_core::{Error, Result, Scope, Seq, SpaceId};
use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgRow};
use tokio::runtime::Handle;

use super::access::Memory;
use super::commit_log::author;
use super::connection::Purpose;
use super::module::Module;
use super::reading::Readers;
use super::session::{Driver, Session};
use super::txn::PgTxn;
use super::value::{Binder, RowReader};
use super::{PgStore, statement};
use crate::sql::{ReadRow, Schemas, mistyped, seq_value};

pub(super) fn insert_schema(session: &mut Session<'_>, space: SpaceId, schema: &Schema, seq: Seq) -> Result<()> {
    let bound = Binder::default()
        .bind(space.uuid())?
        .bind(i32::try_from(schema.version).unwrap_or(i32::MAX))?
        .bind(schema.hash.0.as_slice())?
        .bind(seq_value(seq))?
        .bind(schema.to_stored()?)?
        .done();
    session.execute(statement::SCHEMA_INSERT, bound).map(drop)
}

/// The current schema of a space as a transaction that writes sees it; none in a store without schemas.
pub(super) fn current(session: &mut Session<'_>, schemas: &Schemas, space: SpaceId) -> Result<Option<Arc<Schema>>> {
    // Without schemas there is none in force.
    if session.settings.need(Module::Ontology).is_err() {
        return Ok(None);
    }
    let row = session.row(statement::SCHEMA_CURRENT, Binder::default().bind(space.uuid())?.done())?;
    let Some(version) = row.as_ref().map(version).transpose()? else { return Ok(None) };
    if let Some(known) = schemas.get(space, version) {
        return Ok(Some(known));
    }
    let row = session.row(statement::SCHEMA_DOCUMENT, document_asked(space, version)?)?;
    let Some(row) = row else { return Ok(None) };
    Schema::from_stored(version, RowReader::new(&row).text()?).map(|schema| Some(Arc::new(schema)))
}

pub(super) fn document_asked(space: SpaceId, version: u32) -> Result<PgArguments> {
    let version = i32::try_from(version).unwrap_or(i32::MAX);
    Ok(Binder::default().bind(space.uuid())?.bind(version)?.done())
}

fn version(row: &PgRow) -> Result<u32> {
    version_of(&mut RowReader::new(row))
}

fn version_of(row: &mut RowReader<'_>) -> Result<u32> {
    u32::try_from(row.integer()?).map_err(|_| mistyped("version"))
}

impl Readers {
    /// A version of a schema, compiled once. A large one takes a while, so it is done on a thread that may block.
    async fn compiled(self: &Arc<Self>, space: SpaceId, version: Option<u32>) -> Result<Option<Arc<Schema>>> {
        let Some(version) = version else { return Ok(None) };
        if let Some(schema) = self.catalog.schemas.get(space, version) {
            return Ok(Some(schema));
        }
        let rows = self.rows(statement::SCHEMA_DOCUMENT, &document_asked(space, version)?).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (readers, document) = (Arc::clone(self), RowReader::new(row).text()?.to_owned());
        let compile = move || {
            let schemas = &readers.catalog.schemas;
            let _turn = schemas.wait();
            if let Some(schema) = schemas.get(space, version) {
                return Ok(Some(schema));
            }
            let schema = Arc::new(Schema::from_stored(version, &document)?);
            schemas.set(space, Arc::clone(&schema));
            Ok(Some(schema))
        };
        blocking(compile).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|e| Error::internal("store.read.ended", "a read ended early").caused_by(e))?
}

#[async_trait]
impl OntologyStore for PgStore {
    async fn schema(&self, space: SpaceId) -> Result<Option<Arc<Schema>>> {
        self.settings.need(Module::Ontology)?;
        let bound = Binder::default().bind(space.uuid())?.done();
        let rows = self.readers.rows(statement::SCHEMA_CURRENT, &bound).await?;
        self.readers.compiled(space, rows.first().map(version).transpose()?).await
    }

    async fn schema_version(&self, space: SpaceId, version: u32) -> Result<Option<Arc<Schema>>> {
        self.settings.need(Module::Ontology)?;
        self.readers.compiled(space, Some(version)).await
    }

    async fn schema_at(&self, space: SpaceId, seq: Seq) -> Result<Option<Arc<Schema>>> {
        self.settings.need(Module::Ontology)?;
        let bound = Binder::default().bind(space.uuid())?.bind(seq_value(seq))?.done();
        let rows = self.readers.rows(statement::SCHEMA_AT, &bound).await?;
        self.readers.compiled(space, rows.first().map(version).transpose()?).await
    }

    async fn schema_versions(&self, space: SpaceId, after: u32, limit: u32) -> Result<Vec<SchemaVersion>> {
        self.settings.need(Module::Ontology)?;
        let after = i32::try_from(after).unwrap_or(i32::MAX);
        let bound = Binder::default().bind(space.uuid())?.bind(after)?.bind(i64::from(limit))?.done();
        let rows = self.readers.rows_of_all(statement::SCHEMA_VERSIONS, &bound).await?;
        let version = |row: &PgRow| {
            let mut row = RowReader::new(row);
            let (version, hash) = (version_of(&mut row)?, row.bytes()?);
            let hash = SchemaHash(hash.try_into().map_err(|_| mistyped("hash"))?);
            let seq = row.seq()?;
            let author = author(&mut row)?;
            Ok(SchemaVersion { version, hash, seq, at: author.at, actor: author.actor, reason: author.reason })
        };
        rows.iter().map(version).collect()
    }

    /// The checks read through a transaction, as they do when a publication is applied, on a connection of their own. They write nothing.
    async fn violations(&self, scope: Scope, checks: Vec<DataCheck>) -> Result<Vec<Violations>> {
        self.settings.need(Module::Ontology)?;
        let (settings, readers, handle) = (Arc::clone(&self.settings), Arc::clone(&self.readers), Handle::current());
        let mut connection = settings.connect(Purpose::Write).await?;
        blocking(move || {
            let mut memory = Memory::default();
            let driver = Driver::Other(&handle);
            let mut session = Session { settings: &settings, driver, connection: &mut connection };
            session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let mut txn = PgTxn::new(session, &readers.catalog, &mut memory, &[]);
            checks.iter().map(|check| check.run(&mut txn, scope.space, scope.tenant)).collect()
        })
        .await
    }
}
