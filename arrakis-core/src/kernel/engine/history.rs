//! The versions of an object or link.

use super::Kernel;
use super::view::View;
use crate::access::{PropertySet, Rows};
use crate::kernel::plan::HistorySubject;
use crate::kernel::resolve;
use crate::kernel::{Diff, History, LinkEnds, Properties, Snapshot, Unlinked, Version, Versions};
use crate::ontology::{End, ObjectType};
use crate::{Context, EffectKind, Result, Seq};

impl Kernel {
    pub(super) async fn try_history(&self, ctx: &Context, request: &History) -> Result<Versions> {
        let view = self.view(ctx, None, request.at_least).await?;
        let mut plan = resolve::history(&view.schema, request)?;
        if !self.may_read_subject(ctx, &view, &plan.subject).await? {
            let seq = self.committer.log().head().await?;
            return Ok(Versions { versions: Vec::new(), next: None, seq });
        }
        let limit = plan.limit as usize;
        plan.limit += 1;
        let Snapshot { seq, value: mut versions } = self.store.history(ctx.scope(), &plan).await?;
        self.check(ctx, &view, seq).await?;
        let more = versions.len() > limit;
        versions.truncate(limit);
        let next = versions.last().filter(|_| more).map(|version| version.revision);
        self.keep_seen_versions(ctx, &view, &plan.subject, &mut versions).await?;
        let (names, properties) = match &plan.subject {
            HistorySubject::Object(object_type, _) => (&object_type.names, &object_type.properties),
            HistorySubject::Link(link_type, ..) => (&link_type.names, &link_type.properties),
        };
        if let Some(types) = resolve::struct_types(properties.iter().map(|property| &property.data_type.base)) {
            for Version { properties, .. } in &mut versions {
                if let Some(values) = properties.take() {
                    let current = values.names() == names;
                    *properties = Some(if current { values.typed(Some(types.clone())) } else { values });
                }
            }
        }
        if request.diff {
            self.add_diffs(ctx, &view, &plan.subject, &mut versions).await?;
        }
        Ok(Versions { versions, next, seq })
    }

    /// Whether a history may be read as a whole: that of a link by whom may read the objects at both ends now. Of an object each version is
    /// judged by itself.
    async fn may_read_subject(&self, ctx: &Context, view: &View, subject: &HistorySubject) -> Result<bool> {
        let sight = view.sight();
        if sight.access.is_none() {
            return Ok(true);
        }
        match subject {
            HistorySubject::Object(..) => Ok(true),
            HistorySubject::Link(link_type, source, target) => {
                let head = self.committer.log().head().await?;
                for (end, key) in [(End::Source, source), (End::Target, target)] {
                    let object_type = resolve::object_type_at(sight.schema, link_type, end)?;
                    if !self.is_seen_at(ctx, sight, object_type, (key, head)).await? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// Keeps the versions of an object that could be read when they were written, and of each what may be read. That it was deleted is
    /// told to whom it could be read by before.
    async fn keep_seen_versions(
        &self,
        ctx: &Context,
        view: &View,
        subject: &HistorySubject,
        versions: &mut Vec<Version>,
    ) -> Result<()> {
        let (sight, HistorySubject::Object(object_type, key)) = (view.sight(), subject) else { return Ok(()) };
        if sight.access.is_none() {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(versions.len());
        for mut version in versions.drain(..) {
            let at = match version.change {
                EffectKind::Deleted => Seq(version.revision.0.saturating_sub(1)),
                EffectKind::Created | EffectKind::Modified => version.revision,
            };
            let is_seen = match told_by(sight.rows(object_type), object_type, version.properties.as_ref())? {
                Some(is_seen) => is_seen,
                None => self.is_seen_at(ctx, sight, object_type, (key, at)).await?,
            };
            if is_seen {
                version.properties = version.properties.map(|whole| seen_of_version(view, object_type, whole));
                kept.push(version);
            }
        }
        *versions = kept;
        Ok(())
    }

    async fn add_diffs(
        &self,
        ctx: &Context,
        view: &View,
        subject: &HistorySubject,
        versions: &mut [Version],
    ) -> Result<()> {
        let Some(first) = versions.first() else { return Ok(()) };
        let mut before = match first.change {
            EffectKind::Created => None,
            EffectKind::Modified | EffectKind::Deleted => {
                let at = Seq(first.revision.0.saturating_sub(1));
                self.row_seen_at(ctx, view, subject, at).await?
            }
        };
        for version in versions {
            version.diff = Some(Diff::between(before.as_ref(), version.properties.as_ref()));
            before.clone_from(&version.properties);
        }
        Ok(())
    }

    /// What may be read of a row right after a commit.
    async fn row_seen_at(
        &self,
        ctx: &Context,
        view: &View,
        subject: &HistorySubject,
        at: Seq,
    ) -> Result<Option<Properties>> {
        let row = self.row_at(ctx, subject, at).await?;
        let HistorySubject::Object(object_type, key) = subject else { return Ok(row) };
        if !self.is_seen_at(ctx, view.sight(), object_type, (key, at)).await? {
            return Ok(None);
        }
        Ok(row.map(|row| seen_of_version(view, object_type, row)))
    }

    /// The values of a row right after a commit.
    async fn row_at(&self, ctx: &Context, subject: &HistorySubject, at: Seq) -> Result<Option<Properties>> {
        match subject {
            HistorySubject::Object(object_type, key) => {
                let keys = std::slice::from_ref(key);
                let found = self.store.objects(ctx.scope(), object_type, keys, Some(at)).await?;
                Ok(found.value.into_iter().flatten().next().map(|object| object.properties))
            }
            HistorySubject::Link(link_type, source, target) => {
                let ends = LinkEnds { source: source.clone(), target: target.clone() };
                let (mut found, _) =
                    self.links_between(ctx, (link_type, None), std::slice::from_ref(&ends), Some(at)).await?;
                Ok(found.remove(&ends).map(|link| link.properties))
            }
        }
    }
}

/// What may be read of a row that was written under some version of the ontology: of one that is of another shape than now, nothing but
/// where everything may.
fn seen_of_version(view: &View, object_type: &ObjectType, properties: Properties) -> Properties {
    let is_current = properties.names() == &object_type.names;
    match view.sight().properties(object_type) {
        PropertySet::All => properties,
        PropertySet::Only(_) if is_current => view.sight().whole(object_type, properties),
        PropertySet::Only(_) => properties.without(|_| true),
    }
}

/// Whether a version is among rows, where its own values tell: no links are asked for, and it has the properties of now.
fn told_by(rows: &Rows, object_type: &ObjectType, version: Option<&Properties>) -> Result<Option<bool>> {
    match (rows, version) {
        (Rows::Only(predicate), Some(values)) if !predicate.is_linked() && values.names() == &object_type.names => {
            predicate.holds(values.values(), &mut Unlinked).map(Some)
        }
        _ => Ok(None),
    }
}
