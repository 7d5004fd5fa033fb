//! Publishing: what was planned happens, whole, once, or not at all.

use serde_json::{Value as Json, json};

use super::{Served, changed, migration, moved, only, people, property, type_mut};
use crate::commit::Effect;
use crate::ontology::{ApplyPlan, NewOntology, OntologyExt, Plan, Published, Refusal, Rule};
use crate::{Error, ErrorKind, Key, Seq};

async fn publish(served: &Served, definition: NewOntology) -> Published {
    served.service.publish(&served.context(), definition).await.unwrap_or_else(|e| panic!("{e:?}"))
}

/// The properties of an object under the current schema, or as of a commit under the schema in force then.
async fn read(served: &Served, object_type: &str, key: impl Into<Key>, at: Option<Seq>) -> Option<Json> {
    let ctx = served.context();
    let schema = match at {
        None => served.service.schema(&ctx).await.unwrap(),
        Some(seq) => served.service.schema_at(&ctx, seq).await.unwrap(),
    };
    let of = schema.object_type(object_type).unwrap();
    let found = served.fixture.store.objects(ctx.scope(), of, &[key.into()], at).await.unwrap().value.remove(0)?;
    Some(serde_json::to_value(&found.properties).unwrap())
}

async fn applied(served: &Served, plan: Plan) -> Error {
    served.service.apply(&served.context(), plan.into()).await.unwrap_err()
}

