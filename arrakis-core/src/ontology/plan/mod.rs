//! Plan and apply: what a new definition changes, what stored data says of it, and the publication it comes to.
//!
//! A plan is pinned to the version it was made against and applied exactly as it was shown; what the data says is asked again when it
//! is applied.

mod constraint;
mod consumer;
mod diff;
mod document;
mod finding;
mod migration;
mod policy;
mod rule;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::diff::Diff;
pub use self::document::PLAN_LEN_MAX;
use self::finding::Draft;
pub use self::finding::{Finding, Refusal};
pub use self::policy::PolicySource;
pub use self::rule::{Class, Direction, Rule};
use super::{DataCheck, ElementKind, ElementPath, NewOntology, Numbering, Schema, SchemaHash, Violations};
use crate::commit::Publication;
use crate::{Error, Result};

/// What publishing a definition comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version it was made against, 0 for none.
    pub base_version: u32,
    /// The hash of that version's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<SchemaHash>,
    /// The hash of the definition's content.
    pub target_hash: SchemaHash,
    /// The changes, in the order of the file. Empty when the content is the base's.
    pub findings: Vec<Finding>,
    /// The definition, with the changes stated.
    pub definition: NewOntology,
    /// The identities the elements get.
    pub numbering: Numbering,
}

/// A plan before the data was looked at.
#[derive(Debug)]
pub struct Planning {
    base: Option<Arc<Schema>>,
    target: Option<Arc<Schema>>,
    definition: NewOntology,
    diff: Diff,
}

impl Planning {
    /// Compares a definition with the version it is to follow.
    ///
    /// # Errors
    /// What is wrong with the definition, as [`Schema::compile`] and [`Numbering::assign`] tell it, or with the changes it states:
    /// `ontology.moved.*`, `ontology.migration.*`.
    pub fn new(base: Option<Arc<Schema>>, definition: NewOntology) -> Result<Self> {
        if let Some(base) = base.as_ref().filter(|base| base.definition_is(&definition)) {
            let diff = Diff { drafts: Vec::new(), rewrites: Vec::new(), guards: Vec::new() };
            return Ok(Self { base: Some(Arc::clone(base)), target: None, definition, diff });
        }
        let numbering = Numbering::assign(base.as_deref(), &definition)?;
        let version = base.as_ref().map_or(1, |base| base.version + 1);
        let target = Schema::compile(definition.clone(), numbering, version)?;
        let diff = match &base {
            Some(base) => diff::diff(base, &target, &definition.changes)?,
            None => first(&definition)?,
        };
        Ok(Self { base, target: Some(Arc::new(target)), definition, diff })
    }

    /// What to ask of the stored data, in the order [`Planning::finish`] takes the answers in.
    pub fn checks(&self) -> Vec<DataCheck> {
        self.diff.drafts.iter().filter_map(|draft| draft.evidence.clone()).collect()
    }

    /// The plan, given what the stored data says.
    ///
    /// # Errors
    /// `ontology.plan.evidence`, when there is not one answer per question.
    pub fn finish(self, violations: Vec<Violations>) -> Result<Plan> {
        if violations.len() != self.diff.drafts.iter().filter(|draft| draft.evidence.is_some()).count() {
            return Err(Error::internal("ontology.plan.evidence", "the store answered another number of checks"));
        }
        let mut answers = violations.into_iter();
        let judged = |draft: Draft| {
            let answer = draft.evidence.as_ref().and_then(|_| answers.next());
            draft.judged(answer)
        };
        let findings = self.diff.drafts.into_iter().map(judged).collect();
        let (base_version, base_hash) = self.base.as_ref().map_or((0, None), |base| (base.version, Some(base.hash)));
        // Where nothing changes there is no target but the base.
        let target = self.target.or(self.base).ok_or_else(unplanned)?;
        Ok(Plan {
            base_version,
            base_hash,
            target_hash: target.hash,
            findings,
            definition: self.definition,
            numbering: target.numbering.clone(),
        })
    }

    /// The publication this comes to; `None` where nothing changes.
    fn publication(self) -> Option<Publication> {
        let schema = self.target?;
        let guards = self.diff.drafts.into_iter().filter_map(|draft| draft.guard).chain(self.diff.guards);
        Some(Publication {
            base_version: self.base.map_or(0, |base| base.version),
            rewrites: self.diff.rewrites,
            checks: guards.collect(),
            schema,
        })
    }
}

fn unplanned() -> Error {
    Error::internal("ontology.plan.nothing", "a plan has a version before or a version after")
}

