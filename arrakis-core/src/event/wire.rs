//! The forms of an envelope: one JSON object (structured mode), or headers beside its data (binary mode).

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{CloudEvent, EventData, SPEC_VERSION};
use crate::{Error, Result, TenantId};

/// The content type of an event as one JSON object.
pub const CONTENT_TYPE_EVENT: &str = "application/cloudevents+json";
/// The content type of the data of an event.
pub const CONTENT_TYPE_JSON: &str = "application/json";
/// The longest value of an attribute in a header, in bytes as it is written.
pub const HEADER_LEN_MAX: usize = 16_384;

/// The header that states what the body is.
const CONTENT_TYPE: &str = "content-type";
/// What the names of the headers of attributes begin with.
const HEADER_PREFIX: &str = "ce-";

/// The attributes, with the headers they travel in.
const ID: &str = "ce-id";
const SOURCE: &str = "ce-source";
const SPECVERSION: &str = "ce-specversion";
const TYPE: &str = "ce-type";
const SUBJECT: &str = "ce-subject";
const TIME: &str = "ce-time";
const TENANT: &str = "ce-tenant";
const SEQUENCE: &str = "ce-sequence";
const PARTITIONKEY: &str = "ce-partitionkey";
const TRACEPARENT: &str = "ce-traceparent";
const DATAREF: &str = "ce-dataref";

