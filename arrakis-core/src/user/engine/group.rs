//! Groups.

use std::collections::HashMap;

use async_trait::async_trait;

use super::once::Method;
use super::user::told;
use super::{RETRIES_MAX, Users, has_moved};
use crate::kernel::{Edit, Expect};
use crate::user::row::{GuardRow, Kept, MembershipRow, Row, delete};
use crate::user::state::State;
use crate::user::{Directory, GROUP_DEPTH_MAX, GROUPS_MAX, Group, GroupMember, GroupService, NewGroup, checked_name};
use crate::{Context, Error, ErrorKind, Permission, Result};

/// What is written by whatever puts a group in a group: two of these together may make a circle that neither makes alone.
const NESTING: &str = "nesting";

impl Users {
    /// Writes a guard that was as it is known, so that nothing else that writes it happens meanwhile.
    async fn guarded(&self, directory: &Directory, id: &str) -> Result<Edit> {
        let kept: Option<Kept<GuardRow>> = self.kept(directory, id).await?;
        let row = GuardRow::new(id, &self.inner.env);
        kept.map_or_else(|| row.put(Some(Expect::Absent)), |kept| kept.replace(&row))
    }

    async fn try_add(&self, method: Method<'_>, group: &str, member: &GroupMember) -> Result<()> {
        let Method { ctx, directory, .. } = method;
        let mut edits = Vec::new();
        if matches!(member, GroupMember::Group(_)) {
            edits.push(self.guarded(directory, NESTING).await?);
            // What was written under the guard before is judged too.
            self.caught_up(directory).await?;
        }
        let row = {
            let state = directory.state();
            let (group, member) = (state.group(group)?, state.member(member)?);
            if state.members(&group.id).any(|of| *of == member) {
                return Ok(());
            }
            self.check_holds_what(ctx, &state, &group.id)?;
            check_nesting(&state, group, &member)?;
            MembershipRow::of(&member, &group.id)
        };
        edits.push(row.put(None)?);
        method.commit(edits, &()).await.map(drop)
    }
}

/// Passes for a group that a member may be put in: no circle, not too deep, not in too many.
fn check_nesting(state: &State, group: &Group, member: &GroupMember) -> Result<()> {
    let mut known = HashMap::new();
    let id = match member {
        GroupMember::User(id) => {
            if state.closure(id).len() + state.closure(&group.id).len() >= GROUPS_MAX {
                let many = "a user is in at most 1,000 groups, those reached through others included";
                return Err(Error::invalid("user.group.too_many", many).with("groups_max", GROUPS_MAX));
            }
            return Ok(());
        }
        GroupMember::Group(id) => id,
    };
    let above = state.height(&group.id, id, &mut known).ok_or_else(|| {
        Error::conflict("user.group.cycle", "the group would be in itself").with("group", &group.name)
    })?;
    let below = state.depth(id, &mut HashMap::new());
    if above + below + 2 > GROUP_DEPTH_MAX {
        return Err(Error::invalid("user.group.depth", "groups would be in each other too deep")
            .with("depth_max", GROUP_DEPTH_MAX));
    }
    if state.closure(&group.id).len() + state.closure(id).len() + 1 >= GROUPS_MAX {
        return Err(Error::invalid("user.group.too_many", "the group would be in too many others")
            .with("groups_max", GROUPS_MAX));
    }
    Ok(())
}

#[async_trait]
impl GroupService for Users {
    async fn create_group(&self, ctx: &Context, group: NewGroup) -> Result<Group> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.create_group");
        let created = async {
            let group = Group { id: self.id(), name: checked_name(&group.name)?, description: group.description };
            if directory.state().group_names.contains_key(&group.name) {
                let taken = "there is a group of this name";
                return Err(Error::new(ErrorKind::AlreadyExists, "user.group.name.taken", taken).at("name"));
            }
            let edits = vec![group.create()?];
            method.commit(edits, &group).await.map_err(told)?;
            Ok(group)
        };
        method.once(created).await
    }

    async fn groups(&self, ctx: &Context) -> Result<Vec<Group>> {
        let directory = self.admitted(ctx, Permission::UserRead).await?;
        let state = directory.state();
        Ok(state.group_names.values().filter_map(|id| state.groups.get(id)).cloned().collect())
    }

    async fn delete_group(&self, ctx: &Context, group: &str) -> Result<()> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.delete_group");
        let deleted = async {
            let id = directory.state().group(group)?.id.clone();
            let edits = vec![delete::<Group>(&id, None)];
            method.commit(edits, &()).await.map(drop)
        };
        method.once(deleted).await
    }

    async fn members(&self, ctx: &Context, group: &str) -> Result<Vec<GroupMember>> {
        let directory = self.admitted(ctx, Permission::UserRead).await?;
        let state = directory.state();
        let named = |member: &GroupMember| match member {
            GroupMember::User(id) => state.users.get(id).map(|user| GroupMember::User(user.name.clone())),
            GroupMember::Group(id) => state.groups.get(id).map(|group| GroupMember::Group(group.name.clone())),
        };
        let mut members: Vec<_> = state.members(&state.group(group)?.id).filter_map(named).collect();
        members.sort();
        Ok(members)
    }

    async fn add_member(&self, ctx: &Context, group: &str, member: GroupMember) -> Result<()> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.add_member");
        let added = async {
            for _ in 0..RETRIES_MAX {
                match self.try_add(method, group, &member).await {
                    Err(error) if has_moved(&error) => {}
                    other => return other,
                }
            }
            Err(contended())
        };
        method.once(added).await
    }

    async fn remove_member(&self, ctx: &Context, group: &str, member: GroupMember) -> Result<()> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.remove_member");
        let removed = async {
            let row = {
                let state = directory.state();
                let (group, member) = (state.group(group)?, state.member(&member)?);
                if !state.members(&group.id).any(|of| *of == member) {
                    return Err(Error::not_found("user.membership.absent", "it is not in this group itself"));
                }
                MembershipRow::of(&member, &group.id)
            };
            let edits = vec![delete::<MembershipRow>(&row.id, None)];
            method.commit(edits, &()).await.map(drop)
        };
        method.once(removed).await
    }
}

pub(super) fn contended() -> Error {
    Error::conflict("user.contended", "others change the same all the time").retryable_is(true)
}
