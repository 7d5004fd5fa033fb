//! Filters to AIP-160 text.

use std::fmt::{self, Write as _};

use serde_json::Value as Json;

use super::{Area, Filter, PropertyValue};

impl fmt::Display for Filter {
    /// AIP-160 text that reads as this filter again, but that an `and` or `or` of one condition is that condition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eq(with) => write_restriction(f, with, "="),
            Self::Ne(with) => write_restriction(f, with, "!="),
            Self::Lt(with) => write_restriction(f, with, "<"),
            Self::Le(with) => write_restriction(f, with, "<="),
            Self::Gt(with) => write_restriction(f, with, ">"),
            Self::Ge(with) => write_restriction(f, with, ">="),
            Self::Contains(with) => write_restriction(f, with, ":"),
            Self::StartsWith(with) => write_call(f, "starts_with", with),
            Self::EndsWith(with) => write_call(f, "ends_with", with),
            Self::IsNull { property } => {
                write_name(f, property)?;
                f.write_str(" = null")
            }
            Self::In { property, values } => {
                f.write_str("in(")?;
                write_name(f, property)?;
                for value in values {
                    f.write_str(", ")?;
                    write_value(f, value)?;
                }
                f.write_str(")")
            }
            Self::Within { property, area } => write_within(f, property, *area),
            Self::Has { link, link_where, to } => {
                f.write_str("has(")?;
                write_name(f, link)?;
                match (link_where, to) {
                    (None, None) => f.write_str(")"),
                    (Some(on_link), None) => write!(f, ", {on_link})"),
                    (None, Some(to)) => write!(f, ", *, {to})"),
                    (Some(on_link), Some(to)) => write!(f, ", {on_link}, {to})"),
                }
            }
            Self::And(all) => write_joined(f, all, " AND ", "true"),
            Self::Or(any) => write_joined(f, any, " OR ", "false"),
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                write_operand(f, inner)
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, filters: &[Filter], joint: &str, empty: &str) -> fmt::Result {
    match filters {
        [] => f.write_str(empty),
        [one] => write!(f, "{one}"),
        [first, others @ ..] => {
            write_operand(f, first)?;
            others.iter().try_for_each(|other| {
                f.write_str(joint)?;
                write_operand(f, other)
            })
        }
    }
}

fn write_operand(f: &mut fmt::Formatter<'_>, filter: &Filter) -> fmt::Result {
    match filter {
        Filter::And(many) | Filter::Or(many) if many.len() == 1 => {
            many.iter().try_for_each(|only| write_operand(f, only))
        }
        Filter::And(many) | Filter::Or(many) if many.is_empty() => write!(f, "{filter}"),
        Filter::And(_) | Filter::Or(_) | Filter::Not(_) | Filter::Text(_) => write!(f, "({filter})"),
        simple => write!(f, "{simple}"),
    }
}

fn write_restriction(f: &mut fmt::Formatter<'_>, with: &PropertyValue, operator: &str) -> fmt::Result {
    write_name(f, &with.property)?;
    write!(f, " {operator} ")?;
    write_value(f, &with.value)
}

fn write_call(f: &mut fmt::Formatter<'_>, function: &str, with: &PropertyValue) -> fmt::Result {
    write!(f, "{function}(")?;
    write_name(f, &with.property)?;
    f.write_str(", ")?;
    write_value(f, &with.value)?;
    f.write_str(")")
}

