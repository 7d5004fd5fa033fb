//! Users, groups and what is assigned to them; who someone is; and what follows for what they may do.
//!
//! The directory of a tenant is objects of an ontology of its own, in a tenant of its own beside it ([`directory_scope`]): so every change of it is a
//! commit, with its author, history and place in the log, on every store. Each process that asks holds it in memory and follows its changes
//! ([`Directory`]), which is what makes a check cost nothing and a revocation reach everyone within a second.

mod directory;
mod discovery;
mod engine;
mod group;
mod login;
mod policy;
mod role;
mod row;
mod service;
mod state;

use serde::{Deserialize, Serialize};

pub use self::directory::{Directory, Identity, STALE_MAX_MS};
pub use self::discovery::{Discovery, JWKS_PATH};
pub use self::engine::{Bootstrap, UserOptions, Users};
pub use self::group::{GROUP_DEPTH_MAX, GROUPS_MAX, Group, GroupMember, NewGroup};
pub use self::login::{
    ApiKeyInfo, FederatedIdentity, Login, NewApiKey, RecoveryCodes, SESSIONS_MAX, SecondFactor, SessionInfo,
    SessionLife, SetPassword, ShownApiKey, Tokens, TotpEnrolment,
};
pub use self::policy::{
    Difference, PolicyVersion, SIMULATED_MAX, Simulated, Simulation, WHO_CAN_PAGE_MAX, WhoCan, WhoCanPage,
};
pub use self::role::{Assignment, NewAssignment};
pub use self::service::{
    AccountService, ApiKeyService, AuthService, GroupService, Issued, RoleService, UserService, UserServices,
};
use crate::{ApiName, Context, Error, Key, Result, Scope, Seq, SpaceId, TenantId, Timestamp};

/// The longest name of a user or group, bytes.
pub const USER_NAME_LEN_MAX: usize = 200;
/// The most users on a page.
pub const USERS_PAGE_MAX: u32 = 1_000;
/// The users on a page that states no limit.
pub const USERS_PAGE_DEFAULT: u32 = 100;

/// The space every directory is of.
const DIRECTORY_SPACE: SpaceId = SpaceId::from_uuid(uuid::Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0003));
const DIRECTORY_SPACE_NAME: &str = "arrakis.directory";

/// Where the directory of a tenant is kept.
pub fn directory_scope(tenant: TenantId) -> Scope {
    let mut bytes = [0; 16];
    blake3::Hasher::new_derive_key("arrakis 2026 directory of a tenant")
        .update(tenant.uuid().as_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    let tenant = TenantId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid());
    Scope { tenant, space: DIRECTORY_SPACE }
}

/// A person or a service account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// A person, who logs in.
    #[default]
    Person,
    /// A program, which has API keys and no password.
    Service,
}

/// Whether a user may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// They may.
    Active,
    /// Not until they are reinstated. What they hold is kept.
    Suspended,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct User {
    /// Its identifier, `$actor.id` in rules.
    pub id: String,
    /// Its name, unique in the tenant, in lower case: what it logs in with and what the log calls it.
    pub name: String,
    /// A person or a program.
    pub kind: UserKind,
    /// Whether it may act.
    pub status: UserStatus,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Its address, unique in the tenant, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether a trusted provider, or whoever accepted an invitation sent there, has shown that the address is theirs.
    #[serde(default)]
    pub email_verified: bool,
    /// What policies may know of it, by the names they declare.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// Since when there is such a user.
    pub created_at: Timestamp,
}

/// A user to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Its name: 1 to [`USER_NAME_LEN_MAX`] bytes of letters, digits and `._-+@`; taken in lower case.
    pub name: String,
    /// A person unless stated otherwise.
    #[serde(default)]
    pub kind: UserKind,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What policies may know of it.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

/// What is to be changed of a user; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// The user, by id or name.
    pub user: String,
    /// What people call it; empty for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Its address, which is not verified then; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Everything policies may know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether it may act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<UserStatus>,
}

