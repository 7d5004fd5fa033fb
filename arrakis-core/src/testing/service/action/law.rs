//! Laws of undo and of time, on random writes.

use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::{Deployment, Method, list, member};

const PEOPLE: i64 = 6;
const ROUNDS: u64 = 60;

/// One random edit; it may well be refused.
fn edit(rng: &mut Rng) -> Json {
    let id = rng.i64(1..=PEOPLE);
    let other = rng.i64(1..=PEOPLE);
    let boss = if rng.bool() { json!(other) } else { Json::Null };
    match rng.u8(0..8) {
        0 => {
            json!({ "create": { "type": "Person", "properties": { "id": id, "name": format!("n{}", rng.u8(..)), "boss": boss } } })
        }
        1 => {
            json!({ "modify": { "type": "Person", "key": id, "properties": { "rank": rng.i64(0..3), "boss": boss } } })
        }
        2 => json!({ "upsert": { "type": "Person", "properties": { "id": id, "name": format!("n{}", rng.u8(..)) } } }),
        3 => json!({ "delete": { "type": "Person", "key": id } }),
        4 | 5 => {
            let properties = json!({ "weight": rng.i64(0..3) });
            json!({ "link": { "type": "knows", "source": id, "target": other, "properties": properties } })
        }
        6 => json!({ "unlink": { "type": "knows", "source": id, "target": other } }),
        _ => json!({ "upsert": { "type": "Task", "properties": { "id": id, "owner": other } } }),
    }
}

/// Everything there is but the revisions, as of a commit or now.
async fn state(on: &Deployment, as_of: Option<&Json>) -> Json {
    let with_time = |mut request: Json| {
        if let Some(as_of) = as_of {
            request["as_of"] = as_of.clone();
        }
        request
    };
    let mut state = Vec::new();
    for object_type in ["Person", "Task"] {
        let request = with_time(json!({ "set": { "type": object_type } }));
        let objects = member(&on.answer(Method::Query, request).await, "objects");
        state.extend(list(&objects).iter().map(|object| object["properties"].clone()));
    }
    let ends: Vec<_> = (1..=PEOPLE)
        .flat_map(|source| (1..=PEOPLE).map(move |target| json!({ "source": source, "target": target })))
        .collect();
    let links = member(&on.answer(Method::Links, with_time(json!({ "type": "knows", "ends": ends }))).await, "links");
    state.extend(list(&links).iter().map(|link| link.get("properties").cloned().unwrap_or_default()));
    Json::Array(state)
}

/// Whatever a write did, undoing it leaves everything as it was before, and undoing that leaves it as it was after.
pub async fn an_undo_is_the_inverse_of_anything(on: Deployment) {
    on.people(3).await;
    let mut applied = 0;
    for seed in 0..ROUNDS {
        let mut rng = Rng::with_seed(seed);
        let before = state(&on, None).await;
        let edits: Vec<_> = (0..rng.usize(1..5)).map(|_| edit(&mut rng)).collect();
        let shown = format!("seed {seed}: {edits:?}");
        let Ok(answer) = on.ask(&on.own, Method::Write, json!({ "edits": edits })).await else { continue };
        applied += 1;
        let after = state(&on, None).await;
        let undo = on.answer(Method::Undo, json!({ "commit": answer["receipt"]["commit"] })).await;
        assert_eq!(state(&on, None).await, before, "{shown}");
        assert_eq!(undo["changed_since"], json!([]), "{shown}");
        let Some(receipt) = undo.get("receipt") else { continue };
        on.answer(Method::Undo, json!({ "commit": receipt["commit"] })).await;
        assert_eq!(state(&on, None).await, after, "{shown}");
    }
    assert!(applied > 10, "{applied} writes were taken");
}

/// The state as of the newest commit is the state of now; as of any commit it is what it was then.
pub async fn the_past_is_what_it_was(on: Deployment) {
    on.people(3).await;
    let mut states = Vec::new();
    for seed in 0..ROUNDS / 2 {
        let mut rng = Rng::with_seed(seed);
        let edits: Vec<_> = (0..rng.usize(1..4)).map(|_| edit(&mut rng)).collect();
        // What is refused leaves the state as it was, which is as good.
        let _ = on.ask(&on.own, Method::Write, json!({ "edits": edits })).await;
        let now = state(&on, None).await;
        let head = json!(on.head().await);
        assert_eq!(state(&on, Some(&head)).await, now, "seed {seed}");
        states.push((head, now));
    }
    for (seq, then) in &states {
        assert_eq!(state(&on, Some(seq)).await, *then, "as of {seq}");
    }
}
