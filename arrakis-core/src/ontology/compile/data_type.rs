//! Types and constraints, resolved: value types written out, patterns compiled, every constraint fit for its base type.

use std::collections::{HashMap, HashSet};

use regex::{Regex, RegexBuilder};
use serde_json::Value as Json;

use super::faults::Faults;
use super::limit::{
    CONSTRAINTS_MAX, DATA_TYPE_SIZE_MAX, ENUM_VALUES_MAX, PATTERN_LEN_MAX, PATTERN_SIZE_MAX_BYTES, PATTERNS_MAX,
    SCHEMA_SIZE_MAX, STRUCT_FIELDS_MAX, at_most,
};
use super::{order, unknown_name};
use crate::ontology::{NewConstraint, NewDataType, NewField, NewValueType};
use crate::{
    ApiName, BaseType, Constraint, DATA_TYPE_DEPTH_MAX, DECIMAL_PRECISION_MAX, DataType, Error, Field, Result,
    VECTOR_DIMENSION_MAX, Value,
};

/// Resolves the types of one document.
#[derive(Debug, Default)]
pub(in crate::ontology) struct DataTypes {
    /// `None` for one that is declared and has a fault of its own.
    value_types: HashMap<ApiName, Option<DataType>>,
    patterns: HashMap<String, Regex>,
    /// Types, constraints and enum values made so far.
    size: usize,
}

impl DataTypes {
    /// Resolves the value types of a document, those others are made of first.
    pub(in crate::ontology) fn new(value_types: &[NewValueType], faults: &mut Faults) -> Self {
        let mut data_types = Self::default();
        let names: Vec<&ApiName> = value_types.iter().map(|value_type| &value_type.name).collect();
        let parents = |index: usize| {
            value_types.get(index).map(|value_type| value_types_in(&value_type.data_type)).unwrap_or_default()
        };
        let (order, cyclic) = order::parents_first(&names, parents);
        data_types.value_types = names.into_iter().map(|name| (name.clone(), None)).collect();
        for index in order {
            let Some(value_type) = value_types.get(index) else { continue };
            let mark = faults.mark();
            let data_type = data_types.constrained(&value_type.data_type, &value_type.constraints, faults);
            data_types.value_types.insert(value_type.name.clone(), data_type);
            faults.at(mark, || format!("value_types[{index}]"));
        }
        for index in cyclic {
            faults.push(
                Error::invalid("ontology.value_type.cycle", "the value type is made of itself")
                    .at(format!("value_types[{index}].type")),
            );
        }
        data_types
    }

    /// A type with its constraints. What is wrong is noted under `type` and `constraints[…]`; then there is no type.
    pub(in crate::ontology) fn constrained(
        &mut self,
        data_type: &NewDataType,
        constraints: &[NewConstraint],
        faults: &mut Faults,
    ) -> Option<DataType> {
        let mark = faults.mark();
        let resolved = self.resolve(data_type, 0, faults);
        faults.at(mark, || "type".to_owned());
        let mut resolved = resolved?;
        self.constrain(&mut resolved, constraints, faults);
        let size = size(&resolved);
        self.size += size;
        if size > DATA_TYPE_SIZE_MAX {
            faults.push(limit("data type size", size, DATA_TYPE_SIZE_MAX).at("type"));
        } else if self.size > SCHEMA_SIZE_MAX {
            faults.push(limit("schema size", self.size, SCHEMA_SIZE_MAX).at("type"));
        }
        faults.is_clean_since(mark).then_some(resolved)
    }

    /// Adds constraints to a type.
    pub(super) fn constrain(&mut self, data_type: &mut DataType, constraints: &[NewConstraint], faults: &mut Faults) {
        if !at_most(faults, "constraints", data_type.constraints.len() + constraints.len(), CONSTRAINTS_MAX) {
            return;
        }
        for (index, constraint) in constraints.iter().enumerate() {
            let resolved = self.constraint(&data_type.base, constraint);
            if let Some(constraint) = faults.take(resolved.map_err(|e| e.at(format!("constraints[{index}]")))) {
                data_type.constraints.push(constraint);
            }
        }
    }

    fn resolve(&mut self, data_type: &NewDataType, level: usize, faults: &mut Faults) -> Option<DataType> {
        let base = match data_type {
            NewDataType::Boolean => BaseType::Boolean,
            NewDataType::Integer => BaseType::Integer,
            NewDataType::Double => BaseType::Double,
            NewDataType::String => BaseType::String,
            NewDataType::Date => BaseType::Date,
            NewDataType::Timestamp => BaseType::Timestamp,
            NewDataType::Duration => BaseType::Duration,
            NewDataType::Geopoint => BaseType::Geopoint,
            NewDataType::Json => BaseType::Json,
            NewDataType::Attachment => BaseType::Attachment,
            NewDataType::Decimal { precision, scale } => faults.take(decimal(*precision, *scale))?,
            NewDataType::Vector { dimension, metric, space } => {
                if *dimension == 0 || *dimension > VECTOR_DIMENSION_MAX {
                    faults.push(
                        limit("dimension", *dimension as usize, VECTOR_DIMENSION_MAX as usize).at("vector.dimension"),
                    );
                    return None;
                }
                BaseType::Vector { dimension: *dimension, metric: *metric, space: space.clone() }
            }
            NewDataType::Array(element) => return self.array(element, level, faults),
            NewDataType::Struct(fields) => return self.structure(fields, level, faults),
            NewDataType::ValueType(name) => return self.value_type(name, level, faults),
        };
        Some(DataType::of(base))
    }

