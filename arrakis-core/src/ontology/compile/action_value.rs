//! The values an action computes with: what they name exists, and their types fit where they are used.

use std::collections::HashMap;

use super::interface::Draft;
use super::limit::{ENUM_VALUES_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_SIZE_MAX};
use super::property::is_unknown;
use super::unknown_name;
use crate::ontology::{ActionValue, Condition, LinkType, ObjectType, Parameter, ParameterObject, ParameterType};
use crate::{ApiName, BaseType, DataType, Error, ObjectTypeId, Result};

/// The types of the document, for what actions name.
#[derive(Debug)]
pub(super) struct Elements<'a, 'd> {
    pub(super) object_types: &'d [ObjectType],
    pub(super) link_types: &'d [LinkType],
    pub(super) drafts: &'d HashMap<&'a ApiName, Draft<'a>>,
    pub(super) by_name: &'d HashMap<&'a ApiName, usize>,
    pub(super) links_by_name: HashMap<&'d ApiName, usize>,
    pub(super) by_id: HashMap<ObjectTypeId, usize>,
}

impl<'d> Elements<'_, 'd> {
    pub(super) fn object_type(&self, name: &ApiName) -> Option<&'d ObjectType> {
        self.by_name.get(name).and_then(|index| self.object_types.get(*index))
    }

    pub(super) fn object_type_by_id(&self, id: ObjectTypeId) -> Option<&'d ObjectType> {
        self.by_id.get(&id).and_then(|index| self.object_types.get(*index))
    }

    pub(super) fn link_type(&self, name: &ApiName) -> Option<&'d LinkType> {
        self.links_by_name.get(name).and_then(|index| self.link_types.get(*index))
    }
}

/// What the values of one action may name.
#[derive(Debug)]
pub(super) struct ActionScope<'a, 'd, 't> {
    pub(super) types: &'t Elements<'a, 'd>,
    /// `None` for one that has a fault of its own.
    pub(super) parameters: HashMap<&'t ApiName, Option<&'t Parameter>>,
}

/// A type with whether a value is certainly there. No type where what it comes from is faulty itself.
#[derive(Debug)]
struct Typed {
    base: Option<BaseType>,
    present: bool,
}

const ABSENT: &str = "ontology.action.may_be_absent";

