//! Who may do what.

use arrakis_core::access::{Check, Explanation, TypeRights};
use serde::{Deserialize, Serialize};

use super::Endpoint;

/// Nothing more to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Allowed {
    /// Whether it is.
    pub allowed: bool,
}

pub(crate) const CHECK: Endpoint<Check, Allowed> =
    Endpoint::ask("checkAccess", "/v1/access/check", "Says whether whoever asks may do something to an object.");
pub(crate) const EXPLAIN: Endpoint<Check, Explanation> =
    Endpoint::ask("explainAccess", "/v1/access/explain", "Says why whoever asks may, or may not.");
pub(crate) const WHAT_CAN: Endpoint<Nothing, Vec<TypeRights>> =
    Endpoint::get("whatCan", "/v1/access", "Says what whoever asks may do to objects of each type.");
