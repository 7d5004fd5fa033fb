//! Policies as stated: roles, rules and markings over the types of an ontology.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::{Attributes, NewAttribute, Verb};
use crate::kernel::{Filter, resolve_condition};
use crate::ontology::{ObjectType, Schema};
use crate::{ApiName, Error, Permission, Result};

/// The most roles of a policy.
pub const POLICY_ROLES_MAX: usize = 100_000;
/// The most rules and markings of a policy. Rules are few and general; what differs from subject to subject is assigned.
pub const POLICY_RULES_MAX: usize = 10_000;
/// The longest text of a policy, bytes.
pub const POLICY_TEXT_LEN_MAX: usize = 64 * 1_048_576;
/// Stands for every type, or every action.
pub(super) const EVERY: &str = "*";

/// Who may do what in a tenant, as stated.
///
/// ```
/// use arrakis_core::access::Policy;
///
/// let policy = Policy::from_yaml(
///     "
/// roles:
///   - name: dispatcher
///     objects: [{ types: [Flight], verbs: [read, modify], properties: { except: [cost] } }]
///     actions: [delay_flight]
/// rules:
///   - { name: own, effect: permit, type: Flight, verbs: [read], where: owner = $actor.id }
///   - { name: sealed, effect: forbid, type: Flight, verbs: [modify, delete], where: sealed = true }
/// ",
/// )?;
/// assert_eq!(policy.roles.len(), 1);
/// # Ok::<(), arrakis_core::Error>(())
/// ```
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What actors are known by, besides `$actor.id`, `$actor.name`, `$actor.groups` and `$actor.roles`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<NewAttribute>,
    /// Roles: what is granted to whom they are assigned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Rules: what depends on the object and on whoever acts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Objects for which a marking is needed, whatever else is granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markings: Vec<MarkedObjects>,
    #[serde(skip)]
    index: OnceLock<Index>,
}

/// Roles by name, and rules and markings by type and verb.
#[derive(Debug, Default)]
struct Index {
    roles: HashMap<ApiName, usize>,
    rules: HashMap<(ApiName, Verb), Vec<usize>>,
    markings: HashMap<ApiName, Vec<usize>>,
}

/// What is granted to whom it is assigned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub name: ApiName,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it grants over objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectGrant>,
    /// The action types it lets execute; `*` for every one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// What it grants of the services' own permissions, besides those that follow from objects and actions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// The markings its holders are cleared for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markings: Vec<ApiName>,
}

/// Verbs over types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ObjectGrant {
    /// The object types; `*` for every one.
    pub types: Vec<String>,
    /// What may be done.
    pub verbs: Vec<Verb>,
    /// With which properties: all when left out.
    #[serde(default, skip_serializing_if = "PropertyList::is_all")]
    pub properties: PropertyList,
}

/// Properties of a type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PropertyList {
    /// All.
    #[default]
    All,
    /// These, and the primary key.
    Only(Vec<ApiName>),
    /// All but these.
    Except(Vec<ApiName>),
}

impl PropertyList {
    const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    fn names(&self) -> &[ApiName] {
        match self {
            Self::All => &[],
            Self::Only(names) | Self::Except(names) => names,
        }
    }
}

/// What a rule does where its condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It allows.
    Permit,
    /// It denies, whatever else allows.
    Forbid,
}

/// What depends on the object and on whoever acts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "PolicyRule"))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub name: ApiName,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// The object type.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// What may, or may not, be done.
    pub verbs: Vec<Verb>,
    /// Whom it is for: holders of any of these roles; everyone when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<ApiName>,
    /// For which objects. A permitting rule whose references whoever acts has no values for permits nothing; a forbidding one forbids all.
    #[serde(rename = "where")]
    pub condition: Filter,
    /// With which properties, for a permitting rule: all when left out.
    #[serde(default, skip_serializing_if = "PropertyList::is_all")]
    pub properties: PropertyList,
}

/// Objects for which a marking is needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkedObjects {
    /// The marking.
    pub marking: ApiName,
    /// The object type.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// Which objects of it bear the marking.
    #[serde(rename = "where")]
    pub condition: Filter,
}

impl Clone for Policy {
    fn clone(&self) -> Self {
        Self {
            attributes: self.attributes.clone(),
            roles: self.roles.clone(),
            rules: self.rules.clone(),
            markings: self.markings.clone(),
            index: OnceLock::new(),
        }
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        let Self { attributes, roles, rules, markings, index: _ } = self;
        (attributes, roles, rules, markings) == (&other.attributes, &other.roles, &other.rules, &other.markings)
    }
}

