//! Links in a table of their own: written, one version a commit.

use serde_json::json;

use crate::ontology::End;
use crate::testing::{Draft, Fixture};
use crate::{ErrorKind, Value};

fn own(fixture: &Fixture) -> Draft {
    fixture.draft(fixture.own)
}

async fn people(fixture: &Fixture) {
    let draft = (1..=4).fold(own(fixture), |draft, id| draft.create("Person", json!({ "id": id, "name": "p" })));
    let draft =
        draft.create("Team", json!({ "code": "a", "title": "A" })).create("Team", json!({ "code": "b", "title": "B" }));
    fixture.wrote(draft).await;
}

async fn known(fixture: &Fixture, source: i64) -> Vec<String> {
    fixture.far_keys(fixture.own, &fixture.links_plan("knows", End::Source, source)).await
}

/// A link is read with its properties and the commit that wrote it.
pub async fn a_link_is_read_as_written(fixture: Fixture) {
    people(&fixture).await;
    let values = json!({ "since": "2020-02-29", "weight": 3, "trust": 0.1 });
    let seq = fixture.wrote(own(&fixture).link("knows", 1, 2, values).link("knows", 1, 3, json!({}))).await;
    let links = fixture.links(fixture.own, &fixture.links_plan("knows", End::Source, 1)).await;
    let [first, second] = &links[..] else { panic!("{links:?}") };
    assert_eq!(
        (first.link_type.as_str(), first.source.to_string(), first.target.to_string()),
        ("knows", "1".into(), "2".into())
    );
    assert_eq!(first.revision, seq);
    assert_eq!(first.properties.names(), &fixture.link_type("knows").names);
    assert_eq!(first.properties.get("since").unwrap().to_json(), json!("2020-02-29"));
    assert_eq!(first.properties.get("trust"), Some(&Value::Double(0.1)));
    assert!(second.properties.values().iter().all(Value::is_null));
}

/// A link goes one way: the other way is another link.
pub async fn a_link_has_a_direction(fixture: Fixture) {
    people(&fixture).await;
    fixture.wrote(own(&fixture).link("knows", 1, 2, json!({}))).await;
    assert_eq!(known(&fixture, 2).await, Vec::<String>::new());
    fixture.wrote(own(&fixture).link("knows", 2, 1, json!({}))).await;
    assert_eq!(known(&fixture, 2).await, ["1"]);
    fixture.wrote(own(&fixture).link("knows", 3, 3, json!({}))).await;
    assert_eq!(known(&fixture, 3).await, ["3"]);
}

/// Creating a link that exists is refused.
pub async fn a_link_is_created_once(fixture: Fixture) {
    people(&fixture).await;
    fixture.wrote(own(&fixture).link("knows", 1, 2, json!({}))).await;
    let error = fixture.write(own(&fixture).link("knows", 1, 2, json!({ "weight": 1 }))).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::AlreadyExists, "kernel.link.exists"));
    assert_eq!((error.param("source"), error.param("target")), (Some("1"), Some("2")));
}

/// Deleting a link that is not there is refused.
pub async fn an_absent_link_is_not_deleted(fixture: Fixture) {
    people(&fixture).await;
    fixture.wrote(own(&fixture).link("knows", 1, 2, json!({}))).await;
    let error = fixture.write(own(&fixture).unlink("knows", 2, 1)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "kernel.link.absent"));
}

/// An upsert creates a link or replaces all of its properties.
pub async fn an_upsert_creates_or_replaces_a_link(fixture: Fixture) {
    people(&fixture).await;
    fixture.wrote(own(&fixture).relink("knows", 1, 2, json!({ "weight": 1, "trust": 0.5 }))).await;
    let seq = fixture.wrote(own(&fixture).relink("knows", 1, 2, json!({ "weight": 2 }))).await;
    let links = fixture.links(fixture.own, &fixture.links_plan("knows", End::Source, 1)).await;
    assert_eq!((links.len(), links[0].revision), (1, seq));
    assert_eq!(links[0].properties.get("weight"), Some(&Value::Integer(2)));
    assert_eq!(links[0].properties.get("trust"), Some(&Value::Null));
}

/// A link left as it was is not written.
pub async fn an_upsert_without_effect_writes_no_link(fixture: Fixture) {
    people(&fixture).await;
    let created = fixture.wrote(own(&fixture).link("knows", 1, 2, json!({ "weight": 1 }))).await;
    fixture.wrote(own(&fixture).relink("knows", 1, 2, json!({ "weight": 1 }))).await;
    let links = fixture.links(fixture.own, &fixture.links_plan("knows", End::Source, 1)).await;
    assert_eq!(links[0].revision, created);
    assert_eq!(fixture.link_history(fixture.own, "knows", 1, 2).await.len(), 1);
}

