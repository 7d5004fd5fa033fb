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
            |asked, id| asked.id = Some(asked.id.unwrap_or(id)),
            |service, ctx, asked| Box::pin(async move { service.execute(&ctx, asked).await }),
        )
        .on(&api::EXECUTE_BATCH, service, |service, ctx, asked| {
            Box::pin(async move { service.execute_batch(&ctx, asked).await })
        })
        .on_write(
            &api::UNDO,
            service,
            |asked, id| asked.id = Some(asked.id.unwrap_or(id)),
            |service, ctx, asked| Box::pin(async move { service.undo(&ctx, asked).await }),
        )
    }
}
