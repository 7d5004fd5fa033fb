//! `cargo xtask schemathesis`: requests made from the description of the HTTP interface, by the tool of that name from `PyPI`, against the example `all_in_one`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::test::MEASURED_BESIDE;
use crate::workspace::{Outcome, Workspace, run as shell};

const PACKAGE: &str = "schemathesis==4.32.5";
/// How many requests are made at random for each operation, besides those its schema calls for.
const EXAMPLES: &str = "10";

/// The example at work, ended when it is dropped.
struct Served {
    child: Child,
    address: String,
    token: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks everything that is described, as the administrator.
///
/// # Errors
/// When the tool cannot be had, or finds something.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let target = workspace.target_dir()?;
    let tool = installed(workspace, &target.join("tools").join("schemathesis"))?;
    // With the features of the tests, by which all of it but the example itself is there.
    let example = ["build", "--workspace", "--exclude", MEASURED_BESIDE, "--all-features", "--example", "all_in_one"];
    shell(workspace.cargo(example).stdin(Stdio::null()))?;
    let folder = target.join("schemathesis");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let served = start(&target.join("debug").join("examples").join("all_in_one"), &folder)?;
    // A token is in force for minutes, and this takes longer.
    let key = key(&served)?;
    let mut command = Command::new(tool);
    // It leaves what it did where it is run.
    command.current_dir(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PYTHONPATH", workspace.root().join("xtask")).env("SCHEMATHESIS_HOOKS", "schemathesis_hooks");
    command.arg("--config-file").arg(workspace.root().join("xtask").join("schemathesis.toml")).arg("run");
    command
        .arg(format!("{}/v1/openapi.json", served.address))
        .args(["--header", &format!("Authorization: Bearer {key}")]);
    command.args([
        "--checks",
        "all",
        "--phases",
        "coverage,fuzzing,stateful",
        "--max-examples",
        EXAMPLES,
        "--no-color",
    ]);
    shell(&mut command)
}

/// The tool in a virtual environment, installed first where it is missing.
fn installed(workspace: &Workspace, folder: &Path) -> Outcome<PathBuf> {
    let tool = folder.join("bin").join("schemathesis");
    if !tool.exists() {
        shell(workspace.program("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = ["-m", "pip", "install", "--quiet", PACKAGE];
        shell(workspace.program(folder.join("bin").join("python3")).args(pip))?;
    }
    Ok(tool)
}

fn start(program: &Path, folder: &Path) -> Outcome<Served> {
    let mut command = Command::new(program);
    command.current_dir(folder).args(["app.db", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let out = child.stdout.take().ok_or("the example says nothing")?;
    let mut served = Served { child, address: String::new(), token: String::new() };
    for line in BufReader::new(out).lines() {
        let line = line?;
        if line.starts_with("http://") {
            served.address = line;
        } else if let Some(token) = line.strip_prefix("token ") {
            token.clone_into(&mut served.token);
            return Ok(served);
        }
    }
    Err("the example ended before it said who may ask".into())
}

/// An API key of the administrator.
fn key(served: &Served) -> Outcome<String> {
    let host = served.address.trim_start_matches("http://");
    let body = r#"{"name":"schemathesis","days":1}"#;
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "POST /v1/account/api-keys HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        served.token,
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, told) = answer.split_once("\r\n\r\n").ok_or("the example does not answer")?;
    let told: Value = serde_json::from_str(told)?;
    Ok(told.get("key").and_then(Value::as_str).ok_or("the example gives no key")?.to_owned())
}
