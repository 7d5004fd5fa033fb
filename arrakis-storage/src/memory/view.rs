//! A tenant's view of the state as of one commit: rows, links and the sets made of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use arrakis_core::commit::StoredRow;
use arrakis_core::kernel::plan::{HasLink, Predicate, Rel, Traverse};
use arrakis_core::kernel::{Budget, Linked, Unlinked};
use arrakis_core::ontology::{Backing, End, LinkType, ObjectType};
use arrakis_core::{Env, Key, LinkTypeId, Result, Scope, Seq, Value};

use super::state::{LinkTable, ObjectTable, State};

/// Links by the key at one end.
pub(super) type Adjacency = BTreeMap<Key, Vec<Edge>>;

/// A link of either backing, seen from one end.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) far: Key,
    pub(super) revision: Seq,
    pub(super) values: Vec<Value>,
}

/// What one tenant sees right after one commit, within a budget.
pub(super) struct View<'a> {
    state: &'a State,
    scope: Scope,
    at: Option<Seq>,
    budget: Budget,
    env: &'a Env,
    began: Duration,
    adjacencies: RefCell<HashMap<(LinkTypeId, End), Rc<Adjacency>>>,
}

impl<'a> View<'a> {
    pub(super) fn new(state: &'a State, scope: Scope, at: Option<Seq>, budget: Budget, env: &'a Env) -> Self {
        let began = env.monotonic();
        Self { state, scope, at, budget, env, began, adjacencies: RefCell::default() }
    }

