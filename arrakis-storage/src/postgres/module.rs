//! The parts of a store, each with migrations of its own: a service's database has those it is given.

use arrakis_core::commit::Change;
use arrakis_core::{Commit, Error, ErrorKind, Result};

use super::connection::Settings;

/// A part of a store. Its log, spaces, tenants and relays are there whatever else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Module {
    /// Published schemas.
    Ontology,
    /// Objects and links, which need [`Module::Ontology`].
    Kernel,
}

impl Module {
    /// Every module.
    pub const ALL: [Self; 2] = [Self::Ontology, Self::Kernel];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ontology => "ontology",
            Self::Kernel => "kernel",
        }
    }

    /// What a change is a matter of; `None` for one that every store knows.
    const fn of(change: &Change) -> Option<Self> {
        match change {
            Change::Tenancy(_) => None,
            Change::Publish(_) => Some(Self::Ontology),
            Change::Object(_) | Change::Link(_) => Some(Self::Kernel),
        }
    }
}

impl Settings {
    /// Passes where the store has a module.
    ///
    /// # Errors
    /// `store.module`, naming it.
    pub(super) fn need(&self, module: Module) -> Result<()> {
        if self.options.modules.contains(&module) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, "store.module", "the store was opened without this module")
            .with("setting", "modules")
            .with("module", module.name()))
    }

    /// Passes for a commit whose changes the store has the modules for, and whose schema, where it states one.
    ///
    /// # Errors
    /// As [`Settings::need`], with the change as the path.
    pub(super) fn takes(&self, commit: &Commit) -> Result<()> {
        if commit.schema_version.is_some() {
            self.need(Module::Ontology)?;
        }
        for (index, change) in commit.changes.iter().enumerate() {
            if let Some(module) = Module::of(change) {
                self.need(module).map_err(|e| e.at(format!("changes[{index}]")))?;
            }
        }
        Ok(())
    }
}
