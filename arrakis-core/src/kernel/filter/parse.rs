//! AIP-160 text (<https://google.aip.dev/160>) to filters, by the grammar on [`Filter`].

use serde_json::{Value as Json, json};

use super::scan::{Scanner, Word};
use super::{Area, FILTER_DEPTH_MAX, FILTER_TERMS_MAX, FILTER_TEXT_LEN_MAX, Filter, IN_VALUES_MAX, PropertyValue};
use crate::{Error, Geopoint, Result};

/// A filter with where in its text each condition starts.
#[derive(Debug)]
pub(in crate::kernel) struct Parsed {
    pub(in crate::kernel) filter: Filter,
    /// The bytes at which the conditions other than `and`, `or` and `not` start, in the order a walk meets them.
    pub(in crate::kernel) offsets: Vec<usize>,
}

/// Reads filter text.
///
/// # Errors
/// `filter.text.*` with the column.
pub(in crate::kernel) fn parse(text: &str) -> Result<Parsed> {
    if text.len() > FILTER_TEXT_LEN_MAX {
        return Err(Error::invalid("filter.text.too_long", "the filter text is too long")
            .with("length", text.len())
            .with("length_max", FILTER_TEXT_LEN_MAX));
    }
    let mut parser = Parser { scanner: Scanner::new(text), offsets: Vec::new(), terms: 0 };
    let filter = parser.filter(1)?;
    if !parser.scanner.is_at_end() {
        return Err(parser.scanner.fault("filter.text.unexpected", "AND, OR or the end of the filter is expected"));
    }
    Ok(Parsed { filter, offsets: parser.offsets })
}

impl std::str::FromStr for Filter {
    type Err = Error;

    /// Reads AIP-160 text.
    fn from_str(text: &str) -> Result<Self> {
        parse(text).map(|parsed| parsed.filter)
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    offsets: Vec<usize>,
    terms: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
}

impl Parser<'_> {
    fn filter(&mut self, depth: usize) -> Result<Filter> {
        if depth > FILTER_DEPTH_MAX {
            let fault = self.scanner.fault("filter.too_deep", "the filter nests too deep");
            return Err(fault.with("depth_max", FILTER_DEPTH_MAX));
        }
        let mut terms = vec![self.term(depth)?];
        let mut joint = None;
        while let Some(next) = self.joint() {
            if *joint.get_or_insert(next) != next {
                return Err(self.scanner.fault(
                    "filter.text.ambiguous",
                    "AND and OR are mixed: put one of them in parentheses, for in AIP-160 OR binds tighter than AND",
                ));
            }
            terms.push(self.term(depth)?);
        }
        Ok(match (joint, terms.pop()) {
            (None, Some(one)) => one,
            (Some(Joint::Or), Some(last)) => {
                terms.push(last);
                Filter::Or(terms)
            }
            (_, last) => {
                terms.extend(last);
                Filter::And(terms)
            }
        })
    }

    fn joint(&mut self) -> Option<Joint> {
        if self.scanner.take_keyword("AND") {
            Some(Joint::And)
        } else if self.scanner.take_keyword("OR") {
            Some(Joint::Or)
        } else {
            None
        }
    }

    fn term(&mut self, depth: usize) -> Result<Filter> {
        self.terms += 1;
        if self.terms > FILTER_TERMS_MAX {
            let fault = self.scanner.fault("filter.too_many_terms", "the filter has too many conditions");
            return Err(fault.with("terms_max", FILTER_TERMS_MAX));
        }
        if self.scanner.take_keyword("NOT") || self.scanner.take("-") {
            return Ok(!self.simple(depth)?);
        }
        self.simple(depth)
    }

    fn simple(&mut self, depth: usize) -> Result<Filter> {
        if self.scanner.take("(") {
            let inner = self.filter(depth + 1)?;
            self.close()?;
            return Ok(inner);
        }
        let start = self.scanner.offset();
        let Some(name) = self.scanner.take_name()? else {
            return Err(self
                .scanner
                .fault("filter.text.expected_condition", "a condition such as state = \"CA\" is expected"));
        };
        if let Word::Bare(function) = &name
            && self.scanner.take("(")
        {
            self.offsets.push(start);
            return self.function(function, start, depth);
        }
        self.restriction(name, start)
    }

