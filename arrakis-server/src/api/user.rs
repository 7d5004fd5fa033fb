//! Users, groups, roles and what proves who someone is.

use arrakis_core::access::{Check, Explanation, Policy, Subject};
use arrakis_core::credential::Secret;
use arrakis_core::user::{
    ApiKeyInfo, Assignment, Discovery, FederatedIdentity, Group, GroupMember, Invitation, Issued, JWKS_PATH, ListUsers,
    Login, NewApiKey, NewAssignment, NewGroup, NewUser, PolicyVersion, RecoveryCodes, SecondFactor, SessionInfo,
    SetPassword, ShownApiKey, Simulated, Simulation, Tokens, TotpEnrolment, User, UserExport, UserPage, UserPatch,
    WhoCan, WhoCanPage,
};
use arrakis_core::{Scope, Seq, SpaceId, TenantId};
use serde::{Deserialize, Serialize};

use super::Endpoint;
use super::access::Nothing;

macro_rules! asked {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }
    )*};
}

asked! {
    /// A user.
    OfUser {
        /// By id, name or address.
        user: String,
    }
    /// A user, or oneself.
    OfUserOrOneself {
        /// By id, name or address; oneself when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    }
    /// A group.
    OfGroup {
        /// By id or name.
        group: String,
    }
    /// A group, and someone in it.
    OfMember {
        /// The group, by id or name.
        group: String,
        /// Who is, or is to be, in it.
        member: GroupMember,
    }
    /// Something assigned.
    OfAssignment {
        /// By id.
        assignment: String,
    }
    /// Whose assignments.
    ListAssignments {
        /// A user; of everyone where neither is stated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// A group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    }
    /// A policy to be in force.
    ApplyPolicy {
        /// The policy.
        policy: Policy,
        /// Only in place of the one at this revision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<Seq>,
    }
    /// What a user may do, and why.
    ExplainAs {
        /// By id, name or address.
        user: String,
        /// What is to be done.
        check: Check,
    }
    /// A refresh token.
    Refresh {
        /// The token.
        refresh: Secret,
    }
    /// An invitation to be accepted.
    AcceptInvitation {
        /// What was sent.
        secret: Secret,
        /// The password there is to be.
        password: Secret,
    }
    /// A one-time code.
    ConfirmTotp {
        /// The code.
        code: Secret,
    }
    /// No second factor any more.
    DisableTotp {
        /// Whose; one's own when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// What proves that it is oneself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second: Option<SecondFactor>,
    }
    /// Sessions to be ended.
    EndSessions {
        /// Whose; one's own when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Which; all of them when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    }
    /// A key to be revoked.
    RevokeApiKey {
        /// Its id.
        key: String,
        /// Whose; one's own when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    }
    /// A user as another provider knows them.
    LoginFederated {
        /// Who.
        identity: FederatedIdentity,
        /// The application that logs in.
        client: String,
    }
    /// A credential, to be told whose it is.
    Identify {
        /// An access token or API key.
        credential: Secret,
    }
    /// A policy, by its hash.
    OfPolicy {
        /// The hash.
        hash: String,
    }
    /// A policy that those vouched for have rights by.
    KeepPolicy {
        /// Its hash.
        hash: String,
        /// The policy.
        policy: Policy,
    }
}

/// Whose a credential is: what a process that asks makes an access of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct IdentityView {
    /// The user.
    pub user: String,
    /// The session, for who has logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Who acts, with what they hold.
    pub subject: Subject,
    /// The hash of the policy they have rights by.
    pub policy: String,
}

/// Whoever asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Oneself {
    /// The identifier.
    pub id: String,
    /// The name in the log.
    pub actor: String,
    /// The tenant.
    pub tenant: TenantId,
    /// Its space.
    pub space: SpaceId,
    /// The permissions there are over services.
    pub permissions: Vec<arrakis_core::Permission>,
    /// The groups it is in.
    pub groups: Vec<String>,
    /// The roles it holds.
    pub roles: Vec<String>,
}

/// A tenant, to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OfTenant {
    /// Its id.
    pub tenant: TenantId,
}

/// A tenant and its space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ScopeView {
    /// The tenant.
    pub tenant: TenantId,
    /// Its space.
    pub space: SpaceId,
}

