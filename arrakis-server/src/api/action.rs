//! Actions.

use arrakis_core::kernel::{Act, ActBatch, Acted, ActedBatch, Undo, UndoReport, Validation};

use super::Endpoint;

pub(crate) const VALIDATE: Endpoint<Act, Validation> =
    Endpoint::ask("validateAction", "/v1/actions/validate", "Says what a call of an action would do.");
pub(crate) const EXECUTE: Endpoint<Act, Acted> =
    Endpoint::post("executeAction", "/v1/actions/execute", "Executes a call of an action, in one commit.");
pub(crate) const EXECUTE_BATCH: Endpoint<ActBatch, ActedBatch> =
    Endpoint::post("executeActions", "/v1/actions/execute-batch", "Executes several calls, each a commit of its own.");
pub(crate) const UNDO: Endpoint<Undo, UndoReport> = Endpoint::post("undo", "/v1/actions/undo", "Undoes a commit.");