    fn restriction(&mut self, name: Word, start: usize) -> Result<Filter> {
        type Make = fn(PropertyValue) -> Filter;
        const OPERATORS: [(&str, Make); 7] = [
            ("!=", Filter::Ne),
            ("<=", Filter::Le),
            (">=", Filter::Ge),
            ("=", Filter::Eq),
            ("<", Filter::Lt),
            (">", Filter::Gt),
            (":", Filter::Contains),
        ];
        let Some((symbol, make)) = OPERATORS.into_iter().find(|(symbol, _)| self.scanner.take(symbol)) else {
            return match name {
                Word::Bare(word) if word == "true" => Ok(Filter::And(Vec::new())),
                Word::Bare(word) if word == "false" => Ok(Filter::Or(Vec::new())),
                _ => Err(self.scanner.fault_at(
                    start,
                    "filter.text.bare",
                    "a property is followed by = != < <= > >= or :",
                )),
            };
        };
        self.offsets.push(start);
        let (Word::Bare(property) | Word::Quoted(property)) = name;
        let value_start = self.scanner.offset();
        match (symbol, self.argument()?) {
            ("=", Argument::Null) => Ok(Filter::IsNull { property }),
            ("!=", Argument::Null) | (":", Argument::Star) => Ok(!Filter::IsNull { property }),
            (_, Argument::Null) => {
                Err(self.scanner.fault_at(value_start, "filter.text.null", "null is compared by = and != only"))
            }
            (_, Argument::Star) => Ok(make(PropertyValue { property, value: json!("*") })),
            (_, Argument::Value(value)) => Ok(make(PropertyValue { property, value })),
        }
    }

    fn function(&mut self, name: &str, start: usize, depth: usize) -> Result<Filter> {
        let filter = match name {
            "has" => self.has(depth)?,
            "in" => {
                let property = self.property()?;
                let mut values = Vec::new();
                while self.scanner.take(",") {
                    if values.len() == IN_VALUES_MAX {
                        let fault = self.scanner.fault("filter.too_many_values", "the list of values is too long");
                        return Err(fault.with("values_max", IN_VALUES_MAX));
                    }
                    values.push(self.value()?);
                }
                Filter::In { property, values }
            }
            "starts_with" => Filter::StartsWith(self.property_and_value()?),
            "ends_with" => Filter::EndsWith(self.property_and_value()?),
            "within_circle" => {
                let property = self.property()?;
                let [lat, lon, radius_m] = self.numbers()?;
                Filter::Within { property, area: Area::Circle { center: Geopoint { lat, lon }, radius_m } }
            }
            "within_box" => {
                let property = self.property()?;
                let [south, west, north, east] = self.numbers()?;
                Filter::Within { property, area: Area::Box { south, west, north, east } }
            }
            _ => {
                return Err(self.scanner.fault_at(
                    start,
                    "filter.text.unknown_function",
                    "the functions are in, starts_with, ends_with, within_circle, within_box and has",
                ));
            }
        };
        self.close()?;
        Ok(filter)
    }

    fn has(&mut self, depth: usize) -> Result<Filter> {
        let link = self.property()?;
        let mut parts = [None, None];
        for part in &mut parts {
            if !self.scanner.take(",") {
                break;
            }
            if !self.scanner.take("*") {
                *part = Some(Box::new(self.filter(depth + 1)?));
            }
        }
        let [link_where, to] = parts;
        Ok(Filter::Has { link, link_where, to })
    }

    fn property(&mut self) -> Result<String> {
        match self.scanner.take_name()? {
            Some(Word::Bare(name) | Word::Quoted(name)) => Ok(name),
            None => Err(self.scanner.fault("filter.text.expected_name", "the name of a property or link is expected")),
        }
    }

    fn property_and_value(&mut self) -> Result<PropertyValue> {
        let property = self.property()?;
        self.comma()?;
        Ok(PropertyValue { property, value: self.value()? })
    }

