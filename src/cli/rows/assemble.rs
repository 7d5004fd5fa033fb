//! Cells of a file into cells of a load: several columns may make up one property.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis::{BaseType, Cell, Error, LinkType, ObjectType, Property, Result};
use serde_json::{Map, Value as Json};

use super::{Mapping, Rows, Target, Unreadable};

/// What the rows become.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Objects of a type.
    Objects(Arc<ObjectType>),
    /// Links of a type.
    Links(Arc<LinkType>),
}

impl Shape {
    fn property(&self, name: &str) -> Result<&Property> {
        let found = match self {
            Self::Objects(object_type) => object_type.property(name),
            Self::Links(link_type) => link_type.property(name),
        };
        found.map(|(_, property)| property)
    }

    /// A column every load of this shape has.
    fn first_column(&self) -> Result<String> {
        match self {
            Self::Objects(object_type) => Ok(object_type.key_property()?.api_name.to_string()),
            Self::Links(_) => Ok("source".to_owned()),
        }
    }
}

/// Where the value of a column goes.
#[derive(Clone, Debug)]
struct Place {
    column: String,
    /// The index of the property among the columns of the load.
    property: usize,
    members: Vec<String>,
    /// The type of the member, when it is one.
    member_type: Option<BaseType>,
}

/// Lays the values of a row out by property.
#[derive(Debug)]
pub(super) struct Assembler<'a> {
    mapping: &'a Mapping,
    shape: &'a Shape,
    properties: Vec<String>,
    by_property: HashMap<String, usize>,
    /// By column; `None` for one that is skipped.
    places: Vec<Option<Place>>,
    origins: HashMap<String, Vec<(String, Target)>>,
}

impl<'a> Assembler<'a> {
    pub(super) fn new(mapping: &'a Mapping, shape: &'a Shape) -> Self {
        let (properties, by_property, places) = (Vec::new(), HashMap::new(), Vec::new());
        Self { mapping, shape, properties, by_property, places, origins: HashMap::new() }
    }

    /// Adds a column of the file, and answers its number.
    ///
    /// # Errors
    /// `rows.mapping.twice` for two columns in one place; `rows.mapping.member` for a member its property does not have.
    pub(super) fn column(&mut self, column: &str) -> Result<usize> {
        let place = self.mapping.target(column).map(|target| self.place(column, target)).transpose()?;
        self.places.push(place);
        Ok(self.places.len() - 1)
    }

    fn place(&mut self, column: &str, target: Target) -> Result<Place> {
        let origins = self.origins.entry(target.property.clone()).or_default();
        let overlaps = |other: &Target| other.members.iter().zip(&target.members).all(|(a, b)| a == b);
        if let Some((other, _)) = origins.iter().find(|(_, other)| overlaps(other)) {
            return Err(Error::invalid("rows.mapping.twice", "two columns go into the same place")
                .with("columns", format!("{other}, {column}"))
                .with("place", &target));
        }
        origins.push((column.to_owned(), target.clone()));
        let member_type = match target.members.as_slice() {
            [] => None,
            members => {
                Some(member_type(&self.shape.property(&target.property)?.data_type.base, members).ok_or_else(|| {
                    Error::invalid("rows.mapping.member", "the property has no such member").with("place", &target)
                })?)
            }
        };
        let property = *self.by_property.entry(target.property.clone()).or_insert_with(|| {
            self.properties.push(target.property.clone());
            self.properties.len() - 1
        });
        Ok(Place { column: column.to_owned(), property, members: target.members, member_type })
    }

    /// An empty row.
    pub(super) fn row(&self) -> Vec<Cell> {
        vec![Cell::Missing; self.properties.len()]
    }

    /// Puts the text of a CSV field into a row.
    pub(super) fn put_text(&self, row: &mut [Cell], column: usize, text: &str) -> Result<(), Unreadable> {
        let Some(Some(place)) = self.places.get(column) else { return Ok(()) };
        let Some(cell) = row.get_mut(place.property) else { return Ok(()) };
        let text = if self.mapping.is_null(text) { "" } else { text };
        match &place.member_type {
            None => *cell = Cell::Text(text.into()),
            Some(_) if text.is_empty() => nest(cell, &place.members, Json::Null),
            Some(base) => {
                let value = base
                    .read_text(text)
                    .map_err(|e| Unreadable::new(e.code(), e.message()).in_column(&place.column))?;
                nest(cell, &place.members, value.to_json_as(base));
            }
        }
        Ok(())
    }

    /// Puts a JSON value into a row, making the row longer where a column came after it.
    pub(super) fn put_json(&self, row: &mut Vec<Cell>, column: usize, value: Json) {
        let Some(Some(place)) = self.places.get(column) else { return };
        row.resize(row.len().max(place.property + 1), Cell::Missing);
        let Some(cell) = row.get_mut(place.property) else { return };
        let value = match value {
            Json::String(text) if self.mapping.null.as_deref() == Some(&text) => Json::Null,
            other => other,
        };
        if place.members.is_empty() { *cell = Cell::Json(value) } else { nest(cell, &place.members, value) }
    }

    /// Gives the rows the columns found, and every readable row a cell for each of them.
    pub(super) fn finish(mut self, mut rows: Rows) -> Result<Rows> {
        if self.properties.is_empty() {
            self.properties.push(self.shape.first_column()?);
        }
        for row in rows.records.iter_mut().filter(|row| !rows.unreadable.contains_key(&row.line)) {
            row.cells.resize(self.properties.len(), Cell::Missing);
        }
        Ok(Rows { columns: self.properties, origins: self.origins, ..rows })
    }
}

/// The type of a member of a property.
fn member_type(base: &BaseType, members: &[String]) -> Option<BaseType> {
    let Some((member, rest)) = members.split_first() else { return Some(base.clone()) };
    match base {
        BaseType::Geopoint if rest.is_empty() && (member == "lat" || member == "lon") => Some(BaseType::Double),
        BaseType::Struct(fields) => {
            let field = fields.iter().find(|field| field.api_name == member.as_str())?;
            member_type(&field.data_type.base, rest)
        }
        _ => None,
    }
}

/// Puts a member into the object a cell holds. A cell all of whose members are null is null.
fn nest(cell: &mut Cell, members: &[String], value: Json) {
    if *cell == Cell::Missing {
        *cell = Cell::Json(Json::Null);
    }
    let Cell::Json(json) = cell else { return };
    if value.is_null() {
        return;
    }
    let mut json = json;
    for member in members {
        if !json.is_object() {
            *json = Json::Object(Map::new());
        }
        let Json::Object(object) = json else { return };
        json = object.entry(member.as_str()).or_insert(Json::Null);
    }
    *json = value;
}