    pub(super) fn state(&self) -> &'a State {
        self.state
    }

    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    pub(super) fn budget(&self) -> Budget {
        self.budget
    }

    pub(super) fn row(&self, object_type: &ObjectType, key: &Key) -> Option<StoredRow> {
        let table = self.state.objects.get(&(self.scope.space, object_type.id, self.scope.tenant))?;
        Some(table.get(key)?.at(self.at)?.row(&object_type.properties))
    }

    fn keys(&self, object_type: &ObjectType) -> BTreeSet<Key> {
        let table = self.state.objects.get(&(self.scope.space, object_type.id, self.scope.tenant));
        let rows = table.into_iter().flat_map(ObjectTable::iter);
        rows.filter(|(_, versions)| versions.at(self.at).is_some()).map(|(key, _)| key.clone()).collect()
    }

    /// The links of a type by the key at `end`, each key's in the order of the far key. `holder_type` holds the foreign key, for
    /// such a backing.
    pub(super) fn adjacency(&self, link_type: &LinkType, end: End, holder_type: Option<&ObjectType>) -> Rc<Adjacency> {
        let cached = self.adjacencies.borrow().get(&(link_type.id, end)).map(Rc::clone);
        cached.unwrap_or_else(|| {
            let adjacency = Rc::new(match (link_type.backing, holder_type) {
                (Backing::ForeignKey { holder, property }, Some(holder_type)) => {
                    self.held(holder_type, property, end == holder)
                }
                (Backing::ForeignKey { .. }, None) => Adjacency::new(),
                (Backing::Join, _) => self.joined(link_type, end),
            });
            self.adjacencies.borrow_mut().insert((link_type.id, end), Rc::clone(&adjacency));
            adjacency
        })
    }

    fn held(&self, holder_type: &ObjectType, property: usize, from_holder: bool) -> Adjacency {
        let mut adjacency = Adjacency::new();
        for key in self.keys(holder_type) {
            let Some(row) = self.row(holder_type, &key) else { continue };
            let Some(named) = row.values.get(property).and_then(Key::from_value) else { continue };
            let (near, far) = if from_holder { (key, named) } else { (named, key) };
            adjacency.entry(near).or_default().push(Edge { far, revision: row.revision, values: Vec::new() });
        }
        adjacency
    }

    fn joined(&self, link_type: &LinkType, end: End) -> Adjacency {
        let mut adjacency = Adjacency::new();
        let table = self.state.links.get(&(self.scope.space, link_type.id, self.scope.tenant));
        for ((source, target), versions) in table.into_iter().flat_map(LinkTable::iter) {
            let Some(version) = versions.at(self.at) else { continue };
            let (near, far) = if end == End::Source { (source, target) } else { (target, source) };
            adjacency.entry(near.clone()).or_default().push(Edge {
                far: far.clone(),
                revision: version.from,
                values: version.values(&link_type.properties),
            });
        }
        adjacency
    }

    /// The keys of the objects in a set.
    ///
    /// # Errors
    /// `kernel.budget.ms`.
    pub(super) fn set(&self, object_type: &ObjectType, rel: &Rel) -> Result<BTreeSet<Key>> {
        match rel {
            Rel::All => Ok(self.keys(object_type)),
            Rel::Nothing => Ok(BTreeSet::new()),
            Rel::Keys(keys) => Ok(keys.iter().filter(|key| self.row(object_type, key).is_some()).cloned().collect()),
            Rel::Filter(inner, predicate) => {
                let mut kept = BTreeSet::new();
                for key in self.set(object_type, inner)? {
                    if self.fits(object_type, &key, predicate)? {
                        kept.insert(key);
                    }
                }
                Ok(kept)
            }
            Rel::Union(sets) => sets.iter().try_fold(BTreeSet::new(), |mut union, set| {
                union.extend(self.set(object_type, set)?);
                Ok(union)
            }),
            Rel::Intersect(sets) => sets.iter().try_fold(self.keys(object_type), |kept, set| {
                let other = self.set(object_type, set)?;
                Ok(kept.intersection(&other).cloned().collect())
            }),
            Rel::Subtract(from, gone) => {
                let gone = self.set(object_type, gone)?;
                Ok(self.set(object_type, from)?.difference(&gone).cloned().collect())
            }
            Rel::Traverse(traverse) => self.reached(object_type, traverse),
        }
    }

    fn fits(&self, object_type: &ObjectType, key: &Key, predicate: &Predicate) -> Result<bool> {
        self.check_time()?;
        match self.row(object_type, key) {
            Some(row) => predicate.holds(&row.values, &mut RowLinks { view: self, object_type, key }),
            None => Ok(false),
        }
    }

    fn reached(&self, object_type: &ObjectType, traverse: &Traverse) -> Result<BTreeSet<Key>> {
        let ends = if traverse.either { vec![traverse.end, traverse.end.far()] } else { vec![traverse.end] };
        let holder_type = holder_type(&traverse.link_type, traverse.end, &traverse.from_type, object_type);
        let mut frontier = self.set(&traverse.from_type, &traverse.from)?;
        let mut reached = BTreeSet::new();
        for walked in 1..=traverse.max {
            let mut next = BTreeSet::new();
            for end in &ends {
                let adjacency = self.adjacency(&traverse.link_type, *end, holder_type);
                for edge in frontier.iter().filter_map(|near| adjacency.get(near)).flatten() {
                    self.check_time()?;
                    if edge.fits(traverse.edge.as_ref())? && self.row(object_type, &edge.far).is_some() {
                        next.insert(edge.far.clone());
                    }
                }
            }
            if walked >= traverse.min {
                reached.extend(next.iter().cloned());
            }
            frontier = next;
        }
        Ok(reached)
    }

    pub(super) fn check_time(&self) -> Result<()> {
        match self.budget.ms {
            Some(_) => self.budget.check_time(self.env.monotonic().saturating_sub(self.began)),
            None => Ok(()),
        }
    }
}

impl Edge {
    pub(super) fn fits(&self, predicate: Option<&Predicate>) -> Result<bool> {
        predicate.map_or(Ok(true), |predicate| predicate.holds(&self.values, &mut Unlinked))
    }
}

/// The type that holds the foreign key of a link between an object at `end` and one at the far end.
pub(super) fn holder_type<'t>(
    link_type: &LinkType,
    end: End,
    near: &'t ObjectType,
    far: &'t ObjectType,
) -> Option<&'t ObjectType> {
    match link_type.backing {
        Backing::ForeignKey { holder, .. } => Some(if holder == end { near } else { far }),
        Backing::Join => None,
    }
}

struct RowLinks<'a> {
    view: &'a View<'a>,
    object_type: &'a ObjectType,
    key: &'a Key,
}

impl Linked for RowLinks<'_> {
    fn has(&mut self, has: &HasLink) -> Result<bool> {
        let holder_type = holder_type(&has.link_type, has.end, self.object_type, &has.far_type);
        let adjacency = self.view.adjacency(&has.link_type, has.end, holder_type);
        for edge in adjacency.get(self.key).into_iter().flatten() {
            let far_fits = || match &has.far {
                Some(far) => self.view.fits(&has.far_type, &edge.far, far),
                None => Ok(true),
            };
            if edge.fits(has.edge.as_ref())? && far_fits()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
