//! Users, groups, roles and credentials of another process.

use std::sync::PoisonError;

use arrakis_core::access::{Check, Explanation, Policy};
use arrakis_core::credential::Secret;
use arrakis_core::user::{
    AccountService, ApiKeyInfo, ApiKeyService, Assignment, AuthService, Discovery, FederatedIdentity, Group,
    GroupMember, GroupService, Identity, Invitation, Issued, ListUsers, Login, NewApiKey, NewAssignment, NewGroup,
    NewUser, PolicyVersion, RecoveryCodes, RoleService, SecondFactor, SessionInfo, SetPassword, ShownApiKey, Simulated,
    Simulation, Tokens, TotpEnrolment, User, UserExport, UserPage, UserPatch, UserService, WhoCan, WhoCanPage,
};
use arrakis_core::{Actor, Context, RequestId, Result, Scope, Seq, SpaceId, TenantId};
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use crate::api::Endpoint;
use crate::api::access::Nothing;
use crate::api::user as api;

fn of(user: &str) -> api::OfUser {
    api::OfUser { user: user.into() }
}

impl Client {
    /// The context of this process, which is of no tenant.
    pub(super) fn own_context(&self) -> Context {
        let scope = Scope { tenant: TenantId::DEFAULT, space: SpaceId::DEFAULT };
        Context::new(scope, Actor::system(), RequestId::from_uuid(self.inner.env.uuid()))
    }

    /// The tenant with its space.
    ///
    /// # Errors
    /// `tenancy.tenant.unknown`.
    pub async fn scope(&self, tenant: TenantId) -> Result<Scope> {
        let known = || self.inner.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = known().get(&tenant) {
            return Ok(*scope);
        }
        let api::ScopeView { tenant, space } =
            self.call(&self.own_context(), &api::SCOPE, &api::OfTenant { tenant }).await?;
        let scope = Scope { tenant, space };
        // A tenant stays in its space.
        known().insert(tenant, scope);
        Ok(scope)
    }

    /// Changes something of users. Whoever asked this client for it finds it so here too.
    async fn change<Q: Serialize, A: DeserializeOwned>(
        &self,
        ctx: &Context,
        endpoint: &'static Endpoint<Q, A>,
        asked: &Q,
    ) -> Result<A> {
        let answer = self.call(ctx, endpoint, asked).await;
        self.ask_anew().await;
        answer
    }
}

#[async_trait]
impl UserService for Client {
    async fn create_user(&self, ctx: &Context, user: NewUser) -> Result<User> {
        self.change(ctx, &api::CREATE_USER, &user).await
    }

    async fn invite(&self, ctx: &Context, user: NewUser) -> Result<Invitation> {
        self.change(ctx, &api::INVITE, &user).await
    }

    async fn user(&self, ctx: &Context, user: &str) -> Result<User> {
        self.call(ctx, &api::USER, &of(user)).await
    }

    async fn users(&self, ctx: &Context, request: ListUsers) -> Result<UserPage> {
        self.call(ctx, &api::USERS, &request).await
    }

    async fn update_user(&self, ctx: &Context, patch: UserPatch) -> Result<User> {
        self.change(ctx, &api::UPDATE_USER, &patch).await
    }

    async fn delete_user(&self, ctx: &Context, user: &str) -> Result<()> {
        self.change(ctx, &api::DELETE_USER, &of(user)).await
    }

    async fn export_user(&self, ctx: &Context, user: &str) -> Result<UserExport> {
        self.call(ctx, &api::EXPORT_USER, &of(user)).await
    }
}

#[async_trait]
impl GroupService for Client {
    async fn create_group(&self, ctx: &Context, group: NewGroup) -> Result<Group> {
        self.change(ctx, &api::CREATE_GROUP, &group).await
    }

    async fn groups(&self, ctx: &Context) -> Result<Vec<Group>> {
        self.call(ctx, &api::GROUPS, &Nothing {}).await
    }

    async fn delete_group(&self, ctx: &Context, group: &str) -> Result<()> {
        self.change(ctx, &api::DELETE_GROUP, &api::OfGroup { group: group.into() }).await
    }

    async fn members(&self, ctx: &Context, group: &str) -> Result<Vec<GroupMember>> {
        self.call(ctx, &api::MEMBERS, &api::OfGroup { group: group.into() }).await
    }

    async fn add_member(&self, ctx: &Context, group: &str, member: GroupMember) -> Result<()> {
        self.change(ctx, &api::ADD_MEMBER, &api::OfMember { group: group.into(), member }).await
    }

    async fn remove_member(&self, ctx: &Context, group: &str, member: GroupMember) -> Result<()> {
        self.change(ctx, &api::REMOVE_MEMBER, &api::OfMember { group: group.into(), member }).await
    }
}

#[async_trait]
impl RoleService for Client {
    async fn assign(&self, ctx: &Context, assignment: NewAssignment) -> Result<Assignment> {
        self.change(ctx, &api::ASSIGN, &assignment).await
    }

    async fn unassign(&self, ctx: &Context, assignment: &str) -> Result<()> {
        let asked = api::OfAssignment { assignment: assignment.into() };
        self.change(ctx, &api::UNASSIGN, &asked).await
    }

