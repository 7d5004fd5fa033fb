//! Who asks, for which tenant, with which rights: the first argument of every service method.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::access::Access;
use crate::{Error, ErrorKind, Once, RequestId, Result, Seq, SpaceId, TenantId};

/// The longest actor name, in bytes.
pub const ACTOR_LEN_MAX: usize = 200;

/// Who acts: a user, a service account or the system, by a stable name such as `user:alice`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(Arc<str>);

impl Actor {
    /// Checks and takes an actor's name.
    ///
    /// # Errors
    /// `actor.malformed` for an empty name, one longer than [`ACTOR_LEN_MAX`], or one with control characters.
    pub fn parse(name: &str) -> Result<Self> {
        if name.is_empty() || name.len() > ACTOR_LEN_MAX || name.chars().any(char::is_control) {
            return Err(Error::invalid(
                "actor.malformed",
                "an actor is named in 1 to 200 bytes without control characters",
            )
            .with("length_max", ACTOR_LEN_MAX));
        }
        Ok(Self(name.into()))
    }

    /// Arrakis itself.
    pub fn system() -> Self {
        Self("system".into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What a service method needs. Each method names one; a context without it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Permission {
    /// Read schemas and their versions.
    OntologyRead,
    /// Plan a change of the ontology, which shows counts and keys of violating objects.
    OntologyPlan,
    /// Publish a new version of the ontology.
    OntologyPublish,
    /// Read objects, links and their history.
    ObjectRead,
    /// Create, modify and delete objects and links.
    ObjectWrite,
    /// Execute actions, and undo what was done.
    ActionExecute,
    /// Create spaces and tenants.
    TenancyManage,
    /// Read users, groups and what is assigned to them.
    UserRead,
    /// Create, change and delete users and groups, and what they prove with who they are.
    UserManage,
    /// Assign roles, and take them away.
    RoleAssign,
    /// Read the policy, and ask what it comes to for others.
    PolicyRead,
    /// Put another policy in force.
    PolicyManage,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 12] = [
        Self::OntologyRead,
        Self::OntologyPlan,
        Self::OntologyPublish,
        Self::ObjectRead,
        Self::ObjectWrite,
        Self::ActionExecute,
        Self::TenancyManage,
        Self::UserRead,
        Self::UserManage,
        Self::RoleAssign,
        Self::PolicyRead,
        Self::PolicyManage,
    ];

    /// A permission by its name.
    ///
    /// # Errors
    /// `permission.unknown`.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.name() == name)
            .ok_or_else(|| Error::invalid("permission.unknown", "there is no such permission").with("permission", name))
    }

    /// That an actor lacks it.
    pub(crate) fn denied(self) -> Error {
        Error::new(ErrorKind::Forbidden, "permission.denied", "this actor may not do this")
            .with("permission", self.name())
    }

    /// The stable name, as in `object.write`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OntologyRead => "ontology.read",
            Self::OntologyPlan => "ontology.plan",
            Self::OntologyPublish => "ontology.publish",
            Self::ObjectRead => "object.read",
            Self::ObjectWrite => "object.write",
            Self::ActionExecute => "action.execute",
            Self::TenancyManage => "tenancy.manage",
            Self::UserRead => "user.read",
            Self::UserManage => "user.manage",
            Self::RoleAssign => "role.assign",
            Self::PolicyRead => "policy.read",
            Self::PolicyManage => "policy.manage",
        }
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A set of permissions; empty unless granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants(u64);

impl Grants {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Everything: the embedding application vouches for its own calls.
    pub fn all() -> Self {
        Permission::ALL.into_iter().fold(Self::NONE, Self::with)
    }

    /// This set and one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u8)
    }

    /// Whether the permission is in the set.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u8 != 0
    }
}

/// The tenant and its space: what a store needs to be asked anything. Taken from a [`Context`], so no read is unscoped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Whose data.
    pub tenant: TenantId,
    /// Under which ontology.
    pub space: SpaceId,
}

/// Who asks, for which tenant, with which rights and until when.
#[derive(Clone, Debug)]
pub struct Context {
    scope: Scope,
    actor: Actor,
    grants: Grants,
    request_id: RequestId,
    trace: Option<Arc<str>>,
    deadline: Option<Duration>,
    at_least: Option<Seq>,
    access: Option<Arc<Access>>,
    once: Option<Arc<Once>>,
}

impl Context {
    /// A context that may do nothing until permissions are granted.
    pub const fn new(scope: Scope, actor: Actor, request_id: RequestId) -> Self {
        Self {
            scope,
            actor,
            grants: Grants::NONE,
            request_id,
            trace: None,
            deadline: None,
            at_least: None,
            access: None,
            once: None,
        }
    }

    /// With these permissions in place of the present ones.
    #[must_use]
    pub const fn granted(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// As the subject of an access, with its rights in place of the present ones: the permissions its roles give, and of the objects and
    /// properties those its policy lets it see and change.
    #[must_use]
    pub fn with_access(mut self, access: Arc<Access>) -> Self {
        self.actor = access.subject().actor.clone();
        self.grants = access.grants();
        self.access = Some(access);
        self
    }

    /// As another actor.
    #[must_use]
    pub fn acting_as(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// With a W3C `traceparent`.
    #[must_use]
    pub fn traced(mut self, traceparent: impl Into<Arc<str>>) -> Self {
        self.trace = Some(traceparent.into());
        self
    }

    /// With a deadline on [`crate::Env::monotonic`]'s clock.
    #[must_use]
    pub const fn until(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Without a deadline: what goes on for as long as someone listens.
    #[must_use]
    pub const fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Reads see at least the commit at `seq`, through any cache or replica.
    #[must_use]
    pub const fn at_least(mut self, seq: Seq) -> Self {
        self.at_least = Some(seq);
        self
    }

    /// As a request that happens once: a write of users, groups, roles and credentials made in this context is not made again, and one whose commit is
    /// named by it ([`Once::names`]) is made by this request only.
    #[must_use]
    pub fn under(mut self, once: Once) -> Self {
        self.once = Some(Arc::new(once));
        self
    }

    /// The tenant and space.
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// Who acts.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What the actor may see and change; `None` for one whose permissions are over every object, such as the embedding application.
    pub const fn access(&self) -> Option<&Arc<Access>> {
        self.access.as_ref()
    }

    /// The request.
    pub const fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// The W3C `traceparent`, when there is one.
    pub fn trace(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// The deadline on [`crate::Env::monotonic`]'s clock.
    pub const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The commit every read must have seen.
    pub const fn least_seq(&self) -> Option<Seq> {
        self.at_least
    }

    /// The request, where it is one that happens once.
    pub fn once(&self) -> Option<&Once> {
        self.once.as_deref()
    }

    /// Passes when the permission was granted.
    ///
    /// # Errors
    /// `permission.denied`, naming the permission.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.grants.contains(permission) { Ok(()) } else { Err(permission.denied()) }
    }
}
