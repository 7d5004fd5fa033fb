//! Whether an actor may, and why, as callers ask it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Explanation, Verb};
use crate::{ApiName, Context, Key, Result};

/// Something to be done to an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What is to be done: to an object that is there, and so not `create`.
    pub verb: Verb,
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Its key.
    pub key: Key,
}

impl Check {
    /// Something to be done to an object.
    pub fn of(verb: Verb, object_type: impl Into<String>, key: impl Into<Key>) -> Self {
        Self { verb, object_type: object_type.into(), key: key.into() }
    }
}

/// What may be done to objects of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct TypeRights {
    /// The type.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// What is to be done.
    pub verb: Verb,
    /// To which objects.
    pub objects: Extent,
    /// With which properties.
    pub properties: Vec<ApiName>,
}

/// Which of the objects of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Every one.
    All,
    /// None.
    None,
    /// Some: it depends on the object.
    Some,
}

/// Answers whether the actor of a context may do something, by the same predicate that narrows its lists.
///
/// A context without an access may do everything its permissions name.
#[async_trait]
pub trait AccessService: std::fmt::Debug + Send + Sync + 'static {
    /// Whether something may be done to an object; never to one that is not there. Needs `object.read`.
    async fn check(&self, ctx: &Context, request: Check) -> Result<bool>;

    /// Why something may, or may not, be done to an object. Needs `object.read`.
    ///
    /// # Errors
    /// `kernel.object.absent`, also for an object that the actor may not read.
    async fn explain(&self, ctx: &Context, request: Check) -> Result<Explanation>;

    /// What may be done to objects of each type, by type and verb. Needs `ontology.read`.
    async fn what_can(&self, ctx: &Context) -> Result<Vec<TypeRights>>;
}
