//! What PostgreSQL's errors mean: the one place that reads them.

use std::io::ErrorKind as IoErrorKind;

use arrakis_core::{Error, ErrorKind};

/// The code of an error after which the connection is not used again.
const UNREACHABLE: &str = "store.unreachable";

/// An error of PostgreSQL, or of the way there, under the store's stable codes.
pub(super) fn postgres(error: sqlx::Error) -> Error {
    let (kind, code, message) = match &error {
        sqlx::Error::Database(answer) => by_state(answer.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(cause) if cause.kind() == IoErrorKind::InvalidData => {
            (ErrorKind::Unavailable, UNREACHABLE, "the database server answers something else than expected")
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            (ErrorKind::Unavailable, UNREACHABLE, "the database server cannot be reached")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (ErrorKind::Corrupt, "store.value", "a stored value is not of its column's type")
        }
        _ => (ErrorKind::Internal, "store.statement", "a statement of the store is wrong"),
    };
    Error::new(kind, code, message).retryable_is(is_passing(code)).caused_by(error)
}

/// What a `SQLSTATE` means (PostgreSQL manual, appendix A).
fn by_state(state: &str) -> (ErrorKind, &'static str, &'static str) {
    use ErrorKind::{Corrupt, Internal, Unavailable};
    match state {
        "28000" | "28P01" => (Unavailable, "store.credentials", "the database server refuses the user or the password"),
        "3D000" => (Unavailable, "store.no_database", "there is no such database"),
        "42501" => (Unavailable, "store.permission", "the database user lacks a privilege"),
        "55P03" | "40001" | "40P01" => (Unavailable, "store.busy", "another process holds a lock of the store"),
        "57014" => (Unavailable, "store.timeout", "a statement took longer than it may"),
        "25P03" | "25P04" => (Unavailable, "store.timeout", "a transaction took longer than it may"),
        "25006" => (Unavailable, "store.read_only", "the store cannot be written to"),
        "53100" => (Unavailable, "store.disk_full", "the disk of the database server is full"),
        "53300" => (Unavailable, "store.connections", "the database server has no connection left"),
        "53200" | "53000" => (Unavailable, "store.out_of_memory", "the database server ran out of memory"),
        "57P01" | "57P02" | "57P03" | "57P05" => {
            (Unavailable, UNREACHABLE, "the database server is shut down or starts")
        }
        "54000" => (ErrorKind::Invalid, "store.too_big", "a value or statement is too large for the store"),
        "XX001" | "XX002" => (Corrupt, "store.corrupt", "the store's data is damaged"),
        state if state.starts_with("08") => (Unavailable, UNREACHABLE, "the database server cannot be reached"),
        state if state.starts_with("58") => (Unavailable, "store.io", "the disk of the database server failed"),
        state if state.starts_with("23") => (Internal, "store.constraint", "a write broke a constraint of the store"),
        _ => (Internal, "store.statement", "a statement of the store is wrong"),
    }
}

/// Whether the same call may succeed a moment later.
fn is_passing(code: &str) -> bool {
    matches!(code, UNREACHABLE | "store.busy" | "store.timeout" | "store.connections" | "store.out_of_memory")
}

/// No answer in time: the connection may be dead.
pub(super) fn silent() -> Error {
    Error::unavailable(UNREACHABLE, "the database server does not answer")
}

/// Whether the connection is not to be used again, and another one may serve.
pub(super) fn is_unreachable(error: &Error) -> bool {
    error.code() == UNREACHABLE
}

/// Whether a lock was waited for in vain, or two transactions waited for each other.
pub(super) fn is_busy(error: &Error) -> bool {
    error.code() == "store.busy"
}

/// Whether a statement was stopped for taking too long.
pub(super) fn is_timeout(error: &Error) -> bool {
    error.code() == "store.timeout"
}

/// The store does not have what every store has.
pub(super) fn corrupt() -> Error {
    Error::corrupt("store.corrupt", "the store's data is damaged")
}