impl ActionScope<'_, '_, '_> {
    fn parameter(&self, name: &ApiName) -> Result<Option<&Parameter>> {
        self.parameters.get(name).copied().ok_or_else(|| unknown_name("ontology.parameter.unknown", "parameter", name))
    }

    /// The parameter of that name, which is one object or a list of them. `None` when it has a fault of its own.
    pub(super) fn objects(&self, name: &ApiName) -> Result<Option<(&Parameter, &ParameterObject)>> {
        let Some(parameter) = self.parameter(name)? else { return Ok(None) };
        match &parameter.parameter_type {
            ParameterType::Object(object) | ParameterType::ObjectList(object) => Ok(Some((parameter, object))),
            ParameterType::Value(_) | ParameterType::ObjectSet(_) => {
                Err(Error::invalid("ontology.parameter.object", "the parameter is no object and no list of objects")
                    .with("parameter", name))
            }
        }
    }

    /// The parameter of that name, which is one object.
    pub(super) fn object(&self, name: &ApiName) -> Result<Option<(&Parameter, &ParameterObject)>> {
        match self.objects(name)? {
            Some((parameter, _)) if matches!(parameter.parameter_type, ParameterType::ObjectList(_)) => {
                Err(Error::invalid("ontology.parameter.object", "the parameter is a list, not one object")
                    .with("parameter", name))
            }
            found => Ok(found),
        }
    }

    /// The type of a value, `None` for a literal, whose type is where it is used.
    fn typed(&self, value: &ActionValue) -> Result<Option<Typed>> {
        Ok(Some(match value {
            ActionValue::Literal(_) => return Ok(None),
            ActionValue::Actor => Typed { base: Some(BaseType::String), present: true },
            ActionValue::Now => Typed { base: Some(BaseType::Timestamp), present: true },
            ActionValue::Parameter(name) => {
                let Some(parameter) = self.parameter(name).map_err(|e| e.at("parameter"))? else {
                    return Ok(Some(Typed { base: None, present: true }));
                };
                let present = parameter.required || parameter.default.is_some();
                let base = match &parameter.parameter_type {
                    ParameterType::Value(data_type) => Some(data_type.base.clone()),
                    ParameterType::Object(ParameterObject::Type(id)) => {
                        self.types.object_type_by_id(*id).and_then(key_base)
                    }
                    ParameterType::Object(ParameterObject::Interface(_))
                    | ParameterType::ObjectList(_)
                    | ParameterType::ObjectSet(_) => {
                        return Err(Error::invalid(
                            "ontology.action.no_value",
                            "objects of an interface, lists and sets of objects are no values",
                        )
                        .with("parameter", name)
                        .at("parameter"));
                    }
                };
                Typed { base, present }
            }
            ActionValue::ParameterProperty { parameter, property } => {
                self.property(parameter, property).map_err(|e| e.at("parameter_property"))?
            }
        }))
    }

    fn property(&self, parameter: &ApiName, property: &ApiName) -> Result<Typed> {
        let Some((parameter, object)) = self.object(parameter).map_err(|e| e.at("parameter"))? else {
            return Ok(Typed { base: None, present: true });
        };
        let (data_type, required) = match object {
            ParameterObject::Type(id) => {
                let Some(object_type) = self.types.object_type_by_id(*id) else {
                    return Ok(Typed { base: None, present: true });
                };
                let found = object_type.index_of(property.as_str()).and_then(|index| object_type.properties.get(index));
                let found = found.ok_or_else(|| {
                    unknown_name("ontology.property.unknown", "property", property)
                        .with("object_type", &object_type.api_name)
                        .at("property")
                })?;
                (&found.data_type, found.required)
            }
            ParameterObject::Interface(name) => {
                let Some(draft) = self.types.drafts.get(name).filter(|draft| draft.sound) else {
                    return Ok(Typed { base: None, present: true });
                };
                let (_, found) = draft.interface.property(property.as_str()).map_err(|_| {
                    unknown_name("ontology.property.unknown", "property", property)
                        .with("interface", name)
                        .at("property")
                })?;
                (&found.data_type, found.required)
            }
        };
        let base = (!is_unknown(&data_type.base)).then(|| data_type.base.clone());
        Ok(Typed { base, present: required && parameter.required })
    }

    /// Judges a value that has some type, or a literal.
    pub(super) fn any_type(&self, value: &ActionValue) -> Result<()> {
        self.typed(value).map(|_| ())
    }

    /// Judges a value used where one of this type is expected.
    pub(super) fn fits(&self, value: &ActionValue, expected: &DataType, must_be_present: bool) -> Result<()> {
        if is_unknown(&expected.base) {
            return self.any_type(value);
        }
        let present = match (self.typed(value)?, value) {
            (None, ActionValue::Literal(json)) => !expected.read(json).map_err(|e| e.at("literal"))?.is_null(),
            (Some(Typed { base: Some(base), .. }), _) if !base.is_stored_as(&expected.base) => {
                return Err(mistyped(&base, &expected.base));
            }
            (Some(typed), _) => typed.present,
            (None, _) => true,
        };
        if must_be_present && !present {
            return Err(Error::invalid(ABSENT, "the value may be absent where one is required: require the parameter"));
        }
        Ok(())
    }
}

pub(super) fn key_base(object_type: &ObjectType) -> Option<BaseType> {
    object_type.key_property().ok().map(|key| key.data_type.base.clone()).filter(|base| !is_unknown(base))
}

fn mistyped(found: &BaseType, expected: &BaseType) -> Error {
    Error::invalid(
        "ontology.action.type",
        format!("a value of type {} is expected, not of type {}", expected.name(), found.name()),
    )
    .with("expected", expected.name())
    .with("found", found.name())
}

