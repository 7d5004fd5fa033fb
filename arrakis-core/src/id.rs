//! Typed identifiers. A tenant id cannot be passed for a commit id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
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
    /// The tenant an embedded store starts with.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0001));
}

impl SpaceId {
    /// The space an embedded store starts with.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0002));
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
