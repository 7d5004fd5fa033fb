//! Commands as people type them: each test is a transcript, compared with the one beside it.
//!
//! Set `ARRAKIS_BLESS=1` to write the transcripts anew, and read the difference before you commit it.

mod action;
mod failure;
mod load;
mod mask;
mod moving;
mod ontology;
mod read;
#[cfg(feature = "derive")]
mod shapes;
mod users;
mod watch;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");

/// Commands in a folder of their own, and what they printed.
struct Session {
    folder: PathBuf,
    transcript: String,
}

/// What a command printed.
struct Printed {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

impl Session {
    /// A session in an empty folder with the data of these tests.
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        for file in ["places.yaml", "cities.csv", "roads.ndjson"] {
            std::fs::copy(Path::new(HERE).join("data").join(file), folder.join(file)).unwrap();
        }
        Self { folder, transcript: String::new() }
    }

    /// A session over a database with the ontology, the cities and the roads.
    fn with_data(name: &str) -> Self {
        let session = Self::new(name);
        for command in [
            "ontology apply places.yaml --db places.db --reason first",
            "objects load cities.csv --db places.db --into City --map lat=location.lat --map lon=location.lon",
            "objects load roads.ndjson --db places.db --link Road",
        ] {
            let printed = session.run(command, b"");
            assert_eq!(printed.code, Some(0), "{command}\n{}", printed.stderr);
        }
        session
    }

    /// Writes a file of the session.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.join(name), content).unwrap();
    }

    /// Notes what follows in the transcript.
    fn say(&mut self, text: &str) {
        writeln!(self.transcript, "# {text}").unwrap();
    }

    /// Runs a command and adds it to the transcript. Words are parted by spaces, unless in single quotes.
    fn type_in(&mut self, command: &str) -> Printed {
        self.type_with(command, b"")
    }

    /// Runs a command with something on its standard input.
    fn type_with(&mut self, command: &str, stdin: &[u8]) -> Printed {
        let printed = self.run(command, stdin);
        let code = printed.code.map_or("killed".to_owned(), |code| code.to_string());
        writeln!(self.transcript, "$ arrakis {command}").unwrap();
        self.transcript.push_str(&printed.stdout);
        for line in printed.stderr.replace(self.folder.to_str().unwrap(), "<folder>").lines() {
            writeln!(self.transcript, "! {line}").unwrap();
        }
        writeln!(self.transcript, "= {code}\n").unwrap();
        printed
    }

    fn run(&self, command: &str, stdin: &[u8]) -> Printed {
        let mut child = Command::new(env!("CARGO_BIN_EXE_arrakis"))
            .args(words(command))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        let output = child.wait_with_output().unwrap();
        Printed {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    /// Compares the transcript with the one kept, times, ids, cursors and the folder aside.
    fn check(self, name: &str) {
        let kept = Path::new(HERE).join("transcripts").join(name);
        let transcript = mask::mask(&self.transcript);
        if bless() {
            std::fs::write(&kept, &transcript).unwrap();
        }
        let expected = std::fs::read_to_string(&kept).unwrap_or_default();
        let differs = expected.lines().zip(transcript.lines()).position(|(a, b)| a != b);
        let line = differs.unwrap_or_else(|| expected.lines().count().min(transcript.lines().count()));
        let around = |text: &str| text.lines().skip(line.saturating_sub(5)).take(12).collect::<Vec<_>>().join("\n");
        assert!(
            expected == transcript,
            "{name} differs at line {}\n--- expected\n{}\n--- printed\n{}",
            line + 1,
            around(&expected),
            around(&transcript)
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "whether to write transcripts anew is for who runs the tests to say")]
fn bless() -> bool {
    std::env::var_os("ARRAKIS_BLESS").is_some()
}

fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
