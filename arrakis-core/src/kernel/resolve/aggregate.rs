//! Aggregates to plans.

use std::collections::HashSet;
use std::sync::Arc;

use super::names::{Names, Side};
use super::set::{Member, set};
use super::sight::Sight;
use super::{Filters, property_at};
use crate::kernel::aggregate::{Columns, Finish, KeyColumn, MetricColumn};
use crate::kernel::plan::{AggregateBranch, AggregatePlan, GroupKey, MeasureFunction, Operand, Over, TimeUnit};
use crate::kernel::{
    AGGREGATE_GROUPS_MAX, Aggregate, GROUP_KEYS_MAX, GroupBy, METRICS_MAX, Metric, ORDER_TERMS_MAX, RANGES_MAX, Range,
};
use crate::{ApiName, BaseType, Error, Result, Value};

/// Resolves an aggregate, as of now, and what is to be done with what the store accumulates.
///
/// # Errors
/// What a set answers, `kernel.aggregate.*`, each with the path into the request.
pub(in crate::kernel) fn aggregate(sight: Sight<'_>, wanted: &Aggregate) -> Result<(AggregatePlan, Finish)> {
    check_sizes(wanted)?;
    let mut filters = Filters::new(sight);
    let resolved = set(sight, &mut filters, &wanted.set).map_err(|e| e.at("set"))?;
    let link = the_link(wanted)?;
    let mut columns: Option<(Vec<KeyColumn>, Vec<MetricColumn>)> = None;
    let mut branches = Vec::with_capacity(resolved.members.len());
    for Member { object_type, rel } in resolved.members {
        let names = resolved.shape.names(sight, &object_type);
        let side = match &link {
            None => None,
            Some((link, path)) => match names.side(link).map_err(|e| e.at(path))? {
                Some(side) => {
                    sight.check_all_far(&side.link_type, side.end).map_err(|e| e.at(path))?;
                    Some(side)
                }
                // An interface's link this type does without: none of its objects count.
                None => continue,
            },
        };
        let view = View { names: &names, side: side.as_ref() };
        let (groups, keys) = view.keys(&wanted.group_by)?;
        let (operands, metrics) = view.metrics(&wanted.metrics)?;
        agree(columns.as_ref(), &keys, &metrics)?;
        columns.get_or_insert((keys, metrics));
        let over = side.map(|Side { link_type, end, far_type }| Over { link_type, end, far_type });
        branches.push(AggregateBranch { object_type: Arc::clone(&object_type), rel, over, groups, operands });
    }
    let (keys, metrics) = if let Some(columns) = columns {
        columns
    } else {
        let view = View { names: &resolved.shape, side: None };
        (view.keys(&wanted.group_by)?.1, view.metrics(&wanted.metrics)?.1)
    };
    let finish = finish(wanted, (keys, metrics), &mut filters)?;
    let measures = wanted.metrics.iter().map(|metric| metric.function).collect();
    Ok((AggregatePlan { branches, measures, at: None, budget: wanted.budget }, finish))
}

fn check_sizes(wanted: &Aggregate) -> Result<()> {
    if wanted.group_by.is_empty() && wanted.metrics.is_empty() {
        return Err(Error::invalid("kernel.aggregate.empty", "an aggregate has a group key or a metric"));
    }
    for (path, length, max) in [
        ("group_by", wanted.group_by.len(), GROUP_KEYS_MAX),
        ("metrics", wanted.metrics.len(), METRICS_MAX),
        ("order_by", wanted.order_by.len(), ORDER_TERMS_MAX),
    ] {
        if length > max {
            return Err(Error::invalid("kernel.aggregate.too_many", "the aggregate has too many of these")
                .with("length", length)
                .with("length_max", max)
                .at(path));
        }
    }
    match wanted.limit {
        Some(limit) if limit == 0 || limit as usize > AGGREGATE_GROUPS_MAX => {
            Err(Error::invalid("kernel.aggregate.limit", "a limit is of 1 to 100,000 groups")
                .with("limit", limit)
                .with("limit_max", AGGREGATE_GROUPS_MAX)
                .at("limit"))
        }
        _ => Ok(()),
    }
}

