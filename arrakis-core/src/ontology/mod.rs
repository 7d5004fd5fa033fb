//! The ontology: object types, links, interfaces, actions; published as immutable, compiled schemas.

mod action_type;
mod action_value;
mod cache;
mod cast;
mod check;
mod compile;
mod computed;
mod definition;
mod engine;
mod expression;
mod file;
mod follow;
mod interface;
mod lineage;
mod link_type;
mod numbering;
mod object_type;
mod path;
mod plan;
mod rewrite;
mod schema;
mod service;
mod source;
mod store;
mod stored;

pub use self::action_type::{
    ActionEffect, ActionRule, ActionType, Criterion, Endpoint, EventValue, NewActionType, NewCriterion, NewEffect,
    NewParameter, NewRule, Parameter, ParameterObject, ParameterType,
};
pub use self::action_value::{ActionValue, CaseWhen, Condition};
pub use self::cache::SCHEMAS_CACHED_MAX;
pub use self::check::{DataCheck, VIOLATION_SAMPLES_MAX, Violations};
pub use self::compile::{
    ACTION_CRITERIA_MAX, ACTION_EFFECTS_MAX, ACTION_PARAMETERS_MAX, ACTION_RULES_MAX, ACTION_TYPES_MAX, CHANGES_MAX,
    COLUMNS_MAX, CONSTRAINTS_MAX, DATA_TYPE_SIZE_MAX, DESCRIPTION_LEN_MAX, ENUM_VALUES_MAX, EVENT_TYPE_LEN_MAX,
    EXPRESSION_DEPTH_MAX, EXPRESSION_SIZE_MAX, FAULTS_MAX, GROUPS_MAX, INDEX_PROPERTIES_MAX, INDEXES_MAX,
    INTERFACE_CONSTRAINTS_MAX, INTERFACES_MAX, LABEL_LEN_MAX, LINK_TYPES_MAX, OBJECT_TYPES_MAX, PARENTS_MAX,
    PATTERN_LEN_MAX, PATTERN_SIZE_MAX_BYTES, PATTERNS_MAX, PROPERTIES_MAX, SCHEMA_SIZE_MAX, SHARED_PROPERTIES_MAX,
    STRUCT_FIELDS_MAX, VALUE_TYPES_MAX, validate,
};
pub use self::computed::{Computed, Inputs, Operator, Test};
pub use self::definition::{
    Dropped, MigrationStep, Moved, NewChanges, NewConstraint, NewDataType, NewField, NewForeignKey, NewImplementation,
    NewInterface, NewLinkConstraint, NewLinkSide, NewLinkType, NewMigration, NewObjectType, NewOntology, NewProperty,
    NewValueType, OnCastFailure, Status,
};
pub use self::engine::Ontology;
pub use self::expression::Expression;
pub use self::file::{FILE_ALIASES_MAX, FILE_DEPTH_MAX, FILE_LEN_MAX, FILE_NODES_MAX};
pub use self::follow::{FollowedOntology, OntologyPeer, Publishing};
pub use self::interface::{Interface, InterfaceProperty};
pub use self::link_type::{Backing, Cardinality, End, LinkSide, LinkType, OnDelete};
pub use self::numbering::{ElementNumbers, Numbering};
pub use self::object_type::{Implementation, Index, MergeRule, ObjectType, Property, Side};
pub use self::path::{ElementKind, ElementPath};
pub use self::plan::{Class, Direction, Finding, PLAN_LEN_MAX, Plan, Planning, PolicySource, Refusal, Rule};
pub use self::rewrite::{Rewrite, Rewritten, Transform};
pub use self::schema::{Schema, SchemaHash};
pub use self::service::{
    ApplyPlan, ListSchemaVersions, OntologyExt, OntologyService, Published, SCHEMA_VERSIONS_PAGE_DEFAULT,
    SCHEMA_VERSIONS_PAGE_MAX, SchemaVersions,
};
pub use self::source::SchemaSource;
pub use self::store::{OntologyStore, SchemaVersion};
