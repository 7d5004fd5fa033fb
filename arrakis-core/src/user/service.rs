//! Users, groups, roles and credentials as callers see them, in the same process or through a client.
//!
//! Every method is about the tenant of its context, and answers `permission.denied` without the permission it names. Users and groups are named by id or
//! by name, users by their address too. What belongs to another tenant is absent.

use async_trait::async_trait;

use super::{
    ApiKeyInfo, Assignment, Discovery, FederatedIdentity, Group, GroupMember, Identity, Invitation, ListUsers, Login,
    NewApiKey, NewAssignment, NewGroup, NewUser, PolicyVersion, RecoveryCodes, SecondFactor, SessionInfo, SetPassword,
    ShownApiKey, Simulated, Simulation, Tokens, TotpEnrolment, User, UserExport, UserPage, UserPatch, WhoCan,
    WhoCanPage,
};
use crate::access::{Check, Explanation, Policy};
use crate::credential::Secret;
use crate::{Context, Result, Seq};

/// Users.
#[async_trait]
pub trait UserService: std::fmt::Debug + Send + Sync + 'static {
    /// Creates a user, who cannot log in until it has a password or key. Needs `user.manage`.
    ///
    /// # Errors
    /// `user.name.taken`, `user.email.taken`, `user.name.malformed`, `user.email.malformed`, `user.attributes`.
    async fn create_user(&self, ctx: &Context, user: NewUser) -> Result<User>;

    /// Creates a user whom whoever has the secret of the answer will be. Needs `user.manage`.
    ///
    /// # Errors
    /// As [`UserService::create_user`]; `user.invitation.service` for a service account.
    async fn invite(&self, ctx: &Context, user: NewUser) -> Result<Invitation>;

    /// A user. Needs `user.read`, or to be that user.
    ///
    /// # Errors
    /// `user.absent`.
    async fn user(&self, ctx: &Context, user: &str) -> Result<User>;

    /// A page of users. Needs `user.read`.
    ///
    /// # Errors
    /// `user.limit`.
    async fn users(&self, ctx: &Context, request: ListUsers) -> Result<UserPage>;

    /// Changes a user. Suspending one ends its sessions and keys at once, everywhere within a second. Needs `user.manage`, and to hold what the user holds
    /// where the user is to be reinstated or its attributes or address change.
    ///
    /// # Errors
    /// `user.absent`, `user.email.taken`, `access.escalation`.
    async fn update_user(&self, ctx: &Context, patch: UserPatch) -> Result<User>;

    /// Deletes a user with everything that is kept of it. The log and the versions of before keep that it was there. Needs `user.manage`.
    ///
    /// # Errors
    /// `user.absent`.
    async fn delete_user(&self, ctx: &Context, user: &str) -> Result<()>;

    /// Everything that is known of a user. Needs `user.manage`, or to be that user.
    ///
    /// # Errors
    /// `user.absent`.
    async fn export_user(&self, ctx: &Context, user: &str) -> Result<UserExport>;
}

/// Groups.
#[async_trait]
pub trait GroupService: std::fmt::Debug + Send + Sync + 'static {
    /// Creates a group. Needs `user.manage`.
    ///
    /// # Errors
    /// `user.group.name.taken`, `user.name.malformed`.
    async fn create_group(&self, ctx: &Context, group: NewGroup) -> Result<Group>;

    /// Every group, by name. Needs `user.read`.
    async fn groups(&self, ctx: &Context) -> Result<Vec<Group>>;

    /// Deletes a group, and with it what is held through it. Needs `user.manage`.
    ///
    /// # Errors
    /// `user.group.absent`.
    async fn delete_group(&self, ctx: &Context, group: &str) -> Result<()>;

    /// Who is in a group itself, by name. Needs `user.read`.
    ///
    /// # Errors
    /// `user.group.absent`.
    async fn members(&self, ctx: &Context, group: &str) -> Result<Vec<GroupMember>>;

    /// Puts a user or group in a group. Needs `user.manage`, and to hold what the group holds.
    ///
    /// # Errors
    /// `user.absent`, `user.group.absent`, `user.group.cycle`, `user.group.depth`, `user.group.too_many`, `access.escalation`.
    async fn add_member(&self, ctx: &Context, group: &str, member: GroupMember) -> Result<()>;

    /// Takes a user or group out of a group. Needs `user.manage`.
    ///
    /// # Errors
    /// `user.absent`, `user.group.absent`, `user.membership.absent`.
    async fn remove_member(&self, ctx: &Context, group: &str, member: GroupMember) -> Result<()>;
}

