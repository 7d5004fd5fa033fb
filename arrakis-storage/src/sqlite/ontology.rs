//! Published schemas.

use std::sync::Arc;

use arrakis_core::ontology::{
    DataCheck, NewOntology, Numbering, OntologyStore, Schema, SchemaHash, SchemaVersion, Violations,
};
use arrakis_core::{Result, Scope, Seq, SpaceId};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::access::Memory;
use super::commit_log::author;
use super::error::sqlite;
use super::reading::{Reading, Request};
use super::txn::SqliteTxn;
use super::{SqliteStore, statement};
use crate::sql::{seq_of, seq_value, unreadable};

/// What a schema is compiled from.
#[derive(Serialize)]
struct Document<'a> {
    definition: &'a NewOntology,
    numbering: &'a Numbering,
}

/// A [`Document`] as read.
#[derive(Deserialize)]
struct StoredDocument {
    definition: NewOntology,
    numbering: Numbering,
}

pub(super) fn insert_schema(connection: &Connection, space: SpaceId, schema: &Schema, seq: Seq) -> Result<()> {
    let document = Document { definition: &schema.definition, numbering: &schema.numbering };
    let document = serde_json::to_string(&document).map_err(|e| unreadable("schema", e))?;
    let mut insert = connection.prepare_cached(statement::SCHEMA_INSERT).map_err(sqlite)?;
    insert
        .execute((space.uuid().as_bytes(), schema.version, schema.hash.0, seq_value(seq), document))
        .map(drop)
        .map_err(sqlite)
}

pub(super) fn read_schema(connection: &Connection, space: SpaceId, version: u32) -> Result<Option<Schema>> {
    let mut found = connection.prepare_cached(statement::SCHEMA_DOCUMENT).map_err(sqlite)?;
    let document = found.query_row((space.uuid().as_bytes(), version), |row| row.get::<_, String>(0));
    let Some(document) = document.optional().map_err(sqlite)? else { return Ok(None) };
    let stored: StoredDocument = serde_json::from_str(&document).map_err(|e| unreadable("schema", e))?;
    Schema::compile(stored.definition, stored.numbering, version).map(Some).map_err(|e| unreadable("schema", e))
}

pub(super) fn current_version(connection: &Connection, space: SpaceId) -> Result<Option<u32>> {
    let mut found = connection.prepare_cached(statement::SCHEMA_CURRENT).map_err(sqlite)?;
    found.query_row([space.uuid().as_bytes()], |row| row.get(0)).optional().map_err(sqlite)
}

fn version_at(connection: &Connection, space: SpaceId, seq: Seq) -> Result<Option<u32>> {
    let mut found = connection.prepare_cached(statement::SCHEMA_AT).map_err(sqlite)?;
    found.query_row((space.uuid().as_bytes(), seq_value(seq)), |row| row.get(0)).optional().map_err(sqlite)
}

fn versions(connection: &Connection, space: SpaceId, after: u32, limit: u32) -> Result<Vec<SchemaVersion>> {
    let mut found = connection.prepare_cached(statement::SCHEMA_VERSIONS).map_err(sqlite)?;
    let mut rows = found.query((space.uuid().as_bytes(), after, limit)).map_err(sqlite)?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next().map_err(sqlite)? {
        let author = author(row, 3)?;
        versions.push(SchemaVersion {
            version: row.get(0).map_err(sqlite)?,
            hash: SchemaHash(row.get(1).map_err(sqlite)?),
            seq: seq_of(row.get(2).map_err(sqlite)?),
            at: author.at,
            actor: author.actor,
            reason: author.reason,
        });
    }
    Ok(versions)
}

fn violations(reading: &Reading<'_>, checks: &Arc<[DataCheck]>) -> Result<Vec<Violations>> {
    // The checks read through a transaction, as they do when a publication is applied. They write nothing.
    let mut memory = Memory::default();
    let mut txn = SqliteTxn::new(reading.connection, &mut memory, &reading.catalog().schemas);
    checks.iter().map(|check| check.run(&mut txn, reading.scope.space, reading.scope.tenant)).collect()
}

impl SqliteStore {
    /// A version of a schema, compiled once. A large one takes a while, so it is done on a thread that may block.
    async fn compiled(&self, space: SpaceId, version: Option<u32>) -> Result<Option<Arc<Schema>>> {
        let Some(version) = version else { return Ok(None) };
        if let Some(schema) = self.readers.catalog().schemas.get(space, version) {
            return Ok(Some(schema));
        }
        let readers = Arc::clone(&self.readers);
        let compile = move |connection: &Connection| {
            let schemas = &readers.catalog().schemas;
            let _turn = schemas.wait();
            if let Some(schema) = schemas.get(space, version) {
                return Ok(Some(schema));
            }
            let schema = read_schema(connection, space, version)?.map(Arc::new);
            if let Some(schema) = &schema {
                schemas.set(space, Arc::clone(schema));
            }
            Ok(schema)
        };
        self.readers.blocking(compile).await
    }
}

#[async_trait]
impl OntologyStore for SqliteStore {
    async fn schema(&self, space: SpaceId) -> Result<Option<Arc<Schema>>> {
        let version = self.readers.statement(|connection| current_version(connection, space)).await?;
        self.compiled(space, version).await
    }

    async fn schema_version(&self, space: SpaceId, version: u32) -> Result<Option<Arc<Schema>>> {
        self.compiled(space, Some(version)).await
    }

    async fn schema_at(&self, space: SpaceId, seq: Seq) -> Result<Option<Arc<Schema>>> {
        let version = self.readers.statement(|connection| version_at(connection, space, seq)).await?;
        self.compiled(space, version).await
    }

    async fn schema_versions(&self, space: SpaceId, after: u32, limit: u32) -> Result<Vec<SchemaVersion>> {
        self.readers.statement(|connection| versions(connection, space, after, limit)).await
    }

    async fn violations(&self, scope: Scope, checks: Vec<DataCheck>) -> Result<Vec<Violations>> {
        self.readers.read(Request::now(scope), &Arc::from(checks), violations).await
    }
}
