//! Links at an object.

use std::sync::Arc;

use arrakis_core::Result;
use arrakis_core::kernel::plan::LinksPlan;
use arrakis_core::kernel::{Link, Properties};
use arrakis_core::ontology::End;

use super::view::{Edge, View};

pub(super) fn page(view: &View<'_>, plan: &LinksPlan) -> Result<Vec<Link>> {
    let adjacency = view.adjacency(&plan.link_type, plan.end, plan.holder_type.as_deref());
    let mut links = Vec::new();
    for edge in adjacency.get(&plan.key).into_iter().flatten() {
        let asked = plan.far.as_ref().is_none_or(|far| far.contains(&edge.far));
        let later = plan.after.as_ref().is_none_or(|after| edge.far > *after);
        if asked && later && edge.fits(plan.edge.as_ref())? {
            links.push(link(plan, edge));
        }
    }
    links.truncate(plan.limit as usize);
    Ok(links)
}

fn link(plan: &LinksPlan, edge: &Edge) -> Link {
    let (near, far) = (plan.key.clone(), edge.far.clone());
    let (source, target) = if plan.end == End::Source { (near, far) } else { (far, near) };
    Link {
        link_type: plan.link_type.api_name.clone(),
        source,
        target,
        revision: edge.revision,
        properties: Properties::new(Arc::clone(&plan.link_type.names), edge.values.clone()),
    }
}
