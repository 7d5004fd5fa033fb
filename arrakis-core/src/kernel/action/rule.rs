//! What an action comes to: its criteria judged, its rules as edits, its effects as events. Pure.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::parameter::Named;
use super::{ActionLimits, Arguments};
use crate::commit::{Event, ObjectRef};
use crate::kernel::{Edit, NewProperties};
use crate::ontology::{
    ActionEffect, ActionRule, ActionType, Computed, Endpoint, Inputs, LinkType, ObjectType, ParameterObject,
    ParameterType, Property, Schema,
};
use crate::{Actor, ApiName, Error, Key, LinkTypeId, ObjectTypeId, Precondition, Result, Timestamp, Value};

/// One call of an action, everything it needs at hand.
#[derive(Debug)]
pub(in crate::kernel) struct Run<'a> {
    pub(in crate::kernel) schema: &'a Schema,
    pub(in crate::kernel) action_type: &'a ActionType,
    pub(in crate::kernel) arguments: &'a Arguments,
    pub(in crate::kernel) actor: &'a Actor,
    pub(in crate::kernel) now: Timestamp,
    /// The objects whose properties were read, by parameter and position: what was decided depends on them.
    seen: RefCell<BTreeSet<(usize, usize)>>,
}

/// What a value is computed from: the call, and the object a rule modifies.
struct Standing<'r, 'a> {
    run: &'r Run<'a>,
    /// The parameter and position of the object a rule modifies.
    own: Option<(usize, usize)>,
}

impl Inputs for Standing<'_, '_> {
    fn parameter(&self, index: usize) -> &Value {
        self.run.arguments.given.get(index).map_or(&Value::Null, |given| &given.value)
    }

    fn parameter_property(&self, index: usize, property: &ApiName) -> Value {
        self.run.property_of((index, 0), property)
    }

    fn property(&self, property: &ApiName) -> Value {
        self.own.map(|own| self.run.property_of(own, property)).unwrap_or_default()
    }

    fn actor(&self) -> &Actor {
        self.run.actor
    }

    fn now(&self) -> Timestamp {
        self.run.now
    }
}

impl<'a> Run<'a> {
    pub(in crate::kernel) fn new(
        (schema, action_type): (&'a Schema, &'a ActionType),
        arguments: &'a Arguments,
        (actor, now): (&'a Actor, Timestamp),
    ) -> Self {
        Self { schema, action_type, arguments, actor, now, seen: RefCell::default() }
    }

    fn standing(&self) -> Standing<'_, 'a> {
        Standing { run: self, own: None }
    }

    fn named(&self, (parameter, position): (usize, usize)) -> Option<&'a Named> {
        self.arguments.given.get(parameter)?.objects.get(position)
    }

    fn property_of(&self, place: (usize, usize), property: &ApiName) -> Value {
        let index = self.named(place).and_then(|named| Some((named, self.own_property(place.0, named, property)?)));
        let Some((named, index)) = index else { return Value::Null };
        self.seen.borrow_mut().insert(place);
        let values = named.object.as_ref().map(|object| object.properties.values());
        values.and_then(|values| values.get(index)).cloned().unwrap_or_default()
    }

    /// The index, in the object's own type, of a property by the name it has in the parameter's type or interface.
    fn own_property(&self, parameter: usize, named: &Named, property: &ApiName) -> Option<usize> {
        match &self.action_type.parameters.get(parameter)?.parameter_type {
            ParameterType::Value(_) => None,
            ParameterType::Object(of) | ParameterType::ObjectList(of) | ParameterType::ObjectSet(of) => match of {
                ParameterObject::Type(_) => named.object_type.index_of(property.as_str()),
                ParameterObject::Interface(interface) => {
                    let (position, _) =
                        self.schema.interface(interface.as_str()).ok()?.property(property.as_str()).ok()?;
                    let known = named.object_type.interfaces.iter().find(|known| known.interface == *interface)?;
                    known.properties.get(position).copied()
                }
            },
        }
    }

    /// Whether each criterion holds.
    pub(in crate::kernel) fn criteria(&self) -> Vec<Result<bool>> {
        self.action_type.criteria.iter().map(|criterion| criterion.condition.holds(&self.standing())).collect()
    }

