//! What SQLite does for a read: the very statements the kernel's requests run, on tables large enough, with the statistics the store keeps.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrakis_core::Store;
use arrakis_core::ontology::NewOntology;
use arrakis_core::testing::TestEnv;
use arrakis_core::testing::service::{Deployment, Method};
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};
use serde_json::{Value as Json, json};

use super::{SqliteOptions, SqliteStore};

const ONTOLOGY: &str = "
object_types:
  - name: Item
    primary_key: id
    properties:
      - { name: id, type: integer }
      - { name: category, type: string, required: true }
      - { name: score, type: integer }
      - { name: rank, type: integer, indexed: true }
      - { name: serial, type: string, unique: true }
      - { name: weight, type: integer }
      - { name: box, type: integer }
    indexes:
      - [category, score]
  - name: Box
    primary_key: id
    properties:
      - { name: id, type: integer }
link_types:
  - name: part
    source: { object_type: Item, name: parts, cardinality: many }
    target: { object_type: Item, name: wholes, cardinality: many }
    on_delete: unlink
    properties:
      - { name: quantity, type: integer }
  - name: packed
    source: { object_type: Item, name: packed_in, cardinality: one }
    target: { object_type: Box, name: contents, cardinality: many }
    foreign_key: { holder: source, property: box }
    on_delete: unlink
";
const ITEMS: i64 = 6_000;
const CATEGORIES: i64 = 20;
const BOXES: i64 = 500;
const PARTS: i64 = 3;
/// Objects a page has.
const PAGE: u64 = 10;
/// More steps than any read here takes by its indexes, past the versions written since included, and a tenth of what a scan takes.
const STEPS_MAX: i32 = 3_000;

thread_local! {
    static RAN: RefCell<Vec<Ran>> = const { RefCell::new(Vec::new()) };
}

/// A statement that ran on this thread.
#[derive(Clone, Debug)]
struct Ran {
    sql: String,
    sorts: i32,
    prepared_again: i32,
    steps: i32,
}

fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Profile(statement, _) = event {
        let sql = statement.sql().into_owned();
        let [sorts, prepared_again, steps] =
            [StatementStatus::Sort, StatementStatus::RePrepare, StatementStatus::VmStep]
                .map(|of| statement.get_status(of));
        RAN.with_borrow_mut(|all| all.push(Ran { sql, sorts, prepared_again, steps }));
    }
}

/// A store of items with links, half of which were changed once.
struct Filled {
    store: Arc<SqliteStore>,
    on: Deployment,
    /// The commit before the changes.
    before: Json,
}

