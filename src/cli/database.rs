//! The database a command works on.

use std::path::{Path, PathBuf};

use arrakis::{Arrakis, ArrakisBuilder, Context, Error};
use clap::Args;

use super::Global;
use super::failure::Result;

/// Where the database is.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// The database: a file, or the URL of a PostgreSQL database
    #[arg(long = "db", value_name = "FILE|URL")]
    path: PathBuf,
}

impl Database {
    /// The database in a file, where a command takes something else in its place.
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Opens a database that exists.
    ///
    /// # Errors
    /// `database.missing`, and what the store answers.
    pub(crate) async fn open(&self, global: &Global) -> Result<(Arrakis, Context)> {
        self.check_exists()?;
        self.open_or_create(global).await
    }

    /// Opens a database, which is created where there is none.
    ///
    /// # Errors
    /// What the store answers.
    pub(crate) async fn open_or_create(&self, global: &Global) -> Result<(Arrakis, Context)> {
        self.open_by(Arrakis::builder(), global).await
    }

    /// Opens a database with other settings than the default.
    ///
    /// # Errors
    /// What the store answers.
    pub(crate) async fn open_by(&self, builder: ArrakisBuilder, global: &Global) -> Result<(Arrakis, Context)> {
        let arrakis = match self.url() {
            Some(url) => builder.open_postgres(url).await?,
            None => builder.open(&self.path).await?,
        };
        let ctx = context(&arrakis, global).await?;
        Ok((arrakis, ctx))
    }

    /// Passes for a database that exists.
    ///
    /// # Errors
    /// `database.missing`.
    pub(crate) fn check_exists(&self) -> Result<()> {
        if self.exists() {
            return Ok(());
        }
        let missing = Error::not_found("database.missing", "there is no such database");
        Err(missing.with("file", self.path.display()).into())
    }

    /// The file it is in, if it is in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.url().is_none().then_some(&*self.path)
    }

    /// Opens a database to compare with: an empty one in memory where there is none.
    ///
    /// # Errors
    /// What the store answers.
    pub(crate) async fn open_or_empty(&self, global: &Global) -> Result<(Arrakis, Context)> {
        if self.exists() {
            return self.open(global).await;
        }
        let arrakis = Arrakis::in_memory().await?;
        let ctx = context(&arrakis, global).await?;
        Ok((arrakis, ctx))
    }

    /// The URL of a database server.
    fn url(&self) -> Option<&str> {
        let is_url = |text: &&str| text.starts_with("postgres://") || text.starts_with("postgresql://");
        self.path.to_str().filter(is_url)
    }

    fn exists(&self) -> bool {
        // What cannot be looked at is not missing: opening it says what is wrong. So it does of a database server.
        self.url().is_some() || self.path.try_exists().unwrap_or(true)
    }
}

async fn context(arrakis: &Arrakis, global: &Global) -> arrakis::Result<Context> {
    let ctx = match global.tenant {
        Some(tenant) => arrakis.tenant_context(tenant).await?,
        None => arrakis.context(),
    };
    Ok(ctx.acting_as(global.actor.clone()))
}
