//! An OpenID Connect provider, from the npm registry: a real one, of other authors, to log in with.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::port::Port;
use super::process::pause_between_looks;

/// The package and its version.
const PACKAGE: &str = "oidc-provider@8.8.1";
const SCRIPT: &str = include_str!("oidc_provider.mjs");
/// What it calls the tests, and their secret.
pub const OIDC_CLIENT: (&str, &str) = ("arrakis", "a secret of the tests");
/// How often it is looked whether it has started: 30 seconds.
const LOOKS_MAX: usize = 6_000;

/// A provider that runs until it is dropped.
#[derive(Debug)]
pub struct OidcProvider {
    child: Child,
    port: Port,
}

impl OidcProvider {
    /// Starts one that sends browsers back to `redirect`. The package is installed under `folder`, unless it is there. Nothing, after saying that `test`
    /// is skipped, where there is no Node.js or the registry cannot be reached.
    pub fn start_or_skip(folder: &Path, redirect: &str, test: &str) -> Option<Self> {
        match Self::start(folder, redirect) {
            Ok(provider) => Some(provider),
            Err(why) => {
                super::skip_for("oidc-provider", test, &why);
                None
            }
        }
    }

    fn start(folder: &Path, redirect: &str) -> Result<Self, String> {
        let home = install(folder)?;
        let port = Port::free()?;
        let mut command = Command::new("node");
        command.current_dir(&home).arg("provider.mjs").arg(port.number().to_string()).arg(redirect);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("node: {error}"))?;
        let mut provider = Self { child, port };
        for _ in 0..LOOKS_MAX {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, provider.port.number())).is_ok() {
                return Ok(provider);
            }
            if let Ok(Some(status)) = provider.child.try_wait() {
                return Err(format!("the provider ended: {status}"));
            }
            pause_between_looks();
        }
        Err("the provider does not listen".into())
    }

    /// Its address.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        // One that has ended by itself has nothing more to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder with the package and the script.
fn install(folder: &Path) -> Result<PathBuf, String> {
    let home = folder.join("oidc-provider");
    let failed = |error: std::io::Error| format!("{}: {error}", home.display());
    std::fs::create_dir_all(&home).map_err(failed)?;
    std::fs::write(home.join("provider.mjs"), SCRIPT).map_err(failed)?;
    if home.join("node_modules/oidc-provider/package.json").exists() {
        return Ok(home);
    }
    let mut command = Command::new("npm");
    command.current_dir(&home).args(["install", "--silent", "--no-audit", "--no-fund", "--prefix", ".", PACKAGE]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr())).status();
    match status {
        Ok(status) if status.success() => Ok(home),
        Ok(status) => Err(format!("npm: {status}")),
        Err(error) => Err(format!("npm: {error}")),
    }
}
