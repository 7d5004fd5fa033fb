//! Objects of a directory as they are kept.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ApiKeyInfo, Assignment, Group, GroupMember, SessionInfo, User};
use crate::credential::key_set::KeyState;
use crate::kernel::{Edit, Expect, NewProperties, Object};
use crate::{ApiName, Env, Error, Key, Result, Seq, Timestamp};

/// An object of a directory: a row of one type.
pub(super) trait Row: Serialize + DeserializeOwned {
    /// The object type.
    const TYPE: &'static str;

    /// The object as it is to be, in the place of `expect`.
    ///
    /// # Errors
    /// None that a row gives.
    fn put(&self, expect: Option<Expect>) -> Result<Edit> {
        let properties = NewProperties::try_from(
            serde_json::to_value(self)
                .map_err(|e| Error::internal("user.row", "a row of a directory has a JSON form").caused_by(e))?,
        )?;
        Ok(Edit::Upsert { object_type: Self::TYPE.into(), properties, expect })
    }

    /// The object, which must not be there yet.
    ///
    /// # Errors
    /// None that a row gives.
    fn create(&self) -> Result<Edit> {
        self.put(Some(Expect::Absent))
    }

    /// Reads an object.
    ///
    /// # Errors
    /// `user.row` for what no version of this crate wrote.
    fn read(object: &Object) -> Result<Self> {
        let malformed = |e| {
            Error::corrupt("user.row", "an object of the directory is malformed").with("type", Self::TYPE).caused_by(e)
        };
        serde_json::to_value(&object.properties).and_then(serde_json::from_value).map_err(malformed)
    }
}

/// Deletes an object of a directory.
pub(super) fn delete<R: Row>(id: &str, expect: Option<Expect>) -> Edit {
    Edit::Delete { object_type: R::TYPE.into(), key: id.into(), expect }
}

/// A row and the commit that wrote it.
#[derive(Clone, Debug)]
pub(super) struct Kept<R> {
    pub(super) row: R,
    pub(super) revision: Seq,
}

impl<R: Row> Kept<R> {
    /// Reads an object.
    ///
    /// # Errors
    /// `user.row`.
    pub(super) fn of(object: &Object) -> Result<Self> {
        Ok(Self { row: R::read(object)?, revision: object.revision })
    }

    /// The object as it is to be, where nobody wrote it since.
    ///
    /// # Errors
    /// None that a row gives.
    pub(super) fn replace(&self, row: &R) -> Result<Edit> {
        row.put(Some(Expect::At(self.revision)))
    }
}

macro_rules! rows {
    ($($row:ty: $name:literal),+ $(,)?) => {
        $(impl Row for $row {
            const TYPE: &'static str = $name;
        })+
    };
}

