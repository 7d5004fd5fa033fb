//! Links, at an object and by their ends.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::Kernel;
use super::get::typed;
use super::query::{read_key, write_key};
use crate::cursor::{self, Cursor, QueryHash};
use crate::kernel::plan::LinksPlan;
use crate::kernel::resolve::{self, LinksByEnds};
use crate::kernel::{
    AsOf, Filter, GetLinks, Link, LinkEnds, Links, Neighbour, NeighbourPage, Neighbours, Object, Snapshot,
};
use crate::ontology::{End, LinkType, ObjectType};
use crate::{Context, Error, Key, Result, Seq};

/// What defines the answer: the same for every page of a walk.
#[derive(Serialize)]
struct Walked<'a> {
    object_type: &'a str,
    key: &'a Key,
    link: &'a str,
    link_where: &'a Option<Filter>,
    as_of: &'a Option<AsOf>,
}

fn hash(request: &Neighbours) -> Result<QueryHash> {
    let Neighbours { object_type, key, link, link_where, as_of, .. } = request;
    QueryHash::of("kernel.neighbours", &Walked { object_type, key, link, link_where, as_of })
}

impl Kernel {
    pub(super) async fn try_neighbours(&self, ctx: &Context, request: &Neighbours) -> Result<NeighbourPage> {
        let tenant = ctx.scope().tenant;
        let cursor = match &request.page.cursor {
            None => None,
            Some(text) => Some(self.cursors.open(tenant, text).map_err(|e| e.at("page.cursor"))?),
        };
        let view = match &cursor {
            None => self.view(ctx, request.as_of, request.at_least).await?,
            Some(cursor) => self.view_at(ctx, cursor.seq, cursor.schema_version).await?,
        };
        let (mut plan, far_type) = resolve::neighbours(view.sight(), request)?;
        if let Some(cursor) = &cursor {
            cursor.continues(hash(request)?).map_err(|e| e.at("page.cursor"))?;
            let after = read_key(&cursor.position);
            plan.after = Some(after.ok_or_else(|| cursor::invalid().at("page.cursor"))?);
        }
        plan.at = view.at;
        let size = plan.limit as usize;
        plan.limit += 1;
        let Snapshot { seq, value: mut links } = self.links_seen(ctx, &view, &plan, &far_type).await?;
        self.check(ctx, &view, seq).await?;
        let more = links.len() > size;
        links.truncate(size);
        let far_keys: Vec<Key> = links.iter().map(|link| far_key(link, plan.end).clone()).collect();
        // The far objects of the state the links were read in, which may be a commit behind by now.
        let far = self.store.objects(ctx.scope(), &far_type, &far_keys, Some(seq)).await?;
        let next = match far_keys.last().filter(|_| more) {
            None => None,
            Some(last) => {
                let position = write_key(last);
                let cursor = Cursor { query: hash(request)?, seq, schema_version: view.schema.version, position };
                Some(self.cursors.seal(tenant, &cursor)?)
            }
        };
        let types = resolve::struct_types(far_type.properties.iter().map(|property| &property.data_type.base));
        let mut neighbours = Vec::with_capacity(links.len());
        for (link, object) in links.into_iter().zip(far.value) {
            let object = object.ok_or_else(|| {
                Error::corrupt("kernel.link.dangling", "a link leads to an object that does not exist")
                    .with("link_type", &link.link_type)
            })?;
            let link = typed_link(link, &plan.link_type);
            let properties = view.sight().whole(&far_type, object.properties);
            neighbours.push(Neighbour { link, object: typed(Object { properties, ..object }, types.as_ref()) });
        }
        Ok(NeighbourPage { neighbours, next, seq })
    }

    pub(super) async fn try_links(&self, ctx: &Context, request: &GetLinks) -> Result<Links> {
        let view = self.view(ctx, request.as_of, request.at_least).await?;
        let LinksByEnds { link_type, holder_type, ends } = resolve::links(view.sight(), request)?;
        let (mut found, seq) = self.links_between(ctx, (&link_type, holder_type.as_ref()), &ends, view.at).await?;
        self.check(ctx, &view, seq).await?;
        self.keep_seen(ctx, &view, &link_type, (&mut found, seq)).await?;
        let links = ends.iter().map(|ends| found.get(ends).cloned().map(|link| typed_link(link, &link_type)));
        Ok(Links { links: links.collect(), seq })
    }

    /// The links there are between these ends, all in the state of one commit, and that commit.
    pub(super) async fn links_between(
        &self,
        ctx: &Context,
        (link_type, holder_type): (&Arc<LinkType>, Option<&Arc<ObjectType>>),
        ends: &[LinkEnds],
        at: Option<Seq>,
    ) -> Result<(HashMap<LinkEnds, Link>, Seq)> {
        let mut targets: HashMap<&Key, Vec<Key>> = HashMap::new();
        let mut sources = Vec::new();
        for LinkEnds { source, target } in ends {
            let targets = targets.entry(source).or_insert_with(|| {
                sources.push(source);
                Vec::new()
            });
            targets.push(target.clone());
        }
        let mut found: HashMap<LinkEnds, Link> = HashMap::new();
        let mut seq = match at {
            Some(seq) => Some(seq),
            // Nothing to ask for still answers as of some commit.
            None if sources.is_empty() => Some(self.committer.log().head().await?),
            None => None,
        };
        for source in sources {
            let mut far = targets.remove(source).unwrap_or_default();
            far.sort_unstable();
            far.dedup();
            let limit = u32::try_from(far.len()).unwrap_or(u32::MAX);
            let plan = LinksPlan {
                link_type: Arc::clone(link_type),
                holder_type: holder_type.cloned(),
                end: End::Source,
                key: source.clone(),
                far: Some(far),
                edge: None,
                after: None,
                limit,
                at: seq,
            };
            let snapshot = self.store.links(ctx.scope(), &plan).await?;
            // The rest is read in the state the first was.
            seq = seq.or(Some(snapshot.seq));
            for link in snapshot.value {
                found.insert(LinkEnds { source: link.source.clone(), target: link.target.clone() }, link);
            }
        }
        Ok((found, seq.unwrap_or_default()))
    }
}

pub(super) const fn far_key(link: &Link, end: End) -> &Key {
    match end {
        End::Source => &link.target,
        End::Target => &link.source,
    }
}

fn typed_link(link: Link, link_type: &LinkType) -> Link {
    let types = resolve::struct_types(link_type.properties.iter().map(|property| &property.data_type.base));
    Link { properties: link.properties.typed(types), ..link }
}