    fn value_type(&self, name: &ApiName, level: usize, faults: &mut Faults) -> Option<DataType> {
        let Some(data_type) = self.value_types.get(name) else {
            faults.push(unknown_name("ontology.value_type.unknown", "value type", name).at("value_type"));
            return None;
        };
        let data_type = data_type.as_ref()?;
        deep_enough(level + depth(&data_type.base), faults).then(|| data_type.clone())
    }

    fn array(&mut self, element: &NewDataType, level: usize, faults: &mut Faults) -> Option<DataType> {
        if !deep_enough(level + 1, faults) {
            return None;
        }
        let mark = faults.mark();
        let element = self.resolve(element, level + 1, faults);
        if let Some(BaseType::Array(_) | BaseType::Vector { .. }) = element.as_ref().map(|element| &element.base) {
            faults.push(Error::invalid("ontology.data_type.array", "a list of lists or of vectors is no type"));
        }
        faults.at(mark, || "array".to_owned());
        faults.is_clean_since(mark).then(|| element.map(|of| DataType::of(BaseType::Array(Box::new(of)))))?
    }

    fn structure(&mut self, fields: &[NewField], level: usize, faults: &mut Faults) -> Option<DataType> {
        if !deep_enough(level + 1, faults) {
            return None;
        }
        let mark = faults.mark();
        if fields.is_empty() {
            faults.push(Error::invalid("ontology.data_type.struct", "a struct has at least one field").at("struct"));
        }
        if !at_most(faults, "struct", fields.len(), STRUCT_FIELDS_MAX) {
            return None;
        }
        let (mut names, mut resolved, mut total) = (HashSet::new(), Vec::with_capacity(fields.len()), 0);
        for (index, field) in fields.iter().enumerate() {
            let field_mark = faults.mark();
            let data_type = self.resolve(&field.data_type, level + 1, faults);
            faults.at(field_mark, || format!("struct[{index}].type"));
            if !names.insert(&field.name) {
                faults.push(super::duplicate_name("field", &field.name).at(format!("struct[{index}].name")));
            }
            let Some(data_type) = data_type else { continue };
            total += size(&data_type);
            if total > DATA_TYPE_SIZE_MAX {
                faults.push(limit("data type size", total, DATA_TYPE_SIZE_MAX).at("struct"));
                return None;
            }
            resolved.push(Field { api_name: field.name.clone(), data_type, required: field.required });
        }
        faults.is_clean_since(mark).then(|| DataType::of(BaseType::Struct(resolved)))
    }

    fn constraint(&mut self, base: &BaseType, constraint: &NewConstraint) -> Result<Constraint> {
        let misfit = |name: &'static str, fits: &'static str| {
            Error::invalid(
                "ontology.constraint.misfit",
                format!("this constraint is for {fits}, not for a {}", base.name()),
            )
            .with("type", base.name())
            .at(name)
        };
        match constraint {
            NewConstraint::Enum(values) if base.is_scalar() => enumeration(base, values).map_err(|e| e.at("enum")),
            NewConstraint::Enum(_) => Err(misfit("enum", "types whose values compare")),
            NewConstraint::Range { min, max } if base.is_ordered() => {
                range(base, min.as_ref(), max.as_ref()).map_err(|e| e.at("range"))
            }
            NewConstraint::Range { .. } => Err(misfit("range", "types with an order")),
            NewConstraint::Length { min, max } if matches!(base, BaseType::String | BaseType::Array(_)) => {
                let (min, max) = (*min, *max);
                if min.is_none() && max.is_none() || min.zip(max).is_some_and(|(min, max)| min > max) {
                    return Err(empty_bounds().at("length"));
                }
                Ok(Constraint::Length { min, max })
            }
            NewConstraint::Length { .. } => Err(misfit("length", "a string or an array")),
            NewConstraint::Regex(pattern) if base.is_text() => {
                self.pattern(pattern).map(Constraint::Regex).map_err(|e| e.at("regex"))
            }
            NewConstraint::Regex(_) => Err(misfit("regex", "a string")),
            NewConstraint::Format(format) if base.is_text() => Ok(Constraint::Format(*format)),
            NewConstraint::Format(_) => Err(misfit("format", "a string")),
        }
    }

