//! Who may do what: one predicate for check and for list.
//!
//! A [`Policy`] states roles, rules and markings over the types of an ontology; a [`Subject`] is who acts, with the roles assigned to them.
//! Together they are an [`Access`], which a [`crate::Context`] carries into every method of the kernel. Under a schema it is compiled into
//! one predicate for each type and [`Verb`], in the language object sets are filtered in; the same predicate judges one object and narrows
//! every set that is read, so an object may be read exactly when a list shows it.
//!
//! ```text
//! allowed = no marking the subject lacks ∧ no forbidding rule ∧ (a role ∨ a permitting rule)
//! ```
//!
//! What is unknown, unbound or does not resolve denies.

mod attribute;
mod compile;
mod cover;
mod explain;
mod policy;
mod service;
mod subject;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub(crate) use self::attribute::Attributes;
pub use self::attribute::{ATTRIBUTE_VALUES_MAX, AttributeType, NewAttribute};
pub(crate) use self::compile::TypeAccess;
pub use self::compile::{PropertySet, Rows};
pub use self::explain::{Explanation, Origin, Reason};
pub use self::policy::{
    Effect, MarkedObjects, ObjectGrant, POLICY_ROLES_MAX, POLICY_RULES_MAX, POLICY_TEXT_LEN_MAX, Policy, PropertyList,
    Role, Rule,
};
pub use self::service::{AccessService, Check, Extent, TypeRights};
pub use self::subject::{Held, Scope, Subject};
use crate::ontology::{ObjectType, Schema, SchemaSource};
use crate::{ApiName, Error, ErrorKind, Grants, ObjectTypeId, Permission, Result, SpaceId, Timestamp};

/// What is done to objects of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// See it, with its links, its history and its changes.
    Read,
    /// Create it.
    Create,
    /// Change its properties and links.
    Modify,
    /// Delete it.
    Delete,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Modify, Self::Delete];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Modify => "modify",
            Self::Delete => "delete",
        }
    }
}

/// How many schemas an access is kept compiled for: the current one, and those of the past that are read.
const SCHEMAS_KEPT_MAX: usize = 4;

/// What a subject may do under a policy.
#[derive(Debug)]
pub struct Access {
    policy: Arc<Policy>,
    subject: Subject,
    grants: Grants,
    compiled: Mutex<Vec<(SpaceId, Arc<Compiled>)>>,
    is_revoked: AtomicBool,
    told: Notify,
}

impl Access {
    /// The rights of a subject. A role that is not in the policy gives nothing.
    pub fn new(policy: Arc<Policy>, subject: Subject) -> Self {
        let grants = compile::grants(&policy, &subject);
        let (is_revoked, told) = (AtomicBool::new(false), Notify::new());
        Self { policy, subject, grants, compiled: Mutex::default(), is_revoked, told }
    }

    /// The policy.
    pub const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Who acts.
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What the roles and rules give of the services' own permissions.
    pub const fn grants(&self) -> Grants {
        self.grants
    }