/// The one link the properties are over, with the path to its first use.
fn the_link(wanted: &Aggregate) -> Result<Option<(&str, String)>> {
    let keys =
        wanted.group_by.iter().enumerate().map(|(i, key)| (Some(&key.property), format!("group_by[{i}].property")));
    let metrics = wanted.metrics.iter().enumerate().map(|(i, metric)| (metric.of.as_ref(), format!("metrics[{i}].of")));
    let mut found: Option<(&str, String)> = None;
    for (property, path) in keys.chain(metrics) {
        let Some((link, _)) = property.and_then(|property| property.split_once('.')) else { continue };
        match &found {
            None => found = Some((link, path)),
            Some((first, _)) if *first == link => {}
            Some((first, _)) => {
                return Err(Error::invalid("kernel.aggregate.two_links", "an aggregate is over one link at most")
                    .with("link", link)
                    .with("other_link", first)
                    .at(path));
            }
        }
    }
    Ok(found)
}

/// What properties mean for the objects of one type.
struct View<'a> {
    names: &'a dyn Names,
    side: Option<&'a Side>,
}

impl View<'_> {
    fn operand(&self, property: &str) -> Result<(Operand, BaseType)> {
        let Some((link, property)) = property.split_once('.') else {
            return self.names.value(property).map(|(index, base)| (Operand::Property(index), base.clone()));
        };
        let Some(side) = self.side else {
            return Err(Error::invalid("kernel.link.unknown", "no type of the set has this link").with("link", link));
        };
        match side.link_type.property(property) {
            Ok((index, _)) => {
                let property = property_at(&side.link_type.properties, index)?;
                Ok((Operand::LinkProperty(index), property.data_type.base.clone()))
            }
            Err(_) if property == "key" => Ok((Operand::FarKey, side.far_type.key_property()?.data_type.base.clone())),
            Err(unknown) => Err(unknown),
        }
    }

    fn keys(&self, wanted: &[GroupBy]) -> Result<(Vec<GroupKey>, Vec<KeyColumn>)> {
        let key = |(index, key)| self.key(key).map_err(|e: Error| e.at(format!("group_by[{index}]")));
        wanted.iter().enumerate().map(key).collect::<Result<Vec<_>>>().map(|keys| keys.into_iter().unzip())
    }

    fn key(&self, wanted: &GroupBy) -> Result<(GroupKey, KeyColumn)> {
        let (operand, base) = self.operand(&wanted.property).map_err(|e| e.at("property"))?;
        let name = match &wanted.name {
            Some(name) => ApiName::parse(name).map_err(|e| e.at("name"))?,
            None => ApiName::parse(&wanted.property.replace('.', "_")).map_err(|e| e.at("property"))?,
        };
        match (&wanted.ranges, wanted.bucket) {
            (None, None) if base.is_scalar() => Ok((GroupKey::Exact(operand), KeyColumn { name, base, ranges: None })),
            (Some(ranges), None) if base.is_ordered() => {
                let shown = ranges.iter().map(shown).collect::<Result<_>>()?;
                let ranges = read_ranges(&base, ranges).map_err(|e| e.at("ranges"))?;
                Ok((GroupKey::Ranges(operand, ranges), KeyColumn { name, base: BaseType::Json, ranges: Some(shown) }))
            }
            (None, Some(unit)) if matches!(base, BaseType::Timestamp) => {
                Ok((GroupKey::Bucket(operand, unit), KeyColumn { name, base, ranges: None }))
            }
            (None, Some(unit)) if matches!(base, BaseType::Date) && unit != TimeUnit::Hour => {
                Ok((GroupKey::Bucket(operand, unit), KeyColumn { name, base, ranges: None }))
            }
            (Some(_), Some(_)) => {
                Err(Error::invalid("kernel.aggregate.key", "a group key is by ranges or by calendar unit, not both"))
            }
            _ => Err(Error::invalid("kernel.aggregate.unsuitable_key", "values of this type do not group so")
                .with("property", &wanted.property)
                .with("type", base.name())
                .at("property")),
        }
    }

    fn metrics(&self, wanted: &[Metric]) -> Result<(Vec<Option<Operand>>, Vec<MetricColumn>)> {
        let metric = |(index, metric)| self.metric(metric).map_err(|e: Error| e.at(format!("metrics[{index}]")));
        wanted.iter().enumerate().map(metric).collect::<Result<Vec<_>>>().map(|metrics| metrics.into_iter().unzip())
    }

    fn metric(&self, wanted: &Metric) -> Result<(Option<Operand>, MetricColumn)> {
        let name = ApiName::parse(&wanted.name).map_err(|e| e.at("name"))?;
        let (operand, base) = match &wanted.of {
            Some(of) => self.operand(of).map(|(operand, base)| (Some(operand), base)).map_err(|e| e.at("of"))?,
            None if wanted.function == MeasureFunction::Count => (None, BaseType::Integer),
            None => {
                return Err(Error::invalid("kernel.aggregate.no_operand", "only a count is of no property").at("of"));
            }
        };
        let suitable = match wanted.function {
            MeasureFunction::Count => true,
            MeasureFunction::CountDistinct => base.is_scalar(),
            MeasureFunction::Sum | MeasureFunction::Avg => base.is_numeric(),
            MeasureFunction::Min | MeasureFunction::Max => base.is_ordered(),
        };
        if suitable {
            return Ok((operand, MetricColumn::new(name, wanted.function, base)));
        }
        Err(Error::invalid("kernel.aggregate.unsuitable_metric", "the function does not apply to values of this type")
            .with("type", base.name())
            .at("of"))
    }
}