    async fn assignments(&self, ctx: &Context, holder: Option<GroupMember>) -> Result<Vec<Assignment>> {
        let (user, group) = match holder {
            Some(GroupMember::User(user)) => (Some(user), None),
            Some(GroupMember::Group(group)) => (None, Some(group)),
            None => (None, None),
        };
        self.call(ctx, &api::ASSIGNMENTS, &api::ListAssignments { user, group }).await
    }

    async fn policy(&self, ctx: &Context) -> Result<PolicyVersion> {
        self.call(ctx, &api::POLICY, &Nothing {}).await
    }

    async fn apply_policy(&self, ctx: &Context, policy: Policy, expect: Option<Seq>) -> Result<PolicyVersion> {
        self.change(ctx, &api::APPLY_POLICY, &api::ApplyPolicy { policy, expect }).await
    }

    async fn explain_as(&self, ctx: &Context, user: &str, check: Check) -> Result<Explanation> {
        self.call(ctx, &api::EXPLAIN_AS, &api::ExplainAs { user: user.into(), check }).await
    }

    async fn who_can(&self, ctx: &Context, request: WhoCan) -> Result<WhoCanPage> {
        self.call(ctx, &api::WHO_CAN, &request).await
    }

    async fn simulate(&self, ctx: &Context, simulation: Simulation) -> Result<Simulated> {
        self.call(ctx, &api::SIMULATE, &simulation).await
    }
}

#[async_trait]
impl AuthService for Client {
    async fn login(&self, ctx: &Context, login: Login) -> Result<Tokens> {
        self.call(ctx, &api::LOGIN, &login).await
    }

    async fn login_federated(&self, ctx: &Context, identity: FederatedIdentity, client: &str) -> Result<Tokens> {
        let asked = api::LoginFederated { identity, client: client.into() };
        self.call(ctx, &api::LOGIN_FEDERATED, &asked).await
    }

    async fn refresh(&self, ctx: &Context, refresh: &Secret) -> Result<Tokens> {
        // A token that was stolen ends a session.
        self.change(ctx, &api::REFRESH, &api::Refresh { refresh: refresh.clone() }).await
    }

    async fn accept_invitation(&self, ctx: &Context, secret: &Secret, password: Secret) -> Result<User> {
        let asked = api::AcceptInvitation { secret: secret.clone(), password };
        self.change(ctx, &api::ACCEPT_INVITATION, &asked).await
    }

    async fn authenticate(&self, ctx: &Context, credential: &Secret) -> Result<Identity> {
        self.identify(ctx, credential).await
    }

    async fn jwks(&self) -> Result<String> {
        let ctx = self.own_context();
        self.call(&ctx, &api::JWKS, &Nothing {}).await.map(|keys| keys.to_string())
    }

    async fn discovery(&self) -> Result<Discovery> {
        self.call(&self.own_context(), &api::DISCOVERY, &Nothing {}).await
    }
}

#[async_trait]
impl AccountService for Client {
    async fn set_password(&self, ctx: &Context, request: SetPassword) -> Result<()> {
        self.change(ctx, &api::SET_PASSWORD, &request).await
    }

    async fn enrol_totp(&self, ctx: &Context) -> Result<TotpEnrolment> {
        self.change(ctx, &api::ENROL_TOTP, &Nothing {}).await
    }

    async fn confirm_totp(&self, ctx: &Context, code: &Secret) -> Result<RecoveryCodes> {
        self.change(ctx, &api::CONFIRM_TOTP, &api::ConfirmTotp { code: code.clone() }).await
    }

    async fn disable_totp(&self, ctx: &Context, user: Option<&str>, second: Option<&SecondFactor>) -> Result<()> {
        let asked = api::DisableTotp { user: user.map(Into::into), second: second.cloned() };
        self.change(ctx, &api::DISABLE_TOTP, &asked).await
    }

    async fn sessions(&self, ctx: &Context, user: Option<&str>) -> Result<Vec<SessionInfo>> {
        self.call(ctx, &api::SESSIONS, &api::OfUserOrOneself { user: user.map(Into::into) }).await
    }

    async fn end_sessions(&self, ctx: &Context, user: Option<&str>, session: Option<&str>) -> Result<()> {
        let asked = api::EndSessions { user: user.map(Into::into), session: session.map(Into::into) };
        self.change(ctx, &api::END_SESSIONS, &asked).await
    }
}

#[async_trait]
impl ApiKeyService for Client {
    async fn create_api_key(&self, ctx: &Context, request: NewApiKey) -> Result<ShownApiKey> {
        self.change(ctx, &api::CREATE_API_KEY, &request).await
    }

    async fn api_keys(&self, ctx: &Context, user: Option<&str>) -> Result<Vec<ApiKeyInfo>> {
        self.call(ctx, &api::API_KEYS, &api::OfUserOrOneself { user: user.map(Into::into) }).await
    }

    async fn revoke_api_key(&self, ctx: &Context, user: Option<&str>, key: &str) -> Result<()> {
        let asked = api::RevokeApiKey { key: key.into(), user: user.map(Into::into) };
        self.change(ctx, &api::REVOKE_API_KEY, &asked).await
    }

    async fn revoke_issued(&self, ctx: &Context, to: Issued) -> Result<()> {
        self.change(ctx, &api::REVOKE_ISSUED, &to).await
    }
}
