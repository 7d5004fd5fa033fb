//! The rules of a commit, once for every store: preconditions, existence, uniqueness, references, cardinality, on-delete rules.

mod batch;
mod link;
mod object;

use std::sync::Arc;

pub use self::batch::{AppliedBatch, apply_batch};
pub(crate) use self::link::dangling;
pub(crate) use self::object::absent;
use super::{Change, Commit, Effect, LogEntry, Precondition, Publication, Receipt, TenancyChange, Tenant, Txn};
use crate::ontology::{DataCheck, End, LinkType, ObjectType, Schema, Violations};
use crate::{Error, ErrorKind, Key, LinkTypeId, Once, Result, Scope, Seq, Timestamp};

/// The most objects and links one deletion may reach by on-delete rules.
pub const CASCADE_MAX: usize = 10_000;

/// The most bytes the texts of one object have in one index, together: databases keep no longer entries (PostgreSQL: 2,704 bytes, the key and
/// what else is in an entry included).
pub const INDEX_TEXT_LEN_MAX: usize = 1_536;

/// What became of a commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// It is in the transaction at this seq, with the instant its log entry bears.
    Now(Receipt, Timestamp),
    /// An earlier commit with its id is; nothing changed.
    Before(Receipt),
}

/// Applies one commit at `seq`, whole or not at all, within an open transaction. `last_at` is the instant of the newest log entry.
///
/// # Errors
/// What refuses the commit; the transaction is then as it was.
pub fn apply(txn: &mut dyn Txn, commit: &Commit, seq: Seq, last_at: Timestamp) -> Result<Applied> {
    if let Some(receipt) = before(txn, commit)? {
        return Ok(Applied::Before(receipt));
    }
    txn.savepoint()?;
    let result = Application::new(txn, commit, seq).run(last_at);
    txn.release(result.is_ok())?;
    result
}

/// Applies one commit within an open transaction and undoes it: what [`crate::CommitLog::rehearse`] answers.
///
/// # Errors
/// What would refuse the commit.
pub fn rehearse(txn: &mut dyn Txn, commit: &Commit, seq: Seq) -> Result<Vec<Effect>> {
    if txn.receipt(commit.id)?.is_some() {
        return Err(id_taken());
    }
    txn.savepoint()?;
    let mut application = Application::new(txn, commit, seq);
    let applied = application.apply();
    let effects = std::mem::take(&mut application.effects);
    txn.release(false)?;
    applied.map(|()| effects)
}

/// The receipt of a commit that is in the log already.
fn before(txn: &mut dyn Txn, commit: &Commit) -> Result<Option<Receipt>> {
    let Some((tenant, receipt)) = txn.receipt(commit.id)? else { return Ok(None) };
    if tenant != commit.scope.tenant {
        return Err(id_taken());
    }
    if let Some(request) = &commit.audit.request
        && txn.request(tenant, receipt.seq)?.is_some_and(|before| before != *request)
    {
        return Err(Once::other());
    }
    Ok(Some(Receipt { replayed: true, ..receipt }))
}

fn id_taken() -> Error {
    Error::conflict("commit.id.taken", "the commit id is already used")
}

struct Application<'a> {
    txn: &'a mut dyn Txn,
    commit: &'a Commit,
    seq: Seq,
    effects: Vec<Effect>,
    /// Foreign keys written and objects deleted, whose references are judged once every change is in.
    unchecked: Vec<Unchecked>,
    /// The change being applied.
    index: usize,
    /// Whether the tenant is known to be bound to the space.
    bound: bool,
}

enum Unchecked {
    Reference { change: usize, link_type: Arc<LinkType>, holder: Key, value: Key },
    Restricted { change: usize, link_type: Arc<LinkType>, end: End, key: Key },
}

impl<'a> Application<'a> {
    fn new(txn: &'a mut dyn Txn, commit: &'a Commit, seq: Seq) -> Self {
        Self { txn, commit, seq, effects: Vec::new(), unchecked: Vec::new(), index: 0, bound: false }
    }

    fn apply(&mut self) -> Result<()> {
        let schema = self.check_schema()?;
        for (index, precondition) in self.commit.preconditions.iter().enumerate() {
            self.check(precondition).map_err(|e| e.at(format!("preconditions[{index}]")))?;
        }
        for (index, change) in self.commit.changes.iter().enumerate() {
            self.index = index;
            self.change(schema.as_deref(), change).map_err(|e| e.at(format!("changes[{index}]")))?;
        }
        schema.map_or(Ok(()), |schema| self.check_references(&schema))
    }

    fn run(mut self, last_at: Timestamp) -> Result<Applied> {
        self.apply()?;
        let at = self.commit.at.max(last_at);
        let entry = LogEntry {
            seq: self.seq,
            commit: self.commit.id,
            tenant: self.commit.scope.tenant,
            actor: self.commit.actor.clone(),
            at,
            reason: self.commit.reason.clone(),
            effects: self.effects,
            audit: self.commit.audit.clone(),
            events: self.commit.events.clone(),
        };
        self.txn.append(&entry)?;
        Ok(Applied::Now(Receipt { commit: self.commit.id, seq: self.seq, replayed: false }, at))
    }

    fn change(&mut self, schema: Option<&Schema>, change: &Change) -> Result<()> {
        match change {
            Change::Tenancy(change) => self.tenancy(change),
            Change::Publish(publication) => self.check_tenant().and_then(|()| self.publish(publication)),
            Change::Object(change) => {
                self.check_tenant()?;
                self.object(schema.ok_or_else(unstated)?, change)
            }
            Change::Link(change) => {
                self.check_tenant()?;
                self.link(schema.ok_or_else(unstated)?, change)
            }
        }
    }

