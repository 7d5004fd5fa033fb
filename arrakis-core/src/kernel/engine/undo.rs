//! A commit taken back: its rows as they were before it, as edits of a new commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Kernel;
use super::load::chunk_id;
use super::write::check_reason;
use crate::commit::{AuditRecord, COMMIT_CHANGES_MAX};
use crate::kernel::action::{ChangedBy, ChangedSince, NamedEffect, OnConflict, UNDO_COMMITS_MAX, Undo, UndoReport};
use crate::kernel::edit::{Decision, decide};
use crate::kernel::plan::{HistoryPlan, HistorySubject};
use crate::kernel::{Edit, Expect, LinkEnds, NewProperties, Properties};
use crate::ontology::{LinkType, ObjectType, Property, Schema};
use crate::{
    Commit, CommitId, Context, Effect, Error, Key, LinkTypeId, LogEntry, ObjectTypeId, Receipt, Result, Seq, Value,
};

/// How many later versions of one row are looked through for who changed it.
const VERSIONS_READ_MAX: u32 = 1_000;

/// The edits that take one commit back, and what stands in their way.
#[derive(Debug, Default)]
struct Inverse {
    /// By the order in which they can be made: objects come back, then change, then links come back, go, and objects go.
    edits: [Vec<Edit>; 5],
    changed_since: Vec<ChangedSince>,
}

/// Where an edit stands in an [`Inverse`].
#[derive(Clone, Copy)]
enum Step {
    CreateObjects,
    ModifyObjects,
    Link,
    Unlink,
    DeleteObjects,
}

/// The commit taken back, seen from the schemas then and now.
struct Undoing<'a> {
    at: Seq,
    then: &'a Schema,
    now: &'a Schema,
    on_conflict: OnConflict,
}

/// A row before the commit, after it, and now.
struct Row<'r> {
    before: Option<&'r Properties>,
    after: Option<&'r Properties>,
    current: Option<(&'r Properties, Seq)>,
}

impl Inverse {
    fn push(&mut self, step: Step, edit: Edit) {
        if let Some(edits) = self.edits.get_mut(step as usize) {
            edits.push(edit);
        }
    }

    fn into_edits(self) -> Vec<Edit> {
        self.edits.into_iter().flatten().collect()
    }
}

impl Kernel {
    pub(super) async fn try_undo(&self, ctx: &Context, request: &Undo, id: CommitId) -> Result<UndoReport> {
        check_reason(request.reason.as_deref())?;
        if request.id.is_some()
            && let Some(receipt) = self.committer.log().receipt(ctx.scope(), id).await?
        {
            let receipt = Some(Receipt { replayed: true, ..receipt });
            return Ok(UndoReport { receipt, changed_since: Vec::new(), edits: Vec::new(), effects: Vec::new() });
        }
        let now = self.schemas.current(ctx.scope().space).await?;
        let mut report =
            UndoReport { receipt: None, changed_since: Vec::new(), edits: Vec::new(), effects: Vec::new() };
        let mut commits = Vec::new();
        for entry in self.entries_of(ctx, request.commit).await?.iter().rev() {
            let inverse = self.invert(ctx, request, entry, &now).await?;
            report.changed_since.extend_from_slice(&inverse.changed_since);
            let edits = inverse.into_edits();
            for part in edits.chunks(COMMIT_CHANGES_MAX) {
                let Decision { changes, preconditions, .. } = decide(&now, part)?;
                let audit =
                    AuditRecord { undoes: Some(request.commit), ..AuditRecord::new("kernel.undo", ctx.request_id()) };
                let draft =
                    self.draft(ctx, (chunk_id(id, commits.len()), now.version), ("", request.reason.as_deref()));
                commits.push(Commit { preconditions, changes, audit, ..draft });
            }
            report.edits.extend(edits);
        }
        if request.on_conflict == OnConflict::Refuse
            && !request.dry_run
            && let Some(first) = report.changed_since.first()
        {
            return Err(conflict(first, report.changed_since.len()));
        }
        self.take_back(ctx, request, &now, (commits, &mut report)).await?;
        Ok(report)
    }

