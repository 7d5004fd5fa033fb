//! Keyset cursors: opaque, authenticated, bound to a tenant, a query and a snapshot.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value as Json;

use crate::{Error, Result, Seq, TenantId, canonical_json};

/// The longest cursor, in bytes of its text: an order by the longest texts fits.
pub const CURSOR_LEN_MAX: usize = 16_777_216;

const FORMAT: u8 = 1;
const TAG_LEN: usize = 32;

/// Where a walk over pages has come to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cursor {
    /// What is walked.
    pub(crate) query: QueryHash,
    /// The state all pages read.
    pub(crate) seq: Seq,
    /// The schema version the query was resolved under.
    pub(crate) schema_version: u32,
    /// The last result given, in the form of the query's own.
    pub(crate) position: Json,
}

impl Cursor {
    /// Passes where the cursor continues this query, which must have been resolved: only then is it known to be of a size to hash.
    ///
    /// # Errors
    /// `cursor.other_query`.
    pub(crate) fn continues(&self, query: QueryHash) -> Result<()> {
        if self.query == query {
            return Ok(());
        }
        Err(Error::invalid("cursor.other_query", "the cursor belongs to another query"))
    }
}

/// The hash of what defines a query's answer: everything but the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueryHash([u8; 16]);

impl QueryHash {
    /// Hashes the canonical JSON of a request, under the name of its method.
    pub(crate) fn of(method: &str, request: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_value(request)
            .map_err(|e| Error::internal("cursor.unwritable", "a request has no JSON form").caused_by(e))?;
        let mut hasher = blake3::Hasher::new_derive_key("arrakis query hash v1");
        hasher.update(method.as_bytes()).update(&[0]).update(canonical_json(&json).as_bytes());
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        Ok(Self(hash))
    }
}

/// What cursors are authenticated with: a secret of the store.
#[derive(Clone, Copy)]
pub(crate) struct CursorKey([u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

impl CursorKey {
    pub(crate) const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    fn tag(&self, tenant: TenantId, payload: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.0).update(tenant.uuid().as_bytes()).update(payload).finalize()
    }

    /// The text of a cursor.
    ///
    /// # Errors
    /// `cursor.too_long`, when the values it holds are.
    pub(crate) fn seal(&self, tenant: TenantId, cursor: &Cursor) -> Result<String> {
        let mut payload = vec![FORMAT];
        payload.extend_from_slice(&cursor.query.0);
        payload.extend_from_slice(&cursor.seq.0.to_be_bytes());
        payload.extend_from_slice(&cursor.schema_version.to_be_bytes());
        payload.extend_from_slice(cursor.position.to_string().as_bytes());
        let mut bytes = self.tag(tenant, &payload).as_bytes().to_vec();
        bytes.append(&mut payload);
        let text = URL_SAFE_NO_PAD.encode(bytes);
        if text.len() > CURSOR_LEN_MAX { Err(too_long(text.len())) } else { Ok(text) }
    }

    /// The cursor behind a text, which this key sealed for this tenant.
    ///
    /// # Errors
    /// `cursor.too_long`; `cursor.invalid` for any other text this key did not seal for this tenant.
    pub(crate) fn open(&self, tenant: TenantId, text: &str) -> Result<Cursor> {
        if text.len() > CURSOR_LEN_MAX {
            return Err(too_long(text.len()));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let (tag, payload) = bytes.split_first_chunk::<TAG_LEN>().ok_or_else(invalid)?;
        // A hash compares in constant time.
        if self.tag(tenant, payload) != blake3::Hash::from_bytes(*tag) {
            return Err(invalid());
        }
        decode(payload).ok_or_else(invalid)
    }
}

fn decode(payload: &[u8]) -> Option<Cursor> {
    let (&[FORMAT], rest) = payload.split_first_chunk()? else { return None };
    let (query, rest) = rest.split_first_chunk()?;
    let (seq, rest) = rest.split_first_chunk()?;
    let (schema_version, position) = rest.split_first_chunk()?;
    Some(Cursor {
        query: QueryHash(*query),
        seq: Seq(u64::from_be_bytes(*seq)),
        schema_version: u32::from_be_bytes(*schema_version),
        position: serde_json::from_slice(position).ok()?,
    })
}

/// The one refusal of every cursor that is not ours, so that it teaches nothing.
pub(crate) fn invalid() -> Error {
    Error::invalid("cursor.invalid", "the cursor is not one that was given out here")
}

fn too_long(length: usize) -> Error {
    Error::invalid("cursor.too_long", "the cursor is too long")
        .with("length", length)
        .with("length_max", CURSOR_LEN_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TENANT: TenantId = TenantId::DEFAULT;

    fn cursor() -> Cursor {
        let query = QueryHash::of("query", &json!({ "set": { "type": "Airport" } })).unwrap();
        Cursor { query, seq: Seq(u64::MAX), schema_version: 7, position: json!([["é", null, 0.1], 3, "SFO"]) }
    }

    #[test]
    fn what_was_sealed_opens() {
        let key = CursorKey::new([7; 32]);
        let text = key.seal(TENANT, &cursor()).unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(key.open(TENANT, &text).unwrap(), cursor());
    }

    #[test]
    fn any_other_text_key_or_tenant_is_refused_alike() {
        let key = CursorKey::new([7; 32]);
        let text = key.seal(TENANT, &cursor()).unwrap();
        let refused = |key: CursorKey, tenant, text: &str| {
            assert_eq!(key.open(tenant, text).unwrap_err().code(), "cursor.invalid", "{text}");
        };
        for index in 0..text.len() {
            for replacement in ["A", "B", "_", "="] {
                let mut tampered = text.clone();
                tampered.replace_range(index..=index, replacement);
                if tampered != text {
                    refused(key, TENANT, &tampered);
                }
            }
            refused(key, TENANT, &text[..index]);
        }
        refused(key, TENANT, &format!("{text}A"));
        refused(key, TenantId::from_uuid(uuid::Uuid::from_u128(9)), &text);
        refused(CursorKey::new([8; 32]), TENANT, &text);
        assert_eq!(key.open(TENANT, &"A".repeat(CURSOR_LEN_MAX + 1)).unwrap_err().code(), "cursor.too_long");
    }

    #[test]
    fn another_query_is_told_apart() {
        assert!(cursor().continues(cursor().query).is_ok());
        for other in [
            QueryHash::of("query", &json!({ "set": { "type": "State" } })).unwrap(),
            QueryHash::of("neighbours", &json!({ "set": { "type": "Airport" } })).unwrap(),
        ] {
            assert_eq!(cursor().continues(other).unwrap_err().code(), "cursor.other_query");
        }
    }
}
