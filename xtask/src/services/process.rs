//! A server's process and all it started, signalled as one, and ended when this process ends, however it ends.

use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::Kind;

/// How long a wait for another process lasts between two looks at it.
const POLL: Duration = Duration::from_millis(5);

/// How many times a wait looks before it gives up: 60 seconds.
const POLLS_MAX: usize = 12_000;

/// Ends a server when the process that started it is gone: then its end of the pipe to this script's input is closed.
/// Arguments: the process, the signal that ends it, its folder. Its waits are few and bounded, as no process is its child.
const GUARD: &str = r#"
read -r _
kill -CONT "$1"
kill "-$2" "$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 1; done
rm -rf -- "$3"
"#;

/// The user a server runs as, where that is not this process's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub(super) id: u32,
    pub(super) group: u32,
}

impl User {
    /// Makes a command run as this user, with no other groups.
    #[cfg(unix)]
    pub(super) fn runs(self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        command.uid(self.id).gid(self.group);
    }

    /// Gives a file or folder to this user.
    #[cfg(unix)]
    pub(super) fn owns(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.id), Some(self.group))
    }

    #[cfg(not(unix))]
    pub(super) fn runs(self, _: &mut Command) {}

    #[cfg(not(unix))]
    pub(super) fn owns(self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// How a server is asked to end without regard for its data: a signal by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndBy {
    /// PostgreSQL's immediate shutdown, which ends its children and gives back its shared memory.
    Quit,
    /// For those that have neither.
    Kill,
}

impl EndBy {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Postgres | Kind::PgVector => Self::Quit,
            Kind::Redis | Kind::Nats => Self::Kill,
        }
    }

    fn signal(self) -> &'static str {
        match self {
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

/// A running server.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    guard: Option<Child>,
    end_by: EndBy,
}

impl Process {
    /// Starts a server in a group of its own, so that Ctrl-C in a terminal does not reach it.
    pub(super) fn start(command: &mut Command, end_by: EndBy) -> io::Result<Self> {
        own_group(command);
        Ok(Self { child: command.stdin(Stdio::null()).spawn()?, guard: None, end_by })
    }

    /// Has the server ended and `folder` removed when this process is gone.
    pub(super) fn end_with_this_process(&mut self, folder: &Path) -> io::Result<()> {
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard", &self.id().to_string(), self.end_by.signal()]).arg(folder);
        own_group(&mut guard);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.guard = Some(guard.spawn()?);
        Ok(())
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it and all it started at once, as a power cut would, and waits until they are gone.
    pub(super) fn kill(mut self) {
        if self.ended().is_some() {
            return self.wait_and_leave(&[]);
        }
        // A stopped parent starts no more children while they are listed.
        self.pause();
        let children = children(self.id());
        signal("KILL", std::iter::once(&self.id()).chain(&children));
        self.wait_and_leave(&children);
    }

    /// Ends it in the quickest way that leaves nothing behind, and waits until it is gone.
    pub(super) fn end(mut self) {
        if self.ended().is_some() {
            return self.wait_and_leave(&[]);
        }
        self.resume();
        let children = children(self.id());
        signal(self.end_by.signal(), &[self.id()]);
        if poll(|| self.ended().is_some()) {
            self.wait_and_leave(&children);
        } else {
            self.kill();
        }
    }

    /// Stops it and all it started where they are, until [`Self::resume`].
    pub(super) fn pause(&self) {
        stop(&[self.id()]);
        stop(&children(self.id()));
    }

    pub(super) fn resume(&self) {
        signal("CONT", std::iter::once(&self.id()).chain(&children(self.id())));
    }

    /// Reaps the process, waits for its children, which are nobody's now, and dismisses the guard.
    fn wait_and_leave(&mut self, children: &[u32]) {
        // Waiting fails only for a process that was waited for.
        let _ = self.child.wait();
        poll(|| children.iter().all(|child| is_gone(*child)));
        self.dismiss_guard();
    }

    /// Lets it live on when this process is gone.
    pub(super) fn dismiss_guard(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            let _ = guard.kill();
            let _ = guard.wait();
        }
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

/// Looks until `is_so` or [`POLLS_MAX`] looks were in vain; says which.
pub(super) fn poll(mut is_so: impl FnMut() -> bool) -> bool {
    for _ in 0..POLLS_MAX {
        if is_so() {
            return true;
        }
        pause_between_looks();
    }
    false
}

#[expect(clippy::disallowed_methods, reason = "a process that is not our child tells nobody that it ended or listens")]
pub(super) fn pause_between_looks() {
    std::thread::sleep(POLL);
}

/// Ends a process that is not a child of this one, and waits until it is gone.
pub(super) fn end_other(process: u32, end_by: EndBy) {
    signal("CONT", &[process]);
    signal(end_by.signal(), &[process]);
    if !poll(|| is_gone(process)) {
        signal("KILL", &[process]);
    }
}

/// Whether a process works in a folder or below. Where the system has no `/proc`, whether there is such a process.
pub(super) fn works_in(process: u32, folder: &Path) -> bool {
    if !has_proc() {
        return signal("0", &[process]);
    }
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    // Not by its arguments: servers overwrite them.
    let works = std::fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|path| path.starts_with(folder));
    works && !is_gone(process)
}

/// Sends a signal by its name to processes, of which some may be gone; says whether all were there.
fn signal<'a>(name: &str, processes: impl IntoIterator<Item = &'a u32>) -> bool {
    let numbers: Vec<String> = processes.into_iter().map(u32::to_string).collect();
    if numbers.is_empty() {
        return true;
    }
    // The shell's own `kill`: a small system has no other.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"name=$1; shift; kill "-$name" "$@""#, "kill", name]).args(numbers);
    let status = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn stop(processes: &[u32]) {
    signal("STOP", processes);
    let is_stopped = |process: &u32| stat(*process).is_none_or(|(state, _)| matches!(state, 'T' | 'Z' | 'X'));
    poll(|| processes.iter().all(is_stopped));
}

/// Whether a process ended, though its parent may not have noticed.
fn is_gone(process: u32) -> bool {
    if !has_proc() {
        return !signal("0", &[process]);
    }
    let threads = || std::fs::read_dir(format!("/proc/{process}/task")).map_or(0, Iterator::count);
    // The first thread may have ended before others, which hold the files.
    stat(process).is_none_or(|(state, _)| matches!(state, 'Z' | 'X') && threads() <= 1)
}

/// Whether the system tells of its processes in files.
fn has_proc() -> bool {
    Path::new("/proc/self/stat").exists()
}

/// The processes whose parent is this one. Nothing where the system has no `/proc`: there, PostgreSQL's own notice by
/// themselves that their parent is gone.
fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter(|process| stat(*process).is_some_and(|(_, its)| its == parent)).collect()
}

/// The state and the parent of a process. Its name, in parentheses before them, may hold anything.
fn stat(process: u32) -> Option<(char, u32)> {
    let line = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut words = line.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}
