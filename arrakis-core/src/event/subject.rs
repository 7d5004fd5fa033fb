//! The subjects messages travel under: every one of them is spelled here and nowhere else.
//!
//! `ark.<tenant>.<service>.<type>` for events; the rest is what a bus keeps for itself. A subject is made of tokens with dots between
//! them. A character a token may not have is written `%` and two hexadecimal digits for each of its bytes.

use std::fmt::Write;

use crate::event::CloudEvent;
use crate::{Error, Result, TenantId};

/// What subjects begin with, unless a deployment states something else.
pub const PREFIX_DEFAULT: &str = "ark";
/// The longest prefix, in bytes.
pub const PREFIX_LEN_MAX: usize = 32;
/// The longest token, in bytes: a longer one is cut, and told apart by a hash.
pub const TOKEN_LEN_MAX: usize = 128;
/// The most tokens a type has in a subject: what follows is one token.
pub const TYPE_TOKENS_MAX: usize = 8;
/// The longest filter, in bytes.
pub const FILTER_LEN_MAX: usize = 1_024;
/// How much of the hash of a token that is too long is kept, in hexadecimal digits.
const HASH_DIGITS: usize = 32;

/// Checks what subjects begin with.
///
/// # Errors
/// `event.subject.prefix` for a prefix that is not one to 32 letters, digits, `-` or `_` of ASCII.
pub fn check_prefix(prefix: &str) -> Result<()> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if prefix.is_empty() || prefix.len() > PREFIX_LEN_MAX || !prefix.bytes().all(fits) {
        return Err(Error::invalid("event.subject.prefix", "a prefix is 1 to 32 letters, digits, - or _")
            .with("length_max", PREFIX_LEN_MAX));
    }
    Ok(())
}

/// The subject an event is published under.
pub fn of_event(prefix: &str, event: &CloudEvent) -> String {
    let mut subject = String::with_capacity(prefix.len() + 40 + event.source.len() + event.r#type.len());
    // Writing to a text does not fail.
    let _ = write!(subject, "{prefix}.{}.", event.tenant);
    push_token(&mut subject, event.service());
    for token in event.r#type.splitn(TYPE_TOKENS_MAX, '.') {
        subject.push('.');
        push_token(&mut subject, token);
    }
    subject
}

/// The subject of every event.
pub fn all(prefix: &str) -> String {
    format!("{prefix}.>")
}

/// The subject of every event of a tenant.
pub fn of_tenant(prefix: &str, tenant: TenantId) -> String {
    format!("{prefix}.{tenant}.>")
}

/// The subject of every event of a service, of all tenants.
pub fn of_service(prefix: &str, service: &str) -> String {
    format!("{prefix}.*.{}.>", token(service))
}

/// Where a bus keeps how far it holds a log.
pub fn of_position(prefix: &str, log: &str) -> String {
    format!("{prefix}-position.{}", token(log))
}

/// Where a bus keeps which member of a group is at work.
pub fn of_group(prefix: &str, group: &str) -> String {
    format!("{prefix}-group.{}", token(group))
}

/// Where a bus keeps what a group could not work through.
pub fn of_dead(prefix: &str, group: &str) -> String {
    format!("{prefix}-dead.{}", token(group))
}

/// A text as one token.
pub fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    push_token(&mut token, text);
    token
}

fn push_token(subject: &mut String, text: &str) {
    let start = subject.len();
    for char in text.chars() {
        match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => subject.push(char),
            other => {
                for byte in other.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(subject, "%{byte:02X}");
                }
            }
        }
    }
    if subject.len() == start {
        // An empty token is none; no text is written like this.
        subject.push('%');
    } else if subject.len() - start > TOKEN_LEN_MAX {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        // What is cut is ASCII.
        subject.truncate(start + TOKEN_LEN_MAX - HASH_DIGITS - 1);
        subject.push('~');
        subject.extend(hash.chars().take(HASH_DIGITS));
    }
}

/// Which subjects one hears: tokens, `*` for any one token, and `>` at the end for one token or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectFilter(String);

impl SubjectFilter {
    /// Checks a filter.
    ///
    /// # Errors
    /// `event.filter.malformed` for an empty token, one that mixes a wildcard with other characters, `>` before the end, characters no
    /// token has, or more than [`FILTER_LEN_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || {
            Error::invalid(
                "event.filter.malformed",
                "a filter is tokens with dots between them, * for one, > at the end",
            )
            .with("length_max", FILTER_LEN_MAX)
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_%~".contains(&byte);
        let mut tokens = text.split('.').peekable();
        while let Some(token) = tokens.next() {
            let fits = match token {
                "*" => true,
                ">" => tokens.peek().is_none(),
                token => !token.is_empty() && token.bytes().all(plain),
            };
            if !fits || text.len() > FILTER_LEN_MAX {
                return Err(malformed());
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a subject is heard.
    pub fn matches(&self, subject: &str) -> bool {
        let mut tokens = subject.split('.');
        for expected in self.0.split('.') {
            match (expected, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (expected, Some(token)) if expected == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_one_token_of_ascii() {
        for (text, expected) in [
            ("", "%"),
            ("kernel", "kernel"),
            ("a.b", "a%2Eb"),
            ("*", "%2A"),
            (">", "%3E"),
            ("é b", "%C3%A9%20b"),
            ("%", "%25"),
        ] {
            assert_eq!(token(text), expected);
        }
        let (long, other) = ("x".repeat(10_000), format!("{}y", "x".repeat(9_999)));
        assert_eq!(token(&long).len(), TOKEN_LEN_MAX);
        assert_ne!(token(&long), token(&other));
        assert_eq!(token(&"é".repeat(500)).len(), TOKEN_LEN_MAX);
        assert_eq!(token(&"x".repeat(TOKEN_LEN_MAX)), "x".repeat(TOKEN_LEN_MAX));
    }

    #[test]
    fn filters_hear_what_they_say() {
        let subject = "ark.t.kernel.airport.renamed";
        for filter in ["ark.>", "ark.*.kernel.>", "ark.t.kernel.airport.renamed", "*.*.*.*.*", "ark.t.kernel.airport.>"]
        {
            assert!(SubjectFilter::parse(filter).unwrap().matches(subject), "{filter}");
        }
        for filter in ["ark", "ark.*", "ark.t.kernel", "ark.t.kernel.airport.renamed.>", "ark.u.>", "*.*.*.*", "arki.>"]
        {
            assert!(!SubjectFilter::parse(filter).unwrap().matches(subject), "{filter}");
        }
        for bad in ["", ".", "a..b", "a.", ">.a", "a*", "a.>b", "a b", "é", "a\n", &"a".repeat(FILTER_LEN_MAX + 1)] {
            assert_eq!(SubjectFilter::parse(bad).unwrap_err().code(), "event.filter.malformed", "{bad}");
        }
    }

    #[test]
    fn prefixes_are_plain() {
        assert!(check_prefix(PREFIX_DEFAULT).is_ok() && check_prefix("A-b_9").is_ok());
        for bad in ["", "a.b", "*", "a b", "é", &"a".repeat(PREFIX_LEN_MAX + 1)] {
            assert_eq!(check_prefix(bad).unwrap_err().code(), "event.subject.prefix");
        }
    }
}
