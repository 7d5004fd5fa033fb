//! Group keys and metrics as the command line spells them.

use arrakis::{GroupBy, MeasureFunction, Metric, Range, TimeUnit};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// `PROPERTY`, `UNIT(PROPERTY)` or `ranges(PROPERTY,A,B,…)`, with `NAME=` before it.
pub(crate) fn group_by(text: &str) -> Result<GroupBy, String> {
    let (name, of) = match text.split_once('=') {
        Some((name, of)) => (Some(name.to_owned()), of),
        None => (None, text),
    };
    let key = match call(of)? {
        None => GroupBy::from(of),
        Some(("ranges", arguments)) => ranges(arguments)?,
        Some((unit, property)) => GroupBy::bucket(property, word::<TimeUnit>(unit)?),
    };
    if key.property.is_empty() || name.as_deref() == Some("") {
        return Err(
            "PROPERTY, UNIT(PROPERTY) or ranges(PROPERTY,A,B,…) is expected, with or without NAME= before".to_owned()
        );
    }
    Ok(GroupBy { name, ..key })
}

/// `NAME=FUNCTION(PROPERTY)`, or `NAME=count()`.
pub(crate) fn metric(text: &str) -> Result<Metric, String> {
    let malformed = || "NAME=FUNCTION(PROPERTY) is expected, as in departures=sum(destinations.flights)".to_owned();
    let (name, of) = text.split_once('=').ok_or_else(malformed)?;
    let (function, property) = call(of)?.ok_or_else(malformed)?;
    if name.is_empty() {
        return Err(malformed());
    }
    let function = word::<MeasureFunction>(function)?;
    let of = Some(property.to_owned()).filter(|property| !property.is_empty());
    if of.is_none() && function != MeasureFunction::Count {
        return Err("only count does without a property".to_owned());
    }
    Ok(Metric { name: name.to_owned(), function, of })
}

/// The ranges below, between and above the edges given.
fn ranges(arguments: &str) -> Result<GroupBy, String> {
    let (property, edges) = arguments.split_once(',').ok_or("ranges(PROPERTY,A,B,…) is expected")?;
    let mut from = None;
    let mut ranges = Vec::new();
    for edge in edges.split(',').map(str::trim) {
        let edge: Json = serde_json::from_str(edge).unwrap_or_else(|_| Json::from(edge));
        ranges.push(Range { from: from.replace(edge.clone()), to: Some(edge) });
    }
    ranges.push(Range { from, to: None });
    Ok(GroupBy::ranges(property, ranges))
}

/// The parts of `function(argument)`; `None` for a text without parentheses.
fn call(text: &str) -> Result<Option<(&str, &str)>, String> {
    let Some((function, rest)) = text.split_once('(') else { return Ok(None) };
    let argument = rest.strip_suffix(')').ok_or("a closing parenthesis is expected at the end")?;
    Ok(Some((function, argument.trim())))
}

fn word<T: DeserializeOwned>(word: &str) -> Result<T, String> {
    serde_json::from_value(Json::from(word)).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn group_keys_are_properties_units_and_ranges() {
        assert_eq!(group_by("state"), Ok(GroupBy::from("state")));
        assert_eq!(
            group_by("to=destinations.key"),
            Ok(GroupBy { name: Some("to".to_owned()), ..GroupBy::from("destinations.key") })
        );
        assert_eq!(group_by("month(opened)"), Ok(GroupBy::bucket("opened", TimeUnit::Month)));
        let range = |from: Option<i64>, to: Option<i64>| Range { from: from.map(Json::from), to: to.map(Json::from) };
        assert_eq!(
            group_by("ranges(runways,1, 3)"),
            Ok(GroupBy::ranges("runways", vec![range(None, Some(1)), range(Some(1), Some(3)), range(Some(3), None)]))
        );
        for bad in ["", "=state", "century(opened)", "ranges(runways)", "day(opened"] {
            assert!(group_by(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metrics_name_a_function() {
        let departures = metric("departures=sum(destinations.flights)").unwrap();
        assert_eq!(
            serde_json::to_value(&departures).unwrap(),
            json!({ "name": "departures", "function": "sum", "of": "destinations.flights" })
        );
        assert_eq!(metric("n=count()").unwrap().of, None);
        for bad in ["sum(x)", "=sum(x)", "n=median(x)", "n=sum()", "n=sum", "n=count(x"] {
            assert!(metric(bad).is_err(), "{bad}");
        }
    }
}
