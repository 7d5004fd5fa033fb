//! Actions as callers ask for them, and what they are answered.

mod hook;
mod parameter;
mod rule;
mod service;
mod undo;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use self::hook::Hooks;
pub use self::hook::{ActionCall, ActionHandler, CommitValidator, HOOK_TIMEOUT_DEFAULT, HandlerFn};
pub(super) use self::parameter::{Arguments, fits, read_arguments, too_many};
pub(super) use self::rule::{Run, check_size, check_types};
pub use self::service::ActionService;
pub use self::undo::{ChangedBy, ChangedSince, OnConflict, UNDO_COMMITS_MAX, Undo, UndoReport};
use super::{Edit, NewProperties};
use crate::commit::Event;
use crate::{CommitId, EffectKind, Error, Key, Receipt, Seq};

/// The most objects one parameter gives, as a list or as a set.
pub const PARAMETER_OBJECTS_MAX: usize = 10_000;
/// The most calls of one batch.
pub const ACTION_BATCH_MAX: usize = 10_000;
/// How often an action is decided anew because an object it read was changed meanwhile.
pub const ACTION_RETRIES_MAX: u32 = 16;

/// The most an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionLimits {
    /// The most edits of one action, those of its handler included; at most [`crate::commit::COMMIT_CHANGES_MAX`].
    pub edits: usize,
    /// The most object and link types one action edits.
    pub types: usize,
}

impl Default for ActionLimits {
    fn default() -> Self {
        Self { edits: crate::commit::COMMIT_CHANGES_MAX, types: 50 }
    }
}

/// A call of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// The action type.
    pub action: String,
    /// What the action asks for, by parameter: a value in the JSON form of its type; an object as its key, or as
    /// `{"type": …, "key": …}` where the parameter is an interface; a list of either; a set as [`super::ObjectSet`].
    #[serde(default, skip_serializing_if = "NewProperties::is_empty")]
    pub parameters: NewProperties,
    /// The revision the object of a parameter must be at, by parameter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect: BTreeMap<String, Seq>,
    /// The idempotency key: the same id again answers the first receipt and does nothing. A fresh one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CommitId>,
    /// Why, in the caller's words, up to [`super::REASON_LEN_MAX`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Act {
    /// A call with parameters.
    pub fn of(action: impl Into<String>, parameters: impl Into<NewProperties>) -> Self {
        Self { action: action.into(), parameters: parameters.into(), expect: BTreeMap::new(), id: None, reason: None }
    }

    /// Expects the object of a parameter at a revision.
    #[must_use]
    pub fn expecting(mut self, parameter: impl Into<String>, revision: Seq) -> Self {
        self.expect.insert(parameter.into(), revision);
        self
    }

    /// Under an idempotency key.
    #[must_use]
    pub fn with_id(mut self, id: CommitId) -> Self {
        self.id = Some(id);
        self
    }

    /// For a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// What an action did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Acted {
    /// The proof. Its commit is the id of the action, by which it is undone.
    pub receipt: Receipt,
}

/// Several calls at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActBatch {
    /// The calls, up to [`ACTION_BATCH_MAX`].
    pub acts: Vec<Act>,
    /// What one that is refused does to the others.
    #[serde(default)]
    pub atomicity: BatchAtomicity,
}

/// What a refused call does to the others of its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BatchAtomicity {
    /// All are executed or none. Each is decided by the state before the batch; one that reads an object an earlier one of the batch
    /// changes is refused with `kernel.action.overlap`.
    #[default]
    All,
    /// Each is executed or refused by itself, in no particular order.
    Each,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ActedBatch {
    /// What became of each call, in the order of the batch.
    pub results: Vec<ActResult>,
}

/// What became of one call of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActResult {
    /// It was executed.
    Executed(Receipt),
    /// It was refused.
    Refused(Fault),
}

/// What stands in the way of a call, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Fault {
    /// The stable code.
    pub code: String,
    /// The reason, for a person.
    pub message: String,
    /// Where in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the refusal names, such as the limit that was passed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            path: error.path().map(str::to_owned),
            params: error.params().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }
}

/// What a call would do, and what stands in its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Validation {
    /// Whether it would be executed now.
    pub valid: bool,
    /// A verdict on each parameter of the action type, in its order, then on each one given that it does not have.
    pub parameters: Vec<ParameterVerdict>,
    /// A verdict on each criterion, in its order.
    pub criteria: Vec<CriterionVerdict>,
    /// What else stands in the way: a limit, the refusal of a host handler or of the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The edits the rules and the handler ask for; none while a parameter or criterion stands in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
    /// Every object and link that would change, those reached by on-delete rules included; none unless valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<NamedEffect>,
    /// The events that would be published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// A verdict on a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ParameterVerdict {
    /// Its name.
    pub name: String,
    /// What is wrong with it; nothing when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// A verdict on a criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct CriterionVerdict {
    /// What the action type tells where it does not hold.
    pub message: String,
    /// Whether it holds; unknown while a parameter is at fault, or where it cannot be computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// Why it cannot be computed, such as an overflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// A change of one object or link, by names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NamedEffect {
    /// An object.
    Object {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its key.
        key: Key,
        /// What happens to it.
        change: EffectKind,
    },
    /// A link kept in a table of its own.
    Link {
        /// Its type.
        #[serde(rename = "type")]
        link_type: String,
        /// The key at the source end.
        source: Key,
        /// The key at the target end.
        target: Key,
        /// What happens to it.
        change: EffectKind,
    },
}
