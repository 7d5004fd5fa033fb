//! A directory as it is at one commit, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::row::{
    ApiKeyRow, AssignmentRow, MembershipRow, PolicyPartRow, RevocationRow, Row, SessionRow, SigningKeyRow,
};
use super::{Assignment, Group, GroupMember, User, UserKind, absent, scope_of};
use crate::access::{Held, Policy, Subject};
use crate::kernel::Object;
use crate::{Actor, ApiName, Error, Key, Result, Seq, Timestamp};

/// What is kept in memory of a directory. What only proves who someone is stays in the store.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: HashMap<String, User>,
    pub(super) user_names: BTreeMap<String, String>,
    emails: HashMap<String, String>,
    pub(super) groups: HashMap<String, Group>,
    pub(super) group_names: BTreeMap<String, String>,
    /// The groups a user or group is in, by their ids, which are all different.
    parents: HashMap<String, BTreeSet<String>>,
    members: HashMap<String, BTreeSet<GroupMember>>,
    pub(super) assignments: HashMap<String, Assignment>,
    /// What a user or group holds itself.
    held: HashMap<String, BTreeSet<String>>,
    parts: BTreeMap<String, String>,
    pub(super) policy: Arc<Policy>,
    pub(super) policy_revision: Seq,
    is_policy_stale: bool,
    pub(super) sessions: HashMap<String, SessionRow>,
    sessions_of: HashMap<String, BTreeSet<String>>,
    pub(super) api_keys: HashMap<String, ApiKeyRow>,
    api_keys_of: HashMap<String, BTreeSet<String>>,
    revocations: Revocations,
    pub(super) signing_keys: BTreeMap<String, SigningKeyRow>,
}

/// The commits that made void what was issued before.
#[derive(Debug, Default)]
struct Revocations {
    everyone: Option<Seq>,
    users: HashMap<String, Seq>,
    clients: HashMap<String, Seq>,
}

/// Whose rights a change may have changed.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Everyone's.
    pub(super) everyone: bool,
    /// Those of these users, and of whoever is in these groups.
    pub(super) holders: HashSet<String>,
}

/// A change that is not made: what would be in place of what is.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    pub(super) policy: Option<Arc<Policy>>,
    pub(super) assigned: Vec<Assignment>,
    pub(super) unassigned: HashSet<String>,
}

/// The types of objects that are kept here.
pub(super) const TYPES: [&str; 9] = [
    User::TYPE,
    Group::TYPE,
    MembershipRow::TYPE,
    AssignmentRow::TYPE,
    PolicyPartRow::TYPE,
    SessionRow::TYPE,
    ApiKeyRow::TYPE,
    RevocationRow::TYPE,
    SigningKeyRow::TYPE,
];

impl State {
    /// Takes an object as it is now, or that it is gone.
    ///
    /// # Errors
    /// `user.row`.
    pub(super) fn apply(
        &mut self,
        object_type: &str,
        key: &Key,
        now: Option<&Object>,
        touched: &mut Touched,
    ) -> Result<()> {
        let Key::String(id) = key else { return Ok(()) };
        match object_type {
            User::TYPE => {
                if let Some(old) = self.users.remove(&**id) {
                    self.user_names.remove(&old.name);
                    old.email.map(|email| self.emails.remove(&email));
                }
                if let Some(user) = now.map(User::read).transpose()? {
                    self.user_names.insert(user.name.clone(), user.id.clone());
                    user.email.clone().map(|email| self.emails.insert(email, user.id.clone()));
                    self.users.insert(user.id.clone(), user);
                }
                touched.holders.insert(id.to_string());
            }
            Group::TYPE => {
                if let Some(old) = self.groups.remove(&**id) {
                    self.group_names.remove(&old.name);
                }
                if let Some(group) = now.map(Group::read).transpose()? {
                    self.group_names.insert(group.name.clone(), group.id.clone());
                    self.groups.insert(group.id.clone(), group);
                }
                touched.holders.insert(id.to_string());
            }
            AssignmentRow::TYPE => {
                if let Some(old) = self.assignments.remove(&**id) {
                    remove(&mut self.held, old.holder.id(), id.as_ref());
                    touched.holders.insert(old.holder.id().into());
                }
                if let Some(assignment) = now.map(|object| AssignmentRow::read(object)?.assignment()).transpose()? {
                    let holder = assignment.holder.id();
                    self.held.entry(holder.into()).or_default().insert(assignment.id.clone());
                    touched.holders.insert(holder.into());
                    self.assignments.insert(assignment.id.clone(), assignment);
                }
            }
            MembershipRow::TYPE => self.apply_membership(id, now, touched)?,
            _ => self.apply_other(object_type, id, now, touched)?,
        }
        Ok(())
    }

