//! Objects, links and their versions as read.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::value::exact;
use crate::{Actor, ApiName, BaseType, CommitId, EffectKind, Key, Seq, Timestamp, Value};

/// An object as of one commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Object {
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// Its primary key.
    #[serde(with = "exact::key")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Key"))]
    pub key: Key,
    /// The commit that last changed it.
    pub revision: Seq,
    /// The properties asked for.
    pub properties: Properties,
}

/// A link as of one commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// Its type.
    #[serde(rename = "type")]
    pub link_type: ApiName,
    /// The key at the source end.
    #[serde(with = "exact::key")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Key"))]
    pub source: Key,
    /// The key at the target end.
    #[serde(with = "exact::key")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Key"))]
    pub target: Key,
    /// The commit that last changed it; for a foreign key, that last changed its holder.
    pub revision: Seq,
    /// Its properties; none for a foreign key.
    pub properties: Properties,
}

/// Values by name, in the order of the schema or of the selection. Absent values are kept here and left out of the JSON form.
#[derive(Clone, Debug)]
pub struct Properties {
    names: Arc<[ApiName]>,
    values: Vec<Value>,
    /// The types of the values, where some are structs, whose fields only the type can name.
    types: Option<Arc<[BaseType]>>,
}

impl Properties {
    /// Pairs names with values, one each.
    pub fn new(names: Arc<[ApiName]>, values: Vec<Value>) -> Self {
        debug_assert_eq!(names.len(), values.len(), "one value per name");
        Self { names, values, types: None }
    }

    /// No properties.
    pub fn empty() -> Self {
        Self { names: Arc::new([]), values: Vec::new(), types: None }
    }

    /// With the types of the values, one each, so that the JSON form names the fields of structs.
    #[must_use]
    pub fn typed(mut self, types: Option<Arc<[BaseType]>>) -> Self {
        self.types = types;
        self
    }

    /// With nothing in place of some values, by their position.
    #[must_use]
    pub(in crate::kernel) fn without(mut self, is_hidden: impl Fn(usize) -> bool) -> Self {
        for (_, value) in self.values.iter_mut().enumerate().filter(|(position, _)| is_hidden(*position)) {
            *value = Value::Null;
        }
        self
    }

    /// A value by name; `None` for a name that was not selected.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.names.iter().position(|candidate| *candidate == *name).and_then(|index| self.values.get(index))
    }

    /// A value by name, with its type where that is known; `None` for a name that was not selected.
    pub(in crate::kernel) fn entry(&self, name: &str) -> Option<(&Value, Option<&BaseType>)> {
        let index = self.names.iter().position(|candidate| *candidate == *name)?;
        Some((self.values.get(index)?, self.types.as_ref().and_then(|types| types.get(index))))
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ApiName, &Value)> {
        self.names.iter().zip(&self.values)
    }

    /// The names in order.
    pub fn names(&self) -> &Arc<[ApiName]> {
        &self.names
    }

    /// The values in order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    pub(in crate::kernel) fn serialize_exact<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        exact::serialize_properties((&self.names, &self.values, self.types.as_deref()), serializer)
    }
}

impl PartialEq for Properties {
    /// Equal names and values.
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names && self.values == other.values
    }
}

impl Serialize for Properties {
    /// The JSON form of [`Value::to_json`]; of [`Value::to_json_as`] when the types are known, as they are in what the kernel answers. Formats that are
    /// not for people to read get the exact form, with what is absent.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return self.serialize_exact(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for (index, (name, value)) in self.iter().enumerate().filter(|(_, (_, value))| !value.is_null()) {
            let base = self.types.as_ref().and_then(|types| types.get(index));
            map.serialize_entry(name, &base.map_or_else(|| value.to_json(), |base| value.to_json_as(base)))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Properties {
    /// From the exact form, which formats that are not for people to read have.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (names, values, types) = exact::deserialize_properties(deserializer)?;
        Ok(Self { names, values, types })
    }
}

/// One version of an object or link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Version {
    /// The commit that wrote it, or that deleted the object.
    pub revision: Seq,
    /// What happened.
    pub change: EffectKind,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// The action that did it, when one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<str>>,
    /// The commit's id.
    pub commit: CommitId,
    /// The values it had from then on; `None` for a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
    /// What it changed, where that was asked for. Stores leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// The properties one version changed. An absent value is left out of the JSON form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Diff {
    /// Their values in the version before.
    pub before: Properties,
    /// Their values in this one.
    pub after: Properties,
}

impl Diff {
    /// What differs between two versions of one row; `None` stands for none.
    pub fn between(before: Option<&Properties>, after: Option<&Properties>) -> Self {
        let empty = Properties::empty();
        let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
        let names = if after.names.is_empty() { &before.names } else { &after.names };
        let differs = |name: &&ApiName| {
            let value = |of: &Properties| of.get(name.as_str()).cloned().unwrap_or_default();
            value(before) != value(after)
        };
        let names: Arc<[ApiName]> = names.iter().filter(differs).cloned().collect();
        let only = |of: &Properties| {
            let position = |name: &ApiName| of.names.iter().position(|own| own == name);
            let values = names.iter().map(|name| position(name).and_then(|at| of.values.get(at)).cloned());
            let base = |types: &Arc<[BaseType]>| {
                names.iter().map(|name| types.get(position(name)?).cloned()).collect::<Option<Arc<[BaseType]>>>()
            };
            Properties {
                values: values.map(Option::unwrap_or_default).collect(),
                types: of.types.as_ref().and_then(base),
                names: Arc::clone(&names),
            }
        };
        Self { before: only(before), after: only(after) }
    }
}

/// What was read, and as of which commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot<T> {
    /// The newest commit the answer has seen, or the one it is as of.
    pub seq: Seq,
    /// The answer.
    pub value: T,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{DataType, Field, JSON_INTEGER_MAX};

    #[test]
    fn structs_name_their_fields_and_absent_values_are_left_out() {
        let name = |text| ApiName::parse(text).unwrap();
        let street = Field { api_name: name("street"), data_type: DataType::of(BaseType::String), required: true };
        let address = BaseType::Struct(vec![street]);
        let types = [address.clone(), BaseType::Integer, BaseType::Array(Box::new(DataType::of(address)))];
        let main = Value::Struct(vec![Value::string("Main")]);
        let values = vec![main.clone(), Value::Null, Value::Array(vec![main])];
        let plain = Properties::new([name("home"), name("age"), name("past")].into(), values);
        let named = plain.clone().typed(Some(types.into()));
        assert_eq!(plain, named);
        assert_eq!(
            serde_json::to_value(&named).unwrap(),
            json!({ "home": { "street": "Main" }, "past": [{ "street": "Main" }] })
        );
    }

    #[test]
    fn a_key_beyond_two_to_the_53_travels_as_a_string() {
        for (key, expected) in [(JSON_INTEGER_MAX, json!(JSON_INTEGER_MAX)), (i64::MIN, json!(i64::MIN.to_string()))] {
            let object_type = ApiName::parse("Flight").unwrap();
            let object = Object { object_type, key: key.into(), revision: Seq(1), properties: Properties::empty() };
            assert_eq!(serde_json::to_value(object).unwrap()["key"], expected);
        }
    }
}
