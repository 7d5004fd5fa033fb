//! Whether a row satisfies a predicate: the meaning every store compiles to.

use std::cmp::Ordering;

use super::plan::{Area, Comparison, HasLink, Predicate, TextMatch};
use crate::{Error, Geopoint, Result, Value};

/// What a predicate asks of the world beyond its row.
pub trait Linked {
    /// Whether the row's object is linked so.
    ///
    /// # Errors
    /// What the store answers.
    fn has(&mut self, has: &HasLink) -> Result<bool>;
}

/// The world of a row without links of its own, such as a link.
#[derive(Clone, Copy, Debug)]
pub struct Unlinked;

impl Linked for Unlinked {
    fn has(&mut self, has: &HasLink) -> Result<bool> {
        Err(Error::internal("kernel.predicate.unlinked", "a condition on links of a row that has none")
            .with("link_type", &has.link_type.api_name))
    }
}

impl Predicate {
    /// Whether it asks for links, and so for more than its row.
    pub fn is_linked(&self) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(Self::is_linked),
            Self::Not(inner) => inner.is_linked(),
            Self::Has(_) => true,
            Self::Compare(..)
            | Self::In(..)
            | Self::IsNull(_)
            | Self::Text(..)
            | Self::ArrayContains(..)
            | Self::Within(..) => false,
        }
    }

    /// Whether the row satisfies this.
    ///
    /// # Errors
    /// Only those of `linked`.
    pub fn holds(&self, row: &[Value], linked: &mut dyn Linked) -> Result<bool> {
        let at = |property: usize| row.get(property).unwrap_or(&Value::Null);
        Ok(match self {
            Self::And(all) => {
                for each in all {
                    if !each.holds(row, linked)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(any) => {
                for each in any {
                    if each.holds(row, linked)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(inner) => !inner.holds(row, linked)?,
            Self::Compare(property, comparison, with) => comparison.holds(at(*property), with),
            Self::In(property, values) => values.iter().any(|value| Comparison::Eq.holds(at(*property), value)),
            Self::IsNull(property) => at(*property).is_null(),
            Self::Text(property, how, text) => match at(*property) {
                Value::String(value) => how.holds(value, text),
                _ => false,
            },
            Self::ArrayContains(property, value) => match at(*property) {
                Value::Array(items) => items.iter().any(|item| Comparison::Eq.holds(item, value)),
                _ => false,
            },
            Self::Within(property, area) => match at(*property) {
                Value::Geopoint(point) => area.contains(*point),
                _ => false,
            },
            Self::Has(has) => linked.has(has)?,
        })
    }
}

impl Comparison {
    /// Whether a value compares so with another; never when either is absent.
    pub fn holds(self, value: &Value, with: &Value) -> bool {
        if value.is_null() || with.is_null() {
            return false;
        }
        let order = value.compare(with);
        match self {
            Self::Eq => order == Ordering::Equal,
            Self::Ne => order != Ordering::Equal,
            Self::Lt => order == Ordering::Less,
            Self::Le => order != Ordering::Greater,
            Self::Gt => order == Ordering::Greater,
            Self::Ge => order != Ordering::Less,
        }
    }
}

impl TextMatch {
    /// Whether a text matches the one looked for, byte for byte.
    pub fn holds(self, value: &str, text: &str) -> bool {
        match self {
            Self::Contains => value.contains(text),
            Self::StartsWith => value.starts_with(text),
            Self::EndsWith => value.ends_with(text),
        }
    }
}

impl Area {
    /// Passes for an area on the earth.
    ///
    /// # Errors
    /// `kernel.filter.area`.
    pub fn check(self) -> Result<()> {
        let lat = |degrees: f64| degrees.abs() <= 90.0;
        let lon = |degrees: f64| degrees.abs() <= 180.0;
        let sound = match self {
            Self::Circle { center, radius_m } => {
                lat(center.lat) && lon(center.lon) && radius_m.is_finite() && radius_m >= 0.0
            }
            Self::Box { south, west, north, east } => {
                lat(south) && lat(north) && south <= north && lon(west) && lon(east)
            }
        };
        if sound {
            return Ok(());
        }
        Err(Error::invalid(
            "kernel.filter.area",
            "an area has latitudes of -90 to 90, its south below its north, longitudes of -180 to 180 and a radius not below zero",
        ))
    }

    /// Whether a point lies in the area, its edge included. A point on the antimeridian lies on both 180 and −180.
    pub fn contains(self, point: Geopoint) -> bool {
        match self {
            Self::Circle { center, radius_m } => center.distance_m(point) <= radius_m,
            Self::Box { south, west, north, east } => {
                let between = |lon: f64| {
                    if west <= east { west <= lon && lon <= east } else { west <= lon || lon <= east }
                };
                let antimeridian = point.lon.abs() >= 180.0;
                south <= point.lat && point.lat <= north && (between(point.lon) || antimeridian && between(-point.lon))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(predicate: &Predicate, row: &[Value]) -> bool {
        predicate.holds(row, &mut Unlinked).unwrap()
    }

    #[test]
    fn comparisons_with_an_absent_value_are_false_and_not_is_the_complement() {
        let every = [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Le, Comparison::Gt, Comparison::Ge];
        for comparison in every {
            let predicate = Predicate::Compare(0, comparison, Value::Integer(1));
            assert!(!holds(&predicate, &[Value::Null]), "{comparison:?}");
            assert!(holds(&Predicate::Not(Box::new(predicate)), &[Value::Null]), "{comparison:?}");
        }
        for absent in [
            Predicate::In(0, vec![Value::Integer(1)]),
            Predicate::Text(0, TextMatch::Contains, "".into()),
            Predicate::ArrayContains(0, Value::Integer(1)),
            Predicate::Within(0, Area::Box { south: -90.0, west: -180.0, north: 90.0, east: 180.0 }),
        ] {
            assert!(!holds(&absent, &[Value::Null]), "{absent:?}");
        }
        assert!(holds(&Predicate::IsNull(0), &[Value::Null]));
        assert!(!holds(&Predicate::IsNull(0), &[Value::string("")]));
    }

    #[test]
    fn comparisons_follow_the_order_of_values() {
        let low_high = [
            (Value::Boolean(false), Value::Boolean(true)),
            (Value::Integer(i64::MIN), Value::Integer(i64::MAX)),
            (Value::Double(-0.5), Value::Double(5e-324)),
            (Value::string("Z"), Value::string("a")),
            (Value::string("z"), Value::string("é")),
        ];
        for (low, high) in low_high {
            for (comparison, below, equal, above) in [
                (Comparison::Eq, false, true, false),
                (Comparison::Ne, true, false, true),
                (Comparison::Lt, true, false, false),
                (Comparison::Le, true, true, false),
                (Comparison::Gt, false, false, true),
                (Comparison::Ge, false, true, true),
            ] {
                assert_eq!(comparison.holds(&low, &high), below, "{low:?} {comparison:?} {high:?}");
                assert_eq!(comparison.holds(&low, &low), equal, "{low:?} {comparison:?} itself");
                assert_eq!(comparison.holds(&high, &low), above, "{high:?} {comparison:?} {low:?}");
            }
        }
    }

    #[test]
    fn empty_and_is_true_and_empty_or_is_false() {
        assert!(holds(&Predicate::And(Vec::new()), &[]));
        assert!(!holds(&Predicate::Or(Vec::new()), &[]));
        assert!(!holds(&Predicate::In(0, Vec::new()), &[Value::Integer(1)]));
    }

    #[test]
    fn text_is_matched_byte_for_byte() {
        let row = [Value::string("100% _É'\"")];
        for (how, text, expected) in [
            (TextMatch::Contains, "", true),
            (TextMatch::Contains, "% _", true),
            (TextMatch::Contains, "%_", false),
            (TextMatch::Contains, "é", false),
            (TextMatch::StartsWith, "100%", true),
            (TextMatch::StartsWith, "1%", false),
            (TextMatch::EndsWith, "É'\"", true),
            (TextMatch::EndsWith, "_", false),
        ] {
            assert_eq!(holds(&Predicate::Text(0, how, text.into()), &row), expected, "{how:?} {text:?}");
        }
    }

    #[test]
    fn arrays_contain_equal_elements_whole() {
        let row = [Value::Array(vec![Value::string("ab"), Value::string("c")])];
        assert!(holds(&Predicate::ArrayContains(0, Value::string("c")), &row));
        assert!(!holds(&Predicate::ArrayContains(0, Value::string("a")), &row));
    }

    #[test]
    fn areas_include_their_edges_and_cross_the_antimeridian() {
        let at = |lat, lon| Geopoint { lat, lon };
        let plain = Area::Box { south: -10.0, west: 20.0, north: 10.0, east: 30.0 };
        let crossing = Area::Box { south: -10.0, west: 170.0, north: 10.0, east: -170.0 };
        let touching = Area::Box { south: -10.0, west: 170.0, north: 10.0, east: 180.0 };
        let degree_m = crate::EARTH_RADIUS_M.to_radians();
        let circle = Area::Circle { center: at(0.0, 179.5), radius_m: degree_m };
        for (area, point, expected) in [
            (plain, at(10.0, 20.0), true),
            (plain, at(10.0, 19.9), false),
            (plain, at(10.1, 25.0), false),
            (crossing, at(0.0, 175.0), true),
            (crossing, at(0.0, -175.0), true),
            (crossing, at(0.0, 0.0), false),
            (touching, at(0.0, -180.0), true),
            (touching, at(0.0, -179.9), false),
            (circle, at(0.0, -179.6), true),
            (circle, at(0.0, -179.4), false),
        ] {
            assert_eq!(area.contains(point), expected, "{area:?} {point:?}");
        }
    }
}
