//! The conformance suite of [`crate::kernel::FeedService`].

pub mod changes;
pub mod fold;
pub mod isolation;
pub mod linked;
pub mod live;
pub mod publication;
pub mod renewal;
pub mod replay;
pub mod wait;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value as Json, json};

pub use super::kernel::prepare;

use super::deployment::{Deployment, Method, list, member, told};
use crate::kernel::Subscription;
use crate::ontology::OntologyExt;
use crate::{Context, Error, Result, Seq};

/// Asks for changes.
async fn ask(on: &Deployment, ctx: &Context, request: Json) -> Result<Json> {
    let shown = request.to_string();
    let request = serde_json::from_value(request).unwrap_or_else(|e| panic!("{e}: {shown}"));
    on.feed.changes(ctx, request).await.map(|changes| serde_json::to_value(changes).unwrap())
}

/// Asks for one's own changes what must be answered.
async fn changes(on: &Deployment, request: Json) -> Json {
    let shown = request.to_string();
    ask(on, &on.own, request).await.unwrap_or_else(|e| panic!("{e:?}: {shown}"))
}

/// Asks for one's own changes what must be refused.
async fn refusal(on: &Deployment, request: Json) -> Error {
    let shown = request.to_string();
    match ask(on, &on.own, request).await {
        Err(error) => error,
        Ok(changes) => panic!("{shown} was answered: {changes}"),
    }
}

/// The longest a test waits for an event before it has failed.
const EVENT_WAIT_MAX: Duration = Duration::from_secs(60);

/// Subscribes.
async fn subscribe(on: &Deployment, ctx: &Context, request: Json) -> Result<Subscription> {
    let shown = request.to_string();
    on.feed.subscribe(ctx, serde_json::from_value(request).unwrap_or_else(|e| panic!("{e}: {shown}"))).await
}

/// Subscribes to a set of one's own that must be told.
async fn subscribed(on: &Deployment, request: Json) -> Subscription {
    let shown = request.to_string();
    subscribe(on, &on.own, request).await.unwrap_or_else(|e| panic!("{e:?}: {shown}"))
}

/// What comes next of a subscription, an event or its end.
async fn next(subscription: &mut Subscription) -> Option<Result<Json>> {
    let next = tokio::time::timeout(EVENT_WAIT_MAX, subscription.next()).await.expect("an event within a minute");
    next.map(|event| event.map(|event| serde_json::to_value(event).unwrap()))
}

/// The next event of a subscription.
async fn event(subscription: &mut Subscription) -> Json {
    next(subscription).await.expect("the subscription goes on").unwrap_or_else(|e| panic!("{e:?}"))
}

/// What an event says: its kind, its commit, and for each part the keys.
fn brief(event: &Json) -> Json {
    let (kind, told) = event.as_object().and_then(|event| event.iter().next()).unwrap();
    let keys = |part: &str| -> Json {
        told.get(part).map(list).unwrap_or_default().iter().map(|object| object["key"].clone()).collect()
    };
    match kind.as_str() {
        "initial" => json!(["initial", told["seq"], keys("objects")]),
        "delta" => json!(["delta", told["seq"], keys("entered"), keys("changed"), keys("left")]),
        _ => event.clone(),
    }
}

fn seq(json: &Json, name: &str) -> Seq {
    serde_json::from_value(member(json, name)).unwrap()
}

/// What a list of changed objects says of each: type, key, kind, and a property before and after.
fn outline(commit: &Json, property: &str) -> Vec<Json> {
    let objects = commit.get("objects").map(list).unwrap_or_default();
    let of = |object: &Json| {
        let value = |place: &str| object.pointer(place).and_then(|values| values.get(property)).cloned();
        json!([object["type"], object["key"], object["kind"], value("/before"), value("/after/properties")])
    };
    objects.iter().map(of).collect()
}

/// Publishes the suite's ontology, changed, for a tenant.
async fn publish(on: &Deployment, ctx: &Context, change: impl FnOnce(&mut Json)) -> Seq {
    let mut definition = serde_json::to_value(super::kernel::ontology()).unwrap();
    change(&mut definition);
    let definition = serde_json::from_value(definition).unwrap();
    let published = on.ontology.publish(ctx, definition).await.unwrap_or_else(|e| panic!("{e:?}"));
    published.receipt.unwrap().seq
}

/// The declaration of an object type.
fn type_mut<'a>(definition: &'a mut Json, name: &str) -> &'a mut Json {
    definition["object_types"].as_array_mut().unwrap().iter_mut().find(|new| new["name"] == name).unwrap()
}

/// Some edits at random, of which the kernel refuses some.
fn edits(rng: &mut Rng) -> Json {
    (0..rng.usize(1..3)).map(|_| edit(rng)).collect()
}

