//! A loading process killed at random points: the file opens, is whole, and holds what was acknowledged and nothing else.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use arrakis::{Arrakis, KernelExt, ObjectSet};

/// How often a load is killed.
const KILLS: u64 = 50;
/// Rows of a load: all of them or none.
const ROWS: u64 = 2_000;
/// The most looks at the child before it is killed; by then most loads have ended by themselves.
const LOOKS_MAX: u64 = 150_000;

const ONTOLOGY: &str = "
object_types:
  - name: Item
    primary_key: id
    properties: [{name: id, type: integer}, {name: name, type: string, indexed: true}]
";

#[tokio::test]
async fn a_killed_load_leaves_a_whole_file_with_all_or_nothing_of_it() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kill");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let database = folder.join("killed.db");
    let arrakis = Arrakis::open(&database).await.unwrap();
    arrakis.publish(&arrakis.context(), ONTOLOGY).await.unwrap();
    arrakis.close().await;

    let mut rng = fastrand::Rng::with_seed(9);
    let (mut stored, mut killed, mut acknowledged) = (0, 0, 0);
    for load in 0..KILLS {
        let done = killed_or_done(&folder, load, rng.u64(..LOOKS_MAX));
        let arrakis = Arrakis::open(&database).await.unwrap();
        let count = arrakis.kernel().count(&arrakis.context(), ObjectSet::of("Item")).await.unwrap();
        arrakis.close().await;
        let whole = count == stored || count == stored + ROWS;
        assert!(whole, "load {load}: {count} rows after {stored}: a load is all or nothing");
        assert!(!done || count == stored + ROWS, "load {load} was acknowledged and is not there");
        let check = rusqlite::Connection::open(&database).unwrap();
        let verdict: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "load {load}");
        stored = count;
        killed += u64::from(!done);
        acknowledged += u64::from(done);
    }
    assert!(killed > 0, "no load was killed: {acknowledged} ended by themselves");
}

/// Starts a load and kills it (SIGKILL) after so many looks, unless it ended by itself before: whether it did, acknowledged.
fn killed_or_done(folder: &Path, load: u64, looks: u64) -> bool {
    let mut csv = "id,name\n".to_owned();
    for id in load * ROWS..(load + 1) * ROWS {
        writeln!(csv, "{id},item {id}").unwrap();
    }
    std::fs::write(folder.join("items.csv"), csv).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_arrakis"))
        .args(["objects", "load", "items.csv", "--db", "killed.db", "--into", "Item"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..looks {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap().success()
}
