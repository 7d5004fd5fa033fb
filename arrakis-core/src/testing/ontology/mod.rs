//! The conformance suite of [`OntologyService`]: one function per sentence of behaviour, each on a store of its own. The engine passes
//! it over every store, a client over every transport.

pub mod plan;
pub mod publish;
pub mod schema;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Fixture, TestEnv};
use crate::ontology::{
    Finding, MigrationStep, Moved, NewMigration, NewObjectType, NewOntology, NewProperty, Ontology, OntologyService,
};
use crate::{Committer, Context, Store};

/// A service over the store of a fixture, whose first version is published.
#[derive(Debug)]
pub struct Served {
    /// The store behind it.
    pub fixture: Fixture,
    /// The service under test.
    pub service: Arc<dyn OntologyService>,
}

impl Served {
    /// The engine over a store.
    pub async fn engine(store: Arc<dyn Store>, test: TestEnv) -> Self {
        let env = test.env();
        let fixture = Fixture::new(Arc::clone(&store), test).await;
        let committer = Committer::start(Arc::clone(&store) as Arc<dyn crate::CommitLog>);
        Self { fixture, service: Arc::new(Ontology::new(env, committer, store)) }
    }

    /// A context of the tenant most tests write as, which may do everything.
    pub fn context(&self) -> Context {
        self.fixture.context(self.fixture.own)
    }
}

/// The ontology of the fixture, changed.
pub fn changed(change: impl FnOnce(&mut NewOntology)) -> NewOntology {
    let mut ontology = Fixture::ontology();
    change(&mut ontology);
    ontology
}

/// An object type by name.
pub fn type_mut<'a>(ontology: &'a mut NewOntology, name: &str) -> &'a mut NewObjectType {
    ontology.object_types.iter_mut().find(|new| new.name == *name).unwrap()
}

/// A property as a file states it.
pub fn property(json: Json) -> NewProperty {
    serde_json::from_value(json).unwrap()
}

/// A migration as a file states it.
pub fn migration(of: &str, step: Json) -> NewMigration {
    let step: MigrationStep = serde_json::from_value(step).unwrap();
    NewMigration { of: of.to_owned(), step }
}

/// A rename as a file states it.
pub fn moved(from: &str, to: &str) -> Moved {
    Moved { from: from.to_owned(), to: to.to_owned() }
}

/// The one finding of a plan.
pub fn only(findings: &[Finding]) -> &Finding {
    assert_eq!(findings.len(), 1, "{findings:?}");
    &findings[0]
}

/// Some people with ranks 1 and up, and one without.
pub async fn people(served: &Served, count: i64) {
    let Served { fixture, .. } = served;
    let mut draft = fixture.draft(fixture.own);
    for id in 1..=count {
        let rank = (id < count).then_some(id);
        draft = draft.create("Person", json!({ "id": id, "name": format!("p{id}"), "rank": rank }));
    }
    fixture.wrote(draft).await;
}

/// Makes a test of every function of the suite. The arguments are an asynchronous function from an [`crate::Env`] to an empty store, an
/// `Arc<dyn Store>`, and, for another service than the engine, one from a store and a [`TestEnv`] to a [`Served`].
#[macro_export]
macro_rules! ontology_suite {
    ($open:path) => { $crate::ontology_suite!($open, $crate::testing::ontology::Served::engine); };
    ($open:path, $serve:path) => {
        $crate::ontology_suite! { @modules $open, $serve =>
            schema {
                the_current_schema_is_what_was_published
                a_space_without_an_ontology_says_so
                versions_stay_readable
                the_version_in_force_after_a_commit
                versions_are_listed_in_pages
                each_method_needs_its_permission
                a_deadline_passed_is_told
            }
            plan {
                faults_are_told_all_at_once
                a_definition_with_a_fault_has_no_plan
                an_unchanged_definition_is_an_empty_plan
                rows_that_break_a_rule_are_counted
                samples_are_of_the_asking_tenant
                another_space_is_not_counted
                a_plan_names_those_affected
            }
            publish {
                a_plan_is_published_as_one_commit
                an_empty_plan_publishes_nothing
                the_same_commit_answers_the_first_publication
                a_moved_base_refuses_the_plan
                a_refused_plan_is_not_published
                a_plan_of_another_making_is_refused
                rows_written_since_are_seen
                objects_written_since_keep_their_type
                values_written_since_keep_their_property
                links_written_since_keep_their_type
                a_default_fills_what_is_absent
                values_are_converted
                a_value_without_counterpart_is_told_in_the_plan
                a_rename_keeps_the_data
                dropped_data_stays_in_the_past
                another_key_is_another_type
                a_derived_property_is_computed_for_all
                spaces_are_published_apart
            }
        }
    };
    (@modules $open:path, $serve:path => $($module:ident { $($function:ident)* })*) => {
        $($crate::ontology_suite! { @module $open, $serve, $module => $($function)* })*
    };
    (@module $open:path, $serve:path, $module:ident => $($function:ident)*) => {
        $($crate::ontology_suite! { @test $open, $serve, $module, $function })*
    };
    (@test $open:path, $serve:path, $module:ident, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let test = $crate::testing::TestEnv::default();
            let opened: Option<std::sync::Arc<dyn $crate::Store>> = $open(test.env()).await.into();
            let Some(store) = opened else { return };
            $crate::testing::ontology::$module::$function($serve(store, test).await).await;
        }
    };
}

#[cfg(test)]
mod tests {
    /// A function of the suite that nothing runs would look as if everything passed it.
    #[test]
    fn every_function_of_the_suite_is_run() {
        let listed = include_str!("mod.rs");
        for (module, text) in [
            ("schema", include_str!("schema.rs")),
            ("plan", include_str!("plan.rs")),
            ("publish", include_str!("publish.rs")),
        ] {
            let list = listed.split(&format!("            {module} {{\n")).nth(1).unwrap().split('}').next().unwrap();
            let functions: Vec<_> = text
                .lines()
                .filter_map(|line| line.strip_prefix("pub async fn "))
                .map(|line| line.split('(').next().unwrap())
                .collect();
            let names: Vec<_> = list.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            assert_eq!(functions, names, "{module}");
        }
    }
}
