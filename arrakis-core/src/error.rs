//! One error for every layer: what kind, under which stable code, where in the input, and whether a write may have happened.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The result of every fallible function of Arrakis.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, coarsely: callers branch on it, servers map it to a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input breaks a rule that holds whatever the stored state is.
    Invalid,
    /// The caller did not prove who it is.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// What the input names does not exist, or not for this tenant.
    NotFound,
    /// What the input creates exists already.
    AlreadyExists,
    /// The stored state moved, or its rules refuse the change.
    Conflict,
    /// A condition stated by the caller does not hold.
    Precondition,
    /// The adapter or version does not offer this.
    Unsupported,
    /// The caller asked for more than its share.
    RateLimited,
    /// A dependency does not answer now; the same call may succeed later.
    Unavailable,
    /// Stored data breaks its own format.
    Corrupt,
    /// A defect of Arrakis.
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables and their tests.
    pub const ALL: [Self; 12] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::Precondition,
        Self::Unsupported,
        Self::RateLimited,
        Self::Unavailable,
        Self::Corrupt,
        Self::Internal,
    ];
}

/// The longest message, path and parameter of an error, in bytes each; the rest is left out for `…`.
pub const ERROR_TEXT_LEN_MAX: usize = 1_024;

/// Whether a failed write may have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly not applied.
    NotApplied,
    /// It may have been applied: retry with the same commit id to learn which.
    Unknown,
}

/// The error of every layer, one pointer wide.
///
/// Match on [`Error::kind`] or [`Error::code`], never on the text. `Display` prints the message and the path, never the source;
/// [`Error::chain`] prints the whole chain once, at the edge.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    path: Option<String>,
    params: BTreeMap<Cow<'static, str>, String>,
    outcome: Outcome,
    retryable: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` under a stable dotted `code`, such as `ontology.property.type_narrowed`.
    pub fn new(kind: ErrorKind, code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        let message = match message.into() {
            Cow::Owned(message) => Cow::Owned(shortened(message)),
            fixed @ Cow::Borrowed(_) => fixed,
        };
        Self(Box::new(Inner {
            kind,
            code: code.into(),
            message,
            path: None,
            params: BTreeMap::new(),
            outcome: Outcome::NotApplied,
            retryable: matches!(kind, ErrorKind::Unavailable | ErrorKind::RateLimited),
            source: None,
        }))
    }

    /// An [`ErrorKind::Invalid`] error.
    pub fn invalid(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, code, message)
    }

    /// An [`ErrorKind::NotFound`] error.
    pub fn not_found(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotFound, code, message)
    }

    /// An [`ErrorKind::Conflict`] error.
    pub fn conflict(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Conflict, code, message)
    }

    /// An [`ErrorKind::Internal`] error: a defect of Arrakis, not of its input.
    pub fn internal(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Internal, code, message)
    }

    /// An [`ErrorKind::Corrupt`] error: stored data breaks its own format.
    pub fn corrupt(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Corrupt, code, message)
    }

    /// An [`ErrorKind::Unavailable`] error; retryable.
    pub fn unavailable(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unavailable, code, message)
    }

    /// States where in the input the fault is, as `object_types[2].properties.iata`. An inner path is kept behind it.
    #[must_use]
    pub fn at(mut self, path: impl fmt::Display) -> Self {
        let joined = match self.0.path.take() {
            Some(inner) if inner.starts_with('[') => format!("{path}{inner}"),
            Some(inner) => format!("{path}.{inner}"),
            None => path.to_string(),
        };
        self.0.path = Some(shortened(joined));
        self
    }

    /// Forgets the path, where what it leads into is no part of the input.
    #[must_use]
    pub fn without_path(mut self) -> Self {
        self.0.path = None;
        self
    }

    /// Adds a named parameter, such as the limit that was passed.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl fmt::Display) -> Self {
        self.0.params.insert(name.into(), shortened(value.to_string()));
        self
    }

    /// Keeps what caused this error.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// States whether the write may have happened.
    #[must_use]
    pub fn outcome_is(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// States whether the same call may succeed later.
    #[must_use]
    pub fn retryable_is(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable dotted code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The text for a person, without path, parameters or source.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the input the fault is.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The named parameters, sorted by name.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.params.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// One named parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.0.params.get(name).map(String::as_str)
    }

    /// Whether the failed write may have been applied.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The message followed by every cause, for the one place that prints it.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// A second error with the same facts, for each of several waiters of one failed batch. The source becomes its text.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind,
            code: self.0.code.clone(),
            message: self.0.message.clone(),
            path: self.0.path.clone(),
            params: self.0.params.clone(),
            outcome: self.0.outcome,
            retryable: self.0.retryable,
            source: self.0.source.as_ref().map(|source| source.to_string().into()),
        }))
    }
}

/// A text as an error tells it: what is wrong may be a name of a megabyte.
fn shortened(mut text: String) -> String {
    if text.len() > ERROR_TEXT_LEN_MAX {
        let mut end = ERROR_TEXT_LEN_MAX - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(path) = &self.0.path {
            write!(f, " (at {path})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("path", &self.0.path)
            .field("params", &self.0.params)
            .field("outcome", &self.0.outcome)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_nest_outwards() {
        let error = Error::invalid("x.y", "bad").at("iata").at("properties").at("object_types[2]");
        assert_eq!(error.path(), Some("object_types[2].properties.iata"));
        assert_eq!(Error::invalid("x", "bad").at("[3]").at("edits").path(), Some("edits[3]"));
    }

    #[test]
    fn an_error_is_short_however_long_what_it_tells_of() {
        let long = "é".repeat(500_000);
        let error = Error::invalid("x.y", long.clone()).at(&long).at("properties").with("name", &long);
        let (path, name) = (error.path().unwrap(), error.param("name").unwrap());
        for (text, start) in [(error.message(), "éé"), (path, "properties.éé"), (name, "éé")] {
            assert!(text.starts_with(start) && text.ends_with("é…") && text.len() <= ERROR_TEXT_LEN_MAX, "{text}");
        }
        let whole = "x".repeat(ERROR_TEXT_LEN_MAX);
        assert_eq!(Error::invalid("x.y", "bad").with("name", &whole).param("name"), Some(&*whole));
    }

    #[test]
    fn display_never_prints_the_source() {
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "a.b", "the message").caused_by("the cause");
            assert_eq!(error.to_string(), "the message");
            assert_eq!(error.chain(), "the message: the cause");
        }
    }

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