fn shown(range: &Range) -> Result<serde_json::Value> {
    serde_json::to_value(range)
        .map_err(|e| Error::internal("kernel.aggregate.range", "a range has no JSON form").caused_by(e))
}

type Bounds = (Option<Value>, Option<Value>);

fn read_ranges(base: &BaseType, ranges: &[Range]) -> Result<Vec<Bounds>> {
    if ranges.is_empty() || ranges.len() > RANGES_MAX {
        return Err(Error::invalid("kernel.aggregate.ranges", "a group key has 1 to 1,000 ranges")
            .with("ranges", ranges.len())
            .with("ranges_max", RANGES_MAX));
    }
    let bound = |json: &Option<serde_json::Value>| json.as_ref().map(|json| base.read(json)).transpose();
    let read = |range: &Range| {
        let from = bound(&range.from).map_err(|e| e.at("from"))?.filter(|from| !from.is_null());
        let to = bound(&range.to).map_err(|e| e.at("to"))?.filter(|to| !to.is_null());
        match (&from, &to) {
            (Some(from), Some(to)) if from.compare(to).is_ge() => {
                Err(Error::invalid("kernel.aggregate.range", "a range starts below its end"))
            }
            _ => Ok((from, to)),
        }
    };
    ranges.iter().enumerate().map(|(i, range)| read(range).map_err(|e| e.at(format!("[{i}]")))).collect()
}

/// Passes when the columns of one type are those of the types before it.
fn agree(
    columns: Option<&(Vec<KeyColumn>, Vec<MetricColumn>)>,
    keys: &[KeyColumn],
    metrics: &[MetricColumn],
) -> Result<()> {
    let Some((first_keys, first_metrics)) = columns else { return Ok(()) };
    let keys_agree = first_keys.iter().zip(keys).all(|(a, b)| a.base == b.base);
    if keys_agree && first_metrics.iter().zip(metrics).all(|(a, b)| a.measured == b.measured) {
        return Ok(());
    }
    Err(Error::invalid(
        "kernel.aggregate.mixed_types",
        "the links of the types that implement the interface have properties of different types",
    ))
}

