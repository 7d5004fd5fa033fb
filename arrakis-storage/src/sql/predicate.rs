//! Predicates as conditions on a row.

use arrakis_core::kernel::plan::{Area, Comparison, HasLink, Predicate, TextMatch};
use arrakis_core::ontology::Backing;
use arrakis_core::{BaseType, EARTH_RADIUS_M, Geopoint, Result, Value, canonical_json};
use sea_query::{Expr, ExprTrait, SubQueryOper, UnionType};

use super::column::scalar;
use super::condition::Condition;
use super::dialect::Function;
use super::source::{Row, end_column};
use super::{Builder, ColumnKind};

/// The most values bound one by one in an `IN`; more are handed over as one list, so that statements keep few shapes.
const IN_BOUND_MAX: usize = 8;

impl Builder<'_> {
    pub(super) fn predicate(&self, row: &Row<'_>, predicate: &Predicate) -> Result<Condition> {
        match predicate {
            Predicate::And(all) => Condition::try_all(all.iter().map(|each| self.predicate(row, each))),
            Predicate::Or(any) => Condition::try_any(any.iter().map(|each| self.predicate(row, each))),
            Predicate::Not(inner) => match &**inner {
                Predicate::IsNull(property) => Ok(Condition::When(row.property(*property)?.is_not_null())),
                inner => Ok(self.predicate(row, inner)?.negated()),
            },
            Predicate::Compare(property, comparison, value) => compare(row, *property, *comparison, value),
            Predicate::In(property, values) => self.is_in(row, *property, values),
            Predicate::IsNull(property) => Ok(Condition::When(row.property(*property)?.is_null())),
            Predicate::Text(property, how, text) => Ok(self.text(row.property(*property)?, *how, text)),
            Predicate::ArrayContains(property, value) => self.array_contains(row, *property, value),
            Predicate::Within(property, area) => self.area(row, *property, *area),
            Predicate::Has(has) => self.has(row, has),
        }
    }

    fn is_in(&self, row: &Row<'_>, property: usize, values: &[Value]) -> Result<Condition> {
        let base = row.columns.base(property)?;
        if matches!(base, BaseType::Geopoint) {
            return Condition::try_any(values.iter().map(|value| compare(row, property, Comparison::Eq, value)));
        }
        let values = values.iter().map(scalar).collect::<Result<Vec<_>>>()?;
        Ok(self.in_values(row.property(property)?, values, ColumnKind::of(base)))
    }

    /// Whether an expression equals one of the values.
    pub(super) fn in_values(&self, left: Expr, mut values: Vec<sea_query::Value>, kind: ColumnKind) -> Condition {
        match values.len() {
            0 => Condition::Never,
            1 => values.pop().map_or(Condition::Never, |value| Condition::When(left.eq(value))),
            // Text of a double would have to be read back, which databases do not all do exactly.
            count if count <= IN_BOUND_MAX || kind == ColumnKind::Real => Condition::When(left.is_in(values)),
            _ => Condition::When(self.dialect.is_among(left, values, kind)),
        }
    }

    fn text(&self, column: Expr, how: TextMatch, text: &str) -> Condition {
        if text.is_empty() {
            return Condition::When(column.is_not_null());
        }
        Condition::When(match how {
            TextMatch::Contains => self.dialect.contains(column, text),
            TextMatch::StartsWith => match after_prefix(text) {
                Some(end) => column.clone().gte(text).and(column.lt(end)),
                None => column.gte(text),
            },
            TextMatch::EndsWith => self.dialect.last_characters(column, text.chars().count()).eq(text),
        })
    }

    fn array_contains(&self, row: &Row<'_>, property: usize, value: &Value) -> Result<Condition> {
        if value.is_null() {
            return Ok(Condition::Never);
        }
        let json = match row.columns.base(property)? {
            BaseType::Array(element) => value.to_json_as(&element.base),
            _ => value.to_json(),
        };
        let element = canonical_json(&json);
        let column = row.property(property)?;
        let may = self.dialect.contains(column.clone(), &element);
        let does = self.dialect.call(Function::ArrayContains, vec![column, Expr::val(element)]);
        Ok(Condition::When(may.and(does)))
    }

    fn area(&self, row: &Row<'_>, property: usize, area: Area) -> Result<Condition> {
        let (lat, lon) = (row.property(property)?, row.longitude(property)?);
        Ok(match area {
            Area::Box { south, west, north, east } => {
                let inside = lat.gte(south).and(row.property(property)?.lte(north));
                Condition::When(inside.and(between_meridians(&lon, west, east)))
            }
            Area::Circle { center, radius_m } => {
                let near = around(&lat, &lon, center, radius_m);
                let arguments = vec![lat, lon, Expr::val(center.lat), Expr::val(center.lon), Expr::val(radius_m)];
                near.and(Condition::When(self.dialect.call(Function::WithinCircle, arguments)))
            }
        })
    }

    /// Whether the object of a row is linked so.
    fn has(&self, row: &Row<'_>, has: &HasLink) -> Result<Condition> {
        match has.link_type.backing {
            Backing::Join => self.has_joined(row, has),
            Backing::ForeignKey { holder, property } if holder == has.end => {
                let held = row.property(property)?;
                match &has.far {
                    None => Ok(Condition::When(held.is_not_null())),
                    Some(_) => self.far_exists(has, |far| Ok(far.fixed("k").eq(held.clone()))),
                }
            }
            Backing::ForeignKey { property, .. } => {
                let key = row.fixed("k");
                self.far_exists(has, |far| Ok(far.property(property)?.eq(key.clone())))
            }
        }
    }

    fn has_joined(&self, row: &Row<'_>, has: &HasLink) -> Result<Condition> {
        let Some(table) = self.tables.link_table(has.link_type.id)? else { return Ok(Condition::Never) };
        let link = self.link_row(&has.link_type);
        let statement = self.union_parts(&table, &link, UnionType::All, |select, _| {
            select.expr(Expr::val(1_i64));
            let near = Condition::When(link.fixed(end_column(has.end)).eq(row.fixed("k")));
            let edge = has.edge.as_ref().map_or(Ok(Condition::Always), |edge| self.predicate(&link, edge))?;
            let far = if has.far.is_some() {
                let key = link.fixed(end_column(has.end.far()));
                self.far_exists(has, |far| Ok(far.fixed("k").eq(key.clone())))?
            } else {
                Condition::Always
            };
            Ok(Condition::all([near, edge, far]))
        })?;
        Ok(exists(statement))
    }

    /// Whether there is a far object that fits, found by `joined`.
    fn far_exists(&self, has: &HasLink, joined: impl Fn(&Row<'_>) -> Result<Expr>) -> Result<Condition> {
        let Some(table) = self.tables.object_table(has.far_type.id)? else { return Ok(Condition::Never) };
        let far = self.object_row(&has.far_type);
        let statement = self.union_parts(&table, &far, UnionType::All, |select, _| {
            select.expr(Expr::val(1_i64));
            let fits = has.far.as_ref().map_or(Ok(Condition::Always), |fits| self.predicate(&far, fits))?;
            Ok(Condition::When(joined(&far)?).and(fits))
        })?;
        Ok(exists(statement))
    }
}

