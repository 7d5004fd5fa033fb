//! Objects by key.

use std::sync::Arc;

use super::Kernel;
use super::view::View;
use crate::cache::{Found, Wanted};
use crate::kernel::resolve::{self, Selection};
use crate::kernel::{GetObjects, Object, Objects, Properties, Snapshot};
use crate::ontology::ObjectType;
use crate::{Context, Key, Result};

impl Kernel {
    pub(super) async fn try_get(&self, ctx: &Context, request: &GetObjects) -> Result<Objects> {
        let view = self.view(ctx, request.as_of, request.at_least).await?;
        let object_type = view.schema.object_type(&request.object_type).map_err(|e| e.at("type"))?;
        let keys = resolve::keys(object_type, &request.keys)?;
        let selection =
            request.select.as_ref().map(|names| Selection::of(view.sight(), object_type, names)).transpose()?;
        let Snapshot { seq, value: mut objects } = self.read_seen(ctx, &view, object_type, &keys).await?;
        let types = match &selection {
            None => resolve::struct_types(object_type.properties.iter().map(|property| &property.data_type.base)),
            Some(Selection { output, .. }) => {
                let selected = output.iter().filter_map(|index| object_type.properties.get(*index));
                resolve::struct_types(selected.map(|property| &property.data_type.base))
            }
        };
        if selection.is_some() || types.is_some() {
            for object in objects.iter_mut().flatten() {
                let properties = std::mem::replace(&mut object.properties, Properties::empty());
                let properties = match &selection {
                    None => properties,
                    Some(selection) => selected(&properties, selection),
                };
                object.properties = properties.typed(types.clone());
            }
        }
        Ok(Objects { objects, seq })
    }

    /// Objects from the cache, where there is one and they are wanted as they are now; what it does not know, from the store.
    pub(super) async fn read(
        &self,
        ctx: &Context,
        view: &View,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
    ) -> Result<Snapshot<Vec<Option<Object>>>> {
        let Some(cache) = self.cache.as_ref().filter(|_| view.at.is_none() && !keys.is_empty()) else {
            return self.read_stored(ctx, view, object_type, keys).await;
        };
        let (scope, version, least) = (ctx.scope(), view.schema.version, view.least());
        let wanted = Wanted { scope, version, object_type, keys, least };
        let missing = match cache.find(wanted).await {
            Found::All(snapshot) => return Ok(snapshot),
            Found::Missing(missing) => missing,
        };
        let read = self.read_stored(ctx, view, object_type, &missing.keys(wanted)).await?;
        match cache.complete(wanted, missing, read) {
            Some(snapshot) => Ok(snapshot),
            None => self.read_stored(ctx, view, object_type, keys).await,
        }
    }

    async fn read_stored(
        &self,
        ctx: &Context,
        view: &View,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
    ) -> Result<Snapshot<Vec<Option<Object>>>> {
        let snapshot = self.store.objects(ctx.scope(), object_type, keys, view.at).await?;
        self.check(ctx, view, snapshot.seq).await?;
        Ok(snapshot)
    }
}

fn selected(whole: &Properties, Selection { names, output }: &Selection) -> Properties {
    let values = output.iter().map(|index| whole.values().get(*index).cloned().unwrap_or_default());
    Properties::new(Arc::clone(names), values.collect())
}

/// Names the fields of structs in what is answered.
pub(super) fn typed(object: Object, types: Option<&Arc<[crate::BaseType]>>) -> Object {
    match types {
        None => object,
        Some(types) => Object { properties: object.properties.typed(Some(Arc::clone(types))), ..object },
    }
}
