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
                // The depth is counted below; the scanner, which reads ahead, would not say which limit it was.
                flow_nesting_limit: 2 * FILE_DEPTH_MAX,
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

    /// Reads a file of either form: JSON when it begins with a brace, YAML otherwise.
    ///
    /// # Errors
    /// As [`NewOntology::from_yaml`].
    pub fn from_text(text: &str) -> Result<Self> {
        if text.trim_start().starts_with('{') { Self::from_json(text) } else { Self::from_yaml(text) }
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

#[cfg(feature = "json-schema")]
impl NewOntology {
    /// The JSON Schema (2020-12) of the file, for editors to complete and check it by. What it accepts may still have faults that only
    /// [`super::validate`] tells.
    pub fn json_schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Self);
        schema.insert("title".to_owned(), "Arrakis ontology".into());
        schema.to_value()
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
    // A question mark stands for a name that was not read.
    let path = path.to_string().trim_end_matches('?').trim_end_matches('.').to_owned();
    (!path.is_empty()).then_some(path)
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
    let reason = match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => format!("{key} is there twice"),
        _ => first_line(&error.to_string()),
    };
    malformed(line, column, path, &reason).caused_by(error)
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
        assert_eq!(NewOntology::from_text(&yaml).unwrap(), NewOntology::from_text(&json).unwrap());
        let schema = Schema::first(definition).unwrap();
        let stored = Schema::from_stored(1, &schema.to_stored().unwrap()).unwrap();
        assert_eq!((stored.hash, &stored.numbering), (schema.hash, &schema.numbering));
    }

    #[test]
    fn faults_name_their_place() {
        const A: &str = "object_types:\n  - name: A\n    primary_key: id\n    properties:\n";
        let deep = format!("value_types: [{{name: a, type: {}string{}}}]", "{array: ".repeat(60), "}".repeat(60));
        let deep_json = format!("{{\"value_types\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        let wide = format!("x: {}", "y".repeat(FILE_LEN_MAX));
        let aliases = format!("description: &a x\ngroups: [{}]", "*a, ".repeat(FILE_ALIASES_MAX + 1));
        let mut wrong = Vec::new();
        for (text, code, path, place) in [
            (
                format!("{A}      - {{name: id, type: strin}}\n"),
                "malformed",
                "object_types[0].properties[0].type",
                (5, 26),
            ),
            (
                format!("{A}      - {{name: id, type: string, colour: red}}\n"),
                "malformed",
                "object_types[0].properties[0].colour",
                (5, 34),
            ),
            (
                format!("{A}      - {{name: 9id, type: string}}\n"),
                "malformed",
                "object_types[0].properties[0].name",
                (5, 16),
            ),
            (format!("{A}      - {{name: id, name: id}}\n"), "malformed", "object_types[0].properties[0]", (5, 20)),
            ("object_types: 3".to_owned(), "malformed", "object_types", (1, 15)),
            ("object_types: [".to_owned(), "malformed", "object_types", (1, 15)),
            ("description: a\n---\ndescription: b".to_owned(), "too_large", "", (0, 0)),
            ("{\"object_types\": [{\"name\": 3}]}".to_owned(), "malformed", "object_types[0].name", (1, 28)),
            ("{} {}".to_owned(), "malformed", "", (1, 4)),
            (deep, "too_deep", "", (0, 0)),
            (deep_json, "too_deep", "", (0, 0)),
            (wide, "too_large", "", (0, 0)),
            (aliases, "malformed", "groups", (2, 1)),
        ] {
            let error = NewOntology::from_text(&text).unwrap_err();
            let number = |name: &str| error.param(name).map_or(0, |number| number.parse::<u64>().unwrap());
            let found = (error.code(), error.path().unwrap_or_default(), (number("line"), number("column")));
            if found != (&*format!("ontology.file.{code}"), path, place) {
                wrong.push(format!("{found:?} {} in {text:.300}", error.chain()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Texts that YAML writers are known to get wrong.
    #[test]
    fn every_text_round_trips() {
        for text in [
            "",
            " ",
            "null",
            "~",
            "true",
            "no",
            "1",
            "1.0",
            "0x1f",
            "1e3",
            ".inf",
            "2024-01-01",
            "# no comment",
            "a: b",
            "a #b",
            "- a",
            "? a",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{a}",
            "[a]",
            "a, b",
            "\"quoted\"",
            "it's",
            "'",
            "tab\there",
            "line\nbreak",
            "two\n\nbreaks\n",
            "trailing \n",
            " leading",
            "trailing ",
            "\n",
            "\r\n",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{7f}",
            "back\\slash",
            "é 漢字 🛩",
            "---",
            "...",
            "<<",
            "=",
            "a long line that goes on and on until a \
             writer folds it because it is longer than the eighty columns most writers allow for  a line, with  two spaces",
            "folded with an indented\n  line\nand another",
        ] {
            let definition = NewOntology { description: Some(text.to_owned()), ..NewOntology::default() };
            let yaml = definition.to_yaml().unwrap();
            assert_eq!(NewOntology::from_yaml(&yaml).unwrap(), definition, "{yaml}");
            assert_eq!(NewOntology::from_json(&definition.to_json().unwrap()).unwrap(), definition);
        }
    }

    #[cfg(feature = "json-schema")]
    #[test]
    fn the_json_schema_in_the_docs_is_the_codes() {
        let schema = serde_json::to_string_pretty(&NewOntology::json_schema()).unwrap();
        let written = include_str!("../../../docs/ontology.schema.json");
        assert!(schema == written.trim_end(), "docs/ontology.schema.json holds another schema than this:\n{schema}");
    }
}
