//! Publishing a version: tables follow, rows come along, the past stays readable.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::commit::Publication;
use crate::kernel::plan::{HistorySubject, Rel};
use crate::ontology::{
    DataCheck, NewObjectType, NewOntology, NewProperty, ObjectType, Rewrite, Rewritten, Schema, Transform,
};
use crate::testing::{Ask, Draft, Fixture};
use crate::{Atomicity, Change, Commit, DataType, EffectKind, Key, Scope, Seq, Value};

fn type_mut<'a>(ontology: &'a mut NewOntology, name: &str) -> &'a mut NewObjectType {
    ontology.object_types.iter_mut().find(|new| new.name == *name).unwrap()
}

fn property_mut<'a>(ontology: &'a mut NewOntology, object_type: &str, name: &str) -> &'a mut NewProperty {
    type_mut(ontology, object_type).properties.iter_mut().find(|new| new.name == *name).unwrap()
}

fn without_interface(ontology: &mut NewOntology) {
    ontology.interfaces.clear();
    for object_type in &mut ontology.object_types {
        object_type.implements.clear();
    }
}

fn property(json: Json) -> NewProperty {
    serde_json::from_value(json).unwrap()
}

/// The next version, its ontology changed from the first's.
fn next(fixture: &Fixture, change: impl FnOnce(&mut NewOntology)) -> Arc<Schema> {
    let mut ontology = Fixture::ontology();
    change(&mut ontology);
    fixture.next_schema(&fixture.schema, ontology)
}

/// Rewrites every object of a type: `named` properties so, the others as they are.
fn rewrite(before: &Schema, after: &Schema, name: &str, named: &[(&str, Transform)]) -> Rewrite {
    let (before, after) = (before.object_type(name).unwrap(), after.object_type(name).unwrap());
    let transform = |property: &crate::ontology::Property| {
        let stated = named.iter().find(|(name, _)| property.api_name == *name).map(|(_, transform)| transform.clone());
        stated.unwrap_or_else(|| Transform::Keep(before.index_of(property.api_name.as_str())))
    };
    Rewrite {
        of: Rewritten::Objects(Arc::clone(before), Arc::clone(after)),
        transforms: after.properties.iter().map(transform).collect(),
    }
}

fn data_type(schema: &Schema, object_type: &str, property: &str) -> DataType {
    schema.object_type(object_type).unwrap().property(property).unwrap().1.data_type.clone()
}

fn person(draft: Draft, id: i64, rank: Option<i64>) -> Draft {
    draft.create("Person", json!({ "id": id, "name": format!("p{id}"), "rank": rank }))
}

async fn published(fixture: &Fixture, schema: &Arc<Schema>, rewrites: Vec<Rewrite>) -> Seq {
    fixture.publish(fixture.own, &fixture.publication(schema, rewrites)).await.unwrap().seq
}

async fn read(fixture: &Fixture, of: &Arc<ObjectType>, key: impl Into<Key>, at: Option<Seq>) -> Option<(Seq, Json)> {
    read_by(fixture, fixture.own, of, key, at).await
}

async fn read_by(
    fixture: &Fixture,
    scope: Scope,
    of: &Arc<ObjectType>,
    key: impl Into<Key>,
    at: Option<Seq>,
) -> Option<(Seq, Json)> {
    let read = fixture.store.objects(scope, of, &[key.into()], at).await.unwrap().value.remove(0)?;
    assert_eq!(read.object_type, of.api_name);
    Some((read.revision, serde_json::to_value(&read.properties).unwrap()))
}

/// A property that is new is absent in the rows there are, now and in their past, and stored from then on.
pub async fn a_new_property_is_absent_in_old_rows(fixture: Fixture) {
    let created = fixture.wrote(fixture.draft(fixture.own).create("Team", json!({ "code": "a", "title": "A" }))).await;
    let after = next(&fixture, |ontology| {
        type_mut(ontology, "Team")
            .properties
            .push(property(json!({ "name": "motto", "type": "string", "indexed": true })));
    });
    published(&fixture, &after, Vec::new()).await;
    let team = after.object_type("Team").unwrap();
    let old = Some((created, json!({ "code": "a", "title": "A" })));
    assert_eq!(read(&fixture, team, "a", None).await, old);
    assert_eq!(read(&fixture, team, "a", Some(created)).await, old);
    let seq =
        fixture.wrote(fixture.draft_under(fixture.own, &after).modify("Team", "a", json!({ "motto": "go" }))).await;
    assert_eq!(read(&fixture, team, "a", None).await, Some((seq, json!({ "code": "a", "title": "A", "motto": "go" }))));
    assert_eq!(read(&fixture, team, "a", Some(created)).await, old);
}

