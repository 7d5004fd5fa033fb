//! The checkout this tool was compiled from, and the commands run in it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a task returns: nothing to say, or why it failed.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A checkout of the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout that holds this crate's source.
    pub(crate) fn of_this_source() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: here.parent().unwrap_or(here).to_path_buf() }
    }

    /// The folder of the root `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A program to be run at the root.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs this tool, to be run at the root.
    #[expect(clippy::disallowed_methods, reason = "cargo tells its children which cargo it is by this variable")]
    pub(crate) fn cargo<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = self.program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args);
        command
    }

    /// What `cargo metadata` says about the workspace and everything it depends on.
    pub(crate) fn metadata(&self) -> Outcome<Value> {
        let json = output(&mut self.cargo(["metadata", "--format-version", "1", "--all-features", "--locked"]))?;
        Ok(serde_json::from_str(&json)?)
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target_dir(&self) -> Outcome<PathBuf> {
        let json = output(&mut self.cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
        let metadata: Value = serde_json::from_str(&json)?;
        let folder = metadata.get("target_directory").and_then(Value::as_str);
        Ok(folder.ok_or("cargo metadata names no target directory")?.into())
    }

    /// Every file that is tracked or would be by `git add --all`, relative to the root.
    pub(crate) fn files(&self) -> Outcome<Vec<String>> {
        let mut list = self.program("git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
        let listed = output(&mut list)?;
        Ok(listed.split_terminator('\0').map(str::to_owned).collect())
    }
}

/// Runs a command with its output shown as it comes.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("{}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", line(command)).into()) }
}

/// Runs a command and returns what it wrote on standard output.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("{}: {error}", line(command)))?;
    if !output.status.success() {
        return Err(format!("`{}` failed: {}", line(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
