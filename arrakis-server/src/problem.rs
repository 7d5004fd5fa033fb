//! Errors over HTTP: problem details (RFC 9457), and the error a client makes of them again.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrakis_core::{Error, ErrorKind, Outcome, RequestId};
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What the `type` of a problem begins with; its code follows.
pub const PROBLEM_TYPE: &str = "urn:arrakis:problem:";
/// The code of a problem that says nothing of what happened but under which request it is logged.
pub const INTERNAL: &str = "internal";

/// A refusal, or a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Problem {
    /// What it is, stably: [`PROBLEM_TYPE`] and the code.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// What kind it is, for a person.
    pub title: Cow<'static, str>,
    /// The status it was answered with.
    pub status: u16,
    /// What it is, for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The request it is logged under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Its stable dotted code.
    pub code: String,
    /// Where in the request the fault is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Named facts, such as the limit that was passed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Whether the same request may succeed later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retryable: bool,
    /// Whether the write may have happened all the same: then the same again, under the same idempotency key, tells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_have_happened: bool,
    /// Every fault of its own that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldFault>,
}

/// One fault of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct FieldFault {
    /// Its code.
    pub code: String,
    /// What it is, for a person.
    pub detail: String,
    /// Where in the request it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Named facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

/// The one table of kinds, statuses and titles.
const KINDS: [(ErrorKind, StatusCode, &str); 12] = [
    (ErrorKind::Invalid, StatusCode::BAD_REQUEST, "The request breaks a rule"),
    (ErrorKind::Unauthenticated, StatusCode::UNAUTHORIZED, "It is not known who asks"),
    (ErrorKind::Forbidden, StatusCode::FORBIDDEN, "Whoever asks may not do this"),
    (ErrorKind::NotFound, StatusCode::NOT_FOUND, "There is no such thing"),
    (ErrorKind::AlreadyExists, StatusCode::CONFLICT, "There is such a thing already"),
    (ErrorKind::Conflict, StatusCode::CONFLICT, "What is stored refuses the change"),
    (ErrorKind::Precondition, StatusCode::PRECONDITION_FAILED, "A condition of the request does not hold"),
    (ErrorKind::Unsupported, StatusCode::NOT_IMPLEMENTED, "This is not offered here"),
    (ErrorKind::RateLimited, StatusCode::TOO_MANY_REQUESTS, "This was asked too often"),
    (ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "This cannot be answered now"),
    (ErrorKind::Corrupt, StatusCode::INTERNAL_SERVER_ERROR, "This could not be answered"),
    (ErrorKind::Internal, StatusCode::INTERNAL_SERVER_ERROR, "This could not be answered"),
];

