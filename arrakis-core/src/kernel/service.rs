//! The data kernel as its callers see it, in the same process or through a client.

use async_trait::async_trait;
use serde_json::Value as Json;

use super::{
    Aggregate, Edit, GetLinks, GetObjects, Groups, History, Links, Load, LoadReport, NeighbourPage, Neighbours,
    NewProperties, Object, ObjectSet, Objects, Page, Query, Versions, Write, Written,
};
use crate::{Context, Error, Key, Result};

/// Reads and writes objects and links.
///
/// Every method answers `permission.denied` without the permission it names, `context.deadline` past the context's deadline, and
/// names the path into the request of what it refuses. What belongs to another tenant is absent.
#[async_trait]
pub trait KernelService: std::fmt::Debug + Send + Sync + 'static {
    /// Objects by key. Needs `object.read`.
    async fn get(&self, ctx: &Context, request: GetObjects) -> Result<Objects>;

    /// A page of an object set. Needs `object.read`.
    async fn query(&self, ctx: &Context, request: Query) -> Result<Page>;

    /// Groups and measures of an object set. Needs `object.read`.
    async fn aggregate(&self, ctx: &Context, request: Aggregate) -> Result<Groups>;

    /// The links at an object, with the objects at their far ends. Needs `object.read`.
    async fn neighbours(&self, ctx: &Context, request: Neighbours) -> Result<NeighbourPage>;

    /// Links by their ends. Needs `object.read`.
    async fn links(&self, ctx: &Context, request: GetLinks) -> Result<Links>;

    /// The versions of an object or a link. Needs `object.read`.
    async fn history(&self, ctx: &Context, request: History) -> Result<Versions>;

    /// Edits in one commit. Needs `object.write`.
    async fn write(&self, ctx: &Context, request: Write) -> Result<Written>;

    /// A bulk load. Needs `object.write`. Rows that are rejected make no error: the answer lists them.
    async fn load(&self, ctx: &Context, request: Load) -> Result<LoadReport>;
}

/// What one writes most often, in terms of [`KernelService`].
#[async_trait]
pub trait KernelExt: KernelService {
    /// One object, whole.
    ///
    /// # Errors
    /// `kernel.object.absent`.
    async fn object(&self, ctx: &Context, object_type: &str, key: impl Into<Key> + Send) -> Result<Object> {
        let key = key.into();
        let found = self.get(ctx, GetObjects::of(object_type, [key.clone()])).await?;
        found.objects.into_iter().next().flatten().ok_or_else(|| {
            Error::not_found("kernel.object.absent", "there is no such object")
                .with("object_type", object_type)
                .with("key", key)
        })
    }

    /// Creates an object of its properties, a JSON object.
    async fn create(&self, ctx: &Context, object_type: &str, properties: Json) -> Result<Written> {
        let (object_type, properties) = (object_type.to_owned(), NewProperties::try_from(properties)?);
        self.write(ctx, Edit::Create { object_type, properties }.into()).await
    }

    /// Replaces some properties of an object, a JSON object.
    async fn modify(
        &self,
        ctx: &Context,
        object_type: &str,
        key: impl Into<Key> + Send,
        properties: Json,
    ) -> Result<Written> {
        let (object_type, key, properties) = (object_type.to_owned(), key.into(), NewProperties::try_from(properties)?);
        self.write(ctx, Edit::Modify { object_type, key, properties, expect: None }.into()).await
    }

    /// Creates an object, or replaces the properties given, a JSON object.
    async fn upsert(&self, ctx: &Context, object_type: &str, properties: Json) -> Result<Written> {
        let (object_type, properties) = (object_type.to_owned(), NewProperties::try_from(properties)?);
        self.write(ctx, Edit::Upsert { object_type, properties, expect: None }.into()).await
    }

    /// Deletes an object.
    async fn delete(&self, ctx: &Context, object_type: &str, key: impl Into<Key> + Send) -> Result<Written> {
        let (object_type, key) = (object_type.to_owned(), key.into());
        self.write(ctx, Edit::Delete { object_type, key, expect: None }.into()).await
    }

    /// Links two objects, with the link's properties, a JSON object.
    async fn link(
        &self,
        ctx: &Context,
        link_type: &str,
        ends: impl Into<super::LinkEnds> + Send,
        properties: Json,
    ) -> Result<Written> {
        let (link_type, properties) = (link_type.to_owned(), NewProperties::try_from(properties)?);
        let super::LinkEnds { source, target } = ends.into();
        self.write(ctx, Edit::Link { link_type, source, target, properties, expect: None }.into()).await
    }

    /// Deletes a link.
    async fn unlink(&self, ctx: &Context, link_type: &str, ends: impl Into<super::LinkEnds> + Send) -> Result<Written> {
        let link_type = link_type.to_owned();
        let super::LinkEnds { source, target } = ends.into();
        self.write(ctx, Edit::Unlink { link_type, source, target, expect: None }.into()).await
    }

    /// How many objects a set has.
    async fn count(&self, ctx: &Context, set: ObjectSet) -> Result<u64> {
        count_of(&self.aggregate(ctx, Aggregate::of(set).count("count")).await?)
    }
}

/// The count called `count` of the one group of an aggregate.
pub(super) fn count_of(groups: &Groups) -> Result<u64> {
    let count = groups.groups.first().and_then(|group| group.metrics.get("count")).and_then(|count| match count {
        crate::Value::Integer(count) => u64::try_from(*count).ok(),
        _ => None,
    });
    count.ok_or_else(|| Error::internal("kernel.count.malformed", "a count is a number"))
}

impl<T: KernelService + ?Sized> KernelExt for T {}
