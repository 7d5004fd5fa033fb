//! A type of both versions whose rows hold properties, and the checks of its data.

use std::sync::Arc;

use crate::ontology::{DataCheck, LinkType, ObjectType, Property, Rewritten};
use crate::{ApiName, DataType};

/// An object type or a join-table link type, before and after.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Objects(Arc<ObjectType>, Arc<ObjectType>),
    Links(Arc<LinkType>, Arc<LinkType>),
}

/// Which of both versions a check is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Before,
    After,
}

impl Subject {
    pub(super) fn properties(&self, version: Version) -> &[Property] {
        match (self, version) {
            (Self::Objects(of, _), Version::Before) | (Self::Objects(_, of), Version::After) => &of.properties,
            (Self::Links(of, _), Version::Before) | (Self::Links(_, of), Version::After) => &of.properties,
        }
    }

    pub(super) fn index_of(&self, version: Version, name: &ApiName) -> Option<usize> {
        self.properties(version).iter().position(|property| property.api_name == *name)
    }

    /// Whether the property is the primary key, whose values cannot change.
    pub(super) fn is_key(&self, index: usize) -> bool {
        matches!(self, Self::Objects(_, after) if after.primary_key == index)
    }

    pub(super) fn rewritten(&self) -> Rewritten {
        match self {
            Self::Objects(before, after) => Rewritten::Objects(Arc::clone(before), Arc::clone(after)),
            Self::Links(before, after) => Rewritten::Links(Arc::clone(before), Arc::clone(after)),
        }
    }

    pub(super) fn no_rows(&self) -> DataCheck {
        match self {
            Self::Objects(before, _) => DataCheck::NoObjects(Arc::clone(before)),
            Self::Links(before, _) => DataCheck::NoLinks(Arc::clone(before)),
        }
    }

    pub(super) fn no_values(&self, index: usize) -> DataCheck {
        match self {
            Self::Objects(before, _) => DataCheck::NoValues(Arc::clone(before), index),
            Self::Links(before, _) => DataCheck::LinkNoValues(Arc::clone(before), index),
        }
    }

    pub(super) fn required(&self, version: Version, index: usize) -> DataCheck {
        match self {
            Self::Objects(before, after) => DataCheck::Required(pick(version, before, after), index),
            Self::Links(before, after) => DataCheck::LinkRequired(pick(version, before, after), index),
        }
    }

    pub(super) fn castable(&self, version: Version, index: usize, to: &DataType) -> DataCheck {
        match self {
            Self::Objects(before, after) => DataCheck::Castable(pick(version, before, after), index, to.clone()),
            Self::Links(before, after) => DataCheck::LinkCastable(pick(version, before, after), index, to.clone()),
        }
    }

    /// No two objects share a value; links have no unique properties.
    pub(super) fn unique(&self, version: Version, index: usize) -> Option<DataCheck> {
        match self {
            Self::Objects(before, after) => Some(DataCheck::Unique(pick(version, before, after), index)),
            Self::Links(..) => None,
        }
    }
}

fn pick<T>(version: Version, before: &Arc<T>, after: &Arc<T>) -> Arc<T> {
    Arc::clone(if version == Version::Before { before } else { after })
}