    fn check_tenant(&mut self) -> Result<()> {
        let Scope { tenant, space } = self.commit.scope;
        self.bound = self.bound || self.txn.tenant(tenant)?.is_some_and(|tenant| tenant.space == space);
        if self.bound {
            return Ok(());
        }
        Err(Error::not_found("tenancy.tenant.unknown", "there is no such tenant in this space"))
    }

    fn check_schema(&mut self) -> Result<Option<Arc<Schema>>> {
        let Some(expected) = self.commit.schema_version else { return Ok(None) };
        match self.txn.schema(self.commit.scope.space)? {
            Some(schema) if schema.version == expected => Ok(Some(schema)),
            current => Err(Error::conflict("kernel.schema.moved", "the ontology was published anew meanwhile")
                .with("version", expected)
                .with("current", current.map_or(0, |schema| schema.version))
                .retryable_is(true)),
        }
    }

    fn check(&mut self, precondition: &Precondition) -> Result<()> {
        let scope = self.commit.scope;
        let failed = |code: &'static str, message: &'static str| Error::new(ErrorKind::Precondition, code, message);
        let moved = |expected: &Seq, current: Option<Seq>| {
            let error = failed("commit.precondition.at", "it was changed meanwhile").with("expected", expected);
            Err(match current {
                Some(current) => error.with("current", current),
                None => error.with("current", "absent"),
            })
        };
        match precondition {
            Precondition::Absent(object) => match self.txn.object(scope, &object.object_type, &object.key)? {
                None => Ok(()),
                Some(row) => {
                    Err(failed("commit.precondition.absent", "it exists already").with("current", row.revision))
                }
            },
            Precondition::At(object, expected) => match self.txn.object(scope, &object.object_type, &object.key)? {
                Some(row) if row.revision == *expected => Ok(()),
                row => moved(expected, row.map(|row| row.revision)),
            },
            Precondition::Unique(object_type, property, value) => {
                match self.txn.keys_with(scope, object_type, *property, value, 1)?.first() {
                    None => Ok(()),
                    Some(key) => Err(failed("commit.precondition.unique", "the value is taken").with("key", key)),
                }
            }
            Precondition::Holds(object, property, value) => {
                match self.txn.object(scope, &object.object_type, &object.key)? {
                    Some(row) if row.values.get(*property) == Some(value) => Ok(()),
                    _ => Err(failed("commit.precondition.holds", "the object does not hold the value expected")),
                }
            }
            Precondition::LinkAt(link, expected) => {
                match self.txn.link(scope, &link.link_type, &link.source, &link.target)? {
                    Some(row) if row.revision == *expected => Ok(()),
                    row => moved(expected, row.map(|row| row.revision)),
                }
            }
            Precondition::LinkAbsent(link) => {
                match self.txn.link(scope, &link.link_type, &link.source, &link.target)? {
                    None => Ok(()),
                    Some(row) => {
                        Err(failed("commit.precondition.absent", "it exists already").with("current", row.revision))
                    }
                }
            }
        }
    }

    fn tenancy(&mut self, change: &TenancyChange) -> Result<()> {
        match change {
            TenancyChange::CreateSpace { id, name } => {
                if self.txn.space_exists(*id, Some(name))? {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        "tenancy.space.exists",
                        "the space exists already",
                    ));
                }
                self.txn.insert_space(*id, name)?;
                self.effects.push(Effect::Space(*id));
            }
            TenancyChange::CreateTenant { id, name, space } => {
                if !self.txn.space_exists(*space, None)? {
                    return Err(Error::not_found("tenancy.space.unknown", "there is no such space"));
                }
                if !self.txn.insert_tenant(&Tenant { id: *id, name: Arc::clone(name), space: *space })? {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        "tenancy.tenant.exists",
                        "the tenant exists already",
                    ));
                }
                self.effects.push(Effect::Tenant(*id));
            }
        }
        Ok(())
    }

    fn publish(&mut self, publication: &Publication) -> Result<()> {
        let space = self.commit.scope.space;
        if !self.txn.space_exists(space, None)? {
            return Err(Error::not_found("tenancy.space.unknown", "there is no such space"));
        }
        let current = self.txn.schema(space)?.map_or(0, |schema| schema.version);
        if current != publication.base_version {
            return Err(Error::conflict(
                "ontology.plan.base_moved",
                "the ontology was published anew since the plan was made",
            )
            .with("planned_against", publication.base_version)
            .with("current", current));
        }
        self.check_data(publication.checks.iter().filter(|check| check.is_before()))?;
        self.txn.publish(space, publication, self.seq)?;
        for rewrite in &publication.rewrites {
            rewrite.run(self.txn, space, self.seq)?;
        }
        self.check_data(publication.checks.iter().filter(|check| !check.is_before()))?;
        self.effects.push(Effect::Published(publication.schema.version));
        Ok(())
    }

    fn check_data<'c>(&mut self, mut checks: impl Iterator<Item = &'c DataCheck>) -> Result<()> {
        let Scope { tenant, space } = self.commit.scope;
        checks.try_for_each(|check| match check.run(self.txn, space, tenant)? {
            Violations { count: 0, .. } => Ok(()),
            violations => Err(violations.into_error()),
        })
    }
}

fn unstated() -> Error {
    Error::internal("commit.schema.unstated", "a change of objects names its schema version")
}

fn type_at<'a>(schema: &'a Schema, link_type: &LinkType, end: End) -> Result<&'a Arc<ObjectType>> {
    let LinkTypeId(number) = link_type.id;
    schema.object_type_by_id(link_type.side(end).object_type).ok_or_else(|| {
        Error::internal("schema.inconsistent", "a link type without its object type").with("link_type", number)
    })
}
