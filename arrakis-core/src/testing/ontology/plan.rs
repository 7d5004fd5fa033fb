//! Planning: what a definition changes, and what the data says of it.

use serde_json::json;

use super::{Served, changed, only, people, property, type_mut};
use crate::ontology::{Class, Refusal, Rule, VIOLATION_SAMPLES_MAX};

/// All the faults of a definition are told, each with its code and path.
pub async fn faults_are_told_all_at_once(served: Served) {
    let ctx = served.context();
    let bad = changed(|new| {
        type_mut(new, "Team").color = Some("red".to_owned());
        type_mut(new, "Person").properties[2].default = Some(json!("first"));
    });
    let faults = served.service.validate(&ctx, bad).await.unwrap();
    let told: Vec<_> = faults.iter().map(|fault| (fault.code(), fault.path().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("value.type_mismatch", "object_types[1].properties[2].default"),
            ("ontology.object_type.color", "object_types[2].color")
        ]
    );
    assert!(served.service.validate(&ctx, changed(|_| ())).await.unwrap().is_empty());
}

/// A definition with a fault is refused with the first one and how many there are.
pub async fn a_definition_with_a_fault_has_no_plan(served: Served) {
    let bad = changed(|new| type_mut(new, "Team").color = Some("red".to_owned()));
    let error = served.service.plan(&served.context(), bad).await.unwrap_err();
    assert_eq!((error.code(), error.param("faults")), ("ontology.object_type.color", Some("1")));
}

/// A definition with the content in force is an empty plan.
pub async fn an_unchanged_definition_is_an_empty_plan(served: Served) {
    let plan = served.service.plan(&served.context(), changed(|_| ())).await.unwrap();
    assert!(plan.is_empty() && plan.findings.is_empty());
    assert_eq!((plan.base_version, plan.base_hash), (1, Some(served.fixture.schema.hash)));
}

/// The rows that break a new rule are counted exactly, with samples, and the change is refused until something is stated.
pub async fn rows_that_break_a_rule_are_counted(served: Served) {
    people(&served, 30).await;
    let required = changed(|new| type_mut(new, "Person").properties[2].required = true);
    let plan = served.service.plan(&served.context(), required).await.unwrap();
    let finding = only(&plan.findings);
    assert_eq!((finding.rule, &*finding.path), (Rule::PropRequiredAdded, "object_types.Person.properties.rank"));
    assert_eq!((finding.class, finding.refused), (Class::NeedsMigration, Some(Refusal::MigrationRequired)));
    let violations = finding.violations.as_ref().unwrap();
    assert_eq!((violations.count, violations.samples.as_slice()), (1, &["30".to_owned()][..]));

    let small = json!([{ "range": { "max": 3 } }]);
    let ranged =
        changed(|new| type_mut(new, "Person").properties[2].constraints = serde_json::from_value(small).unwrap());
    let plan = served.service.plan(&served.context(), ranged).await.unwrap();
    let violations = only(&plan.findings).violations.clone().unwrap();
    assert_eq!((violations.count, violations.samples.len()), (26, VIOLATION_SAMPLES_MAX));
}

/// Rows of every tenant of the space are counted; those of others are not named.
pub async fn samples_are_of_the_asking_tenant(served: Served) {
    people(&served, 2).await;
    let neighbour = served.fixture.context(served.fixture.neighbour);
    let required = changed(|new| type_mut(new, "Person").properties[2].required = true);
    let plan = served.service.plan(&neighbour, required).await.unwrap();
    let violations = only(&plan.findings).violations.clone().unwrap();
    assert_eq!((violations.count, violations.samples.len()), (1, 0));
}

/// Rows of another space are not counted.
pub async fn another_space_is_not_counted(served: Served) {
    people(&served, 2).await;
    let stranger = served.fixture.context(served.fixture.stranger);
    let required = changed(|new| type_mut(new, "Person").properties[2].required = true);
    let plan = served.service.plan(&stranger, required).await.unwrap();
    let finding = only(&plan.findings);
    assert_eq!((finding.violations.as_ref().unwrap().count, finding.refused), (0, None));
    assert_eq!(finding.class, Class::NeedsValidation);
}

/// A change names the elements that name what it changes.
pub async fn a_plan_names_those_affected(served: Served) {
    let without = changed(|new| {
        let person = type_mut(new, "Person");
        person.properties[1] = property(json!({ "name": "name", "type": "string", "required": true, "marking": "hr" }));
    });
    let plan = served.service.plan(&served.context(), without).await.unwrap();
    let marked = plan.findings.iter().find(|finding| finding.rule == Rule::PropMarkingChanged).unwrap();
    assert_eq!(marked.consumers, ["object_types.Person.properties.initial"]);
    assert_eq!(marked.class, Class::Breaking);
}
