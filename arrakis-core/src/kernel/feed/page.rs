//! Pages of changes.

use std::collections::BTreeSet;
use std::time::Duration;

use super::changes::{
    CHANGES_LIMIT_DEFAULT, CHANGES_LIMIT_MAX, CHANGES_TYPES_MAX, CHANGES_WAIT_MAX_MS, ChangedLink, ChangedObject,
    Changes, ChangesSince, CommitChanges, Origin,
};
use super::rows::{Commits, RowChange};
use super::window::{ENTRIES_FIRST, Net, Stretch};
use super::{Feed, links, publication};
use crate::access::{Access, Compiled, PropertySet, Rows, TypeAccess, Verb};
use crate::commit::{AuditRecord, LogEntry};
use crate::ontology::{Backing, End, LinkType, Schema};
use crate::{Error, LinkTypeId, ObjectTypeId, Permission, Result, Scope, Seq};

/// Which changes are wanted; of all types when `None`.
#[derive(Debug, Default)]
struct Wanted {
    objects: Option<BTreeSet<ObjectTypeId>>,
    links: Option<BTreeSet<LinkTypeId>>,
    /// The types whose properties hold the links wanted.
    holders: BTreeSet<ObjectTypeId>,
}

impl Feed {
    /// A page of the changes after a commit; waits for one where there is none and the request says so, but not beyond `left`.
    ///
    /// # Errors
    /// `feed.after.future`, `feed.limit`, `feed.wait`, `feed.type.unknown`, `permission.denied` for types that may not be read whole, what the
    /// ports answer.
    pub(in crate::kernel) async fn changes(
        &self,
        scope: Scope,
        access: Option<&Access>,
        request: &ChangesSince,
        left: Option<Duration>,
    ) -> Result<Changes> {
        let limit = limit(request)?;
        let wait = wait(request)?;
        let filter = self.wanted(scope, access, request).await?;
        let head = self.log.head().await?;
        if request.after > head {
            return Err(Error::invalid("feed.after.future", "there is no such commit yet")
                .with("after", request.after)
                .with("head", head)
                .at("after"));
        }
        let page = self.page(scope, request.after, limit, &filter).await?;
        let is_at_end = page.commits.is_empty() && page.next >= page.seq;
        let Some(wait) = wait.filter(|_| is_at_end) else { return Ok(page) };
        let wait = left.map_or(wait, |left| wait.min(left));
        let later = tokio::time::timeout(wait, self.wait_for_page(scope, page.next, limit, &filter)).await;
        later.unwrap_or(Ok(page))
    }

    async fn wait_for_page(&self, scope: Scope, after: Seq, limit: usize, wanted: &Wanted) -> Result<Changes> {
        let mut after = after;
        loop {
            self.committed_after(after).await?;
            let page = self.page(scope, after, limit, wanted).await?;
            if !page.commits.is_empty() {
                return Ok(page);
            }
            after = page.next;
        }
    }

    async fn page(&self, scope: Scope, after: Seq, limit: usize, wanted: &Wanted) -> Result<Changes> {
        let window = self.window(scope, after, limit, ENTRIES_FIRST).await?;
        let (next, seq) = (window.until, window.head);
        let mut commits = Vec::with_capacity(window.entries.len());
        for stretch in self.stretches(scope, after, window).await? {
            self.commits(scope, stretch, wanted, &mut commits).await?;
        }
        Ok(Changes { commits, next, seq })
    }

    async fn commits(
        &self,
        scope: Scope,
        stretch: Stretch,
        wanted: &Wanted,
        commits: &mut Vec<CommitChanges>,
    ) -> Result<()> {
        let nets: Vec<_> = stretch.entries.iter().map(|entry| (entry.seq, Net::of(entry))).collect();
        let base = stretch.base();
        let (mut rows, mut joined) = (Vec::new(), Vec::new());
        if let Some(schema) = &stretch.schema {
            let of = Commits { schema, base, nets: &nets };
            rows = self.rows(scope, of, |of| wanted.reads(of), None).await?;
            joined = self.links(scope, of, |of| wanted.link(of)).await?;
        }
        let (mut rows, mut joined) = (rows.into_iter(), joined.into_iter());
        let mut published = stretch.published;
        if let Some((version, before)) =
            published.take_if(|(version, _)| stretch.entries.first().is_none_or(|entry| entry.seq != version.seq))
        {
            let told = stretch.schema.as_ref().map(|after| publication::published(before.as_deref(), after));
            commits.push(CommitChanges {
                seq: version.seq,
                at: version.at,
                origin: None,
                objects: Vec::new(),
                links: Vec::new(),
                published: told,
                events: Vec::new(),
            });
        }
        for entry in stretch.entries {
            let rows = rows.next().unwrap_or_default();
            let mut commit = whole(entry);
            commit.links = joined.next().unwrap_or_default();
            if let Some(schema) = &stretch.schema {
                if let Some((_, before)) = published.take() {
                    commit.published = Some(publication::published(before.as_deref(), schema));
                }
                wanted.add(schema, rows, &mut commit);
            }
            if wanted.is_all() || commit.has_changes() {
                commits.push(commit);
            }
        }
        Ok(())
    }

