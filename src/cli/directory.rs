//! The users of a database, and the root secret of what they prove with who they are.

use std::io;
use std::path::PathBuf;

use arrakis::credential::Secret;
use arrakis::credential::hasher::Hasher;
use arrakis::credential::password::Cost;
use arrakis::user::{UserOptions, Users};
use arrakis::{Arrakis, Context, Env, Error, root_secret};
use clap::Args;

use super::Global;
use super::database::Database;
use super::failure::{Failure, Result};

/// Where the users are, and their secret.
#[derive(Debug, Args)]
pub(crate) struct Directory {
    #[command(flatten)]
    database: Database,
    /// The file with the root secret, made where there is none [default: the database file with `.secret` added]
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// The address of the deployment as its users know it, which access tokens name as their issuer
    #[arg(long, value_name = "URL", env = "ARRAKIS_ISSUER")]
    issuer: Option<String>,
}

impl Directory {
    /// Opens the database with its users.
    ///
    /// # Errors
    /// `database.missing`, `secret.*`, and what the store answers.
    pub(crate) async fn open(&self, global: &Global) -> Result<(Arrakis, Users, Context)> {
        // No secret is made for what is not there.
        self.database.check_exists()?;
        let mut options = self.options(self.root()?);
        // Few passwords are set here, and none is calibrated for.
        options.hasher = Some(Hasher::new(Env::system(), Cost::default(), 1));
        let (arrakis, ctx) = self.database.open_by(Arrakis::builder().users(options), global).await?;
        let users = arrakis.user_engine()?.clone();
        Ok((arrakis, users, ctx))
    }

    /// Opens the database with its users, to be asked by many, with a cache that other processes share where one is named; it is created where there is
    /// none.
    ///
    /// # Errors
    /// `secret.*`, and what the store answers.
    pub(crate) async fn open_or_create(
        &self,
        redis: Option<&str>,
        global: &Global,
    ) -> Result<(Arrakis, Secret, Context)> {
        let root = self.root()?;
        let builder = Arrakis::builder().users(self.options(root.clone()));
        let builder = match redis {
            Some(url) => builder.redis(url),
            None => builder,
        };
        let (arrakis, ctx) = self.database.open_by(builder, global).await?;
        Ok((arrakis, root, ctx))
    }

    fn options(&self, root: Secret) -> UserOptions {
        let mut options = UserOptions::new(root);
        if let Some(issuer) = &self.issuer {
            options.issuer.clone_from(issuer);
        }
        options
    }

    fn root(&self) -> Result<Secret> {
        let beside = self.database.file().map(|file| {
            let mut name = file.as_os_str().to_owned();
            name.push(".secret");
            PathBuf::from(name)
        });
        let file = self.secret.clone().or(beside);
        let file = file
            .ok_or_else(|| Failure::Usage("--secret names the file with the root secret of this deployment".into()))?;
        let (root, is_new) = root_secret(&file)?;
        if is_new {
            eprintln!("made {}: keep it, and apart from the database", file.display());
        }
        Ok(root)
    }
}

/// A secret from the first line of standard input.
pub(crate) fn secret_of_stdin() -> Result<Secret> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    let unreadable = |error| Error::invalid("input.unreadable", "standard input cannot be read").caused_by(error);
    read.map_err(unreadable)?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}
