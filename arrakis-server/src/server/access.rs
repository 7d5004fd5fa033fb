//! Who may do what, over HTTP.

use std::sync::Arc;

use arrakis_core::access::AccessService;

use super::Routes;
use crate::api::access as api;

impl Routes {
    /// With the endpoints that say who may do what.
    #[must_use]
    pub fn access(self, service: &Arc<dyn AccessService>) -> Self {
        self.on(&api::CHECK, service, |service, ctx, asked| {
            Box::pin(async move { Ok(api::Allowed { allowed: service.check(&ctx, asked).await? }) })
        })
        .on(&api::EXPLAIN, service, |service, ctx, asked| Box::pin(async move { service.explain(&ctx, asked).await }))
        .on(&api::WHAT_CAN, service, |service, ctx, _| Box::pin(async move { service.what_can(&ctx).await }))
    }
}