    fn apply_other(&mut self, object_type: &str, id: &str, now: Option<&Object>, touched: &mut Touched) -> Result<()> {
        match object_type {
            PolicyPartRow::TYPE => {
                self.parts.remove(id);
                if let Some(object) = now {
                    let part = PolicyPartRow::read(object)?;
                    self.parts.insert(part.id, part.text);
                    self.policy_revision = self.policy_revision.max(object.revision);
                }
                (self.is_policy_stale, touched.everyone) = (true, true);
            }
            SessionRow::TYPE => {
                if let Some(old) = self.sessions.remove(id) {
                    remove(&mut self.sessions_of, &old.user, id);
                    // What was begun with it ends; whoever has another asks again.
                    touched.holders.extend(now.is_none().then_some(old.user));
                }
                if let Some(session) = now.map(SessionRow::read).transpose()? {
                    self.sessions_of.entry(session.user.clone()).or_default().insert(session.id.clone());
                    self.sessions.insert(session.id.clone(), session);
                }
            }
            ApiKeyRow::TYPE => {
                if let Some(old) = self.api_keys.remove(id) {
                    remove(&mut self.api_keys_of, &old.user, id);
                    touched.holders.extend(now.is_none().then_some(old.user));
                }
                if let Some(key) = now.map(ApiKeyRow::read).transpose()? {
                    self.api_keys_of.entry(key.user.clone()).or_default().insert(key.id.clone());
                    self.api_keys.insert(key.id.clone(), key);
                }
            }
            RevocationRow::TYPE => {
                if let Some(object) = now {
                    let at = object.revision;
                    match id.split_once(':') {
                        Some(("user", user)) => {
                            touched.holders.insert(user.into());
                            self.revocations.users.insert(user.into(), at);
                        }
                        Some((_, client)) => {
                            touched.everyone = true;
                            self.revocations.clients.insert(client.into(), at);
                        }
                        None => (touched.everyone, self.revocations.everyone) = (true, Some(at)),
                    }
                }
            }
            SigningKeyRow::TYPE => {
                self.signing_keys.remove(id);
                if let Some(key) = now.map(SigningKeyRow::read).transpose()? {
                    self.signing_keys.insert(key.id.clone(), key);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn apply_membership(&mut self, id: &str, now: Option<&Object>, touched: &mut Touched) -> Result<()> {
        if let Some((member, group)) = id.split_once('/') {
            remove(&mut self.parents, member, group);
            if let Some(members) = self.members.get_mut(group) {
                members.retain(|of| of.id() != member);
            }
            touched.holders.insert(member.into());
        }
        if let Some(row) = now.map(MembershipRow::read).transpose()?
            && let Some(member) = row.member()
        {
            self.parents.entry(member.id().into()).or_default().insert(row.group.clone());
            self.members.entry(row.group).or_default().insert(member);
        }
        Ok(())
    }

    /// Puts the parts of the policy together, where one has changed. A policy that cannot be read permits nothing.
    pub(super) fn settle(&mut self) {
        if !std::mem::take(&mut self.is_policy_stale) {
            return;
        }
        let text: String = self.parts.values().map(String::as_str).collect();
        let read = if text.is_empty() { Ok(Policy::default()) } else { serde_json::from_str(&text) };
        self.policy = Arc::new(read.unwrap_or_else(|error| {
            tracing::error!(%error, "the policy of the directory cannot be read: nothing is permitted");
            Policy::default()
        }));
    }

    /// How many parts the policy is kept in.
    pub(super) fn policy_parts(&self) -> usize {
        self.parts.len()
    }

    /// A user by id, name or address.
    pub(super) fn user(&self, named: &str) -> Result<&User> {
        let lower = named.to_lowercase();
        let id = self.user_names.get(&lower).or_else(|| self.emails.get(&lower));
        self.users.get(id.map_or(named, String::as_str)).ok_or_else(|| absent("user", named))
    }

    /// A user by an address.
    pub(super) fn user_of_email(&self, email: &str) -> Option<&User> {
        self.emails.get(email).and_then(|id| self.users.get(id))
    }

    /// A group by id or name.
    pub(super) fn group(&self, named: &str) -> Result<&Group> {
        let id = self.group_names.get(&named.to_lowercase()).map_or(named, String::as_str);
        self.groups.get(id).ok_or_else(|| absent("group", named))
    }

    /// The id of a user or group that is named by either.
    pub(super) fn member(&self, member: &GroupMember) -> Result<GroupMember> {
        Ok(match member {
            GroupMember::User(named) => GroupMember::User(self.user(named)?.id.clone()),
            GroupMember::Group(named) => GroupMember::Group(self.group(named)?.id.clone()),
        })
    }

    /// Who is in a group itself, by id.
    pub(super) fn members(&self, group: &str) -> impl Iterator<Item = &GroupMember> {
        self.members.get(group).into_iter().flatten()
    }

    /// The groups a user or group is in itself, by id.
    pub(super) fn parents(&self, of: &str) -> impl Iterator<Item = &String> {
        self.parents.get(of).into_iter().flatten()
    }

    /// Every group a user or group is in, those reached through others included, by id, each once.
    pub(super) fn closure(&self, of: &str) -> Vec<&Group> {
        let (mut seen, mut groups, mut next) = (HashSet::new(), Vec::new(), vec![of]);
        while let Some(member) = next.pop() {
            for id in self.parents(member) {
                if let Some(group) = self.groups.get(id)
                    && seen.insert(&*group.id)
                {
                    groups.push(group);
                    next.push(&group.id);
                }
            }
        }
        groups
    }

    /// The longest way from a group up through those it is in, in groups; `None` for one that leads through `through`.
    pub(super) fn height<'s>(
        &'s self,
        of: &'s str,
        through: &str,
        known: &mut HashMap<&'s str, Option<usize>>,
    ) -> Option<usize> {
        if of == through {
            return None;
        }
        if let Some(known) = known.get(of) {
            return *known;
        }
        // Groups are at most as deep as is let be, so this is too.
        let mut height = Some(0);
        for parent in self.parents(of) {
            height = match (height, self.height(parent, through, known)) {
                (Some(height), Some(above)) => Some(height.max(above + 1)),
                _ => None,
            };
        }
        known.insert(of, height);
        height
    }

    /// The longest way from a group down through those in it, in groups.
    pub(super) fn depth<'s>(&'s self, of: &'s str, known: &mut HashMap<&'s str, usize>) -> usize {
        if let Some(known) = known.get(of) {
            return *known;
        }
        let mut depth = 0;
        for member in self.members.get(of).into_iter().flatten() {
            if let GroupMember::Group(child) = member {
                depth = depth.max(self.depth(child, known) + 1);
            }
        }
        known.insert(of, depth);
        depth
    }

    /// What a user or group holds itself.
    pub(super) fn held(&self, holder: &str) -> impl Iterator<Item = &Assignment> {
        self.held.get(holder).into_iter().flatten().filter_map(|id| self.assignments.get(id))
    }

    /// Whether what was issued to a client, for a user, at a commit was made void since.
    pub(super) fn is_revoked(&self, user: &str, client: &str, issued: Seq) -> bool {
        let Revocations { everyone, users, clients } = &self.revocations;
        everyone.as_ref().into_iter().chain(users.get(user)).chain(clients.get(client)).any(|at| *at > issued)
    }

    /// The sessions of a user.
    pub(super) fn sessions(&self, user: &str) -> impl Iterator<Item = &SessionRow> {
        self.sessions_of.get(user).into_iter().flatten().filter_map(|id| self.sessions.get(id))
    }

    /// The API keys of a user.
    pub(super) fn api_keys(&self, user: &str) -> impl Iterator<Item = &ApiKeyRow> {
        self.api_keys_of.get(user).into_iter().flatten().filter_map(|id| self.api_keys.get(id))
    }

    /// A user as policies see it, with only some of its roles where that is stated, and the ids of the groups it is in.
    ///
    /// # Errors
    /// `actor.malformed` for a name that is none.
    pub(super) fn subject(
        &self,
        user: &User,
        roles: Option<&[ApiName]>,
        (now, change): (Timestamp, &Overlay),
    ) -> Result<(Subject, HashSet<String>)> {
        let prefix = match user.kind {
            UserKind::Person => "user",
            UserKind::Service => "service",
        };
        let mut subject = Subject::new(Actor::parse(&format!("{prefix}:{}", user.name))?, user.id.as_str());
        let groups = self.closure(&user.id);
        let of = |holder: &'_ str| {
            let holder = holder.to_owned();
            let kept = self.held(&holder).filter(|assignment| !change.unassigned.contains(&assignment.id)).cloned();
            let added = change.assigned.iter().filter(|assignment| assignment.holder.id() == holder).cloned();
            kept.chain(added).collect::<Vec<_>>()
        };
        let own = of(&user.id).into_iter().map(|assignment| (assignment, None));
        let through = groups
            .iter()
            .flat_map(|group| of(&group.id).into_iter().map(|assignment| (assignment, Some(&*group.name))));
        for (assignment, via) in own.chain(through) {
            let Assignment { role, object_type, key, expires_at, .. } = assignment;
            if expires_at.is_some_and(|until| until <= now) || roles.is_some_and(|roles| !roles.contains(&role)) {
                continue;
            }
            let scope = scope_of(object_type.as_ref(), key.as_ref());
            subject.held.push(Held { role, scope, via: via.map(Into::into) });
            subject.until = match (subject.until, expires_at) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        subject.groups = groups.iter().map(|group| group.name.as_str().into()).collect();
        for attribute in &change.policy.as_ref().unwrap_or(&self.policy).attributes {
            if let Some(value) = user.attributes.get(attribute.name.as_str()) {
                subject.attributes.insert(attribute.name.clone(), value.clone());
            }
        }
        Ok((subject, groups.iter().map(|group| group.id.clone()).collect()))
    }

    /// The role of the policy by a name.
    ///
    /// # Errors
    /// `access.role.unknown`.
    pub(super) fn role(&self, name: &ApiName) -> Result<&crate::access::Role> {
        let unknown = || Error::invalid("access.role.unknown", "the policy has no such role").with("role", name);
        self.policy.role(name.as_str()).ok_or_else(unknown)
    }
}

fn remove(index: &mut HashMap<String, BTreeSet<String>>, of: &str, id: &str) {
    if let Some(ids) = index.get_mut(of) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(of);
        }
    }
}
