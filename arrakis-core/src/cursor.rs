//! Keyset cursors: opaque, authenticated, bound to a tenant, a request and a snapshot.
//!
//! A cursor is a payload and a tag. The tag is keyed BLAKE3 under the store's cursor key over the tenant and the payload, so a cursor
//! is good for any process of the same store and for nobody else's data. It is not encrypted: it holds what its page showed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::kernel::plan::Position;
use crate::{BaseType, Error, Key, ObjectTypeId, Result, Seq, TenantId, Value, canonical_json};

/// The longest cursor that is looked at, in bytes.
pub const CURSOR_LEN_MAX: usize = 65_536;
const TAG_LEN: usize = 16;
const CONTEXT: &str = "arrakis 2026-11 cursor v1";

/// The hash of a request without its cursor and page size: what a cursor is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestHash([u8; 16]);

impl RequestHash {
    /// The hash of a request's canonical JSON.
    pub(crate) fn of(request: &serde_json::Value) -> Self {
        let mut hash = [0; 16];
        let mut hasher = blake3::Hasher::new();
        hasher.update(canonical_json(request).as_bytes());
        hasher.finalize_xof().fill(&mut hash);
        Self(hash)
    }
}

/// What a cursor says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cursor {
    /// The snapshot its first page was read at.
    pub(crate) snapshot: Seq,
    /// Where the next page starts after.
    pub(crate) position: Position,
}

#[derive(Serialize, Deserialize)]
struct Payload([u8; 16], Seq, ObjectTypeId, Key, Vec<serde_json::Value>);

/// Seals and opens the cursors of one store.
#[derive(Clone)]
pub(crate) struct Cursors {
    key: [u8; 32],
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursors").finish_non_exhaustive()
    }
}

impl Cursors {
    /// With the secret of a store, [`crate::CommitLog::cursor_key`].
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self { key: blake3::derive_key(CONTEXT, secret) }
    }

    /// The text of a cursor.
    pub(crate) fn seal(&self, tenant: TenantId, request: RequestHash, cursor: &Cursor) -> Result<String> {
        let Position { values, object_type, key } = &cursor.position;
        let values = values.iter().map(Value::to_json).collect();
        let payload = Payload(request.0, cursor.snapshot, *object_type, key.clone(), values);
        let mut bytes = serde_json::to_vec(&payload)
            .map_err(|e| Error::internal("cursor.unwritable", "a cursor cannot be written").caused_by(e))?;
        let tag = self.tag(tenant, &bytes);
        bytes.extend_from_slice(&tag);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What the text of a cursor says, for the request it comes with, whose order terms have these types.
    ///
    /// # Errors
    /// `cursor.invalid` for anything this store did not seal for this tenant; `cursor.other_request` for a cursor of another request.
    pub(crate) fn open(
        &self,
        tenant: TenantId,
        request: RequestHash,
        text: &str,
        types: &[&BaseType],
    ) -> Result<Cursor> {
        let invalid = || {
            Error::invalid("cursor.invalid", "the cursor was not given out by this store for this tenant")
                .at("page.cursor")
        };
        if text.len() > CURSOR_LEN_MAX {
            return Err(invalid().with("length_max", CURSOR_LEN_MAX));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let (payload, tag) = bytes.split_last_chunk::<TAG_LEN>().ok_or_else(invalid)?;
        if !constant_time_eq(&self.tag(tenant, payload), tag) {
            return Err(invalid());
        }
        let Payload(bound_to, snapshot, object_type, key, values) =
            serde_json::from_slice(payload).map_err(|_| invalid())?;
        if bound_to != request.0 || values.len() != types.len() {
            return Err(
                Error::invalid("cursor.other_request", "the cursor belongs to another request").at("page.cursor")
            );
        }
        let values = values
            .iter()
            .zip(types)
            .map(|(json, base)| base.read(json))
            .collect::<Result<_>>()
            .map_err(|_| invalid())?;
        Ok(Cursor { snapshot, position: Position { values, object_type, key } })
    }

    fn tag(&self, tenant: TenantId, payload: &[u8]) -> [u8; TAG_LEN] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(tenant.uuid().as_bytes());
        hasher.update(payload);
        let mut tag = [0; TAG_LEN];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }
}

/// Compares without telling, by the time it takes, where two tags differ.
fn constant_time_eq(left: &[u8; TAG_LEN], right: &[u8; TAG_LEN]) -> bool {
    left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Timestamp;

    fn cursor() -> Cursor {
        let values = vec![
            Value::string("SFO"),
            Value::Null,
            Value::Timestamp(Timestamp::EPOCH),
            Value::Integer(i64::MIN),
            Value::Double(0.1),
        ];
        Cursor { snapshot: Seq(7), position: Position { values, object_type: ObjectTypeId(3), key: Key::Integer(-1) } }
    }

    const TYPES: [&BaseType; 5] =
        [&BaseType::String, &BaseType::Date, &BaseType::Timestamp, &BaseType::Integer, &BaseType::Double];

    #[test]
    fn a_cursor_opens_for_its_own_tenant_and_request_only() {
        let (cursors, request) = (Cursors::new(&[1; 32]), RequestHash::of(&json!({ "b": 1, "a": 2 })));
        let text = cursors.seal(TenantId::DEFAULT, request, &cursor()).unwrap();
        let open = |cursors: &Cursors, tenant, request, text: &str| cursors.open(tenant, request, text, &TYPES);
        assert_eq!(
            open(&cursors, TenantId::DEFAULT, RequestHash::of(&json!({ "a": 2, "b": 1 })), &text).unwrap(),
            cursor()
        );

        let other_tenant = TenantId::from_uuid(uuid::Uuid::from_u128(9));
        assert_eq!(open(&cursors, other_tenant, request, &text).unwrap_err().code(), "cursor.invalid");
        assert_eq!(
            open(&Cursors::new(&[2; 32]), TenantId::DEFAULT, request, &text).unwrap_err().code(),
            "cursor.invalid"
        );
        let other_request = RequestHash::of(&json!({}));
        assert_eq!(open(&cursors, TenantId::DEFAULT, other_request, &text).unwrap_err().code(), "cursor.other_request");
    }

    #[test]
    fn no_changed_byte_opens() {
        let (cursors, request) = (Cursors::new(&[1; 32]), RequestHash::of(&json!({})));
        let text = cursors.seal(TenantId::DEFAULT, request, &cursor()).unwrap();
        for index in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            let result = cursors.open(TenantId::DEFAULT, request, &changed, &TYPES);
            assert!(result.is_err() || changed == text, "byte {index}");
        }
        for text in ["", "A", "AAAAAAAAAAAAAAAAAAAAAAAA", "not base64!", &"A".repeat(CURSOR_LEN_MAX + 1)] {
            assert_eq!(cursors.open(TenantId::DEFAULT, request, text, &TYPES).unwrap_err().code(), "cursor.invalid");
        }
    }
}
