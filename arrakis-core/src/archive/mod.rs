//! Everything a store holds, read in pages and written to another place: how a store is moved from one database to another.
//!
//! An [`ArchiveStore`] gives a reader of one snapshot; an [`ArchiveWriter`] fills a place that holds no store yet. They speak in plain
//! values ([`Outline`], [`Row`], [`crate::LogEntry`]), so no adapter knows another. [`carry`] copies one into the other, reads both back
//! through the same port, and compares what each [`Manifest`] says before the new store is there.

mod carry;
mod digest;
mod manifest;
mod outline;
mod row;
mod store;

pub use self::carry::{Progress, Stage, carry, compare};
pub use self::digest::{CountDigest, Digest};
pub use self::manifest::{Manifest, Section, manifest};
pub use self::outline::{Column, CursorPlace, Outline, RowsOf, SchemaOutline, Space, TableOutline};
pub use self::row::{Cell, CellKind, Part, Row, cells};
pub use self::store::{ArchiveReader, ArchiveStore, ArchiveWriter, PAGE_BYTES_MAX, PAGE_ROWS_MAX};
