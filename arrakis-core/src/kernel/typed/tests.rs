//! Structs over values: what is read, what is written, what is asked, and where a schema says otherwise.

use std::sync::Arc;

use arrakis_derive::{Object, Struct};
use serde_json::{Value as Json, json};

use super::{ObjectStruct as _, ShapeDifference, ShapeFaults, TypeShape, TypedQuery, check_shapes};
use crate::kernel::plan::Area;
use crate::kernel::{Edit, Filter, Object, OrderBy, Properties, Query};
use crate::ontology::{NewOntology, Schema};
use crate::{ApiName, BaseType, DataType, Date, Decimal, Duration, Error, Field, Geopoint, Key, Seq, Timestamp, Value};

/// Every type of a field but structs and optional ones.
#[derive(Clone, Debug, PartialEq, Object)]
#[object(crate = "crate", type = "Thing", key = "id")]
struct Thing {
    id: i64,
    #[object(name = "isOpen")]
    open: bool,
    small: i32,
    count: u32,
    ratio: f64,
    price: Decimal,
    name: String,
    code: Arc<str>,
    day: Date,
    at: Timestamp,
    taken: Duration,
    place: Geopoint,
    meta: Json,
    photo: super::Attachment,
    embedding: Vec<f32>,
    tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Struct)]
#[object(crate = "crate")]
struct Address {
    street: String,
    #[object(name = "zip_code")]
    zip: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Object)]
#[object(crate = "crate")]
struct Person {
    #[object(key)]
    name: String,
    home: Option<Address>,
    past: Vec<Address>,
    #[object(derived)]
    label: Option<String>,
}

fn thing() -> Thing {
    Thing {
        id: i64::MIN,
        open: true,
        small: -3,
        count: 7,
        ratio: 0.1,
        price: Decimal::new(-1250, 2),
        name: "Å".into(),
        code: "x".into(),
        day: "2026-11-22".parse().unwrap(),
        at: "2026-11-22T19:16:31.000001Z".parse().unwrap(),
        taken: Duration::from_micros(1_500_000),
        place: Geopoint { lat: 1.5, lon: -2.0 },
        meta: json!({ "a": [1, null] }),
        photo: super::Attachment("a:1".into()),
        embedding: vec![0.1, -1.0],
        tags: vec!["a".into(), "b".into()],
    }
}

/// The types of [`Thing`]'s properties in an ontology.
fn bases() -> [BaseType; 16] {
    let decimal = BaseType::Decimal { precision: 10, scale: 2 };
    let vector = BaseType::Vector { dimension: 2, metric: crate::VectorMetric::Cosine, space: None };
    [
        BaseType::Integer,
        BaseType::Boolean,
        BaseType::Integer,
        BaseType::Integer,
        BaseType::Double,
        decimal,
        BaseType::String,
        BaseType::String,
        BaseType::Date,
        BaseType::Timestamp,
        BaseType::Duration,
        BaseType::Geopoint,
        BaseType::Json,
        BaseType::Attachment,
        vector,
        BaseType::Array(Box::new(DataType::of(BaseType::String))),
    ]
}

fn object(object_type: &str, values: Vec<(&str, Value, BaseType)>) -> Object {
    let name = |text| ApiName::parse(text).unwrap();
    let names: Vec<_> = values.iter().map(|(text, ..)| name(text)).collect();
    let types: Vec<_> = values.iter().map(|(.., base)| base.clone()).collect();
    let properties = Properties::new(names.into(), values.into_iter().map(|(_, value, _)| value).collect());
    let properties = properties.typed(Some(types.into()));
    Object { object_type: name(object_type), key: Key::from(7), revision: Seq(1), properties }
}

/// A thing as the kernel would answer it, had it been written as the struct says.
fn stored(thing: &Thing) -> Object {
    let written = thing.properties();
    let shape = Thing::shape();
    assert_eq!(written.iter().count(), shape.properties.len());
    let value = |(property, base): (&super::PropertyShape, BaseType)| {
        let json = written.iter().find(|(name, _)| **name == property.name).map(|(_, json)| json);
        (property.name.clone(), base.read(json.unwrap()).unwrap(), base)
    };
    let values: Vec<_> = shape.properties.iter().zip(bases()).map(value).collect();
    object("Thing", values.iter().map(|(name, value, base)| (name.as_str(), value.clone(), base.clone())).collect())
}