    /// Judges the commits of an undo, and makes them unless it is a dry run.
    async fn take_back(
        &self,
        ctx: &Context,
        request: &Undo,
        now: &Schema,
        (commits, report): (Vec<Commit>, &mut UndoReport),
    ) -> Result<()> {
        // One commit is judged whole before it is made. Several, of a long load, are judged as they are made, all or none.
        if let [commit] = commits.as_slice() {
            let effects = self.committer.log().rehearse(commit.clone()).await?;
            report.effects = named(now, &effects);
            let reached = reached(&report.effects, &report.edits);
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
        let receipts = self.committer.commit_all(admitted).await.map_err(|(_, error)| error.without_path())?;
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
            let page = log.entries(ctx.scope(), Seq(receipt.seq.0.saturating_sub(1)), 1).await?;
            entries.extend(page.entries.into_iter().filter(|entry| entry.seq == receipt.seq));
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
            let Some((step, edit, changed)) = invert_object(undoing, (then, now), &key, &row)? else { continue };
            for property in changed {
                let subject = HistorySubject::Object(Arc::clone(now), key.clone());
                let by = self.changed_by(ctx, at, subject, property).await?;
                let property = property.map(|property| property.api_name.to_string());
                let r#type = now.api_name.to_string();
                inverse.changed_since.push(ChangedSince { r#type, key: key.clone(), target: None, property, by });
            }
            if let Some(edit) = edit {
                inverse.push(step, edit);
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
            let Some((step, edit, changed)) = invert_link(undoing, (then, now), &ends, &row)? else { continue };
            if changed {
                let subject = HistorySubject::Link(Arc::clone(now), ends.source.clone(), ends.target.clone());
                let by = self.changed_by(ctx, at, subject, None).await?;
                inverse.changed_since.push(ChangedSince { by, ..gone(&now.api_name, ends.source, Some(ends.target)) });
            }
            if let Some(edit) = edit {
                inverse.push(step, edit);
            }
        }
        Ok(())
    }

    /// Who changed a row, or one property of it, last.
    async fn changed_by(
        &self,
        ctx: &Context,
        since: Seq,
        subject: HistorySubject,
        property: Option<&Property>,
    ) -> Result<Option<ChangedBy>> {
        let plan = HistoryPlan { subject, after: since, limit: VERSIONS_READ_MAX };
        let versions = self.store.history(ctx.scope(), &plan).await?.value;
        let value = |properties: &Option<Properties>| {
            property
                .map(|property| properties.as_ref().and_then(|values| values.get(property.api_name.as_str()).cloned()))
        };
        let mut last = None;
        for (index, version) in versions.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|index| versions.get(index));
            let same = before
                .is_some_and(|before| property.is_some() && value(&before.properties) == value(&version.properties));
            last = if same { last } else { Some(version) };
        }
        Ok(last.map(|version| ChangedBy {
            seq: version.revision,
            commit: version.commit,
            actor: version.actor.clone(),
            at: version.at,
        }))
    }
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

type InvertedObject<'p> = (Step, Option<Edit>, Vec<Option<&'p Property>>);

/// The edit that brings an object back to what it was, and the properties changed since: `None` for the object as a whole.
fn invert_object<'p>(
    undoing: &Undoing<'_>,
    (then, now): (&ObjectType, &'p ObjectType),
    key: &Key,
    row: &Row<'_>,
) -> Result<Option<InvertedObject<'p>>> {
    let object_type = now.api_name.to_string();
    let expect = row.current.map(|(_, revision)| Expect::At(revision));
    let settable = |values: &Properties, wanted: &dyn Fn(&Property) -> bool| -> NewProperties {
        let properties = now.properties.iter().filter(|property| property.derived.is_none() && wanted(property));
        let values = properties.map(|property| {
            let old = then.properties.iter().position(|old| old.id == property.id);
            let base = old.and_then(|old| then.properties.get(old)).map(|old| &old.data_type.base);
            let value = old.and_then(|old| values.values().get(old)).unwrap_or(&Value::Null);
            (property.api_name.to_string(), base.map_or_else(|| value.to_json(), |base| value.to_json_as(base)))
        });
        values.collect::<serde_json::Map<_, _>>().into()
    };
    let keep = undoing.on_conflict == OnConflict::Skip;
    match (row.before, row.after, row.current) {
        // Nothing is left of it.
        (None, None, _) | (None, Some(_), None) => Ok(None),
        // Created by it: it goes.
        (None, Some(after), Some((current, _))) => {
            let changed = differing(then, now, after, current);
            let touched: Vec<_> = changed.into_iter().map(Some).collect();
            let edit = Edit::Delete { object_type, key: key.clone(), expect };
            let edit = (touched.is_empty() || !keep).then_some(edit);
            Ok(Some((Step::DeleteObjects, edit, touched)))
        }
        // Deleted by it: it comes back.
        (Some(before), None, None) => {
            let edit = Edit::Create { object_type, properties: settable(before, &|_| true) };
            Ok(Some((Step::CreateObjects, Some(edit), Vec::new())))
        }
        (Some(before), None, Some(_)) => {
            let edit = Edit::Modify {
                object_type,
                key: key.clone(),
                properties: settable(before, &|property| !is_key(now, property)),
                expect,
            };
            Ok(Some((Step::ModifyObjects, (!keep).then_some(edit), vec![None])))
        }
        // Changed by it: what it changed is as before.
        (Some(before), Some(_), None) => {
            let edit = Edit::Create { object_type, properties: settable(before, &|_| true) };
            Ok(Some((Step::CreateObjects, (!keep).then_some(edit), vec![None])))
        }
        (Some(before), Some(after), Some((current, _))) => {
            let undone: Vec<&Property> = differing(then, then, before, after);
            let since = differing(then, now, after, current);
            let is_undone = |property: &Property| undone.iter().any(|undone| undone.id == property.id);
            let changed: Vec<&Property> = since.into_iter().filter(|property| is_undone(property)).collect();
            let skipped = |property: &Property| keep && changed.iter().any(|changed| changed.id == property.id);
            let properties = settable(before, &|property| is_undone(property) && !skipped(property));
            let edit = Edit::Modify { object_type, key: key.clone(), properties, expect };
            let edit = match &edit {
                Edit::Modify { properties, .. } if properties.is_empty() => None,
                _ => Some(edit),
            };
            Ok(Some((Step::ModifyObjects, edit, changed.into_iter().map(Some).collect())))
        }
    }
}

