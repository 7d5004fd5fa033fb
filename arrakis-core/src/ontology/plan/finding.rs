//! What a plan says of one change.

use serde::{Deserialize, Serialize};

use super::rule::{Class, Direction, Rule};
use crate::ontology::{DataCheck, MigrationStep, OnCastFailure, Violations};

/// One change, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The element: in the new version, or in the one before where it is gone.
    pub path: String,
    /// What the change asks of the data, now that the data was looked at.
    pub class: Class,
    /// Whose data survives it.
    pub direction: Direction,
    /// What happened, for a person.
    pub message: String,
    /// What breaks the new rule in the stored data of the space, exactly; absent where no data can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violations: Option<Violations>,
    /// The elements of the version before that name this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumers: Vec<String>,
    /// What becomes of that data, where the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<MigrationStep>,
    /// Why the change is refused, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Stored data breaks the new rule, and a migration must say what becomes of it.
    MigrationRequired,
    /// Stored data breaks the new rule, and only a change of the data helps.
    Violated,
    /// The migration converts values, and some have no exact counterpart.
    Inexact,
    /// A migration is stated that no change needs.
    Stale,
    /// How much data breaks the new rule could not be told.
    Undecided,
}

/// A finding before the data was looked at.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) finding: Finding,
    /// What tells how much data breaks the new rule: a check of the version before.
    pub(super) evidence: Option<DataCheck>,
    /// What must hold when the version is published.
    pub(super) guard: Option<DataCheck>,
}

impl Draft {
    pub(super) fn new(rule: Rule, path: String) -> Self {
        let finding = Finding {
            rule,
            path,
            class: rule.class(),
            direction: rule.direction(),
            message: rule.message().to_owned(),
            violations: None,
            consumers: Vec::new(),
            migration: None,
            refused: None,
        };
        Self { finding, evidence: None, guard: None }
    }

    /// Says more of what happened.
    pub(super) fn because(mut self, detail: &str) -> Self {
        self.finding.message = format!("{}: {detail}", self.finding.message);
        self
    }

    pub(super) fn evidence(mut self, check: DataCheck) -> Self {
        self.evidence = Some(check);
        self
    }

    pub(super) fn guard(mut self, check: DataCheck) -> Self {
        self.guard = Some(check);
        self
    }

    pub(super) fn migration(mut self, step: Option<MigrationStep>) -> Self {
        self.finding.migration = step;
        self
    }

    /// The finding, once the data was looked at.
    pub(super) fn judged(self, violations: Option<Violations>) -> Finding {
        let count = violations.as_ref().map(|violations| violations.count);
        let (class, refused) = judge(self.finding.rule, count, self.finding.migration.as_ref());
        Finding { class, violations, refused, ..self.finding }
    }
}

/// The verdict on a change: what it asks of the data, and why it is refused, if it is.
fn judge(rule: Rule, count: Option<u64>, migration: Option<&MigrationStep>) -> (Class, Option<Refusal>) {
    if rule == Rule::MigrationStale {
        return (Class::Forbidden, Some(Refusal::Stale));
    }
    match (rule.class(), count, migration) {
        (class @ (Class::Additive | Class::Compatible | Class::Breaking), ..) => (class, None),
        (_, Some(0), None) => (Class::NeedsValidation, None),
        (_, Some(count), Some(MigrationStep::Cast(OnCastFailure::Refuse))) if count > 0 => {
            (Class::NeedsMigration, Some(Refusal::Inexact))
        }
        (_, Some(_), Some(_)) => (Class::NeedsMigration, None),
        (class, None, _) => (class, Some(Refusal::Undecided)),
        (Class::NeedsValidation, Some(_), None) => (Class::NeedsValidation, Some(Refusal::Violated)),
        (class @ (Class::NeedsMigration | Class::Forbidden), Some(_), None) => {
            (class, Some(Refusal::MigrationRequired))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::Dropped;

    #[test]
    fn the_verdict_follows_the_class_the_count_and_the_migration() {
        let drop = MigrationStep::Drop(Dropped::Data);
        let cast = MigrationStep::Cast(OnCastFailure::Refuse);
        let null = MigrationStep::Cast(OnCastFailure::Absent);
        for (rule, count, migration, expected) in [
            (Rule::PropAdded, None, None, (Class::Additive, None)),
            (Rule::PropRenamed, None, None, (Class::Breaking, None)),
            (Rule::PropRemoved, Some(0), None, (Class::NeedsValidation, None)),
            (Rule::PropRemoved, Some(3), None, (Class::NeedsMigration, Some(Refusal::MigrationRequired))),
            (Rule::PropRemoved, Some(3), Some(&drop), (Class::NeedsMigration, None)),
            (Rule::PropRemoved, None, Some(&drop), (Class::NeedsMigration, Some(Refusal::Undecided))),
            (Rule::PropTypeChanged, Some(1), Some(&cast), (Class::NeedsMigration, Some(Refusal::Inexact))),
            (Rule::PropTypeChanged, Some(0), Some(&cast), (Class::NeedsMigration, None)),
            (Rule::PropTypeChanged, Some(1), Some(&null), (Class::NeedsMigration, None)),
            (Rule::PropUniqueAdded, Some(2), None, (Class::NeedsValidation, Some(Refusal::Violated))),
            (Rule::PropUniqueAdded, Some(0), None, (Class::NeedsValidation, None)),
            (Rule::TypeKeyChanged, Some(0), None, (Class::NeedsValidation, None)),
            (Rule::TypeKeyChanged, Some(2), None, (Class::Forbidden, Some(Refusal::MigrationRequired))),
            (Rule::TypeKeyChanged, Some(2), Some(&drop), (Class::NeedsMigration, None)),
            (Rule::MigrationStale, None, None, (Class::Forbidden, Some(Refusal::Stale))),
        ] {
            assert_eq!(judge(rule, count, migration), expected, "{rule} {count:?} {migration:?}");
        }
    }
}