    fn numbers<const N: usize>(&mut self) -> Result<[f64; N]> {
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            self.comma()?;
            *number = self.number()?;
        }
        Ok(numbers)
    }

    fn number(&mut self) -> Result<f64> {
        let start = self.scanner.offset();
        match self.scanner.take_argument()? {
            Some(Word::Bare(word)) => word.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
        .ok_or_else(|| self.scanner.fault_at(start, "filter.text.expected_number", "a number is expected"))
    }

    fn value(&mut self) -> Result<Json> {
        let start = self.scanner.offset();
        match self.argument()? {
            Argument::Value(value) => Ok(value),
            Argument::Star => Ok(json!("*")),
            Argument::Null => {
                Err(self.scanner.fault_at(start, "filter.text.null", "null is compared by = and != only"))
            }
        }
    }

    fn argument(&mut self) -> Result<Argument> {
        let expected = "a value is expected, in quotes when it is more than one word";
        match self.scanner.take_argument()? {
            Some(Word::Quoted(text)) => Ok(Argument::Value(Json::String(text))),
            Some(Word::Bare(word)) if word == "point" && self.scanner.take("(") => {
                let lat = self.number()?;
                let [lon] = self.numbers()?;
                self.close()?;
                Ok(Argument::Value(json!({ "lat": lat, "lon": lon })))
            }
            Some(Word::Bare(word)) => Ok(bare(word)),
            None => Err(self.scanner.fault("filter.text.expected_value", expected)),
        }
    }

    fn comma(&mut self) -> Result<()> {
        if self.scanner.take(",") {
            return Ok(());
        }
        Err(self.scanner.fault("filter.text.expected_comma", "another argument of the function is expected"))
    }

    fn close(&mut self) -> Result<()> {
        if self.scanner.take(")") {
            return Ok(());
        }
        Err(self.scanner.fault("filter.text.expected_close", "a closing parenthesis is expected"))
    }
}

enum Argument {
    Value(Json),
    /// `null`.
    Null,
    /// `*`.
    Star,
}

