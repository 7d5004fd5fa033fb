//! Objects and links without those the actor may not read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Kernel;
use super::link::far_key;
use super::view::View;
use crate::access::{Compiled, Rows, Verb};
use crate::kernel::plan::{Branch, LinksPlan, Predicate, QueryPlan, Rel};
use crate::kernel::resolve::{Sight, object_type_at};
use crate::kernel::{Budget, Link, LinkEnds, Object, Snapshot, Unlinked};
use crate::ontology::{End, LinkType, ObjectType};
use crate::{Context, Key, Result, Seq};

/// How many keys one read asks for.
const BATCH_LEN: usize = 1_000;

impl Kernel {
    /// Objects by key, those that may be read and of them what may be.
    pub(super) async fn read_seen(
        &self,
        ctx: &Context,
        view: &View,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
    ) -> Result<Snapshot<Vec<Option<Object>>>> {
        let sight = view.sight();
        let mut snapshot = match sight.rows(object_type) {
            Rows::Only(predicate) if predicate.is_linked() => {
                let (seen, seq) = self.matching(ctx, object_type, predicate, (keys, view.at)).await?;
                let found = self.store.objects(ctx.scope(), object_type, keys, Some(seq)).await?;
                self.check(ctx, view, seq).await?;
                let kept = |(key, object): (&Key, Option<Object>)| object.filter(|_| seen.contains(key));
                Snapshot { seq, value: keys.iter().zip(found.value).map(kept).collect() }
            }
            rows => {
                let mut found = self.read(ctx, view, object_type, keys).await?;
                for object in &mut found.value {
                    let is_seen = object.as_ref().map(|object| is_among(rows, object)).transpose()?;
                    object.take_if(|_| is_seen == Some(false));
                }
                found
            }
        };
        for object in snapshot.value.iter_mut().flatten() {
            let whole = std::mem::replace(&mut object.properties, crate::kernel::Properties::empty());
            object.properties = sight.whole(object_type, whole);
        }
        Ok(snapshot)
    }

    /// Takes away the objects of a type, as they are now, that may not be read.
    pub(super) async fn hide(
        &self,
        ctx: &Context,
        access: &Compiled,
        object_type: &Arc<ObjectType>,
        objects: &mut [Option<Object>],
    ) -> Result<()> {
        let keys: Vec<_> = objects.iter().flatten().map(|object| object.key.clone()).collect();
        let seen = self.seen(ctx, &access.of(object_type, Verb::Read).rows, object_type, (&keys, None)).await?;
        if let Some(seen) = seen {
            for object in objects {
                object.take_if(|object| !seen.contains(&object.key));
            }
        }
        Ok(())
    }

    /// Which of some objects are among the rows; `None` for all of them.
    pub(super) async fn seen(
        &self,
        ctx: &Context,
        rows: &Rows,
        object_type: &Arc<ObjectType>,
        (keys, at): (&[Key], Option<Seq>),
    ) -> Result<Option<HashSet<Key>>> {
        match rows {
            Rows::All => Ok(None),
            Rows::Nothing => Ok(Some(HashSet::new())),
            Rows::Only(predicate) => {
                self.matching(ctx, object_type, predicate, (keys, at)).await.map(|(seen, _)| Some(seen))
            }
        }
    }

