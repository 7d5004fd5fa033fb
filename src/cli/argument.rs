//! The small languages of single arguments, each read once into what it means.

use arrakis::access::Verb;
use arrakis::user::GroupMember;
use arrakis::{Actor, ApiName, AsOf, CommitId, Filter, Key, OrderBy, TenantId};

use super::rows::Target;

/// Who acts.
pub(crate) fn actor(text: &str) -> Result<Actor, String> {
    Actor::parse(text).map_err(|e| e.to_string())
}

/// A tenant by id or by name.
pub(crate) fn tenant(text: &str) -> Result<TenantId, String> {
    text.parse().or_else(|_| TenantId::named(text)).map_err(|e| e.to_string())
}

/// An idempotency key.
pub(crate) fn commit_id(text: &str) -> Result<CommitId, String> {
    text.parse().map_err(|e: arrakis::Error| e.to_string())
}

/// A commit by its number, or an instant.
pub(crate) fn as_of(text: &str) -> Result<AsOf, String> {
    match text.parse() {
        Ok(seq) => Ok(AsOf::Seq(arrakis::Seq(seq))),
        Err(_) => text
            .parse()
            .map(AsOf::Time)
            .map_err(|_| "the number of a commit, or a timestamp such as 2026-11-22T19:16:31Z, is expected".to_owned()),
    }
}

/// `name,-state`: `name` smallest first, then `state` largest first.
pub(crate) fn order_by(text: &str) -> Result<OrderBy, String> {
    let (name, make): (_, fn(&str) -> OrderBy) = match text.strip_prefix('-') {
        Some(name) => (name, |name| OrderBy::desc(name)),
        None => (text, |name| OrderBy::asc(name)),
    };
    if name.is_empty() { Err("a name, or a name after a minus, is expected".to_owned()) } else { Ok(make(name)) }
}

/// `column=property`, or `column=property.member`.
pub(crate) fn mapping(text: &str) -> Result<(String, Target), String> {
    let malformed = || "COLUMN=PROPERTY is expected, as in latitude=location.lat".to_owned();
    let (column, target) = text.rsplit_once('=').ok_or_else(malformed)?;
    let target = Target::parse(target);
    let named = std::iter::once(&target.property).chain(&target.members).all(|name| ApiName::parse(name).is_ok());
    if column.is_empty() || !named { Err(malformed()) } else { Ok((column.to_owned(), target)) }
}

/// A user, or a group as `group:staff`.
pub(crate) fn member(text: &str) -> Result<GroupMember, String> {
    match text.split_once(':') {
        Some(("group", name)) => Ok(GroupMember::Group(name.to_owned())),
        Some(("user", name)) => Ok(GroupMember::User(name.to_owned())),
        Some(_) => Err("a user is expected, or a group as in group:staff".to_owned()),
        None => Ok(GroupMember::User(text.to_owned())),
    }
}

/// A type, or one object of it.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) object_type: ApiName,
    pub(crate) key: Option<Key>,
}

/// `Airport`, or `Airport:SFO`.
pub(crate) fn extent(text: &str) -> Result<Extent, String> {
    let (object_type, given) =
        text.split_once(':').map_or((text, None), |(object_type, given)| (object_type, Some(given)));
    let object_type = ApiName::parse(object_type).map_err(|e| e.to_string())?;
    Ok(Extent { object_type, key: given.map(key).transpose()? })
}

/// What is done to an object that is there.
pub(crate) fn verb(text: &str) -> Result<Verb, String> {
    let verb = Verb::ALL.into_iter().find(|verb| verb.name() == text && *verb != Verb::Create);
    verb.ok_or_else(|| "read, modify or delete is expected".to_owned())
}

/// One byte that parts fields.
pub(crate) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err("one ASCII character that is no letter, digit, quote or line break is expected, or \\t".to_owned()),
    }
}

/// A filter: AIP-160 text, or its JSON form.
pub(crate) fn filter(text: &str) -> Result<Filter, String> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| e.to_string())
    } else {
        Ok(Filter::from(text))
    }
}

/// The key of an object. An integer key may be written as text: the type of the key says which is meant.
pub(crate) fn key(text: &str) -> Result<Key, String> {
    if text.is_empty() { Err("a key is not empty".to_owned()) } else { Ok(Key::string(text)) }
}

/// `name=value`: JSON where the value reads as such, else text.
pub(crate) fn parameter(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected, as in by=3")?;
    let name = ApiName::parse(name).map_err(|e| e.to_string())?.to_string();
    Ok((name, serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

/// `name=seq`.
pub(crate) fn expectation(text: &str) -> Result<(String, arrakis::Seq), String> {
    let (name, seq) = text.split_once('=').ok_or("NAME=SEQ is expected, as in airport=12")?;
    let seq = seq.parse().map_err(|_| "the number of a commit is expected after the =".to_owned())?;
    Ok((name.to_owned(), arrakis::Seq(seq)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_of_is_a_commit_or_an_instant() {
        assert_eq!(as_of("7"), Ok(AsOf::Seq(arrakis::Seq(7))));
        assert_eq!(as_of("2026-11-22T19:16:31Z"), Ok(AsOf::Time("2026-11-22T19:16:31Z".parse().unwrap())));
        assert!(as_of("yesterday").is_err());
    }

    #[test]
    fn a_parameter_is_json_or_text() {
        for (text, value) in [
            ("x=3", serde_json::json!(3)),
            ("x=\"3\"", serde_json::json!("3")),
            ("x=a=b", serde_json::json!("a=b")),
            ("x=[1,2]", serde_json::json!([1, 2])),
            ("x=", serde_json::json!("")),
            ("x=null", serde_json::Value::Null),
        ] {
            assert_eq!(parameter(text), Ok(("x".to_owned(), value)), "{text}");
        }
        assert!(parameter("x").is_err() && parameter("=3").is_err() && expectation("x=y").is_err());
    }

    #[test]
    fn an_order_is_a_name_with_or_without_a_minus() {
        assert_eq!(order_by("name"), Ok(OrderBy::asc("name")));
        assert_eq!(order_by("-state"), Ok(OrderBy::desc("state")));
        assert!(order_by("-").is_err() && order_by("").is_err());
    }

    #[test]
    fn a_mapping_may_lead_into_a_property() {
        let (column, target) = mapping("lat=itude=location.lat").unwrap();
        assert_eq!(
            (column.as_str(), target.property.as_str(), target.members.as_slice()),
            ("lat=itude", "location", &["lat".to_owned()][..])
        );
        for bad in ["", "x", "=x", "x=", "x=a..b", "x=9"] {
            assert!(mapping(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_delimiter_is_one_byte() {
        assert_eq!((delimiter(";"), delimiter("\\t"), delimiter("\t")), (Ok(b';'), Ok(b'\t'), Ok(b'\t')));
        for bad in ["", ";;", "é", "a", "\""] {
            assert!(delimiter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_filter_is_text_or_json() {
        assert_eq!(filter("state = \"CA\""), Ok(Filter::from("state = \"CA\"")));
        assert!(filter("{\"no\": 1}").is_err());
    }
}
