//! One subscription: the whole set as of one commit, then the log from there, then what the hub tells.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;

use super::Feed;
use super::hub::Attached;
use super::membership::LiveSet;
use super::rows::Commits;
use super::slot::Item;
use super::subscribe::{
    InitialPage, LIVE_MEMBERS_MAX, LeftObject, SUBSCRIPTION_BUFFER_DEFAULT, SUBSCRIPTION_BUFFER_MAX, SetDelta,
    SetEvent, SetEvents, Subscribe,
};
use super::wait::{closed, first};
use super::window::{ENTRIES_FIRST, Net};
use crate::access::{Access, Compiled};
use crate::kernel::plan::{Position, QueryPlan};
use crate::kernel::{Budget, Object, PAGE_SIZE_MAX};
use crate::ontology::Schema;
use crate::{ApiName, Context, Env, Error, Key, Result, Scope, Seq};

/// How many effects of the log a subscription takes in at a time while it catches up, but for a commit that has more by itself.
const REPLAY_EFFECTS_MAX: usize = 1_024;

/// The members of a set that depends on links, with the revision each was told at.
type Members = BTreeMap<(ApiName, Key), Seq>;

/// One subscription.
#[derive(Debug)]
pub(in crate::kernel) struct Live {
    /// Not held while it waits, so that the kernel can be shut down.
    feed: Weak<Feed>,
    env: Env,
    scope: Scope,
    /// What the subscriber may see; `None` for everything.
    access: Option<Arc<Access>>,
    request: Subscribe,
    buffer: usize,
    /// Bounds the reading of the whole set.
    deadline: Option<Duration>,
    set: Arc<LiveSet>,
    members: Members,
    phase: Phase,
    /// What is to be told next, before the phase goes on. The front is taken away only once it is told.
    pending: VecDeque<Item>,
}

#[derive(Debug)]
enum Phase {
    /// Telling the set as of a commit, after a position.
    Initial { at: Seq, after: Option<Position>, is_first: bool },
    /// Reading the members as of the commit to go on from.
    Resuming(Seq),
    /// Reading the log after a commit; once a place at the hub is taken, up to where that begins.
    Replaying { after: Seq, attached: Option<Attached> },
    /// Listening to the hub.
    Listening(Attached),
    /// Nothing follows.
    Ended,
}

/// What the subscription comes to next.
enum Step {
    Tell(SetEvent),
    GoOn,
}

impl Feed {
    /// Starts a subscription.
    ///
    /// # Errors
    /// What resolving the set answers; `feed.from.future`, `feed.buffer`, `kernel.at_least.behind`.
    pub(in crate::kernel) async fn subscribe(
        self: &Arc<Self>,
        env: Env,
        ctx: &Context,
        request: Subscribe,
    ) -> Result<Live> {
        let (scope, deadline, least) = (ctx.scope(), ctx.deadline(), ctx.least_seq());
        let buffer = match request.buffer.unwrap_or(SUBSCRIPTION_BUFFER_DEFAULT) {
            buffer if (1..=SUBSCRIPTION_BUFFER_MAX).contains(&buffer) => buffer as usize,
            buffer => {
                return Err(Error::invalid("feed.buffer", "a buffer has room for 1 to 100,000 changes")
                    .with("buffer", buffer)
                    .with("buffer_max", SUBSCRIPTION_BUFFER_MAX)
                    .at("buffer"));
            }
        };
        let head = self.log.head().await?;
        if let Some(least) = least.filter(|least| *least > head) {
            return Err(Error::unavailable("kernel.at_least.behind", "the commit asked for has not arrived here")
                .with("at_least", least)
                .with("seq", head));
        }
        let at = request.from.unwrap_or(head);
        if at > head {
            return Err(Error::invalid("feed.from.future", "there is no such commit yet")
                .with("from", at)
                .with("head", head)
                .at("from"));
        }
        let schema = self.schemas.at(scope.space, at).await?;
        let access = ctx.access().cloned();
        let rights = self.rights(scope, access.as_ref(), &schema).await?;
        let set = Arc::new(LiveSet::resolve(&schema, rights, &request)?);
        let phase = match request.from {
            None => Phase::Initial { at, after: None, is_first: true },
            Some(from) if set.is_linked() => Phase::Resuming(from),
            Some(from) => Phase::Replaying { after: from, attached: None },
        };
        let deadline = deadline.filter(|_| request.from.is_none());
        let (feed, members, pending) = (Arc::downgrade(self), Members::new(), VecDeque::new());
        Ok(Live { feed, env, scope, access, request, buffer, deadline, set, members, phase, pending })
    }

    /// What may be seen under a schema; `None` for everything.
    async fn rights(
        &self,
        scope: Scope,
        access: Option<&Arc<Access>>,
        schema: &Arc<Schema>,
    ) -> Result<Option<Arc<Compiled>>> {
        let Some(access) = access else { return Ok(None) };
        access.among(&*self.schemas, scope.space, schema).await.map(Some)
    }
}

