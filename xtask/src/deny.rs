//! Licences, sources, bans and advisories, by cargo-deny and `deny.toml`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::workspace::{Outcome, Workspace, run as shell};

/// Long enough to fetch the advisory database over a slow line, short enough to notice that there is none.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Checks bans, licences and sources always, and advisories where their database can be reached.
///
/// # Errors
/// When a rule of `deny.toml` is broken, or cargo-deny cannot be installed.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let program = program(workspace)?;
    let deny = |args: &[&str]| {
        let mut command = workspace.program(&program);
        command.args(["--workspace", "--all-features", "--locked"]).args(args);
        command
    };
    shell(&mut deny(&["check", "bans", "licenses", "sources"]))?;
    if succeeds_in_time(&mut deny(&["fetch", "db"]))? {
        shell(&mut deny(&["check", "--disable-fetch", "advisories"]))
    } else {
        println!("advisories: not checked, the advisory database cannot be reached from here");
        Ok(())
    }
}

/// The cargo-deny on the path, or the one under the target folder, installed first where it is missing.
fn program(workspace: &Workspace) -> Outcome<PathBuf> {
    let on_path = PathBuf::from("cargo-deny");
    if answers(&on_path) {
        return Ok(on_path);
    }
    let folder = workspace.target_dir()?.join("tools");
    let installed = folder.join("bin").join("cargo-deny");
    if !answers(&installed) {
        println!("cargo-deny is not here: installing it into {}", folder.display());
        // Unoptimized: it takes a third of the time to build, and a second more to run.
        shell(workspace.cargo(["install", "cargo-deny", "--locked", "--debug", "--root"]).arg(&folder))?;
    }
    Ok(installed)
}

fn answers(program: &PathBuf) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a command silently; ends it after [`FETCH_TIMEOUT`], which counts as failure.
fn succeeds_in_time(command: &mut Command) -> Outcome<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let pipe = child.stderr.take();
    let (ended, end) = mpsc::sync_channel(1);
    // The pipe closes when the child ends. When the child is ended, a grandchild may hold it: then nobody waits for it.
    let reader = move || {
        let closed = pipe.is_none_or(|mut pipe| std::io::copy(&mut pipe, &mut std::io::sink()).is_ok());
        ended.send(closed)
    };
    let _reader = std::thread::Builder::new().name("fetch".to_owned()).spawn(reader)?;
    if end.recv_timeout(FETCH_TIMEOUT).is_err() {
        child.kill()?;
    }
    Ok(child.wait()?.success())
}
