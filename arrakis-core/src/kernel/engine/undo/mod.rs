//! A commit taken back: its rows as they were before it, as edits of a new commit.

mod inverse;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::inverse::{Row, Undoing, invert_link, invert_object, reached};
use self::order::{Deletion, ordered};
use super::Kernel;
use super::load::chunk_id;
use super::write::{blame, check_reason, is_judged_anew};
use crate::commit::{AuditRecord, COMMIT_CHANGES_MAX};
use crate::kernel::action::{ChangedBy, ChangedSince, NamedEffect, OnConflict, UNDO_COMMITS_MAX, Undo, UndoReport};
use crate::kernel::edit::{Decision, decide};
use crate::kernel::plan::{HistoryPlan, HistorySubject};
use crate::kernel::{Edit, LinkEnds, Version};
use crate::ontology::{Property, Schema};
use crate::{Commit, CommitId, Context, Effect, Error, Key, LinkTypeId, LogEntry, ObjectTypeId, Result, Seq};

/// How many later versions of one row are looked through for who changed it.
const VERSIONS_READ_MAX: u32 = 1_000;

/// The edits that take one commit back, and what stands in their way.
#[derive(Debug, Default)]
struct Inverse {
    /// By the order in which they can be made: objects come back, then change, then links come back and go.
    edits: [Vec<Edit>; 4],
    /// And then objects go.
    deletions: Vec<Deletion>,
    changed_since: Vec<ChangedSince>,
}

/// Where an edit stands in an [`Inverse`].
#[derive(Clone, Copy)]
enum Step {
    CreateObjects,
    ModifyObjects,
    Link,
    Unlink,
}

impl Inverse {
    fn push(&mut self, step: Step, edit: Edit) {
        if let Some(edits) = self.edits.get_mut(step as usize) {
            edits.push(edit);
        }
    }

    /// The edits, and the deletions others of them bring along.
    fn into_edits(self, now: &Schema) -> (Vec<Edit>, Vec<Edit>) {
        let (deletions, taken) = ordered(self.deletions, now);
        (self.edits.into_iter().flatten().chain(deletions).collect(), taken)
    }
}