/// The policy, and who holds its roles.
#[async_trait]
pub trait RoleService: std::fmt::Debug + Send + Sync + 'static {
    /// Lets a user or group hold a role. Needs `role.assign`, and to hold everything the role gives.
    ///
    /// # Errors
    /// `access.role.unknown`, `user.absent`, `user.group.absent`, `user.assignment.expired`, `access.escalation`.
    async fn assign(&self, ctx: &Context, assignment: NewAssignment) -> Result<Assignment>;

    /// Takes a role away. Needs `role.assign`.
    ///
    /// # Errors
    /// `user.assignment.absent`.
    async fn unassign(&self, ctx: &Context, assignment: &str) -> Result<()>;

    /// What a user or group holds itself; of everyone when left out. Needs `user.read`.
    ///
    /// # Errors
    /// `user.absent`, `user.group.absent`.
    async fn assignments(&self, ctx: &Context, holder: Option<GroupMember>) -> Result<Vec<Assignment>>;

    /// The policy in force. Needs `policy.read`.
    async fn policy(&self, ctx: &Context) -> Result<PolicyVersion>;

    /// Puts a policy in force, in place of the one at a revision where that is stated. Needs `policy.manage`, and to hold everything there is.
    ///
    /// # Errors
    /// `access.policy.unsound`; `user.policy.moved`; `access.escalation`.
    async fn apply_policy(&self, ctx: &Context, policy: Policy, expect: Option<Seq>) -> Result<PolicyVersion>;

    /// Why a user may, or may not, do something to an object. Needs `policy.read`, and to be able to read the object oneself.
    ///
    /// # Errors
    /// `user.absent`, `user.suspended`; as [`crate::access::AccessService::explain`].
    async fn explain_as(&self, ctx: &Context, user: &str, check: Check) -> Result<Explanation>;

    /// Which users may do something to an object. Needs `policy.read`, and to be able to read the object oneself.
    ///
    /// # Errors
    /// As [`crate::access::AccessService::explain`]; `user.limit`.
    async fn who_can(&self, ctx: &Context, request: WhoCan) -> Result<WhoCanPage>;

    /// What a change of the policy or of what is assigned would come to. Needs `policy.read`.
    ///
    /// # Errors
    /// As the change itself, but for the rights to make it.
    async fn simulate(&self, ctx: &Context, simulation: Simulation) -> Result<Simulated>;
}

/// Proving who one is. Needs no permission: the context says only for which tenant.
#[async_trait]
pub trait AuthService: std::fmt::Debug + Send + Sync + 'static {
    /// Starts a session.
    ///
    /// # Errors
    /// `auth.refused`, whatever is not right; `auth.second_factor` where everything is right and a second factor is asked for; `throttle.wait`;
    /// `password.busy`.
    async fn login(&self, ctx: &Context, login: Login) -> Result<Tokens>;

    /// Starts a session of a user another provider has shown someone to be: one that is known by that identity, or by an address that a trusted
    /// provider has verified.
    ///
    /// # Errors
    /// `auth.refused`; `auth.unlinked` where no user is known by it.
    async fn login_federated(&self, ctx: &Context, identity: FederatedIdentity, client: &str) -> Result<Tokens>;

    /// Exchanges a refresh token for the next tokens. One that was used is exchanged for the same ones for a few seconds more; later it has been stolen,
    /// and the session ends.
    ///
    /// # Errors
    /// `auth.refused`.
    async fn refresh(&self, ctx: &Context, refresh: &Secret) -> Result<Tokens>;

    /// Becomes the user of an invitation, with a password.
    ///
    /// # Errors
    /// `auth.refused`; those of the password's rules.
    async fn accept_invitation(&self, ctx: &Context, secret: &Secret, password: Secret) -> Result<User>;

    /// Who an access token or API key is of, and what they may do. Every use is checked anew, mostly in memory.
    ///
    /// # Errors
    /// `auth.refused`; what [`crate::credential::token::Verifier::verify`] answers; `api_key.malformed`; `user.directory.stale`.
    async fn authenticate(&self, ctx: &Context, credential: &Secret) -> Result<Identity>;

    /// The keys that verify access tokens, as a JSON Web Key Set.
    async fn jwks(&self) -> Result<String>;

    /// Where who is given nothing but the issuer finds those keys.
    ///
    /// # Errors
    /// `auth.issuer` where the issuer is no address.
    async fn discovery(&self) -> Result<Discovery>;
}

