//! Links read at one object, of either backing.

use serde_json::json;

use crate::kernel::plan::{Comparison, LinksPlan};
use crate::ontology::End;
use crate::testing::Fixture;
use crate::{Key, Value};

async fn fill(fixture: &Fixture) {
    let mut draft = fixture.draft(fixture.own).create("Team", json!({ "code": "a", "title": "A" }));
    for id in 1..=6 {
        draft = draft.create("Person", json!({ "id": id, "name": format!("p{id}"), "team": "a" }));
    }
    for (target, weight) in [(5, 1), (3, 2), (2, 3), (6, 4)] {
        draft = draft.link("knows", 1, target, json!({ "weight": weight }));
    }
    let draft =
        draft.link("knows", 6, 1, json!({})).link("knows", 4, 1, json!({})).modify("Person", 2, json!({ "boss": 1 }));
    fixture.wrote(draft).await;
}

async fn far(fixture: &Fixture, plan: &LinksPlan) -> Vec<String> {
    fixture.far_keys(fixture.own, plan).await
}

/// Links are read from either end, in the order of the far key.
pub async fn links_come_in_the_order_of_the_far_key(fixture: Fixture) {
    fill(&fixture).await;
    let plan = |end, key: i64| fixture.links_plan("knows", end, key);
    assert_eq!(far(&fixture, &plan(End::Source, 1)).await, ["2", "3", "5", "6"]);
    assert_eq!(far(&fixture, &plan(End::Target, 1)).await, ["4", "6"]);
    assert_eq!(far(&fixture, &plan(End::Target, 2)).await, ["1"]);
    assert_eq!(far(&fixture, &plan(End::Source, 2)).await, Vec::<String>::new());
    assert_eq!(far(&fixture, &plan(End::Source, 99)).await, Vec::<String>::new());
}

/// Links kept in a foreign key are read from either end; they bear the revision of their holder and no properties.
pub async fn links_in_a_foreign_key_are_read_alike(fixture: Fixture) {
    fill(&fixture).await;
    let moved = fixture.wrote(fixture.draft(fixture.own).modify("Person", 4, json!({ "name": "x" }))).await;
    let members = fixture.links_plan("membership", End::Source, "a");
    let links = fixture.links(fixture.own, &members).await;
    assert_eq!(far(&fixture, &members).await, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!((&links[0].source, &links[0].target), (&Key::string("a"), &Key::Integer(1)));
    assert_eq!(links[3].revision, moved);
    assert!(links.iter().all(|link| link.properties.iter().len() == 0));
    assert_eq!(far(&fixture, &fixture.links_plan("membership", End::Target, 3)).await, ["a"]);
    assert_eq!(far(&fixture, &fixture.links_plan("reports", End::Source, 2)).await, ["1"]);
    assert_eq!(far(&fixture, &fixture.links_plan("reports", End::Target, 1)).await, ["2"]);
    assert_eq!(far(&fixture, &fixture.links_plan("reports", End::Source, 1)).await, Vec::<String>::new());
}

/// A page holds as many links as asked for, after the far key asked for.
pub async fn links_are_read_in_pages(fixture: Fixture) {
    fill(&fixture).await;
    let plans = [fixture.links_plan("knows", End::Source, 1), fixture.links_plan("membership", End::Source, "a")];
    for plan in plans {
        let whole = far(&fixture, &plan).await;
        for limit in 1..=whole.len() + 1 {
            let mut page = LinksPlan { limit: u32::try_from(limit).unwrap(), ..plan.clone() };
            let mut read: Vec<String> = Vec::new();
            loop {
                let keys = far(&fixture, &page).await;
                assert!(keys.len() <= limit);
                let Some(last) = keys.last() else { break };
                page.after = Some(Key::Integer(last.parse().unwrap()));
                read.extend(keys);
            }
            assert_eq!(read, whole, "{limit} at a time");
        }
    }
}

/// Links to given far keys only.
pub async fn links_to_given_keys(fixture: Fixture) {
    fill(&fixture).await;
    let to = |plan: LinksPlan, keys: &[i64]| LinksPlan {
        far: Some(keys.iter().copied().map(Key::Integer).collect()),
        ..plan
    };
    let knows = || fixture.links_plan("knows", End::Source, 1);
    assert_eq!(far(&fixture, &to(knows(), &[6, 4, 2, 2])).await, ["2", "6"]);
    assert_eq!(far(&fixture, &to(knows(), &[])).await, Vec::<String>::new());
    let members = fixture.links_plan("membership", End::Source, "a");
    assert_eq!(far(&fixture, &to(members, &[9, 3])).await, ["3"]);
    let after = LinksPlan { after: Some(Key::Integer(2)), ..to(knows(), &[6, 2]) };
    assert_eq!(far(&fixture, &after).await, ["6"]);
}

/// Links whose properties satisfy a condition only, before they are counted into pages.
pub async fn links_that_satisfy_a_condition(fixture: Fixture) {
    fill(&fixture).await;
    let knows = fixture.on_link("knows");
    let plan = fixture.links_plan("knows", End::Source, 1);
    let heavy = LinksPlan { edge: Some(knows.compare("weight", Comparison::Ge, 3)), ..plan };
    assert_eq!(far(&fixture, &heavy).await, ["2", "6"]);
    assert_eq!(far(&fixture, &LinksPlan { limit: 1, after: Some(Key::Integer(2)), ..heavy }).await, ["6"]);
    let weightless = LinksPlan { edge: Some(knows.is_null("weight")), ..fixture.links_plan("knows", End::Target, 1) };
    assert_eq!(far(&fixture, &weightless).await, ["4", "6"]);
}

/// Links are read as of a commit: with the values and revisions they had then.
pub async fn links_as_of_a_commit(fixture: Fixture) {
    fill(&fixture).await;
    let before = fixture.store.head().await.unwrap();
    let draft = fixture.draft(fixture.own).unlink("knows", 1, 2).relink("knows", 1, 3, json!({ "weight": 9 }));
    let draft = draft.modify("Person", 5, json!({ "team": null })).modify("Person", 2, json!({ "boss": null }));
    let after = fixture.wrote(draft).await;
    let at = |plan: LinksPlan, seq| LinksPlan { at: Some(seq), ..plan };
    let knows = || fixture.links_plan("knows", End::Source, 1);
    assert_eq!(far(&fixture, &at(knows(), before)).await, ["2", "3", "5", "6"]);
    assert_eq!(far(&fixture, &at(knows(), after)).await, ["3", "5", "6"]);
    let then = fixture.links(fixture.own, &at(knows(), before)).await;
    assert_eq!((then[1].revision, then[1].properties.get("weight")), (before, Some(&Value::Integer(2))));
    assert_eq!(far(&fixture, &at(fixture.links_plan("knows", End::Target, 2), before)).await, ["1"]);
    let members = || fixture.links_plan("membership", End::Source, "a");
    assert_eq!(far(&fixture, &at(members(), before)).await.len(), 6);
    assert_eq!(far(&fixture, &members()).await, ["1", "2", "3", "4", "6"]);
    assert_eq!(far(&fixture, &at(fixture.links_plan("reports", End::Source, 2), before)).await, ["1"]);
    let snapshot = fixture.store.links(fixture.own, &at(knows(), before)).await.unwrap();
    assert_eq!(snapshot.seq, before);
}
