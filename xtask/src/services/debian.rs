//! The servers from Debian's packages, for a machine that has none of them and is ours to change.

use std::process::{Command, Stdio};

use super::{Kind, postgres, program};

fn package(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Postgres => Some("postgresql"),
        Kind::Redis => Some("redis-server"),
        Kind::Nats => Some("nats-server"),
        Kind::PgVector => None,
    }
}

/// Installs the Debian packages of those that are not here, when this process is root and there is `apt-get`. What it says
/// goes to standard error.
///
/// A package may start a server of its own on the standard port. Nothing here uses or minds it.
///
/// # Errors
/// Says what is missing and why it cannot be installed. A package that is older than the floor is missing.
pub fn install(kinds: &[Kind]) -> Result<(), String> {
    let packaged = kinds.iter().filter_map(|kind| Some((*kind, package(*kind)?)));
    let missing: Vec<(Kind, &str)> = packaged.filter(|(kind, _)| program::find(*kind).is_err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(_, name)| *name).collect();
    let listed = names.join(" ");
    if !postgres::is_root() {
        return Err(format!("the Debian packages `{listed}` are missing, and only root can install them"));
    }
    // Lists that cannot be brought up to date may still be good enough.
    let updated = apt_get(&["update"]);
    apt_get(&[["install", "--yes", "--no-install-recommends"].as_slice(), &names].concat())
        .map_err(|error| format!("the packages `{listed}` cannot be installed: {}", updated.err().unwrap_or(error)))?;
    missing.iter().try_for_each(|(kind, _)| program::find(*kind).map(|_| ()))
}

fn apt_get(args: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    let status = command.status().map_err(|error| format!("apt-get: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("apt-get {}: {status}", args.join(" "))) }
}
