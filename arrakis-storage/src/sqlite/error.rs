//! What SQLite's errors mean: the one place that reads them.

use arrakis_core::{Error, ErrorKind};
use rusqlite::ErrorCode;

/// The code of a read that was stopped from outside; never shown to a caller.
const INTERRUPTED: &str = "store.interrupted";

/// An error of SQLite under the store's stable codes.
pub(super) fn sqlite(error: rusqlite::Error) -> Error {
    let (kind, code, message) = match &error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::InvalidColumnType(..) => {
            (ErrorKind::Corrupt, "store.value", "a stored value is not of its column's type")
        }
        error => match error.sqlite_error_code() {
            Some(code) => by_code(code),
            None => (ErrorKind::Internal, "store.statement", "a statement of the store is wrong"),
        },
    };
    let retryable = matches!(code, "store.busy");
    Error::new(kind, code, message).retryable_is(retryable).caused_by(error)
}

fn by_code(code: ErrorCode) -> (ErrorKind, &'static str, &'static str) {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            (ErrorKind::Unavailable, "store.busy", "another process is writing to the store")
        }
        ErrorCode::FileLockingProtocolFailed => {
            (ErrorKind::Unavailable, "store.busy", "the store's locks could not be taken")
        }
        ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => {
            (ErrorKind::Unavailable, INTERRUPTED, "the read was stopped")
        }
        ErrorCode::DiskFull => (ErrorKind::Unavailable, "store.disk_full", "the disk is full"),
        ErrorCode::SystemIoFailure => (ErrorKind::Unavailable, "store.io", "the disk or file system failed"),
        ErrorCode::ReadOnly => (ErrorKind::Unavailable, "store.read_only", "the store cannot be written to"),
        ErrorCode::CannotOpen => (ErrorKind::Unavailable, "store.cannot_open", "the store's file cannot be opened"),
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            (ErrorKind::Unavailable, "store.permission", "the store's file may not be opened")
        }
        ErrorCode::DatabaseCorrupt => (ErrorKind::Corrupt, "store.corrupt", "the store's file is damaged"),
        ErrorCode::NotADatabase => (ErrorKind::Corrupt, "store.not_a_database", "the file is not a SQLite database"),
        ErrorCode::OutOfMemory => (ErrorKind::Unavailable, "store.out_of_memory", "memory ran out"),
        ErrorCode::TooBig => (ErrorKind::Invalid, "store.too_big", "a value or statement is too large for the store"),
        ErrorCode::ConstraintViolation => {
            (ErrorKind::Internal, "store.constraint", "a write broke a constraint of the store")
        }
        _ => (ErrorKind::Internal, "store.statement", "a statement of the store is wrong"),
    }
}

/// A file that is not what its code wrote.
pub(super) fn corrupt() -> Error {
    Error::corrupt("store.corrupt", "the store's file is damaged")
}

/// An error in reading what every store has: that it is not there is damage.
pub(super) fn missing(error: rusqlite::Error) -> Error {
    match sqlite(error) {
        error if is_statement(&error) => corrupt().caused_by(error),
        error => error,
    }
}

/// Whether the lock of another process was waited for in vain.
pub(super) fn is_busy(error: &Error) -> bool {
    error.code() == "store.busy"
}

/// Whether a read was stopped by its own watch.
pub(super) fn is_interrupted(error: &Error) -> bool {
    error.code() == INTERRUPTED
}

/// Whether a statement failed by itself, as one whose sum passes 64 bits does.
pub(super) fn is_statement(error: &Error) -> bool {
    error.code() == "store.statement"
}
