//! Whether one who acts has what they would give: nobody grants what they lack.

use super::policy::EVERY;
use super::{Access, Effect, Held, ObjectGrant, PropertyList, Role, Scope};
use crate::{ApiName, Error, ErrorKind, Result};

impl Access {
    /// Passes when whoever acts holds, over as much, everything a role gives: its verbs over objects, with their properties, its actions, permissions
    /// and markings, and what rules permit to its holders. What rules permit without a role, and what they forbid, is not weighed.
    ///
    /// # Errors
    /// `access.escalation`, naming the role and what is lacked.
    pub fn check_covers(&self, role: &Role, scope: &Scope) -> Result<()> {
        let lacks = |what: &str, name: &str| {
            Error::new(ErrorKind::Forbidden, "access.escalation", "whoever acts does not hold what they would give")
                .with("role", &role.name)
                .with("lacks", format!("{what} {name}"))
        };
        // Who holds the role over as much has what it gives, whatever that is.
        if self.held_over(scope).any(|held| held.role == role.name) {
            return Ok(());
        }
        let policy = self.policy();
        let mine: Vec<&Role> = self.held_over(scope).filter_map(|held| policy.role(held.role.as_str())).collect();
        let ruled = policy.rules.iter().filter(|rule| rule.effect == Effect::Permit && rule.roles.contains(&role.name));
        let ruled = ruled.map(|rule| ObjectGrant {
            types: vec![rule.object_type.as_str().into()],
            verbs: rule.verbs.clone(),
            properties: rule.properties.clone(),
        });
        for grant in role.objects.iter().cloned().chain(ruled) {
            for name in &grant.types {
                for verb in &grant.verbs {
                    let is_mine = |own: &ObjectGrant| {
                        own.verbs.contains(verb)
                            && own.types.iter().any(|named| named == EVERY || named == name)
                            && includes(&own.properties, &grant.properties)
                    };
                    if !mine.iter().any(|role| role.objects.iter().any(is_mine)) {
                        return Err(lacks(verb.name(), name));
                    }
                }
            }
        }
        for action in &role.actions {
            if !mine.iter().any(|own| own.actions.iter().any(|named| named == EVERY || named == action)) {
                return Err(lacks("action", action));
            }
        }
        for permission in &role.permissions {
            if !mine.iter().any(|own| own.permissions.contains(permission)) {
                return Err(lacks("permission", permission.name()));
            }
        }
        for marking in &role.markings {
            if !mine.iter().any(|own| own.markings.contains(marking)) {
                return Err(lacks("marking", marking.as_str()));
            }
        }
        Ok(())
    }

    /// What whoever acts holds over at least as much.
    fn held_over(&self, scope: &Scope) -> impl Iterator<Item = &Held> {
        self.subject().held.iter().filter(move |held| match (&held.scope, scope) {
            (Scope::Tenant, _) => true,
            (Scope::ObjectType(own), Scope::ObjectType(of) | Scope::Object(of, _)) => own == of,
            (Scope::Object(own, key), Scope::Object(of, given)) => (own, key) == (of, given),
            (Scope::ObjectType(_) | Scope::Object(..), _) => false,
        })
    }
}

/// Whether all of the properties of one list are in another.
fn includes(all: &PropertyList, some: &PropertyList) -> bool {
    let among = |names: &[ApiName], others: &[ApiName]| names.iter().all(|name| others.contains(name));
    match (all, some) {
        (PropertyList::All, _) => true,
        (PropertyList::Only(all), PropertyList::Only(some)) => among(some, all),
        (PropertyList::Except(hidden), PropertyList::Except(some)) => among(hidden, some),
        (PropertyList::Except(hidden), PropertyList::Only(some)) => !some.iter().any(|name| hidden.contains(name)),
        (PropertyList::Only(_) | PropertyList::Except(_), PropertyList::All)
        | (PropertyList::Only(_), PropertyList::Except(_)) => false,
    }
}