#[test]
fn what_is_written_is_read_back() {
    let thing = thing();
    assert_eq!(Thing::from_object(&stored(&thing)).unwrap(), thing);
    assert_eq!((Thing::OBJECT_TYPE, thing.key()), ("Thing", i64::MIN));
    let shapes: Vec<_> = Thing::shape().properties.into_iter().map(|property| property.data_type).collect();
    assert_eq!(shapes, bases().iter().map(TypeShape::from).collect::<Vec<_>>());
}

#[test]
fn structs_are_read_by_the_names_of_their_fields() {
    let field = |name, required| Field {
        api_name: ApiName::parse(name).unwrap(),
        data_type: DataType::of(BaseType::String),
        required,
    };
    // The schema has a field more, and the fields in another order.
    let address = BaseType::Struct(vec![field("zip_code", false), field("city", false), field("street", true)]);
    let past = BaseType::Array(Box::new(DataType::of(address.clone())));
    let main = Value::Struct(vec![Value::Null, Value::string("Oslo"), Value::string("Main")]);
    let person = |home: Value, past_value: Value| {
        object(
            "Person",
            vec![
                ("name", Value::string("Ada"), BaseType::String),
                ("home", home, address.clone()),
                ("past", past_value, past.clone()),
                ("label", Value::string("Ada L."), BaseType::String),
            ],
        )
    };
    let read = Person::from_object(&person(main.clone(), Value::Array(vec![main]))).unwrap();
    let main = Address { street: "Main".into(), zip: None };
    let ada =
        Person { name: "Ada".into(), home: Some(main.clone()), past: vec![main], label: Some("Ada L.".to_owned()) };
    assert_eq!(read, ada);
    let main = json!({ "street": "Main", "zip_code": null });
    let written = json!({ "name": "Ada", "home": main, "past": [main] });
    assert_eq!(serde_json::to_value(ada.properties()).unwrap(), written, "what is derived is not written");

    let nowhere = Value::Struct(vec![Value::Null; 3]);
    let error = Person::from_object(&person(Value::Null, Value::Array(vec![nowhere]))).unwrap_err();
    assert_eq!((error.code(), error.path()), ("typed.property.absent", Some("properties.past[0].street")));
}

#[test]
fn what_does_not_fit_a_field_names_type_property_and_key() {
    let refusal = |name: &str, value: Value| {
        let mut values: Vec<(String, Value, BaseType)> = Vec::new();
        let whole = stored(&thing());
        for ((property, held), base) in whole.properties.iter().zip(bases()) {
            let held = if *property == *name { value.clone() } else { held.clone() };
            values.push((property.to_string(), held, base));
        }
        let values = values.iter().map(|(name, value, base)| (name.as_str(), value.clone(), base.clone())).collect();
        Thing::from_object(&object("Thing", values)).unwrap_err()
    };
    let facts = |error: &Error| {
        let of = |name| error.param(name).unwrap_or_default().to_owned();
        (error.code().to_owned(), error.path().unwrap_or_default().to_owned(), of("object_type"), of("key"))
    };
    for (name, value, code, path) in [
        ("name", Value::Null, "typed.property.absent", "properties.name"),
        ("name", Value::Integer(1), "typed.property.type", "properties.name"),
        ("isOpen", Value::string("true"), "typed.property.type", "properties.isOpen"),
        ("small", Value::Integer(i64::from(i32::MAX) + 1), "typed.property.out_of_range", "properties.small"),
        ("count", Value::Integer(-1), "typed.property.out_of_range", "properties.count"),
        ("photo", Value::string("a:1"), "typed.property.type", "properties.photo"),
        (
            "tags",
            Value::Array(vec![Value::string("a"), Value::Integer(1)]),
            "typed.property.type",
            "properties.tags[1]",
        ),
    ] {
        let error = refusal(name, value);
        assert_eq!(facts(&error), (code.into(), path.into(), "Thing".into(), "7".into()));
        assert_eq!(error.param("property"), Some(name));
    }
    let error = refusal("tags", Value::Vector([1.0].into()));
    assert_eq!((error.param("expected"), error.param("found")), (Some("array of string"), Some("vector")));
    let unread = Thing::from_object(&object("Thing", Vec::new())).unwrap_err();
    assert_eq!((unread.code(), unread.path()), ("typed.property.unread", Some("properties.id")));
    let other = Thing::from_object(&object("Other", Vec::new())).unwrap_err();
    assert_eq!((other.code(), other.param("found")), ("typed.object.type", Some("Other")));
}