/// What a user proves with who they are: one's own, or, with `user.manage` and everything that user holds, another's.
#[async_trait]
pub trait AccountService: std::fmt::Debug + Send + Sync + 'static {
    /// Sets a password, which ends the user's sessions.
    ///
    /// # Errors
    /// `auth.refused` for another current password than the one there is; those of the password's rules; `user.service` for a service account.
    async fn set_password(&self, ctx: &Context, request: SetPassword) -> Result<()>;

    /// Makes the secret of one-time codes, for oneself. It is asked for from when a code has confirmed it.
    ///
    /// # Errors
    /// `user.totp.enrolled`.
    async fn enrol_totp(&self, ctx: &Context) -> Result<TotpEnrolment>;

    /// Shows that the secret has arrived. The answer's codes help who loses it.
    ///
    /// # Errors
    /// `auth.refused`; `user.totp.pending` where none waits.
    async fn confirm_totp(&self, ctx: &Context, code: &Secret) -> Result<RecoveryCodes>;

    /// Asks for no second factor any more: one's own takes one, so that a session alone does not turn it off.
    ///
    /// # Errors
    /// `user.absent`, `access.escalation`; `auth.second_factor`, `auth.refused`, `throttle.wait`.
    async fn disable_totp(&self, ctx: &Context, user: Option<&str>, second: Option<&SecondFactor>) -> Result<()>;

    /// Where a user is logged in.
    ///
    /// # Errors
    /// `user.absent`.
    async fn sessions(&self, ctx: &Context, user: Option<&str>) -> Result<Vec<SessionInfo>>;

    /// Ends a session, or all of a user's: at once, everywhere within a second.
    ///
    /// # Errors
    /// `user.absent`, `user.session.absent`.
    async fn end_sessions(&self, ctx: &Context, user: Option<&str>, session: Option<&str>) -> Result<()>;
}

/// API keys: one's own, or, with `user.manage` and everything that user holds, another's.
#[async_trait]
pub trait ApiKeyService: std::fmt::Debug + Send + Sync + 'static {
    /// Makes a key, which is told this once.
    ///
    /// # Errors
    /// `user.api_key.days`, `user.absent`, `access.escalation`.
    async fn create_api_key(&self, ctx: &Context, request: NewApiKey) -> Result<ShownApiKey>;

    /// The keys of a user.
    ///
    /// # Errors
    /// `user.absent`.
    async fn api_keys(&self, ctx: &Context, user: Option<&str>) -> Result<Vec<ApiKeyInfo>>;

    /// Ends a key: at once, everywhere within a second.
    ///
    /// # Errors
    /// `user.absent`, `user.api_key.absent`.
    async fn revoke_api_key(&self, ctx: &Context, user: Option<&str>, key: &str) -> Result<()>;

    /// Makes everything void that was issued so far: to a client, to a user, or to everyone. Needs `user.manage`.
    ///
    /// # Errors
    /// `user.absent`.
    async fn revoke_issued(&self, ctx: &Context, to: Issued) -> Result<()>;
}

/// Everything about users and credentials.
pub trait UserServices:
    UserService + GroupService + RoleService + AuthService + AccountService + ApiKeyService
{
}

impl<T: UserService + GroupService + RoleService + AuthService + AccountService + ApiKeyService> UserServices for T {}

/// To whom tokens were issued.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Issued {
    /// To everyone.
    Everyone,
    /// To a user.
    User(String),
    /// To an application.
    Client(String),
}
