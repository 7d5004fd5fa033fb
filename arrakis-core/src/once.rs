//! Requests that happen once, however often they are sent.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::{CommitId, Context, Error, Result};

/// The longest idempotency key, bytes.
pub const IDEMPOTENCY_KEY_LEN_MAX: usize = 255;

/// A request under an idempotency key of whoever acts: sent again, to whichever process and whenever, it is answered as it was and nothing more is done;
/// another request under the key is refused.
#[derive(Clone)]
pub struct Once {
    key: Arc<str>,
    id: CommitId,
    request: Arc<str>,
}

impl Once {
    /// A request, by everything that makes it this one, of whoever acts in a context.
    ///
    /// # Errors
    /// `request.idempotency.key`.
    pub fn new(ctx: &Context, key: &str, request: &[&[u8]]) -> Result<Self> {
        if key.is_empty()
            || key.len() > IDEMPOTENCY_KEY_LEN_MAX
            || !key.bytes().all(|byte| (0x21..0x7f).contains(&byte))
        {
            let malformed = "an idempotency key is 1 to 255 visible characters";
            return Err(
                Error::invalid("request.idempotency.key", malformed).with("length_max", IDEMPOTENCY_KEY_LEN_MAX)
            );
        }
        let tenant = ctx.scope().tenant.uuid();
        let own = [tenant.as_bytes(), ctx.actor().as_str().as_bytes()];
        let named = Uuid::try_parse(key).ok();
        let id = named.unwrap_or_else(|| {
            let parts = own.into_iter().chain([key.as_bytes()]);
            uuid::Builder::from_custom_bytes(digest("arrakis 2026 idempotency key", parts)).into_uuid()
        });
        let request = digest("arrakis 2026 idempotent request", own.into_iter().chain(request.iter().copied()));
        let request = format!("{:032x}", u128::from_be_bytes(request)).into();
        Ok(Self { key: key.into(), id: CommitId::from_uuid(id), request })
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The id of the commit it makes: the key, where that is a UUID, else derived of whose it is and the key.
    pub const fn id(&self) -> CommitId {
        self.id
    }

    /// Names a commit by the key, where its writer has not named it. Whether it did.
    pub fn names(&self, commit: &mut Option<CommitId>) -> bool {
        let is_unnamed = commit.is_none();
        commit.get_or_insert(self.id);
        is_unnamed
    }

    /// The id of one of several commits it makes, each for itself, by its place among them.
    pub fn id_of(&self, place: usize) -> CommitId {
        self.derived("arrakis 2026 idempotent part", &(place as u64).to_le_bytes())
    }

    /// The id of a commit that bears a sealed answer: the key, which opens it, cannot be read off it.
    #[cfg(feature = "users")]
    pub(crate) fn hidden_id(&self) -> CommitId {
        self.derived("arrakis 2026 idempotent answer id", &[])
    }

    fn derived(&self, purpose: &str, part: &[u8]) -> CommitId {
        let bytes = digest(purpose, [self.id.uuid().as_bytes().as_slice(), part]);
        CommitId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The digest of the request and of whose it is.
    pub const fn request(&self) -> &Arc<str> {
        &self.request
    }

    /// That another request was sent under the key.
    pub fn other() -> Error {
        let other = "another request was sent under this idempotency key";
        Error::conflict("request.idempotency.other_request", other)
    }
}

/// The parts of a text, none of which can be taken for a part of another, as 16 bytes.
fn digest<'p>(purpose: &str, parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

impl fmt::Debug for Once {
    /// Without the key: whoever has it may ask for the answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("id", &self.id).finish_non_exhaustive()
    }
}
