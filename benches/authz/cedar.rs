//! Cedar as an oracle: where both languages can say the same, both answer the same.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects has failed"
)]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use arrakis::access::{Access, Check, Policy, Subject, Verb};
use arrakis::{Actor, ApiName, Arrakis, KernelExt, ObjectSet};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use fastrand::Rng;
use serde_json::json;

/// How many random policies are compared.
const MODELS: u64 = 2_000;

const ONTOLOGY: &str = "
object_types:
  - name: Doc
    primary_key: id
    properties:
      - {name: id, type: integer}
      - {name: owner, type: string, required: true}
      - {name: level, type: integer, required: true}
      - {name: public, type: boolean, required: true}
";

const VERBS: [Verb; 3] = [Verb::Read, Verb::Modify, Verb::Delete];
const ROLES: [&str; 3] = ["r0", "r1", "r2"];

/// A condition both languages can say.
enum Condition {
    Owner,
    LevelAtMost(i64),
    LevelOverActors,
    Public,
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    fn random(rng: &mut Rng, depth: u32) -> Self {
        match rng.u8(..if depth > 0 { 7 } else { 4 }) {
            0 => Self::Owner,
            1 => Self::LevelAtMost(rng.i64(0..5)),
            2 => Self::LevelOverActors,
            3 => Self::Public,
            4 => Self::Not(Box::new(Self::random(rng, depth - 1))),
            5 => Self::All((0..2).map(|_| Self::random(rng, depth - 1)).collect()),
            _ => Self::Any((0..2).map(|_| Self::random(rng, depth - 1)).collect()),
        }
    }

    fn ours(&self) -> String {
        match self {
            Self::Owner => "owner = $actor.id".into(),
            Self::LevelAtMost(level) => format!("level <= {level}"),
            Self::LevelOverActors => "level > $actor.clearance".into(),
            Self::Public => "public = true".into(),
            Self::Not(inner) => format!("NOT ({})", inner.ours()),
            Self::All(all) => joined(all, " AND ", Self::ours),
            Self::Any(any) => joined(any, " OR ", Self::ours),
        }
    }

    fn cedars(&self) -> String {
        match self {
            Self::Owner => "resource.owner == principal.name".into(),
            Self::LevelAtMost(level) => format!("resource.level <= {level}"),
            Self::LevelOverActors => "resource.level > principal.clearance".into(),
            Self::Public => "resource.public == true".into(),
            Self::Not(inner) => format!("!({})", inner.cedars()),
            Self::All(all) => joined(all, " && ", Self::cedars),
            Self::Any(any) => joined(any, " || ", Self::cedars),
        }
    }
}

fn joined(parts: &[Condition], with: &str, say: impl Fn(&Condition) -> String) -> String {
    parts.iter().map(|part| format!("({})", say(part))).collect::<Vec<_>>().join(with)
}

/// A random policy, as both say it.
fn policies(rng: &mut Rng) -> (Policy, PolicySet) {
    let mut ours = json!({ "attributes": [{ "name": "clearance", "type": "integer" }], "roles": [], "rules": [] });
    let mut cedars = String::new();
    let some_verbs = |rng: &mut Rng| VERBS.into_iter().filter(|_| rng.bool()).collect::<Vec<_>>();
    let actions =
        |verbs: &[Verb]| verbs.iter().map(|verb| format!("Action::\"{}\"", verb.name())).collect::<Vec<_>>().join(", ");
    for role in ROLES {
        let verbs = some_verbs(rng);
        ours["roles"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": role, "objects": [{ "types": ["Doc"], "verbs": verbs }] }));
        if !verbs.is_empty() {
            writeln!(cedars, "permit(principal in Role::\"{role}\", action in [{}], resource);", actions(&verbs))
                .unwrap();
        }
    }
    for index in 0..rng.usize(..5) {
        let (verbs, condition, permits) = (some_verbs(rng), Condition::random(rng, 3), rng.u8(..3) > 0);
        if verbs.is_empty() {
            continue;
        }
        let effect = if permits { "permit" } else { "forbid" };
        let rule = json!({ "name": format!("rule{index}"), "effect": effect, "type": "Doc", "verbs": verbs, "where": condition.ours() });
        ours["rules"].as_array_mut().unwrap().push(rule);
        writeln!(
            cedars,
            "{effect}(principal, action in [{}], resource) when {{ {} }};",
            actions(&verbs),
            condition.cedars()
        )
        .unwrap();
    }
    (
        Policy::from_yaml(&ours.to_string()).unwrap(),
        PolicySet::from_str(&cedars).unwrap_or_else(|e| panic!("{e}: {cedars}")),
    )
}

fn uid(of: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(of).unwrap(), EntityId::new(id))
}