    /// The edits the rules ask for, in order.
    ///
    /// # Errors
    /// `kernel.action.too_large`; what cannot be computed, under `rules[…]`.
    pub(in crate::kernel) fn edits(&self, limits: ActionLimits) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        for (index, rule) in self.action_type.rules.iter().enumerate() {
            self.rule(rule, &mut edits).map_err(|e| e.at(format!("rules[{index}]")))?;
            check_size(edits.len(), limits)?;
        }
        Ok(edits)
    }

    fn rule(&self, rule: &ActionRule, edits: &mut Vec<Edit>) -> Result<()> {
        match rule {
            ActionRule::CreateObject { object_type, set } => {
                let (object_type, properties) = self.whole(*object_type, set)?;
                edits.push(Edit::Create { object_type, properties });
            }
            ActionRule::CreateOrModifyObject { object_type, set } => {
                let (object_type, properties) = self.whole(*object_type, set)?;
                edits.push(Edit::Upsert { object_type, properties, expect: None });
            }
            ActionRule::ModifyObject { parameter, set } => {
                for (position, named) in self.objects(*parameter).iter().enumerate() {
                    let properties = self.modified((*parameter, position), named, set)?;
                    let (object_type, key) = (named.object_type.api_name.to_string(), named.key.clone());
                    edits.push(Edit::Modify { object_type, key, properties, expect: None });
                }
            }
            ActionRule::DeleteObject { parameter } => {
                edits.extend(self.objects(*parameter).iter().map(|named| {
                    let (object_type, key) = (named.object_type.api_name.to_string(), named.key.clone());
                    Edit::Delete { object_type, key, expect: None }
                }));
            }
            ActionRule::CreateLink { link_type, source, target, set } => {
                let link_type = self.link_type(*link_type)?;
                let properties = self.set(set, &link_type.properties)?;
                for (source, target) in self.ends(source, target)? {
                    let (link_type, properties) = (link_type.api_name.to_string(), properties.clone());
                    edits.push(Edit::Link { link_type, source, target, properties, expect: None });
                }
            }
            ActionRule::DeleteLink { link_type, source, target } => {
                let link_type = self.link_type(*link_type)?;
                for (source, target) in self.ends(source, target)? {
                    let link_type = link_type.api_name.to_string();
                    edits.push(Edit::Unlink { link_type, source, target, expect: None });
                }
            }
        }
        Ok(())
    }

    fn objects(&self, parameter: usize) -> &'a [Named] {
        self.arguments.given.get(parameter).map_or(&[], |given| &given.objects)
    }

    fn object_type(&self, id: ObjectTypeId) -> Result<&'a ObjectType> {
        self.schema.object_type_by_id(id).map(|object_type| &**object_type).ok_or_else(inconsistent)
    }

    fn link_type(&self, id: LinkTypeId) -> Result<&'a LinkType> {
        self.schema.link_type_by_id(id).map(|link_type| &**link_type).ok_or_else(inconsistent)
    }

    fn whole(&self, id: ObjectTypeId, set: &[(usize, Computed)]) -> Result<(String, NewProperties)> {
        let object_type = self.object_type(id)?;
        Ok((object_type.api_name.to_string(), self.set(set, &object_type.properties)?))
    }

    fn set(&self, set: &[(usize, Computed)], properties: &[Property]) -> Result<NewProperties> {
        let mut values = Map::new();
        for (index, computed) in set {
            let property = properties.get(*index).ok_or_else(inconsistent)?;
            insert(&mut values, property, computed, &self.standing())?;
        }
        Ok(values.into())
    }

    fn modified(&self, place: (usize, usize), named: &Named, set: &[(ApiName, Computed)]) -> Result<NewProperties> {
        let standing = Standing { run: self, own: Some(place) };
        let mut values = Map::new();
        for (name, computed) in set {
            let index = self.own_property(place.0, named, name).ok_or_else(inconsistent)?;
            let property = named.object_type.properties.get(index).ok_or_else(inconsistent)?;
            insert(&mut values, property, computed, &standing)?;
        }
        Ok(values.into())
    }

    fn ends(&self, source: &Endpoint, target: &Endpoint) -> Result<Vec<(Key, Key)>> {
        let sources = self.end(source).map_err(|e| e.at("source"))?;
        let targets = self.end(target).map_err(|e| e.at("target"))?;
        let pairs = |source: &Key| targets.iter().map(|target| (source.clone(), target.clone())).collect::<Vec<_>>();
        Ok(sources.iter().flat_map(pairs).collect())
    }

    fn end(&self, end: &Endpoint) -> Result<Vec<Key>> {
        match end {
            Endpoint::Objects(parameter) => {
                Ok(self.objects(*parameter).iter().map(|named| named.key.clone()).collect())
            }
            Endpoint::Key(computed) => {
                let value = computed.evaluate(&self.standing())?;
                let key = Key::from_value(&value).ok_or_else(|| {
                    Error::invalid("kernel.key.length", "a key is an integer or a string of 1 to 512 bytes")
                        .with("length_max", crate::KEY_LEN_MAX)
                })?;
                Ok(vec![key])
            }
        }
    }

    /// The events the effects ask for.
    ///
    /// # Errors
    /// What cannot be computed, under `effects[…]`.
    pub(in crate::kernel) fn events(&self) -> Result<Vec<Event>> {
        let effects = self.action_type.effects.iter().enumerate();
        effects.map(|(index, effect)| self.event(effect).map_err(|e| e.at(format!("effects[{index}]")))).collect()
    }

    fn event(&self, effect: &ActionEffect) -> Result<Event> {
        let ActionEffect::Event { event_type, subject, data } = effect;
        let subject = match subject.and_then(|parameter| self.objects(parameter).first()) {
            Some(named) => format!("{}/{}", named.object_type.api_name, named.key),
            None => self.action_type.api_name.to_string(),
        };
        let mut values = Map::new();
        for each in data {
            let value = each.value.evaluate(&self.standing()).map_err(|e| e.at(&each.api_name).at("data"))?;
            values.insert(each.api_name.to_string(), value.to_json_as(&each.base));
        }
        Ok(Event { r#type: event_type.as_str().into(), subject: subject.into(), data: Json::Object(values) })
    }

    /// That what was decided still holds: the objects whose properties were read are as they were.
    pub(in crate::kernel) fn unchanged(&self) -> Vec<Precondition> {
        let seen = self.seen.borrow();
        let named = seen.iter().filter_map(|place| self.named(*place));
        let at = |named: &Named| {
            let object = ObjectRef { object_type: std::sync::Arc::clone(&named.object_type), key: named.key.clone() };
            Some(Precondition::At(object, named.object.as_ref()?.revision))
        };
        named.filter_map(at).collect()
    }
}

fn insert(
    values: &mut Map<String, Json>,
    property: &Property,
    computed: &Computed,
    inputs: &Standing<'_, '_>,
) -> Result<()> {
    let value = computed.evaluate(inputs).map_err(|e| e.at(&property.api_name).at("properties"))?;
    values.insert(property.api_name.to_string(), value.to_json_as(&property.data_type.base));
    Ok(())
}

fn inconsistent() -> Error {
    Error::internal("schema.inconsistent", "an action of a type its schema does not have")
}

/// Passes when an action may have so many edits.
///
/// # Errors
/// `kernel.action.too_large`, with the limit.
pub(in crate::kernel) fn check_size(edits: usize, limits: ActionLimits) -> Result<()> {
    if edits <= limits.edits {
        return Ok(());
    }
    Err(Error::invalid("kernel.action.too_large", "the action makes too many edits")
        .with("edits", edits)
        .with("edits_max", limits.edits))
}

/// Passes when edits are of so many types.
///
/// # Errors
/// `kernel.action.too_many_types`, with the limit.
pub(in crate::kernel) fn check_types(edits: &[Edit], limits: ActionLimits) -> Result<()> {
    let types: BTreeSet<&str> = edits.iter().map(Edit::type_name).collect();
    if types.len() <= limits.types {
        return Ok(());
    }
    Err(Error::invalid("kernel.action.too_many_types", "the action edits too many types")
        .with("types", types.len())
        .with("types_max", limits.types))
}
