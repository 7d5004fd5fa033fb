//! Why something is allowed or denied.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Compiled, Extent, Rows, TypeRights, Verb};
use crate::kernel::Linked;
use crate::kernel::plan::Predicate;
use crate::ontology::ObjectType;
use crate::{ApiName, Result, Value};

/// A role, rule or marking that has a say over a type, and for which objects.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) origin: Origin,
    /// `None` where its condition does not resolve, as without a value for an attribute.
    pub(super) predicate: Option<Predicate>,
}

/// What has a say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "ReasonOrigin"))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A role that is held.
    Role {
        /// Its name.
        role: ApiName,
        /// The group it is assigned to; `None` where it is assigned to the subject itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<Arc<str>>,
    },
    /// A permitting rule.
    Permit {
        /// Its name.
        rule: ApiName,
    },
    /// A forbidding rule.
    Forbid {
        /// Its name.
        rule: ApiName,
    },
    /// A marking that the subject is not cleared for.
    Marking {
        /// Its name.
        marking: ApiName,
    },
}

impl Origin {
    const fn denies(&self) -> bool {
        match self {
            Self::Role { .. } | Self::Permit { .. } => false,
            Self::Forbid { .. } | Self::Marking { .. } => true,
        }
    }
}

/// What one role, rule or marking says of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// Which.
    pub origin: Origin,
    /// Whether it applies to the object; `None` where whoever acts has no value for an attribute it refers to.
    pub applies: Option<bool>,
}

/// Why something is allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Everything that has a say over the type, in the order of the policy. Where nothing grants, nothing is allowed.
    pub reasons: Vec<Reason>,
    /// The properties that may be seen or given; empty where it is denied.
    pub properties: Vec<ApiName>,
}

impl Compiled {
    /// Whether something may be done to an object, of which this is the row.
    ///
    /// # Errors
    /// Only those of `linked`.
    pub fn allows(&self, object_type: &ObjectType, verb: Verb, row: &[Value], linked: &mut dyn Linked) -> Result<bool> {
        match &self.of(object_type, verb).rows {
            Rows::All => Ok(true),
            Rows::Nothing => Ok(false),
            Rows::Only(predicate) => predicate.holds(row, linked),
        }
    }

    /// Why something may, or may not, be done to an object, of which this is the row.
    ///
    /// # Errors
    /// Only those of `linked`.
    pub fn explain(
        &self,
        object_type: &ObjectType,
        verb: Verb,
        row: &[Value],
        linked: &mut dyn Linked,
    ) -> Result<Explanation> {
        let parts = self.of(object_type, verb).parts.iter();
        let judged =
            parts.map(|part| part.predicate.as_ref().map(|predicate| predicate.holds(row, linked)).transpose());
        let judged = judged.collect::<Result<Vec<_>>>()?;
        Ok(self.explained(object_type, verb, judged))
    }

    /// The conditions of everything that has a say over a type; `None` for one that does not resolve.
    pub(crate) fn conditions(&self, object_type: &ObjectType, verb: Verb) -> impl Iterator<Item = Option<&Predicate>> {
        self.of(object_type, verb).parts.iter().map(|part| part.predicate.as_ref())
    }

    /// What follows of whether each of [`Compiled::conditions`] holds.
    pub(crate) fn explained(&self, object_type: &ObjectType, verb: Verb, judged: Vec<Option<bool>>) -> Explanation {
        let access = self.of(object_type, verb);
        let (mut granted, mut denied) = (false, false);
        let mut reasons = Vec::with_capacity(access.parts.len());
        for (Part { origin, .. }, applies) in access.parts.iter().zip(judged) {
            // What denies and does not resolve was made to hold always.
            if applies == Some(true) {
                *(if origin.denies() { &mut denied } else { &mut granted }) = true;
            }
            reasons.push(Reason { origin: origin.clone(), applies });
        }
        let allowed = granted && !denied;
        let seen = |(index, name): (usize, &ApiName)| access.properties.contains(index).then(|| name.clone());
        let properties = object_type.names.iter().enumerate().filter_map(seen);
        Explanation { allowed, reasons, properties: if allowed { properties.collect() } else { Vec::new() } }
    }

    /// What may be done to objects of each type, by type and verb.
    pub fn what_can(&self) -> Vec<TypeRights> {
        let mut all = Vec::new();
        for object_type in &self.schema.object_types {
            for verb in Verb::ALL {
                let access = self.of(object_type, verb);
                let objects = match &access.rows {
                    Rows::All => Extent::All,
                    Rows::Nothing => Extent::None,
                    Rows::Only(_) => Extent::Some,
                };
                let seen = |(index, name): (usize, &ApiName)| access.properties.contains(index).then(|| name.clone());
                let named = object_type.names.iter().enumerate().filter_map(seen);
                let properties = if objects == Extent::None { Vec::new() } else { named.collect() };
                all.push(TypeRights { object_type: object_type.api_name.clone(), verb, objects, properties });
            }
        }
        all
    }
}