/// What a word without quotes stands for. A number that JSON would not give back digit for digit stays text, which is read by the
/// property's type.
fn bare(word: String) -> Argument {
    match word.as_str() {
        "null" => return Argument::Null,
        "*" => return Argument::Star,
        "true" => return Argument::Value(Json::Bool(true)),
        "false" => return Argument::Value(Json::Bool(false)),
        _ => {}
    }
    match serde_json::from_str::<serde_json::Number>(&word) {
        Ok(number) if number.to_string() == word => Argument::Value(Json::Number(number)),
        _ => Argument::Value(Json::String(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_as_filters() {
        let eq = |property, value: Json| Filter::eq(property, value);
        let circle = Area::Circle { center: Geopoint { lat: 37.6, lon: -122.4 }, radius_m: 5e4 };
        let crossing = Area::Box { south: -10.0, west: 170.0, north: 10.0, east: -170.0 };
        for (text, filter) in [
            (r#"state = "CA""#, eq("state", json!("CA"))),
            ("state=CA", eq("state", json!("CA"))),
            ("state = 'it\\'s'", eq("state", json!("it's"))),
            ("flights >= -5", Filter::ge("flights", -5)),
            ("flights<5", Filter::lt("flights", 5)),
            ("ratio = 2.997e9", Filter::eq("ratio", "2.997e9")),
            ("ratio > 0.5", Filter::gt("ratio", 0.5)),
            ("zip = 01234", eq("zip", json!("01234"))),
            ("big = 12345678901234567890.5", eq("big", json!("12345678901234567890.5"))),
            ("active = true", eq("active", json!(true))),
            ("state = null", Filter::is_null("state")),
            ("state != null", !Filter::is_null("state")),
            ("state:*", !Filter::is_null("state")),
            ("name : \"Intl\"", Filter::contains("name", "Intl")),
            ("since > 2012-04-21T11:30:00-04:00", Filter::gt("since", "2012-04-21T11:30:00-04:00")),
            ("-state = CA", !eq("state", json!("CA"))),
            ("NOT state = CA AND a = 1", (!eq("state", json!("CA"))).and(eq("a", json!(1)))),
            ("a = 1 AND (b = 2 OR c = 3)", eq("a", json!(1)).and(eq("b", json!(2)).or(eq("c", json!(3))))),
            (
                "(a = 1 AND b = 2) AND c = 3",
                Filter::And(vec![eq("a", json!(1)).and(eq("b", json!(2))), eq("c", json!(3))]),
            ),
            ("in(state, CA, \"N Y\", 3)", Filter::any_of("state", [json!("CA"), json!("N Y"), json!(3)])),
            ("in(state)", Filter::In { property: "state".into(), values: Vec::new() }),
            ("starts_with(name, \"San \")", Filter::starts_with("name", "San ")),
            ("ends_with(name,Intl)", Filter::ends_with("name", "Intl")),
            ("within_circle(at, 37.6, -122.4, 50000)", Filter::within("at", circle)),
            ("within_box(at, -10, 170, 10, -170)", Filter::within("at", crossing)),
            ("at = point(1.5, -2)", eq("at", json!({ "lat": 1.5, "lon": -2.0 }))),
            ("has(destinations)", Filter::has("destinations")),
            ("has(destinations, flights > 100)", Filter::has_where("destinations", Filter::gt("flights", 100))),
            ("has(destinations, *, state = CA)", Filter::has_to("destinations", eq("state", json!("CA")))),
            ("true", Filter::And(Vec::new())),
            ("NOT false", !Filter::Or(Vec::new())),
            ("true = 1", eq("true", json!(1))),
            (r#""AND" = "a\"\\\n""#, eq("AND", json!("a\"\\\n"))),
            ("ANDes = 1", eq("ANDes", json!(1))),
        ] {
            assert_eq!(text.parse::<Filter>().unwrap(), filter, "{text}");
        }
    }

    #[test]
    fn faults_name_their_column() {
        for (text, code, column) in [
            ("", "filter.text.expected_condition", 1),
            ("a = 1 AND", "filter.text.expected_condition", 10),
            ("a", "filter.text.bare", 1),
            ("a = 1 AND b", "filter.text.bare", 11),
            ("é = 1 b = 2", "filter.text.unexpected", 7),
            ("a = 1 OR b = 2 AND c = 3", "filter.text.ambiguous", 19),
            ("a = 1 AND b = 2 OR c = 3", "filter.text.ambiguous", 19),
            ("a = \"x", "filter.text.quote", 5),
            ("a = \"\\q\"", "filter.text.escape", 6),
            ("a =", "filter.text.expected_value", 4),
            ("a < null", "filter.text.null", 5),
            ("in(a, null)", "filter.text.null", 7),
            ("(a = 1", "filter.text.expected_close", 7),
            ("a = 1)", "filter.text.unexpected", 6),
            ("near(a, 1)", "filter.text.unknown_function", 1),
            ("starts_with(a)", "filter.text.expected_comma", 14),
            ("within_circle(a, 1, 2, x)", "filter.text.expected_number", 24),
            ("has()", "filter.text.expected_name", 5),
        ] {
            let error = text.parse::<Filter>().unwrap_err();
            assert_eq!((error.code(), error.param("column")), (code, Some(column.to_string().as_str())), "{text}");
        }
    }

    #[test]
    fn limits_are_named() {
        let text = |length: usize| "x".repeat(length);
        let deep = |depth: usize| format!("{}a = 1{}", "(".repeat(depth - 1), ")".repeat(depth - 1));
        let wide = |terms: usize| vec!["a = 1"; terms].join(" OR ");
        let values = |count: usize| format!("in(a{})", ", 1".repeat(count));
        assert!(deep(FILTER_DEPTH_MAX).parse::<Filter>().is_ok());
        assert!(wide(FILTER_TERMS_MAX).parse::<Filter>().is_ok());
        assert!(values(IN_VALUES_MAX).parse::<Filter>().is_ok());
        for (text, limit, max) in [
            (text(FILTER_TEXT_LEN_MAX + 1), "length_max", FILTER_TEXT_LEN_MAX),
            (deep(FILTER_DEPTH_MAX + 1), "depth_max", FILTER_DEPTH_MAX),
            (deep(100_000), "depth_max", FILTER_DEPTH_MAX),
            (wide(FILTER_TERMS_MAX + 1), "terms_max", FILTER_TERMS_MAX),
            (values(IN_VALUES_MAX + 1), "values_max", IN_VALUES_MAX),
        ] {
            let error = text.parse::<Filter>().unwrap_err();
            assert_eq!(error.param(limit), Some(max.to_string().as_str()), "{error}");
        }
    }
}
