//! Links come to be, change and go, kept in a table of their own or in a property.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, member, told};
use crate::ErrorKind;

fn link(link_type: &str, source: impl Into<Json>, target: impl Into<Json>, properties: Json) -> Json {
    let (source, target): (Json, Json) = (source.into(), target.into());
    json!({ "link": { "type": link_type, "source": source, "target": target, "properties": properties } })
}

fn unlink(link_type: &str, source: impl Into<Json>, target: impl Into<Json>) -> Json {
    let (source, target): (Json, Json) = (source.into(), target.into());
    json!({ "unlink": { "type": link_type, "source": source, "target": target } })
}

async fn read(on: &Deployment, link_type: &str, source: impl Into<Json>, target: impl Into<Json>) -> Json {
    let (source, target): (Json, Json) = (source.into(), target.into());
    let request = json!({ "type": link_type, "ends": [{ "source": source, "target": target }] });
    member(&on.answer(Method::Links, request).await, "links")[0].clone()
}

async fn accounts(on: &Deployment) {
    let account = |id| json!({ "create": { "type": "Account", "properties": { "id": id, "owner": "Ann" } } });
    on.wrote(["a", "b", "c"].into_iter().map(account).collect()).await;
}

async fn teams(on: &Deployment) {
    let team = |code| json!({ "create": { "type": "Team", "properties": { "code": code, "title": code } } });
    on.wrote(["s", "t"].into_iter().map(team).collect()).await;
}

/// A link is read as it was written, with the defaults of its properties.
pub async fn a_link_is_read_as_written(on: Deployment) {
    accounts(&on).await;
    let seq = on.wrote(link("transfer", "a", "b", json!({ "amount": 5 }))).await;
    let properties = json!({ "amount": 5, "channel": "wire" });
    let expected =
        json!({ "type": "transfer", "source": "a", "target": "b", "revision": seq, "properties": properties });
    assert_eq!(read(&on, "transfer", "a", "b").await, expected);
    assert_eq!(read(&on, "transfer", "b", "a").await, Json::Null);
}

/// Linking what is linked replaces the link's properties, all of them; without effect it writes no version.
pub async fn linking_again_replaces_the_properties(on: Deployment) {
    accounts(&on).await;
    on.wrote(link("transfer", "a", "b", json!({ "amount": 5, "channel": "cash" }))).await;
    let again = on.wrote(link("transfer", "a", "b", json!({ "amount": 6 }))).await;
    let expected = json!({ "amount": 6, "channel": "wire" });
    assert_eq!(read(&on, "transfer", "a", "b").await["properties"], expected);
    on.wrote(link("transfer", "a", "b", json!({ "amount": 6 }))).await;
    assert_eq!(read(&on, "transfer", "a", "b").await["revision"], json!(again));
}

/// Properties of links are required, typed and constrained as those of objects.
pub async fn properties_of_links_obey_their_rules(on: Deployment) {
    accounts(&on).await;
    for (properties, code, name) in [
        (json!({}), "kernel.property.required", "amount"),
        (json!({ "amount": null }), "kernel.property.required", "amount"),
        (json!({ "amount": "x" }), "value.type_mismatch", "amount"),
        (json!({ "amount": 0 }), "value.constraint.range", "amount"),
        (json!({ "amount": 1, "weight": 1 }), "kernel.property.unknown", "weight"),
    ] {
        let error = on.refused(link("transfer", "a", "b", properties)).await;
        assert_eq!(told(&error), (code, &*format!("edits[0].link.properties.{name}")));
    }
    assert_eq!(read(&on, "transfer", "a", "b").await, Json::Null);
}

/// Both ends of a link exist when it is made.
pub async fn both_ends_of_a_link_exist(on: Deployment) {
    on.people(1).await;
    for (source, target, path) in [(1, 2, "edits[0].link.target"), (2, 1, "edits[0].link.source")] {
        let error = on.refused(link("knows", source, target, json!({}))).await;
        assert_eq!((error.kind(), told(&error)), (ErrorKind::Conflict, ("kernel.link.dangling", path)));
        assert_eq!((error.param("object_type"), error.param("key")), (Some("Person"), Some("2")));
    }
    let person = json!({ "create": { "type": "Person", "properties": { "id": 2, "name": "p2" } } });
    on.wrote(json!([person, link("knows", 1, 2, json!({}))])).await;
    assert_ne!(read(&on, "knows", 1, 2).await, Json::Null);
}

/// An object has one link where there may be one.
pub async fn cardinality_holds(on: Deployment) {
    on.people(2).await;
    teams(&on).await;
    on.wrote(link("sponsors", 1, "s", json!({}))).await;
    for (source, target, path) in [(1, "t", "edits[0].link.source"), (2, "s", "edits[0].link.target")] {
        let error = on.refused(link("sponsors", source, target, json!({}))).await;
        assert_eq!((error.kind(), told(&error)), (ErrorKind::Conflict, ("kernel.link.cardinality", path)));
    }
    on.wrote(json!([unlink("sponsors", 1, "s"), link("sponsors", 2, "s", json!({}))])).await;
    assert_ne!(read(&on, "sponsors", 2, "s").await, Json::Null);
}

