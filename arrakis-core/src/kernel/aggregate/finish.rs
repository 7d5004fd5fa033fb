//! From what a store accumulates to the answer: averages, `having`, order and limit.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::ratio::ratio;
use super::{AGGREGATE_GROUPS_MAX, Group, Groups};
use crate::kernel::evaluate::Unlinked;
use crate::kernel::plan::{Accumulator, MeasureFunction, Predicate, RawGroup, SortDirection};
use crate::kernel::{Names, Properties, Side, Snapshot};
use crate::{ApiName, BaseType, Decimal, Duration, Error, ErrorKind, Result, Value};

/// What remains to be done once a store has accumulated.
#[derive(Debug)]
pub(in crate::kernel) struct Finish {
    pub(in crate::kernel) keys: Vec<KeyColumn>,
    pub(in crate::kernel) metrics: Vec<MetricColumn>,
    /// Over the keys, then the metrics.
    pub(in crate::kernel) having: Option<Predicate>,
    /// Indexes into the keys, then the metrics.
    pub(in crate::kernel) order: Vec<(usize, SortDirection)>,
    pub(in crate::kernel) limit: Option<u32>,
}

/// A group key of the answer.
#[derive(Debug)]
pub(in crate::kernel) struct KeyColumn {
    pub(in crate::kernel) name: ApiName,
    /// JSON, which nothing compares with, for a range.
    pub(in crate::kernel) base: BaseType,
    /// The ranges by number, when it is grouped by range.
    pub(in crate::kernel) ranges: Option<Vec<Json>>,
}

/// A metric of the answer.
#[derive(Debug)]
pub(in crate::kernel) struct MetricColumn {
    pub(in crate::kernel) name: ApiName,
    pub(in crate::kernel) function: MeasureFunction,
    /// The type measured.
    pub(in crate::kernel) measured: BaseType,
    /// The type of the result.
    pub(in crate::kernel) base: BaseType,
}

impl MetricColumn {
    pub(in crate::kernel) fn new(name: ApiName, function: MeasureFunction, measured: BaseType) -> Self {
        let base = match function {
            MeasureFunction::Count | MeasureFunction::CountDistinct => BaseType::Integer,
            MeasureFunction::Avg => BaseType::Double,
            MeasureFunction::Sum => match measured {
                BaseType::Decimal { scale, .. } => BaseType::Decimal { precision: crate::DECIMAL_PRECISION_MAX, scale },
                _ => measured.clone(),
            },
            MeasureFunction::Min | MeasureFunction::Max => measured.clone(),
        };
        Self { name, function, measured, base }
    }

    fn value(&self, accumulator: Accumulator) -> Result<Value> {
        let overflow = || {
            Error::new(
                ErrorKind::Conflict,
                "kernel.aggregate.overflow",
                "the sum does not fit the type of what is summed",
            )
            .with("metric", &self.name)
            .with("type", self.measured.name())
        };
        match accumulator {
            Accumulator::Count(count) => i64::try_from(count).map(Value::Integer).map_err(|_| overflow()),
            Accumulator::Exact(_, 0) | Accumulator::Double(_, 0) => Ok(Value::Null),
            Accumulator::Exact(sum, count) if self.function == MeasureFunction::Avg => {
                let units = match self.measured {
                    BaseType::Decimal { scale, .. } => 10_u128.pow(scale.into()),
                    BaseType::Duration => 1_000_000,
                    _ => 1,
                };
                Ok(Value::Double(ratio(sum, units * u128::from(count))))
            }
            Accumulator::Exact(sum, _) => self.exact(sum).ok_or_else(overflow),
            Accumulator::Double(sum, _) if !sum.is_finite() => Err(overflow()),
            Accumulator::Double(sum, count) if self.function == MeasureFunction::Avg => {
                #[expect(clippy::cast_precision_loss, reason = "a set has fewer than 2^53 rows")]
                let count = count as f64;
                // Adding zero turns −0 into 0, as in every double.
                Ok(Value::Double(sum / count + 0.0))
            }
            Accumulator::Double(sum, _) => Ok(Value::Double(sum + 0.0)),
            Accumulator::Value(value) => Ok(value),
        }
    }

    fn exact(&self, sum: i128) -> Option<Value> {
        let sum = i64::try_from(sum).ok()?;
        match self.measured {
            BaseType::Decimal { scale, .. } => {
                let digits = 10_u64.pow(crate::DECIMAL_PRECISION_MAX.into());
                (sum.unsigned_abs() < digits).then(|| Value::Decimal(Decimal::new(sum, scale)))
            }
            BaseType::Duration => Some(Value::Duration(Duration::from_micros(sum))),
            _ => Some(Value::Integer(sum)),
        }
    }
}

/// The names `having` is about.
#[derive(Debug)]
pub(in crate::kernel) struct Columns<'a> {
    pub(in crate::kernel) keys: &'a [KeyColumn],
    pub(in crate::kernel) metrics: &'a [MetricColumn],
}

