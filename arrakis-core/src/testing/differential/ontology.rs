//! Random ontologies, and what becomes of them in their next version.

use fastrand::Rng;
use serde_json::{Value as Json, json};

use crate::ontology::NewOntology;

const SCALARS: [&str; 9] =
    ["boolean", "integer", "double", "string", "date", "timestamp", "duration", "geopoint", "attachment"];

fn scalar(rng: &mut Rng) -> Json {
    match rng.usize(..=SCALARS.len()) {
        9 => json!({ "decimal": { "precision": ([4, 18][rng.usize(..2)]), "scale": ([0, 2][rng.usize(..2)]) } }),
        index => json!(SCALARS[index]),
    }
}

fn any_type(rng: &mut Rng) -> Json {
    match rng.u8(..12) {
        0 => json!("json"),
        1 => json!({ "vector": { "dimension": 2, "metric": "cosine" } }),
        2 | 3 => json!({ "array": scalar(rng) }),
        4 => {
            json!({ "struct": [{ "name": "a", "type": scalar(rng), "required": true }, { "name": "b", "type": scalar(rng) }] })
        }
        _ => scalar(rng),
    }
}

fn is_scalar(data_type: &Json) -> bool {
    data_type.as_str().is_some_and(|name| name != "json") || data_type.get("decimal").is_some()
}

fn property(rng: &mut Rng, name: &str) -> Json {
    let data_type = any_type(rng);
    let mut property = json!({ "name": name, "type": data_type });
    if is_scalar(&data_type) {
        property["indexed"] = json!(rng.u8(..3) == 0);
        property["unique"] = json!(rng.u8(..8) == 0);
    }
    property
}

fn object_type(rng: &mut Rng, number: usize) -> Json {
    let key = if rng.bool() { "integer" } else { "string" };
    let mut properties = vec![json!({ "name": "id", "type": key, "required": true })];
    properties.extend((0..rng.usize(2..6)).map(|place| property(rng, &format!("p{place}"))));
    let texts: Vec<_> = properties
        .iter()
        .filter(|property| property["type"] == "string")
        .map(|property| property["name"].clone())
        .collect();
    if let (Some(text), true) = (rng.choice(texts), rng.bool()) {
        let derived = json!({ "concat": [{ "lower": { "property": text } }, { "text": "!" }] });
        properties.push(json!({ "name": "derived", "type": "string", "derived": derived, "indexed": rng.bool() }));
    }
    let scalars: Vec<_> = properties
        .iter()
        .filter(|property| is_scalar(&property["type"]))
        .map(|property| property["name"].clone())
        .collect();
    let mut indexes = Vec::new();
    if scalars.len() > 2 && rng.bool() {
        let first = rng.usize(1..scalars.len());
        indexes.push(json!([scalars[first], scalars[(first + 1) % scalars.len()]]));
    }
    json!({ "name": format!("T{number}"), "primary_key": "id", "properties": properties, "indexes": indexes })
}

fn implement(rng: &mut Rng, object_types: &mut [Json]) -> Vec<Json> {
    let properties = json!([{ "name": "i0", "type": scalar(rng) }, { "name": "i1", "type": any_type(rng) }]);
    for object_type in object_types.iter_mut().take(rng.usize(2..4)) {
        for property in properties.as_array().unwrap() {
            let mut own = property.clone();
            own["indexed"] = json!(is_scalar(&own["type"]) && rng.u8(..3) == 0);
            object_type["properties"].as_array_mut().unwrap().push(own);
        }
        object_type["implements"] = json!([{ "interface": "I" }]);
    }
    vec![json!({ "name": "I", "properties": properties })]
}

