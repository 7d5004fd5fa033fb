//! Types that are published and not written to yet: to every read they are empty, then and ever after.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use arrakis::{
    Aggregate, Arrakis, Context, Edit, Filter, GetLinks, GetObjects, History, KernelExt, LinkEnds, MeasureFunction,
    Neighbours, ObjectSet, OntologyExt, OrderBy, Query, Seq, SqliteOptions, Walk, Write,
};
use serde_json::{Value as Json, json};

const ONTOLOGY: &str = "
interfaces:
  - { name: Place, properties: [{ name: name, type: string }, { name: people, type: integer }] }
object_types:
  - name: City
    primary_key: name
    implements: [{ interface: Place }]
    properties: [{ name: name, type: string }, { name: people, type: integer, indexed: true }, { name: region, type: integer }]
  - name: Town
    primary_key: name
    implements: [{ interface: Place }]
    properties: [{ name: name, type: string }, { name: people, type: integer, indexed: true }]
  - name: Region
    primary_key: id
    properties: [{ name: id, type: integer }]
link_types:
  - name: twin
    source: { object_type: City, name: twins, cardinality: many }
    target: { object_type: City, name: twin_of, cardinality: many }
    on_delete: unlink
    properties: [{ name: since, type: integer }]
  - name: region
    source: { object_type: City, name: region_of, cardinality: one }
    target: { object_type: Region, name: cities, cardinality: many }
    foreign_key: { holder: source, property: region }
    on_delete: unlink
";

fn fresh_path() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("first-row-{}-{number}.db", std::process::id()))
}

async fn open(path: &PathBuf, temporary: bool) -> (Arrakis, Context) {
    let options = SqliteOptions { temporary, ..SqliteOptions::default() };
    let arrakis = Arrakis::builder().sqlite(options).open(path).await.unwrap();
    let ctx = arrakis.context();
    (arrakis, ctx)
}

fn sets() -> Vec<ObjectSet> {
    let (cities, towns) = (|| ObjectSet::of("City"), || ObjectSet::of("Town"));
    vec![
        cities(),
        towns(),
        ObjectSet::implementing("Place"),
        ObjectSet::ids("Town", ["Oslo", "Bergen"]),
        cities().filter(Filter::gt("people", 1)),
        towns().filter(Filter::gt("people", 1)),
        towns().union(ObjectSet::ids("Town", ["Bergen"])),
        cities().subtract(ObjectSet::ids("City", ["Bergen"])),
        cities().intersect(ObjectSet::ids("City", ["Bergen", "Oslo"])),
        cities().traverse("twins"),
        ObjectSet::ids("City", ["Oslo"]).traverse("region_of"),
        ObjectSet::of("Region").traverse("cities"),
        ObjectSet::walk(Walk::from(cities(), "twins").hops(1, 3).either()),
        cities().filter(Filter::has("twins")),
        cities().filter(Filter::has_to("region_of", Filter::gt("id", 0))),
    ]
}

/// What every kind of read answers, as of a commit or now.
async fn answers(arrakis: &Arrakis, ctx: &Context, at: Option<Seq>) -> Vec<Json> {
    let as_of = at.map(Into::into);
    let kernel = arrakis.kernel();
    let mut answers = Vec::new();
    for set in sets() {
        let of_place = !format!("{set:?}").contains("Region") && !format!("{set:?}").contains("region_of");
        let query = Query { as_of, ..Query::of(set.clone()) };
        answers.push(json!(kernel.query(ctx, query.clone()).await.unwrap()));
        let aggregate = Aggregate { as_of, ..Aggregate::of(set).count("all") };
        answers.push(json!(kernel.aggregate(ctx, aggregate.clone()).await.unwrap()));
        if of_place {
            answers.push(json!(kernel.query(ctx, query.order_by(OrderBy::desc("people"))).await.unwrap()));
            let aggregate = aggregate.group_by("name").metric("sum", MeasureFunction::Sum, "people");
            answers.push(json!(kernel.aggregate(ctx, aggregate).await.unwrap()));
        }
    }
    for object_type in ["City", "Town"] {
        for keys in [vec!["Oslo"], vec!["Oslo", "Bergen"]] {
            let get = GetObjects { as_of, ..GetObjects::of(object_type, keys) };
            answers.push(json!(kernel.get(ctx, get).await.unwrap()));
        }
    }
    for link in ["twins", "twin_of"] {
        let neighbours = Neighbours { as_of, ..Neighbours::of("City", "Oslo", link) };
        answers.push(kernel.neighbours(ctx, neighbours).await.map_or_else(|e| json!(e.code()), |page| json!(page)));
    }
    let links = GetLinks { as_of, ..GetLinks::of("twin", vec![LinkEnds::new("Oslo", "Bergen")]) };
    answers.push(json!(kernel.links(ctx, links).await.unwrap()));
    for history in [History::of_object("Town", "Oslo"), History::of_link("twin", "Oslo", "Bergen")] {
        let versions = kernel.history(ctx, history).await.unwrap().versions;
        answers.push(json!(versions.iter().map(|version| (version.revision, version.change)).collect::<Vec<_>>()));
    }
    answers
}