/// A plan is one commit: the version, its reason, its event.
pub async fn a_plan_is_published_as_one_commit(served: Served) {
    let ctx = served.context();
    let before = served.fixture.store.head().await.unwrap();
    let described = changed(|new| new.description = Some("Two.".to_owned()));
    let plan = served.service.plan(&ctx, described).await.unwrap();
    let request = ApplyPlan { reason: Some("because".into()), ..ApplyPlan::from(plan.clone()) };
    let published = served.service.apply(&ctx, request).await.unwrap();
    let receipt = published.receipt.unwrap();
    assert_eq!((published.version, published.hash, receipt.seq), (2, plan.target_hash, before.next()));
    let page = served.fixture.store.entries(ctx.scope(), before, 10).await.unwrap();
    let [entry] = page.entries.as_slice() else { panic!("one entry: {:?}", page.entries) };
    assert_eq!(entry.effects, [Effect::Published(2)]);
    assert_eq!((entry.reason.as_deref(), &*entry.audit.method), (Some("because"), "ontology.apply"));
    let [event] = entry.events.as_slice() else { panic!("one event: {:?}", entry.events) };
    assert_eq!((&*event.r#type, &*event.subject), ("ontology.published", "ontology/2"));
    assert_eq!(event.data["hash"], json!(plan.target_hash));
}

/// An empty plan publishes nothing and answers the version in force.
pub async fn an_empty_plan_publishes_nothing(served: Served) {
    let before = served.fixture.store.head().await.unwrap();
    let published = publish(&served, changed(|_| ())).await;
    assert_eq!(published, Published { version: 1, hash: served.fixture.schema.hash, receipt: None });
    assert_eq!(served.fixture.store.head().await.unwrap(), before);
}

/// The same commit id answers the first publication, whatever was published since.
pub async fn the_same_commit_answers_the_first_publication(served: Served) {
    let ctx = served.context();
    let plan = served.service.plan(&ctx, changed(|new| new.description = Some("Two.".to_owned()))).await.unwrap();
    let request = ApplyPlan { id: Some(served.fixture.unused_id()), ..ApplyPlan::from(plan) };
    let first = served.service.apply(&ctx, request.clone()).await.unwrap();
    publish(&served, changed(|new| new.description = Some("Three.".to_owned()))).await;
    let again = served.service.apply(&ctx, request).await.unwrap();
    assert_eq!((again.version, again.hash), (first.version, first.hash));
    let (first, again) = (first.receipt.unwrap(), again.receipt.unwrap());
    assert_eq!((first.seq, first.replayed, again.seq, again.replayed), (again.seq, false, first.seq, true));
}

/// A plan is refused when the ontology was published anew since it was made.
pub async fn a_moved_base_refuses_the_plan(served: Served) {
    let ctx = served.context();
    let plan = served.service.plan(&ctx, changed(|new| new.description = Some("Mine.".to_owned()))).await.unwrap();
    publish(&served, changed(|new| new.description = Some("Theirs.".to_owned()))).await;
    let error = applied(&served, plan).await;
    assert_eq!((error.code(), error.kind()), ("ontology.plan.base_moved", ErrorKind::Conflict));
    assert_eq!((error.param("planned_against"), error.param("current")), (Some("1"), Some("2")));
}

/// A plan with a refusal is not published.
pub async fn a_refused_plan_is_not_published(served: Served) {
    people(&served, 3).await;
    let ctx = served.context();
    let required = changed(|new| type_mut(new, "Person").properties[2].required = true);
    let error = served.service.publish(&ctx, required).await.unwrap_err();
    assert_eq!((error.code(), error.param("rule")), ("ontology.plan.refused", Some("ARK-PROP-REQUIRED-ADDED")));
    assert_eq!((error.param("count"), error.param("samples")), (Some("1"), Some("3")));
    assert_eq!(served.service.schema(&ctx).await.unwrap().version, 1);
}

/// A plan whose content is not what its definition comes to is refused.
pub async fn a_plan_of_another_making_is_refused(served: Served) {
    people(&served, 3).await;
    let ctx = served.context();
    let required = changed(|new| type_mut(new, "Person").properties[2].required = true);
    let plan = served.service.plan(&ctx, required).await.unwrap();
    let forged = Plan { findings: Vec::new(), ..plan.clone() };
    assert_eq!(applied(&served, forged).await.code(), "ontology.plan.tampered");
    // Findings that claim there is nothing in the way do not clear it.
    let mut cleared = plan;
    cleared.findings[0].refused = None;
    let error = applied(&served, cleared).await;
    assert_eq!((error.code(), error.param("count")), ("ontology.plan.violated", Some("1")));
    assert_eq!(served.service.schema(&ctx).await.unwrap().version, 1);
}

/// Rows written since the plan was made that break its rules refuse it.
pub async fn rows_written_since_are_seen(served: Served) {
    let required = changed(|new| type_mut(new, "Person").properties[2].required = true);
    let plan = served.service.plan(&served.context(), required).await.unwrap();
    assert!(plan.check_applicable().is_ok());
    people(&served, 3).await;
    let error = applied(&served, plan).await;
    assert_eq!((error.code(), error.param("count")), ("ontology.plan.violated", Some("1")));
}

fn without_badges(new: &mut NewOntology) {
    new.object_types.retain(|of| of.name != *"Badge");
    new.link_types.retain(|of| of.name != *"badge_of");
}

/// A type that had no objects when the plan was made and has some now is not deleted.
pub async fn objects_written_since_keep_their_type(served: Served) {
    let plan = served.service.plan(&served.context(), changed(without_badges)).await.unwrap();
    assert!(plan.check_applicable().is_ok());
    let draft = served.fixture.draft(served.fixture.own).create("Badge", json!({ "id": 1 }));
    served.fixture.wrote(draft).await;
    assert_eq!(applied(&served, plan).await.code(), "ontology.plan.violated");
    assert!(read(&served, "Badge", 1, None).await.is_some());
}

/// A property that held nothing when the plan was made and holds something now is not deleted.
pub async fn values_written_since_keep_their_property(served: Served) {
    let without =
        changed(|new| type_mut(new, "Task").properties.push(property(json!({ "name": "note", "type": "string" }))));
    publish(&served, without).await;
    let plan = served.service.plan(&served.context(), changed(|_| ())).await.unwrap();
    assert_eq!(only(&plan.findings).rule, Rule::PropRemoved);
    let schema = served.service.schema(&served.context()).await.unwrap();
    let draft = served.fixture.draft_under(served.fixture.own, &schema).create("Task", json!({ "id": 1, "note": "n" }));
    served.fixture.wrote(draft).await;
    assert_eq!(applied(&served, plan).await.code(), "ontology.plan.violated");
    assert_eq!(read(&served, "Task", 1, None).await.unwrap()["note"], "n");
}

/// A link type that had no links when the plan was made and has some now is not deleted.
pub async fn links_written_since_keep_their_type(served: Served) {
    people(&served, 2).await;
    let without = changed(|new| new.link_types.retain(|of| of.name != *"knows"));
    let plan = served.service.plan(&served.context(), without).await.unwrap();
    assert_eq!(only(&plan.findings).rule, Rule::LinkRemoved);
    let draft = served.fixture.draft(served.fixture.own).link("knows", 1, 2, json!({}));
    served.fixture.wrote(draft).await;
    let error = applied(&served, plan).await;
    assert_eq!((error.code(), error.param("samples")), ("ontology.plan.violated", Some("1 → 2")));
}

/// A default stated as the migration fills absent values, in new versions of those rows alone.
pub async fn a_default_fills_what_is_absent(served: Served) {
    people(&served, 3).await;
    let before = served.fixture.store.head().await.unwrap();
    let filled = changed(|new| {
        type_mut(new, "Person").properties[2].required = true;
        new.changes.migrations = vec![migration("object_types.Person.properties.rank", json!({ "default": 99 }))];
    });
    let seq = publish(&served, filled).await.receipt.unwrap().seq;
    assert_eq!(read(&served, "Person", 3, None).await.unwrap()["rank"], 99);
    assert_eq!(read(&served, "Person", 3, Some(before)).await.unwrap().get("rank"), None);
    let schema = served.service.schema(&served.context()).await.unwrap();
    let person = schema.object_type("Person").unwrap();
    let rows = served.fixture.store.objects(served.fixture.own, person, &[1.into(), 3.into()], None).await.unwrap();
    let revisions: Vec<_> = rows.value.into_iter().map(|object| object.unwrap().revision).collect();
    assert_eq!(revisions, [before, seq]);
}

/// Values are converted to a wider type without being told to, and back.
pub async fn values_are_converted(served: Served) {
    people(&served, 3).await;
    let before = served.fixture.store.head().await.unwrap();
    let double = |new: &mut NewOntology| {
        for name in ["Person", "Team"] {
            let rank = if name == "Person" { "rank" } else { "score" };
            let of = type_mut(new, name).properties.iter_mut().find(|of| of.name == *rank).unwrap();
            of.data_type = Some(serde_json::from_value(json!("double")).unwrap());
        }
        new.interfaces[0].properties[1].data_type = Some(serde_json::from_value(json!("double")).unwrap());
    };
    let widened = publish(&served, changed(double)).await.receipt.unwrap().seq;
    assert_eq!(read(&served, "Person", 2, None).await.unwrap()["rank"], json!(2.0));
    publish(&served, changed(|_| ())).await;
    assert_eq!(read(&served, "Person", 2, None).await.unwrap()["rank"], json!(2));
    assert_eq!(read(&served, "Person", 2, Some(widened)).await.unwrap()["rank"], json!(2.0));
    assert_eq!(read(&served, "Person", 2, Some(before)).await.unwrap()["rank"], json!(2));
}

/// A conversion that would lose a value is told in the plan, and refused unless the file says what becomes of it.
pub async fn a_value_without_counterpart_is_told_in_the_plan(served: Served) {
    let draft = served.fixture.draft(served.fixture.own);
    let draft =
        draft.create("Sample", json!({ "id": "a", "text": "12" })).create("Sample", json!({ "id": "b", "text": "x" }));
    served.fixture.wrote(draft).await;
    let number = |cast: Json| {
        changed(|new| {
            let text = type_mut(new, "Sample").properties.iter_mut().find(|of| of.name == *"text").unwrap();
            text.data_type = Some(serde_json::from_value(json!("integer")).unwrap());
            new.changes.migrations = vec![migration("object_types.Sample.properties.text", json!({ "cast": cast }))];
        })
    };
    let plan = served.service.plan(&served.context(), number(json!("refuse"))).await.unwrap();
    let finding = only(&plan.findings);
    assert_eq!((finding.rule, finding.refused), (Rule::PropTypeChanged, Some(Refusal::Inexact)));
    assert_eq!(finding.violations.as_ref().unwrap().samples, ["b"]);
    publish(&served, number(json!({ "default": -1 }))).await;
    assert_eq!(read(&served, "Sample", "a", None).await.unwrap()["text"], 12);
    assert_eq!(read(&served, "Sample", "b", None).await.unwrap()["text"], -1);
}

/// What is renamed keeps its data and its past.
pub async fn a_rename_keeps_the_data(served: Served) {
    let draft = served.fixture.draft(served.fixture.own).create("Badge", json!({ "id": 1 }));
    let before = served.fixture.wrote(draft).await;
    let renamed = changed(|new| {
        let badge = type_mut(new, "Badge");
        badge.name = "Card".parse().unwrap();
        badge.properties[1].name = "holder".parse().unwrap();
        let bearer = new.link_types.iter_mut().find(|of| of.name == *"badge_of").unwrap();
        bearer.source.object_type = "Card".parse().unwrap();
        bearer.foreign_key.as_mut().unwrap().property = "holder".parse().unwrap();
        new.changes.moved = vec![
            moved("object_types.Badge", "object_types.Card"),
            moved("object_types.Badge.properties.person", "object_types.Card.properties.holder"),
        ];
    });
    let plan = served.service.plan(&served.context(), renamed.clone()).await.unwrap();
    let rules: Vec<_> = plan.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::TypeRenamed, Rule::PropRenamed]);
    publish(&served, renamed).await;
    assert_eq!(read(&served, "Card", 1, None).await.unwrap(), json!({ "id": 1 }));
    assert_eq!(read(&served, "Badge", 1, Some(before)).await.unwrap(), json!({ "id": 1 }));
}