/// The name of an attribute without what its header begins with.
fn name(header: &'static str) -> &'static str {
    header.strip_prefix(HEADER_PREFIX).unwrap_or(header)
}

impl CloudEvent {
    /// Calls `visit` with the header and the value of each attribute.
    fn attributes(&self, mut visit: impl FnMut(&'static str, Cow<'_, str>)) {
        visit(SPECVERSION, SPEC_VERSION.into());
        visit(ID, (&*self.id).into());
        visit(SOURCE, (&*self.source).into());
        visit(TYPE, (&*self.r#type).into());
        if !self.subject.is_empty() {
            visit(SUBJECT, (&*self.subject).into());
        }
        visit(TIME, self.time.to_string().into());
        visit(TENANT, self.tenant.to_string().into());
        visit(SEQUENCE, self.place.to_string().into());
        visit(PARTITIONKEY, self.key().into());
        if let Some(traceparent) = &self.traceparent {
            visit(TRACEPARENT, (&**traceparent).into());
        }
        if let EventData::Reference(reference) = &self.data {
            visit(DATAREF, (&**reference).into());
        }
    }

    /// Binary mode: the headers, to be sent beside [`CloudEvent::body`]. Values are ASCII, percent-encoded where they are not.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::with_capacity(12);
        if let EventData::Json(_) = &self.data {
            headers.push((CONTENT_TYPE, CONTENT_TYPE_JSON.to_owned()));
        }
        self.attributes(|header, value| headers.push((header, encoded(value))));
        headers
    }

    /// Binary mode: the data, as JSON; empty for an event that refers to it.
    pub fn body(&self) -> Vec<u8> {
        match &self.data {
            EventData::Json(data) => data.to_string().into_bytes(),
            EventData::Reference(_) => Vec::new(),
        }
    }

    /// Structured mode: one JSON object.
    pub fn to_json(&self) -> Json {
        let mut object = Map::new();
        self.attributes(|header, value| {
            object.insert(name(header).to_owned(), Json::String(value.into_owned()));
        });
        if let EventData::Json(data) = &self.data {
            object.insert("datacontenttype".to_owned(), CONTENT_TYPE_JSON.into());
            object.insert("data".to_owned(), Json::clone(data));
        }
        Json::Object(object)
    }

    /// Reads binary mode: `header` answers the value of a header by its name in small letters.
    ///
    /// # Errors
    /// `event.envelope.malformed` at the attribute that is missing or not what it must be.
    pub fn from_headers<'h>(header: impl Fn(&'static str) -> Option<&'h str>, body: &[u8]) -> Result<Self> {
        let data = || {
            let is_json = header(CONTENT_TYPE).is_some_and(is_json);
            if !is_json {
                return Err(malformed("datacontenttype", "only JSON is carried"));
            }
            serde_json::from_slice(body).map_err(|e| malformed("data", "the data is not JSON").caused_by(e))
        };
        let attribute = |name| header(name).map(decoded).transpose();
        Self::read(attribute, data)
    }

    /// Reads structured mode.
    ///
    /// # Errors
    /// As [`CloudEvent::from_headers`].
    pub fn from_json(json: &Json) -> Result<Self> {
        let object = json.as_object().ok_or_else(|| malformed("", "an event is an object"))?;
        let text = |member: &'static str| match object.get(member) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(malformed(member, "an attribute is a text")),
        };
        let data = || {
            if text("datacontenttype")?.is_some_and(|it| !is_json(&it)) || object.contains_key("data_base64") {
                return Err(malformed("datacontenttype", "only JSON is carried"));
            }
            Ok(object.get("data").cloned().unwrap_or_default())
        };
        Self::read(|header| text(name(header)), data)
    }

    /// Makes an event of its attributes, each checked. Attributes that are not known say nothing here.
    fn read(
        attribute: impl Fn(&'static str) -> Result<Option<String>>,
        data: impl FnOnce() -> Result<Json>,
    ) -> Result<Self> {
        let required = |header: &'static str| {
            let value = attribute(header)?.filter(|value| !value.is_empty());
            value.ok_or_else(|| malformed(name(header), "the attribute is missing or empty"))
        };
        let at = |header: &'static str| {
            move |e: Error| malformed(name(header), "the attribute is not of its form").caused_by(e)
        };
        if required(SPECVERSION)? != SPEC_VERSION {
            return Err(malformed("specversion", "only CloudEvents 1.0 is spoken"));
        }
        let data = match attribute(DATAREF)? {
            Some(reference) => EventData::Reference(reference.into()),
            None => EventData::Json(Arc::new(data()?)),
        };
        let event = Self {
            id: required(ID)?.into(),
            source: required(SOURCE)?.into(),
            r#type: required(TYPE)?.into(),
            subject: attribute(SUBJECT)?.unwrap_or_default().into(),
            time: required(TIME)?.parse().map_err(at(TIME))?,
            tenant: required(TENANT)?.parse::<TenantId>().map_err(at(TENANT))?,
            place: required(SEQUENCE)?.parse().map_err(at(SEQUENCE))?,
            traceparent: attribute(TRACEPARENT)?.map(Into::into),
            data,
        };
        if required(PARTITIONKEY)? != event.key() {
            return Err(malformed("partitionkey", "the key is not that of the tenant and the subject"));
        }
        Ok(event)
    }
}

fn malformed(attribute: &'static str, message: &'static str) -> Error {
    Error::invalid("event.envelope.malformed", message).at(attribute)
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case(CONTENT_TYPE_JSON))
}

