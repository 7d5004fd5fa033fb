//! Random sets of objects and conditions on them.

use std::sync::Arc;

use fastrand::Rng;

use super::commit::{any_key, type_at};
use super::value::{text, value};
use crate::kernel::plan::{Area, Comparison, HasLink, Predicate, Rel, TextMatch, Traverse};
use crate::ontology::{Backing, End, ObjectType, Property, Schema};
use crate::{BaseType, Geopoint};

const COMPARISONS: [Comparison; 6] =
    [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Le, Comparison::Gt, Comparison::Ge];

/// A set of objects of a type.
pub(super) fn rel(rng: &mut Rng, schema: &Schema, object_type: &Arc<ObjectType>, depth: u8) -> Rel {
    let nested = |rng: &mut Rng| rel(rng, schema, object_type, depth - 1);
    let many = |rng: &mut Rng| (0..rng.usize(1..4)).map(|_| nested(rng)).collect();
    match if depth == 0 { rng.u8(..4) } else { rng.u8(..10) } {
        0 | 1 => Rel::All,
        2 if rng.u8(..4) == 0 => Rel::Nothing,
        2 | 3 => Rel::Keys((0..rng.usize(..5)).map(|_| any_key(rng, object_type)).collect()),
        4 | 5 => Rel::Filter(Box::new(nested(rng)), predicate(rng, schema, object_type, 2)),
        6 => Rel::Union(many(rng)),
        7 => Rel::Intersect(many(rng)),
        8 => Rel::Subtract(Box::new(nested(rng)), Box::new(nested(rng))),
        _ => traverse(rng, schema, object_type, depth).map_or(Rel::All, |traverse| Rel::Traverse(Box::new(traverse))),
    }
}

fn traverse(rng: &mut Rng, schema: &Schema, object_type: &Arc<ObjectType>, depth: u8) -> Option<Traverse> {
    let ends = schema.link_types.iter().flat_map(|link_type| [(link_type, End::Source), (link_type, End::Target)]);
    // The objects walked from are at `end`, so the set's type is at the far one.
    let leads_here = |(link_type, end): &(&Arc<crate::ontology::LinkType>, End)| {
        link_type.side(end.far()).object_type == object_type.id
    };
    let (link_type, end) = rng.choice(ends.filter(leads_here).collect::<Vec<_>>())?;
    let from_type = type_at(schema, link_type, end);
    let (min, max) = if link_type.is_homogeneous() { (rng.u32(1..3), rng.u32(2..5)) } else { (1, 1) };
    Some(Traverse {
        from_type: Arc::clone(from_type),
        from: rel(rng, schema, from_type, depth - 1),
        link_type: Arc::clone(link_type),
        end,
        either: link_type.is_homogeneous() && rng.u8(..3) == 0,
        min,
        max,
        edge: edge(rng, &link_type.properties),
    })
}

/// A condition on the properties of links, where there are any.
pub(super) fn edge(rng: &mut Rng, properties: &[Property]) -> Option<Predicate> {
    if properties.is_empty() || rng.bool() {
        return None;
    }
    Some(condition(rng, properties))
}

/// A condition on the objects of a type.
pub(super) fn predicate(rng: &mut Rng, schema: &Schema, object_type: &Arc<ObjectType>, depth: u8) -> Predicate {
    let nested = |rng: &mut Rng| predicate(rng, schema, object_type, depth - 1);
    let many = |rng: &mut Rng| (0..rng.usize(..4)).map(|_| nested(rng)).collect();
    match if depth == 0 { 9 } else { rng.u8(..10) } {
        0 => Predicate::And(many(rng)),
        1 => Predicate::Or(many(rng)),
        2 | 3 => Predicate::Not(Box::new(nested(rng))),
        4 | 5 => has_link(rng, schema, object_type, depth).unwrap_or_else(|| condition(rng, &object_type.properties)),
        _ => condition(rng, &object_type.properties),
    }
}

fn has_link(rng: &mut Rng, schema: &Schema, object_type: &ObjectType, depth: u8) -> Option<Predicate> {
    let side = rng.choice(object_type.sides.iter())?;
    let link_type = schema.link_type_by_id(side.link_type)?;
    let far_type = type_at(schema, link_type, side.end.far());
    let far = rng.bool().then(|| predicate(rng, schema, far_type, depth - 1));
    Some(Predicate::Has(Box::new(HasLink {
        link_type: Arc::clone(link_type),
        end: side.end,
        far_type: Arc::clone(far_type),
        edge: if link_type.backing == Backing::Join { edge(rng, &link_type.properties) } else { None },
        far,
    })))
}

fn condition(rng: &mut Rng, properties: &[Property]) -> Predicate {
    let property = rng.usize(..properties.len());
    let data_type = &properties[property].data_type;
    let base = &data_type.base;
    match rng.u8(..8) {
        0 => Predicate::IsNull(property),
        1 if base.is_scalar() => Predicate::In(property, (0..rng.usize(..4)).map(|_| value(rng, data_type)).collect()),
        2..=4 if base.is_text() => {
            let how = [TextMatch::Contains, TextMatch::StartsWith, TextMatch::EndsWith][rng.usize(..3)];
            Predicate::Text(property, how, text(rng).into())
        }
        2..=5 if *base == BaseType::Geopoint => Predicate::Within(property, area(rng)),
        _ => match base {
            BaseType::Array(element) if element.base.is_scalar() => {
                Predicate::ArrayContains(property, value(rng, element))
            }
            base if base.is_scalar() => {
                let comparisons = if base.is_ordered() { &COMPARISONS[..] } else { &COMPARISONS[..2] };
                Predicate::Compare(property, comparisons[rng.usize(..comparisons.len())], value(rng, data_type))
            }
            _ => Predicate::Not(Box::new(Predicate::IsNull(property))),
        },
    }
}

fn area(rng: &mut Rng) -> Area {
    if rng.bool() {
        let center = Geopoint { lat: f64::from(rng.i32(-90..=90)), lon: f64::from(rng.i32(-180..=180)) };
        return Area::Circle { center, radius_m: f64::from(rng.u32(..10_000)) * 1_000.0 };
    }
    let south = f64::from(rng.i32(-90..=10));
    let (west, east) = (f64::from(rng.i32(-180..=180)), f64::from(rng.i32(-180..=180)));
    Area::Box { south, west, north: south + f64::from(rng.u32(..80)), east }
}
