//! The links a stretch of commits changed: those with a table of their own, and those held in a property.

use std::collections::HashMap;
use std::sync::Arc;

use super::Feed;
use super::changes::ChangedLink;
use super::rows::{Commits, RowChange};
use crate::kernel::Properties;
use crate::kernel::plan::{HistoryPlan, HistorySubject, LinksPlan};
use crate::kernel::resolve;
use crate::ontology::{Backing, End, LinkType, Schema};
use crate::{EffectKind, Error, Key, LinkTypeId, Result, Scope, Seq};

/// The commits that changed a link, in order.
type Touches = Vec<(Seq, EffectKind)>;

/// The properties of links by the commit that wrote them.
type Written = HashMap<(LinkTypeId, (Key, Key), Seq), Properties>;

impl Feed {
    /// The join-table links of the wanted types that commits changed, for each commit.
    pub(super) async fn links(
        &self,
        scope: Scope,
        commits: Commits<'_>,
        wanted: impl Fn(LinkTypeId) -> bool + Send,
    ) -> Result<Vec<Vec<ChangedLink>>> {
        let mut touched: HashMap<LinkTypeId, HashMap<(Key, Key), Touches>> = HashMap::new();
        for (seq, net) in commits.nets {
            for (of, ends, kind) in net.links.iter().filter(|(of, ..)| wanted(*of)) {
                touched.entry(*of).or_default().entry(ends.clone()).or_default().push((*seq, *kind));
            }
        }
        let mut written = Written::new();
        for (of, touched) in touched {
            let link_type = commits.schema.link_type_by_id(of).ok_or_else(|| unknown(of))?;
            self.read_written(scope, (link_type, commits), touched, &mut written).await?;
        }
        let mut links = Vec::with_capacity(commits.nets.len());
        for (seq, net) in commits.nets {
            let mut changes = Vec::new();
            for (of, ends, kind) in net.links.iter().filter(|(of, ..)| wanted(*of)) {
                let link_type = commits.schema.link_type_by_id(*of).ok_or_else(|| unknown(*of))?;
                let properties = written.remove(&(*of, ends.clone(), *seq));
                if properties.is_none() != (*kind == EffectKind::Deleted) {
                    return Err(unread(link_type));
                }
                let (source, target) = ends.clone();
                changes.push(ChangedLink {
                    link_type: link_type.api_name.clone(),
                    source,
                    target,
                    kind: *kind,
                    properties,
                });
            }
            links.push(changes);
        }
        Ok(links)
    }

    /// Reads what links changed once hold as of the end, those of one source together, and the history of the others.
    async fn read_written(
        &self,
        scope: Scope,
        (link_type, commits): (&Arc<LinkType>, Commits<'_>),
        touched: HashMap<(Key, Key), Touches>,
        written: &mut Written,
    ) -> Result<()> {
        let end = commits.nets.last().map_or(commits.base, |(seq, _)| *seq);
        let types = resolve::struct_types(link_type.properties.iter().map(|property| &property.data_type.base));
        let mut by_source: HashMap<Key, Vec<Key>> = HashMap::new();
        for (ends, touches) in touched {
            match touches.as_slice() {
                [(_, EffectKind::Deleted)] => {}
                [_] => by_source.entry(ends.0).or_default().push(ends.1),
                _ => {
                    let (source, target) = ends.clone();
                    let after = touches.first().map_or(Seq(0), |(seq, _)| Seq(seq.0.saturating_sub(1)));
                    let plan = HistoryPlan {
                        subject: HistorySubject::Link(Arc::clone(link_type), source, target),
                        after,
                        limit: u32::try_from(touches.len()).unwrap_or(u32::MAX),
                    };
                    for version in self.store.history(scope, &plan).await?.value {
                        if let Some(properties) = version.properties {
                            let place = (link_type.id, ends.clone(), version.revision);
                            written.insert(place, properties.typed(types.clone()));
                        }
                    }
                }
            }
        }
        for (source, mut targets) in by_source {
            targets.sort_unstable();
            let plan = LinksPlan {
                link_type: Arc::clone(link_type),
                holder_type: None,
                end: End::Source,
                key: source,
                limit: u32::try_from(targets.len()).unwrap_or(u32::MAX),
                far: Some(targets),
                edge: None,
                after: None,
                at: Some(end),
            };
            for link in self.store.links(scope, &plan).await?.value {
                let place = (link_type.id, (link.source, link.target), link.revision);
                written.insert(place, link.properties.typed(types.clone()));
            }
        }
        Ok(())
    }
}

/// The links held in properties of an object that a commit changed.
pub(super) fn held(
    schema: &Schema,
    change: &RowChange,
    wanted: impl Fn(LinkTypeId) -> bool,
    found: &mut Vec<ChangedLink>,
) {
    for side in change.object_type.sides.iter().filter(|side| wanted(side.link_type)) {
        let Some(link_type) = schema.link_type_by_id(side.link_type) else { continue };
        let Backing::ForeignKey { holder, property } = link_type.backing else { continue };
        if holder != side.end {
            continue;
        }
        let named = |object: &Option<Arc<crate::kernel::Object>>| {
            object.as_ref().and_then(|object| object.properties.values().get(property)).and_then(Key::from_value)
        };
        let (before, after) = (named(&change.before), named(&change.after));
        if before == after {
            continue;
        }
        let link = |far: Key, kind, properties| {
            let near = change.key.clone();
            let (source, target) = if holder == End::Source { (near, far) } else { (far, near) };
            ChangedLink { link_type: link_type.api_name.clone(), source, target, kind, properties }
        };
        found.extend(before.map(|far| link(far, EffectKind::Deleted, None)));
        let none = Properties::new(Arc::clone(&link_type.names), Vec::new());
        found.extend(after.map(|far| link(far, EffectKind::Created, Some(none))));
    }
}

fn unknown(of: LinkTypeId) -> Error {
    Error::internal("schema.inconsistent", "a commit changed links of a type its version does not have")
        .with("link_type", of)
}

fn unread(link_type: &LinkType) -> Error {
    Error::corrupt("feed.row.missing", "the versions of a link are not what the log says")
        .with("link_type", &link_type.api_name)
}
