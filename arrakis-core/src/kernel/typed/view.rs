//! The kernel as one who has structs sees it.

use std::fmt;
use std::marker::PhantomData;

use super::{KeyType as _, ObjectStruct};
use crate::kernel::{
    Aggregate, AsOf, Budget, Edit, Filter, GetObjects, KernelService, ObjectSet, OrderBy, Query, Written, count_of,
};
use crate::{Context, Result, Seq};

/// Reads and writes structs, as the context it was made with. Cheap to copy.
///
/// Each method is one request to the [`KernelService`] and takes the permission that takes; what it refuses, it refuses as that does.
#[derive(Clone, Copy, Debug)]
pub struct TypedKernel<'a> {
    kernel: &'a dyn KernelService,
    ctx: &'a Context,
}

impl<'a> TypedKernel<'a> {
    /// The view of a kernel, in a context.
    pub const fn new(kernel: &'a dyn KernelService, ctx: &'a Context) -> Self {
        Self { kernel, ctx }
    }

    /// An object by key; `None` for one that is absent.
    ///
    /// # Errors
    /// What the kernel refuses, and as [`ObjectStruct::from_object`].
    pub async fn get<S: ObjectStruct>(&self, key: impl Into<S::Key>) -> Result<Option<S>> {
        self.first(request::<S>([key.into()])).await
    }

    /// An object by key as it was; `None` for one that was absent.
    ///
    /// # Errors
    /// As [`TypedKernel::get`].
    pub async fn get_as_of<S: ObjectStruct>(
        &self,
        key: impl Into<S::Key>,
        as_of: impl Into<AsOf>,
    ) -> Result<Option<S>> {
        self.first(request::<S>([key.into()]).as_of(as_of)).await
    }

    /// Objects by key, up to [`KEYS_MAX`](crate::kernel::KEYS_MAX): one per key, in the order asked, `None` for each that is absent.
    ///
    /// # Errors
    /// As [`TypedKernel::get`].
    pub async fn get_many<S: ObjectStruct>(
        &self,
        keys: impl IntoIterator<Item: Into<S::Key>>,
    ) -> Result<Vec<Option<S>>> {
        let found = self.kernel.get(self.ctx, request::<S>(keys.into_iter().map(Into::into))).await?;
        let read = |object: &Option<_>| object.as_ref().map(S::from_object).transpose();
        found.objects.iter().map(read).collect()
    }

    /// A page of objects. What is asked is a [`Filter`], an [`ObjectSet`] of objects of this type, or a [`TypedQuery`].
    ///
    /// # Errors
    /// As [`TypedKernel::get`].
    pub async fn query<S: ObjectStruct>(&self, query: impl Into<TypedQuery<S>>) -> Result<TypedPage<S>> {
        let page = self.kernel.query(self.ctx, query.into().into()).await?;
        let read = |(index, object)| S::from_object(object).map_err(|e| e.at(format!("objects[{index}]")));
        let objects = page.objects.iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok(TypedPage { objects, next: page.next, seq: page.seq })
    }

    /// How many objects there are, whatever the order and the page of the query.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub async fn count<S: ObjectStruct>(&self, query: impl Into<TypedQuery<S>>) -> Result<u64> {
        let Query { set, as_of, at_least, budget, .. } = query.into().query;
        let count = Aggregate { as_of, at_least, budget, ..Aggregate::of(set).count("count") };
        count_of(&self.kernel.aggregate(self.ctx, count).await?)
    }

    /// Creates an object; refused when it exists.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub async fn create<S: ObjectStruct>(&self, object: &S) -> Result<Written> {
        self.kernel.write(self.ctx, Edit::create(object).into()).await
    }

    /// Creates an object, or replaces every property the struct has a field for.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub async fn upsert<S: ObjectStruct>(&self, object: &S) -> Result<Written> {
        self.kernel.write(self.ctx, Edit::upsert(object).into()).await
    }

    /// Replaces every property the struct has a field for; refused when the object does not exist.
    ///
    /// What another wrote to those properties since the struct was read is replaced too: an [`Edit::Modify`] that expects the
    /// revision read refuses that.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub async fn modify<S: ObjectStruct>(&self, object: &S) -> Result<Written> {
        self.kernel.write(self.ctx, Edit::modify(object).into()).await
    }

    /// Deletes an object; refused when it does not exist.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub async fn delete<S: ObjectStruct>(&self, key: impl Into<S::Key>) -> Result<Written> {
        self.kernel.write(self.ctx, Edit::delete::<S>(key).into()).await
    }

    async fn first<S: ObjectStruct>(&self, request: GetObjects) -> Result<Option<S>> {
        let found = self.kernel.get(self.ctx, request).await?;
        found.objects.first().and_then(Option::as_ref).map(S::from_object).transpose()
    }
}

