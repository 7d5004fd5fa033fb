//! Versions of objects and links.

use std::sync::Arc;

use arrakis_core::kernel::plan::{HistoryPlan, HistorySubject};
use arrakis_core::kernel::{Properties, Version};
use arrakis_core::ontology::Property;
use arrakis_core::{ApiName, EffectKind, Error, Result, Seq};

use super::state::Versions;
use super::view::View;

pub(super) fn versions(view: &View<'_>, plan: &HistoryPlan) -> Result<Vec<Version>> {
    let (space, tenant) = (view.scope().space, view.scope().tenant);
    let (versions, properties, names) = match &plan.subject {
        HistorySubject::Object(object_type, key) => {
            let table = view.state().objects.get(&(space, object_type.id, tenant));
            (table.and_then(|table| table.get(key)), &object_type.properties, &object_type.names)
        }
        HistorySubject::Link(link_type, source, target) => {
            let table = view.state().links.get(&(space, link_type.id, tenant));
            let ends = (source.clone(), target.clone());
            (table.and_then(|table| table.get(&ends)), &link_type.properties, &link_type.names)
        }
    };
    let changes = versions.map(|versions| changes(versions, properties, names)).unwrap_or_default();
    let later = changes.into_iter().filter(|(seq, _, _)| *seq > plan.after).take(plan.limit as usize);
    later.map(|(seq, change, properties)| version(view, seq, change, properties)).collect()
}

/// What each commit did to the row. A version that begins where the one before it ends modified it.
fn changes(
    versions: &Versions,
    properties: &[Property],
    names: &Arc<[ApiName]>,
) -> Vec<(Seq, EffectKind, Option<Properties>)> {
    let mut changes = Vec::new();
    let mut ended = None;
    for version in versions.iter() {
        let kind = match ended {
            Some(end) if end == version.from => EffectKind::Modified,
            Some(end) => {
                changes.push((end, EffectKind::Deleted, None));
                EffectKind::Created
            }
            None => EffectKind::Created,
        };
        let values = Properties::new(Arc::clone(names), version.values(properties));
        changes.push((version.from, kind, Some(values)));
        ended = version.to;
    }
    changes.extend(ended.map(|end| (end, EffectKind::Deleted, None)));
    changes
}

fn version(view: &View<'_>, seq: Seq, change: EffectKind, properties: Option<Properties>) -> Result<Version> {
    let entry = view
        .state()
        .entry(seq)
        .ok_or_else(|| Error::internal("memory.log.gap", "a row was written by a commit that is not in the log"))?;
    Ok(Version {
        revision: seq,
        change,
        at: entry.at,
        actor: entry.actor.clone(),
        reason: entry.reason.clone(),
        action: entry.audit.action.as_ref().map(|action| Arc::clone(&action.name)),
        commit: entry.commit,
        properties,
        diff: None,
    })
}