fn exists(statement: Option<sea_query::SelectStatement>) -> Condition {
    let Some(statement) = statement else { return Condition::Never };
    let statement = sea_query::SubQueryStatement::SelectStatement(statement);
    Condition::When(Expr::SubQuery(Some(SubQueryOper::Exists), Box::new(statement)))
}

fn compare(row: &Row<'_>, property: usize, comparison: Comparison, value: &Value) -> Result<Condition> {
    if value.is_null() {
        return Ok(Condition::Never);
    }
    let column = row.property(property)?;
    if let Value::Geopoint(point) = value {
        let equal = column.clone().eq(point.lat).and(row.longitude(property)?.eq(point.lon));
        return Ok(match comparison {
            Comparison::Ne => Condition::When(column.is_not_null()).and(Condition::When(equal).negated()),
            _ => Condition::When(equal),
        });
    }
    let value = scalar(value)?;
    Ok(Condition::When(match comparison {
        Comparison::Eq => column.eq(value),
        Comparison::Ne => column.ne(value),
        Comparison::Lt => column.lt(value),
        Comparison::Le => column.lte(value),
        Comparison::Gt => column.gt(value),
        Comparison::Ge => column.gte(value),
    }))
}

/// The least text above every text that starts with `prefix`, in byte order; `None` when there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // UTF-8 orders bytes as it orders code points; surrogates are none.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// Whether a longitude lies between two meridians, by the rule of [`Area::contains`]: ±180 are one meridian.
fn between_meridians(lon: &Expr, west: f64, east: f64) -> Expr {
    let between =
        |value: f64| if west <= east { west <= value && value <= east } else { west <= value || value <= east };
    let mut inside = if west <= east {
        lon.clone().gte(west).and(lon.clone().lte(east))
    } else {
        lon.clone().gte(west).or(lon.clone().lte(east))
    };
    for (edge, same) in [(180.0, -180.0), (-180.0, 180.0)] {
        if between(same) && !between(edge) {
            inside = inside.or(lon.clone().eq(edge));
        }
    }
    inside
}

/// A box around a circle, generous enough for rounding, so that an index can find what is near.
fn around(lat: &Expr, lon: &Expr, center: Geopoint, radius_m: f64) -> Condition {
    const SLACK_DEGREES: f64 = 1e-6;
    let angle = radius_m / EARTH_RADIUS_M;
    let degrees = angle.to_degrees() + SLACK_DEGREES;
    let (south, north) = (center.lat - degrees, center.lat + degrees);
    let parallels = Condition::When(lat.clone().gte(south).and(lat.clone().lte(north)));
    if south <= -90.0 || north >= 90.0 {
        return parallels;
    }
    // The widest meridians a circle touches are off its centre's parallel.
    let width = (angle.sin() / center.lat.to_radians().cos()).min(1.0).asin().to_degrees() + SLACK_DEGREES;
    let (west, east) = (center.lon - width, center.lon + width);
    if angle >= std::f64::consts::FRAC_PI_2 || west <= -180.0 || east >= 180.0 || !width.is_finite() {
        return parallels;
    }
    parallels.and(Condition::When(lon.clone().gte(west).and(lon.clone().lte(east))))
}
