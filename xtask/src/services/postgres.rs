//! What PostgreSQL needs beyond a port and a folder: a user other than root, and an initialised folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::User;
use super::server::Durability;

/// Sessions a server takes: a test run opens a pool or more a test.
const SESSIONS_MAX: u32 = 300;

/// The user PostgreSQL runs as, which must not be root; nothing where this process's own will do.
pub(super) fn user() -> Result<Option<User>, String> {
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    let named = |name| Some(User { id: id(&["-u", name])?, group: id(&["-g", name])? });
    let user = named("postgres").or_else(|| named("nobody"));
    user.map(Some)
        .ok_or_else(|| "postgres does not run as root, and there is neither a user postgres nor nobody".into())
}

fn id(args: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(args).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// `folder` where the server's user can reach it, else the system's folder for temporary files.
pub(super) fn reachable(folder: &Path) -> Result<PathBuf, String> {
    let Some(user) = user()? else {
        return Ok(folder.to_path_buf());
    };
    let mut look = Command::new("test");
    look.arg("-x").arg(folder);
    user.runs(&mut look);
    let reaches = look.status().is_ok_and(|status| status.success());
    Ok(if reaches { folder.to_path_buf() } else { std::env::temp_dir() })
}

/// Makes `data`, in a folder that is there, the folder of a new server with the superuser `postgres` and no password.
pub(super) fn initialise(program: &Path, home: &Path, data: &Path) -> Result<(), String> {
    let user = user()?;
    if let Some(user) = user {
        user.owns(home).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    let mut initdb = Command::new(program.with_file_name("initdb"));
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums"]);
    // What is lost when the machine loses power is initialised anew.
    initdb.args(["--no-sync", "--no-instructions", "-D"]).arg(data).current_dir(home);
    if let Some(user) = user {
        user.runs(&mut initdb);
    }
    let output = initdb.stdin(Stdio::null()).output().map_err(|error| format!("initdb: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("initdb: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}

/// The command that serves `data` on a loopback port.
pub(super) fn command(program: &Path, data: &Path, port: u16, durability: Durability) -> Result<Command, String> {
    let switch = match durability {
        Durability::Full => "on",
        Durability::Relaxed => "off",
    };
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        // The path of a socket may be too long, and nobody needs one.
        "unix_socket_directories=".to_owned(),
        format!("max_connections={SESSIONS_MAX}"),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        format!("fsync={switch}"),
        format!("synchronous_commit={switch}"),
        format!("full_page_writes={switch}"),
    ];
    let mut command = Command::new(program);
    command.arg("-D").arg(data).args(settings.iter().flat_map(|setting| ["-c", setting]));
    if let Some(user) = user()? {
        user.runs(&mut command);
    }
    Ok(command)
}
