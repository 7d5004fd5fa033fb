//! The versions of an object or link.

use super::Kernel;
use crate::kernel::plan::HistorySubject;
use crate::kernel::resolve;
use crate::kernel::{History, Snapshot, Version, Versions};
use crate::{Context, Result};

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
        Ok(Versions { versions, next, seq })
    }
}
