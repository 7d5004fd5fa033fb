//! Passwords: the rules they keep, and how they are hashed (argon2id, RFC 9106).

use std::collections::HashSet;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::Secret;
use crate::{Env, Error, Result};

/// The fewest characters of a password.
pub const PASSWORD_LEN_MIN: usize = 8;
/// The most characters of a password.
pub const PASSWORD_LEN_MAX: usize = 128;
/// The least memory a hash takes, KiB, in two passes (OWASP's first recommendation).
pub const HASH_MEMORY_MIN_KIB: u32 = 19_456;
/// The most memory calibration chooses, KiB.
pub const HASH_MEMORY_MAX_KIB: u32 = 65_536;
/// How long calibration lets a hash take.
pub const HASH_TIME: Duration = Duration::from_millis(50);
/// The most a stored hash is let take before it is refused: what is read from a store must not take the machine.
const HASH_MEMORY_STORED_MAX_KIB: u32 = 1 << 20;

const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;
/// What is set aside for a hash at least, in bytes, though no more of it is used than the hash takes. glibc gives what is longer than 32 MiB back
/// to the system as soon as it is freed; anything shorter may stay with the process for good.
const HASH_RESERVED_MIN: usize = (32 << 20) + Block::SIZE;

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: HASH_MEMORY_MIN_KIB, passes: 2 }
    }
}

impl Cost {
    /// The cost at which this machine takes about [`HASH_TIME`], within [`HASH_MEMORY_MIN_KIB`] and [`HASH_MEMORY_MAX_KIB`]. Takes a few hashes' time,
    /// on the thread that calls it.
    pub fn calibrated(env: &Env) -> Self {
        let floor = Self::default();
        let time = |_| {
            let start = env.monotonic();
            // The floor is a cost argon2 takes.
            let _ = floor.hash_raw(b"calibration", &[0; SALT_LEN]);
            env.monotonic().saturating_sub(start)
        };
        let took = (0..3).map(time).min().unwrap_or(HASH_TIME).max(Duration::from_micros(1));
        let times = HASH_TIME.as_secs_f64() / took.as_secs_f64();
        // What is between 19 and 64 MiB is exact in a double.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
        let memory = (f64::from(floor.memory_kib) * times)
            .clamp(f64::from(HASH_MEMORY_MIN_KIB), f64::from(HASH_MEMORY_MAX_KIB)) as u32;
        Self { memory_kib: memory / 1_024 * 1_024, passes: 2 }.max(floor)
    }

    fn max(self, other: Self) -> Self {
        if self.memory_kib < other.memory_kib { other } else { self }
    }

    fn hash_raw(self, password: &[u8], salt: &[u8]) -> Result<Zeroizing<[u8; HASH_LEN]>> {
        let malformed = |_| Error::corrupt("password.hash", "the stored hash of a password is of no cost argon2 takes");
        let params = Params::new(self.memory_kib, self.passes, 1, Some(HASH_LEN)).map_err(malformed)?;
        let mut hash = Zeroizing::new([0; HASH_LEN]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let count = argon2.params().block_count();
        let mut blocks = Vec::new();
        let full = |e| Error::unavailable("password.memory", "there is no memory to hash a password in").caused_by(e);
        blocks.try_reserve_exact(count.max(HASH_RESERVED_MIN / Block::SIZE)).map_err(full)?;
        blocks.resize(count, Block::new());
        let hashed = argon2.hash_password_into_with_memory(password, salt, &mut *hash, &mut blocks);
        blocks.iter_mut().zeroize();
        hashed.map_err(malformed)?;
        Ok(hash)
    }

    /// Hashes a password, as a PHC string that says its cost.
    ///
    /// # Errors
    /// `password.hash` for a cost argon2 does not take; `password.memory` where the system has not as much.
    pub fn hash(self, env: &Env, password: &Password) -> Result<String> {
        let mut salt = [0; SALT_LEN];
        env.random(&mut salt);
        let hash = self.hash_raw(password.as_bytes(), &salt)?;
        let Self { memory_kib, passes } = self;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(*hash));
        Ok(format!("$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${hash}"))
    }
}

/// A password as it is hashed: in compatibility composition (NFKC), so that it is the same however a keyboard writes it.
#[derive(Clone, Debug)]
pub struct Password(Secret);

impl std::ops::Deref for Password {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.expose()
    }
}

