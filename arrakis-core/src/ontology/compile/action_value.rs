//! The values an action computes with: what they name exists, and their types fit where they are used.

use std::collections::HashMap;

use super::action_shape::{Form, Kind, Shape};
use super::interface::Draft;
use super::limit::{EXPRESSION_DEPTH_MAX, EXPRESSION_SIZE_MAX};
use super::property::is_unknown;
use super::unknown_name;
use crate::ontology::action_value::Part;
use crate::ontology::{ActionValue, Computed, LinkType, ObjectType, Parameter, ParameterObject, ParameterType};
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
#[derive(Clone, Copy, Debug)]
pub(super) struct ActionScope<'a, 'd, 't> {
    pub(super) types: &'t Elements<'a, 'd>,
    /// By name, with their indexes. `None` for one that has a fault of its own.
    pub(super) parameters: &'t HashMap<&'t ApiName, (usize, Option<&'t Parameter>)>,
    /// What the rule modifies, in a rule that does.
    pub(super) modified: Option<&'t ParameterObject>,
}

/// A property as values see it: its type, `None` where it is faulty itself, and whether it is required.
type Seen = (Option<BaseType>, bool);

impl<'t> ActionScope<'_, '_, 't> {
    fn parameter(&self, name: &ApiName) -> Result<(usize, Option<&'t Parameter>)> {
        self.parameters.get(name).copied().ok_or_else(|| unknown_name("ontology.parameter.unknown", "parameter", name))
    }

    /// The parameter of that name, which is one object, a list or a set of them. Nothing but its index when it has a fault of its own.
    pub(super) fn objects(&self, name: &ApiName) -> Result<(usize, Option<(&'t Parameter, &'t ParameterObject)>)> {
        let (index, Some(parameter)) = self.parameter(name)? else { return Ok((0, None)) };
        match &parameter.parameter_type {
            ParameterType::Object(object) | ParameterType::ObjectList(object) | ParameterType::ObjectSet(object) => {
                Ok((index, Some((parameter, object))))
            }
            ParameterType::Value(_) => {
                Err(Error::invalid("ontology.parameter.object", "the parameter is no object and gives none")
                    .with("parameter", name))
            }
        }
    }

    /// The parameter of that name, which is one object.
    pub(super) fn object(&self, name: &ApiName) -> Result<(usize, Option<(&'t Parameter, &'t ParameterObject)>)> {
        match self.objects(name)? {
            (_, Some((parameter, _))) if !matches!(parameter.parameter_type, ParameterType::Object(_)) => {
                Err(Error::invalid("ontology.parameter.object", "the parameter is several objects, not one")
                    .with("parameter", name))
            }
            found => Ok(found),
        }
    }

