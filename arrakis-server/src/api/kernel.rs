//! Objects and links.

use arrakis_core::Seq;
use arrakis_core::kernel::{
    Aggregate, GetLinks, GetObjects, Groups, History, Links, Load, LoadReport, NeighbourPage, Neighbours,
    NewProperties, Object, Objects, Page, Query, Versions, Write, Written,
};
use serde::{Deserialize, Serialize};

use super::Endpoint;

/// One object, by type and key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetObject {
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Its key.
    pub key: String,
    /// The properties wanted, with commas between them; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
    /// As of this commit; as it is now when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<u64>,
}

/// An object with properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WriteObject {
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Its key.
    pub key: String,
    /// Properties by name.
    pub properties: NewProperties,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An object to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteObject {
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Its key.
    pub key: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One object, and the commit the answer has seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ObjectView {
    /// The object.
    #[serde(flatten)]
    pub object: Object,
    /// The commit.
    #[serde(skip)]
    pub seq: Seq,
}

pub(crate) const OBJECT: Endpoint<GetObject, ObjectView> =
    Endpoint::get("getObject", "/v1/objects/{type}/{key}", "Reads one object.")
        .seen(|view: &ObjectView| Some(view.seq))
        .tagged(|view: &ObjectView| Some(view.object.revision.0.to_string()));
pub(crate) const GET: Endpoint<GetObjects, Objects> =
    Endpoint::ask("getObjects", "/v1/objects/get", "Reads objects by key.").seen(|answer| Some(answer.seq));
pub(crate) const QUERY: Endpoint<Query, Page> =
    Endpoint::ask("queryObjects", "/v1/objects/query", "Reads a page of an object set.").seen(|page| Some(page.seq));
pub(crate) const AGGREGATE: Endpoint<Aggregate, Groups> =
    Endpoint::ask("aggregateObjects", "/v1/objects/aggregate", "Groups and measures an object set.")
        .seen(|groups| Some(groups.seq));
pub(crate) const NEIGHBOURS: Endpoint<Neighbours, NeighbourPage> =
    Endpoint::ask("getNeighbours", "/v1/links/neighbours", "Reads the links at an object and the objects beyond them.")
        .seen(|page| Some(page.seq));
pub(crate) const LINKS: Endpoint<GetLinks, Links> =
    Endpoint::ask("getLinks", "/v1/links/get", "Reads links by their ends.").seen(|links| Some(links.seq));
pub(crate) const HISTORY: Endpoint<History, Versions> =
    Endpoint::ask("getHistory", "/v1/objects/history", "Reads the versions of an object or a link.")
        .seen(|versions| Some(versions.seq));
pub(crate) const WRITE: Endpoint<Write, Written> =
    Endpoint::post("write", "/v1/objects/write", "Makes edits, all of them in one commit or none.")
        .seen(|written| Some(written.receipt.seq));
pub(crate) const UPSERT: Endpoint<WriteObject, Written> =
    Endpoint::put("upsertObject", "/v1/objects/{type}/{key}", "Creates an object, or replaces the properties given.")
        .seen(|written| Some(written.receipt.seq));
pub(crate) const MODIFY: Endpoint<WriteObject, Written> =
    Endpoint::patch("modifyObject", "/v1/objects/{type}/{key}", "Replaces some properties of an object.")
        .seen(|written| Some(written.receipt.seq));
pub(crate) const DELETE: Endpoint<DeleteObject, Written> =
    Endpoint::delete("deleteObject", "/v1/objects/{type}/{key}", "Deletes an object.")
        .seen(|written| Some(written.receipt.seq));
pub(crate) const LOAD: Endpoint<Load, LoadReport> =
    Endpoint::post("load", "/v1/objects/load", "Loads rows in bulk.").seen(|report| report.seq);
