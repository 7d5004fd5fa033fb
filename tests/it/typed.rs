//! Objects as structs, over both stores.

use std::sync::Arc;

use arrakis::typed::PropertyShape;
use arrakis::{
    Arrakis, Attachment, Date, Decimal, Duration, Edit, Filter, Geopoint, KernelExt, NewOntology, ObjectSet,
    ObjectStruct as _, OrderBy, Query, Schema, Shape, ShapeRule, Timestamp, TypedKernel, TypedQuery, Write,
    check_shapes,
};
use serde_json::{Value as Json, json};

const AIRLINE: &str = include_str!("../../examples/airline/ontology.yaml");

#[derive(Debug, Clone, PartialEq, arrakis::Object)]
#[object(key = "iata")]
struct Airport {
    iata: String,
    name: String,
    city: Option<String>,
    #[object(name = "state_code")]
    state: Option<String>,
    country: String,
    location: Geopoint,
}

#[derive(Debug, Clone, PartialEq, arrakis::Object)]
struct State {
    #[object(key)]
    code: String,
}

/// A part of an airport: what it has no field for is neither read nor written.
#[derive(Debug, Clone, PartialEq, arrakis::Object)]
#[object(type = "Airport")]
struct Place {
    #[object(key)]
    iata: Arc<str>,
    city: String,
}

/// A part that says so.
#[derive(Debug, Clone, PartialEq, arrakis::Object)]
#[object(type = "Airport", key = "iata", partial)]
struct PlaceOnMap {
    iata: String,
    location: Geopoint,
}

fn airport(iata: &str, name: &str, state: Option<&str>) -> Airport {
    let location = Geopoint { lat: 37.5, lon: -122.25 };
    let (name, state) = (name.to_owned(), state.map(str::to_owned));
    Airport { iata: iata.to_owned(), name, city: None, state, country: "USA".to_owned(), location }
}

/// Three airports in two states.
fn airports() -> [Airport; 3] {
    [
        airport("SFO", "San Francisco Intl", Some("CA")),
        airport("SJC", "San Jose Intl", Some("CA")),
        airport("JFK", "John F Kennedy", Some("NY")),
    ]
}

/// A store of each kind, with an ontology.
async fn stores(ontology: &str) -> Vec<Arrakis> {
    let stores = vec![
        Arrakis::in_memory().await.unwrap(),
        #[cfg(feature = "sqlite")]
        sqlite().await,
    ];
    for arrakis in &stores {
        arrakis.publish(&arrakis.context(), ontology).await.unwrap_or_else(|e| panic!("{}", e.chain()));
    }
    stores
}

