//! The ports a store is moved through.

use async_trait::async_trait;

use super::{Outline, Part, Row, SchemaOutline, TableOutline};
use crate::{LogEntry, Result, Seq, SpaceId};

/// The most rows or log entries of a page.
pub const PAGE_ROWS_MAX: usize = 5_000;
/// About how many bytes of rows or log entries a page ends after, unless one alone has more.
pub const PAGE_BYTES_MAX: usize = 8 << 20;

/// A store everything of which can be read.
#[async_trait]
pub trait ArchiveStore: std::fmt::Debug + Send + Sync + 'static {
    /// A reader of all tenants' data as of the newest commit. It takes no context: who holds the store itself may copy it, and no
    /// service reaches this.
    ///
    /// # Behavior
    /// - what is written to the store afterwards is not seen by the reader, and is not kept from being written
    /// - a commit acknowledged before the call is seen
    async fn archive(&self) -> Result<Box<dyn ArchiveReader>>;
}

/// Reads one snapshot of a store.
#[async_trait]
pub trait ArchiveReader: std::fmt::Debug + Send {
    /// What the store holds besides its log and its rows.
    ///
    /// # Behavior
    /// - every space, tenant, published version and cursor is there, and every table that has rows, each in the order said
    async fn outline(&mut self) -> Result<Outline>;

    /// The stored text of a published version, as [`crate::ontology::Schema::to_stored`] gives it.
    ///
    /// # Errors
    /// `store.corrupt` for a version the outline does not have.
    async fn schema(&mut self, space: SpaceId, version: u32) -> Result<String>;

    /// The log entries of all tenants that follow a commit.
    ///
    /// # Behavior
    /// - oldest first, without a gap
    /// - at most [`PAGE_ROWS_MAX`], fewer where they are long; none only at the end
    async fn log(&mut self, after: Seq) -> Result<Vec<LogEntry>>;

    /// Rows of a table that follow one, in an order of the store's own that does not change while it is read.
    ///
    /// # Behavior
    /// - each row once, those of all tenants
    /// - at most [`PAGE_ROWS_MAX`], fewer where they are long; none only at the end
    async fn rows(&mut self, table: &TableOutline, part: Part, after: Option<&Row>) -> Result<Vec<Row>>;
}

/// Fills a place with a store. Until [`ArchiveWriter::publish`] there is no store there: whoever would open it is refused with
/// `store.moving`, also after the writer is gone. The next writer of the same place begins anew.
#[async_trait]
pub trait ArchiveWriter: std::fmt::Debug + Send {
    /// Makes what an outline says, and the tables, which are empty.
    ///
    /// # Errors
    /// `move.target_not_empty` where there is a store or anything else; `move.busy` while another writer fills the place.
    async fn begin(&mut self, outline: &Outline) -> Result<()>;

    /// Adds the text of a published version. Those of a space come in order.
    async fn schema(&mut self, outline: SchemaOutline, text: &str) -> Result<()>;

    /// Adds log entries, which follow those before.
    async fn log(&mut self, entries: Vec<LogEntry>) -> Result<()>;

    /// Adds rows of a table of the outline.
    async fn rows(&mut self, table: &TableOutline, part: Part, rows: Vec<Row>) -> Result<()>;

    /// Makes what is faster to make when all rows are there: indexes, statistics.
    async fn build(&mut self) -> Result<()>;

    /// A reader of what was written, as it is stored. Nothing is written while it is there.
    async fn archive(&mut self) -> Result<Box<dyn ArchiveReader>>;

    /// Lets there be the store, in one step that is durable when this returns.
    ///
    /// # Errors
    /// `move.target_not_empty` where a store came to be meanwhile.
    async fn publish(self: Box<Self>) -> Result<()>;
}
