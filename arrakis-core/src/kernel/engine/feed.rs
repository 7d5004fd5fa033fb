//! The feed of the kernel.

use std::sync::Arc;

use async_trait::async_trait;

use super::Kernel;
use crate::access::{Access, PropertySet, Rows, TypeAccess, Verb, denied};
use crate::kernel::resolve::object_type_at;
use crate::kernel::{Changes, ChangesSince, FeedService, Subscribe, Subscription};
use crate::ontology::{End, ObjectType};
use crate::{Context, Permission, Result};

impl Kernel {
    /// Passes for the changes of types of which the actor may read everything. Those of others are told by live sets.
    async fn permit_changes(&self, ctx: &Context, access: &Arc<Access>, request: &ChangesSince) -> Result<()> {
        let schema = self.schemas.refresh(ctx.scope().space).await?;
        let rights = access.compiled(ctx.scope().space, &schema, &schema);
        let is_whole = |object_type: &ObjectType| {
            let TypeAccess { rows, properties, .. } = rights.of(object_type, Verb::Read);
            matches!(rows, Rows::All) && *properties == PropertySet::All
        };
        let check = |object_type: &Arc<ObjectType>| {
            if is_whole(object_type) {
                return Ok(());
            }
            Err(denied()
                .with("permission", Permission::ObjectRead.name())
                .with("needed", "to read every object and property of the types whose changes are asked for")
                .with("object_type", &object_type.api_name))
        };
        let Some(names) = &request.types else { return schema.object_types.iter().try_for_each(check) };
        for (index, name) in names.iter().enumerate() {
            let mut types: Vec<&Arc<ObjectType>> = Vec::new();
            if let Ok(object_type) = schema.object_type(name) {
                types.push(object_type);
            } else if let Ok(interface) = schema.interface(name) {
                types.extend(interface.implementers.iter().filter_map(|id| schema.object_type_by_id(*id)));
            } else if let Ok(link_type) = schema.link_type(name) {
                for end in [End::Source, End::Target] {
                    types.push(object_type_at(&schema, link_type, end)?);
                }
            }
            types.into_iter().try_for_each(check).map_err(|e| e.at(format!("types[{index}]")))?;
        }
        Ok(())
    }

    /// Ends every subscription and waits until no task of the kernel reads any more. Requests are still answered.
    pub async fn close(&self) {
        self.feed.close().await;
        if let Some(cache) = &self.cache {
            cache.close().await;
        }
    }
}

#[async_trait]
impl FeedService for Kernel {
    async fn changes(&self, ctx: &Context, request: ChangesSince) -> Result<Changes> {
        self.admit(ctx, Permission::ObjectRead)?;
        if let Some(access) = ctx.access() {
            self.permit_changes(ctx, access, &request).await?;
        }
        let left = ctx.deadline().map(|deadline| deadline.saturating_sub(self.env.monotonic()));
        let mut changes = self.feed.changes(ctx.scope(), &request, left).await?;
        if ctx.access().is_some() {
            for commit in &mut changes.commits {
                // What actions were given and events tell may be of objects of any type.
                commit.events.clear();
                let action = commit.origin.as_mut().and_then(|origin| origin.audit.action.as_mut());
                if let Some(action) = action {
                    action.parameters.clear();
                }
            }
        }
        Ok(changes)
    }

    async fn subscribe(&self, ctx: &Context, request: Subscribe) -> Result<Subscription> {
        self.admit(ctx, Permission::ObjectRead)?;
        self.feed.subscribe(self.env.clone(), ctx, request).await.map(Subscription::new)
    }
}