fn link_type(rng: &mut Rng, number: usize, object_types: &mut [Json]) -> Json {
    let cardinality = |rng: &mut Rng| if rng.u8(..4) == 0 { "one" } else { "many" };
    let ends = [rng.usize(..object_types.len()), rng.usize(..object_types.len())];
    // Half of the links join a type with itself, so that there is somewhere to walk.
    let ends = if rng.bool() { [ends[0], ends[0]] } else { ends };
    let side = |end: usize, name: &str, cardinality: &str| json!({ "object_type": format!("T{}", ends[end]), "name": format!("{name}{number}"), "cardinality": cardinality });
    let mut link_type =
        json!({ "name": format!("L{number}"), "on_delete": (["restrict", "unlink", "cascade"][rng.usize(..3)]) });
    if rng.bool() {
        let holder = rng.usize(..2);
        let far_key = object_types[ends[1 - holder]]["properties"][0]["type"].clone();
        let name = format!("fk{number}");
        object_types[ends[holder]]["properties"].as_array_mut().unwrap().push(json!({ "name": name, "type": far_key }));
        let far = cardinality(rng);
        link_type["source"] = side(0, "s", if holder == 0 { "one" } else { far });
        link_type["target"] = side(1, "t", if holder == 1 { "one" } else { far });
        link_type["foreign_key"] = json!({ "holder": (["source", "target"][holder]), "property": name });
    } else {
        link_type["source"] = side(0, "s", cardinality(rng));
        link_type["target"] = side(1, "t", cardinality(rng));
        let properties = (0..rng.usize(..3)).map(|place| json!({ "name": format!("q{place}"), "type": any_type(rng) }));
        link_type["properties"] = properties.collect();
        if link_type["on_delete"] == "cascade" {
            link_type["on_delete"] = json!("unlink");
        }
    }
    link_type
}

/// An ontology of two or three object types, some links between them, and perhaps an interface.
pub(super) fn first(rng: &mut Rng) -> NewOntology {
    let mut object_types: Vec<_> = (0..rng.usize(2..4)).map(|number| object_type(rng, number)).collect();
    let interfaces = if rng.bool() { implement(rng, &mut object_types) } else { Vec::new() };
    let link_types: Vec<_> = (0..rng.usize(1..4)).map(|number| link_type(rng, number, &mut object_types)).collect();
    let ontology = json!({ "interfaces": interfaces, "object_types": object_types, "link_types": link_types });
    serde_json::from_value(ontology).unwrap()
}

/// The ontology with some of its elements gone, changed and added.
pub(super) fn next(rng: &mut Rng, ontology: &NewOntology) -> NewOntology {
    let mut ontology = serde_json::to_value(ontology).unwrap();
    if let Some(links) = ontology.get_mut("link_types").and_then(Json::as_array_mut).filter(|_| rng.u8(..4) == 0) {
        links.remove(rng.usize(..links.len()));
    }
    if rng.u8(..6) == 0 {
        retire_type(&mut ontology, "T1");
    }
    let count = ontology["object_types"].as_array().unwrap().len();
    for index in 0..count {
        let object_type = &mut ontology["object_types"][index];
        let pinned = pinned(object_type);
        let properties = object_type["properties"].as_array_mut().unwrap();
        if rng.u8(..3) == 0 {
            properties.retain(|property| property["name"] != "p0" || pinned.contains(&property["name"]));
        }
        for property in properties.iter_mut() {
            let plain = property["name"].as_str().unwrap().starts_with('p') && !pinned.contains(&property["name"]);
            if plain && rng.u8(..5) == 0 {
                let changed = any_type(rng);
                let keeps_facets = is_scalar(&changed);
                property["type"] = changed;
                property["indexed"] = json!(keeps_facets && rng.bool());
                property["unique"] = json!(keeps_facets && rng.u8(..6) == 0);
            }
        }
        if rng.bool() {
            let added = property(rng, "added");
            properties.push(added);
        }
    }
    serde_json::from_value(ontology).unwrap()
}

/// The names of properties that others are made of.
fn pinned(object_type: &Json) -> Vec<Json> {
    let properties = object_type["properties"].as_array().unwrap();
    let derived = properties.iter().map(|property| property["derived"]["concat"][0]["lower"]["property"].clone());
    let indexes = object_type["indexes"].as_array().into_iter().flatten().filter_map(Json::as_array).flatten();
    derived.chain(indexes.cloned()).collect()
}

fn retire_type(ontology: &mut Json, name: &str) {
    ontology["object_types"].as_array_mut().unwrap().retain(|object_type| object_type["name"] != name);
    if let Some(link_types) = ontology.get_mut("link_types").and_then(Json::as_array_mut) {
        let has = |link_type: &Json, end: &str| link_type[end]["object_type"] == name;
        link_types.retain(|link_type| !has(link_type, "source") && !has(link_type, "target"));
    }
}
