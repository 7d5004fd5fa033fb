//! What both stores hold so far, as far as the next question needs it.

use std::sync::Arc;

use fastrand::Rng;

use crate::commit::AuditRecord;
use crate::ontology::Schema;
use crate::{Actor, Change, Commit, CommitId, RequestId, Scope, Seq, SpaceId, TenantId, Timestamp};

/// 2026-01-01T00:00:00Z, in microseconds.
const START_US: i64 = 1_767_225_600_000_000;

/// A space of its own within both stores.
#[derive(Debug)]
pub(super) struct World {
    /// Two tenants of the space.
    pub(super) scopes: [Scope; 2],
    /// The versions published, with the commits that published them.
    pub(super) published: Vec<(Arc<Schema>, Seq)>,
    /// The newest commit before the space was.
    pub(super) first: Seq,
    /// The newest commit.
    pub(super) head: Seq,
    /// The ids of commits tried so far.
    pub(super) tried: Vec<CommitId>,
    ids: Rng,
    name: String,
}

impl World {
    /// A world of its own for a seed and an attempt, whatever else the stores hold.
    pub(super) fn new(seed: u64, attempt: u64, head: Seq) -> Self {
        let mut ids = Rng::with_seed(seed.rotate_left(32) ^ attempt);
        let space = SpaceId::from_uuid(uuid::Uuid::from_u128(ids.u128(..)));
        let mut scope = || Scope { tenant: TenantId::from_uuid(uuid::Uuid::from_u128(ids.u128(..))), space };
        let scopes = [scope(), scope()];
        let name = format!("{seed}-{attempt}");
        Self { scopes, published: Vec::new(), first: head, head, tried: Vec::new(), ids, name }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn current(&self) -> &Arc<Schema> {
        &self.published.last().expect("the first version is published first").0
    }

    /// A schema the state at a commit may be read under: the one in force then, or a later one.
    pub(super) fn schema_to_read(&self, rng: &mut Rng, at: Option<Seq>) -> &Arc<Schema> {
        let Some(at) = at else { return self.current() };
        let in_force = self.published.iter().rposition(|(_, seq)| *seq <= at).unwrap_or(0);
        &self.published[rng.usize(in_force..self.published.len())].0
    }

    /// A commit with an id of its own.
    pub(super) fn commit(&mut self, scope: Scope, changes: Vec<Change>) -> Commit {
        let id = CommitId::from_uuid(uuid::Uuid::from_u128(self.ids.u128(..)));
        self.tried.push(id);
        // Now and then the clock stands still, or goes back.
        let at =
            START_US + i64::try_from(self.head.0).unwrap_or_default() * 1_000_000 + self.ids.i64(-1_500_000..1_500_000);
        Commit {
            id,
            scope,
            schema_version: self.published.last().map(|(schema, _)| schema.version),
            actor: Actor::parse(["user:ann", "user:bob"][self.ids.usize(..2)]).unwrap(),
            at: Timestamp::from_micros(at).unwrap(),
            reason: self.ids.bool().then(|| "because".into()),
            preconditions: Vec::new(),
            changes,
            audit: AuditRecord::new("test", RequestId::from_uuid(uuid::Uuid::from_u128(1))),
            events: Vec::new(),
        }
    }
}
