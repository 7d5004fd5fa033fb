//! The envelope: `CloudEvents` 1.0, made of a log entry.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{CommitId, Error, LogEntry, Result, Seq, TenantId, Timestamp};

/// The version of `CloudEvents` spoken.
pub const SPEC_VERSION: &str = "1.0";
/// What an event is called that its writer gave no type.
const TYPE_UNNAMED: &str = "unnamed";
/// The service of a commit whose method names none.
const SERVICE_UNNAMED: &str = "unnamed";

/// Where an event stands in its log: the commit, then which of its events. Places are ordered as events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The commit's place in the log.
    pub seq: Seq,
    /// Which of the commit's events, from 0.
    pub index: u32,
}

impl fmt::Display for Place {
    /// The form of the extension attribute `sequence`, whose texts are ordered as places are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{:010}", self.seq.0, self.index)
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || Error::invalid("event.sequence.malformed", "a sequence is a seq and an index");
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (seq, index) =
            text.split_once('-').filter(|(seq, index)| digits(seq) && digits(index)).ok_or_else(malformed)?;
        let seq = seq.parse().map(Seq).map_err(|e| malformed().caused_by(e))?;
        let index = index.parse().map_err(|e| malformed().caused_by(e))?;
        Ok(Self { seq, index })
    }
}

/// What an event carries.
#[derive(Clone, Debug, PartialEq)]
pub enum EventData {
    /// Its data.
    Json(Arc<serde_json::Value>),
    /// Where its data is found, a URI reference, for data that is too large to be carried (the extension `dataref`).
    Reference(Arc<str>),
}

/// An event in its envelope.
///
/// `id` and `source` together name it, the same whenever and by whomever it is made of its log entry, so that who was told twice knows.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudEvent {
    /// The commit's id and which of its events: `<uuid>-<index>`.
    pub id: Arc<str>,
    /// Which deployment and which of its services, a URI reference: `/<deployment>/<service>`.
    pub source: Arc<str>,
    /// What happened, such as `ontology.published`; never empty.
    pub r#type: Arc<str>,
    /// What it happened to, such as `Airport/SFO`; may be empty, and is left out of the envelope then.
    pub subject: Arc<str>,
    /// When the commit was decided.
    pub time: Timestamp,
    /// Whose event it is.
    pub tenant: TenantId,
    /// Where it stands in the log.
    pub place: Place,
    /// The W3C trace it belongs to.
    pub traceparent: Option<Arc<str>>,
    /// What it carries.
    pub data: EventData,
}

impl CloudEvent {
    /// The events of a log entry, in order.
    pub fn of_entry(deployment: &str, entry: &LogEntry) -> Vec<Self> {
        if entry.events.is_empty() {
            return Vec::new();
        }
        let service = entry.audit.method.split('.').next().filter(|it| !it.is_empty()).unwrap_or(SERVICE_UNNAMED);
        let source: Arc<str> = format!("/{deployment}/{service}").into();
        let event = |(event, index): (&crate::commit::Event, u32)| Self {
            id: event_id(entry.commit, index),
            source: Arc::clone(&source),
            r#type: if event.r#type.is_empty() { TYPE_UNNAMED.into() } else { Arc::clone(&event.r#type) },
            subject: Arc::clone(&event.subject),
            time: entry.at,
            tenant: entry.tenant,
            place: Place { seq: entry.seq, index },
            traceparent: entry.audit.trace.clone(),
            data: EventData::Json(Arc::new(event.data.clone())),
        };
        entry.events.iter().zip(0..).map(event).collect()
    }

    /// The service that made it, the last segment of its source.
    pub fn service(&self) -> &str {
        self.source.rsplit('/').next().unwrap_or_default()
    }

    /// Events with equal keys are told in the order of the log: those of one tenant about one subject (the extension `partitionkey`).
    pub fn key(&self) -> String {
        let mut key = String::with_capacity(37 + self.subject.len());
        // Writing to a text does not fail.
        let _ = fmt::write(&mut key, format_args!("{}/{}", self.tenant, self.subject));
        key
    }

    /// The event with a reference in place of its data: where the log has it.
    #[must_use]
    pub fn by_reference(&self) -> Self {
        let reference = format!("/v1/log/{}/events/{}", self.place.seq, self.place.index);
        Self { data: EventData::Reference(reference.into()), ..self.clone() }
    }
}

fn event_id(commit: CommitId, index: u32) -> Arc<str> {
    format!("{commit}-{index}").into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::commit::{AuditRecord, Event};
    use crate::{Actor, RequestId};

    pub(in crate::event) fn entry(seq: u64, subjects: &[&str]) -> LogEntry {
        let event = |subject: &&str| Event {
            r#type: "airport.renamed".into(),
            subject: (*subject).into(),
            data: serde_json::json!({ "name": "Zürich", "rank": null }),
        };
        LogEntry {
            seq: Seq(seq),
            commit: CommitId::from_uuid(uuid::Uuid::from_u128(u128::from(seq))),
            tenant: TenantId::DEFAULT,
            actor: Actor::parse("user:ann").unwrap(),
            at: "2026-11-22T21:16:31.000001Z".parse().unwrap(),
            reason: None,
            effects: Vec::new(),
            audit: AuditRecord::new("kernel.execute", RequestId::from_uuid(uuid::Uuid::nil())),
            events: subjects.iter().map(event).collect(),
        }
    }

    pub(in crate::event) fn event(seq: u64, subject: &str) -> CloudEvent {
        CloudEvent::of_entry("arrakis", &entry(seq, &[subject])).remove(0)
    }

    #[test]
    fn an_entry_makes_the_same_events_each_time() {
        let entry = entry(7, &["Airport/ZRH", "Airport/SFO"]);
        let events = CloudEvent::of_entry("arrakis", &entry);
        assert_eq!(events, CloudEvent::of_entry("arrakis", &entry));
        let ids: Vec<_> = events.iter().map(|event| &*event.id).collect();
        let commit = "00000000-0000-0000-0000-000000000007";
        assert_eq!(ids, [format!("{commit}-0"), format!("{commit}-1")]);
        assert_eq!((&*events[1].source, events[1].service()), ("/arrakis/kernel", "kernel"));
        assert_eq!(events[1].place, Place { seq: Seq(7), index: 1 });
        assert_eq!(events[0].key(), format!("{}/Airport/ZRH", TenantId::DEFAULT));
    }

    #[test]
    fn what_a_writer_left_empty_is_named() {
        let mut entry = entry(7, &[""]);
        entry.events[0].r#type = "".into();
        entry.audit.method = "".into();
        let event = CloudEvent::of_entry("arrakis", &entry).remove(0);
        assert_eq!((&*event.r#type, event.service()), ("unnamed", "unnamed"));
    }

    #[test]
    fn places_are_ordered_as_their_texts() {
        let place = |seq, index| Place { seq: Seq(seq), index };
        let places = [place(0, 0), place(1, 9), place(1, 10), place(9, 0), place(10, 0), place(u64::MAX, u32::MAX)];
        for pair in places.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].to_string() < pair[1].to_string(), "{pair:?}");
        }
        for place in places {
            assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        }
        for bad in ["", "1", "1-", "-1", "a-1", "1-+1", "1-1-1", "18446744073709551616-0"] {
            assert_eq!(bad.parse::<Place>().unwrap_err().code(), "event.sequence.malformed", "{bad}");
        }
    }
}
