//! `arrakis action`.

use super::Session;

/// The commit a command printed.
fn commit(stdout: &str) -> String {
    let receipt: serde_json::Value = serde_json::from_str(stdout).unwrap();
    receipt.get("commit").unwrap().as_str().unwrap().to_owned()
}

#[test]
fn an_action_is_validated_run_and_undone() {
    let mut session = Session::with_data("actions");
    session.type_in("action validate grow -p city=Oslo -p by=1000 --db places.db");
    session.type_in("action validate grow -p city=Oslo -p by=1000 --db places.db --format json");
    session.type_in("action validate grow -p city=Atlantis -p by=many -p speed=3 --db places.db");
    session.type_in("action validate grow -p city=Oslo -p by=0 --db places.db");
    session.type_in("action run grow -p city=Oslo -p by=0 --db places.db");
    session.type_in("action run grow --db places.db");
    let ran = session.type_in(
        "action run grow --parameters '{\"city\": \"Oslo\", \"by\": 1000}' --db places.db --actor user:ada --reason census --format json",
    );
    session.type_in("objects get --type City --db places.db Oslo --select name,population");
    session.type_in("objects history --type City Oslo --db places.db --format ndjson --diff");
    let undo = format!("action undo {} --db places.db", commit(&ran.stdout));
    session.type_in(&format!("{undo} --dry-run"));
    session.type_in("action run grow -p city=Oslo --db places.db --actor user:bob --expect city=4");
    session.type_in("action run grow -p city=Oslo --db places.db --actor user:bob");
    session.type_in(&undo);
    session.type_in(&format!("{undo} --dry-run"));
    session.type_in(&format!("{undo} --on-conflict override"));
    session.type_in("objects get --type City --db places.db Oslo --select name,population");
    let ran = session.type_in("action run raze -p city=Oslo --db places.db --format json");
    session.type_in(&format!("action undo {} --db places.db --reason 'by mistake'", commit(&ran.stdout)));
    session.type_in("objects query --type City --db places.db --where 'name = \"Oslo\"' --select name");
    session.check("actions.txt");
}