    /// Which of some objects satisfy a predicate, all in the state of one commit, and that commit.
    pub(super) async fn matching(
        &self,
        ctx: &Context,
        object_type: &Arc<ObjectType>,
        predicate: &Predicate,
        (keys, mut at): (&[Key], Option<Seq>),
    ) -> Result<(HashSet<Key>, Seq)> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let mut seen = HashSet::with_capacity(keys.len());
        for batch in keys.chunks(BATCH_LEN) {
            let rel = Rel::Filter(Box::new(Rel::Keys(batch.to_vec())), predicate.clone());
            let branch = Branch { object_type: Arc::clone(object_type), rel, output: Vec::new(), order: Vec::new() };
            let plan = QueryPlan {
                branches: vec![branch],
                names: Arc::new([]),
                order: Vec::new(),
                after: None,
                limit: u32::try_from(batch.len()).unwrap_or(u32::MAX),
                at,
                budget: Budget::default(),
            };
            let Snapshot { seq, value } = self.store.query(ctx.scope(), &plan).await?;
            at = at.or(Some(seq));
            seen.extend(value.objects.into_iter().map(|object| object.key));
        }
        let seq = match at {
            Some(seq) => seq,
            None => self.committer.log().head().await?,
        };
        Ok((seen, seq))
    }

    /// The links at an object, those whose ends may be read: as many as the plan's limit, where there are.
    pub(super) async fn links_seen(
        &self,
        ctx: &Context,
        view: &View,
        plan: &LinksPlan,
        far_type: &Arc<ObjectType>,
    ) -> Result<Snapshot<Vec<Link>>> {
        let sight = view.sight();
        let near_type = object_type_at(sight.schema, &plan.link_type, plan.end)?;
        let near = std::slice::from_ref(&plan.key);
        let (near_rows, far_rows) = (sight.rows(near_type), sight.rows(far_type));
        let mut plan = plan.clone();
        if !matches!(near_rows, Rows::All) {
            let seq = match plan.at {
                Some(at) => at,
                None => self.committer.log().head().await?,
            };
            let seen = self.seen(ctx, near_rows, near_type, (near, Some(seq))).await?;
            if seen.is_some_and(|seen| !seen.contains(&plan.key)) {
                return Ok(Snapshot { seq, value: Vec::new() });
            }
            plan.at = Some(seq);
        }
        let limit = plan.limit as usize;
        let mut found = self.store.links(ctx.scope(), &plan).await?;
        if matches!(far_rows, Rows::All) {
            return Ok(found);
        }
        plan.at = Some(found.seq);
        let mut kept: Vec<Link> = Vec::new();
        loop {
            let read = found.value.len();
            plan.after = found.value.last().map(|link| far_key(link, plan.end).clone());
            let keys: Vec<_> = found.value.iter().map(|link| far_key(link, plan.end).clone()).collect();
            let seen = self.seen(ctx, far_rows, far_type, (&keys, plan.at)).await?;
            let is_seen = |key: &Key| seen.as_ref().is_none_or(|seen| seen.contains(key));
            kept.extend(found.value.into_iter().filter(|link| is_seen(far_key(link, plan.end))));
            if kept.len() >= limit || read < limit {
                kept.truncate(limit);
                return Ok(Snapshot { seq: found.seq, value: kept });
            }
            let next = self.store.links(ctx.scope(), &plan).await?;
            found.value = next.value;
        }
    }

    /// Keeps of the links between ends those whose ends may be read.
    pub(super) async fn keep_seen(
        &self,
        ctx: &Context,
        view: &View,
        link_type: &LinkType,
        (found, seq): (&mut HashMap<LinkEnds, Link>, Seq),
    ) -> Result<()> {
        let sight = view.sight();
        for end in [End::Source, End::Target] {
            let object_type = object_type_at(sight.schema, link_type, end)?;
            let at_end = |ends: &LinkEnds| match end {
                End::Source => ends.source.clone(),
                End::Target => ends.target.clone(),
            };
            let keys: Vec<_> = found.keys().map(at_end).collect();
            if let Some(seen) = self.seen(ctx, sight.rows(object_type), object_type, (&keys, Some(seq))).await? {
                found.retain(|ends, _| seen.contains(&at_end(ends)));
            }
        }
        Ok(())
    }

    /// Whether an object may be read in the state of a commit.
    pub(super) async fn is_seen_at(
        &self,
        ctx: &Context,
        sight: Sight<'_>,
        object_type: &Arc<ObjectType>,
        (key, at): (&Key, Seq),
    ) -> Result<bool> {
        let keys = std::slice::from_ref(key);
        let seen = self.seen(ctx, sight.rows(object_type), object_type, (keys, Some(at))).await?;
        Ok(seen.is_none_or(|seen| seen.contains(key)))
    }
}

/// Whether a whole object is among rows that no links decide.
fn is_among(rows: &Rows, object: &Object) -> Result<bool> {
    match rows {
        Rows::All => Ok(true),
        Rows::Nothing => Ok(false),
        Rows::Only(predicate) => predicate.holds(object.properties.values(), &mut Unlinked),
    }
}
