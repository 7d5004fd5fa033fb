//! The law of access: what a check allows is what a list shows, and both are what the policy says.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::{ATTRIBUTES, Deployment, Method, alice, keys, list, member, name};
use crate::access::{
    Access, Check, Effect, Held, MarkedObjects, ObjectGrant, Policy, PropertyList, Role, Rule, Scope, Subject, Verb,
};
use crate::kernel::Filter;
use crate::{Context, Key};

/// The random policies every store is held to.
const MODELS: Range<u64> = 0..500;
/// How deep conditions nest, through links too.
const DEPTH: u32 = 3;

/// A condition, stated so that it is judged here without anything of the kernel.
#[derive(Clone, Debug)]
enum Condition {
    Eq(&'static str, Json),
    Gt(&'static str, i64),
    /// The property equals the attribute of whoever acts.
    Actor(&'static str, &'static str),
    /// The property is among the values of the attribute.
    AmongActors(&'static str, &'static str),
    Linked(&'static str, &'static str, Box<Condition>),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// All objects, by type and key in text, and the keys each calls its far ends.
struct World {
    objects: BTreeMap<(&'static str, String), Json>,
    links: BTreeMap<(&'static str, &'static str, String), Vec<String>>,
}

const TYPES: [&str; 2] = ["Person", "Team"];

fn condition(rng: &mut Rng, of: &str, depth: u32) -> Condition {
    let deeper = depth > 0;
    match (of, rng.u8(..if deeper { 10 } else { 5 })) {
        (_, 5) => Condition::Not(Box::new(condition(rng, of, depth - 1))),
        (_, 6) => Condition::All((0..rng.usize(1..3)).map(|_| condition(rng, of, depth - 1)).collect()),
        (_, 7) => Condition::Any((0..rng.usize(1..3)).map(|_| condition(rng, of, depth - 1)).collect()),
        ("Person", 0) => Condition::Eq("team", json!(*rng.choice(["red", "blue"].iter()).unwrap())),
        ("Person", 1) => Condition::Gt("rank", rng.i64(0..6)),
        ("Person", 2) => Condition::Actor("boss", "person"),
        ("Person", 3) => Condition::AmongActors("team", "teams"),
        ("Person", 4) => Condition::Actor("id", "person"),
        ("Person", _) => {
            let (link, far) = *rng
                .choice([("manager", "Person"), ("staff", "Person"), ("knows", "Person"), ("team_of", "Team")].iter())
                .unwrap();
            Condition::Linked(link, far, Box::new(condition(rng, far, depth - 1)))
        }
        (_, 0 | 1) => Condition::Gt("score", rng.i64(0..3)),
        (_, 2 | 3) => Condition::Actor("code", "team"),
        (_, 4) => Condition::Eq("code", json!("blue")),
        _ => Condition::Linked("members", "Person", Box::new(condition(rng, "Person", depth - 1))),
    }
}

impl Condition {
    fn filter(&self) -> Filter {
        match self {
            Self::Eq(property, value) => Filter::eq(*property, value.clone()),
            Self::Gt(property, value) => Filter::gt(*property, *value),
            Self::Actor(property, attribute) => Filter::eq(*property, format!("$actor.{attribute}")),
            Self::AmongActors(property, attribute) => Filter::any_of(*property, [format!("$actor.{attribute}")]),
            Self::Linked(link, _, far) => Filter::has_to(*link, far.filter()),
            Self::Not(inner) => !inner.filter(),
            Self::All(all) => Filter::And(all.iter().map(Self::filter).collect()),
            Self::Any(any) => Filter::Or(any.iter().map(Self::filter).collect()),
        }
    }

    fn refers_to_unbound(&self, subject: &Subject) -> bool {
        match self {
            Self::Eq(..) | Self::Gt(..) => false,
            Self::Actor(_, attribute) | Self::AmongActors(_, attribute) => !subject.attributes.contains_key(*attribute),
            Self::Linked(_, _, inner) | Self::Not(inner) => inner.refers_to_unbound(subject),
            Self::All(all) | Self::Any(all) => all.iter().any(|each| each.refers_to_unbound(subject)),
        }
    }

    fn holds(&self, world: &World, subject: &Subject, of: &'static str, key: &str) -> bool {
        let object = &world.objects[&(of, key.to_owned())];
        let value = |property: &str| object.get(property).cloned().unwrap_or_default();
        match self {
            Self::Eq(property, wanted) => value(property) == *wanted,
            Self::Gt(property, than) => value(property).as_i64().is_some_and(|value| value > *than),
            Self::Actor(property, attribute) => {
                !value(property).is_null() && subject.attributes.get(*attribute) == Some(&value(property))
            }
            Self::AmongActors(property, attribute) => {
                let values = subject.attributes.get(*attribute).and_then(Json::as_array);
                values.is_some_and(|values| values.contains(&value(property)))
            }
            Self::Linked(link, far, inner) => {
                let keys = world.links.get(&(of, link, key.to_owned()));
                keys.is_some_and(|keys| keys.iter().any(|key| inner.holds(world, subject, far, key)))
            }
            Self::Not(inner) => !inner.holds(world, subject, of, key),
            Self::All(all) => all.iter().all(|each| each.holds(world, subject, of, key)),
            Self::Any(any) => any.iter().any(|each| each.holds(world, subject, of, key)),
        }
    }
}

/// A random policy with who acts under it.
struct Model {
    policy: Policy,
    conditions: Vec<Condition>,
    marked: Vec<Condition>,
    subject: Subject,
}

impl Model {
    fn new(rng: &mut Rng) -> Self {
        let mut policy = Policy::from_yaml(ATTRIBUTES).unwrap();
        let verbs = |rng: &mut Rng| -> Vec<Verb> { Verb::ALL.into_iter().filter(|_| rng.bool()).collect() };
        let of = |rng: &mut Rng| *rng.choice(TYPES.iter()).unwrap();
        for role in 0..3 {
            let types = vec![if rng.u8(..4) == 0 { "*".to_owned() } else { of(rng).to_owned() }];
            let objects = vec![ObjectGrant { types, verbs: verbs(rng), properties: PropertyList::All }];
            let markings = if rng.u8(..3) == 0 { vec![name("secret")] } else { Vec::new() };
            let name = name(&format!("role{role}"));
            policy.roles.push(Role {
                name,
                description: None,
                objects,
                actions: Vec::new(),
                permissions: Vec::new(),
                markings,
            });
        }
        let (mut conditions, mut marked) = (Vec::new(), Vec::new());
        for rule in 0..rng.usize(1..5) {
            let object_type = of(rng);
            let stated = condition(rng, object_type, DEPTH);
            let roles = if rng.u8(..3) == 0 { vec![name(&format!("role{}", rng.u8(..3)))] } else { Vec::new() };
            policy.rules.push(Rule {
                name: name(&format!("rule{rule}")),
                description: None,
                effect: if rng.u8(..3) == 0 { Effect::Forbid } else { Effect::Permit },
                object_type: name(object_type),
                verbs: verbs(rng),
                roles,
                condition: stated.filter(),
                properties: PropertyList::All,
            });
            conditions.push(stated);
        }
        if rng.bool() {
            let object_type = of(rng);
            let stated = condition(rng, object_type, 1);
            let (object_type, condition) = (name(object_type), stated.filter());
            policy.markings.push(MarkedObjects { marking: name("secret"), object_type, condition });
            marked.push(stated);
        }
        let mut subject = alice();
        for attribute in ["person", "team", "teams"] {
            if rng.u8(..5) == 0 {
                subject.attributes.remove(attribute);
            }
        }
        for _ in 0..rng.usize(..3) {
            let scope = match rng.u8(..4) {
                0 => Scope::Object(name("Person"), Key::Integer(rng.i64(1..6))),
                1 => Scope::ObjectType(name(of(rng))),
                _ => Scope::Tenant,
            };
            subject = subject.with(Held { role: name(&format!("role{}", rng.u8(..3))), scope, via: None });
        }
        Self { policy, conditions, marked, subject }
    }

    /// Whether the policy lets something be done to an object, from its statement alone.
    fn allows(&self, world: &World, verb: Verb, of: &'static str, key: &str) -> bool {
        let subject = &self.subject;
        let over = |held: &&Held| match &held.scope {
            Scope::Tenant => true,
            Scope::ObjectType(only) => *only == *of,
            Scope::Object(..) => false,
        };
        let gives = |held: &Held| {
            let reaches = match &held.scope {
                Scope::Object(only, of_key) => *only == *of && of_key.to_string() == key,
                _ => over(&held),
            };
            let grant = &self.policy.role(held.role.as_str()).unwrap().objects[0];
            reaches && grant.verbs.contains(&verb) && (grant.types[0] == "*" || grant.types[0] == of)
        };
        let mut granted = subject.held.iter().any(gives);
        let mut denied = false;
        for (rule, stated) in self.policy.rules.iter().zip(&self.conditions) {
            let is_for =
                rule.roles.is_empty() || subject.held.iter().filter(over).any(|held| rule.roles.contains(&held.role));
            if rule.object_type != *of || !rule.verbs.contains(&verb) || !is_for {
                continue;
            }
            let unbound = stated.refers_to_unbound(subject);
            match rule.effect {
                Effect::Permit => granted |= !unbound && stated.holds(world, subject, of, key),
                Effect::Forbid => denied |= unbound || stated.holds(world, subject, of, key),
            }
        }
        for (marking, stated) in self.policy.markings.iter().zip(&self.marked) {
            let cleared = subject.held.iter().any(|held| {
                let role = self.policy.role(held.role.as_str()).unwrap();
                held.scope == Scope::Tenant && role.markings.contains(&marking.marking)
            });
            if marking.object_type == *of && !cleared {
                denied |= stated.refers_to_unbound(subject) || stated.holds(world, subject, of, key);
            }
        }
        granted && !denied
    }
}

async fn world(on: &Deployment) -> World {
    let mut world = World { objects: BTreeMap::new(), links: BTreeMap::new() };
    for of in TYPES {
        let page = on.answer(Method::Query, json!({ "set": { "type": of } })).await;
        for object in list(&member(&page, "objects")) {
            world.objects.insert((of, key_text(&object["key"])), object["properties"].clone());
        }
    }
    for (of, links) in [("Person", &["manager", "staff", "knows", "team_of"][..]), ("Team", &["members"][..])] {
        let of_type: Vec<_> = world.objects.keys().filter(|(found, _)| *found == of).cloned().collect();
        for (_, key) in of_type {
            for link in links {
                let near = json!({ "type": of, "key": key, "link": link });
                let found = on.answer(Method::Neighbours, near).await;
                let found = member(&found, "neighbours");
                let far = list(&found).iter().map(|near| key_text(&near["object"]["key"]));
                world.links.insert((of, link, key.clone()), far.collect());
            }
        }
    }
    world
}

fn key_text(key: &Json) -> String {
    key.as_str().map_or_else(|| key.to_string(), ToOwned::to_owned)
}

/// An object may be read exactly when a list shows it, a walk reaches it, a count counts it and its key gets it; what may be done to it is
/// what a check and an explanation say; all of it is what the policy says.
pub async fn what_is_checked_is_what_is_listed(on: Deployment) {
    hold(on, MODELS).await;
}

/// Holds a deployment to the law, under the policies of these seeds.
pub(super) async fn hold(on: Deployment, models: Range<u64>) {
    let world = world(&on).await;
    for seed in models {
        let model = Model::new(&mut Rng::with_seed(seed));
        let access = Arc::new(Access::new(Arc::new(model.policy.clone()), model.subject.clone()));
        let ctx = on.own.clone().granted(crate::Grants::all());
        // Whatever permissions follow, the predicate alone is asked here.
        let ctx = Context::with_access(ctx, access).granted(crate::Grants::all());
        for of in TYPES {
            check_type(&on, &ctx, (seed, &model, &world), of).await;
        }
    }
}

async fn check_type(on: &Deployment, ctx: &Context, (seed, model, world): (u64, &Model, &World), of: &'static str) {
    let about = || format!("seed {seed}, {of}: {}", serde_json::to_string_pretty(&model.policy).unwrap());
    let all: Vec<String> = world.objects.keys().filter(|(found, _)| *found == of).map(|(_, key)| key.clone()).collect();
    let visible: BTreeSet<String> =
        all.iter().filter(|key| model.allows(world, Verb::Read, of, key)).cloned().collect();
    let listed = keys(on, ctx, json!({ "type": of })).await;
    assert_eq!(listed.iter().map(key_text).collect::<BTreeSet<_>>(), visible, "{}", about());
    let got = on.ask(ctx, Method::Get, json!({ "type": of, "keys": all })).await.unwrap();
    let got = member(&got, "objects");
    let got = list(&got).iter().filter(|object| !object.is_null()).map(|object| key_text(&object["key"]));
    assert_eq!(got.collect::<BTreeSet<_>>(), visible, "{}", about());
    let count = json!({ "set": { "type": of }, "metrics": [{ "name": "n", "function": "count" }] });
    let counted = on.ask(ctx, Method::Aggregate, count).await.unwrap();
    assert_eq!(counted["groups"][0]["metrics"]["n"].as_u64(), Some(visible.len() as u64), "{}", about());
    for key in &all {
        for verb in [Verb::Read, Verb::Modify, Verb::Delete] {
            let expected = visible.contains(key) && model.allows(world, verb, of, key);
            let check = Check::of(verb, of, key.as_str());
            assert_eq!(on.access.check(ctx, check.clone()).await.unwrap(), expected, "{verb:?} {key}, {}", about());
            if visible.contains(key) {
                let why = on.access.explain(ctx, check).await.unwrap();
                assert_eq!(why.allowed, model.allows(world, verb, of, key), "{verb:?} {key}, {}", about());
            }
        }
    }
    let (link, far) = if of == "Person" { ("team_of", "Team") } else { ("members", "Person") };
    let far_seen = |key: &String| model.allows(world, Verb::Read, far, key);
    let linked = |key: &&String| world.links[&(of, link, (*key).clone())].iter().any(far_seen);
    let expected: BTreeSet<_> = visible.iter().filter(linked).cloned().collect();
    let has = json!({ "filter": { "from": { "type": of }, "where": { "has": { "link": link } } } });
    let found = keys(on, ctx, has).await;
    assert_eq!(found.iter().map(key_text).collect::<BTreeSet<_>>(), expected, "{link} of {}", about());
    let reached: BTreeSet<_> = visible
        .iter()
        .flat_map(|key| &world.links[&(of, link, key.clone())])
        .filter(|key| far_seen(key))
        .cloned()
        .collect();
    let walk = json!({ "traverse": { "from": { "type": of }, "link": link } });
    let found = keys(on, ctx, walk).await;
    assert_eq!(found.iter().map(key_text).collect::<BTreeSet<_>>(), reached, "from {}", about());
}
