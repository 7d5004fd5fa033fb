//! Whether an object is in a set, from its row alone; and what a set is made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::publication::{same_interfaces, same_links, same_objects};
use super::rows::RowChange;
use super::subscribe::{LeftObject, SetDelta, Subscribe};
use super::window::Net;
use crate::access::Compiled;
use crate::kernel::plan::{Branch, Comparison, HasLink, Predicate, QueryPlan, Rel};
use crate::kernel::resolve::{self, ResolvedQuery, Sight};
use crate::kernel::{Object, PageRequest, Properties, Query, Unlinked};
use crate::ontology::{Backing, LinkType, Schema};
use crate::{BaseType, Error, Key, LinkTypeId, ObjectTypeId, Result, Value};

/// A set to be told of, resolved under one version of the ontology.
#[derive(Debug)]
pub(super) struct LiveSet {
    pub(super) schema: Arc<Schema>,
    pub(super) plan: QueryPlan,
    types: Option<Arc<[BaseType]>>,
    /// The types whose objects decide who is in it.
    objects: BTreeSet<ObjectTypeId>,
    /// The link types whose links do.
    links: BTreeSet<LinkTypeId>,
    /// Whether more than an object's own row decides.
    is_linked: bool,
    /// What may be seen; `None` for everything.
    access: Option<Arc<Compiled>>,
}

/// Every member holds one of these values in this property.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pin {
    pub(super) property: usize,
    pub(super) values: Vec<Value>,
}

impl LiveSet {
    /// Resolves a set.
    ///
    /// # Errors
    /// What a query of the set answers.
    pub(super) fn resolve(schema: &Arc<Schema>, access: Option<Arc<Compiled>>, request: &Subscribe) -> Result<Self> {
        let query = Query {
            select: request.select.clone(),
            page: PageRequest { size: request.page_size, cursor: None },
            ..Query::of(request.set.clone())
        };
        let resolved =
            resolve::query(Sight { schema, access: access.as_deref() }, &query).map_err(|e| match e.path() {
                Some("page.size") => e.without_path().at("page_size"),
                _ => e,
            })?;
        let ResolvedQuery { plan, types, .. } = resolved;
        let mut set = Self {
            schema: Arc::clone(schema),
            types,
            objects: BTreeSet::new(),
            links: BTreeSet::new(),
            is_linked: false,
            plan,
            access,
        };
        for index in 0..set.plan.branches.len() {
            if let Some(Branch { object_type, rel, .. }) = set.plan.branches.get(index).cloned() {
                set.objects.insert(object_type.id);
                set.involve(&rel);
            }
        }
        Ok(set)
    }

    fn involve(&mut self, rel: &Rel) {
        match rel {
            Rel::All | Rel::Nothing | Rel::Keys(_) => {}
            Rel::Filter(inner, predicate) => {
                self.involve(inner);
                self.involve_predicate(predicate);
            }
            Rel::Union(rels) | Rel::Intersect(rels) => rels.iter().for_each(|rel| self.involve(rel)),
            Rel::Subtract(one, other) => {
                self.involve(one);
                self.involve(other);
            }
            Rel::Traverse(walk) => {
                self.objects.insert(walk.from_type.id);
                self.involve_links(&walk.link_type);
                self.involve(&walk.from);
            }
        }
    }

    fn involve_predicate(&mut self, predicate: &Predicate) {
        match predicate {
            Predicate::And(all) | Predicate::Or(all) => all.iter().for_each(|each| self.involve_predicate(each)),
            Predicate::Not(inner) => self.involve_predicate(inner),
            Predicate::Has(has) => {
                let HasLink { link_type, far_type, far, .. } = &**has;
                self.objects.insert(far_type.id);
                self.involve_links(link_type);
                if let Some(far) = far {
                    self.involve_predicate(far);
                }
            }
            Predicate::Compare(..)
            | Predicate::In(..)
            | Predicate::IsNull(_)
            | Predicate::Text(..)
            | Predicate::ArrayContains(..)
            | Predicate::Within(..) => {}
        }
    }

