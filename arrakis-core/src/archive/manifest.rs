//! What a store holds, counted and hashed.

use std::fmt;

use serde::{Serialize, Serializer};

use super::carry::{Progress, Stage};
use super::{ArchiveReader, CountDigest, Digest, Part, RowsOf, TableOutline};
use crate::{Result, Seq, SpaceId};

/// What is counted and hashed apart from other things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The store itself: its newest commit and the key of its cursors.
    Store,
    /// Spaces.
    Spaces,
    /// Tenants.
    Tenants,
    /// Published versions.
    Schemas,
    /// Log entries.
    Log,
    /// Cursors into the log.
    Cursors,
    /// The rows of a type that are.
    Current(SpaceId, RowsOf),
    /// The rows of a type that were.
    Superseded(SpaceId, RowsOf),
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("store"),
            Self::Spaces => f.write_str("spaces"),
            Self::Tenants => f.write_str("tenants"),
            Self::Schemas => f.write_str("schemas"),
            Self::Log => f.write_str("log"),
            Self::Cursors => f.write_str("cursors"),
            Self::Current(space, of) => write!(f, "{space}/{of}"),
            Self::Superseded(space, of) => write!(f, "{space}/{of}/superseded"),
        }
    }
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a store holds as of its newest commit, counted and hashed. Equal manifests, equal stores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manifest {
    /// The newest commit.
    pub head: Seq,
    /// The hash of everything.
    pub hash: Digest,
    /// Spaces.
    pub spaces: u64,
    /// Tenants.
    pub tenants: u64,
    /// Published versions.
    pub schemas: u64,
    /// Log entries.
    pub log: u64,
    /// Objects that are.
    pub objects: u64,
    /// Links that are, those in foreign keys aside.
    pub links: u64,
    /// Versions of objects and links that were.
    pub superseded: u64,
    /// Cursors into the log.
    pub cursors: u64,
    /// Each part by itself, in order; types without rows left out.
    pub sections: Vec<(Section, CountDigest)>,
}

impl Manifest {
    fn new(head: Seq, mut sections: Vec<(Section, CountDigest)>) -> Self {
        sections.sort_by_key(|(section, _)| *section);
        let mut hasher = blake3::Hasher::new();
        for (section, digest) in &sections {
            let name = section.to_string();
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&digest.count.to_le_bytes()).update(digest.hash.bytes());
        }
        let hash = Digest::of_bytes(*hasher.finalize().as_bytes());
        let count = |wanted: &dyn Fn(&Section) -> bool| {
            sections.iter().filter(|(section, _)| wanted(section)).map(|(_, digest)| digest.count).sum()
        };
        let (spaces, tenants) = (count(&|of| *of == Section::Spaces), count(&|of| *of == Section::Tenants));
        let (schemas, log) = (count(&|of| *of == Section::Schemas), count(&|of| *of == Section::Log));
        let objects = count(&|of| matches!(of, Section::Current(_, RowsOf::Objects(_))));
        let links = count(&|of| matches!(of, Section::Current(_, RowsOf::Links(_))));
        let superseded = count(&|of| matches!(of, Section::Superseded(..)));
        let cursors = count(&|of| *of == Section::Cursors);
        Self { head, hash, spaces, tenants, schemas, log, objects, links, superseded, cursors, sections }
    }

    /// What a part has; nothing where there is no such part.
    pub fn section(&self, section: Section) -> CountDigest {
        let found = self.sections.binary_search_by_key(&section, |(of, _)| *of);
        found.ok().and_then(|index| self.sections.get(index)).map(|(_, digest)| *digest).unwrap_or_default()
    }
}

/// Reads everything and says what it is.
///
/// # Errors
/// What the store answers.
pub async fn manifest(reader: &mut dyn ArchiveReader, told: &(dyn Fn(Progress) + Sync)) -> Result<Manifest> {
    let outline = reader.outline().await?;
    let mut progress = Progress { stage: Stage::Verifying, done: 0 };
    let mut store = CountDigest::default();
    store.store(outline.head.0, outline.at.micros(), &outline.cursor_key);
    let (mut spaces, mut tenants, mut cursors) = <(CountDigest, CountDigest, CountDigest)>::default();
    for space in &outline.spaces {
        spaces.space(space);
    }
    for tenant in &outline.tenants {
        tenants.tenant(tenant);
    }
    for cursor in &outline.cursors {
        cursors.cursor(cursor);
    }
    let mut schemas = CountDigest::default();
    for schema in &outline.schemas {
        schemas.schema(schema, &reader.schema(schema.space, schema.version).await?);
    }
    let mut log = CountDigest::default();
    let mut after = Seq(0);
    loop {
        let entries = reader.log(after).await?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        entries.iter().try_for_each(|entry| log.entry(entry))?;
        progress.add(entries.len(), told);
    }
    let mut sections = vec![
        (Section::Store, store),
        (Section::Spaces, spaces),
        (Section::Tenants, tenants),
        (Section::Schemas, schemas),
        (Section::Log, log),
        (Section::Cursors, cursors),
    ];
    for table in &outline.tables {
        for (part, section) in [
            (Part::Current, Section::Current(table.space, table.of)),
            (Part::Superseded, Section::Superseded(table.space, table.of)),
        ] {
            let digest = rows(reader, (table, part), &mut progress, told).await?;
            if digest.count > 0 {
                sections.push((section, digest));
            }
        }
    }
    Ok(Manifest::new(outline.head, sections))
}

async fn rows(
    reader: &mut dyn ArchiveReader,
    (table, part): (&TableOutline, Part),
    progress: &mut Progress,
    told: &(dyn Fn(Progress) + Sync),
) -> Result<CountDigest> {
    let mut order: Vec<usize> = (0..table.columns.len()).collect();
    order.sort_by_key(|index| table.columns.get(*index));
    let mut digest = CountDigest::default();
    let mut last = None;
    loop {
        let page = reader.rows(table, part, last.as_ref()).await?;
        for row in &page {
            digest.row(table, &order, row);
        }
        progress.add(page.len(), told);
        match page.into_iter().next_back() {
            Some(row) => last = Some(row),
            None => return Ok(digest),
        }
    }
}