/// Judges a condition.
pub(super) fn check_condition(
    condition: &Condition,
    scope: &ActionScope<'_, '_, '_>,
    depth: usize,
    size: &mut usize,
) -> Result<()> {
    *size += 1;
    if depth > EXPRESSION_DEPTH_MAX || *size > EXPRESSION_SIZE_MAX {
        return Err(Error::invalid("ontology.condition.too_large", "the condition is too large")
            .with("depth_max", EXPRESSION_DEPTH_MAX)
            .with("size_max", EXPRESSION_SIZE_MAX));
    }
    match condition {
        Condition::And(all) => check_all(all, scope, depth, size).map_err(|e| e.at("and")),
        Condition::Or(any) => check_all(any, scope, depth, size).map_err(|e| e.at("or")),
        Condition::Not(inner) => check_condition(inner, scope, depth + 1, size).map_err(|e| e.at("not")),
        Condition::Eq(a, b) => compare(a, b, false, scope).map_err(|e| e.at("eq")),
        Condition::Ne(a, b) => compare(a, b, false, scope).map_err(|e| e.at("ne")),
        Condition::Lt(a, b) => compare(a, b, true, scope).map_err(|e| e.at("lt")),
        Condition::Lte(a, b) => compare(a, b, true, scope).map_err(|e| e.at("lte")),
        Condition::Gt(a, b) => compare(a, b, true, scope).map_err(|e| e.at("gt")),
        Condition::Gte(a, b) => compare(a, b, true, scope).map_err(|e| e.at("gte")),
        Condition::In(value, listed) => {
            let judge = || {
                if listed.is_empty() || listed.len() > ENUM_VALUES_MAX {
                    return Err(Error::invalid("ontology.limit", "a list of 1 to 1000 values is expected")
                        .with("limit", "listed values")
                        .with("count", listed.len())
                        .with("max", ENUM_VALUES_MAX)
                        .at("[1]"));
                }
                let typed = scope.typed(value).map_err(|e| e.at("[0]"))?.ok_or_else(two_literals)?;
                let Some(base) = typed.base else { return Ok(()) };
                comparable(&base, false).map_err(|e| e.at("[0]"))?;
                listed.iter().enumerate().try_for_each(|(index, json)| {
                    base.read(json).map(|_| ()).map_err(|e| e.at(format!("[1][{index}]")))
                })
            };
            judge().map_err(|e| e.at("in"))
        }
        Condition::IsNull(value) => match scope.typed(value).map_err(|e| e.at("is_null"))? {
            Some(_) => Ok(()),
            None => Err(two_literals().at("is_null")),
        },
    }
}

fn check_all(conditions: &[Condition], scope: &ActionScope<'_, '_, '_>, depth: usize, size: &mut usize) -> Result<()> {
    if conditions.is_empty() {
        return Err(Error::invalid("ontology.condition.empty", "at least one condition is expected"));
    }
    conditions.iter().enumerate().try_for_each(|(index, condition)| {
        check_condition(condition, scope, depth + 1, size).map_err(|e| e.at(format!("[{index}]")))
    })
}

fn compare(a: &ActionValue, b: &ActionValue, ordered: bool, scope: &ActionScope<'_, '_, '_>) -> Result<()> {
    let typed = |value: &ActionValue, at: &'static str| scope.typed(value).map_err(|e| e.at(at));
    let (base, against, path) = match (typed(a, "[0]")?, typed(b, "[1]")?) {
        (None, None) => return Err(two_literals()),
        (Some(Typed { base: Some(base), .. }), _) => (base, b, "[1]"),
        (None, Some(Typed { base: Some(base), .. })) => (base, a, "[0]"),
        (Some(_) | None, _) => return Ok(()),
    };
    comparable(&base, ordered)?;
    scope.fits(against, &DataType::of(base), false).map_err(|e| e.at(path))
}

fn comparable(base: &BaseType, ordered: bool) -> Result<()> {
    if base.is_scalar() && (!ordered || base.is_ordered()) {
        return Ok(());
    }
    Err(Error::invalid("ontology.condition.type", "values of this type do not compare so").with("type", base.name()))
}

fn two_literals() -> Error {
    Error::invalid(
        "ontology.condition.constant",
        "a condition is over a parameter or the actor, not over literals alone",
    )
}
