//! What the root secret of a deployment is used for.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::Secret;
use crate::{Env, Error, Result};

/// How long a root secret is, bytes.
pub const ROOT_LEN: usize = 32;
/// How a root is named in what was made with it: by so many bytes of a hash of it.
const NAME_LEN: usize = 4;

/// Seals what must be read again (ChaCha20-Poly1305, RFC 8439) and digests what must only be recognised (keyed BLAKE3), with keys derived from a
/// root secret. What was made with an earlier root is still read, so that the root may change.
pub struct Vault {
    env: Env,
    /// The one in use first.
    roots: Vec<Root>,
}

struct Root {
    name: [u8; NAME_LEN],
    /// The same in hexadecimal.
    shown: String,
    sealing: LessSafeKey,
    digesting: Zeroizing<[u8; ROOT_LEN]>,
}

/// A root secret as it is given: in base64url without padding, [`ROOT_LEN`] bytes.
fn read(root: &Secret) -> Result<Zeroizing<[u8; ROOT_LEN]>> {
    let malformed =
        || Error::invalid("vault.root.malformed", "a root secret is 32 bytes in base64url, without padding");
    let bytes = URL_SAFE_NO_PAD.decode(root.expose().trim()).map(Zeroizing::new).map_err(|_| malformed())?;
    <[u8; ROOT_LEN]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| malformed())
}

/// A key of a root secret for a purpose of its own, which tells nothing of the root nor of the keys for other purposes (BLAKE3 in its mode of deriving
/// keys). The purpose is a text written into the program, such as `arrakis 2026 peer`.
///
/// # Errors
/// `vault.root.malformed`.
pub fn derive_key(root: &Secret, purpose: &'static str) -> Result<Zeroizing<[u8; ROOT_LEN]>> {
    Ok(Zeroizing::new(blake3::derive_key(purpose, &*read(root)?)))
}

impl Root {
    fn of(root: &[u8; ROOT_LEN]) -> Result<Self> {
        let sealing = Zeroizing::new(blake3::derive_key("arrakis 2026 vault sealing", root));
        let sealing = UnboundKey::new(&CHACHA20_POLY1305, &*sealing)
            .map_err(|_| Error::internal("vault.key", "a key of 32 bytes is one"))?;
        let digesting = Zeroizing::new(blake3::derive_key("arrakis 2026 vault digesting", root));
        let mut name = [0; NAME_LEN];
        blake3::Hasher::new_derive_key("arrakis 2026 vault name").update(root).finalize_xof().fill(&mut name);
        let shown = name.iter().fold(String::new(), |shown, byte| shown + &format!("{byte:02x}"));
        Ok(Self { name, shown, sealing: LessSafeKey::new(sealing), digesting })
    }
}

impl Vault {
    /// A vault with the root in use, and those before it, in base64url without padding, [`ROOT_LEN`] bytes each.
    ///
    /// # Errors
    /// `vault.root.malformed`, which does not show it.
    pub fn new<'r>(env: Env, root: &'r Secret, earlier: impl IntoIterator<Item = &'r Secret>) -> Result<Self> {
        let roots = std::iter::once(root).chain(earlier).map(|root| Root::of(&*read(root)?));
        let roots = roots.collect::<Result<_>>()?;
        Ok(Self { env, roots })
    }

    /// A fresh root secret.
    pub fn new_root(env: &Env) -> Secret {
        let mut root = Zeroizing::new([0; ROOT_LEN]);
        env.random(&mut *root);
        URL_SAFE_NO_PAD.encode(*root).into()
    }

    fn root(&self) -> Result<&Root> {
        self.roots.first().ok_or_else(|| Error::internal("vault.empty", "a vault has a root"))
    }

    /// Seals a text for a purpose: it is opened for the same purpose only, so one sealed text cannot take another's place.
    ///
    /// # Errors
    /// `vault.seal` for more than 256 GiB.
    pub fn seal(&self, purpose: &str, text: &[u8]) -> Result<String> {
        let root = self.root()?;
        let mut nonce = [0; NONCE_LEN];
        self.env.random(&mut nonce);
        let mut sealed = text.to_vec();
        root.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut sealed)
            .map_err(|_| Error::internal("vault.seal", "the text cannot be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([&root.name[..], &nonce, &sealed].concat()))
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// `vault.sealed` for what no root of this vault sealed for this purpose.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
        let unknown = || Error::corrupt("vault.sealed", "no root secret given opens what is sealed here");
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| unknown())?;
        let (name, rest) = bytes.split_at_checked(NAME_LEN).ok_or_else(unknown)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or_else(unknown)?;
        let root = self.roots.iter().find(|root| root.name == name).ok_or_else(unknown)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unknown())?;
        let mut text = Zeroizing::new(text.to_vec());
        let len = root.sealing.open_in_place(nonce, Aad::from(purpose), &mut text).map_err(|_| unknown())?.len();
        text.truncate(len);
        Ok(text)
    }

    /// The digest of a text of high entropy, such as a key or token made here, for a purpose.
    ///
    /// # Errors
    /// None that a vault made by [`Vault::new`] gives.
    pub fn digest(&self, purpose: &str, text: &str) -> Result<String> {
        self.root().map(|root| shown(root, purpose, text))
    }

    /// Whether a text has a digest, by whichever root it was made. Takes the same time wherever they differ.
    pub fn recognises(&self, purpose: &str, text: &str, digest: &str) -> bool {
        let Some(root) = self.roots.iter().find(|root| digest.starts_with(&*root.shown)) else { return false };
        let Some(kept) = digest.get(2 * NAME_LEN..).and_then(|hex| blake3::Hash::from_hex(hex).ok()) else {
            return false;
        };
        // Hashes are compared in constant time.
        digested(root, purpose, text) == kept
    }

    /// The digests a text may be kept under, the one in use first.
    pub fn digests(&self, purpose: &str, text: &str) -> Vec<String> {
        self.roots.iter().map(|root| shown(root, purpose, text)).collect()
    }

    /// So many fresh random bytes, in base64url.
    pub fn random<const N: usize>(&self) -> Secret {
        let mut bytes = Zeroizing::new([0; N]);
        self.env.random(&mut *bytes);
        URL_SAFE_NO_PAD.encode(*bytes).into()
    }

    /// Where it takes time and randomness from.
    pub const fn env(&self) -> &Env {
        &self.env
    }
}

