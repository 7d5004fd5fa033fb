//! From one store to a place where none is.

use super::{ArchiveReader, ArchiveWriter, Manifest, Outline, Part, Section, TableOutline, manifest};
use crate::{Error, Result, Seq};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Copying.
    Carrying,
    /// Making indexes.
    Building,
    /// Reading one side back.
    Verifying,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Log entries and rows it was done with.
    pub done: u64,
}

impl Progress {
    pub(super) fn add(&mut self, count: usize, told: &(dyn Fn(Self) + Sync)) {
        self.done += count as u64;
        told(*self);
    }
}

/// Copies what a reader reads through a writer, reads both sides back, and lets there be the new store only when they are equal. What is
/// written to the old store meanwhile is not carried: the manifest tells the newest commit that was.
///
/// # Errors
/// `move.target_not_empty`, `move.busy`; `move.differs` as [`compare`]; what either side answers. After any of them there is no store at
/// the new place, and the old one is as it was.
pub async fn carry(
    reader: &mut dyn ArchiveReader,
    mut writer: Box<dyn ArchiveWriter>,
    told: &(dyn Fn(Progress) + Sync),
) -> Result<Manifest> {
    copy(reader, &mut *writer, told).await?;
    told(Progress { stage: Stage::Building, done: 0 });
    writer.build().await?;
    let before = manifest(reader, told).await?;
    let after = {
        let mut written = writer.archive().await?;
        manifest(&mut *written, told).await?
    };
    compare(&before, &after)?;
    writer.publish().await?;
    Ok(after)
}

async fn copy(
    reader: &mut dyn ArchiveReader,
    writer: &mut dyn ArchiveWriter,
    told: &(dyn Fn(Progress) + Sync),
) -> Result<()> {
    let mut progress = Progress { stage: Stage::Carrying, done: 0 };
    let outline = reader.outline().await?;
    writer.begin(&outline).await?;
    schemas(reader, writer, &outline).await?;
    let mut after = Seq(0);
    loop {
        let entries = reader.log(after).await?;
        let (Some(last), count) = (entries.last().map(|entry| entry.seq), entries.len()) else { break };
        after = last;
        writer.log(entries).await?;
        progress.add(count, told);
    }
    for table in &outline.tables {
        for part in [Part::Current, Part::Superseded] {
            rows((reader, writer), (table, part), &mut progress, told).await?;
        }
    }
    Ok(())
}

async fn schemas(reader: &mut dyn ArchiveReader, writer: &mut dyn ArchiveWriter, outline: &Outline) -> Result<()> {
    for schema in &outline.schemas {
        let text = reader.schema(schema.space, schema.version).await?;
        writer.schema(*schema, &text).await?;
    }
    Ok(())
}

async fn rows(
    (reader, writer): (&mut dyn ArchiveReader, &mut dyn ArchiveWriter),
    (table, part): (&TableOutline, Part),
    progress: &mut Progress,
    told: &(dyn Fn(Progress) + Sync),
) -> Result<()> {
    let mut last = None;
    loop {
        let page = reader.rows(table, part, last.as_ref()).await?;
        let count = page.len();
        match page.last() {
            Some(row) => last = Some(row.clone()),
            None => return Ok(()),
        }
        writer.rows(table, part, page).await?;
        progress.add(count, told);
    }
}

/// Says whether two stores hold the same.
///
/// # Errors
/// `move.differs` with the first part that differs and how many items it has on each side.
pub fn compare(before: &Manifest, after: &Manifest) -> Result<()> {
    if before == after {
        return Ok(());
    }
    let mut sections: Vec<_> = before.sections.iter().chain(&after.sections).map(|(section, _)| *section).collect();
    // The store itself differs with whatever was written to one side: what was tells more.
    sections.sort_unstable_by_key(|section| (*section == Section::Store, *section));
    let differs = sections.into_iter().find(|section| before.section(*section) != after.section(*section));
    let error = Error::conflict("move.differs", "the two stores do not hold the same");
    let error = error.with("head", before.head).with("target_head", after.head);
    Err(match differs {
        Some(section) => error
            .with("part", section)
            .with("count", before.section(section).count)
            .with("target_count", after.section(section).count),
        None => error,
    })
}
