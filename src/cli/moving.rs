//! `arrakis move`.

use std::path::PathBuf;

use arrakis::archive::{ArchiveStore, ArchiveWriter, Manifest, Progress, Stage, carry, compare, manifest};
use arrakis::{Env, Error, PgOptions, PgStore, SqliteOptions, SqliteStore};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Global;
use super::failure::{Failure, Result, Verdict};
use super::format::print;

/// How often a second the progress is drawn anew.
const DRAWN_HZ: u8 = 5;

/// Moves a whole database to where there is none.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The database: a file, `sqlite://FILE`, or the URL of a PostgreSQL database
    #[arg(value_name = "SOURCE")]
    source: Secret,
    /// Where it is to be, in the same words
    #[arg(value_name = "TARGET")]
    target: Secret,
    /// Move nothing: compare two databases that are there
    #[arg(long)]
    verify: bool,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    /// May hold a password.
    Server(Secret),
}

/// A text that may hold a password and is not shown, by a refusal of the command line neither.
#[derive(Clone, PartialEq, Eq)]
struct Secret(String);

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Place {
    fn parse(text: &Secret) -> Result<Self> {
        match text.0.split_once("://") {
            None => Ok(Self::File(text.0.clone().into())),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Server(text.clone())),
            Some(_) => Err(Failure::Usage("a path, sqlite://PATH or postgres://… is expected".to_owned())),
        }
    }

    /// The store that is there.
    async fn store(&self) -> Result<Box<dyn ArchiveStore>> {
        match self {
            Self::File(path) => {
                let path = path.clone();
                let open = move || {
                    let options = SqliteOptions { create: false, ..SqliteOptions::default() };
                    match SqliteStore::open(&path, Env::system(), &options) {
                        Err(error) if error.code() == "store.cannot_open" && !path.exists() => {
                            let missing = Error::not_found("database.missing", "there is no such database");
                            Err(missing.with("file", path.display()))
                        }
                        opened => opened,
                    }
                };
                let ended = tokio::task::spawn_blocking(open).await;
                let store = ended.map_err(|e| Error::internal("store.open", "opening ended early").caused_by(e))??;
                Ok(Box::new(store))
            }
            Self::Server(url) => {
                let options = PgOptions { create: false, ..PgOptions::default() };
                Ok(Box::new(PgStore::open(&url.0, Env::system(), &options).await?))
            }
        }
    }

    /// What fills the place.
    fn writer(&self) -> Result<Box<dyn ArchiveWriter>> {
        Ok(match self {
            Self::File(path) => SqliteStore::archive_writer(path, Env::system())?,
            Self::Server(url) => PgStore::archive_writer(&url.0, Env::system(), &PgOptions::default())?,
        })
    }
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (source, target) = (Place::parse(&self.source)?, Place::parse(&self.target)?);
        let source = source.store().await?;
        let bar = progress_bar();
        let told = |progress: Progress| {
            bar.set_message(match progress.stage {
                Stage::Carrying => "carrying",
                Stage::Building => "indexing",
                Stage::Verifying => "verifying",
            });
            bar.set_position(progress.done);
        };
        let mut reader = source.archive().await?;
        let moved = if self.verify {
            let target = target.store().await?;
            let before = manifest(&mut *reader, &told).await?;
            let after = manifest(&mut *target.archive().await?, &told).await?;
            compare(&before, &after)?;
            after
        } else {
            carry(&mut *reader, target.writer()?, &told).await?
        };
        bar.finish_and_clear();
        show(&moved, global)?;
        Ok(Verdict::Done)
    }
}

/// Counts on standard error, or nothing where that is no terminal.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {spinner} {human_pos} entries and rows");
    let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_draw_target(indicatif::ProgressDrawTarget::stderr_with_hz(DRAWN_HZ));
    bar
}

fn show(moved: &Manifest, global: &Global) -> Result<()> {
    let row = vec![
        ("head", json!(moved.head)),
        ("spaces", json!(moved.spaces)),
        ("tenants", json!(moved.tenants)),
        ("schemas", json!(moved.schemas)),
        ("log", json!(moved.log)),
        ("objects", json!(moved.objects)),
        ("links", json!(moved.links)),
        ("superseded", json!(moved.superseded)),
        ("cursors", json!(moved.cursors)),
        ("hash", json!(moved.hash)),
    ];
    print(global.format, moved, row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_or_a_url() {
        let place = |text: &str| Place::parse(&text.into());
        for text in ["app.db", "sqlite://app.db"] {
            assert_eq!(place(text).unwrap(), Place::File("app.db".into()));
        }
        assert_eq!(place("sqlite:///data/app.db").unwrap(), Place::File("/data/app.db".into()));
        let server = place("postgres://ann:secret@host/db").unwrap();
        assert!(!format!("{server:?}").contains("secret"), "{server:?}");
        for bad in ["mysql://host/db", "sqlite://"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }
}