/// Which users to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    /// Those named after this one.
    #[serde(default)]
    pub after: String,
    /// At most so many, 1 to [`USERS_PAGE_MAX`]; [`USERS_PAGE_DEFAULT`] when left out.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A page of users, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// What to list after for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Everything that is known of a user, but for what proves who they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct UserExport {
    /// The user.
    pub user: User,
    /// The groups it is in, by name, those reached through others included.
    pub groups: Vec<String>,
    /// What it holds itself.
    pub assignments: Vec<Assignment>,
    /// Where it is logged in.
    pub sessions: Vec<SessionInfo>,
    /// Its API keys.
    pub api_keys: Vec<ApiKeyInfo>,
    /// Issuers and subjects other providers know it by.
    pub identities: Vec<(String, String)>,
    /// The commit this is as of.
    pub seq: Seq,
}

/// Whoever is to be told of an invitation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Invitation {
    /// The user to be.
    pub user: User,
    /// What makes whoever has it that user. It is told this once.
    pub secret: crate::credential::Secret,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A name as it is kept.
fn checked_name(name: &str) -> Result<String> {
    let lower = name.to_lowercase();
    let is_name = (1..=USER_NAME_LEN_MAX).contains(&lower.len())
        && lower.chars().all(|c| c.is_alphanumeric() || "._-+@".contains(c))
        && uuid::Uuid::try_parse(&lower).is_err();
    if is_name {
        return Ok(lower);
    }
    let malformed = "a name is 1 to 200 bytes of letters, digits and ._-+@, and no UUID";
    Err(Error::invalid("user.name.malformed", malformed).with("length_max", USER_NAME_LEN_MAX).at("name"))
}

/// An address as it is kept. Whether someone has it shows when mail is sent there.
fn checked_email(email: &str) -> Result<String> {
    let lower = email.trim().to_lowercase();
    let is_address = lower.len() <= 254
        && !lower.chars().any(|c| c.is_whitespace() || c.is_control())
        && matches!(lower.split_once('@'), Some((local, host)) if !local.is_empty() && !host.is_empty() && !host.contains('@'));
    if is_address {
        Ok(lower)
    } else {
        Err(Error::invalid("user.email.malformed", "this is no e-mail address").at("email"))
    }
}

fn absent(noun: &'static str, name: &str) -> Error {
    let (code, message) = match noun {
        "group" => ("user.group.absent", "there is no such group"),
        "assignment" => ("user.assignment.absent", "there is no such assignment"),
        "session" => ("user.session.absent", "there is no such session"),
        "api_key" => ("user.api_key.absent", "there is no such API key"),
        _ => ("user.absent", "there is no such user"),
    };
    Error::not_found(code, message).with(noun, name)
}

/// The directory's own context of whoever asks something of a service here.
fn directory_context(ctx: &Context, tenant: TenantId) -> Context {
    let context = Context::new(directory_scope(tenant), ctx.actor().clone(), ctx.request_id());
    let context = context.granted(crate::Grants::all());
    match ctx.trace() {
        Some(trace) => context.traced(trace),
        None => context,
    }
}

/// A role, what it is held over and until when, as [`Assignment`] and the rows of it have it.
fn scope_of(object_type: Option<&ApiName>, key: Option<&Key>) -> crate::access::Scope {
    match (object_type, key) {
        (None, _) => crate::access::Scope::Tenant,
        (Some(of), None) => crate::access::Scope::ObjectType(of.clone()),
        (Some(of), Some(key)) => crate::access::Scope::Object(of.clone(), key.clone()),
    }
}

/// The context of the deployment itself, which is of no tenant.
fn deployment_context(request: uuid::Uuid) -> Context {
    let scope = Scope { tenant: TenantId::DEFAULT, space: SpaceId::DEFAULT };
    Context::new(scope, crate::Actor::system(), crate::RequestId::from_uuid(request))
}