/// New types and links, of either backing, are ready with the version that names them.
pub async fn new_types_and_links_are_ready(fixture: Fixture) {
    fixture.wrote(person(fixture.draft(fixture.own), 1, None)).await;
    let after = next(&fixture, |ontology| {
        ontology.object_types.push(
            serde_json::from_value(json!({ "name": "Pet", "primary_key": "id", "properties": [
            { "name": "id", "type": "integer", "required": true }, { "name": "keeper", "type": "integer" }
        ] }))
            .unwrap(),
        );
        ontology.link_types.push(
            serde_json::from_value(json!({ "name": "keeping", "on_delete": "cascade",
            "source": { "object_type": "Pet", "name": "keeper_of", "cardinality": "one" },
            "target": { "object_type": "Person", "name": "pets", "cardinality": "many" },
            "foreign_key": { "holder": "source", "property": "keeper" } }))
            .unwrap(),
        );
        ontology.link_types.push(
            serde_json::from_value(json!({ "name": "likes", "on_delete": "unlink",
            "source": { "object_type": "Pet", "name": "likes", "cardinality": "many" },
            "target": { "object_type": "Person", "name": "liked_by", "cardinality": "many" } }))
            .unwrap(),
        );
    });
    published(&fixture, &after, Vec::new()).await;
    let draft = fixture.draft_under(fixture.own, &after).create("Pet", json!({ "id": 1, "keeper": 1 })).link(
        "likes",
        1,
        1,
        json!({}),
    );
    fixture.wrote(draft).await;
    let dangling = fixture.draft_under(fixture.own, &after).create("Pet", json!({ "id": 2, "keeper": 9 }));
    assert_eq!(fixture.refused(dangling).await, "kernel.link.dangling");
    fixture.wrote(fixture.draft_under(fixture.own, &after).delete("Person", 1)).await;
    let pets = Ask::of(after.object_type("Pet").unwrap(), Rel::All);
    assert_eq!(fixture.found(fixture.own, &pets).await, Vec::<String>::new());
}

/// A rewrite fills what was absent in every tenant of the space; rows left as they were keep their revision.
pub async fn a_rewrite_fills_what_was_absent(fixture: Fixture) {
    let own = fixture.wrote(person(person(fixture.draft(fixture.own), 1, Some(7)), 2, None)).await;
    let neighbour = fixture.wrote(person(fixture.draft(fixture.neighbour), 1, None)).await;
    let stranger = fixture.wrote(person(fixture.draft(fixture.stranger), 1, None)).await;
    let after = next(&fixture, |ontology| property_mut(ontology, "Person", "rank").default = Some(json!(0)));
    let fill = Transform::Or(Some(2), data_type(&after, "Person", "rank"), Value::Integer(0));
    let rewrites = vec![rewrite(&fixture.schema, &after, "Person", &[("rank", fill)])];
    let seq = published(&fixture, &after, rewrites).await;
    let of = after.object_type("Person").unwrap();
    let rank = |found: Option<(Seq, Json)>| found.map(|(revision, row)| (revision, row["rank"].clone()));
    assert_eq!(rank(read(&fixture, of, 1, None).await), Some((own, json!(7))));
    assert_eq!(rank(read(&fixture, of, 2, None).await), Some((seq, json!(0))));
    assert_eq!(rank(read(&fixture, of, 2, Some(own)).await), Some((own, Json::Null)));
    assert_eq!(rank(read_by(&fixture, fixture.neighbour, of, 1, None).await), Some((seq, json!(0))));
    assert_eq!(rank(read_by(&fixture, fixture.neighbour, of, 1, Some(neighbour)).await), Some((neighbour, Json::Null)));
    assert_eq!(rank(read_by(&fixture, fixture.stranger, of, 1, None).await), Some((stranger, Json::Null)));
    let versions = fixture.versions(fixture.neighbour, HistorySubject::Object(Arc::clone(of), Key::Integer(1))).await;
    let changes: Vec<_> = versions.iter().map(|version| (version.revision, version.change)).collect();
    assert_eq!(changes, [(neighbour, EffectKind::Created), (seq, EffectKind::Modified)]);
}

