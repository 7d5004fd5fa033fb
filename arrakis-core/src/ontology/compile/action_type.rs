//! Action types: parameters, criteria, rules and effects fit the types they name.

use std::collections::HashMap;
use std::sync::Arc;

use super::Compiler;
use crate::ApiName;
use crate::ontology::{ActionType, LinkType, ObjectType};

impl Compiler<'_> {
    pub(super) fn action_types(
        &mut self,
        _object_types: &[ObjectType],
        _link_types: &[LinkType],
        _by_name: &HashMap<&ApiName, usize>,
    ) -> Vec<Arc<ActionType>> {
        self.definition
            .action_types
            .iter()
            .map(|new| Arc::new(ActionType { api_name: new.name.clone(), status: new.status.clone() }))
            .collect()
    }
}
