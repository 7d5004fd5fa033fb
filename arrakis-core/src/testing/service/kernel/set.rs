//! The algebra of sets: its operations, and the laws between them.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, told};
use crate::kernel::{SET_DEPTH_MAX, SET_NODES_MAX};

fn all() -> Json {
    json!({ "type": "Person" })
}

fn ids(keys: &[i64]) -> Json {
    json!({ "ids": { "type": "Person", "keys": keys } })
}

fn filtered(from: Json, filter: Json) -> Json {
    json!({ "filter": { "from": from, "where": filter } })
}

fn ranked(operator: &str, rank: i64) -> Json {
    json!({ operator: { "property": "rank", "value": rank } })
}

fn union(a: &Json, b: &Json) -> Json {
    json!({ "union": [a, b] })
}

fn intersect(a: &Json, b: &Json) -> Json {
    json!({ "intersect": [a, b] })
}

fn subtract(a: &Json, b: &Json) -> Json {
    json!({ "subtract": [a, b] })
}

async fn people(on: &Deployment) {
    let person = |id: i64| {
        let rank = if id % 3 == 0 { Json::Null } else { json!(id) };
        json!({ "create": { "type": "Person", "properties": { "id": id, "name": format!("p{id}"), "rank": rank } } })
    };
    on.wrote((1..=9).map(person).collect()).await;
    on.acquaint(&[(1, 2, 1), (2, 3, 5), (3, 4, 1), (1, 5, 5), (5, 5, 5)]).await;
}

/// Sets of every form.
fn forms() -> Vec<Json> {
    vec![
        all(),
        ids(&[1, 3, 5, 77]),
        ids(&[]),
        filtered(all(), ranked("ge", 4)),
        filtered(ids(&[2, 3, 4, 5]), json!({ "is_null": { "property": "rank" } })),
        json!({ "traverse": { "from": ids(&[1]), "link": "knows", "max": 2 } }),
        filtered(all(), json!({ "has": { "link": "knows", "where": { "gt": { "property": "weight", "value": 3 } } } })),
    ]
}

/// Keys that name nothing, or the same twice, make a set no larger.
pub async fn keys_make_a_set_of_what_exists(on: Deployment) {
    people(&on).await;
    assert_eq!(json!(on.keys(ids(&[5, 1, 5, 77, 1])).await), json!([1, 5]));
    assert_eq!(json!(on.keys(ids(&[])).await), json!([]));
    let error = on.refusal(Method::Query, json!({ "set": { "ids": { "type": "Person", "keys": [1, "x"] } } })).await;
    assert_eq!(told(&error), ("value.type_mismatch", "set.ids.keys[1]"));
}

/// Union, intersection and difference are those of the sets they are of.
pub async fn operations_are_those_of_sets(on: Deployment) {
    people(&on).await;
    for a in forms() {
        let in_a = on.keys(a.clone()).await;
        for b in forms() {
            let in_b = on.keys(b.clone()).await;
            let kept = |keep: &dyn Fn(&Json) -> bool| -> Vec<Json> {
                (1..=9).map(|key| json!(key)).filter(|key| keep(key)).collect()
            };
            assert_eq!(
                on.keys(union(&a, &b)).await,
                kept(&|key| in_a.contains(key) || in_b.contains(key)),
                "{a} ∪ {b}"
            );
            assert_eq!(
                on.keys(intersect(&a, &b)).await,
                kept(&|key| in_a.contains(key) && in_b.contains(key)),
                "{a} ∩ {b}"
            );
            assert_eq!(
                on.keys(subtract(&a, &b)).await,
                kept(&|key| in_a.contains(key) && !in_b.contains(key)),
                "{a} − {b}"
            );
        }
    }
}

/// A ∪ A = A, A ∩ A = A, A − A = ∅, A ∪ ∅ = A, A ∩ ∅ = ∅, A − ∅ = A.
pub async fn a_set_with_itself_and_with_nothing(on: Deployment) {
    people(&on).await;
    let nothing = ids(&[]);
    for a in forms() {
        let itself = on.keys(a.clone()).await;
        for set in [union(&a, &a), intersect(&a, &a), union(&a, &nothing), subtract(&a, &nothing)] {
            assert_eq!(on.keys(set.clone()).await, itself, "{set}");
        }
        for set in [subtract(&a, &a), intersect(&a, &nothing), subtract(&nothing, &a)] {
            assert!(on.keys(set.clone()).await.is_empty(), "{set}");
        }
    }
}

