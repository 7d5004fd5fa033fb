//! Logging in, and what proves who someone is from then on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::credential::Secret;
use crate::{ApiName, Timestamp};

/// The most sessions of a user: the one used least recently ends when there is another.
pub const SESSIONS_MAX: usize = 100;

/// How long sessions and what they are given last.
#[derive(Clone, Copy, Debug)]
pub struct SessionLife {
    /// An access token, seconds: 300 to 600.
    pub access_s: i64,
    /// A session that is not used.
    pub idle: Duration,
    /// A session however much it is used.
    pub absolute: Duration,
    /// How long a refresh token that was used gives the same answer again, for a client that did not hear the first.
    pub grace: Duration,
}

impl Default for SessionLife {
    fn default() -> Self {
        let day = Duration::from_secs(86_400);
        Self { access_s: 300, idle: 14 * day, absolute: 90 * day, grace: Duration::from_secs(10) }
    }
}

/// Who someone says they are, and what proves it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name or the address of a user.
    pub name: String,
    /// The password.
    pub password: Secret,
    /// What else proves it, for those who have set it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondFactor>,
    /// The application that logs in.
    pub client: String,
    /// What the user will know the session by, such as the name of a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Where the attempt comes from, as a server saw it; its attempts are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// What else proves who someone is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// A one-time code.
    Totp(Secret),
    /// A recovery code.
    Recovery(Secret),
}

/// What someone acts with from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Tokens {
    /// Given with every request.
    pub access: Secret,
    /// Until when.
    pub expires_at: Timestamp,
    /// Exchanged for the next tokens, once.
    pub refresh: Secret,
    /// The session.
    pub session: String,
}

/// A user as another provider knows them, when that provider has just said so to us itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FederatedIdentity {
    /// The provider.
    pub issuer: String,
    /// What it calls the user.
    pub subject: String,
    /// The address it gives.
    pub email: Option<String>,
    /// Whether it has shown that the address is theirs.
    pub email_verified: bool,
    /// Whether the provider is trusted to say whose an address is: only then is a user found by it.
    pub is_trusted: bool,
}

/// A password to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// Whose, by id or name; one's own when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password there is: needed for one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Secret>,
    /// The password there is to be.
    pub password: Secret,
}

/// What an authenticator app is set up with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct TotpEnrolment {
    /// The secret, to be typed.
    pub secret: Secret,
    /// The same, to be scanned.
    pub uri: Secret,
}

/// Codes to be kept for when the authenticator is lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct RecoveryCodes {
    /// The codes, each for one use. They are told this once.
    pub codes: Vec<Secret>,
}

/// Where a user is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SessionInfo {
    /// Its identifier.
    pub id: String,
    /// The application.
    pub client: String,
    /// What the user knows it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last given tokens.
    pub used_at: Timestamp,
}

/// An API key to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// Whose, by id or name; one's own when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What it is for.
    pub name: String,
    /// Which of the user's roles it acts with; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<ApiName>>,
    /// For how many days, 1 to 365.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 1, max = 365)))]
    pub days: u32,
}

/// An API key, the one time it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ShownApiKey {
    /// The key.
    pub key: Secret,
    /// What is known of it from now on.
    pub info: ApiKeyInfo,
}

/// An API key without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ApiKeyInfo {
    /// Its identifier, which the key shows.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Which roles it acts with; all of the user's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<ApiName>>,
    /// Since when there is such a key.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was last used, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
}