fn is_key(object_type: &ObjectType, property: &Property) -> bool {
    object_type.properties.get(object_type.primary_key).is_some_and(|key| key.id == property.id)
}

/// The properties of the later type whose values differ, derived ones left aside.
fn differing<'p>(then: &ObjectType, now: &'p ObjectType, a: &Properties, b: &Properties) -> Vec<&'p Property> {
    differing_properties((&then.properties, a), (&now.properties, b))
}

fn differing_properties<'p>(
    (then, a): (&[Property], &Properties),
    (now, b): (&'p [Property], &Properties),
) -> Vec<&'p Property> {
    let old: HashMap<_, _> = then.iter().zip(a.values()).map(|(property, value)| (property.id, value)).collect();
    let pairs = now.iter().zip(b.values()).filter(|(property, _)| property.derived.is_none());
    let differs = |(property, value): &(&Property, &Value)| old.get(&property.id).is_some_and(|old| old != value);
    pairs.filter(differs).map(|(property, _)| property).collect()
}

/// The edit that brings a link back to what it was, and whether it was changed since.
fn invert_link(
    undoing: &Undoing<'_>,
    (then, now): (&LinkType, &LinkType),
    ends: &LinkEnds,
    row: &Row<'_>,
) -> Result<Option<(Step, Option<Edit>, bool)>> {
    let keep = undoing.on_conflict == OnConflict::Skip;
    let link_type = now.api_name.to_string();
    let expect = Some(row.current.map_or(Expect::Absent, |(_, revision)| Expect::At(revision)));
    let LinkEnds { source, target } = ends.clone();
    let changed = match (row.after, row.current) {
        (None, None) => false,
        (Some(after), Some((current, _))) => {
            !differing_properties((&then.properties, after), (&now.properties, current)).is_empty()
        }
        (None, Some(_)) | (Some(_), None) => true,
    };
    Ok(match (row.before, row.current) {
        (None, None) => None,
        (None, Some(_)) => {
            let edit = Edit::Unlink { link_type, source, target, expect };
            Some((Step::Unlink, (!changed || !keep).then_some(edit), changed))
        }
        (Some(before), _) => {
            let values = then.properties.iter().zip(before.values());
            let values = values.filter_map(|(old, value)| {
                let property = now.properties.iter().find(|property| property.id == old.id)?;
                Some((property.api_name.to_string(), value.to_json_as(&old.data_type.base)))
            });
            let properties = values.collect::<serde_json::Map<_, _>>().into();
            let edit = Edit::Link { link_type, source, target, properties, expect };
            Some((Step::Link, (!changed || !keep).then_some(edit), changed))
        }
    })
}

/// What an undo reaches beyond its own edits, by the on-delete rules of what others made since.
fn reached(effects: &[NamedEffect], edits: &[Edit]) -> Vec<ChangedSince> {
    let objects: BTreeSet<(&str, String)> = edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Create { .. } | Edit::Upsert { .. } | Edit::Link { .. } | Edit::Unlink { .. } => None,
            Edit::Modify { object_type, key, .. } | Edit::Delete { object_type, key, .. } => {
                Some((object_type.as_str(), key.to_string()))
            }
        })
        .collect();
    let links: BTreeSet<(&str, &Key, &Key)> = edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Link { link_type, source, target, .. } | Edit::Unlink { link_type, source, target, .. } => {
                Some((link_type.as_str(), source, target))
            }
            _ => None,
        })
        .collect();
    let beyond = |effect: &&NamedEffect| match effect {
        NamedEffect::Object { change: crate::EffectKind::Created, .. } => false,
        NamedEffect::Object { object_type, key, .. } => !objects.contains(&(object_type.as_str(), key.to_string())),
        NamedEffect::Link { link_type, source, target, .. } => !links.contains(&(link_type.as_str(), source, target)),
    };
    let since = |effect: &NamedEffect| match effect {
        NamedEffect::Object { object_type, key, .. } => {
            ChangedSince { r#type: object_type.clone(), key: key.clone(), target: None, property: None, by: None }
        }
        NamedEffect::Link { link_type, source, target, .. } => ChangedSince {
            r#type: link_type.clone(),
            key: source.clone(),
            target: Some(target.clone()),
            property: None,
            by: None,
        },
    };
    effects.iter().filter(beyond).map(since).collect()
}
