//! What rules may say of whoever acts: `$actor.id`, `$actor.groups`, and the attributes a policy declares.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Policy, Subject};
use crate::{ApiName, BaseType, Error, ErrorKind, Result, Timestamp, Value};

/// What leads a reference in the text of a value.
const LEAD: &str = "$actor.";
/// The most values of an attribute that is a list.
pub const ATTRIBUTE_VALUES_MAX: usize = 1_000;

/// An attribute that actors have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAttribute {
    /// Its name, `$actor.<name>` in rules; not `id`, `name`, `groups` or `roles`, which everyone has.
    pub name: ApiName,
    /// The type of its value.
    #[serde(rename = "type")]
    pub attribute_type: AttributeType,
    /// Whether it is a list of such values, to be used in `in(…)`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list: bool,
}

/// The type of an attribute. It is compared with properties of the base type of that name, and with no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    /// Text.
    String,
    /// A 64-bit integer.
    Integer,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// An instant.
    Timestamp,
}

impl AttributeType {
    fn base(self) -> BaseType {
        match self {
            Self::String => BaseType::String,
            Self::Integer => BaseType::Integer,
            Self::Boolean => BaseType::Boolean,
            Self::Date => BaseType::Date,
            Self::Timestamp => BaseType::Timestamp,
        }
    }

    /// Some value of the type, for rules that are checked while nobody acts.
    fn sample(self) -> Value {
        let epoch = Timestamp::from_micros_saturating(0);
        match self {
            Self::String => Value::string("sample"),
            Self::Integer => Value::Integer(0),
            Self::Boolean => Value::Boolean(false),
            Self::Date => Value::Date(epoch.date()),
            Self::Timestamp => Value::Timestamp(epoch),
        }
    }
}

/// What references in a filter stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a> {
    policy: &'a Policy,
    /// Who acts; `None` while a rule is checked.
    subject: Option<&'a Subject>,
}

/// What a reference names.
enum Named<'a> {
    One(Option<&'a Json>),
    Text(&'a str),
    List(Vec<Json>),
}

impl<'a> Attributes<'a> {
    /// Those of whoever acts.
    pub(super) const fn of(policy: &'a Policy, subject: &'a Subject) -> Self {
        Self { policy, subject: Some(subject) }
    }

    /// Those of nobody in particular: references have the types the policy declares.
    pub(super) const fn declared(policy: &'a Policy) -> Self {
        Self { policy, subject: None }
    }

    /// The name of the attribute a value refers to; `None` for a value that is meant as it stands.
    pub(crate) fn reference(value: &Json) -> Option<&str> {
        value.as_str().and_then(|text| text.strip_prefix(LEAD))
    }

    /// The value of an attribute, as a property of the type holds it.
    ///
    /// # Errors
    /// `access.attribute.unknown`, `access.attribute.type`, `access.attribute.list`; `access.attribute.unbound` where whoever acts has none.
    pub(crate) fn value(self, name: &str, base: &BaseType) -> Result<Value> {
        let (attribute_type, list) = self.declared_as(name)?;
        if list {
            return Err(Error::invalid("access.attribute.list", "a list of values is used in in(…) only")
                .with("attribute", name));
        }
        check_type(name, attribute_type, base)?;
        match self.named(name) {
            None => Ok(attribute_type.sample()),
            Some(Named::One(Some(json))) if !json.is_null() => read(name, base, json),
            Some(Named::Text(text)) => Ok(Value::string(text)),
            Some(_) => Err(unbound(name)),
        }
    }

    /// The values of an attribute that is a list.
    ///
    /// # Errors
    /// As [`Attributes::value`].
    pub(crate) fn values(self, name: &str, base: &BaseType) -> Result<Vec<Value>> {
        let (attribute_type, list) = self.declared_as(name)?;
        if !list {
            return self.value(name, base).map(|value| vec![value]);
        }
        check_type(name, attribute_type, base)?;
        match self.named(name) {
            None => Ok(vec![attribute_type.sample()]),
            Some(Named::List(values)) => values.iter().map(|json| read(name, base, json)).collect(),
            Some(Named::One(Some(Json::Array(values)))) if values.len() <= ATTRIBUTE_VALUES_MAX => {
                values.iter().map(|json| read(name, base, json)).collect()
            }
            Some(_) => Err(unbound(name)),
        }
    }

    fn declared_as(self, name: &str) -> Result<(AttributeType, bool)> {
        match name {
            "id" | "name" => Ok((AttributeType::String, false)),
            "groups" | "roles" => Ok((AttributeType::String, true)),
            _ => {
                let declared = self.policy.attributes.iter().find(|declared| declared.name == *name);
                declared.map(|declared| (declared.attribute_type, declared.list)).ok_or_else(|| {
                    Error::invalid("access.attribute.unknown", "the policy declares no such attribute of actors")
                        .with("attribute", name)
                })
            }
        }
    }

    fn named(self, name: &str) -> Option<Named<'a>> {
        let subject = self.subject?;
        Some(match name {
            "id" => Named::Text(&subject.id),
            "name" => Named::Text(subject.actor.as_str()),
            "groups" => Named::List(subject.groups.iter().map(|group| Json::from(&**group)).collect()),
            "roles" => Named::List(subject.held.iter().map(|held| Json::from(held.role.as_str())).collect()),
            _ => Named::One(subject.attributes.get(name)),
        })
    }
}

fn check_type(name: &str, attribute_type: AttributeType, base: &BaseType) -> Result<()> {
    if attribute_type.base() == *base {
        return Ok(());
    }
    Err(Error::invalid("access.attribute.type", "the attribute is of another type than the property")
        .with("attribute", name)
        .with("attribute_type", attribute_type.base().name())
        .with("type", base.name()))
}

/// A value that is not of its declared type is none.
fn read(name: &str, base: &BaseType, json: &Json) -> Result<Value> {
    match base.read(json) {
        Ok(value) if !value.is_null() => Ok(value),
        Ok(_) => Err(unbound(name)),
        Err(error) => Err(unbound(name).caused_by(error)),
    }
}

fn unbound(name: &str) -> Error {
    Error::new(ErrorKind::Forbidden, "access.attribute.unbound", "whoever acts has no such attribute")
        .with("attribute", name)
}