impl Policy {
    /// Reads a policy from YAML, or from JSON, which YAML contains.
    ///
    /// # Errors
    /// `access.policy.malformed`, with what was expected and where.
    pub fn from_yaml(text: &str) -> Result<Self> {
        // What is written by a program is read as such: it is much the quicker of the two.
        if text.trim_start().starts_with('{')
            && let Ok(policy) = serde_json::from_str(text)
        {
            return Ok(policy);
        }
        // Each of the roles and rules there may be has some twelve nodes, those that name many types more.
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: 40 * POLICY_ROLES_MAX,
                max_nodes: 40 * POLICY_ROLES_MAX,
                max_total_scalar_bytes: POLICY_TEXT_LEN_MAX,
            }
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            Error::invalid("access.policy.malformed", format!("the policy cannot be read: {error}")).caused_by(error)
        })
    }

    /// The policy as YAML, which [`Policy::from_yaml`] reads.
    ///
    /// # Errors
    /// None that a policy gives.
    pub fn to_yaml(&self) -> Result<String> {
        serde_saphyr::to_string(self)
            .map_err(|error| Error::internal("access.policy.yaml", "a policy has a YAML form").caused_by(error))
    }

    /// Every fault of the policy under a schema: names that are not there, conditions that do not resolve, duplicates. None when it is sound.
    pub fn faults(&self, schema: &Schema) -> Vec<Error> {
        let mut faults = Vec::new();
        self.check_sizes(&mut faults);
        let names = self.attributes.iter().map(|attribute| &attribute.name);
        unique("attributes", names, &mut faults);
        for (index, attribute) in self.attributes.iter().enumerate() {
            if matches!(attribute.name.as_str(), "id" | "name" | "groups" | "roles") {
                let taken = Error::invalid("access.attribute.reserved", "every actor has an attribute of this name");
                faults.push(taken.with("attribute", &attribute.name).at(format!("attributes[{index}].name")));
            }
        }
        unique("roles", self.roles.iter().map(|role| &role.name), &mut faults);
        unique("rules", self.rules.iter().map(|rule| &rule.name), &mut faults);
        for (index, role) in self.roles.iter().enumerate() {
            role.check(schema, &mut |fault| faults.push(fault.at(format!("roles[{index}]"))));
        }
        let known: HashSet<&ApiName> = self.roles.iter().map(|role| &role.name).collect();
        for (index, rule) in self.rules.iter().enumerate() {
            let mut fault = |error: Error| faults.push(error.at(format!("rules[{index}]")));
            for (position, role) in rule.roles.iter().enumerate().filter(|(_, role)| !known.contains(role)) {
                let unknown = Error::invalid("access.role.unknown", "the policy has no such role").with("role", role);
                fault(unknown.at(format!("roles[{position}]")));
            }
            if rule.verbs.is_empty() {
                fault(Error::invalid("access.rule.verbs", "a rule is about at least one verb").at("verbs"));
            }
            let Some(object_type) = known_type(schema, rule.object_type.as_str(), "type", &mut fault) else { continue };
            check_properties(object_type, &rule.properties, "properties", &mut fault);
            self.check_condition(schema, object_type, &rule.condition, &mut fault);
        }
        for (index, marked) in self.markings.iter().enumerate() {
            let mut fault = |error: Error| faults.push(error.at(format!("markings[{index}]")));
            if let Some(object_type) = known_type(schema, marked.object_type.as_str(), "type", &mut fault) {
                self.check_condition(schema, object_type, &marked.condition, &mut fault);
            }
        }
        faults
    }

    /// Passes for a policy that is sound under a schema: every name is there, every condition is of the right types.
    ///
    /// # Errors
    /// `access.policy.unsound`, with the first fault as its source, how many there are, and the path to the first.
    pub fn check(&self, schema: &Schema) -> Result<()> {
        let mut faults = self.faults(schema).into_iter();
        let Some(first) = faults.next() else { return Ok(()) };
        let error = Error::invalid("access.policy.unsound", "the policy does not fit the ontology");
        let error = error.with("fault", first.message()).with("faults", faults.count() + 1);
        let path = first.path().map(str::to_owned);
        let error = error.caused_by(first);
        Err(match path {
            Some(path) => error.at(path),
            None => error,
        })
    }

    fn check_sizes(&self, faults: &mut Vec<Error>) {
        let rules = self.rules.len().saturating_add(self.markings.len());
        for (path, length, max) in [("roles", self.roles.len(), POLICY_ROLES_MAX), ("rules", rules, POLICY_RULES_MAX)] {
            if length > max {
                let large = Error::invalid("access.policy.too_large", "the policy has too many of these");
                faults.push(large.with("length", length).with("length_max", max).at(path));
            }
        }
    }

    fn check_condition(
        &self,
        schema: &Schema,
        object_type: &ObjectType,
        condition: &Filter,
        fault: &mut impl FnMut(Error),
    ) {
        if let Err(error) = resolve_condition(schema, object_type, condition, Attributes::declared(self)) {
            fault(error.at("where"));
        }
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            for (position, role) in self.roles.iter().enumerate() {
                index.roles.entry(role.name.clone()).or_insert(position);
            }
            for (position, rule) in self.rules.iter().enumerate() {
                let verbs: HashSet<Verb> = rule.verbs.iter().copied().collect();
                for verb in verbs {
                    index.rules.entry((rule.object_type.clone(), verb)).or_default().push(position);
                }
            }
            for (position, marked) in self.markings.iter().enumerate() {
                index.markings.entry(marked.object_type.clone()).or_default().push(position);
            }
            index
        })
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.index().roles.get(name).and_then(|position| self.roles.get(*position))
    }

    /// The rules on what may be done to objects of a type.
    pub(super) fn rules_on(&self, object_type: &ApiName, verb: Verb) -> impl Iterator<Item = &Rule> {
        let positions = self.index().rules.get(&(object_type.clone(), verb)).map_or(&[][..], Vec::as_slice);
        positions.iter().filter_map(|position| self.rules.get(*position))
    }

    /// The markings objects of a type may bear.
    pub(super) fn markings_on(&self, object_type: &ApiName) -> impl Iterator<Item = &MarkedObjects> {
        let positions = self.index().markings.get(object_type).map_or(&[][..], Vec::as_slice);
        positions.iter().filter_map(|position| self.markings.get(*position))
    }
}

