//! Objects and links over HTTP.

use std::sync::Arc;

use arrakis_core::kernel::{AsOf, Edit, Expect, GetObjects, KernelService, Write};
use arrakis_core::{Error, Key, Once, Seq};

use super::answer::Answer;
use super::asked::Asked;
use super::routes::expected;
use super::{Routes, lines};
use crate::api::{Endpoint, NDJSON, kernel as api};

impl Routes {
    /// With the endpoints of objects and links.
    #[must_use]
    pub fn kernel(self, service: &Arc<dyn KernelService>) -> Self {
        let (door, queried, loading) = (self.door().clone(), Arc::clone(service), Arc::clone(service));
        self.on(&api::OBJECT, service, |service, ctx, asked| {
            Box::pin(async move {
                let request = read(asked);
                let (object_type, key) = (request.object_type.clone(), request.keys.first().cloned());
                let found = service.get(&ctx, request).await?;
                let object = found.objects.into_iter().next().flatten().ok_or_else(|| {
                    let absent = Error::not_found("kernel.object.absent", "there is no such object");
                    let absent = absent.with("object_type", object_type);
                    key.into_iter().fold(absent, |absent, key| absent.with("key", key))
                })?;
                Ok(api::ObjectView { object, seq: found.seq })
            })
        })
        .on(&api::GET, service, |service, ctx, asked| Box::pin(async move { service.get(&ctx, asked).await }))
        .on_request(&api::QUERY.meta, move |request| {
            let (door, service) = (door.clone(), Arc::clone(&queried));
            Box::pin(async move { lines::query(&door, service, request).await })
        })
        .on(&api::AGGREGATE, service, |service, ctx, asked| {
            Box::pin(async move { service.aggregate(&ctx, asked).await })
        })
        .on(&api::NEIGHBOURS, service, |service, ctx, asked| {
            Box::pin(async move { service.neighbours(&ctx, asked).await })
        })
        .on(&api::LINKS, service, |service, ctx, asked| Box::pin(async move { service.links(&ctx, asked).await }))
        .on(&api::HISTORY, service, |service, ctx, asked| Box::pin(async move { service.history(&ctx, asked).await }))
        .on_write(
            &api::WRITE,
            service,
            |asked, once| once.names(&mut asked.id),
            |service, ctx, asked| Box::pin(async move { service.write(&ctx, asked).await }),
        )
        .on_asked(
            &api::LOAD.meta,
            Arc::new(move |asked: Asked, once: Option<Once>| {
                let service = Arc::clone(&loading);
                Box::pin(async move {
                    let mut load =
                        if asked.is_of(NDJSON) { lines::load(&asked.body)? } else { asked.read(&api::LOAD.meta)? };
                    let ctx = match once {
                        Some(once) if once.names(&mut load.id) => asked.ctx.clone().under(once),
                        _ => asked.ctx.clone(),
                    };
                    Answer::of(&api::LOAD, &asked, &service.load(&ctx, load).await?)
                })
            }),
        )
        .on_edit(&api::UPSERT, service, |asked, expect| {
            let api::WriteObject { object_type, key: _, properties, reason } = asked;
            (Edit::Upsert { object_type, properties, expect }, reason)
        })
        .on_edit(&api::MODIFY, service, |asked, expect| {
            let api::WriteObject { object_type, key, properties, reason } = asked;
            (Edit::Modify { object_type, key: Key::from(&*key), properties, expect }, reason)
        })
        .on_edit(&api::DELETE, service, |asked, expect| {
            let api::DeleteObject { object_type, key, reason } = asked;
            (Edit::Delete { object_type, key: Key::from(&*key), expect }, reason)
        })
    }

    /// Answers an endpoint that is one edit of one object, under the conditions its headers state.
    fn on_edit<Q: serde::de::DeserializeOwned + Send + 'static>(
        self,
        endpoint: &'static Endpoint<Q, arrakis_core::kernel::Written>,
        service: &Arc<dyn KernelService>,
        edit: fn(Q, Option<Expect>) -> (Edit, Option<String>),
    ) -> Self {
        let service = Arc::clone(service);
        self.on_asked(
            &endpoint.meta,
            Arc::new(move |asked: Asked, once: Option<Once>| {
                let service = Arc::clone(&service);
                Box::pin(async move {
                    let (edit, reason) = edit(asked.read(&endpoint.meta)?, expected(&asked)?);
                    let id = once.as_ref().map(Once::id);
                    let ctx = once.into_iter().fold(asked.ctx.clone(), arrakis_core::Context::under);
                    let written = service.write(&ctx, Write { edits: vec![edit], id, reason }).await;
                    Answer::of(endpoint, &asked, &written.map_err(outermost)?)
                })
            }),
        )
    }
}

/// The one edit is what is asked.
fn outermost(error: Error) -> Error {
    let within = error.path().and_then(|path| path.strip_prefix("edits[0].")?.split_once('.'));
    match within.map(|(_, path)| path.to_owned()) {
        Some(path) => error.without_path().at(path),
        None => error,
    }
}

fn read(asked: api::GetObject) -> GetObjects {
    let api::GetObject { object_type, key, select, as_of } = asked;
    let select = select.map(|names| names.split(',').map(str::to_owned).collect());
    let as_of = as_of.map(|seq| AsOf::from(Seq(seq)));
    GetObjects { object_type, keys: vec![Key::from(&*key)], select, as_of, at_least: None }
}