impl From<Scope> for ScopeView {
    fn from(Scope { tenant, space }: Scope) -> Self {
        Self { tenant, space }
    }
}

pub(crate) const CREATE_USER: Endpoint<NewUser, User> = Endpoint::post("createUser", "/v1/users", "Creates a user.");
pub(crate) const INVITE: Endpoint<NewUser, Invitation> = Endpoint::post(
    "inviteUser",
    "/v1/users/invite",
    "Creates a user whom whoever has the secret of the answer will be.",
);
pub(crate) const USER: Endpoint<OfUser, User> = Endpoint::get("getUser", "/v1/users/{user}", "Reads a user.");
pub(crate) const USERS: Endpoint<ListUsers, UserPage> = Endpoint::get("listUsers", "/v1/users", "Lists users by name.");
pub(crate) const UPDATE_USER: Endpoint<UserPatch, User> =
    Endpoint::patch("updateUser", "/v1/users/{user}", "Changes a user.");
pub(crate) const DELETE_USER: Endpoint<OfUser, ()> =
    Endpoint::delete("deleteUser", "/v1/users/{user}", "Deletes a user.");
pub(crate) const EXPORT_USER: Endpoint<OfUser, UserExport> =
    Endpoint::get("exportUser", "/v1/users/{user}/export", "Tells everything that is known of a user.")
        .seen(|export| Some(export.seq));

pub(crate) const CREATE_GROUP: Endpoint<NewGroup, Group> =
    Endpoint::post("createGroup", "/v1/groups", "Creates a group.");
pub(crate) const GROUPS: Endpoint<Nothing, Vec<Group>> = Endpoint::get("listGroups", "/v1/groups", "Lists groups.");
pub(crate) const DELETE_GROUP: Endpoint<OfGroup, ()> =
    Endpoint::delete("deleteGroup", "/v1/groups/{group}", "Deletes a group.");
pub(crate) const MEMBERS: Endpoint<OfGroup, Vec<GroupMember>> =
    Endpoint::get("listMembers", "/v1/groups/{group}/members", "Lists who is in a group itself.");
pub(crate) const ADD_MEMBER: Endpoint<OfMember, ()> =
    Endpoint::post("addMember", "/v1/groups/{group}/members", "Puts a user or group in a group.");
pub(crate) const REMOVE_MEMBER: Endpoint<OfMember, ()> =
    Endpoint::post("removeMember", "/v1/groups/{group}/members/remove", "Takes a user or group out of a group.");

pub(crate) const ASSIGN: Endpoint<NewAssignment, Assignment> =
    Endpoint::post("assignRole", "/v1/assignments", "Lets a user or group hold a role.");
pub(crate) const UNASSIGN: Endpoint<OfAssignment, ()> =
    Endpoint::delete("unassignRole", "/v1/assignments/{assignment}", "Takes a role away.");
pub(crate) const ASSIGNMENTS: Endpoint<ListAssignments, Vec<Assignment>> =
    Endpoint::get("listAssignments", "/v1/assignments", "Lists what users and groups hold themselves.");
pub(crate) const POLICY: Endpoint<Nothing, PolicyVersion> =
    Endpoint::get("getPolicy", "/v1/policy", "Reads the policy in force.")
        .tagged(|version| Some(version.revision.0.to_string()));
pub(crate) const APPLY_POLICY: Endpoint<ApplyPolicy, PolicyVersion> =
    Endpoint::put("applyPolicy", "/v1/policy", "Puts a policy in force.").seen(|version| Some(version.revision));
pub(crate) const EXPLAIN_AS: Endpoint<ExplainAs, Explanation> =
    Endpoint::ask("explainAs", "/v1/policy/explain", "Says why a user may, or may not, do something to an object.");
pub(crate) const WHO_CAN: Endpoint<WhoCan, WhoCanPage> =
    Endpoint::ask("whoCan", "/v1/policy/who-can", "Lists users that may do something to an object.");
pub(crate) const SIMULATE: Endpoint<Simulation, Simulated> =
    Endpoint::ask("simulatePolicy", "/v1/policy/simulate", "Says what a change would come to.");

pub(crate) const LOGIN: Endpoint<Login, Tokens> = Endpoint::ask("login", "/v1/auth/login", "Starts a session.").open();
pub(crate) const REFRESH: Endpoint<Refresh, Tokens> =
    Endpoint::ask("refreshTokens", "/v1/auth/refresh", "Exchanges a refresh token for the next tokens.").open();
