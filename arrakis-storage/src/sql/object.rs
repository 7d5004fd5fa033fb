//! Objects from their rows.

use std::sync::Arc;

use arrakis_core::Key;
use arrakis_core::commit::StoredRow;
use arrakis_core::kernel::{Object, Properties};
use arrakis_core::ontology::ObjectType;

use super::ColumnKind;

/// The object a row is, whole.
pub(crate) fn whole(object_type: &ObjectType, key: &Key, row: StoredRow) -> Object {
    Object {
        object_type: object_type.api_name.clone(),
        key: key.clone(),
        revision: row.revision,
        properties: Properties::new(Arc::clone(&object_type.names), row.values),
    }
}

/// Whether a key is of the type's key type. SQLite would find the text `5` by the number 5; others refuse to compare them.
pub(crate) fn fits(object_type: &ObjectType, key: &Key) -> bool {
    let integers = object_type.key_property().is_ok_and(|of| ColumnKind::of(&of.data_type.base) == ColumnKind::Integer);
    integers == matches!(key, Key::Integer(_))
}