fn write_within(f: &mut fmt::Formatter<'_>, property: &str, area: Area) -> fmt::Result {
    match area {
        Area::Circle { center, radius_m } => {
            f.write_str("within_circle(")?;
            write_name(f, property)?;
            write!(f, ", {}, {}, {radius_m})", center.lat, center.lon)
        }
        Area::Box { south, west, north, east } => {
            f.write_str("within_box(")?;
            write_name(f, property)?;
            write!(f, ", {south}, {west}, {north}, {east})")
        }
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    if plain && name != "NOT" { f.write_str(name) } else { write_quoted(f, name) }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &Json) -> fmt::Result {
    let number = |name: &str| value.get(name).and_then(Json::as_f64);
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => write!(f, "{value}"),
        Json::String(text) => write_quoted(f, text),
        Json::Object(members) => match (number("lat"), number("lon")) {
            (Some(lat), Some(lon)) if members.len() == 2 => write!(f, "point({lat}, {lon})"),
            _ => write_quoted(f, &value.to_string()),
        },
        Json::Array(_) => write_quoted(f, &value.to_string()),
    }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Geopoint;

    /// Any filter whose `and` and `or` do not have exactly one condition, which text does not show.
    fn any_filter(rng: &mut fastrand::Rng, depth: usize) -> Filter {
        let names = ["state", "a.b", "NOT", "AND", "true", "in", "é", "has space", "-x", "", "9"];
        let name = names[rng.usize(..names.len())];
        let value = any_value(rng);
        match rng.u8(..if depth == 0 { 12 } else { 16 }) {
            0 => Filter::eq(name, value),
            1 => Filter::ne(name, value),
            2 => Filter::lt(name, value),
            3 => Filter::le(name, value),
            4 => Filter::gt(name, value),
            5 => Filter::ge(name, value),
            6 => Filter::contains(name, value),
            7 => Filter::starts_with(name, value),
            8 => Filter::ends_with(name, value),
            9 => Filter::is_null(name),
            10 => Filter::any_of(name, (0..rng.usize(..4)).map(|_| any_value(rng)).collect::<Vec<_>>()),
            11 => Filter::within(name, any_area(rng)),
            12 => Filter::Has {
                link: name.into(),
                link_where: rng.bool().then(|| Box::new(any_filter(rng, depth - 1))),
                to: rng.bool().then(|| Box::new(any_filter(rng, depth - 1))),
            },
            13 => !any_filter(rng, depth - 1),
            other => {
                let count = if rng.u8(..8) == 0 { 0 } else { rng.usize(2..5) };
                let many = (0..count).map(|_| any_filter(rng, depth - 1)).collect();
                if other == 14 { Filter::And(many) } else { Filter::Or(many) }
            }
        }
    }

    fn any_value(rng: &mut fastrand::Rng) -> Json {
        match rng.u8(..6) {
            0 => json!(rng.bool()),
            1 => json!(rng.i64(..)),
            2 => json!(rng.f64() * 10_f64.powi(rng.i32(-300..300))),
            3 => json!({ "lat": rng.f64() * 90.0, "lon": -rng.f64() }),
            4 => json!(["1", "null", "true", "*", "1.50", "", "AND"][rng.usize(..7)]),
            _ => json!((0..rng.usize(..9)).map(|_| rng.char(..)).collect::<String>()),
        }
    }

    fn any_area(rng: &mut fastrand::Rng) -> Area {
        let mut degrees = || (rng.f64() - 0.5) * 180.0;
        let center = Geopoint { lat: degrees(), lon: degrees() };
        if center.lat > 0.0 {
            Area::Circle { center, radius_m: degrees().abs() * 1e5 }
        } else {
            Area::Box { south: degrees(), west: degrees(), north: degrees(), east: degrees() }
        }
    }

    #[test]
    fn printed_filters_read_as_themselves() {
        for seed in 0..5_000 {
            let filter = any_filter(&mut fastrand::Rng::with_seed(seed), 4);
            let text = filter.to_string();
            let read = text.parse::<Filter>().unwrap_or_else(|e| panic!("seed {seed}: {text}: {e}"));
            assert_eq!(read, filter, "seed {seed}: {text}");
        }
    }

    #[test]
    fn mixed_joints_and_nested_text_are_in_parentheses() {
        let [a, b, c] = ["a", "b", "c"].map(|name| Filter::eq(name, 1));
        let mixed = a.clone().and(b.or(c));
        assert_eq!(mixed.to_string(), "a = 1 AND (b = 1 OR c = 1)");
        assert_eq!(Filter::text("x = 1 OR y = 2").and(a).to_string(), "(x = 1 OR y = 2) AND a = 1");
    }
}