#[cfg(feature = "sqlite")]
async fn sqlite() -> Arrakis {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = format!("{}/typed-{}-{number}.db", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let options = arrakis::SqliteOptions { temporary: true, ..arrakis::SqliteOptions::default() };
    Arrakis::builder().sqlite(options).open(file).await.unwrap()
}

/// The airline's ontology, its states and its airports.
async fn airline() -> Vec<Arrakis> {
    let stores = stores(AIRLINE).await;
    for arrakis in &stores {
        let states = ["CA", "NY"].map(|code| Edit::create(&State { code: code.to_owned() }));
        let edits = states.into_iter().chain(airports().iter().map(Edit::create)).collect::<Vec<_>>();
        arrakis.kernel().write(&arrakis.context(), Write::from(edits)).await.unwrap();
    }
    stores
}

#[tokio::test]
async fn objects_are_created_read_changed_and_deleted_as_structs() {
    for arrakis in airline().await {
        let ctx = arrakis.context();
        let kernel = arrakis.typed(&ctx);
        let oak = Airport { city: Some("Oakland".to_owned()), ..airport("OAK", "Oakland Intl", Some("CA")) };
        let created = kernel.create(&oak).await.unwrap();
        assert_eq!(kernel.get::<Airport>("OAK").await.unwrap(), Some(oak.clone()));
        assert_eq!(kernel.create(&oak).await.unwrap_err().code(), "kernel.object.exists");

        let renamed = Airport { name: "Oakland".to_owned(), city: None, ..oak.clone() };
        kernel.modify(&renamed).await.unwrap();
        assert_eq!(kernel.get::<Airport>("OAK").await.unwrap(), Some(renamed.clone()));
        assert_eq!(kernel.get_as_of::<Airport>("OAK", created.receipt.seq).await.unwrap(), Some(oak.clone()));
        kernel.upsert(&oak).await.unwrap();
        let place = Place { iata: "OAK".into(), city: "Alameda".to_owned() };
        kernel.modify(&place).await.unwrap();
        let moved = Airport { city: Some("Alameda".to_owned()), ..oak };
        let many = kernel.get_many::<Airport>(["OAK", "XXX", "SFO"]).await.unwrap();
        assert_eq!(many, [Some(moved), None, Some(airports()[0].clone())]);

        kernel.delete::<Airport>("OAK").await.unwrap();
        assert_eq!(kernel.get::<Airport>("OAK").await.unwrap(), None);
        assert_eq!(kernel.modify(&renamed).await.unwrap_err().code(), "kernel.object.absent");
        assert_eq!(kernel.count::<Airport>(TypedQuery::all()).await.unwrap(), 3);
        assert_eq!(kernel.count::<Airport>(TypedQuery::all().as_of(created.receipt.seq)).await.unwrap(), 4);
    }
}

#[tokio::test]
async fn what_a_struct_writes_the_dynamic_interface_reads_and_the_other_way_round() {
    for arrakis in airline().await {
        let ctx = arrakis.context();
        let object = arrakis.kernel().object(&ctx, "Airport", "SFO").await.unwrap();
        let expected = json!({
            "iata": "SFO", "name": "San Francisco Intl", "state_code": "CA", "country": "USA",
            "location": { "lat": 37.5, "lon": -122.25 },
        });
        assert_eq!(serde_json::to_value(&object.properties).unwrap(), expected);
        assert_eq!(Airport::from_object(&object).unwrap(), airports()[0]);
        let properties = json!({ "iata": "LAX", "name": "Los Angeles", "location": { "lat": 1, "lon": 2 } });
        arrakis.kernel().create(&ctx, "Airport", properties).await.unwrap();
        let lax = arrakis.typed(&ctx).get::<Airport>("LAX").await.unwrap().unwrap();
        let location = Geopoint { lat: 1.0, lon: 2.0 };
        assert_eq!(lax, Airport { location, ..airport("LAX", "Los Angeles", None) });
    }
}

#[tokio::test]
async fn constants_ask_what_names_ask() {
    for arrakis in airline().await {
        let ctx = arrakis.context();
        let kernel = arrakis.typed(&ctx);
        for (typed, dynamic, found) in [
            (Airport::STATE.eq("CA"), Filter::eq("state_code", "CA"), vec!["SFO", "SJC"]),
            (Airport::STATE.ne("CA"), Filter::ne("state_code", "CA"), vec!["JFK"]),
            (Airport::IATA.lt("SFO"), Filter::lt("iata", "SFO"), vec!["JFK"]),
            (Airport::IATA.lte("SFO"), Filter::le("iata", "SFO"), vec!["JFK", "SFO"]),
            (Airport::IATA.gt("SFO"), Filter::gt("iata", "SFO"), vec!["SJC"]),
            (Airport::IATA.gte("SFO"), Filter::ge("iata", "SFO"), vec!["SFO", "SJC"]),
            (Airport::IATA.is_in(["SJC", "OSL"]), Filter::any_of("iata", ["SJC", "OSL"]), vec!["SJC"]),
            (Airport::CITY.is_null(), Filter::is_null("city"), vec!["JFK", "SFO", "SJC"]),
            (Airport::NAME.contains("Jose"), Filter::contains("name", "Jose"), vec!["SJC"]),
            (Airport::NAME.starts_with("San"), Filter::starts_with("name", "San"), vec!["SFO", "SJC"]),
            (Airport::NAME.ends_with("dy"), Filter::ends_with("name", "dy"), vec!["JFK"]),
            (
                Airport::STATE.eq("NY").or(!Airport::NAME.contains("Intl").or(Airport::IATA.eq("SJC"))),
                Filter::text("state_code = NY OR NOT (name : Intl OR iata = SJC)"),
                vec!["JFK"],
            ),
        ] {
            let set = ObjectSet::of("Airport").filter(dynamic);
            let dynamic = arrakis.kernel().query(&ctx, Query::of(set.clone())).await.unwrap();
            let page = kernel.query::<Airport>(typed.clone()).await.unwrap();
            let keys: Vec<_> = page.objects.iter().map(|airport| airport.iata.as_str()).collect();
            assert_eq!(keys, found, "{typed}");
            let objects: Vec<_> = dynamic.objects.iter().map(|object| Airport::from_object(object).unwrap()).collect();
            assert_eq!((page.objects, page.seq), (objects, dynamic.seq), "{typed}");
            let count = kernel.count::<Airport>(typed.clone()).await.unwrap();
            assert_eq!(count, arrakis.kernel().count(&ctx, set).await.unwrap());
        }
        let linked = kernel.query::<State>(ObjectSet::of("Airport").filter(Airport::IATA.eq("JFK")).traverse("state"));
        assert_eq!(linked.await.unwrap().objects, [State { code: "NY".to_owned() }]);
        let text = kernel.query::<Airport>(r#"name : "Kennedy""#).await.unwrap();
        assert_eq!(text.objects, [airports()[2].clone()]);
    }
}

#[tokio::test]
async fn pages_are_walked_in_order_and_belong_to_one_snapshot() {
    for arrakis in airline().await {
        let ctx = arrakis.context();
        let kernel = arrakis.typed(&ctx);
        let query = TypedQuery::<Airport>::all().order_by(Airport::STATE.desc()).order_by(Airport::NAME.asc());
        let query = query.page_size(1);
        let (mut walked, mut next) = (Vec::new(), None);
        loop {
            let query = next.into_iter().fold(query.clone(), TypedQuery::after);
            let page = kernel.query(query).await.unwrap();
            walked.extend(page.objects.into_iter().map(|airport| airport.iata));
            if walked.len() == 1 {
                kernel.create(&airport("ZZZ", "After", None)).await.unwrap();
            }
            match page.next {
                Some(cursor) => next = Some(cursor),
                None => break,
            }
        }
        assert_eq!(walked, ["JFK", "SFO", "SJC"]);
        assert_eq!(Airport::STATE.desc(), OrderBy::desc("state_code"));
    }
}

const EVERYTHING: &str = "
object_types:
  - name: Thing
    primary_key: id
    properties:
      - {name: id, type: integer}
      - {name: open, type: boolean, required: true}
      - {name: small, type: integer, required: true}
      - {name: ratio, type: double, required: true}
      - {name: price, type: {decimal: {precision: 18, scale: 2}}, required: true}
      - {name: name, type: string, required: true}
      - {name: day, type: date, required: true}
      - {name: at, type: timestamp, required: true}
      - {name: taken, type: duration, required: true}
      - {name: place, type: geopoint, required: true}
      - {name: meta, type: json, required: true}
      - {name: photo, type: attachment, required: true}
      - {name: embedding, type: {vector: {dimension: 3, metric: cosine}}, required: true}
      - {name: tags, type: {array: string}, required: true}
      - {name: home, type: {struct: [{name: street, type: string, required: true}, {name: zip_code, type: integer}]}, required: true}
      - {name: past, type: {array: {struct: [{name: zip_code, type: integer}, {name: street, type: string, required: true}]}}, required: true}
      - {name: note, type: string, default: none}
      - {name: label, type: string, derived: {concat: [{property: name}, {text: '!'}]}}
";

#[derive(Debug, Clone, PartialEq, arrakis::Struct)]
struct Address {
    street: String,
    #[object(name = "zip_code")]
    zip: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, arrakis::Object)]
struct Thing {
    #[object(key)]
    id: i64,
    open: bool,
    small: i32,
    ratio: f64,
    price: Decimal,
    name: Arc<str>,
    day: Date,
    at: Timestamp,
    taken: Duration,
    place: Geopoint,
    meta: Json,
    photo: Attachment,
    embedding: Vec<f32>,
    tags: Vec<String>,
    home: Address,
    past: Vec<Address>,
    note: Option<String>,
    #[object(derived)]
    label: Option<String>,
}

fn thing() -> Thing {
    let address = |street: &str, zip| Address { street: street.to_owned(), zip };
    Thing {
        id: i64::MAX,
        open: false,
        small: i32::MIN,
        ratio: 0.1 + 0.2,
        price: Decimal::new(-1, 2),
        name: "Å\u{1F30B}".into(),
        day: "0001-01-01".parse().unwrap(),
        at: "9999-12-31T23:59:59.999999Z".parse().unwrap(),
        taken: Duration::from_micros(-1),
        place: Geopoint { lat: -90.0, lon: 179.999_999_999 },
        meta: json!({ "b": [1, null, { "c": 1.5 }], "a": "x" }),
        photo: Attachment("a:1".into()),
        embedding: vec![0.1, -3.5e30, 0.0],
        tags: vec!["b".to_owned(), "a".to_owned()],
        home: address("Main", Some(94128)),
        past: vec![address("Elm", None), address("Oak", Some(0))],
        note: None,
        label: None,
    }
}

#[tokio::test]
async fn every_type_comes_back_as_it_was_written() {
    for arrakis in stores(EVERYTHING).await {
        let ctx = arrakis.context();
        let kernel = arrakis.typed(&ctx);
        kernel.create(&thing()).await.unwrap();
        // What is derived is the kernel's to say; `None` is no default.
        let expected = Thing { label: Some("Å\u{1F30B}!".to_owned()), ..thing() };
        assert_eq!(kernel.get::<Thing>(i64::MAX).await.unwrap(), Some(expected.clone()));
        for filter in [
            Thing::ID.eq(i64::MAX),
            Thing::OPEN.eq(false),
            Thing::SMALL.lt(0),
            Thing::RATIO.eq(0.1 + 0.2),
            Thing::PRICE.eq(Decimal::new(-10, 3)),
            Thing::DAY.lte(expected.day),
            Thing::AT.is_in([expected.at]),
            Thing::TAKEN.lt(Duration::from_micros(0)),
            Thing::PLACE.eq(expected.place),
            Thing::PHOTO.eq(expected.photo.clone()),
            Thing::TAGS.contains("a"),
            Thing::NOTE.is_null(),
            Thing::LABEL.ends_with("!"),
        ] {
            let found = kernel.query::<Thing>(filter.clone()).await.unwrap().objects;
            assert_eq!(found, std::slice::from_ref(&expected), "{filter}");
        }
        let schema = arrakis.ontology().schema(&ctx).await.unwrap();
        assert_eq!(Thing::shape().differences(&schema), []);
        let unfit = kernel.create(&Thing { id: 1, ratio: f64::NAN, ..thing() }).await.unwrap_err();
        assert_eq!((unfit.code(), unfit.path()), ("value.type_mismatch", Some("edits[0].create.properties.ratio")));
    }
}

#[tokio::test]
async fn what_no_longer_fits_is_told_with_object_and_property() {
    for arrakis in airline().await {
        let ctx = arrakis.context();
        let kernel = arrakis.typed(&ctx);
        kernel.modify(&Airport { city: Some("Queens".to_owned()), ..airports()[2].clone() }).await.unwrap();
        let error = kernel.query::<Place>(Place::IATA.gte("J")).await.unwrap_err();
        assert_eq!((error.code(), error.path()), ("typed.property.absent", Some("objects[1].properties.city")));
        let facts = ["object_type", "property", "key"].map(|name| error.param(name).unwrap_or_default().to_owned());
        assert_eq!(facts, ["Airport", "city", "SFO"]);
        let other = kernel.query::<Airport>(ObjectSet::of("State")).await.unwrap_err();
        assert_eq!(other.code(), "kernel.property.unknown");
        let nobody = ctx.clone().granted(arrakis::Grants::NONE);
        let denied = TypedKernel::new(arrakis.kernel(), &nobody).get::<Airport>("SFO").await.unwrap_err();
        assert_eq!(denied.code(), "permission.denied");
    }
}

#[test]
fn drift_is_named_field_by_field() {
    let schema = |text: &str| Schema::first(NewOntology::from_text(text).unwrap()).unwrap();
    let shapes = [Airport::shape(), State::shape(), Place::shape()];
    let [whole, state, part] = &shapes;
    assert_eq!(whole.differences(&schema(AIRLINE)), []);
    assert_eq!(state.differences(&schema(AIRLINE)), []);
    let told = |error: arrakis::Error| {
        let all = std::error::Error::source(&error).unwrap().to_string();
        all.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        told(check_shapes(&schema(AIRLINE), &shapes).unwrap_err()),
        [
            "3 faults",
            "Airport.city: may_be_absent: the struct says required string, the ontology optional string",
            "Airport.name: required_missing: the struct says no field, the ontology required string",
            "Airport.location: required_missing: the struct says no field, the ontology required geopoint",
        ],
        "no object is created of a part that lacks what is required; the country has a default"
    );
    let kept = Shape { partial: true, ..part.clone() };
    let [absent] = kept.differences(&schema(AIRLINE)).try_into().unwrap();
    assert_eq!((absent.property.as_deref(), absent.rule), (Some("city"), ShapeRule::MayBeAbsent));
    assert!(PlaceOnMap::shape().partial && !part.partial);
    assert_eq!(PlaceOnMap::shape().differences(&schema(AIRLINE)), []);
    let drifted = AIRLINE.replace("      - name: state_code\n", "      - name: state_id\n");
    let drifted =
        drifted.replace("[state_code, city]", "[state_id, city]").replace("property: state_code", "property: state_id");
    let drifted = drifted.replace("        required: true\n        default: USA\n", "");
    assert_eq!(
        told(check_shapes(&schema(&drifted), &shapes[..2]).unwrap_err()),
        [
            "2 faults",
            "Airport.state_code: property_unknown: the struct says optional string, the ontology no such property",
            "Airport.country: may_be_absent: the struct says required string, the ontology optional string",
        ]
    );
    assert_eq!(part.properties, [PropertyShape::of::<Arc<str>>("iata"), PropertyShape::of::<String>("city")]);
}

#[tokio::test]
async fn futures_of_the_typed_kernel_may_move_between_threads() {
    fn movable<T>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
        future
    }
    let arrakis = Arrakis::in_memory().await.unwrap();
    let ctx = arrakis.context();
    movable(arrakis.publish(&ctx, AIRLINE)).await.unwrap();
    let kernel = arrakis.typed(&ctx);
    movable(kernel.create(&State { code: "CA".to_owned() })).await.unwrap();
    assert!(movable(kernel.get::<State>("CA")).await.unwrap().is_some());
    assert_eq!(movable(kernel.query::<State>(State::CODE.eq("CA"))).await.unwrap().objects.len(), 1);
    assert_eq!(movable(kernel.get_many::<State>(["CA"])).await.unwrap().len(), 1);
}
