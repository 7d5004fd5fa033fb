//! `arrakis ontology`.

use super::Session;

#[test]
fn a_file_is_judged_planned_published_and_read_back() {
    let mut session = Session::new("ontology");
    session.type_in("ontology validate places.yaml");
    session.say("a plan against nothing creates nothing");
    session.type_in("ontology plan places.yaml --db places.db");
    assert!(!session.folder.join("places.db").exists());
    session.type_in("ontology apply places.yaml --db places.db --reason 'the first version' --actor user:ada");
    session.type_in("ontology plan places.yaml --db places.db");
    session.type_in("ontology apply places.yaml --db places.db");
    session.type_in("ontology show --db places.db");
    session.type_in("ontology show City --db places.db");
    session.type_in("ontology show Road --db places.db --format csv");
    session.type_in("ontology show Placed --db places.db --format ndjson");
    session.type_in("ontology versions --db places.db");
    session.type_in("ontology versions --db places.db --format json");
    let exported = session.type_in("ontology export --db places.db");
    session.file("exported.yaml", &exported.stdout);
    session.say("what was exported is what was published");
    session.type_in("ontology plan exported.yaml --db places.db");
    let json = session.run("ontology export --db places.db --format json", b"");
    session.type_with("ontology plan - --db places.db --format json", json.stdout.as_bytes());
    session.check("ontology.txt");
}

#[test]
fn every_fault_of_a_file_is_listed() {
    let mut session = Session::new("faults");
    session.file(
        "bad.yaml",
        "object_types:\n  - name: A\n    primary_key: nope\n    properties:\n      - {name: id, type: string}\n      - {name: id, type: {value_type: none}}\n",
    );
    session.type_in("ontology validate bad.yaml");
    session.type_in("ontology validate bad.yaml --format json");
    session.type_in("ontology apply bad.yaml --db bad.db");
    session.file(
        "malformed.yaml",
        "object_types:\n  - name: A\n    primary_key: id\n    properties:\n      - {name: id, type: strin}\n",
    );
    session.type_in("ontology validate malformed.yaml");
    session.file("latin1.yaml", b"description: caf\xe9\n");
    session.type_in("ontology validate latin1.yaml");
    session.type_in("ontology validate none.yaml");
    session.check("faults.txt");
}

#[test]
fn a_plan_shows_its_evidence_and_is_applied_as_it_was_shown() {
    let mut session = Session::with_data("plans");
    let places = std::fs::read_to_string(session.folder.join("places.yaml")).unwrap();
    let required = places.replace("{name: founded, type: date}", "{name: founded, type: date, required: true}");
    session.file("required.yaml", &required);
    session.say("one city has no date");
    session.type_in("ontology plan required.yaml --db places.db --out required.json");
    session.type_in("ontology plan required.yaml --db places.db --format ndjson");
    session.type_in("ontology apply required.json --db places.db");
    let defaulted = format!(
        "{required}changes:\n  migrations:\n    - of: object_types.City.properties.founded\n      default: \"1167-01-01\"\n"
    );
    session.file("defaulted.yaml", &defaulted);
    session.type_in("ontology plan defaulted.yaml --db places.db --out defaulted.json");
    session.type_in("ontology apply defaulted.json --db places.db --reason 'every city was founded'");
    session.type_in("objects get --type City København --db places.db --select name,founded");
    session.say("a plan is good for the version it was made against");
    session.type_in("ontology apply defaulted.json --db places.db");
    let plan = std::fs::read_to_string(session.folder.join("defaulted.json")).unwrap();
    session.file("tampered.json", plan.replace("1167-01-01", "1168-01-01"));
    session.type_in("ontology apply tampered.json --db places.db");
    session.type_in("ontology versions --db places.db");
    session.type_in("ontology show City --db places.db --version 1");
    session.check("plans.txt");
}

#[test]
fn the_json_schema_of_the_file_is_printed() {
    let session = Session::new("json_schema");
    let printed = session.run("ontology schema", b"");
    let schema: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert!(schema["properties"]["object_types"].is_object(), "{}", printed.stdout);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
}
