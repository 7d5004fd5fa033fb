//! A server's process and all it started, signalled as one, and ended when this process ends, however it ends.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

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
    pub(super) fn owns(self, path: &std::path::Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.id), Some(self.group))
    }

    #[cfg(not(unix))]
    pub(super) fn runs(self, _: &mut Command) {}

    #[cfg(not(unix))]
    pub(super) fn owns(self, _: &std::path::Path) -> io::Result<()> {
        Ok(())
    }
}

/// How a server is asked to end without regard for its data: a signal by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndBy {
    /// PostgreSQL's immediate shutdown, which ends its children and gives back its shared memory.
    Quit,
    /// For those with neither.
    Kill,
}

impl EndBy {
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
    pub(super) fn end_with_this_process(&mut self, folder: &std::path::Path) -> io::Result<()> {
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
        // A stopped parent starts no more children while they are listed.
        self.pause();
        let children = children(self.id());
        signal("KILL", std::iter::once(&self.id()).chain(&children));
        self.wait_and_leave(&children);
    }

    /// Ends it in the quickest way that leaves nothing behind, and waits until it is gone.
    pub(super) fn end(mut self) {
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
fn pause_between_looks() {
    std::thread::sleep(POLL);
}

/// Sends a signal by its name to processes, of which some may be gone.
pub(super) fn signal<'a>(name: &str, processes: impl IntoIterator<Item = &'a u32>) {
    let numbers: Vec<String> = processes.into_iter().map(u32::to_string).collect();
    if numbers.is_empty() {
        return;
    }
    // The shell's own `kill`: a small system has no other.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"name=$1; shift; kill "-$name" "$@""#, "kill", name]).args(numbers);
    let _ = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn stop(processes: &[u32]) {
    signal("STOP", processes);
    let is_stopped = |process: &u32| stat(*process).is_none_or(|(state, _)| matches!(state, 'T' | 'Z' | 'X'));
    poll(|| processes.iter().all(is_stopped));
}

/// Whether a process ended, though its parent may not have noticed.
pub(super) fn is_gone(process: u32) -> bool {
    stat(process).is_none_or(|(state, _)| matches!(state, 'Z' | 'X'))
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
