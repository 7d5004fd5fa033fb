//! # arrakis-core
//!
//! The domain logic of Arrakis and the storage-agnostic traits it runs over. Nothing here does I/O.

pub mod access;
pub mod archive;
pub mod cache;
mod capability;
pub mod commit;
mod context;
#[cfg(feature = "users")]
pub mod credential;
mod cursor;
mod decimal;
mod env;
mod error;
pub mod event;
mod id;
#[cfg(feature = "json-schema")]
mod json_schema;
pub mod kernel;
mod name;
mod once;
pub mod ontology;
pub mod relay;
mod store;
pub mod telemetry;
mod tenancy;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
#[cfg(feature = "users")]
pub mod user;
mod value;

#[cfg(feature = "derive")]
pub use arrakis_derive::{Object, Struct};

pub use self::capability::Capability;
pub use self::commit::{
    Atomicity, Change, Commit, CommitLog, Committer, Effect, EffectKind, LinkChange, LinkOp, LinkRef, LogEntry,
    LogPage, ObjectChange, ObjectOp, ObjectRef, Precondition, Receipt, TenancyChange, Tenant,
};
pub use self::context::{ACTOR_LEN_MAX, Actor, Context, Grants, Permission, Scope};
pub use self::cursor::CURSOR_LEN_MAX;
pub use self::decimal::{DECIMAL_PRECISION_MAX, Decimal};
pub use self::env::{Clock, Env, Ids, uuid_v7};
pub use self::error::{ERROR_TEXT_LEN_MAX, Error, ErrorKind, Outcome, Result};
pub use self::id::{
    CommitId, LinkTypeId, ObjectTypeId, PropertyId, RequestId, Seq, SpaceId, TENANCY_NAME_DEFAULT,
    TENANCY_NAME_LEN_MAX, TenantId,
};
pub use self::kernel::typed;
pub use self::name::{API_NAME_LEN_MAX, ApiName};
pub use self::once::{IDEMPOTENCY_KEY_LEN_MAX, Once};
pub use self::store::Store;
pub use self::tenancy::Tenancy;
pub use self::time::{Date, Duration, Timestamp};
pub use self::value::{
    ARRAY_LEN_MAX, BaseType, Constraint, DATA_TYPE_DEPTH_MAX, DataType, EARTH_RADIUS_M, Field, Format, Geopoint,
    JSON_DEPTH_MAX, JSON_INTEGER_MAX, JSON_LEN_MAX, KEY_LEN_MAX, Key, Ranked, STRING_LEN_MAX, VECTOR_DIMENSION_MAX,
    Value, VectorMetric, canonical_json,
};
