//! What errors of NATS mean: the one place that reads them.

use arrakis_core::{Error, ErrorKind, Outcome};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, PublishError, PublishErrorKind};

pub(super) fn unreachable() -> Error {
    Error::unavailable("bus.unreachable", "NATS does not answer")
}

/// The bus holds less than it did.
pub(super) fn rolled_back() -> Error {
    Error::unavailable("bus.rolled_back", "the stream lost what it held: ask for its position")
}

/// There was another connection since the position was asked for.
pub(super) fn reconnected() -> Error {
    Error::unavailable("bus.reconnected", "NATS was connected to anew: ask for the position of the stream")
}

/// The server answered no to something that is right.
pub(super) fn answer(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable("bus.answer", "NATS could not do what was asked").caused_by(cause)
}

pub(super) fn stream(error: CreateStreamError) -> Error {
    match error.kind() {
        CreateStreamErrorKind::TimedOut => unreachable().caused_by(error),
        CreateStreamErrorKind::JetStreamUnavailable => {
            Error::new(ErrorKind::Unsupported, "bus.jetstream.disabled", "JetStream is not enabled on this NATS")
                .retryable_is(true)
                .caused_by(error)
        }
        _ => answer(error),
    }
}

pub(super) fn publish(error: PublishError) -> Error {
    let mapped = match error.kind() {
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => unreachable().outcome_is(Outcome::Unknown),
        PublishErrorKind::StreamNotFound => {
            Error::unavailable("bus.stream.missing", "the stream is gone: ask for its position")
        }
        _ => return answer(error),
    };
    mapped.caused_by(error)
}
