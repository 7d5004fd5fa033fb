//! What a change of the ontology does to the policy in force.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Finding, Planning, Rule};
use crate::access::Policy;
use crate::ontology::{NewOntology, Schema};
use crate::{Context, Result};

/// Where the policy of a tenant is known.
#[async_trait]
pub trait PolicySource: std::fmt::Debug + Send + Sync + 'static {
    /// The policy in force for the tenant of a context; `None` where there is none.
    async fn policy_in_force(&self, ctx: &Context) -> Result<Option<Arc<Policy>>>;
}

impl Planning {
    /// What would be at fault in a policy that is not now.
    pub(crate) fn policy_findings(&self, policy: &Policy) -> Result<Vec<Finding>> {
        let Some(target) = &self.target else { return Ok(Vec::new()) };
        let told = |schema: &Schema| -> Vec<_> {
            let faults = policy.faults(schema).into_iter();
            faults
                .map(|fault| {
                    (fault.path().unwrap_or_default().to_owned(), fault.code().to_owned(), fault.message().to_owned())
                })
                .collect()
        };
        let now: HashSet<_> = match &self.base {
            Some(base) => told(base).into_iter().collect(),
            None => told(&Schema::first(NewOntology::default())?).into_iter().collect(),
        };
        let new = told(target).into_iter().filter(|fault| !now.contains(fault));
        let finding = |(path, code, message): (String, String, String)| Finding {
            rule: Rule::PolicyBroken,
            path: format!("policy.{path}"),
            class: Rule::PolicyBroken.class(),
            direction: Rule::PolicyBroken.direction(),
            message: format!("{}: {message} ({code})", Rule::PolicyBroken.message()),
            violations: None,
            consumers: Vec::new(),
            migration: None,
            refused: None,
        };
        Ok(new.map(finding).collect())
    }
}
