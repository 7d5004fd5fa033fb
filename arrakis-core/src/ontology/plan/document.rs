//! A plan as a document: written once, shown, and applied as it was written.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Plan;
use crate::ontology::file::json_depth;
use crate::ontology::stored::unwritable;
use crate::ontology::{FILE_DEPTH_MAX, FILE_LEN_MAX};
use crate::{Error, Result, canonical_json};

/// The longest plan document, in bytes.
pub const PLAN_LEN_MAX: usize = 4 * FILE_LEN_MAX;
/// How much deeper than its definition a plan nests.
const PLAN_DEPTH: usize = 8;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<P> {
    /// The BLAKE3 hash of the plan's canonical JSON.
    digest: String,
    plan: P,
}

pub(super) fn tampered() -> Error {
    Error::invalid("ontology.plan.tampered", "the plan is not as it was made")
}

impl Plan {
    /// The document of the plan: JSON with the BLAKE3 hash of its content.
    ///
    /// # Errors
    /// `ontology.unwritable`, which no plan made of a file gives.
    pub fn to_json(&self) -> Result<String> {
        let plan = serde_json::to_value(self).map_err(unwritable)?;
        let document = Document { digest: digest(&plan), plan };
        serde_json::to_string_pretty(&document).map_err(unwritable)
    }

    /// Reads the document of a plan.
    ///
    /// # Errors
    /// `ontology.plan.malformed` with the path; `ontology.plan.tampered` when the content is not what was hashed;
    /// `ontology.file.too_large` and `ontology.file.too_deep`.
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > PLAN_LEN_MAX {
            return Err(Error::invalid("ontology.file.too_large", "the plan is too large")
                .with("length", text.len())
                .with("length_max", PLAN_LEN_MAX));
        }
        if json_depth(text) > FILE_DEPTH_MAX + PLAN_DEPTH {
            return Err(Error::invalid("ontology.file.too_deep", "the plan nests too deep")
                .with("depth_max", FILE_DEPTH_MAX + PLAN_DEPTH));
        }
        let malformed = |path: String, e: serde_json::Error| {
            Error::invalid("ontology.plan.malformed", "the text is no plan").at(path).caused_by(e)
        };
        let document: Document<Json> = serde_json::from_str(text).map_err(|e| malformed("plan".to_owned(), e))?;
        if digest(&document.plan) != document.digest {
            return Err(tampered());
        }
        serde_path_to_error::deserialize(document.plan)
            .map_err(|e| malformed(format!("plan.{}", e.path()), e.into_inner()))
    }
}

fn digest(plan: &Json) -> String {
    blake3::hash(canonical_json(plan).as_bytes()).to_hex().to_string()
}