    /// Passes until the first of the assignments expires or the rights are taken back: then they are to be asked for again.
    ///
    /// # Errors
    /// `access.expired`, `access.revoked`; both are retryable with a context made anew.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        if self.is_revoked.load(Ordering::Acquire) {
            return Err(stale("access.revoked", "the rights of this context were taken back"));
        }
        match self.subject.until {
            Some(until) if now >= until => Err(stale("access.expired", "the rights of this context have expired")),
            _ => Ok(()),
        }
    }

    /// Takes the rights back: whoever still holds them is refused from now on, and live sets end.
    pub fn revoke(&self) {
        self.is_revoked.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    /// Waits until the rights are taken back.
    pub async fn revoked(&self) {
        loop {
            let told = self.told.notified();
            if self.is_revoked.load(Ordering::Acquire) {
                return;
            }
            told.await;
        }
    }

    /// Passes when an action may be executed.
    ///
    /// # Errors
    /// `permission.denied`, naming the action.
    pub fn check_action(&self, action: &str) -> Result<()> {
        if compile::may_execute(&self.policy, &self.subject, action) {
            return Ok(());
        }
        Err(Permission::ActionExecute.denied().with("action", action))
    }

    /// The rights under a schema. Types are known by the names they have in the current one.
    fn compiled(&self, space: SpaceId, current: &Arc<Schema>, schema: &Arc<Schema>) -> Arc<Compiled> {
        let mut kept = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(of, compiled): &&(SpaceId, Arc<Compiled>)| {
            *of == space && compiled.schema.version == schema.version && compiled.current == current.version
        };
        if let Some((_, compiled)) = kept.iter().find(is_it) {
            return Arc::clone(compiled);
        }
        if kept.len() >= SCHEMAS_KEPT_MAX {
            kept.remove(0);
        }
        let compiled = Arc::new(Compiled::new(Arc::clone(&self.policy), self.subject.clone(), current, schema));
        kept.push((space, Arc::clone(&compiled)));
        compiled
    }

    /// The rights under a schema of a space, whose current one `schemas` knows.
    ///
    /// # Errors
    /// What `schemas` answers.
    pub(crate) async fn among(
        &self,
        schemas: &dyn SchemaSource,
        space: SpaceId,
        schema: &Arc<Schema>,
    ) -> Result<Arc<Compiled>> {
        Ok(self.compiled(space, &schemas.current(space).await?, schema))
    }

    /// The rights under the current schema of a space.
    pub fn under(&self, space: SpaceId, schema: &Arc<Schema>) -> Arc<Compiled> {
        self.compiled(space, schema, schema)
    }
}

/// Rights under one schema, worked out type by type as they are asked for.
#[derive(Debug)]
pub struct Compiled {
    policy: Arc<Policy>,
    subject: Subject,
    schema: Arc<Schema>,
    /// The version the names of types are of.
    current: u32,
    types: HashMap<ObjectTypeId, OfType>,
}

/// The rights over one type, for each verb.
#[derive(Debug)]
struct OfType {
    /// What the policy calls the type; `None` for one that is no more, which nobody has rights over.
    name: Option<ApiName>,
    verbs: [OnceLock<TypeAccess>; Verb::ALL.len()],
}

impl Compiled {
    fn new(policy: Arc<Policy>, subject: Subject, current: &Schema, schema: &Arc<Schema>) -> Self {
        let rights = |object_type: &Arc<ObjectType>| {
            let name = current.object_type_by_id(object_type.id).map(|now| now.api_name.clone());
            (object_type.id, OfType { name, verbs: Default::default() })
        };
        let types = schema.object_types.iter().map(rights).collect();
        Self { policy, subject, schema: Arc::clone(schema), current: current.version, types }
    }

    /// The rights to do something to objects of a type of this schema.
    pub(crate) fn of(&self, object_type: &ObjectType, verb: Verb) -> &TypeAccess {
        let rights = self.types.get(&object_type.id);
        let Some((rights, name)) = rights.and_then(|rights| Some((rights, rights.name.as_ref()?))) else {
            return TypeAccess::nothing();
        };
        let Some(access) = rights.verbs.get(verb as usize) else { return TypeAccess::nothing() };
        access.get_or_init(|| compile::of_type(&self.policy, &self.subject, &self.schema, (object_type, name), verb))
    }

    /// Which objects of a type may be read, created, modified or deleted.
    ///
    /// # Errors
    /// `kernel.object_type.unknown`.
    pub fn rows(&self, object_type: &str, verb: Verb) -> Result<&Rows> {
        Ok(&self.of(self.schema.object_type(object_type)?, verb).rows)
    }

    /// Which properties of a type may be seen or given.
    ///
    /// # Errors
    /// `kernel.object_type.unknown`.
    pub fn properties(&self, object_type: &str, verb: Verb) -> Result<&PropertySet> {
        Ok(&self.of(self.schema.object_type(object_type)?, verb).properties)
    }
}

fn stale(code: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, code, message).retryable_is(true)
}

#[cfg(test)]
mod tests;
