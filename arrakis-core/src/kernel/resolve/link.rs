//! Reads of links and histories to plans.

use std::sync::Arc;

use super::names::{Names, ObjectNames, Side};
use super::query::page_size;
use super::sight::Sight;
use super::{Filters, key, object_type_at};
use crate::kernel::plan::{HistoryPlan, HistorySubject, LinksPlan};
use crate::kernel::{GetLinks, History, LINK_ENDS_MAX, LinkEnds, Neighbours, Subject};
use crate::ontology::{Backing, End, LinkType, ObjectType, Schema};
use crate::{Error, ErrorKind, Result};

/// Resolves the links at an object: their first page, as of now, with the type at the far end.
///
/// # Errors
/// `kernel.*.unknown`, what [`Filters::resolve`] and [`key`] answer, `kernel.page.size`, each with the path into the request.
pub(in crate::kernel) fn neighbours(sight: Sight<'_>, wanted: &Neighbours) -> Result<(LinksPlan, Arc<ObjectType>)> {
    let limit = page_size(wanted.page.size).map_err(|e| e.at("page.size"))?;
    let schema = sight.schema;
    let object_type = schema.object_type(&wanted.object_type).map_err(|e| e.at("type"))?;
    let key = key(object_type, &wanted.key).map_err(|e| e.at("key"))?;
    let names = ObjectNames { sight, object_type, interface: None };
    let side = names.side(&wanted.link).map_err(|e| e.at("link"))?;
    let Side { link_type, end, far_type } =
        side.ok_or_else(|| Error::internal("schema.inconsistent", "a type without its own link"))?;
    let edge = wanted
        .link_where
        .as_ref()
        .map(|filter| Filters::new(sight).resolve_on_link(&link_type, filter).map_err(|e| e.at("where")));
    let edge = edge.transpose()?;
    let holder_type = holder_type(schema, &link_type)?;
    let plan = LinksPlan { link_type, holder_type, end, key, far: None, edge, after: None, limit, at: None };
    Ok((plan, far_type))
}

/// Links by their ends: what they have in common, and the ends typed.
#[derive(Debug)]
pub(in crate::kernel) struct LinksByEnds {
    pub(in crate::kernel) link_type: Arc<LinkType>,
    pub(in crate::kernel) holder_type: Option<Arc<ObjectType>>,
    pub(in crate::kernel) ends: Vec<LinkEnds>,
}

/// Resolves links by their ends.
///
/// # Errors
/// `kernel.link_type.unknown`, `kernel.links.too_many`, what [`key`] answers, each with the path into the request.
pub(in crate::kernel) fn links(sight: Sight<'_>, wanted: &GetLinks) -> Result<LinksByEnds> {
    let schema = sight.schema;
    let link_type = schema.link_type(&wanted.link_type).map_err(|e| e.at("type"))?;
    sight.check_link(link_type).map_err(|e| e.at("type"))?;
    if wanted.ends.len() > LINK_ENDS_MAX {
        return Err(Error::invalid("kernel.links.too_many", "too many links are asked for")
            .with("links", wanted.ends.len())
            .with("links_max", LINK_ENDS_MAX)
            .at("ends"));
    }
    let typed = |(index, ends): (usize, &LinkEnds)| {
        typed_ends(schema, link_type, ends).map_err(|e| e.at(format!("ends[{index}]")))
    };
    let ends = wanted.ends.iter().enumerate().map(typed).collect::<Result<_>>()?;
    Ok(LinksByEnds { link_type: Arc::clone(link_type), holder_type: holder_type(schema, link_type)?, ends })
}

/// The ends of a link as the primary keys at them hold them.
///
/// # Errors
/// As [`key`], with the end.
pub(in crate::kernel) fn typed_ends(schema: &Schema, link_type: &LinkType, ends: &LinkEnds) -> Result<LinkEnds> {
    let source = key(object_type_at(schema, link_type, End::Source)?, &ends.source).map_err(|e| e.at("source"))?;
    let target = key(object_type_at(schema, link_type, End::Target)?, &ends.target).map_err(|e| e.at("target"))?;
    Ok(LinkEnds { source, target })
}

/// The type that holds the foreign key, for such a backing.
fn holder_type(schema: &Schema, link_type: &LinkType) -> Result<Option<Arc<ObjectType>>> {
    match link_type.backing {
        Backing::ForeignKey { holder, .. } => {
            object_type_at(schema, link_type, holder).map(|holder| Some(Arc::clone(holder)))
        }
        Backing::Join => Ok(None),
    }
}

/// Resolves a history.
///
/// # Errors
/// `kernel.*.unknown`, what [`key`] answers, `kernel.history.foreign_key`, `kernel.page.size`, each with the path into the request.
pub(in crate::kernel) fn history(schema: &Schema, wanted: &History) -> Result<HistoryPlan> {
    let limit = page_size(wanted.limit).map_err(|e| e.at("limit"))?;
    let subject = match &wanted.of {
        Subject::Object { object_type, key: wanted } => {
            let object_type = schema.object_type(object_type).map_err(|e| e.at("of.object.type"))?;
            let key = key(object_type, wanted).map_err(|e| e.at("of.object.key"))?;
            HistorySubject::Object(Arc::clone(object_type), key)
        }
        Subject::Link { link_type, source, target } => {
            let link_type = schema.link_type(link_type).map_err(|e| e.at("of.link.type"))?;
            if link_type.backing != Backing::Join {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "kernel.history.foreign_key",
                    "a link held in a property has the history of the object that holds it",
                )
                .with("link_type", &link_type.api_name)
                .at("of.link.type"));
            }
            let ends = LinkEnds { source: source.clone(), target: target.clone() };
            let LinkEnds { source, target } = typed_ends(schema, link_type, &ends).map_err(|e| e.at("of.link"))?;
            HistorySubject::Link(Arc::clone(link_type), source, target)
        }
    };
    Ok(HistoryPlan { subject, after: wanted.after, limit })
}