#[test]
fn numbers_that_are_not_finite_are_never_taken_for_absent_ones() {
    let properties =
        Thing { ratio: f64::NAN, place: Geopoint { lat: f64::INFINITY, lon: 0.0 }, ..thing() }.properties();
    let json = |name: &str| properties.iter().find(|(found, _)| *found == name).unwrap().1.clone();
    assert!(BaseType::Double.read(&json("ratio")).is_err());
    assert!(BaseType::Geopoint.read(&json("place")).is_err());
}

#[test]
fn constants_make_the_filters_one_would_build_by_name() {
    let area = Area::Circle { center: Geopoint { lat: 1.0, lon: 2.0 }, radius_m: 3.0 };
    for (typed, dynamic) in [
        (Thing::NAME.eq("x"), Filter::eq("name", "x")),
        (Thing::CODE.ne("x"), Filter::ne("code", "x")),
        (Thing::OPEN.eq(true), Filter::eq("isOpen", true)),
        (Thing::ID.lt(7), Filter::lt("id", 7)),
        (Thing::ID.gte(i64::MAX), Filter::ge("id", "9223372036854775807")),
        (Thing::SMALL.lte(7), Filter::le("small", 7)),
        (Thing::COUNT.gt(7_u32), Filter::gt("count", 7)),
        (Thing::RATIO.gt(0.5), Filter::gt("ratio", 0.5)),
        (Thing::PRICE.eq(Decimal::new(5, 1)), Filter::eq("price", "0.5")),
        (Thing::DAY.gt(thing().day), Filter::gt("day", "2026-11-22")),
        (Thing::NAME.is_in(["a", "b"]), Filter::any_of("name", ["a", "b"])),
        (Thing::META.is_null(), Filter::is_null("meta")),
        (Thing::NAME.contains("a"), Filter::contains("name", "a")),
        (Thing::TAGS.contains("a"), Filter::contains("tags", "a")),
        (Thing::NAME.starts_with("a"), Filter::starts_with("name", "a")),
        (Thing::NAME.ends_with("a"), Filter::ends_with("name", "a")),
        (Thing::PLACE.within(area), Filter::within("place", area)),
        (!Thing::ID.eq(1).and(Thing::ID.eq(2)), !Filter::eq("id", 1).and(Filter::eq("id", 2))),
    ] {
        assert_eq!(typed, dynamic);
    }
    assert_eq!((Thing::DAY.asc(), Thing::NAME.desc()), (OrderBy::asc("day"), OrderBy::desc("name")));
    assert_eq!((Person::LABEL.name(), format!("{:?}", Person::LABEL)), ("label", "PropertyOf(\"label\")".into()));
    assert_eq!(String::from(Thing::OPEN), "isOpen");
}

#[test]
fn edits_and_queries_name_the_type_and_its_fields() {
    let ada = Person { name: "Ada".into(), home: None, past: Vec::new(), label: Some("x".into()) };
    let properties = json!({ "name": "Ada", "home": null, "past": [] });
    for (edit, json) in [
        (Edit::create(&ada), json!({ "create": { "type": "Person", "properties": properties } })),
        (Edit::modify(&ada), json!({ "modify": { "type": "Person", "key": "Ada", "properties": properties } })),
        (Edit::upsert(&ada), json!({ "upsert": { "type": "Person", "properties": properties } })),
        (Edit::delete::<Person>("Ada"), json!({ "delete": { "type": "Person", "key": "Ada" } })),
    ] {
        assert_eq!(serde_json::to_value(edit).unwrap(), json);
    }
    let query = TypedQuery::<Person>::from(Person::NAME.eq("Ada")).order_by(Person::LABEL.desc()).page_size(2);
    assert_eq!(
        serde_json::to_value(Query::from(query.after("c").as_of(Seq(3)))).unwrap(),
        json!({
            "set": { "filter": { "from": { "type": "Person" }, "where": { "eq": { "property": "name", "value": "Ada" } } } },
            "select": ["name", "home", "past", "label"],
            "order_by": [{ "property": "label", "direction": "desc" }],
            "page": { "size": 2, "cursor": "c" },
            "as_of": 3,
            "budget": serde_json::to_value(crate::kernel::Budget::default()).unwrap(),
        })
    );
}

fn schema(person: &str) -> Schema {
    let file = format!("object_types:\n  - name: Person\n    primary_key: name\n    properties:\n{person}");
    Schema::first(NewOntology::from_yaml(&file).unwrap()).unwrap()
}

fn told(differences: &[ShapeDifference]) -> Vec<String> {
    let told = |difference: &ShapeDifference| {
        let severity = serde_json::to_value(difference.severity).unwrap();
        format!("{} {difference}", severity.as_str().unwrap())
    };
    differences.iter().map(told).collect()
}

