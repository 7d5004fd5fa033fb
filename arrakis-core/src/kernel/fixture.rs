//! A schema with one of everything, for the tests of the kernel.

use crate::ontology::{NewOntology, Schema};

pub(crate) fn schema() -> Schema {
    Schema::first(NewOntology::from_yaml(ONTOLOGY).unwrap()).unwrap()
}

const ONTOLOGY: &str = "
interfaces:
  - name: Located
    properties:
      - {name: label, type: string}
      - {name: location, type: geopoint}
    links:
      - {name: region, target: State, cardinality: one}
object_types:
  - name: Airport
    primary_key: iata
    implements:
      - {interface: Located, properties: {label: name}, links: {region: state_of}}
    properties:
      - {name: iata, type: string, required: true}
      - {name: name, type: string, required: true, constraints: [{length: {max: 20}}]}
      - {name: state, type: string}
      - {name: location, type: geopoint}
      - {name: elevation, type: integer, default: 0}
      - {name: ratio, type: double}
      - {name: price, type: {decimal: {precision: 18, scale: 2}}}
      - {name: active, type: boolean}
      - {name: opened, type: date}
      - {name: since, type: timestamp}
      - {name: taxi, type: duration}
      - {name: tags, type: {array: string}}
      - {name: meta, type: json}
      - {name: address, type: {struct: [{name: street, type: string, required: true}]}}
      - {name: code, type: string, unique: true}
      - {name: title, type: string, derived: {concat: [{property: iata}, {text: ' '}, {property: name}]}}
  - name: City
    primary_key: id
    implements:
      - {interface: Located}
    properties:
      - {name: id, type: integer, required: true}
      - {name: label, type: string}
      - {name: location, type: geopoint}
  - name: State
    primary_key: code
    properties:
      - {name: code, type: string, required: true}
link_types:
  - name: Route
    source: {object_type: Airport, name: destinations, cardinality: many}
    target: {object_type: Airport, name: origins, cardinality: many}
    properties:
      - {name: flights, type: integer, required: true, constraints: [{range: {min: 0}}]}
      - {name: note, type: string}
    on_delete: unlink
  - name: StateOfAirport
    source: {object_type: Airport, name: state_of, cardinality: one}
    target: {object_type: State, name: airports, cardinality: many}
    foreign_key: {holder: source, property: state}
";
