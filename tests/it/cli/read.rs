//! `arrakis objects get`, `query`, `aggregate`, `history` and `links`.

use super::Session;

#[test]
fn objects_are_queried_page_by_page_in_every_format() {
    let mut session = Session::with_data("query");
    session.type_in("objects query --type City --db places.db");
    session.type_in("objects query --type City --db places.db --where 'country = \"SE\"' --format json");
    session.type_in("objects query --type City --db places.db --select country,population --order-by country,-population --format csv");
    let first =
        session.type_in("objects query --type City --db places.db --order-by -population --select name --limit 4");
    let cursor = first.stderr.split("--cursor ").nth(1).unwrap().trim();
    session.type_in(&format!(
        "objects query --type City --db places.db --order-by -population --select name --limit 4 --cursor {cursor}"
    ));
    session.type_in(
        "objects query --type City --db places.db --order-by -population --select name --limit 2 --all --format ndjson",
    );
    session.type_in("objects query --type City --db places.db --select name --limit 5 --all --format json");
    session.type_in(r#"objects query --db places.db --where '{"gt": {"property": "population", "value": 600000}}' --type City --select name"#);
    session.type_in("objects query --interface Placed --db places.db --limit 1");
    session.file("set.json", r#"{"traverse": {"from": {"ids": {"type": "City", "keys": ["Oslo"]}}, "link": "roads_to", "min": 2, "max": 2}}"#);
    session.type_in("objects query --set @set.json --db places.db --select name");
    session.type_in("objects query --type City --where 'country = \"PT\"' --db places.db");
    session.type_in("objects query --type City --where 'country = \"PT\"' --db places.db --format csv");
    session.check("query.txt");
}

#[test]
fn the_past_is_read_as_it_was() {
    let mut session = Session::with_data("as_of");
    session.type_with(
        "objects write - --db places.db --actor user:ada --reason 'a new count'",
        br#"{"edits": [{"modify": {"type": "City", "key": "Oslo", "properties": {"population": 717710}}},
                      {"delete": {"type": "City", "key": "Bergen"}}]}"#,
    );
    session.type_in("objects get --type City --db places.db Oslo Bergen --select name,population");
    session.type_in("objects get --type City --db places.db Oslo Bergen --select name,population --as-of 5");
    session.type_in(
        "objects query --type City --db places.db --where 'country = \"NO\"' --as-of 5 --select name,population",
    );
    session.type_in("objects history --type City Oslo --db places.db");
    session.type_in("objects history --type City Bergen --db places.db --format ndjson");
    session.type_in("objects history --type City Bergen --db places.db --limit 1");
    session.type_in("objects history --type City Bergen --db places.db --limit 1 --all --format csv");
    session.type_in("objects history --type City Atlantis --db places.db");
    session.type_in("objects get --type City --db places.db Oslo --as-of 99");
    session.check("as_of.txt");
}

#[test]
fn groups_and_links() {
    let mut session = Session::with_data("groups");
    session.type_in(
        "objects aggregate --type City --db places.db --group-by country --metric cities=count() \
         --metric people=sum(population) --order-by -people",
    );
    session.type_in(
        "objects aggregate --type City --db places.db --group-by name --metric km=sum(roads_to.km) --having 'km > 500' --format json",
    );
    session.type_in("objects aggregate --type City --db places.db --group-by century=year(founded) --metric n=count() --limit 2 --format csv");
    session.type_in(
        "objects aggregate --type City --db places.db --group-by ranges(population,500000) --metric n=count()",
    );
    session.type_in("objects aggregate --type City --db places.db --metric mean=avg(population) --format ndjson");
    session.type_in("objects links --type City Oslo --link roads_to --db places.db");
    session.type_in("objects links --type City Oslo --link roads_to --where 'km > 500' --db places.db --format json");
    session.type_in("objects links --type City Oslo --link roads_to --limit 2 --db places.db --format csv");
    session.type_in("objects links --type City Oslo --link roads_from --db places.db");
    session.check("groups.txt");
}