/// A property whose type changes has its values converted; the old version's values stay readable under the old version.
pub async fn a_type_change_converts_the_values(fixture: Fixture) {
    let created = fixture.wrote(person(person(fixture.draft(fixture.own), 1, Some(7)), 2, None)).await;
    let after = next(&fixture, |ontology| {
        property_mut(ontology, "Person", "rank").data_type = Some(serde_json::from_value(json!("string")).unwrap());
        without_interface(ontology);
    });
    let cast = Transform::Cast(2, data_type(&after, "Person", "rank"), None);
    let rewrites = vec![rewrite(&fixture.schema, &after, "Person", &[("rank", cast)])];
    let seq = published(&fixture, &after, rewrites).await;
    let (old, new) = (fixture.object_type("Person"), after.object_type("Person").unwrap());
    assert_eq!(
        read(&fixture, new, 1, None).await.unwrap(),
        (seq, json!({ "id": 1, "name": "p1", "rank": "7", "initial": "p1" }))
    );
    assert_eq!(read(&fixture, new, 2, None).await.unwrap().0, created);
    assert_eq!(read(&fixture, old, 1, Some(created)).await.unwrap().1["rank"], json!(7));
    assert_eq!(read(&fixture, new, 1, Some(created)).await.unwrap().1.get("rank"), None);
    fixture.wrote(fixture.draft_under(fixture.own, &after).modify("Person", 1, json!({ "rank": "high" }))).await;
    let found =
        Ask::of(new, crate::testing::filter(crate::testing::Conditions::on(&new.properties).eq("rank", "high")));
    assert_eq!(fixture.found(fixture.own, &found).await, ["1"]);
}

/// A value that does not convert refuses the whole publication, or becomes what was stated.
pub async fn a_value_that_does_not_convert(fixture: Fixture) {
    let teams = fixture
        .draft(fixture.own)
        .create("Team", json!({ "code": "a", "title": "1" }))
        .create("Team", json!({ "code": "b", "title": "x" }));
    let created = fixture.wrote(teams).await;
    let after = next(&fixture, |ontology| {
        property_mut(ontology, "Team", "title").data_type = Some(serde_json::from_value(json!("integer")).unwrap());
        type_mut(ontology, "Team").implements.clear();
    });
    let cast = |fallback| {
        let cast = Transform::Cast(1, data_type(&after, "Team", "title"), fallback);
        vec![rewrite(&fixture.schema, &after, "Team", &[("title", cast)])]
    };
    let error = fixture.publish(fixture.own, &fixture.publication(&after, cast(None))).await.unwrap_err();
    assert_eq!((error.code(), error.param("key")), ("ontology.migration.cast", Some("b")));
    let current = fixture.store.schema(fixture.own.space).await.unwrap().unwrap();
    assert_eq!((current.version, fixture.store.head().await.unwrap()), (1, created));
    assert_eq!(
        read(&fixture, fixture.object_type("Team"), "a", None).await,
        Some((created, json!({ "code": "a", "title": "1" })))
    );
    fixture.wrote(fixture.draft(fixture.own).modify("Team", "a", json!({ "score": 1 }))).await;
    published(&fixture, &after, cast(Some(Value::Integer(-1)))).await;
    let team = after.object_type("Team").unwrap();
    assert_eq!(read(&fixture, team, "a", None).await.unwrap().1, json!({ "code": "a", "title": 1, "score": 1 }));
    assert_eq!(read(&fixture, team, "b", None).await.unwrap().1, json!({ "code": "b", "title": -1 }));
}

/// A type changed there and back has three columns in its past, each read under its own version.
pub async fn a_type_changed_there_and_back(fixture: Fixture) {
    let created = fixture.wrote(fixture.draft(fixture.own).create("Sample", json!({ "id": "s", "ratio": 0.5 }))).await;
    let change = |base: &Schema, to: &str| {
        let mut ontology = base.definition.clone();
        property_mut(&mut ontology, "Sample", "ratio").data_type = Some(serde_json::from_value(json!(to)).unwrap());
        let after = fixture.next_schema(base, ontology);
        let cast = Transform::Cast(3, data_type(&after, "Sample", "ratio"), None);
        let rewrites = vec![rewrite(base, &after, "Sample", &[("ratio", cast)])];
        (after, rewrites)
    };
    let (text, rewrites) = change(&fixture.schema, "string");
    let as_text = published(&fixture, &text, rewrites).await;
    let (number, rewrites) = change(&text, "double");
    let as_number = published(&fixture, &number, rewrites).await;
    for (schema, at, expected) in [
        (&fixture.schema, created, json!(0.5)),
        (&text, as_text, json!("0.5")),
        (&number, as_number, json!(0.5)),
        (&number, as_text, Json::Null),
        (&number, created, Json::Null),
    ] {
        let of = schema.object_type("Sample").unwrap();
        let (_, row) = read(&fixture, of, "s", Some(at)).await.unwrap();
        assert_eq!(row.get("ratio").cloned().unwrap_or_default(), expected, "version {} at {at}", schema.version);
    }
}