impl Filled {
    async fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("arrakis-query-plan-{}-{number}.db", std::process::id()));
        let (test, options) = (TestEnv::default(), SqliteOptions { temporary: true, ..SqliteOptions::default() });
        let store = Arc::new(SqliteStore::open(path, test.env(), &options).unwrap());
        let on = Deployment::embedded(Arc::clone(&store) as Arc<dyn Store>, test).await;
        on.publish(&NewOntology::from_yaml(ONTOLOGY).unwrap()).await;
        let columns = ["id", "category", "score", "rank", "serial", "weight", "box"];
        let (items, parts) = (json!({ "objects": "Item" }), json!({ "links": "part" }));
        // A table is made with its first row: boxes are in obj_1, items in obj_2.
        load(&on, &json!({ "objects": "Box" }), &["id"], (0..BOXES).map(|id| vec![id])).await;
        load(&on, &items, &columns, (0..ITEMS).map(|id| item(id, 0))).await;
        let ends = (0..ITEMS).flat_map(|id| (1..=PARTS).map(move |part| vec![id, (id * 3 + part) % ITEMS, 1]));
        let before = load(&on, &parts, &["source", "target", "quantity"], ends).await;
        load(&on, &items, &columns, (0..ITEMS).step_by(2).map(|id| item(id, 1))).await;
        let ends = (0..ITEMS).step_by(2).map(|id| vec![id, (id * 3 + 1) % ITEMS, 2]);
        load(&on, &parts, &["source", "target", "quantity"], ends).await;
        // The writing thread looks at its statistics after it has answered, and before it writes again.
        on.wrote(json!({ "create": { "type": "Box", "properties": { "id": BOXES } } })).await;
        Self { store, on, before }
    }

    /// Answers a request on a fresh connection, and tells the statements that ran on typed tables.
    async fn asked(&self, method: Method, request: Json) -> (Json, Vec<Ran>) {
        self.store.readers.renew();
        let trace = |connection: &Connection| {
            connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(note));
            Ok(())
        };
        self.store.readers.statement(trace).await.unwrap();
        RAN.take();
        let answer = self.on.answer(method, request).await;
        let mut ran = RAN.take();
        ran.retain(|ran| ["\"obj_", "\"lnk_"].iter().any(|table| ran.sql.contains(table)));
        (answer, ran)
    }

    /// How SQLite finds the rows of a statement, and what it sorts.
    async fn plan(&self, sql: &str) -> Vec<String> {
        let explain = |connection: &Connection| {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps: Vec<String> =
                explain.raw_query().mapped(|row| row.get("detail")).collect::<rusqlite::Result<_>>().unwrap();
            Ok(steps)
        };
        let steps = self.store.readers.statement(explain).await.unwrap();
        let told = |step: &String| ["SEARCH", "SCAN", "TEMP"].iter().any(|word| step.contains(word));
        steps.iter().filter(|step| told(step)).map(|step| brief(step)).collect()
    }

    /// Asks, and checks what SQLite does: without a statement planned for one value only, and in few steps.
    async fn does<S: AsRef<str>>(&self, method: Method, request: Json, expected: &[S]) -> Json {
        let shown = request.to_string();
        let (answer, ran) = self.asked(method, request).await;
        let mut plan = Vec::new();
        for Ran { sql, sorts, prepared_again, steps } in &ran {
            let steps_planned = self.plan(sql).await;
            let may_sort = steps_planned.iter().any(|step| step.contains("TEMP"));
            assert!(may_sort || *sorts == 0, "{shown}: {sorts} sorts");
            assert!(*prepared_again == 0 && *steps <= STEPS_MAX, "{shown}: {steps} steps, {sql}");
            plan.extend(steps_planned);
        }
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        assert_eq!(plan, expected, "{shown}: {ran:#?}");
        answer
    }

    /// Walks two pages, as they are now and as they were, and checks what SQLite does for each.
    async fn walks<S: AsRef<str>>(&self, set: &Json, order_by: &Json, expected: [&[S]; 4]) {
        let request = |more: Json| {
            let mut request = json!({ "set": set, "order_by": order_by, "page": { "size": PAGE } });
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            request
        };
        let [now, next, then, next_then] = expected;
        for (as_of, first, second) in [(json!({}), now, next), (json!({ "as_of": self.before }), then, next_then)] {
            let page = self.does(Method::Query, request(as_of.clone()), first).await;
            assert_eq!(page["objects"].as_array().map(Vec::len), Some(10), "{set}");
            let mut more = request(as_of);
            more["page"]["cursor"] = page["next"].clone();
            let page = self.does(Method::Query, more, second).await;
            assert_eq!(page["objects"].as_array().map(Vec::len), Some(10), "{set}");
        }
    }
}

/// A step of a plan without what every plan says, and without the numbers that keep names apart.
fn brief(step: &str) -> String {
    let step = step.trim_start_matches("SEARCH ").replacen("USING ", "", 1).replacen("COVERING ", "", 1);
    match step.split_once(' ') {
        Some((name @ ("o0" | "o1" | "o2" | "l0" | "l1" | "l2" | "l3" | "l4"), rest)) => {
            format!("{} {rest}", &name[..1])
        }
        _ => step,
    }
}

/// The cells of an item; its score and rank change.
fn item(id: i64, change: i64) -> Vec<i64> {
    vec![id, id % CATEGORIES, (id * 7_919 + change) % 1_000, (id * 31 + change) % 1_000, id, id % 97, id % BOXES]
}

