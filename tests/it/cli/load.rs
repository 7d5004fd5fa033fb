//! `arrakis objects load` and `write`.

use super::Session;

const MAP: &str = "--map lat=location.lat --map lon=location.lon";

#[test]
fn files_become_objects_and_links() {
    let mut session = Session::new("load");
    session.run("ontology apply places.yaml --db places.db", b"");
    session.type_in(&format!("objects load cities.csv --db places.db --into City {MAP} --reason census"));
    session.say("the same again writes nothing");
    session.type_in(&format!("objects load cities.csv --db places.db --into City {MAP} --format json"));
    session.type_in("objects history --type City Oslo --db places.db");
    session.type_in("objects load roads.ndjson --db places.db --link Road --id 0192f0c0-0000-8000-8000-000000000001");
    session.type_in(
        "objects load roads.ndjson --db places.db --link Road --id 0192f0c0-0000-8000-8000-000000000001 --format csv",
    );
    session.say("what exists is not created");
    session.type_in(&format!("objects load cities.csv --db places.db --into City {MAP} --create"));
    session.say("other names, other separators, other words for nothing");
    session.file("byer.tsv", "by\tland\tfolk\tannet\nTurku\tFI\t-\tx\n");
    session.type_in(
        "objects load byer.tsv --input csv --delimiter \\t --db places.db --into City --map by=name --map land=country \
         --map folk=population --skip annet --null -",
    );
    session.type_with(
        "objects load - --input ndjson --db places.db --into City",
        "{\"name\": \"Tartu\", \"country\": \"EE\", \"location\": {\"lat\": 58.38, \"lon\": 26.72}}\n".as_bytes(),
    );
    session.type_in("objects get --type City --db places.db Turku Tartu --format json");
    session.check("load.txt");
}

#[test]
fn every_rejected_row_is_told_with_line_column_and_reason() {
    let mut session = Session::new("rejections");
    session.run("ontology apply places.yaml --db places.db", b"");
    let mut csv = b"name,country,population,lat,lon,founded\n\
        Oslo,NO,709037,59.91,10.75,1040-01-01\n\
        Rome,it,2873000,41.9,12.5,\n\
        Paris,FR,many,48.9,2.4,\n\
        Lima,PE,1,2\n\
        \"Ulm\",DE,126000,91,10,\n\
        Caf\xe9,FR,1,1,1,\n\
        Kiel,DE,,,north,\n\
        Oslo,NO,,,,\n\
        ,NO,,,,\n\
        Graz,AT,,,,1128-13-01\n\
        \"Wien\nStadt\",AT,,,,\n"
        .to_vec();
    session.file("bad.csv", &csv);
    session.type_in(&format!("objects load bad.csv --db places.db --into City {MAP}"));
    session.type_in("objects query --type City --db places.db --format json");
    session.type_in(&format!("objects load bad.csv --db places.db --into City {MAP} --max-errors 9 --format json"));
    session.type_in("objects query --type City --db places.db --select name --format csv");
    csv.extend_from_slice(b"Genf,CH,,,,\"1\nnever closed");
    session.file("open.csv", &csv);
    session
        .type_in(&format!("objects load open.csv --db places.db --into City {MAP} --max-errors 100 --format ndjson"));
    session.file(
        "bad.ndjson",
        b"{\"name\": \"Bonn\", \"country\": \"DE\"}\n[1]\n{\"name\": \"Bonn\"\n{\"name\": \"A\", \"name\": \"B\"}\n\xff\n{\"name\": 7.5, \"country\": null}\n",
    );
    session.type_in("objects load bad.ndjson --db places.db --into City");
    session.say("links need both their ends");
    session.file("roads.csv", "source,target,km\nOslo,Atlantis,1\nOslo,Oslo,\n");
    session.type_in("objects load roads.csv --db places.db --link Road");
    session.check("rejections.txt");
}