fn finish(
    wanted: &Aggregate,
    (keys, metrics): (Vec<KeyColumn>, Vec<MetricColumn>),
    filters: &mut Filters<'_>,
) -> Result<Finish> {
    let columns = Columns { keys: &keys, metrics: &metrics };
    let mut seen = HashSet::new();
    let names = keys.iter().map(|key| &key.name).chain(metrics.iter().map(|metric| &metric.name));
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            let path = match index.checked_sub(keys.len()) {
                None => format!("group_by[{index}].name"),
                Some(index) => format!("metrics[{index}].name"),
            };
            return Err(Error::invalid(
                "kernel.aggregate.duplicate_name",
                "two group keys or metrics are called the same",
            )
            .with("name", name)
            .at(path));
        }
    }
    let having = wanted.having.as_ref().map(|filter| filters.resolve(&columns, filter).map_err(|e| e.at("having")));
    let having = having.transpose()?;
    let term = |(index, term): (usize, &crate::kernel::OrderBy)| {
        let found = columns.value(&term.property).map(|(column, _)| (column, term.direction));
        found.map_err(|e| e.at(format!("order_by[{index}].property")))
    };
    let order = wanted.order_by.iter().enumerate().map(term).collect::<Result<_>>()?;
    Ok(Finish { keys, metrics, having, order, limit: wanted.limit })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::kernel::fixture::schema;
    use crate::kernel::plan::SortDirection;

    fn resolve(wanted: Json) -> Result<(AggregatePlan, Finish)> {
        aggregate(Sight::from(&schema()), &serde_json::from_value(wanted).unwrap())
    }

    /// Airports, counted, but for what `with` says otherwise.
    fn airports(with: &Json) -> Json {
        let mut wanted = json!({ "set": { "type": "Airport" }, "metrics": [{ "name": "n", "function": "count" }] });
        wanted.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        wanted
    }

    fn refused(with: &Json, code: &str, path: Option<&str>) {
        let error = resolve(airports(with)).unwrap_err();
        assert_eq!((error.code(), error.path()), (code, path), "{with}");
    }

    #[test]
    fn own_properties_and_those_over_one_link_become_operands() {
        let group_by = json!([
            { "property": "state" },
            { "property": "destinations.flights", "ranges": [{ "to": 10 }, { "from": 10 }] },
            { "property": "since", "bucket": "month", "name": "month" }
        ]);
        let metrics = json!([
            { "name": "n", "function": "count" },
            { "name": "flights", "function": "sum", "of": "destinations.flights" },
            { "name": "far", "function": "count_distinct", "of": "destinations.key" }
        ]);
        let wanted = json!({
            "set": { "type": "Airport" }, "group_by": group_by, "metrics": metrics,
            "having": "n > 1 AND month = null", "order_by": [{ "property": "flights", "direction": "desc" }]
        });
        let (plan, finish) = resolve(wanted).unwrap();
        let branch = &plan.branches[0];
        assert_eq!(branch.operands, [None, Some(Operand::LinkProperty(0)), Some(Operand::FarKey)]);
        assert!(matches!(branch.groups[0], GroupKey::Exact(Operand::Property(2))));
        let GroupKey::Ranges(Operand::LinkProperty(0), ranges) = &branch.groups[1] else { panic!("ranges") };
        assert_eq!(*ranges, [(None, Some(Value::Integer(10))), (Some(Value::Integer(10)), None)]);
        assert!(matches!(branch.groups[2], GroupKey::Bucket(Operand::Property(9), TimeUnit::Month)));
        assert_eq!(branch.over.as_ref().map(|over| over.link_type.api_name.as_str()), Some("Route"));
        assert_eq!(
            finish.keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(),
            ["state", "destinations_flights", "month"]
        );
        assert_eq!(finish.order, [(4, SortDirection::Desc)]);
        assert_eq!(format!("{:?}", finish.having), "Some(And([Compare(3, Gt, Integer(1)), IsNull(2)]))");
    }

    #[test]
    fn an_interface_groups_each_of_its_types() {
        let schema = schema();
        let located = crate::kernel::ObjectSet::implementing("Located");
        let (plan, _) =
            aggregate(Sight::from(&schema), &Aggregate::of(located.clone()).group_by("label").count("n")).unwrap();
        let keys = plan.branches.iter().map(|branch| format!("{} {:?}", branch.object_type.api_name, branch.groups));
        assert_eq!(keys.collect::<Vec<_>>(), ["Airport [Exact(Property(1))]", "City [Exact(Property(1))]"]);
        let (plan, _) =
            aggregate(Sight::from(&schema), &Aggregate::of(located).group_by("region.key").count("n")).unwrap();
        let types = plan.branches.iter().map(|branch| branch.object_type.api_name.as_str());
        assert_eq!(types.collect::<Vec<_>>(), ["Airport"], "cities have no region");
    }

    #[test]
    fn faults_of_group_keys_name_code_and_path() {
        let by =
            |key: Json, code, path| refused(&json!({ "group_by": [{ "property": "state" }, key] }), code, Some(path));
        by(json!({ "property": "x" }), "kernel.property.unknown", "group_by[1].property");
        for (property, bucket) in [("tags", Json::Null), ("opened", json!("hour")), ("name", json!("day"))] {
            let key = json!({ "property": property, "bucket": bucket });
            by(key, "kernel.aggregate.unsuitable_key", "group_by[1].property");
        }
        let both = json!({ "property": "since", "bucket": "day", "ranges": [{}] });
        by(both, "kernel.aggregate.key", "group_by[1]");
        for (ranges, code, path) in [
            (json!([]), "kernel.aggregate.ranges", "group_by[1].ranges"),
            (json!([{ "from": 1, "to": 1 }]), "kernel.aggregate.range", "group_by[1].ranges[0]"),
            (json!([{}, { "to": "x" }]), "value.type_mismatch", "group_by[1].ranges[1].to"),
        ] {
            by(json!({ "property": "elevation", "ranges": ranges }), code, path);
        }
        by(json!({ "property": "name", "name": "1" }), "name.malformed", "group_by[1].name");
        let twice = json!({ "group_by": [{ "property": "name", "name": "n" }] });
        refused(&twice, "kernel.aggregate.duplicate_name", Some("metrics[0].name"));
    }

    #[test]
    fn faults_of_metrics_name_code_and_path() {
        let of = |function: &str, of: &str, code| {
            refused(
                &json!({ "metrics": [{ "name": "n", "function": function, "of": of }] }),
                code,
                Some("metrics[0].of"),
            );
        };
        for (function, property) in [("sum", "name"), ("avg", "since"), ("max", "location"), ("count_distinct", "meta")]
        {
            of(function, property, "kernel.aggregate.unsuitable_metric");
        }
        of("count", "nowhere.key", "kernel.link.unknown");
        of("count", "destinations.x", "kernel.property.unknown");
        let sum = json!({ "metrics": [{ "name": "n", "function": "sum" }] });
        refused(&sum, "kernel.aggregate.no_operand", Some("metrics[0].of"));
        let two = json!({
            "group_by": [{ "property": "origins.key" }],
            "metrics": [{ "name": "n", "function": "count", "of": "destinations.key" }]
        });
        refused(&two, "kernel.aggregate.two_links", Some("metrics[0].of"));
        refused(&json!({ "metrics": [] }), "kernel.aggregate.empty", None);
    }

    #[test]
    fn faults_of_having_order_and_limit_name_code_and_path() {
        let above = json!({ "gt": { "property": "x", "value": 1 } });
        refused(&json!({ "having": above }), "kernel.aggregate.unknown_name", Some("having.gt.property"));
        refused(&json!({ "having": "has(n)" }), "kernel.filter.no_links", Some("having"));
        let order = json!({ "order_by": [{ "property": "x" }] });
        refused(&order, "kernel.aggregate.unknown_name", Some("order_by[0].property"));
        for limit in [0, 100_001] {
            refused(&json!({ "limit": limit }), "kernel.aggregate.limit", Some("limit"));
        }
        let many = json!({ "group_by": vec![json!({ "property": "state" }); 9] });
        refused(&many, "kernel.aggregate.too_many", Some("group_by"));
    }
}
