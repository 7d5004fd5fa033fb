//! Reads spelled by name and JSON.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::kernel::plan::{
    Area, Branch, Comparison, HasLink, HistoryPlan, HistorySubject, LinksPlan, Position, Predicate, QueryPlan, Rel,
    SortDirection, TextMatch, Traverse,
};
use crate::kernel::{Budget, Link, Object, QueryRows, Version};
use crate::ontology::{Backing, End, ObjectType, Property, Schema};
use crate::{ApiName, BaseType, Key, Result, Scope, Seq, Value};

use super::fixture::Fixture;

/// Those of a type's objects that satisfy a predicate.
pub fn filter(predicate: Predicate) -> Rel {
    Rel::Filter(Box::new(Rel::All), predicate)
}

/// The keys of objects in their order, as text.
pub fn keys_of(objects: &[Object]) -> Vec<String> {
    objects.iter().map(|object| object.key.to_string()).collect()
}

/// Conditions on the properties of one type, by name.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a>(&'a [Property]);

impl<'a> Conditions<'a> {
    /// Conditions on these properties.
    pub fn on(properties: &'a [Property]) -> Self {
        Self(properties)
    }

    /// The index of a property.
    pub fn index(&self, name: &str) -> usize {
        self.0.iter().position(|property| property.api_name == *name).unwrap_or_else(|| panic!("no property {name}"))
    }

    /// A value of a property's type.
    pub fn value(&self, name: &str, json: impl Into<Json>) -> Value {
        self.0[self.index(name)].data_type.read(&json.into()).unwrap()
    }

    /// A comparison.
    pub fn compare(&self, name: &str, comparison: Comparison, json: impl Into<Json>) -> Predicate {
        Predicate::Compare(self.index(name), comparison, self.value(name, json))
    }

    /// Equality.
    pub fn eq(&self, name: &str, json: impl Into<Json>) -> Predicate {
        self.compare(name, Comparison::Eq, json)
    }

    /// Membership.
    pub fn is_in(&self, name: &str, values: &[Json]) -> Predicate {
        Predicate::In(self.index(name), values.iter().map(|json| self.value(name, json.clone())).collect())
    }

    /// Absence.
    pub fn is_null(&self, name: &str) -> Predicate {
        Predicate::IsNull(self.index(name))
    }

    /// A match of text.
    pub fn text(&self, name: &str, how: TextMatch, text: &str) -> Predicate {
        Predicate::Text(self.index(name), how, text.into())
    }

    /// An element of an array.
    pub fn has_element(&self, name: &str, json: impl Into<Json>) -> Predicate {
        let index = self.index(name);
        let BaseType::Array(element) = &self.0[index].data_type.base else { panic!("{name} is no array") };
        Predicate::ArrayContains(index, element.read(&json.into()).unwrap())
    }

    /// A position.
    pub fn within(&self, name: &str, area: Area) -> Predicate {
        Predicate::Within(self.index(name), area)
    }
}

/// A query in the making: every property of every object of some types, in the order of their keys, unless more is said.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The query.
    pub plan: QueryPlan,
}

impl Ask {
    /// A query of one type.
    pub fn of(object_type: &Arc<ObjectType>, rel: Rel) -> Self {
        let branch = Branch {
            object_type: Arc::clone(object_type),
            rel,
            output: (0..object_type.properties.len()).collect(),
            order: Vec::new(),
        };
        Self { plan: plan(vec![branch], Arc::clone(&object_type.names)) }
    }

    /// A query of an interface's properties over the types that implement it.
    pub fn of_interface(schema: &Schema, name: &str, rel: impl Fn(&ObjectType) -> Rel) -> Self {
        let interface = schema.interface(name).unwrap();
        let branch = |id: &crate::ObjectTypeId| {
            let object_type = schema.object_type_by_id(*id).unwrap();
            let implementation = object_type.interfaces.iter().find(|implementation| implementation.interface == *name);
            let rel = rel(object_type);
            let output = implementation.unwrap().properties.clone();
            Branch { object_type: Arc::clone(object_type), rel, output, order: Vec::new() }
        };
        let branches = interface.implementers.iter().map(branch).collect();
        Self { plan: plan(branches, Arc::clone(&interface.names)) }
    }

    /// Ordered by one more output property.
    #[must_use]
    pub fn order(mut self, name: &str, direction: SortDirection) -> Self {
        let output = self.plan.names.iter().position(|output| *output == *name).expect("ordered by an output");
        for branch in &mut self.plan.branches {
            branch.order.push(branch.output[output]);
        }
        self.plan.order.push(direction);
        self
    }

    /// At most so many objects.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.plan.limit = limit;
        self
    }

    /// As of a commit.
    #[must_use]
    pub fn at(mut self, at: Seq) -> Self {
        self.plan.at = Some(at);
        self
    }

    /// After a position.
    #[must_use]
    pub fn after(mut self, after: Option<Position>) -> Self {
        self.plan.after = after;
        self
    }

    /// Within a budget.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.plan.budget = budget;
        self
    }
}

fn plan(branches: Vec<Branch>, names: Arc<[ApiName]>) -> QueryPlan {
    let (order, limit) = (Vec::new(), 1_000);
    QueryPlan { branches, names, order, after: None, limit, at: None, budget: Budget::default() }
}

