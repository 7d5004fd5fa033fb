//! The ontology file: text to definition and back, in YAML and in JSON.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::NewOntology;
use super::stored::unwritable;
use crate::{Error, Result};

/// The longest ontology file, in bytes.
pub const FILE_LEN_MAX: usize = 33_554_432;
/// How deep lists and members nest in an ontology file.
pub const FILE_DEPTH_MAX: usize = 48;
/// The most values, lists and members of a YAML file, those repeated by aliases included.
pub const FILE_NODES_MAX: usize = 8_000_000;
/// The most aliases of a YAML file.
pub const FILE_ALIASES_MAX: usize = 10_000;

impl NewOntology {
    /// Reads a YAML file (YAML 1.2; one document; a name that occurs twice in one mapping is refused, and so are merge keys).
    ///
    /// # Errors
    /// `ontology.file.too_large` and `ontology.file.too_deep` with the limit; `ontology.file.malformed` with the path into the document
    /// and the parameters `line` and `column`, both from 1.
    pub fn from_yaml(text: &str) -> Result<Self> {
        check_len(text)?;
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: FILE_DEPTH_MAX,
                flow_nesting_limit: FILE_DEPTH_MAX,
                max_documents: 1,
                max_nodes: FILE_NODES_MAX,
                max_events: 2 * FILE_NODES_MAX,
                max_aliases: FILE_ALIASES_MAX,
                max_anchors: FILE_ALIASES_MAX,
            },
            duplicate_keys: DuplicateKeyPolicy::Error,
            merge_keys: MergeKeyPolicy::Error,
            strict_booleans: true,
            with_snippet: false,
        };
        let mut path = None;
        let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |reader| {
            serde_path_to_error::deserialize(reader).map_err(|e| {
                path = path_of(e.path());
                e.into_inner()
            })
        });
        read.map_err(|e| yaml_error(e, path))
    }

    /// Reads a JSON file.
    ///
    /// # Errors
    /// As [`NewOntology::from_yaml`].
    pub fn from_json(text: &str) -> Result<Self> {
        check_len(text)?;
        if json_depth(text) > FILE_DEPTH_MAX {
            return Err(too_deep());
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let definition = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
            let path = path_of(e.path());
            json_error(e.into_inner(), path)
        })?;
        reader.end().map_err(|e| json_error(e, None))?;
        Ok(definition)
    }

    /// Writes a YAML file, which [`NewOntology::from_yaml`] reads back as it was.
    ///
    /// # Errors
    /// `ontology.unwritable`, which no definition read from a file gives.
    pub fn to_yaml(&self) -> Result<String> {
        serde_saphyr::to_string(self)
            .map_err(|e| Error::internal("ontology.unwritable", "the ontology has no YAML form").caused_by(e))
    }

    /// Writes a JSON file, indented, which [`NewOntology::from_json`] reads back as it was.
    ///
    /// # Errors
    /// `ontology.unwritable`, which no definition read from a file gives.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(unwritable)
    }
}

fn check_len(text: &str) -> Result<()> {
    if text.len() > FILE_LEN_MAX {
        return Err(Error::invalid("ontology.file.too_large", "the file is too large")
            .with("length", text.len())
            .with("length_max", FILE_LEN_MAX));
    }
    Ok(())
}

fn too_deep() -> Error {
    Error::invalid("ontology.file.too_deep", "the file nests too deep").with("depth_max", FILE_DEPTH_MAX)
}

fn path_of(path: &serde_path_to_error::Path) -> Option<String> {
    let path = path.to_string();
    (path != ".").then_some(path)
}

fn malformed(line: u64, column: u64, path: Option<String>, reason: &str) -> Error {
    let error = Error::invalid("ontology.file.malformed", format!("the file is no ontology: {reason}"))
        .with("line", line)
        .with("column", column);
    match path {
        Some(path) => error.at(path),
        None => error,
    }
}

fn yaml_error(error: serde_saphyr::Error, path: Option<String>) -> Error {
    if let serde_saphyr::Error::Budget { breach, .. } = error.without_snippet() {
        return match breach {
            BudgetBreach::Depth { .. } => too_deep(),
            _ => Error::invalid("ontology.file.too_large", "the file holds too much")
                .with("nodes_max", FILE_NODES_MAX)
                .with("aliases_max", FILE_ALIASES_MAX),
        }
        .caused_by(error);
    }
    let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
    malformed(line, column, path, &first_line(&error.to_string())).caused_by(error)
}

fn json_error(error: serde_json::Error, path: Option<String>) -> Error {
    let (line, column) = (error.line() as u64, error.column() as u64);
    malformed(line, column, path, &first_line(&error.to_string())).caused_by(error)
}

/// The reason alone: where it is has its own parameters.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let reason = line.split(" at line ").next().unwrap_or(line);
    reason.chars().take(300).collect()
}

/// How deep lists and objects nest. What is no JSON gives some number: its reader says what is wrong.
pub(super) fn json_depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::Schema;

    const AIRLINE: &str = include_str!("../../../examples/airline/ontology.yaml");

    #[test]
    fn both_forms_round_trip() {
        let definition = NewOntology::from_yaml(AIRLINE).unwrap();
        let yaml = definition.to_yaml().unwrap();
        assert_eq!(NewOntology::from_yaml(&yaml).unwrap(), definition, "{yaml}");
        let json = definition.to_json().unwrap();
        assert_eq!(NewOntology::from_json(&json).unwrap(), definition, "{json}");
        let schema = Schema::first(definition).unwrap();
        let stored = Schema::from_stored(1, &schema.to_stored().unwrap()).unwrap();
        assert_eq!((stored.hash, &stored.numbering), (schema.hash, &schema.numbering));
    }

    #[test]
    fn faults_name_their_place() {
        let bad = "object_types:\n  - name: A\n    primary_key: id\n    properties:\n      - {name: id, type: strin}\n";
        let error = NewOntology::from_yaml(bad).unwrap_err();
        assert_eq!(error.path(), Some("object_types[0].properties[0].type"));
        assert_eq!((error.param("line"), error.param("column")), (Some("5"), Some("26")));
    }
}
