//! Everything that ends a command other than well, and the one place that prints it.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use arrakis::{Error, ErrorKind, Outcome};

use super::text::printable;

/// What a command came to.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// How a command ended, when it ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It did what was asked.
    Done,
    /// It says on its output why it did not.
    Refused,
}

/// What ended a command before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused, or failed.
    Error(Error),
    /// The command line asks for what does not go together.
    Usage(String),
    /// Nobody reads the output any more, as in `arrakis … | head`.
    ClosedPipe,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Failure {
    /// A failure to write to standard output.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Self::Error(
            Error::new(ErrorKind::Unavailable, "output.unwritable", "the output cannot be written").caused_by(error),
        )
    }
}

/// The exit code of a command; what is to be said of a failure goes to standard error.
pub(crate) fn exit(result: Result<Verdict>) -> ExitCode {
    match result {
        Ok(Verdict::Done) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Ok(Verdict::Refused) => ExitCode::FAILURE,
        Err(Failure::Error(error)) => {
            eprintln!("{}", describe(&error));
            ExitCode::FAILURE
        }
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\n\nFor more information, try '--help'.");
            ExitCode::from(2)
        }
    }
}

/// `error[code]: message`, then the path, each parameter, each cause and a hint, one a line.
fn describe(error: &Error) -> String {
    let mut text = format!("error[{}]: {}", error.code(), printable(error.message()));
    let mut line = |name: &str, value: &str| {
        // Writing to a String does not fail.
        let _ = write!(text, "\n  {name}: {}", printable(value));
    };
    if let Some(path) = error.path() {
        line("at", path);
    }
    for (name, value) in error.params() {
        line(name, value);
    }
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        line("cause", &source.to_string());
        cause = source.source();
    }
    if let Some(hint) = hint(error) {
        line("hint", hint);
    }
    text
}

/// What may help, for refusals a person meets at the command line.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error.code() {
        "database.missing" => "`arrakis ontology apply FILE --db DB` creates a database",
        "move.target_not_empty" => "`--verify` compares what is there with the source",
        "store.moving" => "run the `arrakis move` that was begun again, or delete what it left",
        "ontology.unpublished" => "publish one first: `arrakis ontology apply FILE --db DB`",
        "ontology.plan.base_moved" => "the ontology was published since the plan was made: plan again",
        "cursor.invalid" | "cursor.other_request" => {
            "a cursor continues exactly the request that gave it: repeat that one, or start again without --cursor"
        }
        "kernel.budget.rows" | "kernel.budget.ms" => "narrow the set, or allow more with --budget-rows and --budget-ms",
        "kernel.property.unknown" if error.path().is_some_and(|path| path.starts_with("columns")) => {
            "a column that is no property is renamed with --map or left out with --skip"
        }
        "kernel.object_type.unknown"
        | "kernel.link_type.unknown"
        | "kernel.property.unknown"
        | "kernel.link.unknown" => "`arrakis ontology show --db DB` lists what there is",
        _ if error.outcome() == Outcome::Unknown => {
            "the write may have happened: send it again with the same --id to learn"
        }
        _ if error.is_retryable() => "the same command may succeed later",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_printed_once_with_path_parameters_and_hint() {
        let error = Error::new(ErrorKind::Precondition, "kernel.budget.rows", "the set is too large")
            .at("set")
            .with("rows_max", 10)
            .caused_by(io::Error::other("the\u{1b}[31mcause"));
        assert_eq!(
            describe(&error),
            "error[kernel.budget.rows]: the set is too large\n  at: set\n  rows_max: 10\n  cause: the\\u{1b}[31mcause\n  \
             hint: narrow the set, or allow more with --budget-rows and --budget-ms"
        );
    }

    #[test]
    fn a_write_that_may_have_happened_says_so() {
        let error = Error::unavailable("sqlite.gone", "gone").outcome_is(Outcome::Unknown);
        assert!(describe(&error).contains("--id"));
    }
}