async fn load(on: &Deployment, into: &Json, columns: &[&str], rows: impl Iterator<Item = Vec<i64>>) -> Json {
    let cells = |row: Vec<i64>| row.into_iter().map(|cell| json!({ "text": cell.to_string() })).collect::<Json>();
    let rows: Json = rows.zip(1..).map(|(row, line)| json!({ "line": line, "cells": cells(row) })).collect();
    let report = on.answer(Method::Load, json!({ "into": into, "columns": columns, "rows": rows })).await;
    assert_eq!(report["rejected"], 0, "{report:.500}");
    report["seq"].clone()
}

fn items() -> Json {
    json!({ "type": "Item" })
}

fn items_where(filter: &str) -> Json {
    json!({ "filter": { "from": items(), "where": filter } })
}

fn one(object_type: &str) -> Json {
    json!({ "ids": { "type": object_type, "keys": [4] } })
}

fn walk(from: &Json, link: &str) -> Json {
    json!({ "traverse": { "from": from, "link": link } })
}

fn by(property: &str, direction: &str) -> Json {
    json!([{ "property": property, "direction": direction }])
}

/// One of these objects by its key, now and as it was.
const BY_KEY: &str = "o PRIMARY KEY (t=? AND k=?)";
const BY_KEY_THEN: &str = "o PRIMARY KEY (t=? AND k=? AND rev_to>?)";
const DISTINCT: &str = "UNION TEMP B-TREE";

#[tokio::test]
async fn a_page_goes_on_in_its_index_from_where_the_last_one_ended() {
    let filled = Filled::new().await;
    let (all, beyond) = ("o PRIMARY KEY (t=?)", "o PRIMARY KEY (t=? AND k>?)");
    filled.walks(&items(), &json!([]), [&[all], &[beyond], &[all, all], &[beyond, beyond]]).await;
    for (direction, after) in [("asc", '>'), ("desc", '<')] {
        let tied =
            |index: &str, fixed: &str, term: &str| format!("o INDEX {index} (t=?{fixed} AND {term}=? AND k{after}?)");
        let past = |index: &str, fixed: &str, term: &str| format!("o INDEX {index} (t=?{fixed} AND {term}{after}?)");
        let first = |index: &str, fixed: &str| format!("o INDEX {index} (t=?{fixed})");
        for (set, property, [index, index_then], fixed, term) in [
            (items(), "rank", ["obj_2_i_4", "obj_2_v_i_4"], "", "p4"),
            (items_where("weight > 5"), "rank", ["obj_2_i_4", "obj_2_v_i_4"], "", "p4"),
            (items_where("category = '4'"), "score", ["obj_2_i_2_3", "obj_2_v_i_2_3"], " AND p2=?", "p3"),
            (
                items_where("category = '4' AND weight > 5"),
                "score",
                ["obj_2_i_2_3", "obj_2_v_i_2_3"],
                " AND p2=?",
                "p3",
            ),
        ] {
            let now = [first(index, fixed)];
            let next = [tied(index, fixed, term), past(index, fixed, term)];
            let then = [first(index, fixed), first(index_then, fixed)];
            let next_then = [index, index_then]
                .map(|index| tied(index, fixed, term))
                .into_iter()
                .chain([index, index_then].map(|index| past(index, fixed, term)));
            let next_then: Vec<String> = next_then.collect();
            filled.walks(&set, &by(property, direction), [&now, &next, &then, &next_then]).await;
        }
    }
}

#[tokio::test]
async fn a_page_ordered_by_key_goes_on_from_the_key() {
    let filled = Filled::new().await;
    let (all, tied, beyond) = ("o PRIMARY KEY (t=?)", BY_KEY, "o PRIMARY KEY (t=? AND k<?)");
    // Versions of one object have one key, so that what is sorted is never more than these.
    let sorted = "USE TEMP B-TREE FOR LAST TERM OF ORDER BY";
    let then: [&[&str]; 2] = [&[all, all, sorted], &[tied, BY_KEY_THEN, beyond, beyond, sorted]];
    filled.walks(&items(), &by("id", "desc"), [&[all], &[tied, beyond], then[0], then[1]]).await;
}