fn edit(rng: &mut Rng) -> Json {
    let person = rng.i64(1..=8);
    let other = rng.i64(1..=8);
    let team = ["t1", "t2", "t3"][rng.usize(..3)];
    let name = ["ann", "bob", "cyd"][rng.usize(..3)];
    let rank = rng.bool().then(|| rng.i64(..4));
    let boss = (rng.u8(..4) == 0).then_some(other);
    let of_team = (rng.u8(..5) == 0).then_some(team);
    let whole = json!({ "id": person, "name": name, "rank": rank, "boss": boss, "team": of_team });
    match rng.u8(..14) {
        0 | 1 => json!({ "create": { "type": "Person", "properties": whole } }),
        2..=4 => json!({ "upsert": { "type": "Person", "properties": whole } }),
        5 => json!({ "modify": { "type": "Person", "key": person, "properties": { "rank": rank } } }),
        6 => json!({ "modify": { "type": "Person", "key": person, "properties": { "boss": boss, "name": name } } }),
        7 => json!({ "delete": { "type": "Person", "key": person } }),
        8 => json!({ "upsert": { "type": "Team", "properties": { "code": team, "title": name, "score": rank } } }),
        9 => json!({ "delete": { "type": "Team", "key": team } }),
        10 | 11 => {
            json!({ "link": { "type": "knows", "source": person, "target": other, "properties": { "weight": rank } } })
        }
        12 => json!({ "unlink": { "type": "knows", "source": person, "target": other } }),
        _ => json!({ "upsert": { "type": "Task", "properties": { "id": other, "owner": boss } } }),
    }
}

/// Objects by type and key, and links by type and ends.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rows {
    objects: BTreeMap<(String, String), Json>,
    links: BTreeMap<(String, String, String), Json>,
}

impl Rows {
    /// Everything, read as of a commit.
    async fn read(on: &Deployment, at: Seq) -> Self {
        let schema = on.ontology.schema_at(&on.own, at).await.unwrap();
        let mut rows = Self::default();
        for object_type in &schema.object_types {
            rows.read_objects(on, object_type.api_name.as_str(), at).await;
        }
        for link_type in &schema.link_types {
            rows.read_links(on, link_type.api_name.as_str(), at).await;
        }
        rows
    }

    async fn read_objects(&mut self, on: &Deployment, object_type: &str, at: Seq) {
        self.objects.retain(|(of, _), _| of != object_type);
        let request = json!({ "set": { "type": object_type }, "page": { "size": 10_000 }, "as_of": at });
        for object in list(&member(&on.answer(Method::Query, request).await, "objects")) {
            self.objects.insert((object_type.to_owned(), object["key"].to_string()), object.clone());
        }
    }

    async fn read_links(&mut self, on: &Deployment, link_type: &str, at: Seq) {
        self.links.retain(|(of, ..), _| of != link_type);
        let schema = on.ontology.schema_at(&on.own, at).await.unwrap();
        let of = schema.link_type(link_type).unwrap();
        let source_type = schema.object_type_by_id(of.source.object_type).unwrap().api_name.as_str();
        let request = json!({ "set": { "type": source_type }, "page": { "size": 10_000 }, "as_of": at });
        for object in list(&member(&on.answer(Method::Query, request).await, "objects")) {
            let request = json!({
                "type": source_type, "key": object["key"], "link": of.source.api_name.as_str(), "page": { "size": 10_000 },
                "as_of": at
            });
            for neighbour in list(&member(&on.answer(Method::Neighbours, request).await, "neighbours")) {
                let link = &neighbour["link"];
                let place = (link_type.to_owned(), link["source"].to_string(), link["target"].to_string());
                self.links.insert(place, link["properties"].clone());
            }
        }
    }

    /// Takes a commit of the feed in.
    async fn take(&mut self, on: &Deployment, commit: &Json) {
        for object in commit.get("objects").map(list).unwrap_or_default() {
            let place = (object["type"].as_str().unwrap().to_owned(), object["key"].to_string());
            let known = self.objects.get(&place).map(|object| &object["properties"]);
            assert_eq!(known, object.get("before"), "what was before, of {place:?} at {}", commit["seq"]);
            match object.get("after") {
                Some(after) => self.objects.insert(place, after.clone()),
                None => self.objects.remove(&place),
            };
        }
        for link in commit.get("links").map(list).unwrap_or_default() {
            let text = |name: &str| link[name].to_string();
            let place = (link["type"].as_str().unwrap().to_owned(), text("source"), text("target"));
            let was = match link.get("properties") {
                Some(properties) => self.links.insert(place.clone(), properties.clone()),
                None => self.links.remove(&place),
            };
            assert_eq!(was.is_none(), link["kind"] == "created", "{place:?} at {}", commit["seq"]);
        }
        let Some(published) = commit.get("published") else { return };
        let at = seq(commit, "seq");
        let names = |of: &str, kind: &str| -> Vec<String> {
            let names = published[of].get(kind).map(list).unwrap_or_default();
            names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let gone = (names("gone", "object_types"), names("gone", "link_types"));
        self.objects.retain(|(of, _), _| !gone.0.contains(of));
        self.links.retain(|(of, ..), _| !gone.1.contains(of));
        for name in names("read_again", "object_types") {
            self.read_objects(on, &name, at).await;
        }
        for name in names("read_again", "link_types") {
            self.read_links(on, &name, at).await;
        }
    }
}
