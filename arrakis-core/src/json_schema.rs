//! The JSON Schemas of types whose JSON form is written by hand.

/// States the schema of types, each under its own name.
macro_rules! schema_is {
    ($($name:ident: $schema:tt),* $(,)?) => {$(
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )*};
}

use crate::kernel::{Filter, NewProperties, Properties};
use crate::ontology::{Rule, SchemaHash};
use crate::{Actor, CommitId, Date, Duration, Permission, RequestId, SpaceId, TenantId, Timestamp};

schema_is! {
    Actor: { "type": "string", "minLength": 1, "maxLength": 200 },
    CommitId: { "type": "string", "format": "uuid" },
    Date: { "type": "string", "format": "date" },
    Duration: { "type": "string", "description": "An elapsed time of ISO 8601, such as PT1H30M." },
    Filter: {
        "description": "A condition: in the text people write, such as `people > 1000 AND name = \"Oslo\"`, or of one member that says what it is: `eq`, \
            `ne`, `lt`, `lte`, `gt`, `gte`, `in`, `is_null`, `contains`, `starts_with`, `ends_with`, `within`, `has`, `and`, `or`, `not`.",
        "anyOf": [{ "type": "string" }, { "type": "object", "minProperties": 1, "maxProperties": 1 }]
    },
    NewProperties: { "type": "object", "description": "Values by property name, each in the JSON form of the property's type." },
    Permission: { "type": "string", "description": "The name of a permission, such as object.read." },
    Properties: { "type": "object", "description": "Values by property name; what is absent is left out." },
    RequestId: { "type": "string", "format": "uuid" },
    Rule: { "type": "string", "description": "The id of a rule by which changes of an ontology are judged." },
    SchemaHash: { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    SpaceId: { "type": "string", "format": "uuid" },
    TenantId: { "type": "string", "format": "uuid" },
    Timestamp: { "type": "string", "format": "date-time" },
}

#[cfg(feature = "users")]
use crate::credential::Secret;

#[cfg(feature = "users")]
schema_is! {
    Secret: { "type": "string", "format": "password" },
}
