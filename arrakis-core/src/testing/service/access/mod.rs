//! The conformance suite of what a context with an [`crate::access::Access`] sees and may do.

pub mod act;
pub mod law;
pub mod mask;
pub mod read;
pub mod write;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::deployment::{Deployment, Method, keys_of, list, member, told};
use crate::access::{Access, Policy, Subject};
use crate::{Actor, ApiName, Context};

/// Publishes the ontology of the suite, that of the actions', and writes its people.
pub async fn prepare(on: &Deployment) {
    super::action::prepare(on).await;
    let team = |code: &str, score: i64| json!({ "create": { "type": "Team", "properties": { "code": code, "title": code, "score": score } } });
    let person = |id: i64, boss: Json, team: Json| {
        let properties = json!({ "id": id, "name": format!("p{id}"), "rank": id, "boss": boss, "team": team });
        json!({ "create": { "type": "Person", "properties": properties } })
    };
    on.wrote(json!([team("red", 1), team("blue", 2)])).await;
    on.wrote(json!([
        person(1, Json::Null, json!("red")),
        person(2, json!(1), json!("red")),
        person(3, json!(1), json!("blue")),
        person(4, json!(2), json!("blue")),
        person(5, json!(4), Json::Null),
    ]))
    .await;
    on.acquaint(&[(1, 2, 1), (2, 3, 2), (3, 4, 3), (4, 5, 4)]).await;
}

/// Holds a deployment to the law of the suite, under the random policies of these seeds.
///
/// # Panics
/// Where the law does not hold: with the seed and the policy.
pub async fn hold_to_the_law(on: Deployment, models: std::ops::Range<u64>) {
    law::hold(on, models).await;
}

pub(super) fn name(text: &str) -> ApiName {
    ApiName::parse(text).unwrap()
}

/// Alice, who leads the red team, without a role.
pub(super) fn alice() -> Subject {
    Subject::new(Actor::parse("user:alice").unwrap(), "alice")
        .with_attribute(name("person"), 1)
        .with_attribute(name("team"), "red")
        .with_attribute(name("teams"), json!(["red", "blue"]))
}

/// What rules may say of actors in this suite.
const ATTRIBUTES: &str = "
attributes:
  - { name: person, type: integer }
  - { name: team, type: string }
  - { name: teams, type: string, list: true }
  - { name: clearance, type: integer }
";

/// A policy of the suite.
pub(super) fn policy(text: &str) -> Arc<Policy> {
    Arc::new(Policy::from_yaml(&format!("{ATTRIBUTES}{text}")).unwrap_or_else(|e| panic!("{e:?}: {text}")))
}

/// The context of a subject under a policy.
pub(super) fn acting(on: &Deployment, text: &str, subject: Subject) -> Context {
    on.own.clone().with_access(Arc::new(Access::new(policy(text), subject)))
}

/// The keys of a set as a context sees it.
pub(super) async fn keys(on: &Deployment, ctx: &Context, set: Json) -> Vec<Json> {
    let page = on.ask(ctx, Method::Query, json!({ "set": set, "page": { "size": 10_000 } })).await;
    keys_of(&member(&page.unwrap_or_else(|e| panic!("{e:?}")), "objects"))
}
