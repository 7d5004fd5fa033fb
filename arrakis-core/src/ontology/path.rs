//! Paths of elements, as renames, migrations and plans spell them.

use std::fmt;
use std::str::FromStr;

use crate::{ApiName, Error, Result};

/// A kind of element, named as its list in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementKind {
    /// `value_types`.
    ValueType,
    /// `shared_properties`.
    SharedProperty,
    /// `interfaces`.
    Interface,
    /// `object_types`.
    ObjectType,
    /// `link_types`.
    LinkType,
    /// `action_types`.
    ActionType,
}

impl ElementKind {
    /// Every kind, in the order of the file.
    pub const ALL: [Self; 6] =
        [Self::ValueType, Self::SharedProperty, Self::Interface, Self::ObjectType, Self::LinkType, Self::ActionType];

    /// The name of the list in the file.
    pub const fn list(self) -> &'static str {
        match self {
            Self::ValueType => "value_types",
            Self::SharedProperty => "shared_properties",
            Self::Interface => "interfaces",
            Self::ObjectType => "object_types",
            Self::LinkType => "link_types",
            Self::ActionType => "action_types",
        }
    }

    /// Whether elements of the kind have properties of their own.
    pub const fn has_properties(self) -> bool {
        matches!(self, Self::Interface | Self::ObjectType | Self::LinkType)
    }
}

/// An element by name: `object_types.Airport` or `object_types.Airport.properties.city`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementPath {
    /// The kind of the element, or of the element whose property it is.
    pub kind: ElementKind,
    /// Its name.
    pub name: ApiName,
    /// The property of it that is meant.
    pub property: Option<ApiName>,
}

impl ElementPath {
    /// The path of an element.
    pub const fn of(kind: ElementKind, name: ApiName) -> Self {
        Self { kind, name, property: None }
    }

    /// The path of a property of this element.
    #[must_use]
    pub fn property(&self, property: ApiName) -> Self {
        Self { kind: self.kind, name: self.name.clone(), property: Some(property) }
    }
}

impl fmt::Display for ElementPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.list(), self.name)?;
        match &self.property {
            Some(property) => write!(f, ".properties.{property}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ElementPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::invalid(
                "ontology.path.malformed",
                "a path is written object_types.Airport or object_types.Airport.properties.city",
            )
        };
        let mut segments = text.split('.');
        let list = segments.next().unwrap_or_default();
        let kind = ElementKind::ALL.into_iter().find(|kind| kind.list() == list).ok_or_else(malformed)?;
        let name = ApiName::parse(segments.next().unwrap_or_default()).map_err(|e| malformed().caused_by(e))?;
        let property = match (segments.next(), segments.next()) {
            (None, _) => None,
            (Some("properties"), Some(property)) if kind.has_properties() => {
                Some(ApiName::parse(property).map_err(|e| malformed().caused_by(e))?)
            }
            _ => return Err(malformed()),
        };
        if segments.next().is_some() {
            return Err(malformed());
        }
        Ok(Self { kind, name, property })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_they_are_written() {
        for text in ["object_types.Airport", "link_types.Route.properties.flights", "value_types.iata"] {
            assert_eq!(text.parse::<ElementPath>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "Airport",
            "object_types",
            "object_types.",
            "object_types.A.b",
            "object_types.A.properties",
            "object_types.A.properties.b.c",
            "value_types.a.properties.b",
            "things.A",
            "object_types.9",
        ] {
            assert_eq!(text.parse::<ElementPath>().unwrap_err().code(), "ontology.path.malformed", "{text}");
        }
    }
}