/// The findings of a first version: all there is is new.
fn first(definition: &NewOntology) -> Result<Diff> {
    if let Some(moved) = definition.changes.moved.first() {
        return Err(Error::invalid("ontology.moved.from", "there is no version before to rename elements of")
            .with("from", &moved.from)
            .at("changes.moved[0].from"));
    }
    let names = |kind: ElementKind| -> Vec<_> {
        match kind {
            ElementKind::ValueType => definition.value_types.iter().map(|new| &new.name).collect(),
            ElementKind::SharedProperty => definition.shared_properties.iter().map(|new| &new.name).collect(),
            ElementKind::Interface => definition.interfaces.iter().map(|new| &new.name).collect(),
            ElementKind::ObjectType => definition.object_types.iter().map(|new| &new.name).collect(),
            ElementKind::LinkType => definition.link_types.iter().map(|new| &new.name).collect(),
            ElementKind::ActionType => definition.action_types.iter().map(|new| &new.name).collect(),
        }
    };
    let added = |kind: ElementKind| match kind {
        ElementKind::ValueType => Rule::ValueTypeAdded,
        ElementKind::SharedProperty => Rule::SharedPropAdded,
        ElementKind::Interface => Rule::InterfaceAdded,
        ElementKind::ObjectType => Rule::TypeAdded,
        ElementKind::LinkType => Rule::LinkAdded,
        ElementKind::ActionType => Rule::ActionAdded,
    };
    let elements = ElementKind::ALL.into_iter().flat_map(|kind| names(kind).into_iter().map(move |name| (kind, name)));
    let mut drafts: Vec<Draft> =
        elements.map(|(kind, name)| Draft::new(added(kind), ElementPath::of(kind, name.clone()).to_string())).collect();
    let stale = (0..definition.changes.migrations.len()).map(|index| format!("changes.migrations[{index}]"));
    drafts.extend(stale.map(|place| Draft::new(Rule::MigrationStale, place)));
    Ok(Diff { drafts, rewrites: Vec::new(), guards: Vec::new() })
}

impl Schema {
    /// Whether the content of a definition is this schema's; what it states of changes does not count.
    fn definition_is(&self, definition: &NewOntology) -> bool {
        let NewOntology {
            description,
            value_types,
            shared_properties,
            interfaces,
            object_types,
            link_types,
            action_types,
            changes: _,
        } = definition;
        let own = &self.definition;
        own.description == *description
            && own.value_types == *value_types
            && own.shared_properties == *shared_properties
            && own.interfaces == *interfaces
            && own.object_types == *object_types
            && own.link_types == *link_types
            && own.action_types == *action_types
    }
}

impl Plan {
    /// Whether there is nothing to publish.
    pub fn is_empty(&self) -> bool {
        self.base_hash == Some(self.target_hash)
    }

    /// The changes that are refused, for a migration is missing, stored data breaks their rule, or they state what nothing needs.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.refused.is_some())
    }

    /// Passes when nothing in the plan is refused.
    ///
    /// # Errors
    /// `ontology.plan.refused` with the rule, the path and the count of the first refusal, and how many there are.
    pub fn check_applicable(&self) -> Result<()> {
        let Some(first) = self.refusals().next() else { return Ok(()) };
        let mut error = Error::conflict("ontology.plan.refused", "the plan has changes that are refused")
            .with("rule", first.rule)
            .with("refusals", self.refusals().count())
            .at(&first.path);
        if let Some(violations) = &first.violations {
            error = error.with("count", violations.count).with("samples", violations.samples.join(", "));
        }
        Err(error)
    }

    /// The publication the plan comes to, against the version it was made against; `None` for an empty plan.
    ///
    /// # Errors
    /// `ontology.plan.base_moved` when `base` is another version; `ontology.plan.tampered` when the plan is not what its definition
    /// comes to.
    pub fn publication(&self, base: Option<Arc<Schema>>) -> Result<Option<Publication>> {
        let (version, hash) = base.as_ref().map_or((0, None), |base| (base.version, Some(base.hash)));
        if (version, hash) != (self.base_version, self.base_hash) {
            return Err(Error::conflict(
                "ontology.plan.base_moved",
                "the ontology was published anew since the plan was made",
            )
            .with("planned_against", self.base_version)
            .with("current", version));
        }
        let planning = Planning::new(base, self.definition.clone())?;
        let again = planning.diff.drafts.iter().map(|draft| &draft.finding);
        // What a policy says of it follows from no definition.
        let own = || self.findings.iter().filter(|finding| finding.rule != Rule::PolicyBroken);
        let same = own().count() == planning.diff.drafts.len()
            && own().zip(again).all(|(finding, again)| {
                finding.rule == again.rule && finding.path == again.path && finding.migration == again.migration
            });
        let target = planning.target.as_ref().or(planning.base.as_ref()).ok_or_else(unplanned)?;
        if !same || (target.hash, &target.numbering) != (self.target_hash, &self.numbering) {
            return Err(document::tampered());
        }
        Ok(planning.publication())
    }
}
