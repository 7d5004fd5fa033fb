//! Roles and rules to one predicate per type and verb.

use std::sync::LazyLock;

use super::explain::Part;
use super::{Attributes, Effect, Held, Origin, Policy, PropertyList, Scope, Subject, Verb};
use crate::kernel::plan::{Comparison, Predicate};
use crate::kernel::resolve_condition;
use crate::ontology::{ObjectType, Schema};
use crate::{ApiName, Grants, Permission, Result, Value};

/// Which objects of a type.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Every one.
    All,
    /// None.
    Nothing,
    /// Those that satisfy the predicate.
    Only(Predicate),
}

/// Which properties of a type, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertySet {
    /// Every one.
    All,
    /// Those that are true here.
    Only(Vec<bool>),
}

impl PropertySet {
    /// Whether a property is among them.
    pub fn contains(&self, property: usize) -> bool {
        match self {
            Self::All => true,
            Self::Only(held) => held.get(property).copied().unwrap_or(false),
        }
    }

    fn of(list: &PropertyList, object_type: &ObjectType) -> Self {
        let those = |names: &[ApiName], listed: bool| {
            let properties = object_type.properties.iter().enumerate();
            let held = properties.map(|(index, property)| {
                index == object_type.primary_key || names.contains(&property.api_name) == listed
            });
            Self::Only(held.collect())
        };
        match list {
            PropertyList::All => Self::All,
            PropertyList::Only(names) => those(names, true),
            PropertyList::Except(names) => those(names, false),
        }
    }

    fn zip(&self, other: &Self, with: impl Fn(bool, bool) -> bool) -> Self {
        let len = match (self, other) {
            (Self::Only(held), _) | (_, Self::Only(held)) => held.len(),
            (Self::All, Self::All) => return Self::All,
        };
        let held: Vec<_> = (0..len).map(|index| with(self.contains(index), other.contains(index))).collect();
        if held.iter().all(|held| *held) { Self::All } else { Self::Only(held) }
    }

    fn or(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a || b)
    }

    fn and(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a && b)
    }
}

/// The rights to do one thing to objects of one type.
#[derive(Debug)]
pub(crate) struct TypeAccess {
    pub(crate) rows: Rows,
    /// The properties that every way to an object gives. A way that depends on the object adds none where another does not.
    pub(crate) properties: PropertySet,
    /// What it came from.
    pub(super) parts: Vec<Part>,
}

impl TypeAccess {
    /// No rights.
    pub(super) fn nothing() -> &'static Self {
        static NOTHING: LazyLock<TypeAccess> =
            LazyLock::new(|| TypeAccess { rows: Rows::Nothing, properties: PropertySet::All, parts: Vec::new() });
        &NOTHING
    }
}

/// The rights of a subject to do one thing to objects of one type, which the policy knows by this name.
pub(super) fn of_type(
    policy: &Policy,
    subject: &Subject,
    schema: &Schema,
    (object_type, name): (&ObjectType, &ApiName),
    verb: Verb,
) -> TypeAccess {
    let mut ways = Ways::to(object_type);
    for held in &subject.held {
        ways.add_role(policy, held, name, verb);
    }
    let attributes = Attributes::of(policy, subject);
    for rule in policy.rules_on(name, verb) {
        let over = subject.held.iter().filter(|held| match &held.scope {
            Scope::Tenant => true,
            Scope::ObjectType(of) => of == name,
            Scope::Object(..) => false,
        });
        if !rule.is_for(over.map(|held| &held.role)) {
            continue;
        }
        let predicate = resolve_condition(schema, object_type, &rule.condition, attributes);
        match rule.effect {
            Effect::Permit => {
                let properties = PropertySet::of(&rule.properties, object_type);
                ways.permit(Origin::Permit { rule: rule.name.clone() }, predicate, properties);
            }
            Effect::Forbid => ways.deny(Origin::Forbid { rule: rule.name.clone() }, predicate),
        }
    }
    for marked in policy.markings_on(name) {
        if !is_cleared(policy, subject, &marked.marking) {
            let predicate = resolve_condition(schema, object_type, &marked.condition, attributes);
            ways.deny(Origin::Marking { marking: marked.marking.clone() }, predicate);
        }
    }
    let seen = |marking: &Option<ApiName>| marking.as_ref().is_none_or(|of| is_cleared(policy, subject, of));
    let cleared = object_type.properties.iter().map(|property| seen(&property.marking)).collect();
    ways.finish(&PropertySet::Only(cleared))
}

/// The ways to objects of a type, and what bars them.
struct Ways<'a> {
    object_type: &'a ObjectType,
    /// The properties of the ways that lead to every object.
    always: Option<PropertySet>,
    /// The keys of single objects that roles are held over.
    keys: Vec<Value>,
    sometimes: Vec<(Predicate, PropertySet)>,
    denials: Vec<Predicate>,
    parts: Vec<Part>,
}

