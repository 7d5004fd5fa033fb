//! API names: how callers spell an element of the ontology.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

/// The longest API name, in bytes.
pub const API_NAME_LEN_MAX: usize = 100;

/// A name by which an element is addressed: an ASCII letter, then letters, digits and underscores. Case counts. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiName(Arc<str>);

impl ApiName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `name.malformed` with the offending text and the rule, `name.too_long` with the limit.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > API_NAME_LEN_MAX {
            return Err(Error::invalid("name.too_long", "the name is too long")
                .with("length", text.len())
                .with("length_max", API_NAME_LEN_MAX));
        }
        let mut bytes = text.bytes();
        let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !starts || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Error::invalid(
                "name.malformed",
                format!("{text:?} is not a name: a letter, then letters, digits and underscores are expected"),
            )
            .with("name", text));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ApiName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for ApiName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for ApiName {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for ApiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl FromStr for ApiName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl Serialize for ApiName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ApiName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for ApiName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ApiName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$", "maxLength": API_NAME_LEN_MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_underscores() {
        for good in ["a", "Airport", "iata_code", "x9"] {
            assert_eq!(ApiName::parse(good).unwrap(), good);
        }
        for bad in ["", "9a", "_a", "a-b", "a b", "é", "a.b", "\"; drop table"] {
            assert_eq!(ApiName::parse(bad).unwrap_err().code(), "name.malformed", "{bad}");
        }
        let long = "a".repeat(API_NAME_LEN_MAX + 1);
        assert_eq!(ApiName::parse(&long).unwrap_err().param("length_max"), Some("100"));
    }
}
