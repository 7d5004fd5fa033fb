//! What is assigned, and questions about what follows of it.

use std::sync::Arc;

use async_trait::async_trait;

use super::Users;
use super::user::limit;
use crate::access::{AccessService as _, Check, Explanation, Policy};
use crate::kernel::resolve_key;
use crate::ontology::Schema;
use crate::user::row::{AssignmentRow, Row, delete};
use crate::user::state::State;
use crate::user::{
    Assignment, GroupMember, NewAssignment, PolicyVersion, RoleService, Simulated, Simulation, UserStatus,
    WHO_CAN_PAGE_MAX, WhoCan, WhoCanPage, absent, scope_of,
};
use crate::{Context, Error, Permission, Result, Seq};

impl Users {
    /// An assignment whose type and key are those of the ontology.
    pub(super) fn scoped(schema: &Schema, mut new: NewAssignment) -> Result<NewAssignment> {
        let Some(object_type) = &new.object_type else { return Ok(new) };
        let object_type = schema.object_type(object_type.as_str()).map_err(|e| e.at("type"))?;
        if let Some(key) = &new.key {
            new.key = Some(resolve_key(object_type, key).map_err(|e| e.at("key"))?);
        }
        Ok(new)
    }

    /// An assignment as it would be kept.
    pub(super) fn assigned(&self, state: &State, new: NewAssignment) -> Result<Assignment> {
        let NewAssignment { holder, role, object_type, key, expires_at } = new;
        if key.is_some() && object_type.is_none() {
            return Err(Error::invalid("user.assignment.type", "an object is named by its type and key").at("type"));
        }
        if expires_at.is_some_and(|until| until <= self.now()) {
            return Err(Error::invalid("user.assignment.expired", "it would have expired").at("expires_at"));
        }
        state.role(&role).map_err(|e| e.at("role"))?;
        let holder = state.member(&holder).map_err(|e| e.at("holder"))?;
        Ok(Assignment { id: self.id(), holder, role, object_type, key, expires_at })
    }
}

#[async_trait]
impl RoleService for Users {
    async fn assign(&self, ctx: &Context, assignment: NewAssignment) -> Result<Assignment> {
        let directory = self.admitted(ctx, Permission::RoleAssign).await?;
        let method = self.method(ctx, &directory, "role.assign");
        let assigned = async {
            let assignment = Self::scoped(&*self.schema(ctx).await?, assignment)?;
            let assignment = {
                let state = directory.state();
                let assignment = self.assigned(&state, assignment)?;
                let over = scope_of(assignment.object_type.as_ref(), assignment.key.as_ref());
                Self::check_gives(ctx, &state, &assignment.role, &over)?;
                assignment
            };
            let edits = vec![AssignmentRow::of(&assignment).create()?];
            // A holder that is gone by now is told by the link to it.
            method.commit(edits, &assignment).await?;
            Ok(assignment)
        };
        method.once(assigned).await
    }

    async fn unassign(&self, ctx: &Context, assignment: &str) -> Result<()> {
        let directory = self.admitted(ctx, Permission::RoleAssign).await?;
        let method = self.method(ctx, &directory, "role.unassign");
        let unassigned = async {
            if !directory.state().assignments.contains_key(assignment) {
                return Err(absent("assignment", assignment));
            }
            let edits = vec![delete::<AssignmentRow>(assignment, None)];
            method.commit(edits, &()).await.map(drop)
        };
        method.once(unassigned).await
    }

    async fn assignments(&self, ctx: &Context, holder: Option<GroupMember>) -> Result<Vec<Assignment>> {
        let directory = self.admitted(ctx, Permission::UserRead).await?;
        let state = directory.state();
        let mut assignments: Vec<_> = match holder {
            Some(holder) => state.held(state.member(&holder)?.id()).cloned().collect(),
            None => state.assignments.values().cloned().collect(),
        };
        assignments.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(assignments)
    }

    async fn policy(&self, ctx: &Context) -> Result<PolicyVersion> {
        let directory = self.admitted(ctx, Permission::PolicyRead).await?;
        let state = directory.state();
        Ok(PolicyVersion { policy: Arc::clone(&state.policy), revision: state.policy_revision })
    }

    async fn apply_policy(&self, ctx: &Context, policy: Policy, expect: Option<Seq>) -> Result<PolicyVersion> {
        self.admit(ctx, Some(Permission::PolicyManage))?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "policy.apply");
        let policy = Arc::new(policy);
        let put = async { self.put_policy(method, &policy, expect).await.map(Some) };
        let (revision, before) = method.once_at(put).await?;
        Ok(PolicyVersion { policy, revision: revision.or(before).unwrap_or_default() })
    }

    async fn explain_as(&self, ctx: &Context, user: &str, check: Check) -> Result<Explanation> {
        let directory = self.admitted(ctx, Permission::PolicyRead).await?;
        // Whoever asks may know of the object.
        self.inner.kernel.explain(ctx, check.clone()).await?;
        let access = {
            let state = directory.state();
            let user = state.user(user)?;
            if user.status != UserStatus::Active {
                return Err(
                    Error::conflict("user.suspended", "a suspended user may do nothing").with("user", &user.name)
                );
            }
            directory.access(&state, user, None)?
        };
        self.inner
            .kernel
            .explain_whatever_is_seen(&ctx.clone().with_access(access).granted(crate::Grants::all()), &check)
            .await
    }

    async fn who_can(&self, ctx: &Context, request: WhoCan) -> Result<WhoCanPage> {
        let directory = self.admitted(ctx, Permission::PolicyRead).await?;
        let limit = limit(request.limit, WHO_CAN_PAGE_MAX, WHO_CAN_PAGE_MAX)?;
        self.inner.kernel.explain(ctx, request.check.clone()).await?;
        let (asked, next) = {
            let state = directory.state();
            let after = (std::ops::Bound::Excluded(request.after), std::ops::Bound::Unbounded);
            let mut names = state.user_names.range(after);
            let users = names.by_ref().take(limit).filter_map(|(_, id)| state.users.get(id));
            let users: Vec<_> = users.collect();
            let next = names.next().and(users.last()).map(|last| last.name.clone());
            let active = users.into_iter().filter(|user| user.status == UserStatus::Active);
            let asked = active.map(|user| Ok((user.name.clone(), directory.access(&state, user, None)?)));
            (asked.collect::<Result<Vec<_>>>()?, next)
        };
        let mut users = Vec::new();
        for (name, access) in asked {
            let acting = ctx.clone().with_access(access).granted(crate::Grants::all());
            if self.inner.kernel.check(&acting, request.check.clone()).await? {
                users.push(name);
            }
        }
        Ok(WhoCanPage { users, next })
    }

    async fn simulate(&self, ctx: &Context, simulation: Simulation) -> Result<Simulated> {
        let directory = self.admitted(ctx, Permission::PolicyRead).await?;
        self.simulated(ctx, &directory, simulation).await
    }
}
