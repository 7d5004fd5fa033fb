//! Who acts, as policies see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Actor, ApiName, Key, Timestamp};

/// Who acts: a user or service account, with what is assigned to it and to the groups it is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "AccessSubject"))]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its name in the log, `$actor.name` in rules.
    pub actor: Actor,
    /// Its identifier, `$actor.id` in rules.
    pub id: Arc<str>,
    /// The groups it is in, those reached through other groups included: `$actor.groups` in rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Arc<str>>,
    /// The roles it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// What else is known of it, by the names the policy declares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<ApiName, Json>,
    /// When the first of its assignments expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Subject {
    /// A subject that holds nothing.
    pub fn new(actor: Actor, id: impl Into<Arc<str>>) -> Self {
        let (groups, held) = (Vec::new(), Vec::new());
        Self { actor, id: id.into(), groups, held, attributes: BTreeMap::new(), until: None }
    }

    /// With a role over everything of the tenant.
    #[must_use]
    pub fn with_role(self, role: ApiName) -> Self {
        self.with(Held { role, scope: Scope::Tenant, via: None })
    }

    /// With a role.
    #[must_use]
    pub fn with(mut self, held: Held) -> Self {
        self.held.push(held);
        self
    }

    /// With an attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: ApiName, value: impl Into<Json>) -> Self {
        self.attributes.insert(name, value.into());
        self
    }

    /// With a group.
    #[must_use]
    pub fn in_group(mut self, group: impl Into<Arc<str>>) -> Self {
        self.groups.push(group.into());
        self
    }
}

/// A role that is held.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The role.
    pub role: ApiName,
    /// What it is held over.
    pub scope: Scope,
    /// The group it is assigned to; `None` where it is assigned to the subject itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Arc<str>>,
}

/// What a role is held over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "AccessScope"))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything of the tenant.
    Tenant,
    /// The objects of one type.
    ObjectType(ApiName),
    /// One object.
    Object(ApiName, Key),
}
