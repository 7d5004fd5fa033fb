//! `arrakis ontology show`: the elements of a version, or one of them.

use arrakis::{ApiName, Backing, BaseType, Cardinality, DataType, End, Error, LinkType, ObjectType, Property, Schema};
use clap::Args;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::versions::VersionArgument;
use crate::cli::Global;
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;

/// List the elements of a published version, or the properties and links of one of them.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    /// An object type, link type or interface [default: list all elements]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    version: VersionArgument,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let schema = self.version.schema(&arrakis, &ctx).await?;
        match &self.name {
            None => overview(&schema, global)?,
            Some(name) => members(&schema, name, global)?,
        }
        Ok(Verdict::Done)
    }
}

#[derive(Serialize)]
struct Element {
    kind: &'static str,
    name: ApiName,
    detail: String,
    status: Json,
}

fn overview(schema: &Schema, global: &Global) -> Result<()> {
    let mut list = List::begin(global.format, "elements")?;
    list.columns(["kind", "name", "detail", "status"])?;
    for element in elements(schema) {
        let row = || vec![json!(element.kind), json!(element.name), json!(element.detail), element.status.clone()];
        list.push(&element, row)?;
    }
    list.end(&[("version", json!(schema.version)), ("hash", json!(schema.hash))])
}

fn elements(schema: &Schema) -> Vec<Element> {
    let object_types = schema.object_types.iter().map(|of| Element {
        kind: "object type",
        name: of.api_name.clone(),
        detail: format!(
            "{}, {}, key {}",
            counted(of.properties.len(), "property", "properties"),
            counted(of.sides.len(), "link", "links"),
            key_of(of)
        ),
        status: json!(of.status),
    });
    let link_types = schema.link_types.iter().map(|of| Element {
        kind: "link type",
        name: of.api_name.clone(),
        detail: format!("{} {} {}", end_of(schema, of, End::Source), arrow(of), end_of(schema, of, End::Target)),
        status: json!(of.status),
    });
    let interfaces = schema.interfaces.iter().map(|of| Element {
        kind: "interface",
        name: of.api_name.clone(),
        detail: format!(
            "{}, implemented by {}",
            counted(of.properties.len(), "property", "properties"),
            implementers(schema, &of.implementers)
        ),
        status: json!(of.status),
    });
    let action_types = schema.action_types.iter().map(|of| Element {
        kind: "action type",
        name: of.api_name.clone(),
        detail: counted(of.parameters.len(), "parameter", "parameters"),
        status: json!(of.status),
    });
    interfaces.chain(object_types).chain(link_types).chain(action_types).collect()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn key_of(object_type: &ObjectType) -> &str {
    object_type.names.get(object_type.primary_key).map_or("", ApiName::as_str)
}

/// A link type's end as its own objects see it: `Airport.destinations`.
fn end_of(schema: &Schema, link_type: &LinkType, end: End) -> String {
    let side = link_type.side(end);
    let object_type = schema.object_type_by_id(side.object_type).map_or("", |of| of.api_name.as_str());
    format!("{object_type}.{}", side.api_name)
}

/// How many at each end: an object at the left is linked to what the right shows, and the other way round.
fn arrow(link_type: &LinkType) -> &'static str {
    match (link_type.target.cardinality, link_type.source.cardinality) {
        (Cardinality::One, Cardinality::One) => "1–1",
        (Cardinality::One, Cardinality::Many) => "1–n",
        (Cardinality::Many, Cardinality::One) => "n–1",
        (Cardinality::Many, Cardinality::Many) => "n–n",
    }
}

fn implementers(schema: &Schema, ids: &[arrakis::ObjectTypeId]) -> String {
    let names: Vec<_> =
        ids.iter().filter_map(|id| schema.object_type_by_id(*id)).map(|of| of.api_name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A property or link of an element, as one row.
#[derive(Serialize)]
struct Member {
    name: ApiName,
    r#type: String,
    rules: String,
    status: Json,
}

fn members(schema: &Schema, name: &str, global: &Global) -> Result<()> {
    let mut list = List::begin(global.format, "members")?;
    list.columns(["name", "type", "rules", "status"])?;
    for member in members_of(schema, name)? {
        let row = || vec![json!(member.name), json!(member.r#type), json!(member.rules), member.status.clone()];
        list.push(&member, row)?;
    }
    list.end(&[("version", json!(schema.version))])
}

fn members_of(schema: &Schema, name: &str) -> arrakis::Result<Vec<Member>> {
    if let Ok(of) = schema.object_type(name) {
        let properties = of.properties.iter().enumerate().map(|(index, property)| member(property, Some((of, index))));
        let links = of.sides.iter().filter_map(|side| {
            let link_type = schema.link_type_by_id(side.link_type)?;
            let far = schema.object_type_by_id(link_type.side(side.end.far()).object_type)?;
            let many = link_type.side(side.end).cardinality == Cardinality::Many;
            Some(Member {
                name: side.api_name.clone(),
                r#type: format!("link to {}{}", if many { "many " } else { "one " }, far.api_name),
                rules: format!("{}, {}", link_type.api_name, backing(link_type)),
                status: json!(link_type.status),
            })
        });
        return Ok(properties.chain(links).collect());
    }
    if let Ok(of) = schema.link_type(name) {
        return Ok(of.properties.iter().map(|property| member(property, None)).collect());
    }
    if let Ok(of) = schema.interface(name) {
        let properties = of.properties.iter().map(|property| Member {
            name: property.api_name.clone(),
            r#type: type_text(&property.data_type.base),
            rules: if property.required { "required".to_owned() } else { String::new() },
            status: json!(of.status),
        });
        return Ok(properties.collect());
    }
    Err(Error::not_found("ontology.element.unknown", "there is no such object type, link type or interface")
        .with("name", name))
}

fn backing(link_type: &LinkType) -> &'static str {
    match link_type.backing {
        Backing::ForeignKey { .. } => "held in a property",
        Backing::Join => "kept in a table",
    }
}

fn member(property: &Property, of: Option<(&ObjectType, usize)>) -> Member {
    let key = of.is_some_and(|(of, index)| of.primary_key == index);
    let indexed = of.is_some_and(|(of, index)| of.is_indexed(index));
    let rules = [
        (key, "key"),
        (property.required && !key, "required"),
        (property.unique && !key, "unique"),
        (indexed && !property.unique && !key, "indexed"),
        (property.default.is_some(), "default"),
        (property.derived.is_some(), "derived"),
        (!property.data_type.constraints.is_empty(), "constrained"),
    ];
    let rules: Vec<_> = rules.into_iter().filter_map(|(holds, rule)| holds.then_some(rule)).collect();
    Member {
        name: property.api_name.clone(),
        r#type: type_text(&property.data_type.base),
        rules: rules.join(", "),
        status: json!(property.status),
    }
}

fn type_text(base: &BaseType) -> String {
    let of = |data_type: &DataType| type_text(&data_type.base);
    match base {
        BaseType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        BaseType::Vector { dimension, .. } => format!("vector({dimension})"),
        BaseType::Array(element) => format!("array of {}", of(element)),
        BaseType::Struct(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|field| format!("{}: {}", field.api_name, of(&field.data_type))).collect();
            format!("struct {{{}}}", fields.join(", "))
        }
        other => other.name().to_owned(),
    }
}