    /// What is asked for. Who does not see everything is told of the types there are now, of which it must see everything.
    async fn wanted(&self, scope: Scope, access: Option<&Access>, request: &ChangesSince) -> Result<Wanted> {
        if request.types.is_none() && access.is_none() {
            return Ok(Wanted::default());
        }
        let schema = self.schemas.refresh(scope.space).await?;
        let rights = access.map(|access| access.under(scope.space, &schema));
        let mut wanted =
            Wanted { objects: Some(BTreeSet::new()), links: Some(BTreeSet::new()), holders: BTreeSet::new() };
        let Some(names) = &request.types else {
            for object_type in &schema.object_types {
                wanted.add_objects(&schema, rights.as_deref(), &[object_type.id])?;
            }
            schema.link_types.iter().try_for_each(|of| wanted.add_links(&schema, rights.as_deref(), of))?;
            return Ok(wanted);
        };
        if names.len() > CHANGES_TYPES_MAX {
            return Err(Error::invalid("feed.types.too_many", "too many types are asked for")
                .with("types", names.len())
                .with("types_max", CHANGES_TYPES_MAX)
                .at("types"));
        }
        for (index, name) in names.iter().enumerate() {
            let added = if let Ok(object_type) = schema.object_type(name) {
                wanted.add_objects(&schema, rights.as_deref(), &[object_type.id])
            } else if let Ok(interface) = schema.interface(name) {
                wanted.add_objects(&schema, rights.as_deref(), &interface.implementers)
            } else if let Ok(link_type) = schema.link_type(name) {
                wanted.add_links(&schema, rights.as_deref(), link_type)
            } else {
                Err(Error::invalid("feed.type.unknown", "there is no such object type, interface or link type")
                    .with("type", name))
            };
            added.map_err(|e| e.at(format!("types[{index}]")))?;
        }
        Ok(wanted)
    }
}

/// Passes for a type every object and property of which may be read.
fn check_whole(schema: &Schema, rights: Option<&Compiled>, of: ObjectTypeId) -> Result<()> {
    let (Some(rights), Some(object_type)) = (rights, schema.object_type_by_id(of)) else { return Ok(()) };
    let TypeAccess { rows, properties, .. } = rights.of(object_type, Verb::Read);
    if matches!(rows, Rows::All) && *properties == PropertySet::All {
        return Ok(());
    }
    Err(Permission::ObjectRead
        .denied()
        .with("needed", "to read every object and property of the types whose changes are asked for")
        .with("object_type", &object_type.api_name))
}

impl Wanted {
    fn add_objects(&mut self, schema: &Schema, rights: Option<&Compiled>, types: &[ObjectTypeId]) -> Result<()> {
        types.iter().try_for_each(|of| check_whole(schema, rights, *of))?;
        self.objects.get_or_insert_default().extend(types);
        Ok(())
    }

    fn add_links(&mut self, schema: &Schema, rights: Option<&Compiled>, link_type: &LinkType) -> Result<()> {
        for end in [End::Source, End::Target] {
            check_whole(schema, rights, link_type.side(end).object_type)?;
        }
        self.links.get_or_insert_default().insert(link_type.id);
        if let Backing::ForeignKey { holder, .. } = link_type.backing {
            self.holders.insert(link_type.side(holder).object_type);
        }
        Ok(())
    }

    const fn is_all(&self) -> bool {
        self.objects.is_none()
    }

    fn object(&self, of: ObjectTypeId) -> bool {
        self.objects.as_ref().is_none_or(|objects| objects.contains(&of))
    }

    fn link(&self, of: LinkTypeId) -> bool {
        self.links.as_ref().is_none_or(|links| links.contains(&of))
    }

    fn reads(&self, of: ObjectTypeId) -> bool {
        self.object(of) || self.holders.contains(&of)
    }

    fn add(&self, schema: &Schema, rows: Vec<RowChange>, commit: &mut CommitChanges) {
        for row in rows {
            let mut held: Vec<ChangedLink> = Vec::new();
            links::held(schema, &row, |of| self.link(of), &mut held);
            commit.links.append(&mut held);
            if self.object(row.object_type.id) {
                commit.objects.push(ChangedObject {
                    object_type: row.object_type.api_name.clone(),
                    key: row.key,
                    kind: row.kind,
                    before: row.before.map(|before| before.properties.clone()),
                    after: row.after.map(|after| (*after).clone()),
                });
            }
        }
    }
}

impl CommitChanges {
    fn has_changes(&self) -> bool {
        !self.objects.is_empty() || !self.links.is_empty() || self.published.is_some()
    }
}

/// A commit without its changes.
fn whole(entry: LogEntry) -> CommitChanges {
    let LogEntry { seq, commit, tenant: _, actor, at, reason, effects: _, audit, events } = entry;
    let audit = AuditRecord { request: None, answer: None, ..audit };
    let origin = Some(Origin { commit, actor, reason, audit });
    CommitChanges { seq, at, origin, objects: Vec::new(), links: Vec::new(), published: None, events }
}

fn limit(request: &ChangesSince) -> Result<usize> {
    match request.limit.unwrap_or(CHANGES_LIMIT_DEFAULT) {
        limit if (1..=CHANGES_LIMIT_MAX).contains(&limit) => Ok(limit as usize),
        limit => Err(Error::invalid("feed.limit", "a page has 1 to 10,000 changes")
            .with("limit", limit)
            .with("limit_max", CHANGES_LIMIT_MAX)
            .at("limit")),
    }
}

fn wait(request: &ChangesSince) -> Result<Option<Duration>> {
    match request.wait_ms {
        Some(wait) if wait > CHANGES_WAIT_MAX_MS => Err(Error::invalid("feed.wait", "the wait is too long")
            .with("wait_ms", wait)
            .with("wait_max_ms", CHANGES_WAIT_MAX_MS)
            .at("wait_ms")),
        wait => Ok(wait.map(Duration::from_millis)),
    }
}