/// Codes whose status says more than that of their kind.
const CODES: [(&str, StatusCode); 7] = [
    ("request.body.too_large", StatusCode::PAYLOAD_TOO_LARGE),
    ("request.media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ("request.method", StatusCode::METHOD_NOT_ALLOWED),
    ("request.idempotency.other_request", StatusCode::UNPROCESSABLE_ENTITY),
    ("request.timeout", StatusCode::REQUEST_TIMEOUT),
    ("gateway.upstream.timeout", StatusCode::GATEWAY_TIMEOUT),
    ("gateway.upstream.failed", StatusCode::BAD_GATEWAY),
];

/// The status an error is answered with.
pub fn status_of(error: &Error) -> StatusCode {
    let by_code = CODES.iter().find(|(code, _)| *code == error.code()).map(|(_, status)| *status);
    by_code.unwrap_or_else(|| entry(error.kind()).1)
}

fn entry(kind: ErrorKind) -> (ErrorKind, StatusCode, &'static str) {
    let found = KINDS.iter().find(|(of, ..)| *of == kind).copied();
    found.unwrap_or((kind, StatusCode::INTERNAL_SERVER_ERROR, "This could not be answered"))
}

fn params_of(error: &Error) -> BTreeMap<String, String> {
    error.params().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl FieldFault {
    /// A fault as it is told.
    pub fn of(error: &Error) -> Self {
        Self {
            code: error.code().to_owned(),
            detail: error.message().to_owned(),
            path: error.path().map(Into::into),
            params: params_of(error),
        }
    }

    /// The fault it was told as.
    pub fn into_error(self, kind: ErrorKind) -> Error {
        with_facts(Error::new(kind, self.code, self.detail), self.path, self.params)
    }
}

fn with_facts(error: Error, path: Option<String>, params: BTreeMap<String, String>) -> Error {
    let error = params.into_iter().fold(error, |error, (name, value)| error.with(name, value));
    match path {
        Some(path) => error.at(path),
        None => error,
    }
}

impl Problem {
    /// An error as it is told: of a defect, nothing but under which request it is logged.
    pub fn of(error: &Error, request: Option<RequestId>) -> Self {
        let (kind, _, title) = entry(error.kind());
        let is_told = !matches!(kind, ErrorKind::Corrupt | ErrorKind::Internal);
        let code = if is_told { error.code() } else { INTERNAL };
        let mut told = Self {
            problem_type: format!("{PROBLEM_TYPE}{code}"),
            title: title.into(),
            status: status_of(error).as_u16(),
            detail: String::new(),
            instance: request.map(|id| format!("urn:uuid:{id}")),
            code: code.into(),
            path: None,
            params: BTreeMap::new(),
            retryable: error.is_retryable(),
            may_have_happened: error.outcome() == Outcome::Unknown,
            errors: Vec::new(),
        };
        if is_told {
            error.message().clone_into(&mut told.detail);
            told.path = error.path().map(Into::into);
            told.params = params_of(error);
            let mut cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>());
            while let Some(fault) = cause {
                told.errors.push(FieldFault::of(fault));
                cause = std::error::Error::source(fault).and_then(|source| source.downcast_ref::<Error>());
            }
        }
        told
    }

    /// The error it was told as.
    pub fn into_error(self) -> Error {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let by_title = KINDS.iter().find(|(_, of, title)| *of == status && *title == self.title);
        let by_status = || KINDS.iter().find(|(_, of, _)| *of == status);
        let kind = by_title.or_else(by_status).map_or(ErrorKind::Internal, |(kind, ..)| *kind);
        let kind = if status.is_client_error() && by_title.is_none() && by_status().is_none() {
            ErrorKind::Invalid
        } else {
            kind
        };
        let mut faults = self.errors.into_iter().rev();
        let outcome = if self.may_have_happened { Outcome::Unknown } else { Outcome::NotApplied };
        let error = Error::new(kind, self.code, self.detail).outcome_is(outcome).retryable_is(self.retryable);
        let error = with_facts(error, self.path, self.params);
        let cause = faults.next().map(|innermost| {
            faults.fold(innermost.into_error(kind), |inner, outer| outer.into_error(kind).caused_by(inner))
        });
        match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_as_told() {
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "a.b", "no").at("edits[1].key").with("most", 3).outcome_is(Outcome::Unknown);
            let told = Problem::of(&error, Some(RequestId::from_uuid(uuid::Uuid::nil())));
            let read: Problem = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
            assert_eq!(read, told);
            let made = read.into_error();
            assert_eq!((made.outcome(), made.is_retryable()), (Outcome::Unknown, error.is_retryable()), "{kind:?}");
            if matches!(kind, ErrorKind::Internal | ErrorKind::Corrupt) {
                assert_eq!((made.code(), made.message(), made.path()), (INTERNAL, "", None));
                assert!(!serde_json::to_string(&told).unwrap().contains("a.b"));
            } else {
                assert_eq!((made.kind(), made.code(), made.message()), (kind, "a.b", "no"));
                assert_eq!((made.path(), made.param("most")), (Some("edits[1].key"), Some("3")));
            }
        }
    }

    #[test]
    fn faults_within_a_fault_are_told_and_causes_of_others_are_not() {
        let inner = Error::invalid("x.inner", "inner").at("rules[0]").caused_by("a secret");
        let error = Error::invalid("x.outer", "outer").caused_by(inner);
        let told = Problem::of(&error, None);
        assert_eq!(told.errors.len(), 1);
        assert!(!serde_json::to_string(&told).unwrap().contains("secret"));
        assert_eq!(told.into_error().chain(), "outer: inner (at rules[0])");
    }
}
