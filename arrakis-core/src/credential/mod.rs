//! What proves who someone is: passwords, one-time codes, API keys, tokens and the keys that sign them. Nothing here is stored or sent;
//! [`crate::user`] keeps what these make.
//!
//! One root secret, which the deployment holds and no store has, is behind all of it: a [`Vault`] seals what must be read again and digests
//! what must only be recognised, so a copy of the database alone proves nobody's identity.

pub mod api_key;
pub mod hasher;
pub mod key_set;
pub mod password;
pub mod recovery;
mod secret;
pub mod throttle;
pub mod token;
pub mod totp;
mod vault;

pub use self::secret::Secret;
pub use self::vault::{ROOT_LEN, Vault, derive_key};
