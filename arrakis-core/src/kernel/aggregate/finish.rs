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
