//! The ontology: object types, links, interfaces, actions; published as immutable, compiled schemas.

mod action_type;
mod check;
mod definition;
mod expression;
mod interface;
mod link_type;
mod numbering;
mod object_type;
mod rewrite;
mod schema;
mod source;
mod store;

pub use self::action_type::{ActionType, NewActionType};
pub use self::check::{DataCheck, VIOLATION_SAMPLES_MAX, Violations};
pub use self::definition::{
    Dropped, MigrationStep, Moved, NewChanges, NewConstraint, NewDataType, NewField, NewForeignKey, NewImplementation,
    NewInterface, NewLinkConstraint, NewLinkSide, NewLinkType, NewMigration, NewObjectType, NewOntology, NewProperty,
    NewValueType, OnCastFailure, Status,
};
pub use self::expression::Expression;
pub use self::interface::{Interface, InterfaceProperty};
pub use self::link_type::{Backing, Cardinality, End, LinkSide, LinkType, OnDelete};
pub use self::numbering::{ElementNumbers, Numbering};
pub use self::object_type::{Implementation, Index, MergeRule, ObjectType, Property, Side};
pub use self::rewrite::{Rewrite, Rewritten, Transform};
pub use self::schema::{Schema, SchemaHash};
pub use self::source::SchemaSource;
pub use self::store::{OntologyStore, SchemaVersion};
