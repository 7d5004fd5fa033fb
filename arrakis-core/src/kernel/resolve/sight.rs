//! What a request sees: a schema, and of it what its actor may read.

use std::sync::Arc;

use super::far_type;
use crate::access::{Compiled, PropertySet, Rows, Verb};
use crate::kernel::plan::{Branch, HasLink, Predicate, QueryPlan, Rel, Traverse};
use crate::kernel::{Object, Properties};
use crate::ontology::{Backing, End, LinkType, ObjectType, Schema};
use crate::{Permission, Result};

/// A schema, and what may be read under it.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct Sight<'a> {
    pub(in crate::kernel) schema: &'a Schema,
    /// `None` for one who sees everything.
    pub(in crate::kernel) access: Option<&'a Compiled>,
}

impl<'a> From<&'a Schema> for Sight<'a> {
    /// The sight of one who sees everything.
    fn from(schema: &'a Schema) -> Self {
        Self { schema, access: None }
    }
}

impl Sight<'_> {
    /// The objects of a type that may be read.
    pub(in crate::kernel) fn rows(&self, object_type: &ObjectType) -> &Rows {
        self.access.map_or(&Rows::All, |access| &access.of(object_type, Verb::Read).rows)
    }

    /// Of a set of objects of a type those that may be read.
    pub(super) fn seen(&self, object_type: &ObjectType, rel: Rel) -> Rel {
        match self.rows(object_type) {
            Rows::All => rel,
            Rows::Nothing => Rel::Nothing,
            Rows::Only(predicate) => Rel::Filter(Box::new(rel), predicate.clone()),
        }
    }

    /// A condition on links whose far objects are those that may be read.
    pub(super) fn has(&self, has: HasLink) -> Predicate {
        let far = match (self.rows(&has.far_type), has.far) {
            (Rows::Nothing, _) => return Predicate::Or(Vec::new()),
            (Rows::All, far) => far,
            (Rows::Only(seen), None) => Some(seen.clone()),
            (Rows::Only(seen), Some(far)) => Some(Predicate::And(vec![seen.clone(), far])),
        };
        Predicate::Has(Box::new(HasLink { far, ..has }))
    }

    /// The objects reached by a walk whose every stop may be read: a walk of several links is the union of walks link by link, where
    /// some of the objects on the way may not.
    pub(super) fn walk(&self, far_type: &ObjectType, walk: Traverse) -> Rel {
        if walk.max == 1 || matches!(self.rows(far_type), Rows::All) {
            return self.seen(far_type, Rel::Traverse(Box::new(walk)));
        }
        let (min, max) = (walk.min, walk.max);
        let step = |from: Rel| {
            let step = Traverse { from, min: 1, max: 1, ..walk.clone() };
            self.seen(far_type, Rel::Traverse(Box::new(step)))
        };
        let mut reached = walk.from.clone();
        let mut stops = Vec::new();
        for hops in 1..=max {
            reached = step(reached);
            if hops >= min {
                stops.push(reached.clone());
            }
        }
        Rel::Union(stops)
    }

    /// Passes for a property that may be read.
    ///
    /// # Errors
    /// `permission.property`, naming it.
    pub(super) fn check_property(&self, object_type: &ObjectType, property: usize) -> Result<()> {
        if self.properties(object_type).contains(property) {
            return Ok(());
        }
        Err(masked(object_type, property))
    }

    /// Passes for links that show nothing but what may be read: not those held in a property that may not.
    ///
    /// # Errors
    /// As [`Sight::check_property`].
    pub(super) fn check_link(&self, link_type: &LinkType) -> Result<()> {
        match link_type.backing {
            Backing::Join => Ok(()),
            Backing::ForeignKey { holder, property } => {
                self.check_property(super::object_type_at(self.schema, link_type, holder)?, property)
            }
        }
    }

    /// Passes where every object at the far end of links may be read.
    ///
    /// # Errors
    /// `permission.links`, naming the link type.
    pub(super) fn check_all_far(&self, link_type: &LinkType, end: End) -> Result<()> {
        let far: &Arc<ObjectType> = far_type(self.schema, link_type, end)?;
        if matches!(self.rows(far), Rows::All) {
            return Ok(());
        }
        Err(Permission::ObjectRead
            .denied()
            .with("needed", "to read every object at the far end of the links")
            .with("link_type", &link_type.api_name))
    }

    /// An object of a page, without what may not be read of it.
    pub(in crate::kernel) fn shown(&self, plan: &QueryPlan, object: Object) -> Object {
        if self.access.is_none() {
            return object;
        }
        let branch = plan.branches.iter().find(|branch| branch.object_type.api_name == object.object_type);
        let Some(Branch { object_type, output, .. }) = branch else { return object };
        let PropertySet::Only(_) = self.properties(object_type) else { return object };
        let is_hidden = |position: usize| {
            output.get(position).is_none_or(|property| !self.properties(object_type).contains(*property))
        };
        Object { properties: object.properties.without(is_hidden), ..object }
    }

    /// A whole row of a type, without what may not be read of it.
    pub(in crate::kernel) fn whole(&self, object_type: &ObjectType, properties: Properties) -> Properties {
        match self.properties(object_type) {
            PropertySet::All => properties,
            seen @ PropertySet::Only(_) => properties.without(|property| !seen.contains(property)),
        }
    }

    /// The properties of a type that may be read.
    pub(in crate::kernel) fn properties(&self, object_type: &ObjectType) -> &PropertySet {
        self.access.map_or(&PropertySet::All, |access| &access.of(object_type, Verb::Read).properties)
    }
}

/// That a property is not to be read.
pub(in crate::kernel) fn masked(object_type: &ObjectType, property: usize) -> crate::Error {
    let name = object_type.names.get(property).map(ToString::to_string).unwrap_or_default();
    crate::Error::new(crate::ErrorKind::Forbidden, "permission.property", "this actor has no right to this property")
        .with("object_type", &object_type.api_name)
        .with("property", name)
}
