//! The conformance suite of [`crate::kernel::KernelService`].

pub mod aggregate;
pub mod as_of;
pub mod bad_input;
pub mod budget;
pub mod extreme;
pub mod filter;
pub mod get;
pub mod group;
pub mod history;
pub mod interface;
pub mod link;
pub mod load;
pub mod neighbours;
pub mod object;
pub mod order;
pub mod page;
pub mod permission;
pub mod set;
pub mod tenancy;
pub mod traverse;
pub mod write;

use serde_json::{Value as Json, json};

use super::deployment::{Deployment, Method, keys_of, list, member, told};
use crate::Permission;
use crate::ontology::NewOntology;
use crate::testing::Fixture;

/// A request to every method about two people and the links between them, with the permission it needs. Repeated, each is answered
/// or refused alike.
fn requests(one: Json, other: Json) -> Vec<(Method, Permission, Json)> {
    let (read, write) = (Permission::ObjectRead, Permission::ObjectWrite);
    let ids = json!({ "ids": { "type": "Person", "keys": [one] } });
    let ends = json!({ "source": one, "target": other });
    let link = json!({ "type": "knows", "source": one, "target": other });
    let modify = json!({ "modify": { "type": "Person", "key": one, "properties": { "rank": 1 } } });
    let row = json!({ "line": 1, "cells": [{ "json": one }, { "json": other }] });
    let load = json!({ "into": { "links": "reports" }, "columns": ["source", "target"], "rows": [row] });
    vec![
        (Method::Get, read, json!({ "type": "Person", "keys": [one] })),
        (Method::Query, read, json!({ "set": ids })),
        (Method::Aggregate, read, json!({ "set": ids, "metrics": [{ "name": "n", "function": "count" }] })),
        (Method::Neighbours, read, json!({ "type": "Person", "key": one, "link": "knows" })),
        (Method::Links, read, json!({ "type": "knows", "ends": [ends] })),
        (Method::History, read, json!({ "of": { "object": { "type": "Person", "key": one } } })),
        (Method::History, read, json!({ "of": { "link": link } })),
        (Method::Write, write, json!({ "edits": [modify] })),
        (Method::Write, write, json!({ "edits": [{ "link": link }] })),
        (Method::Load, write, load),
    ]
}

/// Publishes the ontology of the suite: the fixture of the storage suite, and what more the kernel is tested on.
pub async fn prepare(on: &Deployment) {
    on.publish(&ontology()).await;
}

/// The ontology of the suite.
pub(in crate::testing::service) fn ontology() -> NewOntology {
    let mut ontology = Fixture::ontology();
    let more = NewOntology::from_yaml(include_str!("../kernel.yaml")).unwrap();
    ontology.value_types.extend(more.value_types);
    ontology.interfaces.extend(more.interfaces);
    ontology.object_types.extend(more.object_types);
    ontology.link_types.extend(more.link_types);
    ontology
}
