//! What is refused, and how it is said.

#[cfg(unix)]
use std::io::Write as _;

use super::Session;

#[test]
fn refusals_name_their_code_path_parameters_and_a_hint() {
    let mut session = Session::with_data("refusals");
    session.type_in("objects query --type Town --db places.db");
    session.type_in("objects query --type City --where 'mayor = 1' --db places.db");
    session.type_in("objects query --type City --where 'population >' --db places.db");
    session.type_in("objects query --type City --order-by mayor --db places.db");
    session.type_in("objects query --type City --db places.db --cursor AAAA");
    session.type_in("objects query --type City --db places.db --cursor -MAA");
    session.type_in("objects query --type City --db places.db --budget-rows 3");
    session.type_in("objects query --type City --db places.db --limit 0");
    session.type_in(r#"objects query --set '{"type": "City", "where": 1}' --db places.db"#);
    session.type_in("objects links --type City Oslo --link rails --db places.db");
    session.type_in("objects aggregate --type City --metric x=sum(name) --db places.db");
    session.type_in("ontology show Town --db places.db");
    session.type_in("ontology show --version 9 --db places.db");
    session.type_in("objects get --type City Oslo --db places.db --tenant nobody");
    session.check("refusals.txt");
}

#[test]
fn what_is_no_database_is_left_as_it_is() {
    let mut session = Session::new("databases");
    session.type_in("objects query --type City --db none.db");
    assert!(!session.folder.join("none.db").exists());
    session.file("text.db", "this is no database, but longer than the header of one would be: ".repeat(4));
    session.type_in("objects query --type City --db text.db");
    session.type_in("ontology apply places.yaml --db text.db");
    session.run("ontology apply places.yaml --db whole.db", b"");
    let whole = std::fs::read(session.folder.join("whole.db")).unwrap();
    session.file("half.db", &whole[..whole.len() / 2]);
    let half = session.run("objects query --type City --db half.db", b"");
    assert_eq!(half.code, Some(1), "{}{}", half.stdout, half.stderr);
    session.check("databases.txt");
}

/// Rights do not bind the superuser, who runs the command as nobody.
#[cfg(unix)]
#[test]
fn what_may_not_be_written_is_left_as_it_is() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;

    let session = Session::with_data("rights");
    let database = session.folder.join("places.db");
    let is_superuser = std::fs::metadata(&database).unwrap().uid() == 0;
    let arrakis = |arguments: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_arrakis"));
        command.args(arguments.split(' ')).current_dir(&session.folder);
        if is_superuser {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output()
    };
    let rights = |file: u32, folder: u32| {
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(file)).unwrap();
        std::fs::set_permissions(&session.folder, std::fs::Permissions::from_mode(folder)).unwrap();
    };
    rights(0o666, 0o777);
    if !arrakis("--version").is_ok_and(|output| output.status.success()) {
        writeln!(std::io::stdout(), "skipped: a file that may not be written: nobody may not run the command here")
            .unwrap();
        return;
    }
    let before = std::fs::read(&database).unwrap();
    for (file, folder, code) in [
        (0o444, 0o777, "store.read_only"),
        (0o444, 0o555, "store.read_only"),
        (0o666, 0o555, "store.read_only"),
        (0o000, 0o777, "store.cannot_open"),
    ] {
        rights(file, folder);
        let output = arrakis("objects get --type City Oslo --db places.db").unwrap();
        rights(0o666, 0o777);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{file:o} in {folder:o}: {stderr}");
        assert!(stderr.starts_with(&format!("error[{code}]: ")), "{file:o} in {folder:o}: {stderr}");
        assert!(stderr.contains(&format!("file: {}", database.display())), "{stderr}");
        let beside: Vec<_> = ["-wal", "-shm", "-journal"]
            .into_iter()
            .filter(|suffix| session.folder.join(format!("places.db{suffix}")).exists())
            .collect();
        assert!(beside.is_empty() && std::fs::read(&database).unwrap() == before, "{file:o} in {folder:o}: {beside:?}");
    }
    assert!(arrakis("objects get --type City Oslo --db places.db").unwrap().status.success());
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let session = Session::new("usage");
    for command in [
        "",
        "objects",
        "objects query",
        "objects query --type City",
        "objects query --db places.db",
        "objects query --type City --interface Placed --db places.db",
        "objects query --type City --db places.db --as-of yesterday",
        "objects query --type City --db places.db --all --cursor x",
        "objects query --type City --db places.db --format xml",
        "objects load cities.csv --db places.db",
        "objects load cities.csv --db places.db --into City --link Road",
        "objects load cities.csv --db places.db --into City --map lat",
        "objects history --db places.db",
        "objects history --db places.db --link Road --source Oslo",
        "objects aggregate --type City --db places.db --metric sum(x)",
        "ontology plan places.yaml",
        "ontology validate places.yaml --actor ''",
    ] {
        let printed = session.run(command, b"");
        assert_eq!(printed.code, Some(2), "{command}\n{}", printed.stderr);
        assert!(printed.stdout.is_empty() && !printed.stderr.is_empty(), "{command}");
    }
    let help = session.run("--help", b"");
    assert!(help.code == Some(0) && help.stdout.contains("Exit codes: 0 done"), "{}", help.stdout);
    assert!(session.run("--version", b"").stdout.starts_with("arrakis "));
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let session = Session::with_data("closed_pipe");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_arrakis"))
        .args("objects query --type City --db places.db --format ndjson".split(' '))
        .current_dir(&session.folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}
