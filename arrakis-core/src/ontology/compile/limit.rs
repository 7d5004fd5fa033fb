//! The limits of an ontology, each named in the refusal of what passes it.

use super::faults::Faults;
use crate::Error;

/// The most object types in an ontology.
pub const OBJECT_TYPES_MAX: usize = 5_000;
/// The most link types in an ontology.
pub const LINK_TYPES_MAX: usize = 10_000;
/// The most interfaces in an ontology.
pub const INTERFACES_MAX: usize = 1_000;
/// The most value types in an ontology.
pub const VALUE_TYPES_MAX: usize = 5_000;
/// The most shared properties in an ontology.
pub const SHARED_PROPERTIES_MAX: usize = 5_000;
/// The most action types in an ontology.
pub const ACTION_TYPES_MAX: usize = 5_000;
/// The most properties of an object type, link type or interface, inherited ones included.
pub const PROPERTIES_MAX: usize = 1_000;
/// The most columns a type's properties have taken over all its versions: a column is never given again.
pub const COLUMNS_MAX: u32 = 1_500;
/// The most composite indexes of an object type.
pub const INDEXES_MAX: usize = 32;
/// The most properties in one composite index.
pub const INDEX_PROPERTIES_MAX: usize = 8;
/// The most interfaces an interface extends or an object type implements, by name.
pub const PARENTS_MAX: usize = 64;
/// The most groups of an object type.
pub const GROUPS_MAX: usize = 32;
/// The most link or action constraints of an interface, each.
pub const INTERFACE_CONSTRAINTS_MAX: usize = 100;
/// The most constraints on a type, those of its value types included.
pub const CONSTRAINTS_MAX: usize = 32;
/// The most values of an enum constraint.
pub const ENUM_VALUES_MAX: usize = 1_000;
/// The most fields of a struct.
pub const STRUCT_FIELDS_MAX: usize = 100;
/// The most types, constraints and enum values one type is made of once its value types are written out.
pub const DATA_TYPE_SIZE_MAX: usize = 10_000;
/// The most types, constraints and enum values an ontology is made of once its value types are written out.
pub const SCHEMA_SIZE_MAX: usize = 5_000_000;
/// The longest pattern of a regex constraint, in bytes.
pub const PATTERN_LEN_MAX: usize = 1_000;
/// The most memory one pattern takes once compiled.
pub const PATTERN_SIZE_MAX_BYTES: usize = 1_048_576;
/// The most different patterns in an ontology.
pub const PATTERNS_MAX: usize = 2_000;
/// The most operators and operands in a derived property's expression, or in a value or condition of an action.
pub const EXPRESSION_SIZE_MAX: usize = 256;
/// How deep an expression, or a value or condition of an action, nests.
pub const EXPRESSION_DEPTH_MAX: usize = 16;
/// The most parameters of an action type.
pub const ACTION_PARAMETERS_MAX: usize = 100;
/// The most criteria of an action type.
pub const ACTION_CRITERIA_MAX: usize = 50;
/// The most rules of an action type.
pub const ACTION_RULES_MAX: usize = 100;
/// The most effects of an action type.
pub const ACTION_EFFECTS_MAX: usize = 20;
/// The longest description, in bytes.
pub const DESCRIPTION_LEN_MAX: usize = 10_000;
/// The longest display name, icon name or failure message, in bytes.
pub const LABEL_LEN_MAX: usize = 500;
/// The most renames and migrations, each, that one publication states.
pub const CHANGES_MAX: usize = 10_000;

/// Refuses more of something than there may be.
pub(super) fn at_most(faults: &mut Faults, what: &'static str, count: usize, max: usize) -> bool {
    if count <= max {
        return true;
    }
    faults.push(
        Error::invalid("ontology.limit", format!("there are too many: {max} {what} at most"))
            .with("limit", what)
            .with("count", count)
            .with("max", max)
            .at(what),
    );
    false
}

/// Refuses a text longer than it may be.
pub(super) fn text(faults: &mut Faults, path: &'static str, text: Option<&String>, max: usize) {
    let Some(text) = text.filter(|text| text.len() > max) else { return };
    faults.push(
        Error::invalid("ontology.text.too_long", "the text is too long")
            .with("length", text.len())
            .with("length_max", max)
            .at(path),
    );
}