    /// Links held in a property are decided by the objects at their ends, all of which are involved already.
    fn involve_links(&mut self, link_type: &LinkType) {
        self.is_linked = true;
        self.links.insert(link_type.id);
        if let Backing::ForeignKey { holder, .. } = link_type.backing {
            self.objects.insert(link_type.side(holder).object_type);
        }
    }

    pub(super) fn is_linked(&self) -> bool {
        self.is_linked
    }

    /// The types whose rows have to be read to tell what a commit did to the set.
    pub(super) fn reads(&self, of: ObjectTypeId) -> bool {
        !self.is_linked && self.objects.contains(&of)
    }

    /// Whether a commit may have changed a set that depends on links.
    pub(super) fn is_touched(&self, net: &Net) -> bool {
        net.objects.iter().any(|(of, ..)| self.objects.contains(of))
            || net.links.iter().any(|(of, ..)| self.links.contains(of))
    }

    /// Whether what was told under this version holds under another: nothing the set is made of is stored or named otherwise.
    pub(super) fn outlives(&self, other: &Self) -> bool {
        let (before, after) = (&*self.schema, &*other.schema);
        let objects_are_same = other.objects.iter().all(|id| {
            after.object_type_by_id(*id).is_some_and(|object_type| {
                same_objects(before, object_type) && same_interfaces(before, after, object_type)
            })
        });
        let links_are_same = other
            .links
            .iter()
            .all(|id| after.link_type_by_id(*id).is_some_and(|link_type| same_links((before, after), link_type)));
        self.objects == other.objects && self.links == other.links && objects_are_same && links_are_same
    }

    /// For each type of the set, what each of its members there holds; `None` where nothing is known of them.
    pub(super) fn pins(&self) -> impl Iterator<Item = (ObjectTypeId, Option<Pin>)> {
        self.plan.branches.iter().map(|branch| {
            let key = branch.object_type.primary_key;
            (branch.object_type.id, rel_pin(&branch.rel, key))
        })
    }

    /// Adds what a change of one row does to the set.
    pub(super) fn judge(&self, change: &RowChange, delta: &mut SetDelta) -> Result<()> {
        let Some(branch) = self.plan.branches.iter().find(|branch| branch.object_type.id == change.object_type.id)
        else {
            return Ok(());
        };
        let is_in = |object: &Option<Arc<Object>>| match object {
            Some(object) => contains(&branch.rel, &change.key, object.properties.values()),
            None => Ok(false),
        };
        let (was, is) = (is_in(&change.before)?, is_in(&change.after)?);
        match (was, is, &change.after) {
            (false, true, Some(after)) => delta.entered.push(self.shown(branch, after)),
            (true, true, Some(after)) => delta.changed.push(self.shown(branch, after)),
            (true, false, _) => delta
                .left
                .push(LeftObject { object_type: change.object_type.api_name.clone(), key: change.key.clone() }),
            _ => {}
        }
        Ok(())
    }

    /// An object with the properties that were asked for.
    fn shown(&self, branch: &Branch, whole: &Object) -> Object {
        let values = branch.output.iter().map(|index| whole.properties.values().get(*index).cloned());
        let values = values.map(Option::unwrap_or_default).collect();
        self.typed(Object {
            object_type: whole.object_type.clone(),
            key: whole.key.clone(),
            revision: whole.revision,
            properties: Properties::new(Arc::clone(&self.plan.names), values),
        })
    }

    /// An object whose JSON form names the fields of structs.
    pub(super) fn typed(&self, object: Object) -> Object {
        let sight = Sight { schema: &self.schema, access: self.access.as_deref() };
        let object = sight.shown(&self.plan, object);
        let properties = object.properties.typed(self.types.clone());
        Object { properties, ..object }
    }
}

/// Whether an object is in a set that no links decide.
fn contains(rel: &Rel, key: &Key, row: &[Value]) -> Result<bool> {
    Ok(match rel {
        Rel::All => true,
        Rel::Nothing => false,
        // Resolving sorts them.
        Rel::Keys(keys) => keys.binary_search(key).is_ok(),
        Rel::Filter(inner, predicate) => contains(inner, key, row)? && predicate.holds(row, &mut Unlinked)?,
        Rel::Union(rels) => {
            for rel in rels {
                if contains(rel, key, row)? {
                    return Ok(true);
                }
            }
            false
        }
        Rel::Intersect(rels) => {
            for rel in rels {
                if !contains(rel, key, row)? {
                    return Ok(false);
                }
            }
            true
        }
        Rel::Subtract(one, other) => contains(one, key, row)? && !contains(other, key, row)?,
        Rel::Traverse(walk) => {
            return Err(Error::internal("feed.set.linked", "a set that links decide is not told from rows alone")
                .with("link_type", &walk.link_type.api_name));
        }
    })
}