impl Password {
    /// A password as someone gives it to prove who they are.
    ///
    /// # Errors
    /// `password.length` for more than [`PASSWORD_LEN_MAX`] characters.
    pub fn given(text: &Secret) -> Result<Self> {
        // Composition makes no text more than 18 times as long, so this bounds the work.
        if text.expose().len() > 4 * PASSWORD_LEN_MAX {
            return Err(length());
        }
        let text: String = text.expose().nfkc().collect();
        if text.chars().count() > PASSWORD_LEN_MAX { Err(length()) } else { Ok(Self(text.into())) }
    }

    /// Whether it is the one a PHC string is the hash of. Takes as long as the hash cost.
    ///
    /// # Errors
    /// `password.hash` for what is no such string; `password.memory` where the system has not as much as it takes.
    pub fn is_of(&self, hash: &str) -> Result<bool> {
        let (cost, salt, kept) = parts(hash)?;
        let made = cost.hash_raw(self.as_bytes(), &salt)?;
        Ok(blake3::Hash::from_bytes(*made) == blake3::Hash::from_bytes(kept))
    }
}

fn length() -> Error {
    Error::invalid("password.length", "a password has 8 to 128 characters")
        .with("length_min", PASSWORD_LEN_MIN)
        .with("length_max", PASSWORD_LEN_MAX)
        .at("password")
}

/// Whether a hash is to be made anew when its password is known: it costs less than hashes made now.
pub fn is_outdated(hash: &str, now: Cost) -> bool {
    parts(hash).is_ok_and(|(cost, ..)| cost.memory_kib < now.memory_kib || cost.passes < now.passes)
}

fn parts(hash: &str) -> Result<(Cost, Vec<u8>, [u8; HASH_LEN])> {
    let malformed = || Error::corrupt("password.hash", "the stored hash of a password is malformed");
    let rest = hash.strip_prefix("$argon2id$v=19$m=").ok_or_else(malformed)?;
    let (memory, rest) = rest.split_once(",t=").ok_or_else(malformed)?;
    let (passes, rest) = rest.split_once(",p=1$").ok_or_else(malformed)?;
    let (salt, hash) = rest.split_once('$').ok_or_else(malformed)?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| malformed());
    let cost = Cost { memory_kib: number(memory)?, passes: number(passes)? };
    if cost.memory_kib > HASH_MEMORY_STORED_MAX_KIB || cost.passes > 16 {
        return Err(malformed());
    }
    let bytes = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| malformed());
    Ok((cost, bytes(salt)?, bytes(hash)?.try_into().map_err(|_| malformed())?))
}

/// The rules a new password keeps: its length, and that it is none that is known to whoever guesses.
#[derive(Clone, Debug)]
pub struct PasswordRules {
    len_min: usize,
    /// SHA-1, as lists of breached passwords are published.
    breached: HashSet<[u8; 20]>,
}

/// What is guessed first and is long enough: from the lists of most common passwords published each year.
const COMMON: &str = "password password1 password12 password123 passw0rd p@ssw0rd p@ssword 12345678 123456789 1234567890 87654321 987654321 \
    0987654321 11111111 00000000 88888888 12341234 11223344 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx qwertyui qwertyuiop qwerty123 qwerty12 \
    asdfghjk asdfghjkl zxcvbnm123 iloveyou iloveyou1 princess sunshine football football1 baseball baseball1 superman starwars \
    trustno1 whatever computer michelle jennifer internet samantha welcome1 welcome123 letmein1 admin123 administrator changeme \
    changeme123 default123 abcd1234 abc12345 a1b2c3d4 aa123456 a1234567 qazwsxedc test1234 temp1234 secret123 monkey123 dragon123 \
    master123 shadow123 liverpool chocolate butterfly jordan23 mercedes corvette rockyou1 q1w2e3r4 pa55word";

impl Default for PasswordRules {
    fn default() -> Self {
        Self { len_min: PASSWORD_LEN_MIN, breached: COMMON.split_whitespace().map(sha1).collect() }
    }
}

impl PasswordRules {
    /// With another least length, from [`PASSWORD_LEN_MIN`] on.
    #[must_use]
    pub fn with_len_min(mut self, characters: usize) -> Self {
        self.len_min = characters.clamp(PASSWORD_LEN_MIN, PASSWORD_LEN_MAX);
        self
    }

