//! What the quickstart does: an action, foreseen, done, watched and taken back.

use arrakis::{
    Act, Arrakis, CommitId, Context, Env, Error, History, ObjectSet, Result, Seq, SetEvent, Subscribe, Undo, Value,
};
use serde_json::json;

use crate::table::{print, texts};

/// The action and its undo have ids of their own, so that a second run answers the receipts of the first.
const RENAME: &str = "0192f0c0-0000-7000-8000-000000000005";
const UNDO: &str = "0192f0c0-0000-7000-8000-000000000006";

/// An action of the ontology: what it would do, then doing it, its history, and taking it back, while a live set tells of both.
pub(crate) async fn renamed_and_back(arrakis: &Arrakis, ctx: &Context, env: &Env) -> Result<()> {
    let parameters = json!({ "airport": "JFK", "name": "John F Kennedy International" });
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let call = Act::of("rename_airport", parameters).because("its name in full");

    let start = env.monotonic();
    let foreseen = arrakis.actions().validate(ctx, call.clone()).await?;
    let took = env.monotonic().saturating_sub(start);
    let criteria = foreseen.criteria.iter().map(|criterion| {
        let holds = criterion.holds.map_or("unknown", |holds| if holds { "passes" } else { "refuses" });
        [format!("criterion: {}", criterion.message), holds.to_owned()]
    });
    let effects = foreseen.effects.iter().map(|effect| ["effect".to_owned(), json!(effect).to_string()]);
    print("Renaming JFK, validated", &["what", "verdict"], criteria.chain(effects), took);

    let start = env.monotonic();
    let renamed = arrakis.actions().execute(ctx, call.with_id(RENAME.parse::<CommitId>()?)).await?.receipt;
    let before = Seq(renamed.seq.0 - 1);
    let named = ObjectSet::of("Airport").filter(r#"name : "John F Kennedy""#);
    let mut live = arrakis.feed().subscribe(ctx, Subscribe::to(named).from(before)).await?;
    let undo = Undo { id: Some(UNDO.parse::<CommitId>()?), ..Undo::of(renamed.commit) };
    arrakis.actions().undo(ctx, undo).await?;
    let took = env.monotonic().saturating_sub(start);

    let mut deltas = Vec::new();
    while deltas.len() < 2 {
        let Some(event) = live.next().await else { break };
        if let SetEvent::Delta(delta) = event? {
            let changed = delta.changed.iter().map(|airport| texts(&airport.properties, &["iata", "name"]).join(": "));
            deltas.push([format!("commit {}", delta.seq), changed.collect::<Vec<_>>().join(", ")]);
        }
    }
    print(
        "A live set of the airports called Kennedy, told of the rename and of its undo",
        &["when", "changed"],
        deltas,
        took,
    );
    history(arrakis, ctx, env).await
}

/// Who changed JFK, by what, and what they changed.
async fn history(arrakis: &Arrakis, ctx: &Context, env: &Env) -> Result<()> {
    let start = env.monotonic();
    let answer = arrakis.kernel().history(ctx, History::of_object("Airport", "JFK").with_diff()).await?;
    let took = env.monotonic().saturating_sub(start);
    let mut rows = Vec::new();
    for version in &answer.versions {
        let diff =
            version.diff.as_ref().ok_or_else(|| Error::internal("quickstart.diff", "a difference was asked for"))?;
        let name = match diff.after.get("name") {
            Some(Value::String(name)) => name.to_string(),
            _ => String::new(),
        };
        let action = version.action.as_deref().unwrap_or_default();
        let reason = version.reason.as_deref().unwrap_or_default();
        rows.push([
            format!("commit {}", version.revision),
            version.actor.to_string(),
            action.to_owned(),
            reason.to_owned(),
            name,
        ]);
    }
    print("The history of JFK", &["when", "who", "action", "why", "name"], rows, took);
    Ok(())
}