/// A property that is gone stays readable as of earlier commits under the version that had it.
pub async fn a_retired_property_stays_in_the_past(fixture: Fixture) {
    let created = fixture.wrote(person(fixture.draft(fixture.own), 1, Some(7))).await;
    let after = next(&fixture, |ontology| {
        type_mut(ontology, "Person").properties.retain(|property| property.name != "rank");
        without_interface(ontology);
    });
    published(&fixture, &after, Vec::new()).await;
    let of = after.object_type("Person").unwrap();
    assert_eq!(read(&fixture, of, 1, None).await, Some((created, json!({ "id": 1, "name": "p1", "initial": "p1" }))));
    assert_eq!(read(&fixture, fixture.object_type("Person"), 1, Some(created)).await.unwrap().1["rank"], json!(7));
    fixture.wrote(fixture.draft_under(fixture.own, &after).modify("Person", 1, json!({ "name": "q" }))).await;
    assert_eq!(read(&fixture, fixture.object_type("Person"), 1, Some(created)).await.unwrap().1["rank"], json!(7));
}

/// The objects of a type that is gone, and the links of a link type, end with the publication, in every tenant of the space.
pub async fn a_retired_type_ends_its_rows(fixture: Fixture) {
    for scope in [fixture.own, fixture.neighbour, fixture.stranger] {
        let draft =
            person(person(fixture.draft(scope), 1, None), 2, None).create("Badge", json!({ "id": 1, "person": 1 }));
        fixture.wrote(draft.link("knows", 1, 2, json!({ "weight": 1 }))).await;
    }
    let before = fixture.store.head().await.unwrap();
    let after = next(&fixture, |ontology| {
        ontology.object_types.retain(|object_type| object_type.name != "Badge");
        ontology.link_types.retain(|link_type| link_type.name != "badge_of" && link_type.name != "knows");
    });
    let seq = published(&fixture, &after, Vec::new()).await;
    for (scope, gone) in [(fixture.own, true), (fixture.neighbour, true), (fixture.stranger, false)] {
        let badges = fixture.ask("Badge", Rel::All);
        assert_eq!(fixture.found(scope, &badges.clone().at(before)).await, ["1"]);
        assert_eq!(fixture.found(scope, &badges).await.is_empty(), gone);
        let knows = fixture.links_plan("knows", crate::ontology::End::Source, 1);
        assert_eq!(fixture.far_keys(scope, &knows).await.is_empty(), gone);
        for versions in [fixture.history(scope, "Badge", 1).await, fixture.link_history(scope, "knows", 1, 2).await] {
            let last = versions.last().unwrap();
            let ended = (last.revision, last.change) == (seq, EffectKind::Deleted);
            assert_eq!((ended, versions.len()), (gone, if gone { 2 } else { 1 }));
        }
    }
    assert!(fixture.object(fixture.own, "Person", 1).await.is_some());
}

/// A rename keeps every row as it is.
pub async fn a_rename_keeps_the_rows(fixture: Fixture) {
    let created = fixture
        .wrote(fixture.draft(fixture.own).create("Team", json!({ "code": "a", "title": "A", "score": 3 })))
        .await;
    let after = next(&fixture, |ontology| {
        property_mut(ontology, "Team", "score").name = "points".parse().unwrap();
        let team = type_mut(ontology, "Team");
        team.name = "Squad".parse().unwrap();
        team.implements.clear();
        for side in ontology.link_types.iter_mut().flat_map(|new| [&mut new.source, &mut new.target]) {
            if side.object_type == *"Team" {
                side.object_type = "Squad".parse().unwrap();
            }
        }
        ontology.changes = serde_json::from_value(json!({ "moved": [
            { "from": "object_types.Team", "to": "object_types.Squad" },
            { "from": "object_types.Team.properties.score", "to": "object_types.Squad.properties.points" },
        ] }))
        .unwrap();
    });
    published(&fixture, &after, Vec::new()).await;
    let squad = after.object_type("Squad").unwrap();
    let expected = json!({ "code": "a", "title": "A", "points": 3 });
    assert_eq!(read(&fixture, squad, "a", None).await, Some((created, expected.clone())));
    assert_eq!(read(&fixture, squad, "a", Some(created)).await, Some((created, expected)));
}

