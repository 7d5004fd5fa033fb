//! Actions as their callers see them, in the same process or through a client.

use async_trait::async_trait;

use super::{Act, ActBatch, Acted, ActedBatch, Undo, UndoReport, Validation};
use crate::{Context, Result};

/// Executes the actions an ontology declares, and undoes them.
///
/// Every method answers `permission.denied` without `action.execute`, and `context.deadline` past the context's deadline.
#[async_trait]
pub trait ActionService: std::fmt::Debug + Send + Sync + 'static {
    /// What a call would do, and everything that stands in its way; nothing happens.
    ///
    /// The store itself judges it by the state of this moment: what is valid is executed, unless something changes before.
    async fn validate(&self, ctx: &Context, request: Act) -> Result<Validation>;

    /// Executes a call: one commit with its audit record and its events.
    ///
    /// Decided by a state that still holds when it is committed: where an object it read was changed meanwhile it is decided anew.
    ///
    /// # Errors
    /// The fault of the first parameter that has one, under `parameters.`; `kernel.action.criterion` with the message of the first
    /// criterion that does not hold; what the handler, a validator or the store refuses.
    async fn execute(&self, ctx: &Context, request: Act) -> Result<Acted>;

    /// Executes several calls, each a commit of its own.
    ///
    /// # Errors
    /// For all or none, the first refusal, under `acts[…]`; none for refusals of each by itself, which the answer tells.
    async fn execute_batch(&self, ctx: &Context, request: ActBatch) -> Result<ActedBatch>;

    /// Undoes a commit of the kernel: an action, a write, a load or an undo.
    ///
    /// # Errors
    /// `kernel.undo.unknown`; `kernel.undo.conflict` where others changed the same since, unless told to skip or override.
    async fn undo(&self, ctx: &Context, request: Undo) -> Result<UndoReport>;
}