#[tokio::test]
async fn values_are_found_by_their_index() {
    let filled = Filled::new().await;
    let request = |set: &Json| json!({ "set": set, "page": { "size": PAGE } });
    let as_of = |set: &Json| json!({ "set": set, "page": { "size": PAGE }, "as_of": filled.before });
    let unique = items_where("serial = '7'");
    filled.does(Method::Query, request(&unique), &["o INDEX obj_2_i_5 (t=? AND p5=?)"]).await;
    let both = ["o INDEX obj_2_i_5 (t=? AND p5=?)", "o INDEX obj_2_v_i_5 (t=? AND p5=?)"];
    filled.does(Method::Query, as_of(&unique), &both).await;
    let prefix = items_where("starts_with(serial, '40')");
    // What an index finds in its own order is sorted by key.
    let (range, sorted) = ("o INDEX obj_2_i_5 (t=? AND p5>? AND p5<?)", "USE TEMP B-TREE FOR ORDER BY");
    filled.does(Method::Query, request(&prefix), &[range, sorted]).await;
    let then = [range, sorted, "o INDEX obj_2_v_i_5 (t=? AND p5>? AND p5<?)", sorted];
    filled.does(Method::Query, as_of(&prefix), &then).await;
    let range = items_where("rank > 500");
    let (now, then) = ("o INDEX obj_2_i_4 (t=? AND p4>?)", "o INDEX obj_2_v_i_4 (t=? AND p4>?)");
    let by_rank = |request: Json| {
        let mut request = request;
        request["order_by"] = by("rank", "asc");
        request
    };
    filled.does(Method::Query, by_rank(request(&range)), &[now]).await;
    filled.does(Method::Query, by_rank(as_of(&range)), &[now, then]).await;
}

#[tokio::test]
async fn objects_are_found_by_their_keys() {
    let filled = Filled::new().await;
    let of_type = |name: &str| BY_KEY.replacen('o', name, 1);
    let (now, then) = (of_type("obj_2"), BY_KEY_THEN.replacen('o', "obj_2_v", 1));
    let get = |keys: Json| json!({ "type": "Item", "keys": keys });
    filled.does(Method::Get, get(json!([4])), &["SCAN h", &format!("{BY_KEY} LEFT-JOIN")]).await;
    filled.does(Method::Get, get(json!([4, 5])), &[&now, &now]).await;
    let as_of = json!({ "type": "Item", "keys": [4], "as_of": filled.before });
    filled.does(Method::Get, as_of, &[&now, &then]).await;
    let few = json!({ "ids": { "type": "Item", "keys": [4, 5, 6] } });
    filled.does(Method::Query, json!({ "set": few }), &[BY_KEY]).await;
    filled.does(Method::Query, json!({ "set": few, "as_of": filled.before }), &[BY_KEY, BY_KEY_THEN]).await;
    let many = json!({ "ids": { "type": "Item", "keys": (0..100).collect::<Vec<_>>() } });
    let listed = "SCAN j VIRTUAL TABLE INDEX 1:";
    filled.does(Method::Query, json!({ "set": many }), &[BY_KEY, listed]).await;
    let history = json!({ "of": { "object": { "type": "Item", "key": 4 } } });
    let sorted = "USE TEMP B-TREE FOR ORDER BY";
    filled.does(Method::History, history, &[&now, &then, sorted]).await;
    let history = json!({ "of": { "link": { "type": "part", "source": 4, "target": 13 } } });
    let [now, then] =
        ["lnk_1 PRIMARY KEY (t=? AND a=? AND b=?)", "lnk_1_v PRIMARY KEY (t=? AND a=? AND b=? AND rev_to>?)"];
    filled.does(Method::History, history, &[now, then, sorted]).await;
}