impl Names for Columns<'_> {
    fn value(&self, name: &str) -> Result<(usize, &BaseType)> {
        let keys = self.keys.iter().map(|key| (&key.name, &key.base));
        let metrics = self.metrics.iter().map(|metric| (&metric.name, &metric.base));
        let found = keys.chain(metrics).enumerate().find(|(_, (candidate, _))| **candidate == *name);
        found.map(|(index, (_, base))| (index, base)).ok_or_else(|| {
            Error::invalid("kernel.aggregate.unknown_name", "no group key or metric is called so").with("name", name)
        })
    }

    fn side(&self, _: &str) -> Result<Option<Side>> {
        Err(Error::invalid("kernel.filter.no_links", "a group has no links to filter by"))
    }
}

impl Finish {
    /// The answer.
    ///
    /// # Errors
    /// `kernel.aggregate.too_many_groups`, `kernel.aggregate.overflow`.
    pub(in crate::kernel) fn run(&self, raw: Snapshot<Vec<RawGroup>>) -> Result<Groups> {
        let Snapshot { seq, value: raw } = raw;
        if raw.len() > AGGREGATE_GROUPS_MAX {
            return Err(Error::new(
                ErrorKind::Precondition,
                "kernel.aggregate.too_many_groups",
                "there are too many groups",
            )
            .with("groups", raw.len())
            .with("groups_max", AGGREGATE_GROUPS_MAX));
        }
        let mut rows = Vec::with_capacity(raw.len());
        for RawGroup { keys: mut row, accumulators } in raw {
            for (metric, accumulator) in self.metrics.iter().zip(accumulators) {
                row.push(metric.value(accumulator)?);
            }
            let wanted = self.having.as_ref().map_or(Ok(true), |having| having.holds(&row, &mut Unlinked))?;
            if wanted {
                rows.push(row);
            }
        }
        rows.sort_unstable_by(|a, b| self.compare(a, b));
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        rows.truncate(self.limit.map_or(usize::MAX, |limit| limit as usize));
        let key_names: Arc<[ApiName]> = self.keys.iter().map(|key| key.name.clone()).collect();
        let metric_names: Arc<[ApiName]> = self.metrics.iter().map(|metric| metric.name.clone()).collect();
        let group = |mut keys: Vec<Value>| {
            let metrics = keys.split_off(self.keys.len().min(keys.len()));
            self.keys.iter().zip(&mut keys).for_each(|(column, key)| column.name_range(key));
            Group {
                keys: Properties::new(Arc::clone(&key_names), keys),
                metrics: Properties::new(Arc::clone(&metric_names), metrics),
            }
        };
        Ok(Groups { groups: rows.into_iter().map(group).collect(), total, seq })
    }