/// A − (B ∪ C) = (A − B) ∩ (A − C), A − (B ∩ C) = (A − B) ∪ (A − C); and so do filters: not (p or q) = not p and not q.
pub async fn the_laws_of_de_morgan_hold(on: Deployment) {
    people(&on).await;
    for b in forms() {
        for c in forms() {
            let (without_b, without_c) = (subtract(&all(), &b), subtract(&all(), &c));
            let left = on.keys(subtract(&all(), &union(&b, &c))).await;
            assert_eq!(left, on.keys(intersect(&without_b, &without_c)).await, "{b} {c}");
            let left = on.keys(subtract(&all(), &intersect(&b, &c))).await;
            assert_eq!(left, on.keys(union(&without_b, &without_c)).await, "{b} {c}");
        }
    }
    let conditions = [
        ranked("ge", 4),
        ranked("ne", 5),
        json!({ "is_null": { "property": "rank" } }),
        json!({ "has": { "link": "knows" } }),
        json!({ "or": [] }),
    ];
    for p in &conditions {
        for q in &conditions {
            let not = |filter: &Json| json!({ "not": filter });
            let left = on.matching("Person", not(&json!({ "or": [p, q] }))).await;
            assert_eq!(left, on.matching("Person", json!({ "and": [not(p), not(q)] })).await, "{p} {q}");
            let left = on.matching("Person", not(&json!({ "and": [p, q] }))).await;
            assert_eq!(left, on.matching("Person", json!({ "or": [not(p), not(q)] })).await, "{p} {q}");
        }
    }
}

/// A filter over a set operation is that operation over the filtered sets, and filters of filters are both.
pub async fn filters_distribute_over_operations(on: Deployment) {
    people(&on).await;
    let filter = ranked("gt", 1);
    for a in forms() {
        for b in forms() {
            for operation in [union, intersect, subtract] {
                let outside = filtered(operation(&a, &b), filter.clone());
                let inside = operation(&filtered(a.clone(), filter.clone()), &filtered(b.clone(), filter.clone()));
                assert_eq!(on.keys(outside).await, on.keys(inside.clone()).await, "{inside}");
            }
        }
        let both = filtered(a.clone(), json!({ "and": [filter, ranked("lt", 8)] }));
        let nested = filtered(filtered(a, filter.clone()), ranked("lt", 8));
        assert_eq!(on.keys(both).await, on.keys(nested.clone()).await, "{nested}");
    }
}

/// An object reached in several ways is in a set once.
pub async fn an_object_is_in_a_set_once(on: Deployment) {
    people(&on).await;
    let many = json!({ "union": [all(), ids(&[1, 1]), { "traverse": { "from": all(), "link": "knows" } }, all()] });
    assert_eq!(on.keys(many.clone()).await.len(), 9);
    let count =
        on.answer(Method::Aggregate, json!({ "set": many, "metrics": [{ "name": "n", "function": "count" }] })).await;
    assert_eq!(count["groups"][0]["metrics"]["n"], json!(9));
}

/// Sets of one type are combined with sets of that type; a union or intersection is of at least one.
pub async fn sets_of_different_types_are_not_combined(on: Deployment) {
    let team = json!({ "type": "Team" });
    let named = json!({ "interface": "Named" });
    for (set, path) in [
        (union(&all(), &team), "set.union[1]"),
        (intersect(&team, &named), "set.intersect[1]"),
        (subtract(&named, &all()), "set.subtract[1]"),
        (json!({ "union": [all(), { "subtract": [all(), team] }] }), "set.union[1].subtract[1]"),
    ] {
        let error = on.refusal(Method::Query, json!({ "set": set })).await;
        assert_eq!(told(&error), ("kernel.set.shape", path));
    }
    for name in ["union", "intersect"] {
        let error = on.refusal(Method::Query, json!({ "set": { name: [] } })).await;
        assert_eq!(told(&error), ("kernel.set.empty", &*format!("set.{name}")));
        assert_eq!(on.keys(json!({ name: [all()] })).await.len(), 0);
    }
    for (set, code, path) in [
        (json!({ "type": "Persons" }), "kernel.object_type.unknown", "set.type"),
        (json!({ "interface": "Person" }), "kernel.interface.unknown", "set.interface"),
        (
            json!({ "union": [all(), { "ids": { "type": "X", "keys": [] } }] }),
            "kernel.object_type.unknown",
            "set.union[1].ids.type",
        ),
    ] {
        assert_eq!(told(&on.refusal(Method::Query, json!({ "set": set })).await), (code, path));
    }
}

/// A set is made of up to 100 sets, nested up to 16 deep.
pub async fn sets_have_their_limits(on: Deployment) {
    people(&on).await;
    let wide = |sets: usize| json!({ "union": vec![all(); sets - 1] });
    let deep = |depth: usize| (1..depth).fold(all(), |inner, _| filtered(inner, json!({ "and": [] })));
    assert_eq!(on.keys(wide(SET_NODES_MAX)).await.len(), 9);
    assert_eq!(on.keys(deep(SET_DEPTH_MAX)).await.len(), 9);
    for set in [wide(SET_NODES_MAX + 1), deep(SET_DEPTH_MAX + 1)] {
        let error = on.refusal(Method::Query, json!({ "set": set })).await;
        assert_eq!(error.code(), "kernel.set.too_large");
        assert_eq!((error.param("sets_max"), error.param("depth_max")), (Some("100"), Some("16")));
    }
}
