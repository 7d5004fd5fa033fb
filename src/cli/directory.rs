//! The users of a database, and the root secret of what they prove with who they are.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use arrakis::credential::hasher::Hasher;
use arrakis::credential::password::Cost;
use arrakis::credential::{Secret, Vault};
use arrakis::user::{UserOptions, Users};
use arrakis::{Arrakis, Context, Env, Error};
use clap::Args;

use super::Global;
use super::database::Database;
use super::failure::{Failure, Result};
use super::input::unreadable;

/// Where the users are, and their secret.
#[derive(Debug, Args)]
pub(crate) struct Directory {
    #[command(flatten)]
    database: Database,
    /// The file with the root secret, made where there is none [default: the database file with `.secret` added]
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
}

impl Directory {
    /// Opens the database with its users.
    ///
    /// # Errors
    /// `database.missing`, `secret.*`, and what the store answers.
    pub(crate) async fn open(&self, global: &Global) -> Result<(Arrakis, Users, Context)> {
        // No secret is made for what is not there.
        self.database.check_exists()?;
        let beside = self.database.file().map(|file| {
            let mut name = file.as_os_str().to_owned();
            name.push(".secret");
            PathBuf::from(name)
        });
        let file = self.secret.clone().or(beside);
        let file = file
            .ok_or_else(|| Failure::Usage("--secret names the file with the root secret of this deployment".into()))?;
        let mut options = UserOptions::new(root(&file)?);
        // Few passwords are set here, and none is calibrated for.
        options.hasher = Some(Hasher::new(Env::system(), Cost::default(), 1));
        let (arrakis, ctx) = self.database.open_by(Arrakis::builder().users(options), global).await?;
        let users = arrakis.users()?.clone();
        Ok((arrakis, users, ctx))
    }
}

/// Reads the root secret, or makes one that only its owner reads.
fn root(file: &Path) -> Result<Secret> {
    match fs::read_to_string(file) {
        Ok(text) => return Ok(text.trim().into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unreadable(file, error).into()),
    }
    let root = Vault::new_root(&Env::system());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let unwritable = |error: io::Error| {
        let unwritable = Error::invalid("secret.unwritable", "the file for the root secret cannot be written");
        unwritable.with("file", file.display()).caused_by(error)
    };
    let mut out = options.open(file).map_err(unwritable)?;
    writeln!(out, "{}", root.expose()).and_then(|()| out.sync_all()).map_err(unwritable)?;
    eprintln!("made {}: keep it, and apart from the database", file.display());
    Ok(root)
}

/// A secret from the first line of standard input.
pub(crate) fn secret_of_stdin() -> Result<Secret> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    let unreadable = |error| Error::invalid("input.unreadable", "standard input cannot be read").caused_by(error);
    read.map_err(unreadable)?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}
