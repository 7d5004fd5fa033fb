//! What the quickstart asks.

use arrakis::{
    Aggregate, Arrakis, CommitId, Context, Edit, Env, GetObjects, MeasureFunction, ObjectSet, OrderBy, Query, Result,
    Seq, Walk, Write,
};
use serde_json::json;

use crate::table::{print, texts};

/// The update has an id of its own, so that a second run answers the receipt of the first.
const UPDATE: &str = "0192f0c0-0000-7000-8000-000000000004";

/// An aggregate over the objects' links.
pub(crate) async fn busiest(arrakis: &Arrakis, ctx: &Context, env: &Env) -> Result<()> {
    let request = Aggregate::of(ObjectSet::of("Airport"))
        .group_by("iata")
        .group_by("name")
        .metric("departures", MeasureFunction::Sum, "destinations.flights")
        .order_by(OrderBy::desc("departures"))
        .limit(10);
    let start = env.monotonic();
    let answer = arrakis.kernel().aggregate(ctx, request).await?;
    let took = env.monotonic().saturating_sub(start);
    let rows = answer.groups.iter().map(|group| {
        let metrics = texts(&group.metrics, &["departures"]);
        texts(&group.keys, &["iata", "name"]).into_iter().chain(metrics)
    });
    print("The ten busiest airports by departures", &["iata", "name", "departures"], rows, took);
    Ok(())
}

/// A walk along links, and a filter on where it ends.
pub(crate) async fn within_two_hops(arrakis: &Arrakis, ctx: &Context, env: &Env) -> Result<()> {
    let reached = ObjectSet::walk(Walk::from(ObjectSet::ids("Airport", ["ACV"]), "destinations").hops(1, 2));
    let request = Query::of(reached.filter(r#"state_code = "MT""#)).order_by(OrderBy::asc("city"));
    let start = env.monotonic();
    let page = arrakis.kernel().query(ctx, request).await?;
    let took = env.monotonic().saturating_sub(start);
    let names = ["iata", "name", "city"];
    let rows = page.objects.iter().map(|airport| texts(&airport.properties, &names));
    print("Airports of Montana that one or two flights from Arcata (ACV) lead to", &names, rows, took);
    Ok(())
}

/// A page of a filtered and ordered set, and the page after it.
pub(crate) async fn two_pages(arrakis: &Arrakis, ctx: &Context, env: &Env) -> Result<()> {
    let names = ["city", "name", "iata"];
    let californian = ObjectSet::of("Airport").filter(r#"state_code = "CA" AND name : "International""#);
    let mut request = Query::of(californian)
        .select(names)
        .order_by(OrderBy::asc("city"))
        .order_by(OrderBy::desc("name"))
        .page_size(4);
    for number in ["first", "second"] {
        let start = env.monotonic();
        let page = arrakis.kernel().query(ctx, request.clone()).await?;
        let took = env.monotonic().saturating_sub(start);
        let rows = page.objects.iter().map(|airport| texts(&airport.properties, &names));
        print(&format!("International airports of California, the {number} page"), &names, rows, took);
        let Some(cursor) = page.next else { break };
        println!("next: {cursor}");
        request = request.after(cursor);
    }
    Ok(())
}

/// An update, and the same object as it is and as it was.
pub(crate) async fn before_an_update(arrakis: &Arrakis, ctx: &Context, env: &Env) -> Result<()> {
    let properties = json!({ "name": "San Francisco International (SFO)" }).try_into()?;
    let edit = Edit::Modify { object_type: "Airport".to_owned(), key: "SFO".into(), properties, expect: None };
    let write = Write {
        edits: vec![edit],
        id: Some(UPDATE.parse::<CommitId>()?),
        reason: Some("the code helps those who search".to_owned()),
    };
    let written = arrakis.kernel().write(ctx, write).await?;
    let updated = written.receipt.seq;
    let before = Seq(updated.0 - 1);
    let start = env.monotonic();
    let now = arrakis.kernel().get(ctx, GetObjects::of("Airport", ["SFO"])).await?;
    let then = arrakis.kernel().get(ctx, GetObjects::of("Airport", ["SFO"]).as_of(before)).await?;
    let took = env.monotonic().saturating_sub(start);
    let rows =
        [("now".to_owned(), now), (format!("as of commit {before}"), then)].into_iter().filter_map(|(when, answer)| {
            let airport = answer.objects.into_iter().flatten().next()?;
            let identity = [when, format!("commit {}", airport.revision)];
            Some(identity.into_iter().chain(texts(&airport.properties, &["iata", "name", "city"])))
        });
    print("San Francisco, updated", &["read", "written by", "iata", "name", "city"], rows, took);
    Ok(())
}