impl Kernel {
    pub(super) async fn try_undo(&self, ctx: &Context, request: &Undo, id: CommitId) -> Result<UndoReport> {
        check_reason(request.reason.as_deref())?;
        if request.id.is_some()
            && let Some(receipt) = self.committer.before(ctx, id).await?
        {
            let receipt = Some(receipt);
            return Ok(UndoReport { receipt, changed_since: Vec::new(), edits: Vec::new(), effects: Vec::new() });
        }
        let now = self.schemas.current(ctx.scope().space).await?;
        let mut report =
            UndoReport { receipt: None, changed_since: Vec::new(), edits: Vec::new(), effects: Vec::new() };
        let (mut commits, mut sources, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for entry in self.entries_of(ctx, request.commit).await?.iter().rev() {
            let inverse = self.invert(ctx, request, entry, &now).await?;
            report.changed_since.extend_from_slice(&inverse.changed_since);
            let (edits, along) = inverse.into_edits(&now);
            taken.extend(along);
            for part in edits.chunks(COMMIT_CHANGES_MAX) {
                let Decision { changes, mut preconditions, expected_by } = decide(&now, part)?;
                let permitted = self.permit(ctx, &now, &changes).await;
                preconditions.extend(permitted.map_err(|error| blame(error, part, &expected_by))?);
                let audit = AuditRecord { undoes: Some(request.commit), ..AuditRecord::of(ctx, "kernel.undo") };
                let id = chunk_id(id, commits.len());
                let draft = self.draft(ctx, (id, now.version), audit, request.reason.as_deref());
                commits.push(Commit { preconditions, changes, ..draft });
                sources.push(expected_by);
            }
            report.edits.extend(edits);
        }
        if request.on_conflict == OnConflict::Refuse
            && !request.dry_run
            && let Some(first) = report.changed_since.first()
        {
            return Err(conflict(first, report.changed_since.len()));
        }
        let taken_back = self.take_back(ctx, request, &now, (commits, &taken, &mut report)).await;
        taken_back.map_err(|error| match sources.as_slice() {
            [expected_by] if is_judged_anew(&error, expected_by) => {
                Error::conflict("kernel.undo.moved", "an object was changed meanwhile").retryable_is(true)
            }
            [expected_by] => blame(error, &report.edits, expected_by),
            // Which of several commits it is about is no part of the request.
            _ => error.without_path(),
        })?;
        if ctx.access().is_some() {
            // They hold what was there before, whoever might read it.
            (report.edits, report.effects) = Default::default();
        }
        Ok(report)
    }

    /// Judges the commits of an undo, and makes them unless it is a dry run.
    async fn take_back(
        &self,
        ctx: &Context,
        request: &Undo,
        now: &Schema,
        (commits, taken, report): (Vec<Commit>, &[Edit], &mut UndoReport),
    ) -> Result<()> {
        // One commit is judged whole before it is made. Several, of a long load, are judged as they are made, all or none.
        if let [commit] = commits.as_slice() {
            let effects = self.committer.log().rehearse(commit.clone()).await?;
            report.effects = named(now, &effects);
            let reached = reached(&report.effects, report.edits.iter().chain(taken));
            let lost = reached.len();
            report.changed_since.extend(reached);
            if lost > 0
                && request.on_conflict != OnConflict::Override
                && !request.dry_run
                && let Some(first) = report.changed_since.last()
            {
                return Err(conflict(first, lost));
            }
        }
        if request.dry_run || commits.is_empty() {
            return Ok(());
        }
        let mut admitted = Vec::with_capacity(commits.len());
        for commit in commits {
            admitted.push(self.hooks.admit(ctx, commit, self.hook_timeout).await?);
        }
        let receipts = self.committer.commit_all(admitted).await.map_err(|(_, error)| error)?;
        report.receipt = receipts.last().copied();
        Ok(())
    }

    /// The log entries of a commit, and of those after it that belong to the same load or undo.
    async fn entries_of(&self, ctx: &Context, id: CommitId) -> Result<Vec<LogEntry>> {
        let log = self.committer.log();
        let mut entries = Vec::new();
        for chunk in 0..=UNDO_COMMITS_MAX {
            let Some(receipt) = log.receipt(ctx.scope(), chunk_id(id, chunk)).await? else { break };
            if chunk == UNDO_COMMITS_MAX {
                return Err(Error::invalid("kernel.undo.too_large", "the load is too large to be undone at once")
                    .with("commits_max", UNDO_COMMITS_MAX));
            }
            entries.push(self.committer.entry(ctx.scope(), receipt.seq).await?);
        }
        let kept = |effect: &Effect| matches!(effect, Effect::Object(..) | Effect::Link(..));
        match entries.first() {
            None => Err(Error::not_found("kernel.undo.unknown", "there is no such commit").with("commit", id)),
            Some(first) if !first.effects.iter().all(kept) => {
                Err(Error::invalid("kernel.undo.not_data", "a publication, a space or a tenant is not undone")
                    .with("commit", id))
            }
            Some(_) => Ok(entries),
        }
    }

    async fn invert(&self, ctx: &Context, request: &Undo, entry: &LogEntry, now: &Schema) -> Result<Inverse> {
        let then = self.schemas.at(ctx.scope().space, entry.seq).await?;
        let undoing = Undoing { at: entry.seq, then: &then, now, on_conflict: request.on_conflict };
        let mut objects: BTreeMap<ObjectTypeId, BTreeSet<Key>> = BTreeMap::new();
        let mut links: BTreeMap<LinkTypeId, BTreeSet<(Key, Key)>> = BTreeMap::new();
        for effect in &entry.effects {
            match effect {
                Effect::Object(id, key, _) => drop(objects.entry(*id).or_default().insert(key.clone())),
                Effect::Link(id, source, target, _) => {
                    links.entry(*id).or_default().insert((source.clone(), target.clone()));
                }
                Effect::Published(_) | Effect::Space(_) | Effect::Tenant(_) => {}
            }
        }
        let mut inverse = Inverse::default();
        for (id, keys) in objects {
            self.invert_objects(ctx, &undoing, (id, keys.into_iter().collect()), &mut inverse).await?;
        }
        for (id, ends) in links {
            let ends = ends.into_iter().map(|(source, target)| LinkEnds { source, target }).collect();
            self.invert_links(ctx, &undoing, (id, ends), &mut inverse).await?;
        }
        Ok(inverse)
    }

    async fn invert_objects(
        &self,
        ctx: &Context,
        undoing: &Undoing<'_>,
        (id, keys): (ObjectTypeId, Vec<Key>),
        inverse: &mut Inverse,
    ) -> Result<()> {
        let then = undoing.then.object_type_by_id(id).ok_or_else(inconsistent)?;
        let Some(now) = undoing.now.object_type_by_id(id) else {
            inverse.changed_since.extend(keys.into_iter().map(|key| gone(&then.api_name, key, None)));
            return Ok(());
        };
        let (scope, at) = (ctx.scope(), undoing.at);
        let before = self.store.objects(scope, then, &keys, Some(Seq(at.0.saturating_sub(1)))).await?.value;
        let after = self.store.objects(scope, then, &keys, Some(at)).await?.value;
        let current = self.store.objects(scope, now, &keys, None).await?.value;
        for ((key, before), (after, current)) in keys.into_iter().zip(before).zip(after.into_iter().zip(current)) {
            let row = Row {
                before: before.as_ref().map(|object| &object.properties),
                after: after.as_ref().map(|object| &object.properties),
                current: current.as_ref().map(|object| (&object.properties, object.revision)),
            };
            let Some((edit, changed)) = invert_object(undoing, (then, now), &key, &row) else { continue };
            if !changed.is_empty() {
                let subject = HistorySubject::Object(Arc::clone(now), key.clone());
                let since = self.versions_since(ctx, at, subject).await?;
                inverse.changed_since.extend(changed.into_iter().map(|property| {
                    let by = changed_by(&since, property);
                    let property = property.map(|property| property.api_name.to_string());
                    ChangedSince { property, by, ..gone(&now.api_name, key.clone(), None) }
                }));
            }
            match (edit, row.current) {
                (Some(edit @ Edit::Delete { .. }), Some((current, _))) => {
                    inverse.deletions.push(Deletion { object_type: id, key, current: current.clone(), edit });
                }
                (Some(edit @ Edit::Create { .. }), _) => inverse.push(Step::CreateObjects, edit),
                (Some(edit), _) => inverse.push(Step::ModifyObjects, edit),
                (None, _) => {}
            }
        }
        Ok(())
    }

    async fn invert_links(
        &self,
        ctx: &Context,
        undoing: &Undoing<'_>,
        (id, ends): (LinkTypeId, Vec<LinkEnds>),
        inverse: &mut Inverse,
    ) -> Result<()> {
        let then = undoing.then.link_type_by_id(id).ok_or_else(inconsistent)?;
        let Some(now) = undoing.now.link_type_by_id(id) else {
            let gone = ends.into_iter().map(|ends| gone(&then.api_name, ends.source, Some(ends.target)));
            inverse.changed_since.extend(gone);
            return Ok(());
        };
        let at = undoing.at;
        let (before, _) = self.links_between(ctx, (then, None), &ends, Some(Seq(at.0.saturating_sub(1)))).await?;
        let (after, _) = self.links_between(ctx, (then, None), &ends, Some(at)).await?;
        let (current, _) = self.links_between(ctx, (now, None), &ends, None).await?;
        for ends in ends {
            let row = Row {
                before: before.get(&ends).map(|link| &link.properties),
                after: after.get(&ends).map(|link| &link.properties),
                current: current.get(&ends).map(|link| (&link.properties, link.revision)),
            };
            let Some((edit, changed)) = invert_link(undoing, (then, now), &ends, &row) else { continue };
            if changed {
                let subject = HistorySubject::Link(Arc::clone(now), ends.source.clone(), ends.target.clone());
                let by = changed_by(&self.versions_since(ctx, at, subject).await?, None);
                inverse.changed_since.push(ChangedSince { by, ..gone(&now.api_name, ends.source, Some(ends.target)) });
            }
            match edit {
                Some(edit @ Edit::Unlink { .. }) => inverse.push(Step::Unlink, edit),
                Some(edit) => inverse.push(Step::Link, edit),
                None => {}
            }
        }
        Ok(())
    }

    /// The versions of a row written after a commit.
    async fn versions_since(&self, ctx: &Context, since: Seq, subject: HistorySubject) -> Result<Vec<Version>> {
        let plan = HistoryPlan { subject, after: since, limit: VERSIONS_READ_MAX };
        Ok(self.store.history(ctx.scope(), &plan).await?.value)
    }
}

/// Who wrote the last of the versions, or the last that changed one property.
fn changed_by(versions: &[Version], property: Option<&Property>) -> Option<ChangedBy> {
    let value = |version: &Version| {
        let name = property?.api_name.as_str();
        version.properties.as_ref().and_then(|values| values.get(name).cloned())
    };
    let is_change = |index: usize, version: &Version| {
        let before = index.checked_sub(1).and_then(|index| versions.get(index));
        property.is_none() || before.is_none_or(|before| value(before) != value(version))
    };
    let (_, last) = versions.iter().enumerate().rfind(|(index, version)| is_change(*index, version))?;
    Some(ChangedBy { seq: last.revision, commit: last.commit, actor: last.actor.clone(), at: last.at })
}

/// Effects with the names of their types.
pub(super) fn named(schema: &Schema, effects: &[Effect]) -> Vec<NamedEffect> {
    effects.iter().filter_map(|effect| named_one(schema, effect)).collect()
}

fn named_one(schema: &Schema, effect: &Effect) -> Option<NamedEffect> {
    match effect {
        Effect::Object(id, key, change) => {
            let object_type = schema.object_type_by_id(*id)?.api_name.to_string();
            Some(NamedEffect::Object { object_type, key: key.clone(), change: *change })
        }
        Effect::Link(id, source, target, change) => {
            let link_type = schema.link_type_by_id(*id)?.api_name.to_string();
            Some(NamedEffect::Link { link_type, source: source.clone(), target: target.clone(), change: *change })
        }
        Effect::Published(_) | Effect::Space(_) | Effect::Tenant(_) => None,
    }
}

fn inconsistent() -> Error {
    Error::internal("schema.inconsistent", "a commit of a type its schema does not have")
}

fn gone(type_name: &crate::ApiName, key: Key, target: Option<Key>) -> ChangedSince {
    ChangedSince { r#type: type_name.to_string(), key, target, property: None, by: None }
}

fn conflict(first: &ChangedSince, count: usize) -> Error {
    let error = Error::conflict("kernel.undo.conflict", "what would be undone was changed since")
        .with("changes", count)
        .with("type", &first.r#type)
        .with("key", &first.key);
    let error = first.property.iter().fold(error, |error, property| error.with("property", property));
    first.by.iter().fold(error, |error, by| error.with("actor", &by.actor).with("commit", by.commit))
}
