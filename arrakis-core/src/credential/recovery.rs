//! Recovery codes: what is used once in place of a one-time code, when the device that makes them is lost.

use super::totp::base32;
use super::{Secret, Vault};
use crate::Result;

/// How many codes are made at a time.
pub const RECOVERY_CODES: usize = 10;
const PURPOSE: &str = "recovery code";

/// Fresh codes of 50 bits each, and the digests to keep of them.
///
/// # Errors
/// None that a vault gives.
pub fn new_codes(vault: &Vault, user: &str) -> Result<(Vec<Secret>, Vec<String>)> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    let mut digests = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = [0; 7];
        vault.env().random(&mut bytes);
        let text = base32(&bytes);
        let code = format!("{}-{}", text.get(..5).unwrap_or_default(), text.get(5..10).unwrap_or_default());
        digests.push(vault.digest(PURPOSE, &scoped(user, &code))?);
        codes.push(code.into());
    }
    Ok((codes, digests))
}

/// Which of the digests a code has, however it is written.
pub fn position(vault: &Vault, user: &str, code: &Secret, digests: &[impl AsRef<str>]) -> Option<usize> {
    let code: String =
        code.expose().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let (head, tail) = code.split_at_checked(5)?;
    let scoped = scoped(user, &format!("{head}-{tail}"));
    digests.iter().position(|digest| vault.recognises(PURPOSE, &scoped, digest.as_ref()))
}

fn scoped(user: &str, code: &str) -> String {
    format!("{user} {code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    #[test]
    fn a_code_is_its_users_however_it_is_written() {
        let vault = Vault::new(Env::system(), &Vault::new_root(&Env::system()), []).unwrap();
        let (codes, digests) = new_codes(&vault, "ann").unwrap();
        assert_eq!((codes.len(), digests.len()), (RECOVERY_CODES, RECOVERY_CODES));
        for (index, code) in codes.iter().enumerate() {
            assert_eq!(position(&vault, "ann", code, &digests), Some(index));
            let typed = Secret::from(code.expose().to_lowercase().replace('-', " "));
            assert_eq!(position(&vault, "ann", &typed, &digests), Some(index));
            assert_eq!(position(&vault, "bob", code, &digests), None);
        }
        for wrong in ["", "ABCDE", "ABCDE-FGHIJ", "ÄÖÜ"] {
            assert_eq!(position(&vault, "ann", &wrong.into(), &digests), None);
        }
    }
}
