//! Statuses: what replaces a deprecated element exists and is not itself on its way out.

use std::collections::HashMap;

use super::Compiler;
use crate::ontology::Status;
use crate::{ApiName, Error};

impl Compiler<'_> {
    pub(super) fn element_statuses(&mut self) {
        let definition = self.definition;
        self.statuses("value_types", definition.value_types.iter().map(|new| (&new.name, &new.status)));
        self.statuses("shared_properties", definition.shared_properties.iter().map(|new| (&new.name, &new.status)));
        self.statuses("interfaces", definition.interfaces.iter().map(|new| (&new.name, &new.status)));
        self.statuses("object_types", definition.object_types.iter().map(|new| (&new.name, &new.status)));
        self.statuses("link_types", definition.link_types.iter().map(|new| (&new.name, &new.status)));
        self.statuses("action_types", definition.action_types.iter().map(|new| (&new.name, &new.status)));
    }

    /// Judges the statuses of the elements of one list.
    pub(super) fn statuses<'e>(
        &mut self,
        list: &'static str,
        elements: impl Iterator<Item = (&'e ApiName, &'e Status)> + Clone,
    ) {
        if elements.clone().all(|(_, status)| !matches!(status, Status::Deprecated { .. })) {
            return;
        }
        let by_name: HashMap<&ApiName, &Status> = elements.clone().collect();
        for (index, (name, status)) in elements.enumerate() {
            let Status::Deprecated { replacement: Some(replacement), .. } = status else { continue };
            let refusal = match by_name.get(replacement) {
                _ if replacement == name => "an element does not replace itself",
                None => "there is no such element of the same kind",
                Some(Status::Deprecated { .. }) => "the replacement is deprecated itself",
                Some(_) => continue,
            };
            self.faults.push(
                Error::invalid("ontology.status.replacement", refusal)
                    .with("replacement", replacement)
                    .at(format!("{list}[{index}].status.deprecated.replacement")),
            );
        }
    }
}
