//! `arrakis ontology check`.

use arrakis::{Date, Geopoint, ObjectStruct as _, shapes_json};

use super::Session;

/// What an application of these tests takes a city to be.
#[derive(arrakis::Object)]
struct City {
    #[object(key)]
    name: String,
    country: String,
    population: Option<i64>,
    location: Option<Geopoint>,
    founded: Option<Date>,
}

/// What it takes a city to be after nobody told it of a change.
#[derive(arrakis::Object)]
#[object(type = "City")]
struct Town {
    #[object(key)]
    name: String,
    #[object(name = "inhabitants")]
    population: Option<i64>,
    location: Geopoint,
    founded: Option<String>,
}

#[test]
fn structs_are_compared_with_an_ontology_field_by_field() {
    let mut session = Session::new("check");
    session.file("city.json", shapes_json(&[City::shape()]).unwrap());
    session.file("town.json", shapes_json(&[Town::shape()]).unwrap());
    session.type_in("ontology check city.json --file places.yaml");
    session.type_in("ontology check town.json --file places.yaml");
    session.say("against what is published");
    session.type_in("ontology check city.json --db places.db");
    session.run("ontology apply places.yaml --db places.db", b"");
    session.type_in("ontology check city.json --db places.db");
    let town = std::fs::read(session.folder.join("town.json")).unwrap();
    session.type_with("ontology check - --db places.db --format ndjson", &town);
    session.say("a warning is no fault");
    let places = std::fs::read_to_string(session.folder.join("places.yaml")).unwrap();
    let deprecated = "{name: founded, type: date, status: {deprecated: {since: '2026-11-22', replacement: name}}}";
    session.file("deprecated.yaml", places.replace("{name: founded, type: date}", deprecated));
    session.type_in("ontology check city.json --file deprecated.yaml --format csv");
    session.say("one ontology, and shapes that are some");
    session.type_in("ontology check city.json --file places.yaml --db places.db");
    session.type_in("ontology check city.json");
    session.type_in("ontology check places.yaml --db places.db");
    session.check("shapes.txt");
}
