//! The migrations a file states, each used by the changes that need it, or stale.

use std::collections::{BTreeMap, BTreeSet};

use crate::ontology::{ElementPath, MigrationStep, NewMigration};
use crate::{Error, Result};

/// The migrations of a definition by the element they are of.
#[derive(Debug, Default)]
pub(super) struct Migrations {
    by_path: BTreeMap<ElementPath, (usize, MigrationStep)>,
    used: BTreeSet<ElementPath>,
}

/// A kind of migration, for a change to say which it can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Default,
    Cast,
    Drop,
}

impl Migrations {
    /// Reads the migrations of a definition.
    ///
    /// # Errors
    /// `ontology.path.malformed`; `ontology.migration.twice`.
    pub(super) fn new(migrations: &[NewMigration]) -> Result<Self> {
        let mut by_path = BTreeMap::new();
        for (index, migration) in migrations.iter().enumerate() {
            let at = |e: Error| e.at("of").at(format!("changes.migrations[{index}]"));
            let path: ElementPath = migration.of.parse().map_err(at)?;
            if by_path.insert(path, (index, migration.step.clone())).is_some() {
                return Err(at(Error::invalid("ontology.migration.twice", "an element has one migration")));
            }
        }
        Ok(Self { by_path, used: BTreeSet::new() })
    }

    /// The migration of an element, when a change of it can use one of its kind. It is not stale then.
    pub(super) fn take(&mut self, path: &ElementPath, usable: &[Step]) -> Option<MigrationStep> {
        let (_, step) = self.by_path.get(path)?;
        let kind = match step {
            MigrationStep::Default(_) => Step::Default,
            MigrationStep::Cast(_) => Step::Cast,
            MigrationStep::Drop(_) => Step::Drop,
        };
        if !usable.contains(&kind) {
            return None;
        }
        let step = step.clone();
        self.used.insert(path.clone());
        Some(step)
    }

    /// Where in the file the migration of an element is stated.
    pub(super) fn place(&self, path: &ElementPath) -> String {
        self.by_path.get(path).map_or_else(String::new, |(index, _)| format!("changes.migrations[{index}]"))
    }

    /// The elements whose migrations no change used.
    pub(super) fn stale(&self) -> impl Iterator<Item = &ElementPath> {
        self.by_path.keys().filter(|path| !self.used.contains(path))
    }
}