    /// With a list of breached passwords too, a line each: the SHA-1 in hexadecimal, with or without a count behind a colon.
    ///
    /// # Errors
    /// `password.breached.malformed`, with the number of the line.
    pub fn with_breached(mut self, lines: &str) -> Result<Self> {
        for (index, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let hex = line.split(':').next().unwrap_or_default().trim();
            let byte = |at: usize| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok();
            let hash: Option<Vec<u8>> = (0..20).map(byte).collect();
            let hash = hash.filter(|_| hex.len() == 40).and_then(|hash| hash.try_into().ok());
            self.breached.insert(hash.ok_or_else(|| {
                Error::invalid("password.breached.malformed", "a line is a SHA-1 in hexadecimal")
                    .with("line", index + 1)
            })?);
        }
        Ok(self)
    }

    /// A new password, which keeps the rules and is none of the names of whoever will have it.
    ///
    /// # Errors
    /// `password.length`; `password.breached`; `password.is_name`.
    pub fn check(&self, text: &Secret, names: &[&str]) -> Result<Password> {
        let password = Password::given(text)?;
        if password.chars().count() < self.len_min {
            return Err(length().with("length_min", self.len_min));
        }
        let lower = Zeroizing::new(password.to_lowercase());
        if names.iter().any(|name| name.to_lowercase() == *lower) {
            return Err(Error::invalid("password.is_name", "a password is none of one's own names").at("password"));
        }
        if self.breached.contains(&sha1(&password)) || self.breached.contains(&sha1(&lower)) {
            let known = "this password is known to whoever guesses passwords: choose another";
            return Err(Error::invalid("password.breached", known).at("password"));
        }
        Ok(password)
    }
}

fn sha1(text: &str) -> [u8; 20] {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Password {
        Password::given(&text.into()).unwrap()
    }

    #[test]
    fn a_hash_is_of_its_password_at_its_own_cost() {
        let (env, weak) = (Env::system(), Cost { memory_kib: 64, passes: 1 });
        let hash = weak.hash(&env, &given("correct horse")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(given("correct horse").is_of(&hash).unwrap() && !given("correct horsf").is_of(&hash).unwrap());
        assert_ne!(hash, weak.hash(&env, &given("correct horse")).unwrap());
        assert!(is_outdated(&hash, Cost::default()) && !is_outdated(&hash, weak));
        // Full-width letters are the letters.
        assert!(given("ｃorrect horse").is_of(&hash).unwrap());
    }

    #[test]
    fn a_hash_made_elsewhere_is_read() {
        // Of the reference implementation's own tests: argon2id, 65,536 KiB in two passes.
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(given("password").is_of(hash).unwrap());
    }

    #[test]
    fn what_is_no_hash_is_told() {
        let sound = Cost { memory_kib: 64, passes: 1 }.hash(&Env::system(), &given("x")).unwrap();
        for bad in [
            "",
            "plain",
            &sound[1..],
            &sound.replace("m=64", "m=4294967295"),
            &sound.replace("t=1", "t=0"),
            &format!("{sound}A"),
        ] {
            assert_eq!(given("x").is_of(bad).unwrap_err().code(), "password.hash", "{bad}");
        }
    }

    #[test]
    fn calibration_stays_within_its_bounds() {
        let cost = Cost::calibrated(&Env::system());
        assert!((HASH_MEMORY_MIN_KIB..=HASH_MEMORY_MAX_KIB).contains(&cost.memory_kib) && cost.passes == 2, "{cost:?}");
    }

    #[test]
    fn new_passwords_keep_the_rules() {
        let breached = "0000000000000000000000000000000000000000:3\nD8CD10B920DCBDB5163CA0185E402357BC27C265\n";
        let rules = PasswordRules::default().with_breached(breached).unwrap();
        let long = "x".repeat(129);
        for (text, code) in [
            ("short12", "password.length"),
            (long.as_str(), "password.length"),
            ("Password123", "password.breached"),
            ("welc0me!x", "password.breached"),
            ("Alice.Ames", "password.is_name"),
        ] {
            let rules = if text == "welc0me!x" {
                let line = sha1(text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
                rules.clone().with_breached(&line).unwrap()
            } else {
                rules.clone()
            };
            assert_eq!(rules.check(&text.into(), &["alice.ames"]).unwrap_err().code(), code, "{text}");
        }
        assert!(rules.check(&"tr0ub4dor and 3".into(), &["alice.ames"]).is_ok());
        assert_eq!(
            rules.clone().with_len_min(20).check(&"tr0ub4dor and 3".into(), &[]).unwrap_err().param("length_min"),
            Some("20")
        );
        assert_eq!(PasswordRules::default().with_breached("\nnone").unwrap_err().param("line"), Some("2"));
        assert!(!format!("{:?}", given("canary")).contains("canary"));
    }
}
