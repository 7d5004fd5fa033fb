//! The files into objects and links.

use std::collections::BTreeSet;
use std::path::Path;

use arrakis::{Arrakis, Cell, CommitId, Context, Env, Error, ErrorKind, Load, LoadRow, LoadTarget, Result};
use csv::{Reader, StringRecord};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::table;

/// Each load has an id of its own, so that a second run loads nothing twice.
const STATES: &str = "0192f0c0-0000-7000-8000-000000000001";
const AIRPORTS: &str = "0192f0c0-0000-7000-8000-000000000002";
const ROUTES: &str = "0192f0c0-0000-7000-8000-000000000003";

/// The files write `NA` where a value is not known.
const UNKNOWN: &str = "NA";

const AIRPORT: [&str; 6] = ["iata", "name", "city", "state_code", "country", "location"];
const ROUTE: [&str; 3] = ["source", "target", "flights"];

/// The text of a file.
pub(crate) fn text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|e| unreadable(file, e))
}

/// Loads the states, the airports and the routes.
pub(crate) async fn all(arrakis: &Arrakis, ctx: &Context, data: &Path, env: &Env) -> Result<()> {
    let start = env.monotonic();
    let airports = records(&data.join("airports.csv"))?;
    let routes = records(&data.join("flights-airport.csv"))?;
    let states: BTreeSet<&str> = airports.iter().map(|record| &record[3]).filter(|state| *state != UNKNOWN).collect();

    let state = |code: &&str| vec![word(code)];
    let airport = |record: &StringRecord| {
        let number = |column: usize| record[column].parse::<f64>().unwrap_or(f64::NAN);
        let location = Cell::Json(json!({ "lat": number(5), "lon": number(6) }));
        vec![word(&record[0]), word(&record[1]), word(&record[2]), word(&record[3]), word(&record[4]), location]
    };
    let route = |record: &StringRecord| vec![word(&record[0]), word(&record[1]), word(&record[2])];
    let loads = [
        with_id(STATES, Load::objects("State", columns(&["code"]), rows(states.iter().map(state))))?,
        with_id(AIRPORTS, Load::objects("Airport", columns(&AIRPORT), rows(airports.iter().map(airport))))?,
        with_id(ROUTES, Load::links("Route", columns(&ROUTE), rows(routes.iter().map(route))))?,
    ];

    let bar = progress_bar(loads.iter().map(|load| load.rows.len() as u64).sum());
    let mut loaded = Vec::new();
    for load in loads {
        let (name, count) = match &load.into {
            LoadTarget::Objects(name) | LoadTarget::Links(name) => (name.clone(), load.rows.len() as u64),
        };
        bar.set_message(name.clone());
        let report = arrakis.kernel().load(ctx, load).await?.accepted()?;
        bar.inc(count);
        loaded.push([name, report.loaded.to_string()]);
    }
    bar.finish_and_clear();
    table::print("Loaded", &["type", "in the store"], loaded, env.monotonic().saturating_sub(start));
    Ok(())
}

fn with_id(id: &str, load: Load) -> Result<Load> {
    Ok(Load { id: Some(id.parse::<CommitId>()?), reason: Some("the quickstart's data".to_owned()), ..load })
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn rows(cells: impl Iterator<Item = Vec<Cell>>) -> Vec<LoadRow> {
    // The first line is the header.
    cells.zip(2..).map(|(cells, line)| LoadRow { line, cells }).collect()
}

fn word(text: &str) -> Cell {
    Cell::Text(if text == UNKNOWN { "" } else { text }.into())
}

fn records(file: &Path) -> Result<Vec<StringRecord>> {
    let read = |e: csv::Error| unreadable(file, e);
    Reader::from_path(file).map_err(read)?.into_records().collect::<Result<_, _>>().map_err(read)
}

fn unreadable(file: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::NotFound, "quickstart.data", "the data cannot be read")
        .with("file", file.display())
        .caused_by(error)
}

fn progress_bar(rows: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:8} {bar:40} {pos}/{len} rows");
    ProgressBar::new(rows).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