const PERSON: &str = "
      - {name: name, type: string}
      - {name: home, type: {struct: [{name: street, type: string, required: true}, {name: zip_code, type: string}]}, required: true}
      - {name: past, type: {array: {struct: [{name: street, type: string, required: true}, {name: zip_code, type: string}]}}, required: true}
      - {name: label, type: string, derived: {text: x}}
      - {name: note, type: string}
      - {name: kind, type: string, required: true, default: a}
";

#[test]
fn a_struct_that_agrees_differs_in_nothing() {
    // An optional field for the required `home`, none for the optional `note` and the defaulted `kind`.
    assert_eq!(Person::shape().differences(&schema(PERSON)), []);
    assert!(check_shapes(&schema(PERSON), &[Person::shape()]).is_ok());
}

#[test]
fn every_difference_is_named() {
    let changed = "
      - {name: name, type: string, status: {deprecated: {since: '2026-01-01', replacement: nick}}}
      - {name: nick, type: integer, required: true}
      - {name: home, type: {struct: [{name: street, type: integer}, {name: city, type: string, required: true}, {name: note, type: string}]}}
      - {name: past, type: {array: string}}
      - {name: label, type: string}
      - {name: title, type: string, derived: {text: x}}
";
    let differences = Person::shape().differences(&schema(changed));
    assert_eq!(
        told(&differences),
        [
            "warning Person.name: deprecated: the struct says required string, the ontology deprecated since 2026-01-01, replaced by nick",
            "fault Person.home.street: type_differs: the struct says string, the ontology integer",
            "fault Person.home.street: may_be_absent: the struct says required string, the ontology optional string",
            "fault Person.home.zip_code: property_unknown: the struct says optional string, the ontology no such field",
            "fault Person.home.city: field_missing: the struct says no field, the ontology required string",
            "warning Person.home.note: field_missing: the struct says no field, the ontology optional string",
            "fault Person.past: type_differs: the struct says array of struct, the ontology array of string",
            "fault Person.past: may_be_absent: the struct says required array of struct, the ontology optional array of struct",
            "fault Person.label: not_derived: the struct says derived, the ontology a property that is given",
            "fault Person.nick: required_missing: the struct says no field, the ontology required integer",
        ]
    );
    let error = check_shapes(&schema(changed), &[Person::shape(), Thing::shape()]).unwrap_err();
    assert_eq!((error.code(), error.param("faults")), ("typed.shape.differs", Some("9")));
    let first = "Person.home.street: type_differs: the struct says string, the ontology integer";
    assert_eq!(error.message(), format!("the structs and the ontology differ: {first}"));
    let all = std::error::Error::source(&error).unwrap().downcast_ref::<ShapeFaults>().unwrap();
    let last = "Thing: type_unknown: the struct says Thing, the ontology no such object type";
    assert_eq!((all.0.len(), all.0[8].to_string().as_str()), (9, last));
    assert!(format!("{error:?}").contains(&format!("9 faults\n  {first}\n  ")), "{error:?}");
}

#[test]
fn keys_and_derived_properties_must_agree() {
    let other = PERSON.replace("{name: label, type: string, derived: {text: x}}", "{name: id, type: integer}");
    let file = format!("object_types:\n  - name: Person\n    primary_key: id\n    properties:\n{other}");
    let schema = Schema::first(NewOntology::from_yaml(&file).unwrap()).unwrap();
    assert_eq!(
        told(&Person::shape().differences(&schema)),
        [
            "fault Person: key_differs: the struct says key name, the ontology key id",
            "fault Person.name: may_be_absent: the struct says required string, the ontology optional string",
            "fault Person.label: property_unknown: the struct says optional string, the ontology no such property",
            "fault Person.id: required_missing: the struct says no field, the ontology required integer",
        ]
    );
    let derived = PERSON.replace("{name: note, type: string}", "{name: note, type: string, derived: {text: x}}");
    let mut shape = Person::shape();
    shape.properties.push(super::PropertyShape::of::<Option<String>>("note"));
    assert_eq!(
        told(&shape.differences(&self::schema(&derived))),
        ["fault Person.note: derived: the struct says a field that is written, the ontology derived"]
    );
    shape.properties.pop();
    shape.properties.push(super::PropertyShape::of::<String>("note").derived());
    assert_eq!(
        told(&shape.differences(&self::schema(&derived))),
        ["warning Person.note: may_be_absent: the struct says required string, the ontology derived string"],
        "no derived property is required, though one may always be there"
    );
}