#[async_trait]
impl SetEvents for Live {
    async fn next(&mut self) -> Option<Result<SetEvent>> {
        loop {
            if self.pending.is_empty() && matches!(self.phase, Phase::Ended) {
                return None;
            }
            match self.step().await {
                Ok(Step::Tell(event)) => return Some(Ok(event)),
                Ok(Step::GoOn) => {}
                Err(error) => {
                    self.pending.clear();
                    self.phase = Phase::Ended;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Live {
    fn feed(&self) -> Result<Arc<Feed>> {
        self.feed.upgrade().ok_or_else(closed)
    }

    /// Comes one step further. When the future is dropped, nothing has happened.
    async fn step(&mut self) -> Result<Step> {
        if let Some(access) = &self.access {
            access.check(self.env.now())?;
        }
        match self.pending.front() {
            None => {}
            Some(Item::Touched(seq)) => return self.tell_difference(*seq).await,
            Some(Item::Published(seq)) => return self.renew(*seq).await,
            Some(Item::Delta(_) | Item::Lagging(_) | Item::Failed(_)) => {
                return match self.pending.pop_front() {
                    Some(Item::Delta(delta)) => Ok(Step::Tell(SetEvent::Delta(delta))),
                    Some(Item::Lagging(resume_from)) => {
                        self.phase = Phase::Ended;
                        Ok(Step::Tell(SetEvent::Lagging { resume_from }))
                    }
                    Some(Item::Failed(error)) => Err(error),
                    _ => Ok(Step::GoOn),
                };
            }
        }
        match &self.phase {
            Phase::Initial { .. } => self.tell_page().await,
            Phase::Resuming(from) => {
                let from = *from;
                self.members =
                    self.read_members(from).await?.into_iter().map(|(member, of)| (member, of.revision)).collect();
                self.phase = Phase::Replaying { after: from, attached: None };
                Ok(Step::GoOn)
            }
            Phase::Replaying { .. } => self.replay().await,
            Phase::Listening(attached) => {
                let item = match &self.access {
                    None => Some(attached.slot.take().await),
                    Some(access) => {
                        let mut taken = None;
                        first(async { taken = Some(attached.slot.take().await) }, access.revoked()).await;
                        taken
                    }
                };
                // Nothing was taken where the rights were: the next step says so.
                self.pending.extend(item);
                Ok(Step::GoOn)
            }
            Phase::Ended => Ok(Step::GoOn),
        }
    }

    async fn tell_page(&mut self) -> Result<Step> {
        let Phase::Initial { at, after, is_first } = &self.phase else { return Ok(Step::GoOn) };
        let (at, first) = (*at, *is_first);
        let left = self.deadline.map(|deadline| deadline.saturating_sub(self.env.monotonic()).as_millis());
        let ms = left.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX));
        let budget = Budget { ms, ..Budget::default() };
        let plan = QueryPlan { after: after.clone(), at: Some(at), budget, ..self.set.plan.clone() };
        let rows = self.feed()?.store.query(self.scope, &plan).await?.value;
        let objects: Vec<Object> = rows.objects.into_iter().map(|object| self.set.typed(object)).collect();
        if self.set.is_linked() {
            if first {
                self.members.clear();
            }
            check_members(self.members.len() + objects.len())?;
            self.members.extend(objects.iter().map(|of| ((of.object_type.clone(), of.key.clone()), of.revision)));
        }
        let more = rows.next.is_some();
        self.phase = if more {
            Phase::Initial { at, after: rows.next, is_first: false }
        } else {
            // Only the set as it was asked for is read within the deadline.
            self.deadline = None;
            Phase::Replaying { after: at, attached: None }
        };
        let version = self.set.schema.version;
        Ok(Step::Tell(SetEvent::Initial(InitialPage { seq: at, version, first, more, objects })))
    }

    /// Takes in a window of the log, and listens to the hub when it was the last.
    async fn replay(&mut self) -> Result<Step> {
        let Phase::Replaying { after, attached } = &self.phase else { return Ok(Step::GoOn) };
        let (after, begins) = (*after, attached.as_ref().map(|attached| attached.position));
        let feed = self.feed()?;
        if begins.is_some_and(|begins| after >= begins) {
            return Ok(self.listen());
        }
        let window = feed.window(self.scope, after, REPLAY_EFFECTS_MAX, ENTRIES_FIRST).await?;
        let until = begins.map_or(window.until, |begins| window.until.min(begins));
        let version = self.set.schema.version;
        let published = match begins {
            // The hub begins where this version is in force.
            Some(_) => None,
            None => feed.schemas.published(self.scope.space, version, until).await?.first().map(|of| of.seq),
        };
        let wanted = window.entries.iter().filter(|entry| entry.seq <= until);
        let wanted = wanted.take_while(|entry| published.is_none_or(|at| entry.seq < at));
        let nets: Vec<_> = wanted.map(|entry| (entry.seq, Net::of(entry))).collect();
        let mut items = self.judge(&feed, after, &nets).await?;
        items.extend(published.map(Item::Published));
        let is_at_end = published.is_none() && !window.has_more();
        if is_at_end && begins.is_none() {
            let attached = feed.attach(self.scope, &self.set, until, self.buffer)?;
            self.phase = Phase::Replaying { after: until, attached: Some(attached) };
        } else if let Phase::Replaying { after, .. } = &mut self.phase {
            *after = until;
        }
        self.pending.extend(items);
        Ok(Step::GoOn)
    }

    fn listen(&mut self) -> Step {
        if let Phase::Replaying { attached: Some(attached), .. } = std::mem::replace(&mut self.phase, Phase::Ended) {
            self.phase = Phase::Listening(attached);
        }
        Step::GoOn
    }

    /// What commits did to the set, under its version.
    async fn judge(&self, feed: &Feed, after: Seq, nets: &[(Seq, Net)]) -> Result<VecDeque<Item>> {
        if self.set.is_linked() {
            let touched = nets.iter().filter(|(_, net)| self.set.is_touched(net));
            return Ok(touched.map(|(seq, _)| Item::Touched(*seq)).collect());
        }
        let base = nets.first().map_or(after, |(seq, _)| Seq(seq.0.saturating_sub(1)));
        let commits = Commits { schema: &self.set.schema, base, nets };
        let rows = feed.rows(self.scope, commits, |of| self.set.reads(of), None).await?;
        let mut items = VecDeque::new();
        for ((seq, _), rows) in nets.iter().zip(rows) {
            let mut delta = SetDelta { seq: *seq, ..SetDelta::default() };
            for change in &rows {
                self.set.judge(change, &mut delta)?;
            }
            if !delta.is_empty() {
                items.push_back(Item::Delta(delta));
            }
        }
        Ok(items)
    }

    /// Resolves the set under the version a commit published. Where that leaves the set as it was told, the log is read on; else the
    /// set is told anew.
    async fn renew(&mut self, seq: Seq) -> Result<Step> {
        let feed = self.feed()?;
        let schema = feed.schemas.at(self.scope.space, seq).await?;
        let rights = feed.rights(self.scope, self.access.as_ref(), &schema).await?;
        let set =
            Arc::new(LiveSet::resolve(&schema, rights, &self.request).map_err(|e| e.with("version", schema.version))?);
        self.phase = if self.set.outlives(&set) {
            Phase::Replaying { after: seq, attached: None }
        } else {
            Phase::Initial { at: seq, after: None, is_first: true }
        };
        self.set = set;
        self.pending.pop_front();
        Ok(Step::GoOn)
    }

    /// Tells how the members right after a commit differ from those told.
    async fn tell_difference(&mut self, seq: Seq) -> Result<Step> {
        let mut now = self.read_members(seq).await?;
        let mut delta = SetDelta { seq, ..SetDelta::default() };
        let mut members = Members::new();
        for (member, revision) in &self.members {
            if !now.contains_key(member) {
                let (object_type, key) = member.clone();
                delta.left.push(LeftObject { object_type, key });
            } else if now.get(member).is_some_and(|object| object.revision == *revision) {
                now.remove(member);
                members.insert(member.clone(), *revision);
            }
        }
        for (member, object) in now {
            let told = if self.members.contains_key(&member) { &mut delta.changed } else { &mut delta.entered };
            members.insert(member, object.revision);
            told.push(object);
        }
        self.members = members;
        self.pending.pop_front();
        Ok(if delta.is_empty() { Step::GoOn } else { Step::Tell(SetEvent::Delta(delta)) })
    }

    /// The members right after a commit.
    async fn read_members(&self, at: Seq) -> Result<HashMap<(ApiName, Key), Object>> {
        let mut plan = QueryPlan { at: Some(at), limit: PAGE_SIZE_MAX, ..self.set.plan.clone() };
        let mut members = HashMap::new();
        loop {
            let rows = self.feed()?.store.query(self.scope, &plan).await?.value;
            check_members(members.len() + rows.objects.len())?;
            members.extend(rows.objects.into_iter().map(|object| {
                let object = self.set.typed(object);
                ((object.object_type.clone(), object.key.clone()), object)
            }));
            plan.after = rows.next;
            if plan.after.is_none() {
                return Ok(members);
            }
        }
    }
}

fn check_members(count: usize) -> Result<()> {
    if count <= LIVE_MEMBERS_MAX {
        return Ok(());
    }
    Err(Error::new(
        crate::ErrorKind::Precondition,
        "feed.set.too_large",
        "a live set that depends on links has too many members",
    )
    .with("members_max", LIVE_MEMBERS_MAX))
}