/// Writes of which each is the first of some type, or the first that supersedes a row of it.
fn writes() -> Vec<Vec<Json>> {
    let city = |name: &str, people: i64| json!({ "create": { "type": "City", "properties": { "name": name, "people": people } } });
    vec![
        vec![city("Oslo", 700)],
        vec![json!({ "create": { "type": "Region", "properties": { "id": 1 } } }), city("Bergen", 290)],
        vec![json!({ "modify": { "type": "City", "key": "Oslo", "properties": { "region": 1 } } })],
        vec![
            json!({ "link": { "type": "twin", "source": "Oslo", "target": "Bergen", "properties": { "since": 1999 } } }),
        ],
        vec![json!({ "create": { "type": "Town", "properties": { "name": "Oslo", "people": 3 } } })],
        vec![json!({ "unlink": { "type": "twin", "source": "Oslo", "target": "Bergen" } })],
        vec![json!({ "delete": { "type": "Town", "key": "Oslo" } })],
    ]
}

fn write(edits: &[Json]) -> Write {
    let edits = edits.iter().map(|edit| serde_json::from_value::<Edit>(edit.clone()).unwrap()).collect();
    Write { edits, ..Write::default() }
}

#[tokio::test]
async fn a_type_is_empty_to_every_read_until_its_first_row_and_as_of_before_it() {
    let path = fresh_path();
    let (sqlite, ctx) = open(&path, false).await;
    let memory = Arrakis::in_memory().await.unwrap();
    let memory_ctx = memory.context();
    for (arrakis, ctx) in [(&sqlite, &ctx), (&memory, &memory_ctx)] {
        arrakis.publish(ctx, ONTOLOGY).await.unwrap();
    }
    let empty = sqlite.kernel().query(&ctx, Query::of(ObjectSet::implementing("Place"))).await.unwrap();
    assert!(empty.objects.is_empty());
    let mut states = vec![(empty.seq, answers(&memory, &memory_ctx, None).await)];
    assert_eq!(answers(&sqlite, &ctx, None).await, states[0].1);
    for edits in writes() {
        let seq = sqlite.kernel().write(&ctx, write(&edits)).await.unwrap().receipt.seq;
        assert_eq!(memory.kernel().write(&memory_ctx, write(&edits)).await.unwrap().receipt.seq, seq);
        states.push((seq, answers(&memory, &memory_ctx, None).await));
        assert_eq!(answers(&sqlite, &ctx, None).await, states.last().unwrap().1, "after {edits:?}");
    }
    let newest = states.last().unwrap().clone();
    sqlite.close().await;
    let (sqlite, ctx) = open(&path, true).await;
    assert_eq!(answers(&sqlite, &ctx, None).await, newest.1, "after opening it again");
    for (seq, _) in states {
        let expected = answers(&memory, &memory_ctx, Some(seq)).await;
        assert_eq!(answers(&sqlite, &ctx, Some(seq)).await, expected, "as of {seq}");
    }
    sqlite.close().await;
}

