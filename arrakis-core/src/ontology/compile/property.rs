//! Properties of object types, link types and interfaces, and the shared ones.

use std::collections::HashMap;

use super::faults::Faults;
use super::limit::{DESCRIPTION_LEN_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_SIZE_MAX, text};
use super::{Compiler, unknown_name};
use crate::ontology::{Expression, MergeRule, NewProperty, Property};
use crate::{ApiName, BaseType, DataType, Error, PropertyId, Result, Value};

/// Stands for the type of a property whose own is faulty, so that one fault does not bring others. No type has it: a struct has a field.
const UNKNOWN: BaseType = BaseType::Struct(Vec::new());

pub(super) fn is_unknown(base: &BaseType) -> bool {
    *base == UNKNOWN
}

/// What a property may be, beyond a name, a description, a type, constraints and a status.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    name: &'static str,
    facets: &'static [&'static str],
}

pub(super) const OF_OBJECT: Kind = Kind {
    name: "an object type's",
    facets: &["shared", "required", "unique", "indexed", "searchable", "default", "derived", "merge", "marking"],
};
pub(super) const OF_LINK: Kind =
    Kind { name: "a link type's", facets: &["shared", "required", "default", "merge", "marking"] };
pub(super) const OF_INTERFACE: Kind = Kind { name: "an interface's", facets: &["shared", "required"] };
const SHARED: Kind = Kind { name: "a shared", facets: &[] };

impl<'a> Compiler<'a> {
    pub(super) fn shared_properties(&mut self) -> HashMap<&'a ApiName, Option<DataType>> {
        let mut shared = HashMap::new();
        for (index, property) in self.definition.shared_properties.iter().enumerate() {
            let mark = self.faults.mark();
            let data_type = self.property_type(property, SHARED);
            self.faults.at(mark, || format!("shared_properties[{index}]"));
            shared.insert(&property.name, data_type);
        }
        shared
    }

    /// The type of a property, after refusing what a property of its kind is not.
    pub(super) fn property_type(&mut self, property: &NewProperty, kind: Kind) -> Option<DataType> {
        text(&mut self.faults, "description", property.description.as_ref(), DESCRIPTION_LEN_MAX);
        for (facet, stated) in facets(property) {
            if stated && !kind.facets.contains(&facet) {
                self.faults.push(
                    Error::invalid("ontology.property.facet", format!("{} property has no {facet}", kind.name))
                        .with("facet", facet)
                        .at(facet),
                );
            }
        }
        match (&property.data_type, &property.shared) {
            (Some(data_type), None) => self.data_types.constrained(data_type, &property.constraints, &mut self.faults),
            (None, Some(name)) => {
                let Some(shared) = self.shared.get(name) else {
                    self.faults
                        .push(unknown_name("ontology.shared_property.unknown", "shared property", name).at("shared"));
                    return None;
                };
                let mut data_type = shared.clone()?;
                let mark = self.faults.mark();
                self.data_types.constrain(&mut data_type, &property.constraints, &mut self.faults);
                self.faults.is_clean_since(mark).then_some(data_type)
            }
            _ => {
                self.faults.push(Error::invalid(
                    "ontology.property.untyped",
                    "a property has a type of its own or that of a shared property: one of the two",
                ));
                None
            }
        }
    }

    /// A property of an object or link type. Derived values are judged once all properties of the type are known.
    pub(super) fn property(&mut self, new: &NewProperty, numbers: Option<&(u32, u32)>, kind: Kind) -> Property {
        let data_type = self.property_type(new, kind).unwrap_or(DataType::of(UNKNOWN));
        let mut default = None;
        if !is_unknown(&data_type.base) {
            check_facets(new, &data_type.base, &mut self.faults);
            if let Some(json) = &new.default {
                default = self.faults.take(data_type.read(json).map_err(|e| e.at("default")));
            }
        }
        let &(id, column) = numbers.unwrap_or_else(|| {
            self.faults.push(super::unnumbered(&new.name));
            &(0, 0)
        });
        Property {
            id: PropertyId(id),
            column,
            api_name: new.name.clone(),
            data_type,
            required: new.required,
            unique: new.unique,
            default,
            derived: new.derived.clone(),
            merge: new.merge,
            marking: new.marking.clone(),
            status: new.status.clone(),
        }
    }
}

