//! Live sets as they are subscribed to and told.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::kernel::{Object, ObjectSet};
use crate::value::exact;
use crate::{ApiName, Key, Result, Seq};

/// How many changes wait for a subscriber unless another number is asked for.
pub const SUBSCRIPTION_BUFFER_DEFAULT: u32 = 1_000;
/// The most changes that wait for a subscriber, but for one commit that has more by itself.
pub const SUBSCRIPTION_BUFFER_MAX: u32 = 100_000;
/// The most members of a live set that depends on links: their keys are kept to tell one state from the next.
pub const LIVE_MEMBERS_MAX: usize = 100_000;

/// A set to be told of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The set.
    pub set: ObjectSet,
    /// The properties wanted, in this order; all of them when left out. An object counts as changed whichever of its properties did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<String>>,
    /// Go on from the state right after this commit, without telling the set whole; tell it first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seq>,
    /// How many objects are told at a time at first, 1 to [`crate::kernel::PAGE_SIZE_MAX`];
    /// [`crate::kernel::PAGE_SIZE_DEFAULT`] when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// How many changes may wait to be taken, 1 to [`SUBSCRIPTION_BUFFER_MAX`]; [`SUBSCRIPTION_BUFFER_DEFAULT`] when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<u32>,
}

impl Subscribe {
    /// A set with every property: first as it is, then what changes.
    pub fn to(set: ObjectSet) -> Self {
        Self { set, select: None, from: None, page_size: None, buffer: None }
    }

    /// Going on from the state right after a commit.
    #[must_use]
    pub const fn from(mut self, seq: Seq) -> Self {
        self.from = Some(seq);
        self
    }

    /// Only these properties, in this order.
    #[must_use]
    pub fn select<P: Into<String>>(mut self, properties: impl IntoIterator<Item = P>) -> Self {
        self.select = Some(properties.into_iter().map(Into::into).collect());
        self
    }

    /// With so many changes that may wait.
    #[must_use]
    pub const fn buffer(mut self, changes: u32) -> Self {
        self.buffer = Some(changes);
        self
    }

    /// With so many objects told at a time at first.
    #[must_use]
    pub const fn page_size(mut self, objects: u32) -> Self {
        self.page_size = Some(objects);
        self
    }
}

/// What a subscriber is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SetEvent {
    /// A part of the whole set as of one commit.
    Initial(InitialPage),
    /// What a later commit changed.
    Delta(SetDelta),
    /// The subscriber was slower than its buffer; nothing follows. It was told everything up to `resume_from` and may subscribe
    /// [`Subscribe::from`] there.
    Lagging {
        /// The commit to go on from.
        resume_from: Seq,
    },
}

/// A part of the whole set as of one commit. The whole is told at first, and again when a publication changes what the set is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct InitialPage {
    /// The commit; the same for all parts of one whole.
    pub seq: Seq,
    /// The version of the ontology in force then.
    pub version: u32,
    /// Whether this is the first part: what was told before no longer counts.
    pub first: bool,
    /// Whether more parts follow.
    pub more: bool,
    /// The objects, by type and key.
    pub objects: Vec<Object>,
}

/// How a set differs from what it was before a commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SetDelta {
    /// The commit.
    pub seq: Seq,
    /// The objects that are in the set now and were not before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entered: Vec<Object>,
    /// The objects that were in the set, still are, and have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Object>,
    /// The objects that were in the set and are not now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftObject>,
}

/// An object that left a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct LeftObject {
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// Its key.
    #[serde(with = "exact::key")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Key"))]
    pub key: Key,
}

impl SetDelta {
    /// How many objects it is about.
    pub fn len(&self) -> usize {
        self.entered.len() + self.changed.len() + self.left.len()
    }

    /// Whether it is about none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where the events of a subscription come from: the engine in this process, or a client of it.
#[async_trait]
pub trait SetEvents: std::fmt::Debug + Send + Sync {
    /// The next event; `None` after the last. When the future is dropped, no event is lost.
    async fn next(&mut self) -> Option<Result<SetEvent>>;
}

/// A subscription to a set. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription(Box<dyn SetEvents>);

impl Subscription {
    /// A subscription to these events.
    pub fn new(events: impl SetEvents + 'static) -> Self {
        Self(Box::new(events))
    }

    /// The next event; `None` when the subscription has ended: after an error, and after [`SetEvent::Lagging`]. When the future is
    /// dropped, no event is lost.
    ///
    /// # Errors
    /// The subscription then has ended: what the store answers; what resolving the set answers under a later version of the ontology;
    /// `feed.set.too_large` for a set that depends on links and has more than [`LIVE_MEMBERS_MAX`] members; `feed.closed` when the
    /// kernel is gone.
    pub async fn next(&mut self) -> Option<Result<SetEvent>> {
        self.0.next().await
    }
}
