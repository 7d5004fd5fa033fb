//! Objects by key.

use serde::{Deserialize, Serialize};

use super::{AsOf, Object};
use crate::{Key, Seq};

/// Objects by key, up to [`super::KEYS_MAX`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetObjects {
    /// Their type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Their keys.
    pub keys: Vec<Key>,
    /// The properties wanted, in this order; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<String>>,
    /// Which state is read; the current one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// The commit the answer must have seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Seq>,
}

/// Objects by key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Objects {
    /// One per key, in the order asked; `None` for each that is absent.
    pub objects: Vec<Option<Object>>,
    /// The newest commit the answer has seen, or the one it is as of.
    pub seq: Seq,
}

impl GetObjects {
    /// Whole objects, as they are now.
    pub fn of<K: Into<Key>>(object_type: impl Into<String>, keys: impl IntoIterator<Item = K>) -> Self {
        let keys = keys.into_iter().map(Into::into).collect();
        Self { object_type: object_type.into(), keys, select: None, as_of: None, at_least: None }
    }

    /// Of a past state.
    #[must_use]
    pub fn as_of(mut self, as_of: impl Into<AsOf>) -> Self {
        self.as_of = Some(as_of.into());
        self
    }
}