fn facets(property: &NewProperty) -> [(&'static str, bool); 9] {
    [
        ("shared", property.shared.is_some()),
        ("required", property.required),
        ("unique", property.unique),
        ("indexed", property.indexed),
        ("searchable", property.searchable),
        ("default", property.default.is_some()),
        ("derived", property.derived.is_some()),
        ("merge", property.merge != MergeRule::default()),
        ("marking", property.marking.is_some()),
    ]
}

fn check_facets(property: &NewProperty, base: &BaseType, faults: &mut Faults) {
    let mut misfit = |facet: &'static str, fits: &'static str| {
        faults.push(
            Error::invalid("ontology.property.misfit", format!("{facet} is for {fits}, not for a {}", base.name()))
                .with("type", base.name())
                .at(facet),
        );
    };
    if property.unique && !base.is_scalar() {
        misfit("unique", "types whose values compare");
    }
    if property.indexed && !base.is_scalar() {
        misfit("indexed", "types whose values compare");
    }
    let is_text = match base {
        BaseType::Array(element) => element.base.is_text(),
        base => base.is_text(),
    };
    if property.searchable && !is_text {
        misfit("searchable", "strings and lists of strings");
    }
    match property.merge {
        MergeRule::Conflict | MergeRule::Lww => {}
        MergeRule::Max | MergeRule::Min if base.is_ordered() => {}
        MergeRule::Max | MergeRule::Min => misfit("merge", "types with an order, when it is max or min"),
        MergeRule::Sum if base.is_numeric() => {}
        MergeRule::Sum => misfit("merge", "numbers and durations, when it is sum"),
        MergeRule::SetUnion if matches!(base, BaseType::Array(_)) => {}
        MergeRule::SetUnion => misfit("merge", "arrays, when it is set_union"),
    }
    if property.derived.is_some() {
        let excluded = [
            ("required", property.required),
            ("default", property.default.is_some()),
            ("merge", property.merge != MergeRule::default()),
        ];
        for (facet, _) in excluded.into_iter().filter(|(_, stated)| *stated) {
            faults.push(
                Error::invalid("ontology.derived.facet", format!("a derived property has no {facet}"))
                    .with("facet", facet)
                    .at(facet),
            );
        }
    }
}

/// Judges the derived properties of a type: what they read exists and is stored, and the result is of their type.
pub(super) fn check_derived(properties: &[Property], by_name: &HashMap<ApiName, usize>, faults: &mut Faults) {
    for (index, property) in properties.iter().enumerate() {
        let Some(expression) = &property.derived else { continue };
        let mut size = 0;
        let result = expression_type(expression, (properties, by_name), 1, &mut size);
        let expected = &property.data_type.base;
        let judged = result.and_then(|result| match result {
            Some(result) if !is_unknown(expected) && result != *expected => Err(mistyped(&result, expected)),
            _ => Ok(()),
        });
        faults.take(judged.map_err(|e| e.at(format!("properties[{index}].derived"))));
    }
}

fn mistyped(found: &BaseType, expected: &BaseType) -> Error {
    Error::invalid(
        "ontology.derived.type",
        format!("a value of type {} is expected, not of type {}", expected.name(), found.name()),
    )
    .with("expected", expected.name())
    .with("found", found.name())
}

/// The type of an expression's result; `None` where a property it reads is faulty itself.
fn expression_type(
    expression: &Expression,
    (properties, by_name): (&[Property], &HashMap<ApiName, usize>),
    depth: usize,
    size: &mut usize,
) -> Result<Option<BaseType>> {
    *size += 1;
    if depth > EXPRESSION_DEPTH_MAX || *size > EXPRESSION_SIZE_MAX {
        return Err(Error::invalid("ontology.derived.too_large", "the expression is too large")
            .with("depth_max", EXPRESSION_DEPTH_MAX)
            .with("size_max", EXPRESSION_SIZE_MAX));
    }
    let mut typed = |part: &Expression| expression_type(part, (properties, by_name), depth + 1, size);
    let mut is_text = |part: &Expression| match typed(part)? {
        Some(base) if !base.is_text() => Err(mistyped(&base, &BaseType::String)),
        _ => Ok(()),
    };
    match expression {
        Expression::Text(text) => DataType::of(BaseType::String)
            .read(&serde_json::Value::String(text.clone()))
            .map(|_: Value| Some(BaseType::String))
            .map_err(|e| e.at("text")),
        Expression::Property(name) => {
            let property = by_name
                .get(name)
                .and_then(|index| properties.get(*index))
                .ok_or_else(|| unknown_name("ontology.property.unknown", "property", name).at("property"))?;
            if property.derived.is_some() {
                return Err(Error::invalid("ontology.derived.of_derived", "a derived property reads stored ones only")
                    .with("property", name)
                    .at("property"));
            }
            let base = &property.data_type.base;
            if !is_unknown(base) && !base.is_scalar() {
                return Err(Error::invalid("ontology.derived.type", "only properties whose values compare are read")
                    .with("found", base.name())
                    .at("property"));
            }
            Ok((!is_unknown(base)).then(|| base.clone()))
        }
        Expression::Lower(part) => is_text(part).map(|()| Some(BaseType::String)).map_err(|e| e.at("lower")),
        Expression::Upper(part) => is_text(part).map(|()| Some(BaseType::String)).map_err(|e| e.at("upper")),
        Expression::Concat(parts) => {
            at_least_one(parts).map_err(|e| e.at("concat"))?;
            for (index, part) in parts.iter().enumerate() {
                is_text(part).map_err(|e| e.at(format!("concat[{index}]")))?;
            }
            Ok(Some(BaseType::String))
        }
        Expression::Coalesce(parts) => {
            at_least_one(parts).map_err(|e| e.at("coalesce"))?;
            let mut result: Option<BaseType> = None;
            for (index, part) in parts.iter().enumerate() {
                let path = |e: Error| e.at(format!("coalesce[{index}]"));
                match (typed(part).map_err(path)?, &result) {
                    (None, _) => return Ok(None),
                    (Some(base), Some(first)) if base != *first => return Err(path(mistyped(&base, first))),
                    (Some(base), _) => result = Some(base),
                }
            }
            Ok(result)
        }
    }
}

fn at_least_one(parts: &[Expression]) -> Result<()> {
    if parts.is_empty() {
        return Err(Error::invalid("ontology.derived.empty", "at least one operand is expected"));
    }
    Ok(())
}
