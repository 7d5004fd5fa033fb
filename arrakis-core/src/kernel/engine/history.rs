//! The versions of an object or link.

use super::Kernel;
use crate::kernel::plan::HistorySubject;
use crate::kernel::resolve;
use crate::kernel::{Diff, History, LinkEnds, Properties, Snapshot, Version, Versions};
use crate::{Context, EffectKind, Result, Seq};

impl Kernel {
    pub(super) async fn try_history(&self, ctx: &Context, request: &History) -> Result<Versions> {
        let view = self.view(ctx, None, request.at_least).await?;
        let mut plan = resolve::history(&view.schema, request)?;
        let limit = plan.limit as usize;
        plan.limit += 1;
        let Snapshot { seq, value: mut versions } = self.store.history(ctx.scope(), &plan).await?;
        self.check(ctx, &view, seq).await?;
        let more = versions.len() > limit;
        versions.truncate(limit);
        let next = versions.last().filter(|_| more).map(|version| version.revision);
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
            self.add_diffs(ctx, &plan.subject, &mut versions).await?;
        }
        Ok(Versions { versions, next, seq })
    }

    async fn add_diffs(&self, ctx: &Context, subject: &HistorySubject, versions: &mut [Version]) -> Result<()> {
        let Some(first) = versions.first() else { return Ok(()) };
        let mut before = match first.change {
            EffectKind::Created => None,
            EffectKind::Modified | EffectKind::Deleted => {
                self.row_at(ctx, subject, Seq(first.revision.0.saturating_sub(1))).await?
            }
        };
        for version in versions {
            version.diff = Some(Diff::between(before.as_ref(), version.properties.as_ref()));
            before.clone_from(&version.properties);
        }
        Ok(())
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
