//! The root secret of a deployment, in a file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use arrakis_core::credential::{Secret, Vault};
use arrakis_core::{Env, Error, Result};

/// The root secret in a file, and whether it was made just now: where there is no file, one is made that only its owner reads. Whoever has both it and
/// the database has everything, and without it nobody who is in the database can show who they are: keep it, and apart from the database.
///
/// # Errors
/// `secret.unreadable`, `secret.unwritable`.
pub fn root_secret(file: &Path) -> Result<(Secret, bool)> {
    let unreadable = |error: io::Error| {
        let unreadable = Error::invalid("secret.unreadable", "the file with the root secret cannot be read");
        unreadable.with("file", file.display()).caused_by(error)
    };
    match fs::read_to_string(file) {
        Ok(text) => return Ok((text.trim().into(), false)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unreadable(error)),
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
    let mut out = match options.open(file) {
        // Another process was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return fs::read_to_string(file).map(|text| (text.trim().into(), false)).map_err(unreadable);
        }
        other => other.map_err(unwritable)?,
    };
    writeln!(out, "{}", root.expose()).and_then(|()| out.sync_all()).map_err(unwritable)?;
    Ok((root, true))
}