/// The properties of links come along as those of objects do.
pub async fn a_rewrite_brings_links_along(fixture: Fixture) {
    let draft = person(person(fixture.draft(fixture.own), 1, None), 2, None);
    let draft = draft.link("knows", 1, 2, json!({ "trust": 0.5 })).link("knows", 2, 1, json!({ "weight": 5 }));
    let created = fixture.wrote(draft).await;
    let after = next(&fixture, |ontology| {
        let knows = ontology.link_types.iter_mut().find(|new| new.name == *"knows").unwrap();
        knows.properties.push(property(json!({ "name": "note", "type": "string" })));
    });
    let (old, new) = (fixture.link_type("knows"), after.link_type("knows").unwrap());
    let fill = Transform::Or(Some(1), new.properties[1].data_type.clone(), Value::Integer(1));
    let transforms = vec![Transform::Keep(Some(0)), fill, Transform::Keep(Some(2)), Transform::Keep(None)];
    let rewrite = Rewrite { of: Rewritten::Links(Arc::clone(old), Arc::clone(new)), transforms };
    let seq = published(&fixture, &after, vec![rewrite]).await;
    let mut plan = fixture.links_plan("knows", crate::ontology::End::Source, 1);
    plan.link_type = Arc::clone(new);
    let read = async |plan| {
        let links = fixture.links(fixture.own, &plan).await;
        (links[0].revision, serde_json::to_value(&links[0].properties).unwrap())
    };
    assert_eq!(read(plan.clone()).await, (seq, json!({ "weight": 1, "trust": 0.5 })));
    plan.key = Key::Integer(2);
    assert_eq!(read(plan.clone()).await, (created, json!({ "weight": 5 })));
    plan.key = Key::Integer(1);
    plan.at = Some(created);
    assert_eq!(read(plan).await, (created, json!({ "trust": 0.5 })));
}

/// A rewrite computes derived values anew.
pub async fn a_rewrite_derives_anew(fixture: Fixture) {
    fixture.wrote(person(fixture.draft(fixture.own), 1, None)).await;
    let after = next(&fixture, |ontology| {
        let upper = serde_json::from_value(json!({ "upper": { "property": "name" } })).unwrap();
        property_mut(ontology, "Person", "initial").derived = Some(upper);
    });
    let seq = published(&fixture, &after, vec![rewrite(&fixture.schema, &after, "Person", &[])]).await;
    let (revision, row) = read(&fixture, after.object_type("Person").unwrap(), 1, None).await.unwrap();
    assert_eq!((revision, &row["initial"]), (seq, &json!("P1")));
}

/// A publication planned against a version that is no longer the current one is refused.
pub async fn a_moved_base_refuses_the_publication(fixture: Fixture) {
    let after = next(&fixture, |_| {});
    published(&fixture, &after, Vec::new()).await;
    let error = fixture.publish(fixture.neighbour, &fixture.publication(&after, Vec::new())).await.unwrap_err();
    assert_eq!(error.code(), "ontology.plan.base_moved");
    assert_eq!((error.param("planned_against"), error.param("current")), (Some("1"), Some("2")));
    let first = Publication { base_version: 0, ..fixture.publication(&after, Vec::new()) };
    assert_eq!(fixture.publish(fixture.own, &first).await.unwrap_err().code(), "ontology.plan.base_moved");
}

/// Data that breaks a rule of the new version refuses the publication whole; once mended, the rule holds from then on.
pub async fn violated_rules_refuse_the_publication(fixture: Fixture) {
    fixture.wrote(person(person(fixture.draft(fixture.own), 1, Some(7)), 2, Some(7))).await;
    let after = next(&fixture, |ontology| property_mut(ontology, "Person", "rank").unique = true);
    let check = DataCheck::Unique(Arc::clone(after.object_type("Person").unwrap()), 2);
    let publication = Publication { checks: vec![check], ..fixture.publication(&after, Vec::new()) };
    let error = fixture.publish(fixture.neighbour, &publication).await.unwrap_err();
    assert_eq!(
        (error.code(), error.param("count"), error.param("samples")),
        ("ontology.plan.violated", Some("1"), Some(""))
    );
    let error = fixture.publish(fixture.own, &publication).await.unwrap_err();
    assert_eq!(error.param("samples"), Some("2"));
    assert_eq!(fixture.store.schema(fixture.own.space).await.unwrap().unwrap().version, 1);
    fixture.wrote(fixture.draft(fixture.own).modify("Person", 2, json!({ "rank": 8 }))).await;
    fixture.publish(fixture.own, &publication).await.unwrap();
    let held = fixture.draft_under(fixture.own, &after).modify("Person", 2, json!({ "rank": 7 }));
    assert_eq!(fixture.refused(held).await, "kernel.object.not_unique");
}