impl Role {
    /// Whether it lets an action be executed.
    pub(super) fn executes(&self, action: &str) -> bool {
        self.actions.iter().any(|named| named == EVERY || named == action)
    }

    fn check(&self, schema: &Schema, fault: &mut impl FnMut(Error)) {
        for (index, grant) in self.objects.iter().enumerate() {
            let mut fault = |error: Error| fault(error.at(format!("objects[{index}]")));
            for (position, name) in grant.types.iter().enumerate().filter(|(_, name)| *name != EVERY) {
                let path = format!("types[{position}]");
                if let Some(object_type) = known_type(schema, name, &path, &mut fault) {
                    check_properties(object_type, &grant.properties, "properties", &mut fault);
                }
            }
        }
        for (index, name) in self.actions.iter().enumerate().filter(|(_, name)| *name != EVERY) {
            if let Err(error) = schema.action_type(name) {
                fault(error.at(format!("actions[{index}]")));
            }
        }
    }
}

impl ObjectGrant {
    /// Whether it grants this over objects of a type.
    pub(super) fn covers(&self, object_type: &ApiName, verb: Verb) -> bool {
        self.verbs.contains(&verb) && self.types.iter().any(|named| named == EVERY || *object_type == **named)
    }
}

impl Rule {
    /// Whether it is about whoever holds these roles.
    pub(super) fn is_for<'r>(&self, mut held: impl Iterator<Item = &'r ApiName>) -> bool {
        self.roles.is_empty() || held.any(|role| self.roles.contains(role))
    }
}

fn known_type<'s>(schema: &'s Schema, name: &str, path: &str, fault: &mut impl FnMut(Error)) -> Option<&'s ObjectType> {
    match schema.object_type(name) {
        Ok(object_type) => Some(object_type),
        Err(error) => {
            fault(error.at(path));
            None
        }
    }
}

fn check_properties(object_type: &ObjectType, list: &PropertyList, path: &str, fault: &mut impl FnMut(Error)) {
    for (index, name) in list.names().iter().enumerate() {
        if let Err(error) = object_type.property(name.as_str()) {
            fault(error.at(format!("{path}[{index}]")));
        }
    }
}

fn unique<'n>(list: &str, names: impl Iterator<Item = &'n ApiName>, faults: &mut Vec<Error>) {
    let mut seen = HashSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            let twice = Error::invalid("access.policy.duplicate", "two of these have the same name");
            faults.push(twice.with("name", name).at(format!("{list}[{index}].name")));
        }
    }
}
