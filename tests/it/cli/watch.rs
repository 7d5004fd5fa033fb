//! `arrakis objects watch`.

use super::Session;

const NORWAY: &str = "--type City --where 'country = \"NO\"' --db places.db --select name,population";

#[test]
fn a_set_is_watched_in_every_format() {
    let mut session = Session::with_data("watch");
    session.type_in(&format!("objects watch {NORWAY} --count 1"));
    session.type_with(
        "objects write - --db places.db",
        br#"{"edits": [{"modify": {"type": "City", "key": "Oslo", "properties": {"population": 717710}}},
                      {"delete": {"type": "City", "key": "Bergen"}}]}"#,
    );
    session.type_with(
        "objects write - --db places.db",
        br#"{"edits": [{"create": {"type": "City", "properties": {"name": "Hamar", "country": "NO"}}}]}"#,
    );
    session.say("go on from the commit the set was printed of");
    for format in ["table", "csv", "json", "ndjson"] {
        session.type_in(&format!("objects watch {NORWAY} --from 5 --until-seq 7 --format {format}"));
    }
    session.type_in(&format!("objects watch {NORWAY} --format ndjson --count 1"));
    session.say("a set that links decide");
    session
        .file("set.json", r#"{"traverse": {"from": {"ids": {"type": "City", "keys": ["Oslo"]}}, "link": "roads_to"}}"#);
    session.type_in("objects watch --set @set.json --db places.db --select name --from 5 --count 1");
    session.type_in("objects watch --type City --where 'country = \"PT\"' --db places.db --count 1");
    session.type_in("objects watch --type City --db places.db --from 99");
    session.type_in("objects watch --type Town --db places.db");
    session.check("watch.txt");
}