impl<'a> Ways<'a> {
    fn to(object_type: &'a ObjectType) -> Self {
        let (keys, sometimes, denials, parts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { object_type, always: None, keys, sometimes, denials, parts }
    }

    fn add_role(&mut self, policy: &Policy, held: &Held, name: &ApiName, verb: Verb) {
        let Some(role) = policy.role(held.role.as_str()) else { return };
        for grant in role.objects.iter().filter(|grant| grant.covers(name, verb)) {
            let properties = PropertySet::of(&grant.properties, self.object_type);
            let origin = Origin::Role { role: role.name.clone(), via: held.via.clone() };
            match &held.scope {
                Scope::Tenant => self.always(origin, properties),
                Scope::ObjectType(of) if of == name => self.always(origin, properties),
                Scope::Object(of, key) if of == name => self.object(origin, key.to_value(), properties),
                Scope::ObjectType(_) | Scope::Object(..) => {}
            }
        }
    }

    fn always(&mut self, origin: Origin, properties: PropertySet) {
        self.parts.push(Part { origin, predicate: Some(everything()) });
        self.always = Some(match self.always.take() {
            None => properties,
            Some(others) => others.or(&properties),
        });
    }

    fn object(&mut self, origin: Origin, key: Value, properties: PropertySet) {
        let is_it = Predicate::Compare(self.object_type.primary_key, Comparison::Eq, key.clone());
        self.parts.push(Part { origin, predicate: Some(is_it) });
        self.keys.push(key);
        self.sometimes.push((nothing(), properties));
    }

    /// A way to some objects; to none where its condition does not resolve.
    fn permit(&mut self, origin: Origin, predicate: Result<Predicate>, properties: PropertySet) {
        let predicate = predicate.ok();
        self.parts.push(Part { origin, predicate: predicate.clone() });
        self.sometimes.extend(predicate.map(|predicate| (predicate, properties)));
    }

    /// What bars the way to some objects; to all where its condition does not resolve.
    fn deny(&mut self, origin: Origin, predicate: Result<Predicate>) {
        let predicate = predicate.unwrap_or_else(|_| everything());
        self.parts.push(Part { origin, predicate: Some(predicate.clone()) });
        self.denials.push(predicate);
    }

    fn finish(self, cleared: &PropertySet) -> TypeAccess {
        let Self { object_type, always, keys, sometimes, denials, parts } = self;
        let has_every = always.is_some();
        let shared = sometimes.iter().map(|(_, properties)| properties.clone()).reduce(|a, b| a.and(&b));
        // Where there is no way to any object, there is none whose properties a condition could tell of.
        let properties = always.or(shared).unwrap_or(PropertySet::All);
        let mut granted: Vec<_> =
            sometimes.into_iter().map(|(predicate, _)| predicate).filter(|predicate| !is_nothing(predicate)).collect();
        if !keys.is_empty() {
            granted.push(Predicate::In(object_type.primary_key, keys));
        }
        TypeAccess { rows: rows(has_every, granted, denials), properties: properties.and(cleared), parts }
    }
}

/// The objects that are granted and not denied.
fn rows(has_every: bool, mut granted: Vec<Predicate>, mut denials: Vec<Predicate>) -> Rows {
    denials.retain(|denial| !is_nothing(denial));
    let has_every = has_every || granted.iter().any(is_everything);
    if denials.iter().any(is_everything) || !has_every && granted.is_empty() {
        return Rows::Nothing;
    }
    let granted = match (has_every, granted.len(), granted.pop()) {
        (true, ..) | (_, _, None) => None,
        (false, 1, Some(only)) => Some(only),
        (false, _, Some(last)) => {
            granted.push(last);
            Some(Predicate::Or(granted))
        }
    };
    let mut all: Vec<_> = granted.into_iter().collect();
    all.extend(denials.into_iter().map(|denial| Predicate::Not(Box::new(denial))));
    match (all.len(), all.pop()) {
        (_, None) => Rows::All,
        (1, Some(only)) => Rows::Only(only),
        (_, Some(last)) => {
            all.push(last);
            Rows::Only(Predicate::And(all))
        }
    }
}

const fn everything() -> Predicate {
    Predicate::And(Vec::new())
}

const fn nothing() -> Predicate {
    Predicate::Or(Vec::new())
}

const fn is_everything(predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::And(all) if all.is_empty())
}

const fn is_nothing(predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::Or(any) if any.is_empty())
}

fn is_cleared(policy: &Policy, subject: &Subject, marking: &ApiName) -> bool {
    let over_all = subject.held.iter().filter(|held| held.scope == Scope::Tenant);
    over_all.filter_map(|held| policy.role(held.role.as_str())).any(|role| role.markings.contains(marking))
}

/// Whether a role over the whole tenant lets an action be executed.
pub(super) fn may_execute(policy: &Policy, subject: &Subject, action: &str) -> bool {
    let over_all = subject.held.iter().filter(|held| held.scope == Scope::Tenant);
    over_all.filter_map(|held| policy.role(held.role.as_str())).any(|role| role.executes(action))
}

/// What follows of the services' own permissions: those that roles name, and those without which a grant or rule would be of no use.
pub(super) fn grants(policy: &Policy, subject: &Subject) -> Grants {
    let mut grants = Grants::NONE;
    let mut add_verbs = |verbs: &[Verb]| {
        for verb in verbs {
            grants = grants.with(if *verb == Verb::Read { Permission::ObjectRead } else { Permission::ObjectWrite });
        }
    };
    let held = || subject.held.iter().filter_map(|held| Some((held, policy.role(held.role.as_str())?)));
    for (_, role) in held() {
        role.objects.iter().for_each(|grant| add_verbs(&grant.verbs));
    }
    let permitting = policy.rules.iter().filter(|rule| rule.effect == Effect::Permit);
    for rule in permitting.filter(|rule| rule.is_for(subject.held.iter().map(|held| &held.role))) {
        add_verbs(&rule.verbs);
    }
    for (_, role) in held().filter(|(held, _)| held.scope == Scope::Tenant) {
        grants = role.permissions.iter().fold(grants, |grants, permission| grants.with(*permission));
        if !role.actions.is_empty() {
            grants = grants.with(Permission::ActionExecute);
        }
    }
    if grants == Grants::NONE { grants } else { grants.with(Permission::OntologyRead) }
}
