//! Actions over HTTP.

use std::sync::Arc;

use arrakis_core::kernel::ActionService;

use super::Routes;
use crate::api::action as api;

impl Routes {
    /// With the endpoints of actions.
    #[must_use]
    pub fn actions(self, service: &Arc<dyn ActionService>) -> Self {
        self.on(&api::VALIDATE, service, |service, ctx, asked| {
            Box::pin(async move { service.validate(&ctx, asked).await })
        })
        .on_write(
            &api::EXECUTE,
            service,
            |asked, once| once.names(&mut asked.id),
            |service, ctx, asked| Box::pin(async move { service.execute(&ctx, asked).await }),
        )
        .on_write(
            &api::EXECUTE_BATCH,
            service,
            |asked, once| {
                let is_unnamed = asked.acts.iter().all(|act| act.id.is_none());
                for (place, act) in asked.acts.iter_mut().enumerate() {
                    act.id.get_or_insert_with(|| once.id_of(place));
                }
                is_unnamed
            },
            |service, ctx, asked| Box::pin(async move { service.execute_batch(&ctx, asked).await }),
        )
        .on_write(
            &api::UNDO,
            service,
            |asked, once| once.names(&mut asked.id),
            |service, ctx, asked| Box::pin(async move { service.undo(&ctx, asked).await }),
        )
    }
}
