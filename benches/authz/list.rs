//! The first page of a list over a million objects, of which the actor sees few, some or half, beside the same query without a policy.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrakis::access::{Access, Policy, Subject};
use arrakis::{Actor, Arrakis, Cell, Context, Load, LoadMode, LoadRow, LoadTarget, ObjectSet, OrderBy, Query, Value};

use crate::check::ONTOLOGY;
use crate::{Bound, Measured, median};

const OBJECTS: i64 = 1_000_000;
/// Who sees how many.
const OWNERS: [(&str, i64); 3] = [("few", 10), ("some", 10_000), ("half", 500_000)];
const TURNS: usize = 11;

fn owner(id: i64) -> &'static str {
    // Spread over the keys.
    let place = id.wrapping_mul(7_368_787).rem_euclid(OBJECTS);
    match place {
        0..10 => "few",
        10..10_010 => "some",
        10_010..510_010 => "half",
        _ => "nobody",
    }
}

fn load(ids: std::ops::Range<i64>) -> Load {
    let row = |id: i64| {
        let values = [Value::Integer(id), Value::string(owner(id)), Value::Integer(id % 7)];
        LoadRow {
            line: u64::try_from(id).unwrap_or_default() + 1,
            cells: values.into_iter().map(Cell::Value).collect(),
        }
    };
    let columns = ["id", "owner", "level"].map(str::to_owned).to_vec();
    let (into, mode) = (LoadTarget::Objects("Item".into()), LoadMode::Create);
    Load { into, mode, columns, rows: ids.map(row).collect(), errors_max: 0, id: None, reason: None }
}

pub(crate) async fn measure(measured: &mut Vec<Measured>) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authz.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let arrakis = Arrakis::open(&path).await.expect("a store");
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.expect("an ontology");
    for start in (0..OBJECTS).step_by(10_000) {
        arrakis.kernel().load(&ctx, load(start..start + 10_000)).await.expect("a load");
    }
    let policy = "rules: [{ name: own, effect: permit, type: Item, verbs: [read], where: owner = $actor.id }]";
    let policy = Arc::new(Policy::from_yaml(policy).expect("a policy"));
    for (name, count) in OWNERS {
        let subject = Subject::new(Actor::parse(&format!("user:{name}")).expect("an actor"), name);
        let acting = arrakis.acting(Arc::new(Access::new(Arc::clone(&policy), subject)));
        let all = Query::of(ObjectSet::of("Item"));
        let same = Query::of(ObjectSet::of("Item").filter(arrakis::Filter::eq("owner", name)));
        let expected = usize::try_from(count.min(100)).unwrap_or_default();
        assert_eq!(page(&arrakis, &acting, &all).await, expected);
        assert_eq!(page(&arrakis, &ctx, &same).await, expected);
        for (order, by) in [("by key", None), ("by a property", Some(OrderBy::desc("level")))] {
            let with = |query: &Query| Query { order_by: by.clone().into_iter().collect(), ..query.clone() };
            let (seen, filtered, everything) = (with(&all), with(&same), with(&all));
            let mut times = [const { Vec::new() }; 3];
            for _ in 0..=TURNS {
                for (side, (ctx, query)) in
                    [(&acting, &seen), (&ctx, &filtered), (&ctx, &everything)].into_iter().enumerate()
                {
                    // Once beforehand: what the one before it left in the caches is not to count.
                    page(&arrakis, ctx, query).await;
                    let start = Instant::now();
                    page(&arrakis, ctx, query).await;
                    times[side].push(start.elapsed().as_secs_f64() * 1e9);
                }
            }
            let [ours_ns, filtered_ns, all_ns] = times.map(median);
            let others = vec![("asked for", filtered_ns), ("of everything", all_ns)];
            measured.push(Measured {
                what: format!("a page {order} of {count} seen"),
                ours_ns,
                others,
                bound: Bound::Ratio(1.5),
            });
        }
    }
    arrakis.close().await;
}

async fn page(arrakis: &Arrakis, ctx: &Context, query: &Query) -> usize {
    arrakis.kernel().query(ctx, query.clone()).await.expect("a page").objects.len()
}