    fn pattern(&mut self, pattern: &str) -> Result<Regex> {
        if let Some(regex) = self.patterns.get(pattern) {
            return Ok(regex.clone());
        }
        if pattern.len() > PATTERN_LEN_MAX {
            return Err(limit("pattern length", pattern.len(), PATTERN_LEN_MAX));
        }
        if self.patterns.len() >= PATTERNS_MAX {
            return Err(limit("patterns", PATTERNS_MAX + 1, PATTERNS_MAX));
        }
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_MAX_BYTES).build().map_err(|e| {
                Error::invalid("ontology.constraint.pattern", "the pattern cannot be compiled")
                    .with("size_max_bytes", PATTERN_SIZE_MAX_BYTES)
                    .caused_by(e)
            })
        };
        // Alone first: `a)|(b` is no pattern, though it would be one between the anchors.
        compile(pattern)?;
        let regex = compile(&format!("^(?:{pattern})$"))?;
        self.patterns.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }
}

fn limit(what: &'static str, count: usize, max: usize) -> Error {
    Error::invalid("ontology.limit", "it is too large").with("limit", what).with("count", count).with("max", max)
}

fn decimal(precision: u8, scale: u8) -> Result<BaseType> {
    if precision == 0 || precision > DECIMAL_PRECISION_MAX || scale > precision {
        return Err(Error::invalid(
            "ontology.data_type.decimal",
            "a decimal has 1 to 18 digits, and no more after the point than in all",
        )
        .with("precision_max", DECIMAL_PRECISION_MAX)
        .at("decimal"));
    }
    Ok(BaseType::Decimal { precision, scale })
}

fn enumeration(base: &BaseType, values: &[Json]) -> Result<Constraint> {
    if values.is_empty() || values.len() > ENUM_VALUES_MAX {
        return Err(limit("enum values", values.len(), ENUM_VALUES_MAX));
    }
    let (mut allowed, mut seen) = (Vec::with_capacity(values.len()), HashSet::new());
    for (index, json) in values.iter().enumerate() {
        let value = read_present(base, json).map_err(|e| e.at(format!("[{index}]")))?;
        if !seen.insert(value.to_json().to_string()) {
            return Err(
                Error::invalid("ontology.constraint.duplicate", "the value is listed twice").at(format!("[{index}]"))
            );
        }
        allowed.push(value);
    }
    Ok(Constraint::Enum(allowed))
}

fn range(base: &BaseType, min: Option<&Json>, max: Option<&Json>) -> Result<Constraint> {
    let read = |name: &'static str, json: Option<&Json>| {
        json.map(|json| read_present(base, json)).transpose().map_err(|e| e.at(name))
    };
    let (min, max) = (read("min", min)?, read("max", max)?);
    let crossed = min.as_ref().zip(max.as_ref()).is_some_and(|(min, max)| min.compare(max).is_gt());
    if crossed || min.is_none() && max.is_none() { Err(empty_bounds()) } else { Ok(Constraint::Range { min, max }) }
}

fn empty_bounds() -> Error {
    Error::invalid("ontology.constraint.bounds", "a min or a max is expected, and the min not above the max")
}

fn read_present(base: &BaseType, json: &Json) -> Result<Value> {
    match base.read(json)? {
        Value::Null => Err(Error::invalid("ontology.constraint.null", "a value is expected, not null")),
        value => Ok(value),
    }
}

fn deep_enough(depth: usize, faults: &mut Faults) -> bool {
    if depth > DATA_TYPE_DEPTH_MAX {
        faults.push(
            Error::invalid("ontology.data_type.too_deep", "the type nests too deep")
                .with("depth_max", DATA_TYPE_DEPTH_MAX),
        );
    }
    depth <= DATA_TYPE_DEPTH_MAX
}

/// How many arrays and structs lie within each other.
fn depth(base: &BaseType) -> usize {
    match base {
        BaseType::Array(element) => 1 + depth(&element.base),
        BaseType::Struct(fields) => 1 + fields.iter().map(|field| depth(&field.data_type.base)).max().unwrap_or(0),
        _ => 0,
    }
}

/// How many types, constraints and enum values a type is made of.
fn size(data_type: &DataType) -> usize {
    let constraints: usize = data_type
        .constraints
        .iter()
        .map(|constraint| if let Constraint::Enum(values) = constraint { values.len() } else { 1 })
        .sum();
    let inner: usize = match &data_type.base {
        BaseType::Array(element) => size(element),
        BaseType::Struct(fields) => fields.iter().map(|field| size(&field.data_type)).sum(),
        _ => 0,
    };
    1 + constraints + inner
}

fn value_types_in(data_type: &NewDataType) -> Vec<&ApiName> {
    match data_type {
        NewDataType::ValueType(name) => vec![name],
        NewDataType::Array(element) => value_types_in(element),
        NewDataType::Struct(fields) => fields.iter().flat_map(|field| value_types_in(&field.data_type)).collect(),
        _ => Vec::new(),
    }
}
