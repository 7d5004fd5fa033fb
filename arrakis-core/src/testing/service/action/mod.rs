//! The conformance suite of [`crate::kernel::ActionService`].

pub mod batch;
pub mod execute;
pub mod law;
pub mod undo;
pub mod validate;

use serde_json::{Value as Json, json};

use super::deployment::{Deployment, Method, list, member, told};
use super::kernel;
use crate::ontology::NewOntology;
use crate::{CommitId, Error, Seq};

/// Publishes the ontology of the suite: that of the kernel suite, and actions.
pub async fn prepare(on: &Deployment) {
    on.publish(&ontology()).await;
}

fn ontology() -> NewOntology {
    let mut ontology = kernel::ontology();
    let more = NewOntology::from_yaml(include_str!("../action.yaml")).unwrap();
    ontology.action_types.extend(more.action_types);
    ontology
}

fn act(action: &str, parameters: Json) -> Json {
    json!({ "action": action, "parameters": parameters })
}

/// Executes a call for one's own tenant that must succeed.
async fn acted(on: &Deployment, action: &str, parameters: Json) -> (CommitId, Seq) {
    let answer = on.answer(Method::Execute, act(action, parameters)).await;
    let receipt = member(&answer, "receipt");
    (
        serde_json::from_value(member(&receipt, "commit")).unwrap(),
        serde_json::from_value(member(&receipt, "seq")).unwrap(),
    )
}

/// Executes a call for one's own tenant that must be refused.
async fn refused(on: &Deployment, action: &str, parameters: Json) -> Error {
    on.refusal(Method::Execute, act(action, parameters)).await
}

async fn rank(on: &Deployment, id: i64) -> Json {
    on.properties("Person", id).await.get("rank").cloned().unwrap_or(Json::Null)
}