/// A type dropped as stated is gone now and readable as of then; its name does not come back.
pub async fn dropped_data_stays_in_the_past(served: Served) {
    let draft = served.fixture.draft(served.fixture.own).create("Badge", json!({ "id": 1 }));
    let before = served.fixture.wrote(draft).await;
    let ctx = served.context();
    let refused = served.service.publish(&ctx, changed(without_badges)).await.unwrap_err();
    assert_eq!((refused.code(), refused.param("rule")), ("ontology.plan.refused", Some("ARK-TYPE-REMOVED")));
    let dropped = changed(|new| {
        without_badges(new);
        new.changes.migrations = vec![migration("object_types.Badge", json!({ "drop": "data" }))];
    });
    publish(&served, dropped).await;
    assert!(served.service.schema(&ctx).await.unwrap().object_type("Badge").is_err());
    assert_eq!(read(&served, "Badge", 1, Some(before)).await.unwrap(), json!({ "id": 1 }));
    let back = served.service.plan(&ctx, changed(|_| ())).await.unwrap_err();
    assert_eq!(back.code(), "ontology.name.retired");
}

/// A type with another key is another type: it starts empty, once its objects are dropped as stated.
pub async fn another_key_is_another_type(served: Served) {
    let draft = served.fixture.draft(served.fixture.own).create("Badge", json!({ "id": 1 }));
    let before = served.fixture.wrote(draft).await;
    let keyed = |dropped: bool| {
        changed(|new| {
            let badge = type_mut(new, "Badge");
            badge.properties.push(property(json!({ "name": "serial", "type": "string" })));
            badge.primary_key = "serial".parse().unwrap();
            if dropped {
                new.changes.migrations = vec![migration("object_types.Badge", json!({ "drop": "data" }))];
            }
        })
    };
    let refused = served.service.publish(&served.context(), keyed(false)).await.unwrap_err();
    assert_eq!(refused.param("rule"), Some("ARK-TYPE-KEY-CHANGED"));
    publish(&served, keyed(true)).await;
    assert_eq!(read(&served, "Badge", "1", None).await, None);
    assert_eq!(read(&served, "Badge", 1, Some(before)).await.unwrap(), json!({ "id": 1 }));
    let schema = served.service.schema(&served.context()).await.unwrap();
    let draft = served.fixture.draft_under(served.fixture.own, &schema);
    served.fixture.wrote(draft.create("Badge", json!({ "id": 1, "serial": "s" }))).await;
}

