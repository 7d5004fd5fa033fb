//! A private server: started, killed, wiped and paused by the one test that owns it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::port::Port;
use super::process::{EndBy, Process, poll};
use super::{Kind, postgres, probe, program, skip};

/// How many times a start is tried, each on another port: a port that was free may be taken by someone else.
const STARTS_MAX: usize = 3;

/// How much of a server's log an error tells, from its end.
const LOG_BYTES_MAX: u64 = 2_000;

/// What a server does for data that was written, where one can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// What was acknowledged survives a power cut. What fault tests and benches measure.
    Full,
    /// Nothing is forced to the disk, and a crash of the machine may ruin the data. For servers whose data nobody keeps.
    Relaxed,
}

/// A server of one's own on a loopback port, its data in a folder of its own. Dropped, it is ended and the folder removed;
/// that happens too when the process that started it is killed.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    program: PathBuf,
    home: PathBuf,
    port: Port,
    durability: Durability,
    process: Option<Process>,
}

impl Server {
    /// Starts a server with its folder under `folder` and waits until it answers.
    ///
    /// PostgreSQL does not run as root: then its user is `postgres`, or `nobody`, and its folder is one for temporary files
    /// when that user cannot reach `folder`.
    ///
    /// # Errors
    /// Says why when the program is missing or too old, or does not answer within a minute, with the end of its log.
    pub fn start(kind: Kind, folder: &Path, durability: Durability) -> Result<Self, String> {
        let program = program::find(kind)?;
        make(folder)?;
        let folder = if kind == Kind::Postgres { postgres::reachable(folder)? } else { folder.to_path_buf() };
        let mut refusal = String::new();
        for _ in 0..STARTS_MAX {
            let port = Port::free()?;
            let home = folder.join(format!("arrakis-{kind}-{}", port.number()));
            let mut server = Self { kind, program: program.clone(), home, port, durability, process: None };
            match server.initialise().and_then(|()| server.launch()) {
                Ok(()) => return Ok(server),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Where clients connect, as `postgres://…`, `redis://…` or `nats://…`, with all rights and no password.
    pub fn url(&self) -> String {
        self.kind.url(self.port())
    }

    /// The port on 127.0.0.1, the same for the life of this value.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The folder of its data: to be copied, or replaced by a copy, while the server is down.
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Kills it and all processes it started by SIGKILL and waits until they are gone. Does nothing when it is down.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again on the same port with the data that is there, and waits until it answers. Kills it first when it runs.
    ///
    /// # Errors
    /// Says why when it does not answer within a minute, with the end of its log.
    pub fn restart(&mut self) -> Result<(), String> {
        self.kill();
        self.launch()
    }

    /// Kills it, deletes all its data, and starts it on the same port as if it were new.
    ///
    /// # Errors
    /// As [`Self::restart`], and when the data cannot be deleted.
    pub fn wipe(&mut self) -> Result<(), String> {
        self.end();
        self.initialise()?;
        self.launch()
    }

    /// Stops it and all its processes where they are (SIGSTOP): connections stay open and nothing answers.
    pub fn pause(&self) {
        if let Some(process) = &self.process {
            process.pause();
        }
    }

    /// Lets a paused server go on (SIGCONT).
    pub fn resume(&self) {
        if let Some(process) = &self.process {
            process.resume();
        }
    }

    fn end(&mut self) {
        if let Some(process) = self.process.take() {
            process.end();
        }
    }

    /// Makes its folder anew.
    fn initialise(&self) -> Result<(), String> {
        remove(&self.home)?;
        make(&self.home)?;
        match self.kind {
            Kind::Postgres => postgres::initialise(&self.program, &self.home, &self.data()),
            Kind::Redis | Kind::Nats => make(&self.data()),
        }
    }

    fn launch(&mut self) -> Result<(), String> {
        let path = self.home.join("log");
        let log = OpenOptions::new().create(true).append(true).open(&path);
        let log = log.map_err(|error| format!("{}: {error}", path.display()))?;
        let failed = |error| format!("{}: {error}", self.program.display());
        let mut command = self.command()?;
        command.current_dir(&self.home).stdout(log.try_clone().map_err(failed)?).stderr(log);
        let end_by = if self.kind == Kind::Postgres { EndBy::Quit } else { EndBy::Kill };
        let mut process = Process::start(&mut command, end_by).map_err(failed)?;
        let guarded = process.end_with_this_process(&self.home).map_err(failed);
        let port = self.port();
        let mut ended = None;
        let answered = guarded.is_ok()
            && poll(|| {
                ended = process.ended();
                ended.is_some() || probe::answers(self.kind, port)
            });
        if answered && ended.is_none() {
            self.process = Some(process);
            return Ok(());
        }
        process.end();
        guarded?;
        let how = ended.map_or("it does not answer".to_owned(), |status| format!("it ended: {status}"));
        Err(format!("{}: {how}\n{}", self.kind, tail(&path)))
    }

    fn command(&self) -> Result<Command, String> {
        let data = self.data();
        let port = self.port().to_string();
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::Postgres => return postgres::command(&self.program, &data, self.port(), self.durability),
            Kind::Redis => {
                command.args(["--bind", "127.0.0.1", "--port", &port, "--databases", "16", "--daemonize", "no"]);
                command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(&data);
            }
            Kind::Nats => {
                command.args(["--addr", "127.0.0.1", "--port", &port, "--jetstream", "--store_dir"]).arg(&data);
            }
        }
        Ok(command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        // What is left lies in a folder for temporary files.
        let _ = remove(&self.home);
    }
}

fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn remove(folder: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}

/// The end of a log.
fn tail(path: &Path) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
        std::io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

macro_rules! private_server {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Server);

        impl $name {
            /// Starts one with its folder under `folder` (`env!("CARGO_TARGET_TMPDIR")` in an integration test) and full
            /// durability, and waits until it answers.
            ///
            /// # Errors
            /// As [`Server::start`].
            pub fn start(folder: &Path) -> Result<Self, String> {
                Server::start(Kind::$name, folder, Durability::Full).map(Self)
            }

            /// [`Self::start`], or nothing after saying that `test` is skipped, when there is no program to start.
            ///
            /// # Panics
            /// When there is one and it does not start.
            pub fn start_or_skip(folder: &Path, test: &str) -> Option<Self> {
                if let Err(why) = program::find(Kind::$name) {
                    skip(Kind::$name, test, &why);
                    return None;
                }
                Some(Self::start(folder).unwrap_or_else(|error| panic!("{error}")))
            }
        }

        impl Deref for $name {
            type Target = Server;

            fn deref(&self) -> &Server {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Server {
                &mut self.0
            }
        }
    };
}

private_server! {
    /// A private PostgreSQL: superuser `postgres` without a password, durable, data checksums on, 300 sessions.
    Postgres
}

private_server! {
    /// A private Redis with 16 databases that saves nothing by itself. What `SAVE` wrote is what a restart comes back with.
    Redis
}

private_server! {
    /// A private NATS with JetStream.
    Nats
}
