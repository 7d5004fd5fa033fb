//! The first page of a SQLite file, read without SQLite: whose it is, and how long it must be
//! (<https://www.sqlite.org/fileformat.html#the_database_header>).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What every SQLite file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// The bytes read: the header of the file, and of the page of its schema as far as the number of its rows.
pub(super) const LEN: usize = 105;

/// What the first page of a SQLite file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The bytes of the file.
    pub(super) length: u64,
    /// The bytes it must have, where the header says so reliably.
    pub(super) whole: Option<u64>,
    /// Whose it is; `None` when the file is too short to tell.
    pub(super) identity: Option<Identity>,
}

/// Whose a SQLite file is. The default is that of an empty database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) application_id: i32,
    pub(super) user_version: i32,
    /// Whether it has a schema.
    pub(super) has_tables: bool,
}

impl Header {
    /// The header of a file, `None` for one that is no SQLite database.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let mut start = Vec::with_capacity(LEN);
        file.by_ref().take(LEN as u64).read_to_end(&mut start)?;
        // After its first page, for a file that another process makes longer meanwhile.
        let length = file.metadata()?.len();
        Ok(start.starts_with(MAGIC).then(|| Self { length, whole: whole(&start), identity: identity(&start) }))
    }
}

fn identity(start: &[u8]) -> Option<Identity> {
    Some(Identity {
        application_id: i32::from_be_bytes(at(start, 68)?),
        user_version: i32::from_be_bytes(at(start, 60)?),
        // A leaf without rows.
        has_tables: (at(start, 100)?, at(start, 103)?) != ([13], [0, 0]),
    })
}

fn whole(start: &[u8]) -> Option<u64> {
    let page_len = match u16::from_be_bytes(at(start, 16)?) {
        // The largest, 65,536, does not fit its field.
        1 => 65_536,
        page_len => u64::from(page_len),
    };
    // The count is kept by every SQLite since 3.7.0, which notes beside it the change it was written with.
    let is_kept = at::<4>(start, 24)? == at::<4>(start, 92)?;
    let pages = u32::from_be_bytes(at(start, 28)?);
    is_kept.then(|| page_len * u64::from(pages))
}

fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}