/// A refused or undone publication leaves its neighbours in the batch, and may come again.
pub async fn a_publication_shares_a_batch(fixture: Fixture) {
    fixture.wrote(person(fixture.draft(fixture.own), 1, Some(7))).await;
    let after = next(&fixture, |ontology| {
        type_mut(ontology, "Team").properties.push(property(json!({ "name": "motto", "type": "string" })));
    });
    let check = DataCheck::NoObjects(Arc::clone(fixture.object_type("Person")));
    let publish = |checks: Vec<DataCheck>| {
        let publication = Publication { checks, ..fixture.publication(&after, Vec::new()) };
        Commit { changes: vec![Change::Publish(Arc::new(publication))], ..fixture.commit(fixture.own) }
    };
    let old = || Commit::from(fixture.draft(fixture.own).upsert("Team", json!({ "code": "a", "title": "A" })));
    let new = |code: &str| {
        let team = json!({ "code": code, "title": "B", "motto": "go" });
        Commit::from(fixture.draft_under(fixture.own, &after).create("Team", team))
    };
    let codes = async |commits, atomicity| {
        let results = fixture.store.commit_batch(commits, atomicity).await;
        results.into_iter().map(|result| result.err().map(|error| error.code().to_owned())).collect::<Vec<_>>()
    };
    let violated = Some("ontology.plan.violated".to_owned());
    let moved = Some("kernel.schema.moved".to_owned());
    let refused = codes(vec![publish(vec![check]), old(), new("b")], Atomicity::Each).await;
    assert_eq!(refused, [violated, None, moved.clone()]);
    let undone = codes(vec![publish(Vec::new()), new("b"), old()], Atomicity::All).await;
    assert_eq!(undone[2], moved);
    assert_eq!(fixture.store.schema(fixture.own.space).await.unwrap().unwrap().version, 1);
    let applied = codes(vec![old(), publish(Vec::new()), new("b"), old()], Atomicity::Each).await;
    assert_eq!(applied, [None, None, None, moved]);
    let (_, row) = read(&fixture, after.object_type("Team").unwrap(), "b", None).await.unwrap();
    assert_eq!(row, json!({ "code": "b", "title": "B", "motto": "go" }));
}

/// Spaces are apart: a version published in one is not in force in the other.
pub async fn spaces_are_published_apart(fixture: Fixture) {
    let after = next(&fixture, |ontology| ontology.object_types.retain(|object_type| object_type.name != "Sample"));
    published(&fixture, &after, Vec::new()).await;
    assert_eq!(fixture.store.schema(fixture.stranger.space).await.unwrap().unwrap().version, 1);
    fixture.wrote(fixture.draft(fixture.stranger).create("Sample", json!({ "id": "s" }))).await;
    assert_eq!(
        fixture.refused(fixture.draft(fixture.own).create("Sample", json!({ "id": "s" }))).await,
        "kernel.schema.moved"
    );
}

/// Indexes come and go without changing what is read.
pub async fn indexes_come_and_go(fixture: Fixture) {
    let people = (0..20).fold(fixture.draft(fixture.own), |draft, id| person(draft, id, Some(id % 3)));
    fixture.wrote(people).await;
    let after = next(&fixture, |ontology| {
        property_mut(ontology, "Person", "name").indexed = false;
        property_mut(ontology, "Person", "rank").indexed = true;
        type_mut(ontology, "Person").indexes = vec![vec!["rank".parse().unwrap(), "name".parse().unwrap()]];
        type_mut(ontology, "Sample").indexes.clear();
    });
    published(&fixture, &after, Vec::new()).await;
    let of = after.object_type("Person").unwrap();
    let rank = crate::testing::Conditions::on(&of.properties).eq("rank", 1);
    let found = fixture
        .found(
            fixture.own,
            &Ask::of(of, crate::testing::filter(rank)).order("name", crate::kernel::plan::SortDirection::Desc),
        )
        .await;
    assert_eq!(found, ["7", "4", "19", "16", "13", "10", "1"]);
}