rows! {
    User: "User", Group: "Group", MembershipRow: "Membership", AssignmentRow: "Assignment", PolicyPartRow: "PolicyPart", CredentialRow: "Credential",
    SessionRow: "Session", ApiKeyRow: "ApiKey", IdentityRow: "Identity", InvitationRow: "Invitation", RevocationRow: "Revocation",
    SigningKeyRow: "SigningKey", GuardRow: "Guard",
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MembershipRow {
    pub(super) id: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    child: Option<String>,
    pub(super) group: String,
}

impl MembershipRow {
    /// A member in a group, both by id.
    pub(super) fn of(member: &GroupMember, group: &str) -> Self {
        let (user, child) = match member.clone() {
            GroupMember::User(user) => (Some(user), None),
            GroupMember::Group(child) => (None, Some(child)),
        };
        let id = user.as_ref().or(child.as_ref()).map_or_else(String::new, |member| format!("{member}/{group}"));
        Self { id, user, child, group: group.into() }
    }

    pub(super) fn member(&self) -> Option<GroupMember> {
        self.user.clone().map(GroupMember::User).or_else(|| self.child.clone().map(GroupMember::Group))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AssignmentRow {
    pub(super) id: String,
    #[serde(default)]
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) group: Option<String>,
    pub(super) role: ApiName,
    #[serde(default)]
    pub(super) object_type: Option<ApiName>,
    /// A key's JSON form.
    #[serde(default)]
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) expires_at: Option<Timestamp>,
}

impl AssignmentRow {
    pub(super) fn of(assignment: &Assignment) -> Self {
        let Assignment { id, holder, role, object_type, key, expires_at } = assignment.clone();
        let (user, group) = match holder {
            GroupMember::User(user) => (Some(user), None),
            GroupMember::Group(group) => (None, Some(group)),
        };
        let key = key.map(|key| match key {
            Key::Integer(number) => number.to_string(),
            Key::String(text) => serde_json::Value::String(text.to_string()).to_string(),
        });
        Self { id, user, group, role, object_type, key, expires_at }
    }

    pub(super) fn assignment(self) -> Result<Assignment> {
        let malformed = || Error::corrupt("user.row", "an assignment of the directory is malformed");
        let holder = match (self.user, self.group) {
            (Some(user), None) => GroupMember::User(user),
            (None, Some(group)) => GroupMember::Group(group),
            _ => return Err(malformed()),
        };
        let key = self.key.map(|key| serde_json::from_str(&key).map_err(|_| malformed())).transpose()?;
        let Self { id, role, object_type, expires_at, .. } = self;
        Ok(Assignment { id, holder, role, object_type, key, expires_at })
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PolicyPartRow {
    pub(super) id: String,
    pub(super) text: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct CredentialRow {
    /// The user's.
    pub(super) id: String,
    #[serde(default)]
    pub(super) password: Option<String>,
    #[serde(default)]
    pub(super) password_at: Option<Timestamp>,
    /// The secret of one-time codes, sealed.
    #[serde(default)]
    pub(super) totp: Option<String>,
    /// The same, until a code shows that it has arrived.
    #[serde(default)]
    pub(super) totp_pending: Option<String>,
    /// The last step a code was used of.
    #[serde(default)]
    pub(super) totp_step: Option<i64>,
    /// Digests of recovery codes.
    #[serde(default)]
    pub(super) recovery: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) client: String,
    #[serde(default)]
    pub(super) device: Option<String>,
    #[serde(default)]
    pub(super) methods: Vec<String>,
    /// How often it was given tokens: the refresh token of the last time is the one in force.
    pub(super) generation: i64,
    /// What makes its refresh tokens others than those of any session before it.
    pub(super) nonce: String,
    pub(super) created_at: Timestamp,
    pub(super) rotated_at: Timestamp,
}

impl SessionRow {
    pub(super) fn info(&self) -> SessionInfo {
        let Self { id, client, device, created_at, rotated_at, .. } = self.clone();
        SessionInfo { id, client, device, created_at, used_at: rotated_at }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ApiKeyRow {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) name: String,
    pub(super) digest: String,
    #[serde(default)]
    pub(super) roles: Option<Vec<ApiName>>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    #[serde(default)]
    pub(super) used_at: Option<Timestamp>,
}

impl ApiKeyRow {
    pub(super) fn info(&self) -> ApiKeyInfo {
        let Self { id, name, roles, created_at, expires_at, used_at, .. } = self.clone();
        ApiKeyInfo { id, name, roles, created_at, expires_at, used_at }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct IdentityRow {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) issuer: String,
    pub(super) subject: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct InvitationRow {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) digest: String,
    pub(super) expires_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RevocationRow {
    pub(super) id: String,
    /// Another each time, so that it is always written: what is left as it was is not.
    nonce: String,
    at: Timestamp,
}

impl RevocationRow {
    pub(super) fn new(id: impl Into<String>, env: &Env) -> Self {
        Self { id: id.into(), nonce: env.uuid().to_string(), at: env.now() }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SigningKeyRow {
    pub(super) id: String,
    pub(super) state: KeyState,
    pub(super) public: String,
    #[serde(default)]
    pub(super) sealed: Option<String>,
    pub(super) since: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GuardRow {
    pub(super) id: String,
    /// Another each time, so that it is always written: what is left as it was is not.
    nonce: String,
    at: Timestamp,
}

impl GuardRow {
    pub(super) fn new(id: impl Into<String>, env: &Env) -> Self {
        Self { id: id.into(), nonce: env.uuid().to_string(), at: env.now() }
    }
}