#[test]
fn a_file_that_fits_no_type_is_refused_whole() {
    let mut session = Session::new("refused_files");
    session.run("ontology apply places.yaml --db places.db", b"");
    session.type_in("objects load cities.csv --db places.db --into City");
    session.type_in("objects load cities.csv --db places.db --into Town");
    session.type_in("objects load cities.csv --db places.db --into City --skip lat --skip lon --map town=name");
    session.type_in("objects load cities.csv --db places.db --into City --map lat=location.latitude");
    session.type_in("objects load cities.csv --db places.db --into City --map lat=location.lat --map lon=location.lat");
    session.file("empty.csv", "");
    session.type_in("objects load empty.csv --db places.db --into City");
    session.file("twice.csv", "name,name\na,b\n");
    session.type_in("objects load twice.csv --db places.db --into City");
    session.file("empty.ndjson", "\n");
    session.type_in("objects load empty.ndjson --db places.db --into City");
    session.file("rows.txt", "name,country\n");
    session.type_in("objects load rows.txt --db places.db --into City");
    session.type_in("objects load none.csv --db places.db --into City");
    session.check("refused_files.txt");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_rows() {
    let session = Session::new("mark");
    session.run("ontology apply places.yaml --db places.db", b"");
    session.file("a.csv", "\u{feff}name,country\nOslo,NO\n");
    session.file("b.ndjson", "\u{feff}{\"name\": \"Tartu\", \"country\": \"EE\"}\n");
    for file in ["a.csv", "b.ndjson"] {
        let printed = session.run(&format!("objects load {file} --db places.db --into City --format json"), b"");
        assert!(
            printed.code == Some(0) && printed.stdout.contains("\"loaded\": 1"),
            "{}{}",
            printed.stdout,
            printed.stderr
        );
    }
    session.file("twice.ndjson", "{\"name\": \"Rome\", \"country\": \"IT\"}\n\u{feff}{\"name\": \"Bari\"}\n");
    let printed = session.run("objects load twice.ndjson --db places.db --into City", b"");
    assert!(printed.stderr.starts_with("twice.ndjson:2: error[rows.json.malformed]"), "{}", printed.stderr);
}

#[test]
fn a_row_without_end_is_refused_with_its_line_and_the_limit() {
    let session = Session::new("endless");
    session.run("ontology apply places.yaml --db places.db", b"");
    for (file, start, line) in [
        ("bare.csv", "name,country\nOslo,NO\n", 3),
        ("quoted.csv", "name,country\nOslo,\"NO\n\n", 2),
        ("row.ndjson", "{\"name\": \"Oslo\", \"country\": \"NO\"}\n{\"name\": \"", 2),
    ] {
        session.file(file, start);
        let endless = std::fs::OpenOptions::new().write(true).open(session.folder.join(file)).unwrap();
        endless.set_len(80 << 20).unwrap();
        let printed = session.run(&format!("objects load {file} --db places.db --into City"), b"");
        let expected = format!("error[rows.row.too_long]: a row is too long\n  length_max: 67108864\n  line: {line}\n");
        assert_eq!((printed.code, printed.stderr), (Some(1), expected));
    }
    let printed = session.run("objects query --type City --db places.db --format ndjson", b"");
    assert_eq!((printed.code, printed.stdout), (Some(0), String::new()));
}

#[test]
fn edits_are_one_commit() {
    let mut session = Session::with_data("write");
    session.file(
        "edits.json",
        r#"{"edits": [
            {"create": {"type": "City", "properties": {"name": "Narvik", "country": "NO", "population": 18500}}},
            {"modify": {"type": "City", "key": "Oslo", "properties": {"population": 717710}, "expect": {"at": 4}}},
            {"link": {"type": "Road", "source": "Narvik", "target": "Oslo", "properties": {"km": 1400}}}
        ]}"#,
    );
    session.type_in("objects write edits.json --db places.db --id 0192f0c0-0000-8000-8000-000000000002 --reason north");
    session.type_in("objects write edits.json --db places.db --id 0192f0c0-0000-8000-8000-000000000002 --format json");
    session.type_in("objects write edits.json --db places.db");
    session
        .type_with("objects write - --db places.db", br#"{"edits": [{"delete": {"type": "City", "key": "Paris"}}]}"#);
    session.type_with("objects write - --db places.db", br#"{"edits": [{"destroy": {}}]}"#);
    session.type_with("objects write - --db places.db", b"{\"edits\":\n  [}");
    session.type_in("objects history --link Road --source Narvik --target Oslo --db places.db");
    session.check("write.txt");
}
