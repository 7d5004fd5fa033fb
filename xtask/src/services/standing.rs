//! Servers that stay when the command that started them ends: what `cargo xtask services` starts, tells of and stops.

use std::fmt::Write;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::process::{EndBy, end_other, works_in};
use super::server::{make, remove};
use super::{Durability, Kind, Server, probe};

/// The servers of one folder, and a lock on it: nobody else starts or stops them meanwhile.
#[derive(Debug)]
pub struct Standing {
    folder: PathBuf,
    servers: Vec<Left>,
    _lock: File,
}

/// A server that was left running.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    kind: Kind,
    process: u32,
    port: u16,
    home: PathBuf,
}

impl Left {
    /// Whether its process is still there, and not another one with its number.
    fn lives(&self) -> bool {
        works_in(self.process, &self.home)
    }

    fn end(&self) -> Result<(), String> {
        if self.lives() {
            end_other(self.process, EndBy::of(self.kind));
        }
        remove(&self.home)
    }
}

impl Standing {
    /// The servers whose data is under `folder`, which is made when it is not there. Waits for who else has it open.
    ///
    /// # Errors
    /// When the folder or what it says of its servers cannot be read.
    pub fn open(folder: &Path) -> Result<Self, String> {
        make(folder)?;
        let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        let path = folder.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(|error| at(&path, error))?;
        let path = Self::list(folder);
        let servers = match std::fs::read_to_string(&path) {
            Ok(text) => text.lines().filter_map(read).collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(at(&path, error)),
        };
        Ok(Self { folder: folder.to_path_buf(), servers, _lock: lock })
    }

    /// The URL of the server of a kind that was started and answers.
    pub fn url(&self, kind: Kind) -> Option<String> {
        self.found(kind).filter(|left| left.lives() && probe::answers(kind, left.port)).map(|left| kind.url(left.port))
    }

    /// The process of the server of a kind that was started, whether or not it answers.
    pub fn process(&self, kind: Kind) -> Option<u32> {
        self.found(kind).filter(|left| left.lives()).map(|left| left.process)
    }

    /// The URL of a server of a kind, started when none answers. It is fast rather than durable: nobody keeps what is there.
    ///
    /// # Errors
    /// As [`Server::start`], and when it cannot be written down.
    pub fn start(&mut self, kind: Kind) -> Result<String, String> {
        if let Some(url) = self.url(kind) {
            return Ok(url);
        }
        self.stop(kind)?;
        let server = Server::start(kind, &self.folder, Durability::Relaxed)?;
        let (url, port) = (server.url(), server.port());
        let (process, home) = server.leave().ok_or_else(|| format!("{kind} has no process"))?;
        self.servers.push(Left { kind, process, port, home });
        self.write()?;
        Ok(url)
    }

    /// Stops the server of a kind, if one was started, and removes its data.
    ///
    /// # Errors
    /// When its folder cannot be removed.
    pub fn stop(&mut self, kind: Kind) -> Result<(), String> {
        let stopped: Vec<Left> = self.servers.extract_if(.., |left| left.kind == kind).collect();
        let ended: Vec<Result<(), String>> = stopped.iter().map(Left::end).collect();
        self.write()?;
        ended.into_iter().collect()
    }

    fn found(&self, kind: Kind) -> Option<&Left> {
        self.servers.iter().find(|left| left.kind == kind)
    }

    fn list(folder: &Path) -> PathBuf {
        folder.join("servers")
    }

    /// One server a line: kind, process, port and folder.
    fn write(&self) -> Result<(), String> {
        let text = self.servers.iter().fold(String::new(), |mut text, Left { kind, process, port, home }| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{kind} {process} {port} {}", home.display());
            text
        });
        let path = Self::list(&self.folder);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn read(line: &str) -> Option<Left> {
    let mut words = line.splitn(4, ' ');
    let kind = Kind::parse(words.next()?)?;
    let process = words.next()?.parse().ok()?;
    let port = words.next()?.parse().ok()?;
    Some(Left { kind, process, port, home: words.next()?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_the_spaces_of_its_folder() {
        let home = PathBuf::from("/home/a b/target/services/redis-20000");
        assert_eq!(
            read("redis 12 20000 /home/a b/target/services/redis-20000"),
            Some(Left { kind: Kind::Redis, process: 12, port: 20_000, home })
        );
        assert_eq!(read("redis 12 20000"), None);
        assert_eq!(read("mongo 12 20000 /home"), None);
    }

    #[test]
    fn a_process_with_a_recycled_number_is_not_ours() {
        let process = std::process::id();
        let left = |home: &str| Left { kind: Kind::Redis, process, port: 1, home: home.into() };
        assert!(!left("/not/where/this/process/works").lives());
        let own = std::env::current_dir().expect("a folder");
        assert!(left(&own.to_string_lossy()).lives());
    }
}