#[tokio::test]
async fn who_has_the_file_open_too_sees_the_first_rows_of_another() {
    let path = fresh_path();
    let (writing, ctx) = open(&path, false).await;
    writing.publish(&ctx, ONTOLOGY).await.unwrap();
    let (reading, reader) = open(&path, true).await;
    assert_eq!(answers(&reading, &reader, None).await, answers(&writing, &ctx, None).await);
    for edits in writes() {
        let before = reading.kernel().count(&reader, ObjectSet::of("City")).await.unwrap();
        let seq = writing.kernel().write(&ctx, write(&edits)).await.unwrap().receipt.seq;
        assert_eq!(answers(&reading, &reader, None).await, answers(&writing, &ctx, None).await, "after {edits:?}");
        let past = Query::of(ObjectSet::of("City")).as_of(Seq(seq.0 - 1));
        assert_eq!(reading.kernel().query(&reader, past).await.unwrap().objects.len() as u64, before);
    }
    // Either may be the one that writes to a type first, and both write to it afterwards.
    let region = |id: i64| write(&[json!({ "create": { "type": "Region", "properties": { "id": id } } })]);
    reading.kernel().write(&reader, region(2)).await.unwrap();
    writing.kernel().write(&ctx, region(3)).await.unwrap();
    assert_eq!(reading.kernel().count(&reader, ObjectSet::of("Region")).await.unwrap(), 3);
    writing.close().await;
    reading.close().await;
}

#[tokio::test]
async fn a_first_row_that_is_refused_leaves_the_type_empty() {
    let path = fresh_path();
    let (arrakis, ctx) = open(&path, true).await;
    arrakis.publish(&ctx, ONTOLOGY).await.unwrap();
    let town = json!({ "create": { "type": "Town", "properties": { "name": "Oslo" } } });
    let city = json!({ "create": { "type": "City", "properties": { "name": "Oslo" } } });
    arrakis.kernel().write(&ctx, write(std::slice::from_ref(&city))).await.unwrap();
    let refused = arrakis.kernel().write(&ctx, write(&[town.clone(), city])).await.unwrap_err();
    assert_eq!(refused.path(), Some("edits[1].create"), "{refused}");
    assert_eq!(arrakis.kernel().count(&ctx, ObjectSet::of("Town")).await.unwrap(), 0);
    arrakis.kernel().write(&ctx, write(&[town])).await.unwrap();
    assert_eq!(arrakis.kernel().count(&ctx, ObjectSet::of("Town")).await.unwrap(), 1);
    arrakis.close().await;
}

/// A process may hold the schema before the newest for as long as it reads; the columns that schema had are there.
#[tokio::test]
async fn a_schema_that_is_behind_reads_a_type_that_lost_a_property_before_its_first_row() {
    let path = fresh_path();
    let (writing, ctx) = open(&path, false).await;
    let town = |properties: &str| {
        format!(
            "object_types: [{{name: Town, primary_key: name, properties: [{{name: name, type: string}}{properties}]}}]"
        )
    };
    writing.publish(&ctx, &town(", {name: people, type: integer, indexed: true}")).await.unwrap();
    let (behind, reader) = open(&path, true).await;
    let published = behind.kernel().query(&reader, Query::of(ObjectSet::of("Town"))).await.unwrap().seq;
    let without = arrakis::NewOntology::from_text(&town("")).unwrap();
    assert_eq!(writing.ontology().publish(&ctx, without).await.unwrap().version, 2);
    writing.kernel().create(&ctx, "Town", json!({ "name": "Oslo" })).await.unwrap();
    for (arrakis, ctx) in [(&behind, &reader), (&writing, &ctx)] {
        let now = arrakis.kernel().query(ctx, Query::of(ObjectSet::of("Town"))).await.unwrap();
        assert_eq!(now.objects.len(), 1);
        let big = ObjectSet::of("Town").filter(Filter::gt("people", 1));
        let past = arrakis.kernel().query(ctx, Query::of(big).order_by(OrderBy::asc("people")).as_of(published)).await;
        assert!(past.unwrap().objects.is_empty());
    }
    writing.close().await;
    behind.close().await;
}