/// Who acts and what there is, as Cedar sees them.
fn entities(held: &[&str], clearance: i64, docs: &HashMap<i64, (&str, i64, bool)>) -> Entities {
    let attributes = HashMap::from([
        ("name".to_owned(), RestrictedExpression::new_string("ann".into())),
        ("clearance".to_owned(), RestrictedExpression::new_long(clearance)),
    ]);
    let principal =
        Entity::new(uid("User", "ann"), attributes, held.iter().map(|role| uid("Role", role)).collect()).unwrap();
    let mut entities = vec![principal];
    entities.extend(ROLES.map(|role| Entity::new_no_attrs(uid("Role", role), HashSet::new())));
    for (id, (owner, level, public)) in docs {
        let attributes = HashMap::from([
            ("owner".to_owned(), RestrictedExpression::new_string((*owner).into())),
            ("level".to_owned(), RestrictedExpression::new_long(*level)),
            ("public".to_owned(), RestrictedExpression::new_bool(*public)),
        ]);
        entities.push(Entity::new(uid("Doc", &id.to_string()), attributes, HashSet::new()).unwrap());
    }
    Entities::from_entities(entities, None).unwrap()
}

#[tokio::test]
async fn cedar_answers_alike() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let own = arrakis.context();
    arrakis.publish(&own, ONTOLOGY).await.unwrap();
    let mut docs = HashMap::new();
    let mut rng = Rng::with_seed(7);
    for id in 0..12 {
        let doc = (["ann", "bob", "cid"][rng.usize(..3)], rng.i64(0..5), rng.bool());
        let properties = json!({ "id": id, "owner": doc.0, "level": doc.1, "public": doc.2 });
        arrakis.kernel().create(&own, "Doc", properties).await.unwrap();
        docs.insert(id, doc);
    }
    let schema = arrakis.ontology().schema(&own).await.unwrap();
    let (mut compared, mut allowed_count) = (0, 0);
    for seed in 0..MODELS {
        let mut rng = Rng::with_seed(seed);
        let (policy, cedar) = policies(&mut rng);
        policy.check(&schema).unwrap();
        let held: Vec<_> = ROLES.into_iter().filter(|_| rng.bool()).collect();
        let clearance = rng.i64(0..5);
        let mut subject = Subject::new(Actor::parse("user:ann").unwrap(), "ann")
            .with_attribute(ApiName::parse("clearance").unwrap(), clearance);
        for role in &held {
            subject = subject.with_role(ApiName::parse(role).unwrap());
        }
        let ctx = arrakis.acting(Arc::new(Access::new(Arc::new(policy), subject)));
        let entities = entities(&held, clearance, &docs);
        let decide = |verb: Verb, id: i64| {
            let request = Request::new(
                uid("User", "ann"),
                uid("Action", verb.name()),
                uid("Doc", &id.to_string()),
                Context::empty(),
                None,
            );
            Authorizer::new().is_authorized(&request.unwrap(), &cedar, &entities).decision() == Decision::Allow
        };
        let page = arrakis
            .kernel()
            .query(&ctx.clone().granted(arrakis::Grants::all()), arrakis::Query::of(ObjectSet::of("Doc")))
            .await
            .unwrap();
        let listed: HashSet<_> = page.objects.into_iter().map(|object| object.key).collect();
        for id in 0..12 {
            let reads = decide(Verb::Read, id);
            assert_eq!(listed.contains(&id.into()), reads, "seed {seed}: list of {id}");
            for verb in VERBS {
                // What may not be read is nothing to whoever may not: ours says no to every verb then.
                let expected = reads && decide(verb, id);
                let ours = arrakis
                    .access()
                    .check(&ctx.clone().granted(arrakis::Grants::all()), Check::of(verb, "Doc", id))
                    .await
                    .unwrap();
                assert_eq!(ours, expected, "seed {seed}: {verb:?} of {id}");
                compared += 1;
                allowed_count += usize::from(ours);
            }
        }
    }
    assert!(compared == 72_000 && (5_000..67_000).contains(&allowed_count), "{compared} {allowed_count}");
}

/// What this package brings has `serde_json` keep members in the order they were written in; Arrakis answers alike all the same.
#[tokio::test]
async fn members_are_told_in_one_order() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("order-{}.db", std::process::id()));
    let mut answers = Vec::new();
    for arrakis in [Arrakis::in_memory().await.unwrap(), Arrakis::open(&path).await.unwrap()] {
        let ctx = arrakis.context();
        let ontology = "
object_types:
  - name: Note
    primary_key: id
    properties:
      - {name: id, type: integer}
      - {name: content, type: json}
";
        arrakis.publish(&ctx, ontology).await.unwrap();
        let content =
            serde_json::from_str::<serde_json::Value>(r#"{"b": {"d": 1, "c": 2}, "a": [{"z": 1, "y": 2}]}"#).unwrap();
        assert!(
            content.to_string().starts_with(r#"{"b""#),
            "members are kept as written here, or this test shows nothing"
        );
        arrakis.kernel().create(&ctx, "Note", json!({ "id": 1, "content": content })).await.unwrap();
        let note = arrakis.kernel().object(&ctx, "Note", 1).await.unwrap();
        answers.push(json!(note.properties.get("content").unwrap().to_json()).to_string());
        arrakis.close().await;
    }
    let sorted = r#"{"a":[{"y":2,"z":1}],"b":{"c":2,"d":1}}"#;
    assert_eq!(answers, [sorted, sorted]);
    for suffix in ["", "-wal", "-shm"] {
        // What was not made need not be removed.
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
}
