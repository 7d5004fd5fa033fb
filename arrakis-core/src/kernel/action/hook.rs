//! Host logic: code of the embedding application that takes part in a decision.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::kernel::{Edit, Object, Properties};
use crate::{Commit, Context, Error, Result};

/// How long host logic may take unless told otherwise.
pub const HOOK_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// A call of an action as its handler sees it, once every parameter is read and every criterion holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionCall {
    /// The action type.
    pub action: Arc<str>,
    /// The values by parameter; the key for an object, absent for lists and sets.
    pub parameters: Properties,
    /// The objects by parameter, as they are now.
    pub objects: HashMap<Arc<str>, Vec<Object>>,
    /// The edits the rules ask for.
    pub edits: Vec<Edit>,
    /// Whether the call is only validated: nothing it does will happen.
    pub is_validation: bool,
}

/// Decides an action together with its rules.
#[async_trait]
pub trait ActionHandler: Send + Sync + 'static {
    /// The edits to make beyond those of the rules, or why the action is refused. May run more than once for one call, so it has no
    /// effects of its own.
    ///
    /// # Errors
    /// The host's own reason, which the caller is told.
    async fn decide(&self, ctx: &Context, call: &ActionCall) -> Result<Vec<Edit>>;
}

/// Sees a commit before it is made, and may veto it.
#[async_trait]
pub trait CommitValidator: Send + Sync + 'static {
    /// Passes, or says why the commit must not be made.
    ///
    /// # Errors
    /// The host's own reason, which the caller is told.
    async fn validate(&self, ctx: &Context, commit: &Commit) -> Result<()>;
}

/// A handler made of an asynchronous function of the context and the call.
#[derive(Clone, Copy, Debug)]
pub struct HandlerFn<F>(pub F);

#[async_trait]
impl<F, Fut> ActionHandler for HandlerFn<F>
where
    F: Fn(Context, ActionCall) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<Edit>>> + Send,
{
    async fn decide(&self, ctx: &Context, call: &ActionCall) -> Result<Vec<Edit>> {
        (self.0)(ctx.clone(), call.clone()).await
    }
}

/// The host logic of a kernel.
#[derive(Default)]
pub(in crate::kernel) struct Hooks {
    handlers: RwLock<HashMap<String, Arc<dyn ActionHandler>>>,
    validators: RwLock<Vec<Arc<dyn CommitValidator>>>,
}

impl Hooks {
    pub(in crate::kernel) fn handle(&self, action: &str, handler: Arc<dyn ActionHandler>) {
        let mut handlers = self.handlers.write().unwrap_or_else(PoisonError::into_inner);
        handlers.insert(action.to_owned(), handler);
    }

    pub(in crate::kernel) fn validate_with(&self, validator: Arc<dyn CommitValidator>) {
        self.validators.write().unwrap_or_else(PoisonError::into_inner).push(validator);
    }

    /// What the handler of the action adds.
    ///
    /// # Errors
    /// The handler's refusal; `kernel.hook.panicked`; `kernel.hook.timeout` with the limit.
    pub(in crate::kernel) async fn decide(
        &self,
        ctx: &Context,
        action: &str,
        timeout: Duration,
        call: impl FnOnce() -> ActionCall,
    ) -> Result<Vec<Edit>> {
        let handler = self.handlers.read().unwrap_or_else(PoisonError::into_inner).get(action).cloned();
        let Some(handler) = handler else { return Ok(Vec::new()) };
        let (ctx, call) = (ctx.clone(), call());
        contained(timeout, async move { handler.decide(&ctx, &call).await }).await.map_err(|e| e.with("action", action))
    }

    /// Passes the commit on when no validator vetoes it.
    ///
    /// # Errors
    /// The first veto; `kernel.hook.panicked`; `kernel.hook.timeout` with the limit.
    pub(in crate::kernel) async fn admit(&self, ctx: &Context, commit: Commit, timeout: Duration) -> Result<Commit> {
        let validators = self.validators.read().unwrap_or_else(PoisonError::into_inner).clone();
        if validators.is_empty() {
            return Ok(commit);
        }
        let commit = Arc::new(commit);
        for validator in validators {
            let (ctx, commit) = (ctx.clone(), Arc::clone(&commit));
            contained(timeout, async move { validator.validate(&ctx, &commit).await }).await?;
        }
        Ok(Arc::unwrap_or_clone(commit))
    }
}

/// Runs host code on a task of its own, which ends with this future: a panic ends the task and not the caller, and no longer than the
/// timeout is waited for it.
async fn contained<T: Send + 'static>(
    timeout: Duration,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    struct Owned<T>(JoinHandle<T>);
    impl<T> Drop for Owned<T> {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let mut task = Owned(Handle::current().spawn(work));
    match tokio::time::timeout(timeout, &mut task.0).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::internal("kernel.hook.panicked", "host logic panicked, so nothing was done")),
        Err(_) => Err(Error::unavailable("kernel.hook.timeout", "host logic took too long, so nothing was done")
            .with("timeout_ms", timeout.as_millis())),
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers = self.handlers.read().unwrap_or_else(PoisonError::into_inner);
        let validators = self.validators.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Hooks").field("handlers", &handlers.keys()).field("validators", &validators.len()).finish()
    }
}