/// A link is deleted; one that is not there is not, whichever way it is kept.
pub async fn an_absent_link_is_not_deleted(on: Deployment) {
    on.people(2).await;
    on.acquaint(&[(1, 2, 3)]).await;
    on.wrote(unlink("knows", 1, 2)).await;
    assert_eq!(read(&on, "knows", 1, 2).await, Json::Null);
    for link_type in ["knows", "reports"] {
        let error = on.refused(unlink(link_type, 1, 2)).await;
        assert_eq!((error.kind(), told(&error)), (ErrorKind::NotFound, ("kernel.link.absent", "edits[0].unlink")));
        let named = [error.param("link_type"), error.param("source"), error.param("target")];
        assert_eq!(named, [Some(link_type), Some("1"), Some("2")]);
    }
}

/// A link held in a property is that property, whichever end holds it.
pub async fn a_link_in_a_property_sets_it(on: Deployment) {
    on.people(2).await;
    teams(&on).await;
    // The source holds `reports`, the target holds `membership`.
    let seq = on.wrote(json!([link("reports", 2, 1, json!({})), link("membership", "s", 2, json!({}))])).await;
    let person = on.object("Person", 2).await;
    assert_eq!((&person["properties"]["boss"], &person["properties"]["team"]), (&json!(1), &json!("s")));
    let (reports, membership) = (read(&on, "reports", 2, 1).await, read(&on, "membership", "s", 2).await);
    for link in [reports, membership] {
        assert_eq!((&link["revision"], &link["properties"]), (&json!(seq), &json!({})));
    }
    on.wrote(json!({ "modify": { "type": "Person", "key": 2, "properties": { "team": "t" } } })).await;
    assert_eq!(read(&on, "membership", "s", 2).await, Json::Null);
    assert_ne!(read(&on, "membership", "t", 2).await, Json::Null);
}

/// A link held in a property takes the place of the one held before.
pub async fn a_link_in_a_property_replaces_the_one_before(on: Deployment) {
    on.people(3).await;
    on.wrote(link("reports", 3, 1, json!({}))).await;
    on.wrote(link("reports", 3, 2, json!({}))).await;
    assert_eq!(read(&on, "reports", 3, 1).await, Json::Null);
    assert_eq!(on.properties("Person", 3).await["boss"], json!(2));
}

/// Unlinking empties the property, when it holds that key.
pub async fn unlinking_empties_the_property(on: Deployment) {
    on.people(3).await;
    on.wrote(link("reports", 3, 1, json!({}))).await;
    let error = on.refused(unlink("reports", 3, 2)).await;
    assert_eq!(told(&error), ("kernel.link.absent", "edits[0].unlink"));
    on.wrote(unlink("reports", 3, 1)).await;
    assert_eq!(on.properties("Person", 3).await.get("boss"), None);
}

/// What a property may not be, no link makes it: required ones stay, their far object exists, and they have no link properties.
pub async fn a_link_in_a_property_obeys_the_property(on: Deployment) {
    on.people(2).await;
    on.wrote(json!({ "create": { "type": "Locker", "properties": { "id": 1, "person": 1 } } })).await;
    let error = on.refused(unlink("locker", 1, 1)).await;
    assert_eq!(told(&error).0, "kernel.property.required");
    assert!(told(&error).1.starts_with("edits[0].unlink"), "{error:?}");
    for (source, target, path, object_type) in [(1, 9, "target", "Person"), (9, 1, "source", "Locker")] {
        let error = on.refused(link("locker", source, target, json!({}))).await;
        assert_eq!(told(&error), ("kernel.link.dangling", &*format!("edits[0].link.{path}")));
        assert_eq!((error.param("object_type"), error.param("key")), (Some(object_type), Some("9")));
    }
    let error = on.refused(link("locker", 1, 2, json!({ "since": "2026-01-01" }))).await;
    assert_eq!(told(&error), ("kernel.property.unknown", "edits[0].link.properties.since"));
    on.wrote(link("locker", 1, 2, json!({}))).await;
    assert_eq!(on.properties("Locker", 1).await["person"], json!(2));
}

/// Unknown link types and keys of the wrong type are refused with their path.
pub async fn ends_of_links_are_named_by_keys_of_their_type(on: Deployment) {
    let error = on.refused(link("likes", 1, 2, json!({}))).await;
    assert_eq!(told(&error), ("kernel.link_type.unknown", "edits[0].link.type"));
    let error = on.refused(link("knows", 1, "two", json!({}))).await;
    assert_eq!(told(&error), ("value.type_mismatch", "edits[0].link.target"));
    let error = on.refused(unlink("membership", "", 1)).await;
    assert_eq!(told(&error), ("kernel.key.length", "edits[0].unlink.source"));
}
