//! The servers tests run against: shared ones that are given to the run, and private ones a test may break.
//!
//! A test that only needs a server asks [`url_or_skip`] for the shared one and keeps to itself there: a database of its own,
//! a key prefix, a stream name. A test that kills, wipes or pauses a server starts a private one ([`Postgres`], [`Redis`],
//! [`Nats`]), which nobody else sees and which ends with the value.

mod debian;
mod oidc_provider;
mod pgvector;
mod port;
mod postgres;
mod probe;
mod process;
mod program;
mod server;
mod standing;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

pub use debian::install;
pub use oidc_provider::{OIDC_CLIENT, OidcProvider};
pub use pgvector::install_pgvector;
pub use server::{Durability, Nats, PgVector, Postgres, Redis, Server};
pub use standing::Standing;

/// A kind of server tests may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL 15 or later.
    Postgres,
    /// Redis 7.0 or later.
    Redis,
    /// NATS 2.9.10 or later, with JetStream.
    Nats,
    /// A second PostgreSQL, in which `CREATE EXTENSION vector` works.
    PgVector,
}

impl Kind {
    /// Those every run of the tests has, in the order they are started: all but [`Kind::PgVector`].
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Redis, Self::Nats];

    /// The name it goes by in arguments, folders and lines that say `skipped`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::PgVector => "pgvector",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::PgVector]).find(|kind| kind.name() == name)
    }

    /// The environment variable that gives a run the URL of a shared server.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "ARRAKIS_TEST_POSTGRES_URL",
            Self::Redis => "ARRAKIS_TEST_REDIS_URL",
            Self::Nats => "ARRAKIS_TEST_NATS_URL",
            Self::PgVector => "ARRAKIS_TEST_PGVECTOR_URL",
        }
    }

    fn is_postgres(self) -> bool {
        matches!(self, Self::Postgres | Self::PgVector)
    }

    /// The URL of a server of this module on a loopback port, with all rights and no password.
    fn url(self, port: u16) -> String {
        match self {
            Self::Postgres | Self::PgVector => format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            Self::Redis => format!("redis://127.0.0.1:{port}"),
            Self::Nats => format!("nats://127.0.0.1:{port}"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The URL of the shared server given to this run by [`Kind::variable`]; nothing when it is not set or empty.
#[expect(clippy::disallowed_methods, reason = "the environment is how a run of the tests is told of its servers")]
pub fn url(kind: Kind) -> Option<String> {
    std::env::var(kind.variable()).ok().filter(|url| !url.is_empty())
}

/// [`url`], or nothing after saying that `test` is skipped, in the way `cargo xtask test` counts.
pub fn url_or_skip(kind: Kind, test: &str) -> Option<String> {
    let url = url(kind);
    if url.is_none() {
        skip(kind, test, &format!("{} is not set", kind.variable()));
    }
    url
}

/// Where the program of a server is that is new enough to be started here. That of [`Kind::PgVector`] is looked for under
/// `folder`, where [`install_pgvector`] puts it.
///
/// # Errors
/// Says what was looked for and where.
pub fn program(kind: Kind, folder: &Path) -> Result<PathBuf, String> {
    match kind {
        Kind::Postgres | Kind::Redis | Kind::Nats => program::find(kind),
        Kind::PgVector => pgvector::find(folder),
    }
}

/// Whether a private server of this kind can be started under a folder.
pub fn can_start(kind: Kind, folder: &Path) -> bool {
    program(kind, folder).is_ok()
}

/// Writes `skipped: <kind>: <test>: <why>` past the capture of the test harness: `cargo xtask test` counts such lines, one a
/// test, lists them at the end, and fails where the kind is required.
pub fn skip(kind: Kind, test: &str, why: &str) {
    skip_for(kind.name(), test, why);
}

/// The same for what is no kind of server.
fn skip_for(kind: &str, test: &str, why: &str) {
    // A harness that closed its output has nobody left to tell.
    let _ = writeln!(std::io::stdout(), "skipped: {kind}: {test}: {why}");
}
