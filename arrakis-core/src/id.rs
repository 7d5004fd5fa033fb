//! Typed identifiers. A tenant id cannot be passed for a commit id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{Error, Result};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID (RFC 9562).
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Serialize for $name {
            /// As text in every format.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Uuid::try_parse(&text).map(Self).map_err(de::Error::custom)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|e| Error::invalid("id.malformed", concat!("not a ", $noun, " id: a UUID is expected")).caused_by(e))
            }
        }
    };
}

uuid_id!(
    /// A tenant: the fence no row, event or cache entry crosses.
    TenantId, "tenant"
);
uuid_id!(
    /// A space: one ontology, which one or many tenants use.
    SpaceId, "space"
);
uuid_id!(
    /// A commit, chosen by the caller: the idempotency key of the write.
    CommitId, "commit"
);
uuid_id!(
    /// A request, for correlating logs and audit records.
    RequestId, "request"
);

impl TenantId {
    /// The tenant an embedded store starts with, called [`TENANCY_NAME_DEFAULT`].
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0001));

    /// The id of the tenant created under a name: the same name, the same id, in every store.
    ///
    /// # Errors
    /// `tenancy.name.malformed` for an empty name, one longer than [`TENANCY_NAME_LEN_MAX`], or one with control characters.
    pub fn named(name: &str) -> Result<Self> {
        if name == TENANCY_NAME_DEFAULT { Ok(Self::DEFAULT) } else { named("tenant", name).map(Self) }
    }
}

impl SpaceId {
    /// The space an embedded store starts with, called [`TENANCY_NAME_DEFAULT`].
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0002));

    /// The id of the space created under a name: the same name, the same id, in every store.
    ///
    /// # Errors
    /// As [`TenantId::named`].
    pub fn named(name: &str) -> Result<Self> {
        if name == TENANCY_NAME_DEFAULT { Ok(Self::DEFAULT) } else { named("space", name).map(Self) }
    }
}

/// The name of the space and of the tenant an embedded store starts with.
pub const TENANCY_NAME_DEFAULT: &str = "default";
/// The longest name of a space or tenant, in bytes.
pub const TENANCY_NAME_LEN_MAX: usize = 200;

/// A UUID made of the hash of a name (RFC 9562 version 8).
fn named(noun: &str, name: &str) -> Result<Uuid> {
    if name.is_empty() || name.len() > TENANCY_NAME_LEN_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "tenancy.name.malformed",
            format!("a {noun} is named in 1 to {TENANCY_NAME_LEN_MAX} bytes without control characters"),
        )
        .with("length_max", TENANCY_NAME_LEN_MAX));
    }
    let mut bytes = [0; 16];
    blake3::Hasher::new().update(noun.as_bytes()).update(&[0]).update(name.as_bytes()).finalize_xof().fill(&mut bytes);
    Ok(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

macro_rules! element_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

element_id!(
    /// An object type within its space. Assigned once, never reused, kept through renames.
    ObjectTypeId
);
element_id!(
    /// A property within its object or link type. Assigned once, never reused, kept through renames.
    PropertyId
);
element_id!(
    /// A link type within its space. Assigned once, never reused, kept through renames.
    LinkTypeId
);

/// The place of a commit in its store's log: gap-free, starting at 1; 0 is the empty store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_id_of_its_kind() {
        assert_eq!(TenantId::named("acme").unwrap(), TenantId::named("acme").unwrap());
        assert_ne!(TenantId::named("acme").unwrap(), TenantId::named("acme2").unwrap());
        assert_ne!(TenantId::named("acme").unwrap().uuid(), SpaceId::named("acme").unwrap().uuid());
        assert_eq!(TenantId::named("acme").unwrap().uuid().get_version_num(), 8);
        assert_eq!(TenantId::named(TENANCY_NAME_DEFAULT).unwrap(), TenantId::DEFAULT);
        assert_eq!(SpaceId::named(TENANCY_NAME_DEFAULT).unwrap(), SpaceId::DEFAULT);
        for bad in ["", "a\nb", &"x".repeat(TENANCY_NAME_LEN_MAX + 1)] {
            assert_eq!(TenantId::named(bad).unwrap_err().code(), "tenancy.name.malformed");
        }
    }
}