fn rel_pin(rel: &Rel, key: usize) -> Option<Pin> {
    match rel {
        Rel::All | Rel::Traverse(_) => None,
        Rel::Nothing => Some(Pin { property: key, values: Vec::new() }),
        Rel::Keys(keys) => Some(Pin { property: key, values: keys.iter().map(Key::to_value).collect() }),
        Rel::Filter(inner, predicate) => narrower(rel_pin(inner, key), predicate_pin(predicate)),
        Rel::Union(rels) => any_of(rels.iter().map(|rel| rel_pin(rel, key))),
        Rel::Intersect(rels) => rels.iter().map(|rel| rel_pin(rel, key)).fold(None, narrower),
        Rel::Subtract(one, _) => rel_pin(one, key),
    }
}

fn predicate_pin(predicate: &Predicate) -> Option<Pin> {
    match predicate {
        Predicate::Compare(property, Comparison::Eq, value) => {
            Some(Pin { property: *property, values: vec![value.clone()] })
        }
        Predicate::In(property, values) => Some(Pin { property: *property, values: values.clone() }),
        Predicate::And(all) => all.iter().map(predicate_pin).fold(None, narrower),
        Predicate::Or(any) => any_of(any.iter().map(predicate_pin)),
        Predicate::Not(_)
        | Predicate::Compare(..)
        | Predicate::IsNull(_)
        | Predicate::Text(..)
        | Predicate::ArrayContains(..)
        | Predicate::Within(..)
        | Predicate::Has(_) => None,
    }
}

/// Of two that both hold, the one with fewer values.
fn narrower(one: Option<Pin>, other: Option<Pin>) -> Option<Pin> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.values.len() < one.values.len() { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// Where one of several holds: what they come to when all are about one property.
fn any_of(mut pins: impl Iterator<Item = Option<Pin>>) -> Option<Pin> {
    let mut any = pins.next()??;
    for pin in pins {
        let Pin { property, values } = pin?;
        if property != any.property {
            return None;
        }
        any.values.extend(values);
    }
    Some(any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::fixture::schema;
    use crate::kernel::{Filter, ObjectSet};

    fn pin(set: ObjectSet) -> Option<(usize, usize)> {
        let set = LiveSet::resolve(&Arc::new(schema()), None, &Subscribe::to(set)).unwrap();
        let pins: Vec<_> = set.pins().collect();
        assert_eq!(pins.len(), 1);
        pins[0].1.as_ref().map(|pin| (pin.property, pin.values.len()))
    }

    #[test]
    fn sets_are_pinned_by_what_every_member_holds() {
        let airports = || ObjectSet::of("Airport");
        let named = |name: &str| airports().filter(Filter::eq("name", name));
        let name = pin(named("x")).unwrap().0;
        for (set, expected) in [
            (airports(), None),
            (named("x"), Some((name, 1))),
            (airports().filter("name = \"x\" AND active = true"), Some((name, 1))),
            (airports().filter("active = true AND name = \"x\""), Some((7, 1))),
            (named("x").union(named("y")), Some((name, 2))),
            (named("x").union(airports()), None),
            (named("x").union(airports().filter("active = true")), None),
            (named("x").intersect(airports()), Some((name, 1))),
            (airports().subtract(named("x")), None),
            (named("x").subtract(airports()), Some((name, 1))),
            (ObjectSet::ids("Airport", ["a", "b"]), Some((0, 2))),
            (ObjectSet::ids("Airport", ["a", "b"]).filter(Filter::eq("name", "x")), Some((name, 1))),
            (airports().filter("NOT name = \"x\""), None),
            (airports().filter("name != \"x\""), None),
        ] {
            assert_eq!(pin(set.clone()), expected, "{set:?}");
        }
    }
}