    /// A value that names something, with the type of what it names.
    pub(super) fn named<'v>(&self, value: &'v ActionValue) -> Result<Shape<'v>> {
        match value {
            ActionValue::Parameter(name) => self.parameter_value(name).map_err(|e| e.at("parameter")),
            ActionValue::ParameterProperty { parameter, property } => {
                self.parameter_property(parameter, property).map_err(|e| e.at("parameter_property"))
            }
            ActionValue::Property(name) => {
                let found = self.modified.ok_or_else(|| {
                    Error::invalid(
                        "ontology.action.no_object",
                        "a property is that of the object a modify_object rule modifies: here is none",
                    )
                    .with("property", name)
                });
                let (base, required) =
                    found.and_then(|object| self.property_of(object, name)).map_err(|e| e.at("property"))?;
                Ok(leaf(base, required, Computed::Property(name.clone())))
            }
            ActionValue::Now => Ok(leaf(Some(BaseType::Timestamp), true, Computed::Now)),
            _ => Ok(leaf(Some(BaseType::String), true, Computed::Actor)),
        }
    }

    fn parameter_value<'v>(&self, name: &ApiName) -> Result<Shape<'v>> {
        let (index, Some(parameter)) = self.parameter(name)? else { return Ok(Shape::unknown()) };
        let base = match &parameter.parameter_type {
            ParameterType::Value(data_type) => Some(data_type.base.clone()),
            ParameterType::Object(ParameterObject::Type(id)) => self.types.object_type_by_id(*id).and_then(key_base),
            ParameterType::Object(ParameterObject::Interface(_))
            | ParameterType::ObjectList(_)
            | ParameterType::ObjectSet(_) => {
                return Err(Error::invalid(
                    "ontology.action.no_value",
                    "objects of an interface, lists and sets of objects are no values",
                )
                .with("parameter", name));
            }
        };
        Ok(leaf(base, parameter.required || parameter.default.is_some(), Computed::Parameter(index)))
    }

    fn parameter_property<'v>(&self, name: &ApiName, property: &ApiName) -> Result<Shape<'v>> {
        let (index, Some((parameter, object))) = self.object(name).map_err(|e| e.at("parameter"))? else {
            return Ok(Shape::unknown());
        };
        let (base, required) = self.property_of(object, property).map_err(|e| e.at("property"))?;
        let computed = Computed::ParameterProperty { parameter: index, property: property.clone() };
        Ok(leaf(base, required && parameter.required, computed))
    }

    fn property_of(&self, object: &ParameterObject, name: &ApiName) -> Result<Seen> {
        let (data_type, required) = match object {
            ParameterObject::Type(id) => {
                let Some(object_type) = self.types.object_type_by_id(*id) else { return Ok((None, true)) };
                let found = object_type.index_of(name.as_str()).and_then(|index| object_type.properties.get(index));
                let found = found.ok_or_else(|| {
                    unknown_name("ontology.property.unknown", "property", name)
                        .with("object_type", &object_type.api_name)
                })?;
                (&found.data_type, found.required)
            }
            ParameterObject::Interface(interface) => {
                let draft = self.types.drafts.get(interface).filter(|draft| draft.sound);
                let Some(draft) = draft else { return Ok((None, true)) };
                let (_, found) = draft.interface.property(name.as_str()).map_err(|_| {
                    unknown_name("ontology.property.unknown", "property", name).with("interface", interface)
                })?;
                (&found.data_type, found.required)
            }
        };
        Ok(((!is_unknown(&data_type.base)).then(|| data_type.base.clone()), required))
    }

    /// A value of any type, with its type: JSON for a literal.
    pub(super) fn any_type(&self, value: &ActionValue) -> Result<(Computed, BaseType)> {
        check_extent(Part::Value(value))?;
        let shape = self.shape(value)?;
        let base = match &shape.kind {
            Kind::Known(base) => base.clone(),
            Kind::Literal | Kind::Unknown => BaseType::Json,
        };
        Ok((shape.build(&base)?, base))
    }

    /// A value used where one of this type is expected.
    pub(super) fn fits(&self, value: &ActionValue, expected: &DataType, must_be_present: bool) -> Result<Computed> {
        if is_unknown(&expected.base) {
            return self.any_type(value).map(|(computed, _)| computed);
        }
        let (computed, present) = if let ActionValue::Literal(json) = value {
            let literal = expected.read(json).map_err(|e| e.at("literal"))?;
            let present = !literal.is_null();
            (Computed::Literal(literal), present)
        } else {
            check_extent(Part::Value(value))?;
            let shape = self.shape(value)?;
            let present = shape.present;
            (shape.build(&expected.base)?, present)
        };
        if must_be_present && !present {
            return Err(Error::invalid(
                "ontology.action.may_be_absent",
                "the value may be absent where one is required: require the parameter",
            ));
        }
        Ok(computed)
    }
}

fn leaf<'v>(base: Option<BaseType>, present: bool, computed: Computed) -> Shape<'v> {
    let Some(base) = base else { return Shape::unknown() };
    let least = if let BaseType::Decimal { scale, .. } = base { scale } else { 0 };
    Shape { kind: Kind::Known(base), least, present, form: Form::Leaf(computed) }
}

pub(super) fn key_base(object_type: &ObjectType) -> Option<BaseType> {
    object_type.key_property().ok().map(|key| key.data_type.base.clone()).filter(|base| !is_unknown(base))
}

/// Refuses what nests too deep or has too many parts.
pub(super) fn check_extent(part: Part<'_>) -> Result<()> {
    let code = match part {
        Part::Condition(_) => "ontology.condition.too_large",
        Part::Value(_) => "ontology.action.too_large",
    };
    extent(part, 1, &mut 0, code)
}

fn extent(part: Part<'_>, depth: usize, size: &mut usize, code: &'static str) -> Result<()> {
    *size += 1;
    let parts = part.parts();
    // What a condition or an operator is over does not nest it.
    let nests = matches!(part, Part::Condition(_)) || !parts.is_empty();
    if nests && depth > EXPRESSION_DEPTH_MAX || *size > EXPRESSION_SIZE_MAX {
        return Err(Error::invalid(code, "there is too much in it")
            .with("depth_max", EXPRESSION_DEPTH_MAX)
            .with("size_max", EXPRESSION_SIZE_MAX));
    }
    parts.into_iter().try_for_each(|(path, part)| extent(part, depth + 1, size, code).map_err(|e| e.at(path)))
}
