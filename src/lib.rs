#![doc = include_str!("../README.md")]

mod arrakis;
mod builder;
#[cfg(feature = "server")]
mod follow;
#[cfg(feature = "telemetry")]
mod observe;
#[cfg(feature = "client")]
mod remote;
#[cfg(feature = "users")]
mod root;
#[cfg(feature = "server")]
mod serve;

#[cfg(feature = "bus")]
pub use arrakis_bus::{InProcessBus, InProcessOptions};
#[cfg(feature = "nats")]
pub use arrakis_bus::{NatsBus, NatsOptions};
/// Who may do what: policies, and what follows of them for whoever acts.
pub use arrakis_core::access;
pub use arrakis_core::archive;
pub use arrakis_core::cache::{
    CACHE_BYTES_DEFAULT, CACHE_STALE_MAX_MS, Cache, CacheCapability, CacheEntry, CacheKey, CacheKind, CacheOptions,
    CacheOwner, CacheReport,
};
/// Passwords, one-time codes, API keys and tokens.
#[cfg(feature = "users")]
pub use arrakis_core::credential;
/// Events, and the port of the buses that carry them.
pub use arrakis_core::event;
pub use arrakis_core::kernel::plan::{Area, MeasureFunction, SortDirection, TimeUnit};
pub use arrakis_core::kernel::{
    AGGREGATE_GROUPS_MAX, Act, ActBatch, ActResult, Acted, ActedBatch, ActionCall, ActionHandler, ActionLimits,
    ActionService, Aggregate, AsOf, BatchAtomicity, Budget, CHANGES_LIMIT_DEFAULT, CHANGES_LIMIT_MAX,
    CHANGES_WAIT_MAX_MS, Cell, ChangedBy, ChangedLink, ChangedObject, ChangedSince, Changes, ChangesSince,
    ChangesStream, CommitChanges, CommitValidator, CriterionVerdict, Diff, Direction, Edit, ElementNames, Expect,
    Fault, FeedService, Filter, GetLinks, GetObjects, Group, GroupBy, Groups, HOOK_TIMEOUT_DEFAULT, HandlerFn, History,
    InitialPage, KernelExt, KernelService, LIVE_MEMBERS_MAX, LOAD_ROWS_MAX, LeftObject, Link, LinkEnds, Links, Load,
    LoadMode, LoadReport, LoadRow, LoadTarget, Metric, NamedEffect, Neighbour, NeighbourPage, Neighbours,
    NewProperties, Object, ObjectSet, Objects, OnConflict, OrderBy, Origin, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Page,
    PageRequest, ParameterVerdict, Properties, PropertyValue, PublishedVersion, Query, REJECTIONS_MAX, Range,
    Rejection, SUBSCRIPTION_BUFFER_DEFAULT, SUBSCRIPTION_BUFFER_MAX, SetDelta, SetEvent, SetEvents, Subject, Subscribe,
    Subscription, TRAVERSE_HOPS_MAX, Undo, UndoReport, Validation, Version, Versions, Walk, Write, Written,
};
pub use arrakis_core::ontology::{
    ActionType, ApplyPlan, Backing, Cardinality, Class, End, FAULTS_MAX, Finding, Interface, LinkType,
    ListSchemaVersions, NewOntology, ObjectType, OnDelete, OntologyExt, OntologyService, Plan, Property, Published,
    Refusal, Rule, Schema, SchemaHash, SchemaVersion, SchemaVersions, Status, Violations, validate,
};
pub use arrakis_core::relay::{BusSink, Relay, RelayCounts, RelayOptions, RelayStatus, Sink};
pub use arrakis_core::typed::{
    self, Attachment, ObjectStruct, PropertyOf, Severity, Shape, ShapeDifference, ShapeFaults, ShapeRule, Shapes,
    TypedKernel, TypedPage, TypedQuery, check_shapes, shapes_json,
};
/// Users, groups and roles.
#[cfg(feature = "users")]
pub use arrakis_core::user;
pub use arrakis_core::{
    Actor, ApiName, BaseType, Capability, Change, Clock, Commit, CommitId, Constraint, Context, DataType, Date,
    Decimal, Duration, EffectKind, Env, Error, ErrorKind, Geopoint, Grants, Ids, Key, LinkTypeId, ObjectTypeId, Once,
    Outcome, Permission, PropertyId, Receipt, RequestId, Result, Scope, Seq, SpaceId, Store, TENANCY_NAME_DEFAULT,
    TENANCY_NAME_LEN_MAX, TenantId, Timestamp, Value,
};
#[cfg(feature = "derive")]
pub use arrakis_core::{Object, Struct};
pub use arrakis_storage::MemoryStore;
#[cfg(feature = "sqlite")]
pub use arrakis_storage::{Durability, SqliteOptions, SqliteStore};
#[cfg(feature = "postgres")]
pub use arrakis_storage::{Fence, Module, PgOptions, PgStore};
#[cfg(feature = "redis")]
pub use arrakis_storage::{RedisCache, RedisOptions};

/// What can be asked over HTTP.
#[cfg(feature = "client")]
pub use arrakis_server::api;
/// The services of another process, over HTTP.
#[cfg(feature = "client")]
pub use arrakis_server::client;
/// The API gateway.
#[cfg(feature = "gateway")]
pub use arrakis_server::gateway;
/// Logging in with another provider.
#[cfg(feature = "oidc")]
pub use arrakis_server::oidc;
/// How processes of one deployment vouch for whom they ask.
#[cfg(feature = "client")]
pub use arrakis_server::peer;
/// The services over HTTP.
#[cfg(feature = "server")]
pub use arrakis_server::server;
#[doc(inline)]
#[cfg(feature = "telemetry")]
pub use arrakis_server::telemetry;
#[doc(inline)]
#[cfg(feature = "client")]
pub use arrakis_server::tls;

pub use self::arrakis::Arrakis;
pub use self::builder::ArrakisBuilder;
#[cfg(feature = "users")]
pub use self::root::root_secret;
#[cfg(feature = "gateway")]
pub use self::serve::start_gateway;
#[cfg(feature = "server")]
pub use self::serve::{Serve, Service};

/// The examples of the page on typed access, run as doctests.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../docs/typed.md")]
mod typed_page {}