/// A value as a header has it: printable ASCII without quotes stays, all else is percent-encoded in UTF-8.
fn encoded(value: Cow<'_, str>) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'%';
    if value.bytes().all(plain) {
        return value.into_owned();
    }
    let mut text = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The value a header has. A `%` that begins no escape stands for itself.
fn decoded(text: &str) -> Result<String> {
    if text.len() > HEADER_LEN_MAX {
        return Err(malformed("", "a header is too long").with("length_max", HEADER_LEN_MAX));
    }
    let digit =
        |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|it| u8::try_from(it).ok());
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, rest @ ..] = at {
        match (*first, digit(rest.first()), digit(rest.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                at = rest.get(2..).unwrap_or_default();
            }
            (other, ..) => {
                bytes.push(other);
                at = rest;
            }
        }
    }
    String::from_utf8(bytes).map_err(|e| malformed("", "a header is not UTF-8").caused_by(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::envelope::tests::event;

    fn from_headers(headers: &[(&'static str, String)], body: &[u8]) -> Result<CloudEvent> {
        let find = |name: &'static str| headers.iter().find(|(it, _)| *it == name).map(|(_, value)| value.as_str());
        CloudEvent::from_headers(find, body)
    }

    /// What was written once must be read for ever: this text is never changed, only more are added.
    const GOLDEN: &str = r#"{"data":{"name":"Zürich","rank":null},"datacontenttype":"application/json","id":"00000000-0000-0000-0000-000000000007-0","partitionkey":"00000000-0000-8000-8000-000000000001/Airport/ZRH","sequence":"00000000000000000007-0000000000","source":"/arrakis/kernel","specversion":"1.0","subject":"Airport/ZRH","tenant":"00000000-0000-8000-8000-000000000001","time":"2026-11-22T21:16:31.000001Z","type":"airport.renamed"}"#;

    #[test]
    fn the_form_is_the_golden_one() {
        let event = event(7, "Airport/ZRH");
        assert_eq!(crate::canonical_json(&event.to_json()), GOLDEN);
        assert_eq!(CloudEvent::from_json(&serde_json::from_str(GOLDEN).unwrap()).unwrap(), event);
        let headers: Vec<String> = event.headers().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            headers,
            [
                "content-type: application/json",
                "ce-specversion: 1.0",
                "ce-id: 00000000-0000-0000-0000-000000000007-0",
                "ce-source: /arrakis/kernel",
                "ce-type: airport.renamed",
                "ce-subject: Airport/ZRH",
                "ce-time: 2026-11-22T21:16:31.000001Z",
                "ce-tenant: 00000000-0000-8000-8000-000000000001",
                "ce-sequence: 00000000000000000007-0000000000",
                "ce-partitionkey: 00000000-0000-8000-8000-000000000001/Airport/ZRH",
            ]
        );
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let traced = |event: CloudEvent| CloudEvent { traceparent: Some("00-ab-cd-01".into()), ..event };
        let long = "x".repeat(5_000);
        for subject in ["", "Airport/ZRH", "é \"%\n\u{10FFFF}", "%41", "a%2", &long] {
            for event in [event(7, subject), traced(event(8, subject)), event(9, subject).by_reference()] {
                assert_eq!(from_headers(&event.headers(), &event.body()).unwrap(), event);
                assert_eq!(CloudEvent::from_json(&event.to_json()).unwrap(), event);
                assert!(event.headers().iter().all(|(_, value)| value.bytes().all(|byte| byte.is_ascii_graphic())));
            }
        }
    }

    #[test]
    fn the_rules_of_cloudevents_are_checked() {
        let good: Json = serde_json::from_str(GOLDEN).unwrap();
        for (attribute, bad) in [
            ("id", Json::Null),
            ("id", "".into()),
            ("id", 7.into()),
            ("source", "".into()),
            ("type", Json::Null),
            ("specversion", "0.3".into()),
            ("time", "yesterday".into()),
            ("tenant", "acme".into()),
            ("sequence", "7".into()),
            ("partitionkey", "else".into()),
            ("datacontenttype", "text/plain".into()),
        ] {
            let mut event = good.clone();
            event[attribute] = bad.clone();
            let error = CloudEvent::from_json(&event).unwrap_err();
            assert_eq!((error.code(), error.path()), ("event.envelope.malformed", Some(attribute)), "{bad}");
        }
        assert!(CloudEvent::from_json(&Json::Null).is_err());
        let event = event(7, "a");
        assert_eq!(from_headers(&event.headers(), b"{").unwrap_err().path(), Some("data"));
        let names = event.to_json();
        for name in names.as_object().unwrap().keys().filter(|name| *name != "data") {
            assert!(
                name.len() <= 20 && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()),
                "{name}"
            );
        }
    }
}
