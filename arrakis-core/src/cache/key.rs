//! What an entry is kept under.

use std::fmt::{self, Write as _};

use uuid::Uuid;

use crate::{Key, ObjectTypeId, SpaceId, TenantId};

/// The longest text of a key, in bytes. [`CacheKey::new`] hashes what is longer.
pub const CACHE_KEY_LEN_MAX: usize = 128;

/// Whose entries a call is about. A call is about one owner, so that nothing crosses a tenant and a cluster keeps it on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheOwner {
    /// What is read for a tenant.
    Tenant(TenantId),
    /// What the tenants of a space share: its ontology.
    Space(SpaceId),
}

/// What kind of thing an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CacheKind {
    /// An object of a type.
    Object(ObjectTypeId),
    /// A version of an ontology.
    Schema,
}

/// What an entry is kept under, within its owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey {
    kind: CacheKind,
    text: String,
}

impl CacheOwner {
    /// The id of the tenant or the space.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Tenant(tenant) => tenant.uuid(),
            Self::Space(space) => space.uuid(),
        }
    }
}

impl fmt::Display for CacheOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid().fmt(f)
    }
}

impl fmt::Display for CacheKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object_type) => write!(f, "object:{object_type}"),
            Self::Schema => f.write_str("schema"),
        }
    }
}

impl CacheKey {
    /// A key of any text. Characters but ASCII letters, digits and `-._/` are written as `%` and two hexadecimal digits a byte; what is
    /// then longer than [`CACHE_KEY_LEN_MAX`] is kept under its BLAKE3 hash.
    pub fn new(kind: CacheKind, text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._/".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                // Writing to a string does not fail.
                let _ = write!(escaped, "%{byte:02x}");
            }
        }
        if escaped.len() > CACHE_KEY_LEN_MAX {
            escaped = format!("~{}", blake3::hash(text.as_bytes()).to_hex());
        }
        Self { kind, text: escaped }
    }

    /// The kind of what is kept.
    pub const fn kind(&self) -> CacheKind {
        self.kind
    }

    /// The text: printable ASCII without spaces and colons, at most [`CACHE_KEY_LEN_MAX`] bytes.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The text of an object's key, which tells the number 1 from the text `1`.
pub(super) fn object_text(key: &Key) -> String {
    match key {
        Key::Integer(number) => format!("i/{number}"),
        Key::String(text) => format!("s/{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_texts_are_different_keys_of_bounded_length() {
        let long = "x".repeat(CACHE_KEY_LEN_MAX + 1);
        let longer = format!("{long}x");
        let texts = ["", "a", "A", "a b", "a%20b", "a:b", "{a}", "é", "e\u{301}", "\0", "\r\n", "~", &long, &longer];
        let keys: std::collections::BTreeSet<_> =
            texts.iter().map(|text| CacheKey::new(CacheKind::Schema, text)).collect();
        assert_eq!(keys.len(), texts.len());
        for key in keys {
            assert!(key.text().len() <= CACHE_KEY_LEN_MAX, "{key:?}");
            assert!(key.text().bytes().all(|byte| byte.is_ascii_graphic() && !b":{}".contains(&byte)), "{key:?}");
        }
    }

    #[test]
    fn a_number_and_its_digits_are_two_objects() {
        assert_ne!(object_text(&Key::Integer(1)), object_text(&Key::string("1")));
    }
}
