//! Ontologies that processes with stores of their own have together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::ontology::{FollowedOntology, OntologyPeer};
use arrakis_core::{Context, Env, Result, Scope, SpaceId, TenantId};
use arrakis_server::server::Tenants;
use async_trait::async_trait;
use tokio::task::JoinSet;

/// How often it is looked for what another process published.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// How long the first request of a space waits for that.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(2);

/// Tenants whose ontology another process publishes too: its versions are followed from the first request of a space on.
#[derive(Debug)]
pub(crate) struct FollowingTenants {
    tenants: Arc<dyn Tenants>,
    following: Arc<Following>,
    watch: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Following {
    env: Env,
    ctx: Context,
    here: FollowedOntology,
    there: Arc<dyn OntologyPeer>,
    /// The spaces that were asked for, each by a tenant of it.
    known: Mutex<HashMap<SpaceId, TenantId>>,
}

impl FollowingTenants {
    /// Follows what `there` publishes, in the name of a context.
    pub(crate) fn new(
        tenants: Arc<dyn Tenants>,
        (env, ctx): (Env, Context),
        here: FollowedOntology,
        there: Arc<dyn OntologyPeer>,
    ) -> Self {
        let following = Arc::new(Following { env, ctx, here, there, known: Mutex::default() });
        let (watching, mut watch) = (Arc::clone(&following), JoinSet::new());
        watch.spawn(async move {
            loop {
                tokio::time::sleep(FOLLOW_EVERY).await;
                watching.follow_all().await;
            }
        });
        Self { tenants, following, watch: Mutex::new(watch) }
    }
}

impl Following {
    /// Whether a space is asked for for the first time.
    fn is_new(&self, scope: Scope) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(scope.space, scope.tenant).is_none()
    }

    async fn follow_all(&self) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (space, tenant) in known {
            self.follow(Scope { tenant, space }).await;
        }
    }

    async fn follow(&self, scope: Scope) {
        let until = self.env.monotonic().saturating_add(FOLLOW_TIMEOUT);
        let ctx = Context::new(scope, self.ctx.actor().clone(), self.ctx.request_id()).until(until);
        match self.here.follow(&ctx, &*self.there).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(space = %scope.space, count, "versions of the ontology were followed"),
            // What is here is right as far as it goes; it is tried again.
            Err(error) => tracing::warn!(
                space = %scope.space, code = error.code(), "the ontology cannot be followed: {}", error.chain()
            ),
        }
    }
}

#[async_trait]
impl Tenants for FollowingTenants {
    async fn scope(&self, tenant: TenantId) -> Result<Scope> {
        let scope = self.tenants.scope(tenant).await?;
        // Known from then on, for who follows is asked by who is followed.
        if self.following.is_new(scope) {
            self.following.follow(scope).await;
        }
        Ok(scope)
    }
}

impl Drop for FollowingTenants {
    fn drop(&mut self) {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}
