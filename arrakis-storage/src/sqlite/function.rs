//! The core's functions, made callable in SQL, so that they mean the same there.

use arrakis_core::kernel::ExactSum;
use arrakis_core::kernel::plan::{Area, TimeUnit};
use arrakis_core::{Date, Geopoint, Timestamp};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::{Connection, Error, Result};

use crate::sql::{Function, unit_of_number};

/// What a function is called in statements.
pub(super) const fn name(function: Function) -> &'static str {
    match function {
        Function::WithinCircle => "arrakis_within_circle",
        Function::ArrayContains => "arrakis_array_contains",
        Function::StartOfDate => "arrakis_start_of_date",
        Function::StartOfTimestamp => "arrakis_start_of_timestamp",
        Function::SumDouble => "arrakis_sum_double",
        Function::Point => "arrakis_point",
    }
}

/// Makes every function known to a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(name(Function::WithinCircle), 5, pure, within_circle)?;
    connection.create_scalar_function(name(Function::ArrayContains), 2, pure, array_contains)?;
    connection.create_scalar_function(name(Function::StartOfDate), 2, pure, start_of_date)?;
    connection.create_scalar_function(name(Function::StartOfTimestamp), 2, pure, start_of_timestamp)?;
    connection.create_scalar_function(name(Function::Point), 2, pure, point)?;
    connection.create_aggregate_function(name(Function::SumDouble), 1, pure, SumDouble)
}

fn within_circle(context: &Context<'_>) -> Result<bool> {
    let (Some(lat), Some(lon)) = (context.get(0)?, context.get(1)?) else { return Ok(false) };
    let center = Geopoint { lat: context.get(2)?, lon: context.get(3)? };
    Ok(Area::Circle { center, radius_m: context.get(4)? }.contains(Geopoint { lat, lon }))
}

fn array_contains(context: &Context<'_>) -> Result<bool> {
    let Some(list) = context.get_raw(0).as_str_or_null().map_err(wrong)? else { return Ok(false) };
    let element: serde_json::Value =
        serde_json::from_str(context.get_raw(1).as_str().map_err(wrong)?).map_err(wrong)?;
    let list: Vec<serde_json::Value> = serde_json::from_str(list).map_err(wrong)?;
    Ok(list.contains(&element))
}

fn start_of_date(context: &Context<'_>) -> Result<Option<i32>> {
    let Some(days) = context.get::<Option<i32>>(1)? else { return Ok(None) };
    let date = Date::from_days(days).map_err(wrong)?;
    Ok(Some(unit(context)?.start_of_date(date).days()))
}

fn start_of_timestamp(context: &Context<'_>) -> Result<Option<i64>> {
    let Some(micros) = context.get::<Option<i64>>(1)? else { return Ok(None) };
    let at = Timestamp::from_micros(micros).map_err(wrong)?;
    Ok(Some(unit(context)?.start_of_timestamp(at).micros()))
}

fn unit(context: &Context<'_>) -> Result<TimeUnit> {
    unit_of_number(context.get(0)?).ok_or_else(|| wrong("not the number of a calendar unit"))
}

fn point(context: &Context<'_>) -> Result<Option<Vec<u8>>> {
    let (Some(lat), Some(lon)) = (context.get::<Option<f64>>(0)?, context.get::<Option<f64>>(1)?) else {
        return Ok(None);
    };
    Ok(Some([lat.to_le_bytes(), lon.to_le_bytes()].concat()))
}

struct SumDouble;

impl Aggregate<Box<ExactSum>, f64> for SumDouble {
    fn init(&self, _: &mut Context<'_>) -> Result<Box<ExactSum>> {
        Ok(Box::default())
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Box<ExactSum>) -> Result<()> {
        if let Some(term) = context.get::<Option<f64>>(0)? {
            sum.add(term);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Box<ExactSum>>) -> Result<f64> {
        Ok(sum.map_or(0.0, |sum| sum.value()))
    }
}

fn wrong(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::UserFunctionError(cause.into())
}
