//! What the README promises a newcomer: the quickstart runs, and runs again over its own database.

use std::path::Path;

use crate::workspace::{Outcome, Workspace, run as shell};

/// Runs the example twice in an empty folder, with the features a newcomer has.
///
/// # Errors
/// When either run fails, or the first leaves no database.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let folder = workspace.target_dir()?.join("quickstart");
    empty(&folder)?;
    let manifest = workspace.root().join("Cargo.toml");
    for _ in 0..2 {
        let mut command = workspace.cargo(["run", "--quiet", "--example", "quickstart", "--manifest-path"]);
        shell(command.arg(&manifest).current_dir(&folder))?;
    }
    if folder.join("airline.db").is_file() { Ok(()) } else { Err("the quickstart left no airline.db".into()) }
}

fn empty(folder: &Path) -> Outcome {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::create_dir_all(folder)?)
}