fn request<S: ObjectStruct>(keys: impl IntoIterator<Item = S::Key>) -> GetObjects {
    let keys = keys.into_iter().map(|key| key.to_key());
    GetObjects { select: Some(selection::<S>()), ..GetObjects::of(S::OBJECT_TYPE, keys) }
}

/// The properties the struct has fields for.
fn selection<S: ObjectStruct>() -> Vec<String> {
    S::shape().properties.into_iter().map(|property| property.name).collect()
}

/// What a page of structs is asked by: a [`Query`] whose objects are of the struct's type, and of which the properties are read that
/// it has fields for.
pub struct TypedQuery<S> {
    query: Query,
    of: PhantomData<fn() -> S>,
}

/// A page of structs.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedPage<S> {
    /// The objects, in order.
    pub objects: Vec<S>,
    /// The cursor of the next page; `None` after the last.
    pub next: Option<String>,
    /// The newest commit the page has seen, or the one it is as of.
    pub seq: Seq,
}

impl<S: ObjectStruct> TypedQuery<S> {
    /// Every object of the type, by key.
    pub fn all() -> Self {
        Self::of(ObjectSet::of(S::OBJECT_TYPE))
    }

    /// The objects of a set, by key; a set with objects of another type is refused.
    pub fn of(set: ObjectSet) -> Self {
        Self { query: Query::of(set).select(selection::<S>()), of: PhantomData }
    }

    /// Those that satisfy this filter too.
    #[must_use]
    pub fn filter(self, filter: impl Into<Filter>) -> Self {
        let Self { query, of } = self;
        Self { query: Query { set: query.set.filter(filter), ..query }, of }
    }

    /// In this order, after the terms given before.
    #[must_use]
    pub fn order_by(self, term: OrderBy) -> Self {
        self.map(|query| query.order_by(term))
    }

    /// So many objects a page.
    #[must_use]
    pub fn page_size(self, size: u32) -> Self {
        self.map(|query| query.page_size(size))
    }

    /// The page after the one that gave this cursor.
    #[must_use]
    pub fn after(self, cursor: impl Into<String>) -> Self {
        self.map(|query| query.after(cursor))
    }

    /// Of a past state.
    #[must_use]
    pub fn as_of(self, as_of: impl Into<AsOf>) -> Self {
        self.map(|query| query.as_of(as_of))
    }

    /// Refused beyond so much work.
    #[must_use]
    pub fn within(self, budget: Budget) -> Self {
        self.map(|query| query.within(budget))
    }

    fn map(self, change: impl FnOnce(Query) -> Query) -> Self {
        Self { query: change(self.query), of: self.of }
    }
}

impl<S> Clone for TypedQuery<S> {
    fn clone(&self) -> Self {
        Self { query: self.query.clone(), of: PhantomData }
    }
}

impl<S> fmt::Debug for TypedQuery<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedQuery").field(&self.query).finish()
    }
}

impl<S> From<TypedQuery<S>> for Query {
    fn from(query: TypedQuery<S>) -> Self {
        query.query
    }
}

impl<S: ObjectStruct> From<ObjectSet> for TypedQuery<S> {
    fn from(set: ObjectSet) -> Self {
        Self::of(set)
    }
}

impl<S: ObjectStruct> From<Filter> for TypedQuery<S> {
    fn from(filter: Filter) -> Self {
        Self::all().filter(filter)
    }
}

impl<S: ObjectStruct> From<&str> for TypedQuery<S> {
    /// A filter by its AIP-160 text.
    fn from(filter: &str) -> Self {
        Self::all().filter(filter)
    }
}
