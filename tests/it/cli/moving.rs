//! `arrakis move`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use xtask::services::Postgres;

use super::{Printed, Session};

/// How often a move is killed.
const KILLS: u64 = 12;
/// Rows that are moved, enough for a move to be met in the middle.
const ROWS: usize = 20_000;
/// The most looks at the child before it is killed.
const LOOKS_MAX: u64 = 400_000;
/// Looks in vain for a lock that a killed process may hold for a moment.
const TRIES_MAX: usize = 1_000;

/// Runs a command that must succeed.
fn done(session: &Session, command: &str) -> Printed {
    let printed = session.run(command, b"");
    assert_eq!(printed.code, Some(0), "{command}\n{}", printed.stderr);
    printed
}

fn report(session: &Session, command: &str) -> Json {
    serde_json::from_str(&done(session, &format!("{command} --format json")).stdout).unwrap()
}

#[test]
fn a_database_is_moved_from_file_to_file() {
    let mut session = Session::with_data("moving");
    let moved = report(&session, "move places.db sqlite://copy.db");
    assert_eq!(moved, report(&session, "move places.db --verify copy.db"));
    assert_eq!((&moved["spaces"], &moved["tenants"], &moved["schemas"]), (&1.into(), &1.into(), &1.into()));
    assert!(!session.folder.join("copy.db.moving").exists());
    for read in [
        "objects query --type City --format json --db",
        "objects history --type City Oslo --format json --db",
        "ontology versions --format json --db",
    ] {
        let answers = ["places.db", "copy.db"].map(|database| done(&session, &format!("{read} {database}")).stdout);
        assert_eq!(answers[0], answers[1], "{read}");
    }
    session.say("what is there is not written over");
    session.type_in("move places.db copy.db");
    session.say("what was written to one side since is found");
    session.type_with(
        "objects load - --input ndjson --db copy.db --into City",
        "{\"name\": \"Tartu\", \"country\": \"EE\", \"location\": {\"lat\": 58.38, \"lon\": 26.72}}\n".as_bytes(),
    );
    session.type_in("move places.db copy.db --verify");
    session.say("what is not there is not moved");
    session.type_in("move none.db new.db");
    session.type_in("move places.db mysql://ann:secret@localhost/places");
    session.type_in("move places.db postgres://ann:secret@127.0.0.1:1/places");
    session.check("moving.txt");
}

/// One value of a copy, changed by someone who is not Arrakis.
#[test]
fn a_damaged_copy_is_noticed() {
    let session = Session::with_data("damaged");
    done(&session, "move places.db copy.db");
    let file = rusqlite::Connection::open(session.folder.join("copy.db")).unwrap();
    let column: String = file
        .query_row("SELECT name FROM pragma_table_info('obj_1') WHERE type = 'INTEGER' AND name LIKE 'p%'", [], |row| {
            row.get(0)
        })
        .unwrap();
    let changed = file.execute(&format!("UPDATE obj_1 SET {column} = {column} + 1 WHERE k = 'Oslo'"), []).unwrap();
    assert_eq!(changed, 1);
    drop(file);
    let verified = session.run("move --verify places.db copy.db", b"");
    assert_eq!(verified.code, Some(1), "{}", verified.stdout);
    assert!(
        verified.stderr.contains("error[move.differs]") && verified.stderr.contains("/objects/1"),
        "{}",
        verified.stderr
    );
    assert_eq!(verified.stdout, "");
}

/// The airports and routes, to a server and back.
#[test]
fn the_airline_is_moved_to_a_server_and_back() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(server) = Postgres::start_or_skip(folder, "the_airline_is_moved_to_a_server_and_back") else { return };
    let session = Session::new("airline_moving");
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/airline");
    for file in ["ontology.yaml", "airports.csv", "flights-airport.csv"] {
        std::fs::copy(Path::new(data).join(file), session.folder.join(file)).unwrap();
    }
    done(&session, "ontology apply ontology.yaml --db airline.db");
    done(
        &session,
        "objects load airports.csv --db airline.db --into Airport --null NA --skip state --map latitude=location.lat \
         --map longitude=location.lon",
    );
    done(
        &session,
        "objects load flights-airport.csv --db airline.db --link Route --map origin=source --map destination=target \
         --map count=flights",
    );
    done(&session, "action run rename_airport -p airport=SFO -p name=Frisco --db airline.db");
    let url = server.url();
    let there = report(&session, &format!("move airline.db {url}"));
    assert_eq!((&there["objects"], &there["links"], &there["superseded"]), (&3376.into(), &5366.into(), &1.into()));
    assert_eq!(report(&session, &format!("move {url} sqlite://back.db")), there);
    assert_eq!(report(&session, "move --verify airline.db back.db"), there);
    assert_eq!(report(&session, &format!("move --verify back.db {url}")), there);
    for read in [
        "objects query --type Airport --order-by -city,iata --limit 200 --format json --db",
        "objects aggregate --type Airport --group-by state_code --metric d=sum(destinations.flights) --format json --db",
        "objects history --type Airport SFO --format json --db",
        "objects links --type Airport SFO --link destinations --format csv --db",
    ] {
        let [file, on_server, back] =
            ["airline.db", &url, "back.db"].map(|database| done(&session, &format!("{read} {database}")).stdout);
        assert_eq!(file, on_server, "{read}");
        assert_eq!(file, back, "{read}");
    }
    let refused = session.run(&format!("move airline.db {url}"), b"");
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("error[move.target_not_empty]"), "{}", refused.stderr);
}

/// Whenever a move is killed there is either no store at its place or the whole of it, and it can be run again.
#[test]
fn a_killed_move_leaves_no_store_or_all_of_it() {
    let session = Session::new("killed_moving");
    let mut csv = "name,country,population,lat,lon,founded\n".to_owned();
    for id in 0..ROWS {
        writeln!(csv, "City {id},NO,{id},59,10,").unwrap();
    }
    session.file("many.csv", csv);
    done(&session, "ontology apply places.yaml --db many.db");
    done(&session, "objects load many.csv --db many.db --into City --map lat=location.lat --map lon=location.lon");
    let mut rng = fastrand::Rng::with_seed(14);
    let mut killed = 0;
    let copy = session.folder.join("copy.db");
    for _ in 0..KILLS {
        killed += u64::from(!moved_or_killed(&session, rng.u64(..LOOKS_MAX)));
        if !copy.exists() {
            if session.folder.join("copy.db.moving").exists() {
                let refused = session.run("ontology apply places.yaml --db copy.db", b"");
                assert!(refused.stderr.contains("error[store.moving]"), "{}", refused.stderr);
            }
            let again = (0..TRIES_MAX).map(|_| session.run("move many.db copy.db", b""));
            let again = again.into_iter().find(|again| !again.stderr.contains("move.busy")).unwrap();
            assert_eq!(again.code, Some(0), "{}", again.stderr);
        }
        done(&session, "move --verify many.db copy.db");
        std::fs::remove_file(&copy).unwrap();
    }
    assert!(killed > 0, "no move was killed");
}

/// Starts a move and kills it (SIGKILL) after so many looks, unless it ended by itself before: whether it did.
fn moved_or_killed(session: &Session, looks: u64) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_arrakis"))
        .args(["move", "many.db", "copy.db"])
        .current_dir(&session.folder)
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
