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

/// An API key as it is made.
#[derive(Debug)]
pub struct NewKey(Secret);

impl NewKey {
    /// A fresh key of an environment, such as `live`, which is of 1 to 10 lower-case letters.
    ///
    /// # Errors
    /// `api_key.environment`.
    pub fn new(vault: &Vault, environment: &str, owner: KeyOwner) -> Result<Self> {
        if !is_environment(environment) {
            return Err(Error::invalid("api_key.environment", "an environment is 1 to 10 lower-case letters"));
        }
        let (id, secret) = (random(vault, ID_LEN), random(vault, SECRET_LEN));
        let mut text = format!("ark_{environment}_{}_{id}_{secret}", owner.name());
        let checksum = checksum(&text);
        text.push('_');
        text.extend(checksum.map(char::from));
        Ok(Self(text.into()))
    }

    /// The key itself, to be shown once.
    pub const fn text(&self) -> &Secret {
        &self.0
    }

    /// The same as whoever uses it gives it.
    ///
    /// # Errors
    /// None that a key made here gives.
    pub fn given(&self) -> Result<ApiKey<'_>> {
        ApiKey::parse(self.0.expose())
    }
}

/// An API key as it is given. Nothing of it is copied.
#[derive(Clone, Copy)]
pub struct ApiKey<'t> {
    text: &'t str,
    id: &'t str,
}

impl<'t> ApiKey<'t> {
    /// A key as it was given, when it is one by its form and checksum: nothing is looked up for what is not.
    ///
    /// # Errors
    /// `api_key.malformed`.
    pub fn parse(text: &'t str) -> Result<Self> {
        Self::read(text)
            .ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "api_key.malformed", "this is no API key"))
    }

    fn read(text: &'t str) -> Option<Self> {
        let (body, crc) = text.rsplit_once('_')?;
        let (rest, secret) = body.rsplit_once('_')?;
        let (rest, id) = rest.rsplit_once('_')?;
        let (environment, owner) = rest.strip_prefix("ark_")?.split_once('_')?;
        let is_key = is_environment(environment)
            && [KeyOwner::User, KeyOwner::Service].iter().any(|known| known.name() == owner)
            && (id.len(), secret.len()) == (ID_LEN, SECRET_LEN)
            && (id.bytes().chain(secret.bytes())).all(|byte| byte.is_ascii_alphanumeric())
            && checksum(body) == crc.as_bytes();
        is_key.then_some(Self { text, id })
    }

    /// Whether a text claims to be a key, so that it is no token.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("ark_")
    }

    /// What it is kept and listed under.
    pub const fn id(&self) -> &'t str {
        self.id
    }

    /// What is kept of it.
    ///
    /// # Errors
    /// None that a vault gives.
    pub fn digest(&self, vault: &Vault) -> Result<String> {
        vault.digest(PURPOSE, self.text)
    }

    /// Whether a digest is of it.
    pub fn is_of(&self, vault: &Vault, digest: &str) -> bool {
        vault.recognises(PURPOSE, self.text, digest)
    }
}

impl fmt::Debug for ApiKey<'_> {
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

/// How many bytes of a text are taken into its CRC at once.
const CRC_STEP: usize = 4;
/// CRC-32 (ISO-HDLC): of each byte, and of each byte with one, two and three zeros behind it.
static CRC_TABLES: LazyLock<[[u32; 256]; CRC_STEP]> = LazyLock::new(|| {
    let bits = |byte| (0..8).fold(byte, |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
    let mut byte = 0;
    let first = [(); 256].map(|()| {
        byte += 1;
        bits(byte - 1)
    });
    let mut tables = [first; CRC_STEP];
    for at in 1..CRC_STEP {
        let before = tables.get(at - 1).copied().unwrap_or(first);
        let zeroed = before.map(|crc| crc >> 8 ^ looked_up(&first, crc));
        tables.get_mut(at).into_iter().for_each(|table| *table = zeroed);
    }
    tables
});

fn looked_up(table: &[u32; 256], at: u32) -> u32 {
    table.get((at & 0xff) as usize).copied().unwrap_or_default()
}

fn crc(text: &str) -> u32 {
    let [one, two, three, four] = &*CRC_TABLES;
    let (steps, rest) = text.as_bytes().as_chunks::<CRC_STEP>();
    let crc = steps.iter().fold(u32::MAX, |crc, step| {
        let all = crc ^ u32::from_le_bytes(*step);
        looked_up(four, all) ^ looked_up(three, all >> 8) ^ looked_up(two, all >> 16) ^ looked_up(one, all >> 24)
    });
    !rest.iter().fold(crc, |crc, byte| crc >> 8 ^ looked_up(one, crc ^ u32::from(*byte)))
}

/// The checksum in six characters.
fn checksum(text: &str) -> [u8; CRC_LEN] {
    let mut rest = crc(text) as usize;
    let mut letters = [(); CRC_LEN].map(|()| {
        let letter = ALPHABET.get(rest % ALPHABET.len()).copied().unwrap_or_default();
        rest /= ALPHABET.len();
        letter
    });
    letters.reverse();
    letters
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
        let key = NewKey::new(&vault, "live", KeyOwner::Service).unwrap();
        let other = NewKey::new(&vault, "live", KeyOwner::User).unwrap();
        let read = key.given().unwrap();
        assert_eq!(read.id(), &key.text().expose()[13..23]);
        let digest = read.digest(&vault).unwrap();
        assert!(read.is_of(&vault, &digest) && !other.given().unwrap().is_of(&vault, &digest));
        assert!(!format!("{key:?} {read:?}").contains(&key.text().expose()[24..]));
        assert_eq!(NewKey::new(&vault, "Live", KeyOwner::User).unwrap_err().code(), "api_key.environment");
    }

    #[test]
    fn a_mistyped_key_is_none() {
        let key = NewKey::new(&vault(), "test", KeyOwner::User).unwrap();
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
        assert_eq!(crc(""), 0);
    }
}
