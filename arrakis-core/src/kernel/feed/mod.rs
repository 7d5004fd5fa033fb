//! The feed: what changed, commit by commit; and live sets, told as they change.
//!
//! Everything is read from the commit log and the versions of rows: nothing is kept beside them, so a consumer may be away for as long
//! as it likes, and a subscriber that is too slow loses nothing but its place in the queue.

mod changes;
mod hub;
mod index;
mod lane;
mod links;
mod live;
mod membership;
mod page;
mod publication;
mod rows;
mod service;
mod slot;
mod subscribe;
mod wait;
mod window;

use std::sync::Arc;

use tokio::sync::watch;

pub use self::changes::{
    CHANGES_LIMIT_DEFAULT, CHANGES_LIMIT_MAX, CHANGES_TYPES_MAX, CHANGES_WAIT_MAX_MS, ChangedLink, ChangedObject,
    Changes, ChangesSince, CommitChanges, ElementNames, Origin, PublishedVersion,
};
use self::hub::Hub;
pub use self::service::{ChangesStream, FeedService};
pub use self::subscribe::{
    InitialPage, LIVE_MEMBERS_MAX, LeftObject, SUBSCRIPTION_BUFFER_DEFAULT, SUBSCRIPTION_BUFFER_MAX, SetDelta,
    SetEvent, SetEvents, Subscribe, Subscription,
};
pub use self::wait::HEAD_POLL_MS;
pub(crate) use self::wait::first;
use crate::kernel::ObjectStore;
use crate::ontology::SchemaSource;
use crate::{CommitLog, Committer, Seq};

/// What the feed is read from.
#[derive(Debug)]
pub(super) struct Feed {
    log: Arc<dyn CommitLog>,
    store: Arc<dyn ObjectStore>,
    schemas: Arc<dyn SchemaSource>,
    /// The newest commit of this process.
    seen: watch::Receiver<Seq>,
    hub: Hub,
}

impl Feed {
    pub(super) fn new(committer: &Committer, store: Arc<dyn ObjectStore>, schemas: Arc<dyn SchemaSource>) -> Self {
        Self { log: Arc::clone(committer.log()), store, schemas, seen: committer.seen(), hub: Hub::default() }
    }
}
