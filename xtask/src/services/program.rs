//! Where the programs of the servers are, and whether they are new enough.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Kind;

/// A version as numbers, compared from the left.
type Version = Vec<u32>;

struct Wanted {
    file: &'static str,
    /// The oldest version the adapters support: what Debian 12 has.
    floor: &'static [u32],
}

fn wanted(kind: Kind) -> Wanted {
    match kind {
        Kind::Postgres => Wanted { file: "postgres", floor: &[15] },
        Kind::Redis => Wanted { file: "redis-server", floor: &[7, 0] },
        Kind::Nats => Wanted { file: "nats-server", floor: &[2, 9, 10] },
    }
}

/// The first program on the path that is new enough, else the newest in Debian's folders.
pub(super) fn find(kind: Kind) -> Result<PathBuf, String> {
    let Wanted { file, floor } = wanted(kind);
    let on_path = folders_on_path().into_iter().map(|folder| folder.join(file)).find(|path| is_from(floor, path));
    let program = on_path.or_else(|| {
        let installed = debian_folders().into_iter().map(|folder| folder.join(file));
        let versions = installed.filter_map(|path| Some((version(&path)?, path)));
        versions.filter(|(version, _)| version.as_slice() >= floor).max().map(|(_, path)| path)
    });
    program.ok_or_else(|| format!("no {file} {} or later on the path or in Debian's folders", dotted(floor)))
}

#[expect(clippy::disallowed_methods, reason = "the path is where programs are found")]
fn folders_on_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Debian puts the programs of each PostgreSQL into a folder of its own, and `/usr/sbin` is not on everyone's path.
fn debian_folders() -> Vec<PathBuf> {
    let clusters = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = clusters.map(|entry| entry.path().join("bin")).collect();
    folders.extend(["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"].map(PathBuf::from));
    folders
}

fn is_from(floor: &[u32], program: &Path) -> bool {
    version(program).is_some_and(|version| version.as_slice() >= floor)
}

/// What a program says its version is; nothing when it is not there or does not run.
fn version(program: &Path) -> Option<Version> {
    if !program.is_file() {
        return None;
    }
    let output = Command::new(program).arg("--version").output().ok()?;
    parse(&String::from_utf8_lossy(&output.stdout)).or_else(|| parse(&String::from_utf8_lossy(&output.stderr)))
}

/// The first word of numbers and dots, without the `v` or `v=` some put before it: 7.0.15 in `Redis server v=7.0.15 sha=0`.
fn parse(said: &str) -> Option<Version> {
    said.split_whitespace().find_map(|word| {
        let numbers = word.trim_start_matches(['v', '=']);
        let starts = numbers.starts_with(|c: char| c.is_ascii_digit());
        // `16beta1` is 16: what follows the digits of a part does not count.
        let part = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
        starts.then(|| numbers.split('.').map_while(part).collect())
    })
}

fn dotted(version: &[u32]) -> String {
    version.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_servers_say_them() {
        let postgres = "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)";
        assert_eq!(parse(postgres), Some(vec![15, 20]));
        assert_eq!(parse("postgres (PostgreSQL) 16beta1"), Some(vec![16]));
        assert_eq!(parse("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"), Some(vec![7, 0, 15]));
        assert_eq!(parse("nats-server: v2.9.10"), Some(vec![2, 9, 10]));
        assert_eq!(parse("version unknown"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let nats = wanted(Kind::Nats).floor;
        assert!(parse("nats-server: v2.10.0").expect("a version").as_slice() >= nats);
        assert!(parse("nats-server: v2.9.9").expect("a version").as_slice() < nats);
        assert!(parse("Redis server v=7.0.0").expect("a version").as_slice() >= wanted(Kind::Redis).floor);
        assert!(parse("postgres (PostgreSQL) 14.19").expect("a version").as_slice() < wanted(Kind::Postgres).floor);
    }
}
