//! The port that reads objects and links: each read is one look at the state.

use std::sync::Arc;

use arrakis_core::kernel::plan::{AggregatePlan, HistoryPlan, LinksPlan, QueryPlan, RawGroup};
use arrakis_core::kernel::{Budget, Link, Object, ObjectStore, Properties, QueryRows, Snapshot, Version};
use arrakis_core::ontology::ObjectType;
use arrakis_core::{Key, Result, Scope, Seq};
use async_trait::async_trait;

use super::view::View;
use super::{MemoryStore, aggregate, history, link, query};

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn objects(
        &self,
        scope: Scope,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
        at: Option<Seq>,
    ) -> Result<Snapshot<Vec<Option<Object>>>> {
        self.snapshot(scope, at, Budget::default(), |view| {
            Ok(keys.iter().map(|key| whole(view, object_type, key)).collect())
        })
    }

    async fn query(&self, scope: Scope, plan: &QueryPlan) -> Result<Snapshot<QueryRows>> {
        self.snapshot(scope, plan.at, plan.budget, |view| query::page(view, plan))
    }

    async fn aggregate(&self, scope: Scope, plan: &AggregatePlan) -> Result<Snapshot<Vec<RawGroup>>> {
        self.snapshot(scope, plan.at, plan.budget, |view| aggregate::groups(view, plan))
    }

    async fn links(&self, scope: Scope, plan: &LinksPlan) -> Result<Snapshot<Vec<Link>>> {
        self.snapshot(scope, plan.at, Budget::default(), |view| link::page(view, plan))
    }

    async fn history(&self, scope: Scope, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>> {
        self.snapshot(scope, None, Budget::default(), |view| history::versions(view, plan))
    }
}

fn whole(view: &View<'_>, object_type: &ObjectType, key: &Key) -> Option<Object> {
    let row = view.row(object_type, key)?;
    Some(Object {
        object_type: object_type.api_name.clone(),
        key: key.clone(),
        revision: row.revision,
        properties: Properties::new(Arc::clone(&object_type.names), row.values),
    })
}
