//! Whether the actor may do something to an object, and why.

use std::sync::Arc;

use async_trait::async_trait;

use super::Kernel;
use crate::access::{AccessService, Check, Explanation, Extent, Rows, TypeRights, Verb};
use crate::commit::absent;
use crate::kernel::resolve;
use crate::ontology::{ObjectType, Schema};
use crate::{Context, Key, Permission, Result};

impl Kernel {
    /// What a check is about, under the current schema.
    async fn subject_of(&self, ctx: &Context, request: &Check) -> Result<(Arc<Schema>, Arc<ObjectType>, Key)> {
        let schema = self.schemas.current(ctx.scope().space).await?;
        let object_type = Arc::clone(schema.object_type(&request.object_type).map_err(|e| e.at("type"))?);
        let key = resolve::key(&object_type, &request.key).map_err(|e| e.at("key"))?;
        Ok((schema, object_type, key))
    }

    async fn try_check(&self, ctx: &Context, request: &Check) -> Result<bool> {
        let (schema, object_type, key) = self.subject_of(ctx, request).await?;
        let keys = std::slice::from_ref(&key);
        let objects = self.store.objects(ctx.scope(), &object_type, keys, None).await?;
        if objects.value.iter().flatten().next().is_none() {
            return Ok(false);
        }
        let Some(access) = self.access_under(ctx, &schema).await? else { return Ok(true) };
        for verb in [Verb::Read, request.verb] {
            let rows = &access.of(&object_type, verb).rows;
            let seen = self.seen(ctx, rows, &object_type, (keys, Some(objects.seq))).await?;
            if seen.is_some_and(|seen| !seen.contains(&key)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Why the actor of a context may, or may not, do something to an object, whether or not they may know of it: for one who may know why.
    #[cfg(feature = "users")]
    pub(crate) async fn explain_whatever_is_seen(&self, ctx: &Context, request: &Check) -> Result<Explanation> {
        self.try_explain(ctx, request, true).await
    }

    async fn try_explain(&self, ctx: &Context, request: &Check, tells_unseen: bool) -> Result<Explanation> {
        let (schema, object_type, key) = self.subject_of(ctx, request).await?;
        let keys = std::slice::from_ref(&key);
        let objects = self.store.objects(ctx.scope(), &object_type, keys, None).await?;
        if objects.value.iter().flatten().next().is_none() {
            return Err(absent(&object_type, &key));
        }
        let Some(access) = self.access_under(ctx, &schema).await? else {
            let properties = object_type.names.to_vec();
            return Ok(Explanation { allowed: true, reasons: Vec::new(), properties });
        };
        // What one may not read is told like what is not there.
        let rows = &access.of(&object_type, Verb::Read).rows;
        let seen = self.seen(ctx, rows, &object_type, (keys, Some(objects.seq))).await?;
        if !tells_unseen && seen.is_some_and(|seen| !seen.contains(&key)) {
            return Err(absent(&object_type, &key));
        }
        let mut judged = Vec::new();
        for condition in access.conditions(&object_type, request.verb) {
            judged.push(match condition {
                None => None,
                Some(predicate) => {
                    let rows = Rows::Only(predicate.clone());
                    let seen = self.seen(ctx, &rows, &object_type, (keys, Some(objects.seq))).await?;
                    Some(seen.is_some_and(|seen| seen.contains(&key)))
                }
            });
        }
        Ok(access.explained(&object_type, request.verb, judged))
    }
}

#[async_trait]
impl AccessService for Kernel {
    async fn check(&self, ctx: &Context, request: Check) -> Result<bool> {
        self.admit(ctx, Permission::ObjectRead)?;
        self.try_check(ctx, &request).await
    }

    async fn explain(&self, ctx: &Context, request: Check) -> Result<Explanation> {
        self.admit(ctx, Permission::ObjectRead)?;
        self.try_explain(ctx, &request, false).await
    }

    async fn what_can(&self, ctx: &Context) -> Result<Vec<TypeRights>> {
        self.admit(ctx, Permission::OntologyRead)?;
        let schema = self.schemas.current(ctx.scope().space).await?;
        if let Some(access) = self.access_under(ctx, &schema).await? {
            return Ok(access.what_can());
        }
        let whole = |object_type: &Arc<ObjectType>, verb| TypeRights {
            object_type: object_type.api_name.clone(),
            verb,
            objects: Extent::All,
            properties: object_type.names.to_vec(),
        };
        let types = schema.object_types.iter();
        Ok(types.flat_map(|object_type| Verb::ALL.map(|verb| whole(object_type, verb))).collect())
    }
}
