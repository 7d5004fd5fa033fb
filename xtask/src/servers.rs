//! `cargo xtask services`, and the servers of a run of the tests.

use std::path::{Path, PathBuf};

use xtask::services::{self, Durability, Kind, Server, Standing};

use crate::workspace::{Outcome, Workspace};

/// All kinds there are.
pub(crate) const EVERY: [Kind; 4] = [Kind::Postgres, Kind::Redis, Kind::Nats, Kind::PgVector];

/// The kinds in `postgres,redis,nats`.
pub(crate) fn parse(kinds: &str) -> Outcome<Vec<Kind>> {
    let known = EVERY.map(Kind::name).join(", ");
    let kind =
        |name| Kind::parse(name).ok_or_else(|| format!("no server is called `{name}`: there are {known}").into());
    kinds.split(',').map(kind).collect()
}

/// Installs what is missing, starts what is not running, and prints how to tell the tests of it: lines for a shell.
///
/// # Errors
/// Names each that cannot be had and says why; the others are started.
pub(crate) fn up(workspace: &Workspace, kinds: &[Kind]) -> Outcome {
    let folder = folder(workspace)?;
    let mut standing = Standing::open(&folder)?;
    let mut refused = Vec::new();
    for kind in kinds.iter().copied() {
        if services::url(kind).is_some() {
            println!("# {kind}: given by {}", kind.variable());
            continue;
        }
        match obtain(kind, &folder).and_then(|()| standing.start(kind)) {
            Ok(url) => println!("export {}={url}", kind.variable()),
            Err(why) => refused.push(format!("{kind}: {why}")),
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refused.join("\n").into()) }
}

/// Stops all that [`up`] started.
///
/// # Errors
/// When their data cannot be removed.
pub(crate) fn down(workspace: &Workspace) -> Outcome {
    let mut standing = Standing::open(&folder(workspace)?)?;
    Ok(EVERY.into_iter().try_for_each(|kind| standing.stop(kind))?)
}

/// Says of each kind whether there is one. A URL that was given is not shown: it may hold a password.
///
/// # Errors
/// When what [`up`] wrote down cannot be read.
pub(crate) fn status(workspace: &Workspace) -> Outcome {
    let folder = folder(workspace)?;
    let standing = Standing::open(&folder)?;
    for kind in EVERY {
        let state = match (services::url(kind), standing.url(kind), standing.process(kind)) {
            (Some(_), _, _) => format!("given by {}", kind.variable()),
            (None, Some(url), Some(process)) => format!("{url}, process {process}"),
            (None, _, Some(process)) => format!("process {process} does not answer"),
            (None, _, None) => match services::program(kind, &folder) {
                Ok(program) => format!("down; {} can be started", program.display()),
                Err(why) => format!("down; {why}"),
            },
        };
        println!("{kind}: {state}");
    }
    Ok(())
}

/// Installs the Debian packages of those that are missing.
///
/// # Errors
/// As [`services::install`].
pub(crate) fn install() -> Outcome {
    Ok(services::install(&Kind::ALL)?)
}

/// Installs one that is missing.
fn obtain(kind: Kind, folder: &Path) -> Result<(), String> {
    match kind {
        Kind::Postgres | Kind::Redis | Kind::Nats => services::install(&[kind]),
        Kind::PgVector => services::install_pgvector(folder),
    }
}

/// Where the data of the servers is.
fn folder(workspace: &Workspace) -> Outcome<PathBuf> {
    Ok(workspace.target_dir()?.join("services"))
}

/// The servers of one run of the tests.
#[derive(Debug)]
pub(crate) struct Provided {
    /// The variables that tell the tests of them, beyond those that are set.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What cannot be had, as a test would say it is skipped.
    pub(crate) missing: Vec<String>,
    /// Those that were started for the run, and end with it.
    started: Vec<Server>,
}

impl Provided {
    /// Uses the URLs that are given, else the servers of [`up`], else starts some. Only what is required is installed, and
    /// only what [`up`] started or what is required is had of [`Kind::PgVector`].
    ///
    /// # Errors
    /// When what is required cannot be had, or a server that could be started does not start.
    pub(crate) fn get(workspace: &Workspace, required: &[Kind]) -> Outcome<Self> {
        let folder = folder(workspace)?;
        let standing = Standing::open(&folder)?;
        let mut provided = Self { variables: Vec::new(), missing: Vec::new(), started: Vec::new() };
        for kind in EVERY.into_iter().filter(|kind| services::url(*kind).is_none()) {
            if let Some(url) = standing.url(kind) {
                provided.variables.push((kind.variable(), url));
                continue;
            }
            if required.contains(&kind) {
                obtain(kind, &folder).map_err(|why| format!("{kind} is required and cannot be had: {why}"))?;
            } else if !Kind::ALL.contains(&kind) {
                continue;
            }
            if let Err(why) = services::program(kind, &folder) {
                provided.missing.push(format!("{kind}: {why}"));
                continue;
            }
            let server = Server::start(kind, &folder, Durability::Relaxed)?;
            provided.variables.push((kind.variable(), server.url()));
            provided.started.push(server);
        }
        Ok(provided)
    }

    /// How the servers came about, in a line.
    pub(crate) fn origin(&self) -> String {
        let started: Vec<String> = self.started.iter().map(Server::url).collect();
        match (started.as_slice(), self.variables.as_slice()) {
            ([], []) => "services: as given".to_owned(),
            ([], _) => "services: those of `cargo xtask services up`".to_owned(),
            (started, _) => format!("services: started {}", started.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_servers_are_known_by_name() {
        assert_eq!(parse("postgres,nats").expect("known names"), [Kind::Postgres, Kind::Nats]);
        let refusal = parse("postgres,mysql").expect_err("an unknown name");
        assert_eq!(refusal.to_string(), "no server is called `mysql`: there are postgres, redis, nats, pgvector");
    }
}
