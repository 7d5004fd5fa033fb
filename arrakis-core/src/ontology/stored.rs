//! The stored form of a schema, and the hash of its content.

use serde::{Deserialize, Serialize};

use super::{NewOntology, Numbering, Schema, SchemaHash};
use crate::{Error, Result, canonical_json};

#[derive(Serialize)]
struct StoredRef<'a> {
    definition: &'a NewOntology,
    numbering: &'a Numbering,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    definition: NewOntology,
    numbering: Numbering,
}

impl SchemaHash {
    /// The hash of a definition: BLAKE3 of its canonical JSON. What the change from the version before takes is no part of it.
    ///
    /// # Errors
    /// `ontology.unwritable`, which no definition read from a file gives.
    pub fn of(definition: &NewOntology) -> Result<Self> {
        let mut json = serde_json::to_value(definition).map_err(unwritable)?;
        if let Some(members) = json.as_object_mut() {
            members.remove("changes");
        }
        Ok(Self(*blake3::hash(canonical_json(&json).as_bytes()).as_bytes()))
    }
}

pub(super) fn unwritable(error: serde_json::Error) -> Error {
    Error::internal("ontology.unwritable", "the ontology has no JSON form").caused_by(error)
}

impl Schema {
    /// The text a store keeps: JSON of the definition and the numbering.
    ///
    /// # Errors
    /// `ontology.unwritable`, which no compiled schema gives.
    pub fn to_stored(&self) -> Result<String> {
        let stored = StoredRef { definition: &self.definition, numbering: &self.numbering };
        serde_json::to_string(&stored).map_err(unwritable)
    }

    /// Reads what [`Schema::to_stored`] wrote.
    ///
    /// # Errors
    /// `ontology.stored.corrupt`, naming the version, for any other text.
    pub fn from_stored(version: u32, text: &str) -> Result<Self> {
        let corrupt = || {
            Error::corrupt("ontology.stored.corrupt", "a stored version of the ontology cannot be read")
                .with("version", version)
        };
        let stored: Stored = serde_json::from_str(text).map_err(|e| corrupt().caused_by(e))?;
        Self::compile(stored.definition, stored.numbering, version).map_err(|e| corrupt().caused_by(e))
    }
}