/// Both ends exist, in the tenant, at the change that links them.
pub async fn both_ends_exist(fixture: Fixture) {
    people(&fixture).await;
    for (source, target, missing) in [(1, 9, "9"), (9, 1, "9"), (9, 9, "9")] {
        let error = fixture.write(own(&fixture).link("knows", source, target, json!({}))).await.unwrap_err();
        assert_eq!((error.code(), error.param("key")), ("kernel.link.dangling", Some(missing)));
    }
    assert_eq!(
        fixture.refused(fixture.draft(fixture.neighbour).link("knows", 1, 2, json!({}))).await,
        "kernel.link.dangling"
    );
    let new = own(&fixture).create("Person", json!({ "id": 9, "name": "p" })).link("knows", 9, 1, json!({}));
    fixture.wrote(new).await;
}

/// An end of cardinality one has one link: a second from either such end is refused.
pub async fn one_link_where_there_may_be_one(fixture: Fixture) {
    people(&fixture).await;
    fixture.wrote(own(&fixture).link("sponsors", 1, "a", json!({}))).await;
    for (source, target, side) in [(1, "b", "sponsored"), (2, "a", "sponsor")] {
        let error = fixture.write(own(&fixture).link("sponsors", source, target, json!({}))).await.unwrap_err();
        assert_eq!((error.code(), error.param("link")), ("kernel.link.cardinality", Some(side)));
    }
    fixture.wrote(own(&fixture).relink("sponsors", 1, "a", json!({})).link("sponsors", 2, "b", json!({}))).await;
    let moved = own(&fixture).unlink("sponsors", 1, "a").unlink("sponsors", 2, "b").link("sponsors", 2, "a", json!({}));
    fixture.wrote(moved).await;
}

/// Unlink: the links of a deleted object go, at either end, each in the commit's name.
pub async fn unlink_deletes_the_links(fixture: Fixture) {
    people(&fixture).await;
    let links = own(&fixture)
        .link("knows", 1, 2, json!({}))
        .link("knows", 2, 3, json!({}))
        .link("knows", 2, 2, json!({}))
        .link("knows", 3, 4, json!({}));
    fixture.wrote(links).await;
    let deleted = fixture.wrote(own(&fixture).delete("Person", 2)).await;
    assert_eq!(known(&fixture, 1).await, Vec::<String>::new());
    assert_eq!(known(&fixture, 3).await, ["4"]);
    for (source, target) in [(1, 2), (2, 3), (2, 2)] {
        let versions = fixture.link_history(fixture.own, "knows", source, target).await;
        assert_eq!(versions.last().unwrap().revision, deleted);
    }
    fixture.wrote(own(&fixture).create("Person", json!({ "id": 2, "name": "again" }))).await;
    assert_eq!(known(&fixture, 2).await, Vec::<String>::new());
}

/// Restrict: a linked object is not deleted, at either end, unless the link goes in the same commit.
pub async fn restrict_refuses_to_delete_what_is_linked(fixture: Fixture) {
    people(&fixture).await;
    fixture.wrote(own(&fixture).link("sponsors", 1, "a", json!({}))).await;
    for draft in [own(&fixture).delete("Person", 1), own(&fixture).delete("Team", "a")] {
        assert_eq!(fixture.refused(draft).await, "kernel.object.referenced");
    }
    fixture.wrote(own(&fixture).delete("Person", 1).unlink("sponsors", 1, "a")).await;
    fixture.wrote(own(&fixture).delete("Team", "a")).await;
}

/// A link changed twice in one commit has one version more; one created and deleted has none.
pub async fn two_changes_of_a_link_in_a_commit_leave_one_version(fixture: Fixture) {
    people(&fixture).await;
    let draft = own(&fixture)
        .link("knows", 1, 2, json!({ "weight": 1 }))
        .relink("knows", 1, 2, json!({ "weight": 2 }))
        .link("knows", 1, 3, json!({}))
        .unlink("knows", 1, 3);
    fixture.wrote(draft).await;
    let versions = fixture.link_history(fixture.own, "knows", 1, 2).await;
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0].properties.as_ref().unwrap().get("weight"), Some(&Value::Integer(2)));
    assert_eq!(fixture.link_history(fixture.own, "knows", 1, 3).await, []);
    assert_eq!(known(&fixture, 1).await, ["2"]);
}
