//! A member of a group.

use std::sync::Arc;

use arrakis_core::Result;
use arrakis_core::event::{Delivery, Subscription};
use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::Inner;
use super::group::Group;
use crate::lanes::MemberId;

/// A member of a group.
pub(super) struct Member {
    bus: Arc<Inner>,
    group: Arc<Group>,
    id: MemberId,
    has_left: bool,
}

impl Member {
    pub(super) fn new(bus: Arc<Inner>, group: Arc<Group>, id: MemberId) -> Self {
        Self { bus, group, id, has_left: false }
    }

    fn leave(&mut self) -> Option<JoinHandle<()>> {
        if std::mem::replace(&mut self.has_left, true) { None } else { self.group.leave(&self.bus, self.id) }
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self) -> Result<Delivery> {
        self.group.desk.next(self.id, |_| Ok(())).await
    }

    async fn close(mut self: Box<Self>) -> Result<()> {
        if let Some(task) = self.leave() {
            // It was told to end.
            let _ = task.await;
        }
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // The task was told to end, and gives back what it holds first.
        drop(self.leave());
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("group", &self.group.options.group).finish_non_exhaustive()
    }
}