/// A derived property is computed for the objects there are, and anew when it is stated otherwise.
pub async fn a_derived_property_is_computed_for_all(served: Served) {
    people(&served, 1).await;
    let derive = |expression: Json| {
        changed(|new| {
            let derived = json!({ "name": "label", "type": "string", "derived": expression });
            type_mut(new, "Person").properties.push(property(derived));
        })
    };
    publish(&served, derive(json!({ "concat": [{ "text": "Dr. " }, { "property": "name" }] }))).await;
    assert_eq!(read(&served, "Person", 1, None).await.unwrap()["label"], "Dr. p1");
    publish(&served, derive(json!({ "upper": { "property": "name" } }))).await;
    assert_eq!(read(&served, "Person", 1, None).await.unwrap()["label"], "P1");
}

/// A publication in one space leaves another as it is.
pub async fn spaces_are_published_apart(served: Served) {
    publish(&served, changed(|new| new.description = None)).await;
    let stranger = served.fixture.context(served.fixture.stranger);
    assert_eq!(served.service.schema(&stranger).await.unwrap().version, 1);
    let plan = served.service.plan(&stranger, changed(|new| new.description = None)).await.unwrap();
    assert_eq!(served.service.apply(&stranger, plan.into()).await.unwrap().version, 2);
}