fn shown(root: &Root, purpose: &str, text: &str) -> String {
    format!("{}{}", root.shown, digested(root, purpose, text))
}

fn digested(root: &Root, purpose: &str, text: &str) -> blake3::Hash {
    // The length of the purpose is written too, so that no two pairs of purpose and text run together alike.
    let mut hasher = blake3::Hasher::new_keyed(&root.digesting);
    hasher.update(&(purpose.len() as u64).to_le_bytes()).update(purpose.as_bytes()).update(text.as_bytes()).finalize()
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("roots", &self.roots.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(root: &Secret, earlier: &[&Secret]) -> Vault {
        Vault::new(Env::system(), root, earlier.iter().copied()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_only() {
        let root = Vault::new_root(&Env::system());
        let sealed = vault(&root, &[]).seal("totp:1", b"text").unwrap();
        assert_eq!(**vault(&root, &[]).open("totp:1", &sealed).unwrap(), *b"text");
        assert_ne!(sealed, vault(&root, &[]).seal("totp:1", b"text").unwrap());
        assert_eq!(vault(&root, &[]).open("totp:2", &sealed).unwrap_err().code(), "vault.sealed");
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let error = vault(&root, &[]).open("totp:1", &URL_SAFE_NO_PAD.encode(&bytes)).unwrap_err();
            assert_eq!(error.code(), "vault.sealed");
            bytes[at] ^= 1;
        }
        for short in ["", "AAAA", "!"] {
            assert_eq!(vault(&root, &[]).open("totp:1", short).unwrap_err().code(), "vault.sealed");
        }
    }

    #[test]
    fn a_root_may_change() {
        let (old, new) = (Vault::new_root(&Env::system()), Vault::new_root(&Env::system()));
        let (before, after) = (vault(&old, &[]), vault(&new, &[&old]));
        let (sealed, digest) = (before.seal("p", b"text").unwrap(), before.digest("p", "text").unwrap());
        assert_eq!(**after.open("p", &sealed).unwrap(), *b"text");
        assert!(after.recognises("p", "text", &digest) && after.digests("p", "text").contains(&digest));
        assert_ne!(after.digest("p", "text").unwrap(), digest);
        assert!(vault(&new, &[]).open("p", &sealed).is_err() && !vault(&new, &[]).recognises("p", "text", &digest));
        for (purpose, text) in [("p", "texs"), ("pt", "ext"), ("", "ptext")] {
            assert!(!before.recognises(purpose, text, &digest), "{purpose} {text}");
        }
    }

    #[test]
    fn a_root_is_32_bytes_and_never_shown() {
        for bad in ["", "canary", &"A".repeat(42), &"A".repeat(44)] {
            let error = Vault::new(Env::system(), &Secret::from(bad), []).unwrap_err();
            assert_eq!(error.code(), "vault.root.malformed");
            assert!(!format!("{error:?}").contains("canary"));
        }
        let root = Vault::new_root(&Env::system());
        assert!(!format!("{root:?} {:?}", vault(&root, &[])).contains(root.expose()));
    }
}