#[tokio::test]
async fn links_are_walked_by_index_in_both_directions() {
    let filled = Filled::new().await;
    let join =
        |name: &str, key: &str, at: &str| [format!("l {name} (t=? AND {at}=?)"), format!("l {key} (t=? AND {at}=?)")];
    let forth = join("PRIMARY KEY", "PRIMARY KEY", "a");
    let back = join("INDEX lnk_1_by_target", "INDEX lnk_1_v_by_target", "b");
    let held = ["INDEX obj_2_i_7", "INDEX obj_2_v_i_7"].map(|index| format!("o {index} (t=? AND p7=?)"));
    let holder = [BY_KEY, BY_KEY_THEN].map(str::to_owned);
    for (from, link, [now, then]) in [
        ("Item", "parts", &forth),
        ("Item", "wholes", &back),
        ("Box", "contents", &held),
        ("Item", "packed_in", &holder),
    ] {
        let set = walk(&one(from), link);
        filled.does(Method::Query, json!({ "set": set }), &[BY_KEY, now]).await;
        let as_of = json!({ "set": set, "as_of": filled.before });
        let mut steps = vec![BY_KEY, now, DISTINCT, then];
        if link != "packed_in" {
            steps.extend([BY_KEY_THEN, now, DISTINCT, then]);
        }
        filled.does(Method::Query, as_of, &steps).await;
    }
    for (link, [now, _]) in [("parts", &forth), ("wholes", &back)] {
        let set = walk(&walk(&one("Item"), link), link);
        filled.does(Method::Query, json!({ "set": set }), &[BY_KEY, now, now]).await;
    }
}

#[tokio::test]
async fn links_at_an_object_go_on_from_where_the_last_page_ended() {
    let filled = Filled::new().await;
    // One object is found as of the page's commit, in one statement once it is known that its table has superseded versions.
    let found = ["obj_2 PRIMARY KEY (t=? AND k=?)", "obj_2_v PRIMARY KEY (t=? AND k=? AND rev_to>?)"];
    let past = json!({ "type": "Item", "key": 4, "link": "parts", "as_of": filled.before.clone() });
    filled.asked(Method::Neighbours, past).await;
    for (object_type, link, [now, then], after) in [
        ("Item", "parts", ["l PRIMARY KEY (t=? AND a=?", "l PRIMARY KEY (t=? AND a=?"], "b"),
        ("Item", "wholes", ["l INDEX lnk_1_by_target (t=? AND b=?", "l INDEX lnk_1_v_by_target (t=? AND b=?"], "a"),
        ("Box", "contents", ["o INDEX obj_2_i_7 (t=? AND p7=?", "o INDEX obj_2_v_i_7 (t=? AND p7=?"], "k"),
    ] {
        for as_of in [Json::Null, filled.before.clone()] {
            let links: &[&str] = if as_of.is_null() { &[now] } else { &[now, then] };
            let steps = |end: &str| -> Vec<String> {
                let links = links.iter().map(|step| format!("{step}{end})"));
                links.chain(found.iter().map(|step| (*step).to_owned())).collect()
            };
            let mut request = json!({ "type": object_type, "key": 4, "link": link, "page": { "size": 1 } });
            if !as_of.is_null() {
                request["as_of"] = as_of;
            }
            let first = steps("");
            let page = filled.does(Method::Neighbours, request.clone(), &first).await;
            request["page"]["cursor"] = page["next"].clone();
            let next = steps(&format!(" AND {after}>?"));
            filled.does(Method::Neighbours, request, &next).await;
        }
    }
}

/// Every read of one kind runs the same statement, whatever it is asked for.
#[tokio::test]
async fn a_statement_is_prepared_once() {
    let filled = Filled::new().await;
    let ask = |category: i64, size: u64| {
        let set = items_where(&format!("category = '{category}'"));
        json!({ "set": set, "order_by": by("score", "asc"), "page": { "size": size } })
    };
    filled.asked(Method::Query, ask(4, 10)).await;
    for size in 1..=20 {
        filled.on.answer(Method::Query, ask(7, size)).await;
    }
    let ran = RAN.take();
    let pages: Vec<&Ran> = ran.iter().filter(|ran| ran.sql.contains("\"obj_")).collect();
    assert_eq!(pages.len(), 20, "{ran:#?}");
    assert!(pages.iter().all(|ran| ran.prepared_again == 0 && ran.sql == pages[0].sql), "{pages:#?}");
}
