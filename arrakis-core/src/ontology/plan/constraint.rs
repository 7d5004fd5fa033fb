//! Whether the values one type allows are among those another does.

use std::collections::BTreeSet;

use super::rule::Rule;
use crate::{BaseType, Constraint, DataType, Field};

/// The rules a change of constraints falls under, for types stored alike, those of elements and fields included. Values that were
/// allowed may be refused now under those that are not [`super::Class::Compatible`].
pub(super) fn compare(old: &DataType, new: &DataType) -> BTreeSet<Rule> {
    let mut rules = compare_lists(&old.constraints, &new.constraints);
    match (&old.base, &new.base) {
        (BaseType::Array(old), BaseType::Array(new)) => rules.extend(compare(old, new)),
        (BaseType::Struct(old), BaseType::Struct(new)) => {
            for (old, new) in old.iter().zip(new) {
                rules.extend(compare(&old.data_type, &new.data_type));
                rules.extend(compare_required(old, new));
            }
        }
        (BaseType::Decimal { precision: old, .. }, BaseType::Decimal { precision: new, .. }) => {
            rules.extend((new < old).then_some(Rule::PropConstraintTightened));
            rules.extend((new > old).then_some(Rule::PropConstraintLoosened));
        }
        _ => {}
    }
    rules
}

fn compare_required(old: &Field, new: &Field) -> Option<Rule> {
    match (old.required, new.required) {
        (false, true) => Some(Rule::PropConstraintAdded),
        (true, false) => Some(Rule::PropConstraintRemoved),
        _ => None,
    }
}

fn compare_lists(old: &[Constraint], new: &[Constraint]) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    for constraint in new.iter().filter(|constraint| !old.iter().any(|before| implies(before, constraint))) {
        match old.iter().find(|before| same_kind(before, constraint) && !new.contains(before)) {
            None => rules.insert(Rule::PropConstraintAdded),
            Some(Constraint::Enum(_)) => rules.insert(Rule::PropEnumRemoved),
            Some(_) => rules.insert(Rule::PropConstraintTightened),
        };
    }
    for constraint in old.iter().filter(|constraint| !new.iter().any(|now| implies(now, constraint))) {
        match new.iter().find(|now| same_kind(now, constraint) && !old.contains(now)) {
            None => rules.insert(Rule::PropConstraintRemoved),
            Some(Constraint::Enum(_)) => rules.insert(Rule::PropEnumAdded),
            Some(_) => rules.insert(Rule::PropConstraintLoosened),
        };
    }
    rules
}

fn same_kind(a: &Constraint, b: &Constraint) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// Whether what obeys `a` obeys `b`, as far as can be told.
fn implies(a: &Constraint, b: &Constraint) -> bool {
    match (a, b) {
        (Constraint::Enum(fewer), Constraint::Enum(more)) => fewer.iter().all(|value| more.contains(value)),
        (Constraint::Enum(values), other) => values.iter().all(|value| other.check(value).is_ok()),
        (Constraint::Range { min, max }, Constraint::Range { min: low, max: high }) => {
            let above = low.as_ref().is_none_or(|low| min.as_ref().is_some_and(|min| min.compare(low).is_ge()));
            let below = high.as_ref().is_none_or(|high| max.as_ref().is_some_and(|max| max.compare(high).is_le()));
            above && below
        }
        (Constraint::Length { min, max }, Constraint::Length { min: low, max: high }) => {
            let above = low.is_none_or(|low| min.is_some_and(|min| min >= low));
            let below = high.is_none_or(|high| max.is_some_and(|max| max <= high));
            above && below
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::{NewOntology, Schema};

    fn data_type(yaml: &str) -> DataType {
        let file = format!(
            "object_types: [{{name: A, primary_key: id, properties: [{{name: id, type: string}}, {{name: p, {yaml}}}]}}]"
        );
        let schema = Schema::first(NewOntology::from_yaml(&file).unwrap()).unwrap();
        schema.object_types[0].property("p").unwrap().1.data_type.clone()
    }

    #[test]
    fn constraints_compare_as_sets_of_values() {
        let (added, removed) = (Rule::PropConstraintAdded, Rule::PropConstraintRemoved);
        let (tightened, loosened) = (Rule::PropConstraintTightened, Rule::PropConstraintLoosened);
        let (listed, unlisted) = (Rule::PropEnumAdded, Rule::PropEnumRemoved);
        for (old, new, expected) in [
            ("type: string", "type: string", &[] as &[Rule]),
            ("type: string", "type: string, constraints: [{length: {max: 3}}]", &[added]),
            ("type: string, constraints: [{length: {max: 3}}]", "type: string", &[removed]),
            (
                "type: string, constraints: [{length: {max: 3}}]",
                "type: string, constraints: [{length: {max: 4}}]",
                &[loosened],
            ),
            (
                "type: string, constraints: [{length: {max: 3}}]",
                "type: string, constraints: [{length: {min: 1, max: 3}}]",
                &[tightened],
            ),
            (
                "type: integer, constraints: [{range: {min: 1, max: 5}}]",
                "type: integer, constraints: [{range: {min: 0, max: 4}}]",
                &[tightened, loosened],
            ),
            (
                "type: integer, constraints: [{enum: [1, 2]}]",
                "type: integer, constraints: [{enum: [2, 1, 3]}]",
                &[listed],
            ),
            (
                "type: integer, constraints: [{enum: [1, 2]}]",
                "type: integer, constraints: [{enum: [2, 3]}]",
                &[listed, unlisted],
            ),
            (
                "type: integer, constraints: [{enum: [1, 2]}]",
                "type: integer, constraints: [{range: {min: 1}}]",
                &[removed],
            ),
            (
                "type: string, constraints: [{regex: a}]",
                "type: string, constraints: [{regex: b}]",
                &[tightened, loosened],
            ),
            (
                "type: string, constraints: [{regex: a}, {length: {max: 3}}]",
                "type: string, constraints: [{length: {max: 3}}, {regex: a}]",
                &[],
            ),
            ("type: {decimal: {precision: 4, scale: 2}}", "type: {decimal: {precision: 6, scale: 2}}", &[loosened]),
            (
                "type: {struct: [{name: a, type: string}]}",
                "type: {struct: [{name: a, type: string, required: true}]}",
                &[added],
            ),
            (
                "type: {array: {struct: [{name: a, type: string, required: true}]}}",
                "type: {array: {struct: [{name: a, type: string}]}}",
                &[removed],
            ),
        ] {
            let found: Vec<_> = compare(&data_type(old), &data_type(new)).into_iter().collect();
            assert_eq!(found, expected, "{old} to {new}");
        }
    }
}
