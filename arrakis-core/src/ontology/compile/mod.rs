//! From the file to the schema: every rule of the document judged, every name resolved, in one pass.
//!
//! Invariant: a [`Schema`] exists only of a document without a fault.

mod action_condition;
mod action_operator;
mod action_rule;
mod action_shape;
mod action_type;
mod action_value;
mod data_type;
mod faults;
mod implementation;
mod interface;
mod limit;
mod link_type;
mod object_type;
mod order;
mod property;
mod status;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use self::action_type::EVENT_TYPE_LEN_MAX;
use self::action_value::Elements;
use self::data_type::DataTypes;
pub use self::faults::FAULTS_MAX;
use self::faults::Faults;
use self::implementation::Known;
pub use self::limit::{
    ACTION_CRITERIA_MAX, ACTION_EFFECTS_MAX, ACTION_PARAMETERS_MAX, ACTION_RULES_MAX, ACTION_TYPES_MAX, CHANGES_MAX,
    COLUMNS_MAX, CONSTRAINTS_MAX, DATA_TYPE_SIZE_MAX, DESCRIPTION_LEN_MAX, ENUM_VALUES_MAX, EXPRESSION_DEPTH_MAX,
    EXPRESSION_SIZE_MAX, GROUPS_MAX, INDEX_PROPERTIES_MAX, INDEXES_MAX, INTERFACE_CONSTRAINTS_MAX, INTERFACES_MAX,
    LABEL_LEN_MAX, LINK_TYPES_MAX, OBJECT_TYPES_MAX, PARENTS_MAX, PATTERN_LEN_MAX, PATTERN_SIZE_MAX_BYTES,
    PATTERNS_MAX, PROPERTIES_MAX, SCHEMA_SIZE_MAX, SHARED_PROPERTIES_MAX, STRUCT_FIELDS_MAX, VALUE_TYPES_MAX,
};
use super::{ActionType, Interface, LinkType, NewChanges, NewOntology, Numbering, ObjectType, Schema, SchemaHash};
use crate::{ApiName, DataType, Error, ObjectTypeId, Result};

/// All the faults of a document, up to [`FAULTS_MAX`], in the order they were found: each with a stable code under `ontology.` and the
/// path into the document. Empty for a document that compiles.
///
/// What only a change from the version before makes a fault is told by a plan.
pub fn validate(definition: &NewOntology) -> Vec<Error> {
    let (_, faults) = Compiler::run(definition, &Numbering::sketch(definition));
    faults.into_errors()
}

/// A document without a fault, its elements in the order of the file.
pub(super) fn resolve(definition: &NewOntology, numbering: &Numbering) -> Result<Compiled> {
    let (compiled, faults) = Compiler::run(definition, numbering);
    faults.into_first().map_or(Ok(compiled), Err)
}

impl Schema {
    /// Compiles a definition, its numbers given.
    ///
    /// # Errors
    /// The first of [`validate`]'s faults, with how many there are as the parameter `faults`.
    pub fn compile(definition: NewOntology, numbering: Numbering, version: u32) -> Result<Self> {
        let Compiled { mut object_types, mut link_types, interfaces, action_types } = resolve(&definition, &numbering)?;
        let definition = NewOntology { changes: NewChanges::default(), ..definition };
        let hash = SchemaHash::of(&definition)?;
        object_types.sort_by_key(|object_type| object_type.id);
        link_types.sort_by_key(|link_type| link_type.id);
        let object_types: Vec<_> = object_types.into_iter().map(Arc::new).collect();
        let link_types: Vec<_> = link_types.into_iter().map(Arc::new).collect();
        Ok(Self {
            version,
            hash,
            definition,
            numbering,
            object_types_by_name: by_name(object_types.iter().map(|object_type| &object_type.api_name)),
            link_types_by_name: by_name(link_types.iter().map(|link_type| &link_type.api_name)),
            interfaces_by_name: by_name(interfaces.iter().map(|interface| &interface.api_name)),
            object_types,
            link_types,
            interfaces,
            action_types,
        })
    }

    /// Compiles the first version of an ontology.
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn first(definition: NewOntology) -> Result<Self> {
        let numbering = Numbering::assign(None, &definition)?;
        Self::compile(definition, numbering, 1)
    }
}

fn by_name<'a>(names: impl Iterator<Item = &'a ApiName>) -> HashMap<ApiName, usize> {
    names.enumerate().map(|(index, name)| (name.clone(), index)).collect()
}

#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) object_types: Vec<ObjectType>,
    pub(super) link_types: Vec<LinkType>,
    interfaces: Vec<Arc<Interface>>,
    action_types: Vec<Arc<ActionType>>,
}

struct Names<'a> {
    object_types: HashSet<&'a ApiName>,
    interfaces: HashSet<&'a ApiName>,
}

struct Compiler<'a> {
    definition: &'a NewOntology,
    numbering: &'a Numbering,
    names: Names<'a>,
    data_types: DataTypes,
    /// `None` for one that is declared and has a fault of its own.
    shared: HashMap<&'a ApiName, Option<DataType>>,
    faults: Faults,
}

impl<'a> Compiler<'a> {
    fn run(definition: &'a NewOntology, numbering: &'a Numbering) -> (Compiled, Faults) {
        let mut faults = Faults::default();
        let nothing = Compiled {
            object_types: Vec::new(),
            link_types: Vec::new(),
            interfaces: Vec::new(),
            action_types: Vec::new(),
        };
        if !within_limits(definition, &mut faults) {
            return (nothing, faults);
        }
        check_names(definition, &mut faults);
        let data_types = DataTypes::new(&definition.value_types, &mut faults);
        let names = Names {
            object_types: definition.object_types.iter().map(|object_type| &object_type.name).collect(),
            interfaces: definition.interfaces.iter().map(|interface| &interface.name).collect(),
        };
        let mut compiler = Self { definition, numbering, names, data_types, shared: HashMap::new(), faults };
        compiler.shared = compiler.shared_properties();
        let elements = compiler.elements();
        compiler.element_statuses();
        (elements, compiler.faults)
    }