impl Fixture {
    /// Conditions on objects of a type.
    pub fn on(&self, object_type: &str) -> Conditions<'_> {
        Conditions::on(&self.object_type(object_type).properties)
    }

    /// Conditions on links of a type.
    pub fn on_link(&self, link_type: &str) -> Conditions<'_> {
        Conditions::on(&self.link_type(link_type).properties)
    }

    /// A query of a type.
    pub fn ask(&self, object_type: &str, rel: Rel) -> Ask {
        Ask::of(self.object_type(object_type), rel)
    }

    /// One link followed from a set; `end` is the end the set's objects are at.
    pub fn traverse(&self, link_type: &str, end: End, from: Rel) -> Traverse {
        let link_type = self.link_type(link_type);
        let from_type = self.schema.object_type_by_id(link_type.side(end).object_type).unwrap();
        Traverse {
            from_type: Arc::clone(from_type),
            from,
            link_type: Arc::clone(link_type),
            end,
            either: false,
            min: 1,
            max: 1,
            edge: None,
        }
    }

    /// The condition of having a link; `end` is the end the objects are at.
    pub fn has(&self, link_type: &str, end: End, edge: Option<Predicate>, far: Option<Predicate>) -> Predicate {
        let link_type = self.link_type(link_type);
        let far_type = self.schema.object_type_by_id(link_type.side(end.far()).object_type).unwrap();
        Predicate::Has(Box::new(HasLink {
            link_type: Arc::clone(link_type),
            end,
            far_type: Arc::clone(far_type),
            edge,
            far,
        }))
    }

    /// Runs a query.
    ///
    /// # Errors
    /// What the store refuses.
    pub async fn query(&self, scope: Scope, ask: &Ask) -> Result<QueryRows> {
        Ok(self.store.query(scope, &ask.plan).await?.value)
    }

    /// The keys a query finds, in order.
    pub async fn found(&self, scope: Scope, ask: &Ask) -> Vec<String> {
        keys_of(&self.query(scope, ask).await.unwrap().objects)
    }

    /// The keys of those of one's own objects that satisfy a predicate.
    pub async fn matching(&self, object_type: &str, predicate: Predicate) -> Vec<String> {
        self.found(self.own, &self.ask(object_type, filter(predicate))).await
    }

    /// An object as it is now.
    pub async fn object(&self, scope: Scope, object_type: &str, key: impl Into<Key>) -> Option<Object> {
        self.object_at(scope, object_type, key, None).await
    }

    /// An object as of a commit.
    pub async fn object_at(
        &self,
        scope: Scope,
        object_type: &str,
        key: impl Into<Key>,
        at: Option<Seq>,
    ) -> Option<Object> {
        let read = self.store.objects(scope, self.object_type(object_type), &[key.into()], at).await.unwrap();
        assert_eq!(read.value.len(), 1, "one answer per key");
        read.value.into_iter().next().flatten()
    }

    /// One property of one of one's own objects; absent for an absent object too.
    pub async fn value(&self, object_type: &str, key: impl Into<Key>, property: &str) -> Value {
        let object = self.object(self.own, object_type, key).await;
        object.and_then(|object| object.properties.get(property).cloned()).unwrap_or_default()
    }

    /// The links at an object, all of them.
    pub fn links_plan(&self, link_type: &str, end: End, key: impl Into<Key>) -> LinksPlan {
        let link_type = self.link_type(link_type);
        let holder_type = match link_type.backing {
            Backing::ForeignKey { holder, .. } => self.schema.object_type_by_id(link_type.side(holder).object_type),
            Backing::Join => None,
        };
        LinksPlan {
            link_type: Arc::clone(link_type),
            holder_type: holder_type.cloned(),
            end,
            key: key.into(),
            far: None,
            edge: None,
            after: None,
            limit: 1_000,
            at: None,
        }
    }

    /// Reads links.
    pub async fn links(&self, scope: Scope, plan: &LinksPlan) -> Vec<Link> {
        self.store.links(scope, plan).await.unwrap().value
    }

    /// The far keys of links, in order, as text.
    pub async fn far_keys(&self, scope: Scope, plan: &LinksPlan) -> Vec<String> {
        let links = self.links(scope, plan).await;
        let far = |link: &Link| if plan.end == End::Source { link.target.to_string() } else { link.source.to_string() };
        links.iter().map(far).collect()
    }

    /// The versions of an object.
    pub async fn history(&self, scope: Scope, object_type: &str, key: impl Into<Key>) -> Vec<Version> {
        let subject = HistorySubject::Object(Arc::clone(self.object_type(object_type)), key.into());
        self.versions(scope, subject).await
    }

    /// The versions of a join-table link.
    pub async fn link_history(
        &self,
        scope: Scope,
        link_type: &str,
        source: impl Into<Key>,
        target: impl Into<Key>,
    ) -> Vec<Version> {
        let link_type = Arc::clone(self.link_type(link_type));
        self.versions(scope, HistorySubject::Link(link_type, source.into(), target.into())).await
    }

    /// The versions of a subject.
    pub async fn versions(&self, scope: Scope, subject: HistorySubject) -> Vec<Version> {
        let plan = HistoryPlan { subject, after: Seq(0), limit: 1_000 };
        self.store.history(scope, &plan).await.unwrap().value
    }
}