pub(crate) const ACCEPT_INVITATION: Endpoint<AcceptInvitation, User> =
    Endpoint::ask("acceptInvitation", "/v1/auth/accept-invitation", "Becomes the user of an invitation.").open();
pub(crate) const ONESELF: Endpoint<Nothing, Oneself> =
    Endpoint::get("getOneself", "/v1/auth/me", "Says who asks, and what they may do.");
pub(crate) const JWKS: Endpoint<Nothing, serde_json::Value> =
    Endpoint::get("getJwks", JWKS_PATH, "Tells the keys that verify access tokens.").open();
pub(crate) const DISCOVERY: Endpoint<Nothing, Discovery> =
    Endpoint::get("getOpenIdConfiguration", "/.well-known/openid-configuration", "Tells who issues access tokens.")
        .open();
pub(crate) const AUTHORIZATION_SERVER: Endpoint<Nothing, Discovery> =
    Endpoint::get("getAuthorizationServer", "/.well-known/oauth-authorization-server", "The same, where OAuth has it.")
        .open();

pub(crate) const SET_PASSWORD: Endpoint<SetPassword, ()> =
    Endpoint::put("setPassword", "/v1/account/password", "Sets a password, which ends the user's sessions.");
pub(crate) const ENROL_TOTP: Endpoint<Nothing, TotpEnrolment> =
    Endpoint::post("enrolTotp", "/v1/account/totp", "Makes the secret of one-time codes.");
pub(crate) const CONFIRM_TOTP: Endpoint<ConfirmTotp, RecoveryCodes> =
    Endpoint::post("confirmTotp", "/v1/account/totp/confirm", "Shows that the secret has arrived.");
pub(crate) const DISABLE_TOTP: Endpoint<DisableTotp, ()> =
    Endpoint::post("disableTotp", "/v1/account/totp/disable", "Asks for no second factor any more.");
pub(crate) const SESSIONS: Endpoint<OfUserOrOneself, Vec<SessionInfo>> =
    Endpoint::get("listSessions", "/v1/account/sessions", "Lists where a user is logged in.");
pub(crate) const END_SESSIONS: Endpoint<EndSessions, ()> =
    Endpoint::post("endSessions", "/v1/account/sessions/end", "Ends a session, or all of a user's.");

pub(crate) const CREATE_API_KEY: Endpoint<NewApiKey, ShownApiKey> =
    Endpoint::post("createApiKey", "/v1/account/api-keys", "Makes an API key, which is told this once.");
pub(crate) const API_KEYS: Endpoint<OfUserOrOneself, Vec<ApiKeyInfo>> =
    Endpoint::get("listApiKeys", "/v1/account/api-keys", "Lists the API keys of a user.");
pub(crate) const REVOKE_API_KEY: Endpoint<RevokeApiKey, ()> =
    Endpoint::delete("revokeApiKey", "/v1/account/api-keys/{key}", "Ends an API key.");
pub(crate) const REVOKE_ISSUED: Endpoint<Issued, ()> =
    Endpoint::post("revokeIssued", "/v1/auth/revoke", "Makes everything void that was issued so far.");

pub(crate) const LOGIN_FEDERATED: Endpoint<LoginFederated, Tokens> =
    Endpoint::ask("loginFederated", "/internal/v1/login-federated", "Starts a session of whom another provider knows.")
        .internal();
pub(crate) const IDENTIFY: Endpoint<Identify, IdentityView> =
    Endpoint::ask("identify", "/internal/v1/identify", "Says whose a credential is.").internal();
pub(crate) const POLICY_OF: Endpoint<OfPolicy, Policy> =
    Endpoint::get("getPolicyByHash", "/internal/v1/policies/{hash}", "Reads a policy by its hash.").internal();
pub(crate) const SCOPE: Endpoint<OfTenant, ScopeView> =
    Endpoint::get("getScope", "/internal/v1/tenants/{tenant}", "Says which space a tenant is in.").internal();
pub(crate) const KEEP_POLICY: Endpoint<KeepPolicy, ()> =
    Endpoint::put("keepPolicy", "/internal/v1/kept-policies/{hash}", "Keeps a policy that those vouched for have.")
        .internal();