    fn compare(&self, a: &[Value], b: &[Value]) -> Ordering {
        let at = |row: &[Value], index: usize| row.get(index).cloned().unwrap_or_default();
        let by = |index: usize| at(a, index).compare(&at(b, index));
        let terms = self.order.iter().map(|(index, direction)| match direction {
            SortDirection::Asc => by(*index),
            SortDirection::Desc => by(*index).reverse(),
        });
        terms.chain((0..self.keys.len()).map(by)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl KeyColumn {
    /// Puts the range in the place of its number.
    fn name_range(&self, key: &mut Value) {
        if let (Some(ranges), Value::Integer(number)) = (&self.ranges, &*key) {
            let range = usize::try_from(*number).ok().and_then(|number| ranges.get(number));
            *key = Value::Json(Arc::new(range.cloned().unwrap_or_else(|| Json::Object(Map::new()))));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Seq;
    use crate::kernel::plan::Comparison;

    fn name(text: &str) -> ApiName {
        ApiName::parse(text).unwrap()
    }

    fn metric(function: MeasureFunction, measured: BaseType) -> MetricColumn {
        MetricColumn::new(name("m"), function, measured)
    }

    #[test]
    fn measures_come_out_in_their_type() {
        use MeasureFunction::{Avg, Count, Max, Sum};
        let decimal = || BaseType::Decimal { precision: 5, scale: 2 };
        for (function, measured, accumulator, expected) in [
            (Count, BaseType::Integer, Accumulator::Count(3), json!(3)),
            (Sum, BaseType::Integer, Accumulator::Exact(i64::MIN.into(), 2), json!(i64::MIN.to_string())),
            (Sum, BaseType::Integer, Accumulator::Exact(0, 0), json!(null)),
            (Sum, decimal(), Accumulator::Exact(123_456_789, 2), json!("1234567.89")),
            (Sum, BaseType::Duration, Accumulator::Exact(1_500_000, 2), json!("PT1.5S")),
            (Sum, BaseType::Double, Accumulator::Double(-0.0, 2), json!(0.0)),
            (Avg, BaseType::Integer, Accumulator::Exact(1, 3), json!(1.0 / 3.0)),
            (
                Avg,
                BaseType::Integer,
                Accumulator::Exact(i128::from(i64::MAX) * 4, 4),
                json!(9_223_372_036_854_775_807.0),
            ),
            (Avg, decimal(), Accumulator::Exact(30, 1), json!(0.3)),
            (Avg, BaseType::Duration, Accumulator::Exact(90_000_000, 4), json!(22.5)),
            (Avg, BaseType::Double, Accumulator::Double(1.0, 4), json!(0.25)),
            (Avg, BaseType::Double, Accumulator::Double(0.0, 0), json!(null)),
            (Max, BaseType::String, Accumulator::Value(Value::string("x")), json!("x")),
        ] {
            let value = metric(function, measured).value(accumulator.clone()).unwrap();
            assert_eq!(value.to_json(), expected, "{function:?} {accumulator:?}");
        }
    }

    #[test]
    fn sums_their_type_cannot_hold_are_refused() {
        let digits = 1_000_000_000_000_000_000;
        for (measured, accumulator) in [
            (BaseType::Integer, Accumulator::Exact(i128::from(i64::MAX) + 1, 2)),
            (BaseType::Duration, Accumulator::Exact(i128::from(i64::MIN) - 1, 2)),
            (BaseType::Decimal { precision: 5, scale: 2 }, Accumulator::Exact(digits, 2)),
            (BaseType::Decimal { precision: 5, scale: 2 }, Accumulator::Exact(-digits, 2)),
            (BaseType::Double, Accumulator::Double(f64::INFINITY, 2)),
        ] {
            let error = metric(MeasureFunction::Sum, measured).value(accumulator).unwrap_err();
            assert_eq!((error.code(), error.param("metric")), ("kernel.aggregate.overflow", Some("m")));
        }
    }

    fn groups(finish: &Finish, raw: &[(Value, Value, u64)]) -> Groups {
        let group = |(state, range, count): &(Value, Value, u64)| RawGroup {
            keys: vec![state.clone(), range.clone()],
            accumulators: vec![Accumulator::Count(*count)],
        };
        finish.run(Snapshot { seq: Seq(7), value: raw.iter().map(group).collect() }).unwrap()
    }

    fn by_state_and_range() -> Finish {
        let ranges = Some(vec![json!({ "to": 10 }), json!({ "from": 10 })]);
        Finish {
            keys: vec![
                KeyColumn { name: name("state"), base: BaseType::String, ranges: None },
                KeyColumn { name: name("size"), base: BaseType::Json, ranges },
            ],
            metrics: vec![MetricColumn::new(name("n"), MeasureFunction::Count, BaseType::Integer)],
            having: None,
            order: Vec::new(),
            limit: None,
        }
    }

    #[test]
    fn groups_are_in_order_of_their_keys_absent_first() {
        let ca = || Value::string("CA");
        let raw = [
            (ca(), Value::Integer(1), 1),
            (Value::Null, Value::Null, 2),
            (ca(), Value::Integer(0), 3),
            (ca(), Value::Null, 4),
        ];
        let groups = groups(&by_state_and_range(), &raw);
        assert_eq!(
            serde_json::to_value(groups).unwrap(),
            json!({ "groups": [
                { "keys": { "state": null, "size": null }, "metrics": { "n": 2 } },
                { "keys": { "state": "CA", "size": null }, "metrics": { "n": 4 } },
                { "keys": { "state": "CA", "size": { "to": 10 } }, "metrics": { "n": 3 } },
                { "keys": { "state": "CA", "size": { "from": 10 } }, "metrics": { "n": 1 } }
            ], "total": 4, "seq": 7 })
        );
    }

    #[test]
    fn having_order_and_limit_apply_in_this_order() {
        let finish = Finish {
            having: Some(Predicate::Compare(2, Comparison::Gt, Value::Integer(1))),
            order: vec![(2, SortDirection::Desc)],
            limit: Some(2),
            ..by_state_and_range()
        };
        let raw: Vec<_> = [("A", 1), ("B", 2), ("D", 3), ("C", 3)]
            .map(|(state, count)| (Value::string(state), Value::Null, count))
            .into();
        let groups = groups(&finish, &raw);
        let states: Vec<_> = groups.groups.iter().map(|group| group.keys.get("state").cloned().unwrap()).collect();
        assert_eq!((states, groups.total), (vec![Value::string("C"), Value::string("D")], 3));
    }

    #[test]
    fn too_many_groups_are_refused() {
        let group = RawGroup { keys: vec![Value::Null, Value::Null], accumulators: vec![Accumulator::Count(1)] };
        let raw = |count| Snapshot { seq: Seq(1), value: vec![group.clone(); count] };
        assert!(by_state_and_range().run(raw(AGGREGATE_GROUPS_MAX)).is_ok());
        let error = by_state_and_range().run(raw(AGGREGATE_GROUPS_MAX + 1)).unwrap_err();
        assert_eq!(error.param("groups_max"), Some("100000"));
    }
}
