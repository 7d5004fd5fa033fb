//! One-time codes by time (TOTP, RFC 6238: SHA-1, six digits, thirty seconds).

use ring::hmac;
use zeroize::Zeroizing;

use super::Secret;
use crate::{Env, Timestamp};

/// How long a code lasts, seconds.
pub const TOTP_STEP_S: i64 = 30;
/// How many steps a clock may be off, either way.
const STEPS_OFF_MAX: i64 = 1;
const SECRET_LEN: usize = 20;

/// The secret codes are made of.
#[derive(Clone, Debug)]
pub struct TotpSecret(Secret);

impl TotpSecret {
    /// A fresh one.
    pub fn new(env: &Env) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_LEN]);
        env.random(&mut *bytes);
        Self(base32(&*bytes).into())
    }

    /// One as [`TotpSecret::text`] tells it.
    pub fn read(text: &str) -> Self {
        Self(text.into())
    }

    /// As it is typed: base32 (RFC 4648) without padding.
    pub const fn text(&self) -> &Secret {
        &self.0
    }

    /// As authenticator apps scan it.
    pub fn uri(&self, issuer: &str, account: &str) -> Secret {
        let (issuer, account) = (escaped(issuer), escaped(account));
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            self.0.expose()
        )
        .into()
    }

    /// The code of a step.
    pub fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &from_base32(self.0.expose()));
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
        let word = bytes.iter().skip(offset).take(4).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }

    /// The step a code is of, when it is of one near now and after the last that was used: a code is used once.
    pub fn step_of(&self, code: &str, now: Timestamp, last: Option<i64>) -> Option<i64> {
        let current = step_at(now);
        let mut found = None;
        // Every step is looked at, so that the time taken tells nothing.
        for step in current - STEPS_OFF_MAX..=current + STEPS_OFF_MAX {
            let is_it = blake3::hash(self.code(step).as_bytes()) == blake3::hash(code.as_bytes());
            if is_it && last.is_none_or(|last| step > last) {
                found = Some(step);
            }
        }
        found
    }
}

/// The step of an instant.
pub const fn step_at(now: Timestamp) -> i64 {
    now.micros().div_euclid(TOTP_STEP_S * 1_000_000)
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0);
    let mut put = |value: u32| text.extend(ALPHABET.get((value & 31) as usize).map(|letter| char::from(*letter)));
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            put(held >> bits);
        }
    }
    if bits > 0 {
        put(held << (5 - bits));
    }
    text
}

fn from_base32(text: &str) -> Zeroizing<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Zeroizing::new(Vec::new()), 0_u32, 0);
    for value in text.bytes().filter_map(|letter| ALPHABET.iter().position(|own| *own == letter)) {
        held = held << 5 | u32::try_from(value).unwrap_or_default();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    bytes
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |uri, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => uri + &char::from(byte).to_string(),
        _ => uri + &format!("%{byte:02X}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros_saturating(seconds * 1_000_000)
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits; RFC 4226, appendix D.
        let secret = TotpSecret::read(&base32(b"12345678901234567890"));
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(secret.code(step_at(at(seconds))), code, "{seconds}");
        }
        for (counter, code) in
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
                .iter()
                .enumerate()
        {
            assert_eq!(secret.code(i64::try_from(counter).unwrap()), *code);
        }
    }

    #[test]
    fn a_code_is_used_once_and_within_a_step() {
        let secret = TotpSecret::new(&Env::system());
        let now = at(1_000_000);
        let step = step_at(now);
        for off in -3..=3 {
            let found = secret.step_of(&secret.code(step + off), now, None);
            assert_eq!(found, (off.abs() <= 1).then_some(step + off), "{off}");
        }
        assert_eq!(secret.step_of(&secret.code(step), now, Some(step)), None);
        assert_eq!(secret.step_of(&secret.code(step + 1), now, Some(step)), Some(step + 1));
        for wrong in ["", "12345", "1234567", "abcdef"] {
            assert_eq!(secret.step_of(wrong, now, None), None);
        }
    }

    #[test]
    fn texts_are_as_the_standard_has_them() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
            assert_eq!(**from_base32(text), *bytes.as_bytes());
        }
        let uri = TotpSecret::read("MZXW6").uri("Arrakis & Co", "ann@example.com");
        assert_eq!(
            uri.expose(),
            "otpauth://totp/Arrakis%20%26%20Co:ann%40example.com?secret=MZXW6&issuer=Arrakis%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }
}
