//! API keys: `ark_<env>_<type>_<id>_<secret>_<crc>`, which a scanner of leaks recognises and a verifier refuses without a look-up when mistyped.

use std::fmt;
use std::sync::LazyLock;

use super::{Secret, Vault};
use crate::{Error, ErrorKind, Result};

/// The characters of the identifier of a key.
const ID_LEN: usize = 10;
/// The characters of its secret: 256 bits.
const SECRET_LEN: usize = 43;
/// The characters of its checksum.
const CRC_LEN: usize = 6;
const PURPOSE: &str = "api key";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// A person's.
    User,
    /// A service account's.
    Service,
}

impl KeyOwner {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "usr",
            Self::Service => "svc",
        }
    }
}

/// An API key as it is given.
#[derive(Clone)]
pub struct ApiKey {
    text: Secret,
    id: String,
}

impl ApiKey {
    /// A fresh key of an environment, such as `live`, which is of 1 to 10 lower-case letters.
    ///
    /// # Errors
    /// `api_key.environment`.
    pub fn new(vault: &Vault, environment: &str, owner: KeyOwner) -> Result<Self> {
        if !is_environment(environment) {
            return Err(Error::invalid("api_key.environment", "an environment is 1 to 10 lower-case letters"));
        }
        let (id, secret) = (random(vault, ID_LEN), random(vault, SECRET_LEN));
        let body = format!("ark_{environment}_{}_{id}_{secret}", owner.name());
        Ok(Self { text: format!("{body}_{}", checksum(&body)).into(), id })
    }

    /// A key as it was given, when it is one by its form and checksum: nothing is looked up for what is not.
    ///
    /// # Errors
    /// `api_key.malformed`.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || Error::new(ErrorKind::Unauthenticated, "api_key.malformed", "this is no API key");
        let (body, crc) = text.rsplit_once('_').ok_or_else(malformed)?;
        let parts: Vec<_> = body.split('_').collect();
        let [prefix, environment, owner, id, secret] = parts[..] else { return Err(malformed()) };
        let is_key = prefix == "ark"
            && is_environment(environment)
            && [KeyOwner::User, KeyOwner::Service].iter().any(|known| known.name() == owner)
            && (id.len(), secret.len(), crc.len()) == (ID_LEN, SECRET_LEN, CRC_LEN)
            && (id.bytes().chain(secret.bytes())).all(|byte| byte.is_ascii_alphanumeric())
            && checksum(body) == crc;
        if is_key { Ok(Self { text: text.into(), id: id.into() }) } else { Err(malformed()) }
    }

    /// Whether a text claims to be a key, so that it is no token.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("ark_")
    }

    /// What it is kept and listed under.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key itself, to be shown once.
    pub const fn text(&self) -> &Secret {
        &self.text
    }

    /// What is kept of it.
    ///
    /// # Errors
    /// None that a vault gives.
    pub fn digest(&self, vault: &Vault) -> Result<String> {
        vault.digest(PURPOSE, self.text.expose())
    }

    /// Whether a digest is of it.
    pub fn is_of(&self, vault: &Vault, digest: &str) -> bool {
        vault.recognises(PURPOSE, self.text.expose(), digest)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}…)", self.id)
    }
}

/// The environment of a key is part of its form alone.
pub(crate) fn is_environment(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Letters and digits, each as likely as any other.
fn random(vault: &Vault, len: usize) -> String {
    let mut text = String::with_capacity(len);
    while text.len() < len {
        let mut bytes = [0; 64];
        vault.env().random(&mut bytes);
        // The last eight values of six bits have no letter: they are drawn again.
        let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        text.extend(letters.take(len - text.len()).map(|letter| char::from(*letter)));
    }
    text
}

/// CRC-32 (ISO-HDLC) of each byte.
static CRC_TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
    let mut byte = 0;
    [(); 256].map(|()| {
        let crc = (0..8).fold(byte, |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
        byte += 1;
        crc
    })
});

fn crc(text: &str) -> u32 {
    let table = &*CRC_TABLE;
    let next =
        |crc: u32, byte| table.get(((crc ^ u32::from(byte)) & 0xff) as usize).map_or(0, |entry| crc >> 8 ^ entry);
    !text.bytes().fold(u32::MAX, next)
}

/// The checksum in six characters.
fn checksum(text: &str) -> String {
    let mut rest = crc(text) as usize;
    let mut letters: Vec<_> = (0..CRC_LEN)
        .filter_map(|_| {
            let letter = ALPHABET.get(rest % ALPHABET.len()).map(|letter| char::from(*letter));
            rest /= ALPHABET.len();
            letter
        })
        .collect();
    letters.reverse();
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    fn vault() -> Vault {
        Vault::new(Env::system(), &Vault::new_root(&Env::system()), []).unwrap()
    }

    #[test]
    fn a_key_is_read_as_made() {
        let vault = vault();
        let key = ApiKey::new(&vault, "live", KeyOwner::Service).unwrap();
        let read = ApiKey::parse(key.text().expose()).unwrap();
        assert_eq!(read.id(), key.id());
        let digest = key.digest(&vault).unwrap();
        assert!(
            read.is_of(&vault, &digest) && !ApiKey::new(&vault, "live", KeyOwner::User).unwrap().is_of(&vault, &digest)
        );
        assert!(!format!("{key:?}").contains(&key.text().expose()[24..]));
        assert_eq!(ApiKey::new(&vault, "Live", KeyOwner::User).unwrap_err().code(), "api_key.environment");
    }

    #[test]
    fn a_mistyped_key_is_none() {
        let key = ApiKey::new(&vault(), "test", KeyOwner::User).unwrap();
        let text = key.text().expose().to_owned();
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(ApiKey::parse(&wrong).unwrap_err().code(), "api_key.malformed", "{wrong}");
        }
        for wrong in [
            "",
            "ark_",
            "ark_live_svc",
            &text[..text.len() - 1],
            &format!("{text}0"),
            &format!(" {text}"),
            &text.replace("usr", "adm"),
        ] {
            assert_eq!(ApiKey::parse(wrong).unwrap_err().code(), "api_key.malformed", "{wrong}");
        }
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value of CRC-32/ISO-HDLC over the digits is 0xCBF43926.
        assert_eq!(crc("123456789"), 0xcbf4_3926);
    }
}
