//! The ontology.

use arrakis_core::ontology::{
    ApplyPlan, ListSchemaVersions, NewOntology, Numbering, Plan, Published, Publishing, Schema, SchemaHash,
    SchemaVersions,
};
use arrakis_core::{Result, Seq};
use serde::{Deserialize, Serialize};

use super::Endpoint;
use super::access::Nothing;
use crate::problem::FieldFault;

/// A published version, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SchemaView {
    /// Its number.
    pub version: u32,
    /// The hash of its content.
    pub hash: SchemaHash,
    /// What was published.
    pub definition: NewOntology,
    /// What its elements are known by, whatever they are called.
    pub numbering: Numbering,
}

impl SchemaView {
    /// A schema as it is told.
    pub fn of(schema: &Schema) -> Self {
        let (definition, numbering) = (schema.definition.clone(), schema.numbering.clone());
        Self { version: schema.version, hash: schema.hash, definition, numbering }
    }

    /// The schema it was told as.
    ///
    /// # Errors
    /// What compiling it answers.
    pub fn compile(self) -> Result<Schema> {
        Schema::compile(self.definition, self.numbering, self.version)
    }
}

/// A version, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetSchemaVersion {
    /// Its number.
    pub version: u32,
}

/// The version in force right after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetSchemaAt {
    /// The commit.
    pub seq: Seq,
}

/// The version after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishedAfter {
    /// The number of the one before, 0 for none.
    pub version: u32,
}

/// What is wrong with a definition; nothing where it is sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Faults {
    /// Every fault.
    pub faults: Vec<FieldFault>,
}

#[expect(clippy::unnecessary_wraps, reason = "an answer of another endpoint may have no tag")]
fn hash_of(schema: &SchemaView) -> Option<String> {
    Some(schema.hash.to_string())
}

pub(crate) const SCHEMA: Endpoint<Nothing, SchemaView> =
    Endpoint::get("getSchema", "/v1/ontology", "Reads the ontology in force.").tagged(hash_of);
pub(crate) const SCHEMA_VERSION: Endpoint<GetSchemaVersion, SchemaView> =
    Endpoint::get("getSchemaVersion", "/v1/ontology/versions/{version}", "Reads one version.").tagged(hash_of);
pub(crate) const SCHEMA_AT: Endpoint<GetSchemaAt, SchemaView> =
    Endpoint::get("getSchemaAt", "/v1/ontology/at/{seq}", "Reads the version in force right after a commit.")
        .tagged(hash_of);
pub(crate) const SCHEMA_VERSIONS: Endpoint<ListSchemaVersions, SchemaVersions> =
    Endpoint::get("listSchemaVersions", "/v1/ontology/versions", "Lists the versions.");
pub(crate) const VALIDATE: Endpoint<NewOntology, Faults> =
    Endpoint::ask("validateOntology", "/v1/ontology/validate", "Says everything that is wrong with a definition.");
pub(crate) const PLAN: Endpoint<NewOntology, Plan> =
    Endpoint::ask("planOntology", "/v1/ontology/plan", "Says what publishing a definition comes to.");
pub(crate) const PUBLISHED_AFTER: Endpoint<PublishedAfter, Option<Publishing>> = Endpoint::get(
    "publishedAfter",
    "/internal/ontology/after/{version}",
    "Reads the version after one, as it was published.",
)
.internal();
pub(crate) const APPLY: Endpoint<ApplyPlan, Published> =
    Endpoint::post("applyPlan", "/v1/ontology/apply", "Publishes what was planned.")
        .seen(|published| published.receipt.map(|receipt| receipt.seq));
