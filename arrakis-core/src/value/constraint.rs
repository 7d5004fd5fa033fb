//! Rules a value obeys beyond its base type.

use regex::Regex;

use super::Value;
use crate::{Error, Result};

/// A rule a present value obeys.
#[derive(Clone, Debug)]
pub enum Constraint {
    /// One of these values.
    Enum(Vec<Value>),
    /// Between two values of the same ordered type, both included.
    Range {
        /// The smallest value.
        min: Option<Value>,
        /// The largest value.
        max: Option<Value>,
    },
    /// Characters of a string (Unicode scalar values) or elements of an array.
    Length {
        /// The fewest.
        min: Option<u64>,
        /// The most.
        max: Option<u64>,
    },
    /// The whole string matches; evaluated in time linear in the string.
    Regex(Regex),
    /// The string has a well-known form.
    Format(Format),
}

/// Well-known forms of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An address of the form `local@domain`, as RFC 5321 limits its parts.
    Email,
    /// An absolute URI with a scheme (RFC 3986).
    Uri,
    /// A UUID in its hyphenated form (RFC 9562).
    Uuid,
    /// A host name (RFC 1123).
    Hostname,
    /// A telephone number, `+` and 7 to 15 digits (E.164).
    Phone,
}

impl PartialEq for Constraint {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Enum(a), Self::Enum(b)) => a == b,
            (Self::Range { min, max }, Self::Range { min: other_min, max: other_max }) => {
                min == other_min && max == other_max
            }
            (Self::Length { min, max }, Self::Length { min: other_min, max: other_max }) => {
                min == other_min && max == other_max
            }
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            (Self::Format(a), Self::Format(b)) => a == b,
            _ => false,
        }
    }
}

impl Constraint {
    /// Passes when `value` obeys the rule; an absent value always does.
    ///
    /// # Errors
    /// `value.constraint.enum`, `.range`, `.length`, `.regex` or `.format`, each with the rule's parameters.
    pub fn check(&self, value: &Value) -> Result<()> {
        if value.is_null() {
            return Ok(());
        }
        match self {
            Self::Enum(allowed) if !allowed.contains(value) => {
                Err(Error::invalid("value.constraint.enum", "the value is not one of those listed")
                    .with("allowed", allowed.len()))
            }
            Self::Range { min, max } => check_range(value, min.as_ref(), max.as_ref()),
            Self::Length { min, max } => check_length(value, *min, *max),
            Self::Regex(regex) => match value {
                Value::String(text) if !regex.is_match(text) => {
                    Err(Error::invalid("value.constraint.regex", "the text does not match the pattern")
                        .with("pattern", stated(regex)))
                }
                _ => Ok(()),
            },
            Self::Format(format) => match value {
                Value::String(text) if !format.accepts(text) => {
                    Err(Error::invalid("value.constraint.format", "the text does not have the form asked for")
                        .with("format", format.name()))
                }
                _ => Ok(()),
            },
            Self::Enum(_) => Ok(()),
        }
    }
}

/// The pattern as its author wrote it: it is compiled to match the whole string.
fn stated(regex: &Regex) -> &str {
    let pattern = regex.as_str();
    pattern.strip_prefix("^(?:").and_then(|pattern| pattern.strip_suffix(")$")).unwrap_or(pattern)
}

fn check_range(value: &Value, min: Option<&Value>, max: Option<&Value>) -> Result<()> {
    let below = min.is_some_and(|min| value.compare(min).is_lt());
    let above = max.is_some_and(|max| value.compare(max).is_gt());
    if !below && !above {
        return Ok(());
    }
    let mut error = Error::invalid("value.constraint.range", "the value is outside its range");
    if let Some(min) = min {
        error = error.with("min", min.to_json());
    }
    if let Some(max) = max {
        error = error.with("max", max.to_json());
    }
    Err(error)
}

fn check_length(value: &Value, min: Option<u64>, max: Option<u64>) -> Result<()> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        _ => return Ok(()),
    };
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    if min.is_some_and(|min| length < min) || max.is_some_and(|max| length > max) {
        let mut error =
            Error::invalid("value.constraint.length", "the value is too short or too long").with("length", length);
        if let Some(min) = min {
            error = error.with("length_min", min);
        }
        if let Some(max) = max {
            error = error.with("length_max", max);
        }
        return Err(error);
    }
    Ok(())
}

impl Format {
    /// The name used in the ontology file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Uuid => "uuid",
            Self::Hostname => "hostname",
            Self::Phone => "phone",
        }
    }

    /// Whether the text has this form.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Email => is_email(text),
            Self::Uri => is_uri(text),
            Self::Uuid => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
            Self::Hostname => is_hostname(text),
            Self::Phone => text.strip_prefix('+').is_some_and(|digits| {
                (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
            }),
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let dot_atom = local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom));
    dot_atom && local.len() <= 64 && domain.contains('.') && is_hostname(domain)
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_ok = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let rest_ok = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    scheme_ok && !rest.is_empty() && rest_ok
}

fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_accept_and_refuse() {
        let table: [(Format, &[&str], &[&str]); 5] = [
            (Format::Email, &["a@b.co", "x.y+z@mail.example.com"], &["a@b", "@b.co", "a b@c.de", "a..b@c.de"]),
            (
                Format::Uri,
                &["https://example.com/a?b#c", "urn:isbn:1"],
                &["example.com", "http:", "ht tp://x", "http://a b"],
            ),
            (Format::Uuid, &["01890a5d-ac96-774b-bcce-b302099a8057"], &["01890a5dac96774bbcceb302099a8057", "x"]),
            (Format::Hostname, &["a", "a-b.example"], &["-a", "a..b", "a_b", ""]),
            (Format::Phone, &["+14155550100"], &["4155550100", "+12", "+1234567890123456"]),
        ];
        for (format, good, bad) in table {
            assert!(good.iter().all(|text| format.accepts(text)), "{format:?}");
            assert!(!bad.iter().any(|text| format.accepts(text)), "{format:?}");
        }
    }

    #[test]
    fn lengths_count_characters_not_bytes() {
        let rule = Constraint::Length { min: Some(2), max: Some(3) };
        assert!(rule.check(&Value::string("éé")).is_ok());
        assert_eq!(rule.check(&Value::string("é")).unwrap_err().param("length_min"), Some("2"));
        assert!(rule.check(&Value::Null).is_ok());
    }
}