    fn elements(&mut self) -> Compiled {
        let definition = self.definition;
        let drafts = self.interfaces();
        let mut object_types = self.object_types();
        let by_name: HashMap<&ApiName, usize> =
            definition.object_types.iter().enumerate().map(|(index, new)| (&new.name, index)).collect();
        let link_types = self.link_types(&mut object_types, &by_name);
        let known = Known {
            drafts: &drafts,
            link_types: &link_types.iter().zip(&definition.link_types).map(|(of, new)| (of.id, new)).collect(),
            object_types: &definition.object_types.iter().map(|new| (&new.name, new)).collect(),
        };
        for (index, (new, object_type)) in definition.object_types.iter().zip(&mut object_types).enumerate() {
            let mark = self.faults.mark();
            self.implementations(new, object_type, &known);
            self.faults.at(mark, || format!("object_types[{index}]"));
        }
        let types = Elements {
            object_types: &object_types,
            link_types: &link_types,
            drafts: &drafts,
            by_name: &by_name,
            links_by_name: link_types.iter().enumerate().map(|(index, of)| (&of.api_name, index)).collect(),
            by_id: object_types.iter().enumerate().map(|(index, of)| (of.id, index)).collect(),
        };
        let action_types = self.action_types(&types);
        let mut implementers: HashMap<&ApiName, Vec<ObjectTypeId>> = HashMap::new();
        for object_type in &object_types {
            for implementation in &object_type.interfaces {
                implementers.entry(&implementation.interface).or_default().push(object_type.id);
            }
        }
        let mut interfaces: Vec<_> = drafts.into_values().map(|draft| draft.interface).collect();
        interfaces.sort_by(|a, b| a.api_name.cmp(&b.api_name));
        for interface in &mut interfaces {
            interface.names = interface.properties.iter().map(|property| property.api_name.clone()).collect();
            interface.implementers = implementers.remove(&interface.api_name).unwrap_or_default();
            interface.implementers.sort_unstable();
        }
        Compiled { interfaces: interfaces.into_iter().map(Arc::new).collect(), object_types, link_types, action_types }
    }
}

fn within_limits(definition: &NewOntology, faults: &mut Faults) -> bool {
    limit::text(faults, "description", definition.description.as_ref(), DESCRIPTION_LEN_MAX);
    let counts = [
        ("value_types", definition.value_types.len(), VALUE_TYPES_MAX),
        ("shared_properties", definition.shared_properties.len(), SHARED_PROPERTIES_MAX),
        ("interfaces", definition.interfaces.len(), INTERFACES_MAX),
        ("object_types", definition.object_types.len(), OBJECT_TYPES_MAX),
        ("link_types", definition.link_types.len(), LINK_TYPES_MAX),
        ("action_types", definition.action_types.len(), ACTION_TYPES_MAX),
        ("changes.moved", definition.changes.moved.len(), CHANGES_MAX),
        ("changes.migrations", definition.changes.migrations.len(), CHANGES_MAX),
    ];
    // Not `all`, which would stop at the first.
    counts.into_iter().fold(true, |within, (what, count, max)| limit::at_most(faults, what, count, max) && within)
}

/// Names are unique within their kind; object types and interfaces share one, for a link constraint names either.
fn check_names(definition: &NewOntology, faults: &mut Faults) {
    fn unique<'a>(
        seen: &mut HashSet<&'a ApiName>,
        (list, noun): (&'static str, &'static str),
        names: impl Iterator<Item = &'a ApiName>,
        faults: &mut Faults,
    ) {
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                faults.push(duplicate_name(noun, name).at(format!("{list}[{index}].name")));
            }
        }
    }
    let (value_types, shared) = (&definition.value_types, &definition.shared_properties);
    unique(&mut HashSet::new(), ("value_types", "value type"), value_types.iter().map(|new| &new.name), faults);
    unique(&mut HashSet::new(), ("shared_properties", "shared property"), shared.iter().map(|new| &new.name), faults);
    let mut types = HashSet::new();
    let (interfaces, object_types) = (&definition.interfaces, &definition.object_types);
    unique(&mut types, ("interfaces", "interface"), interfaces.iter().map(|new| &new.name), faults);
    unique(&mut types, ("object_types", "object type or interface"), object_types.iter().map(|new| &new.name), faults);
    let (link_types, action_types) = (&definition.link_types, &definition.action_types);
    unique(&mut HashSet::new(), ("link_types", "link type"), link_types.iter().map(|new| &new.name), faults);
    unique(&mut HashSet::new(), ("action_types", "action type"), action_types.iter().map(|new| &new.name), faults);
}

fn duplicate_name(noun: &'static str, name: &ApiName) -> Error {
    Error::invalid("ontology.name.duplicate", format!("there is another {noun} of this name")).with("name", name)
}

fn unknown_name(code: &'static str, noun: &'static str, name: &ApiName) -> Error {
    Error::invalid(code, format!("there is no such {noun}")).with("name", name)
}

fn unnumbered(name: &ApiName) -> Error {
    Error::internal("ontology.numbering.missing", "an element has no number").with("name", name)
}

#[cfg(test)]
mod tests;
