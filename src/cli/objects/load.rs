//! `arrakis objects load`: rows of a file into objects or links.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrakis::{CommitId, Load, LoadMode, LoadReport, LoadTarget, Schema};
use clap::{ArgAction, Args};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::database::Database;
use crate::cli::failure::{Failure, Result, Verdict};
use crate::cli::format::{Format, print};
use crate::cli::rows::{Input, Mapping, Rows, Shape, Target, describe};
use crate::cli::{Global, argument, input};

/// Load the rows of a CSV or NDJSON file into objects or links.
///
/// A column goes into the property of its name unless --map or --skip says otherwise; for links, `source` and `target` are the keys
/// of both ends. Every row is judged before the first is written, and all of it is one transaction. Each rejected row is told on
/// standard error with its line, column and reason; when there are more than --max-errors, nothing is loaded and the exit code is 1.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    /// The file; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The type of the objects the rows become
    #[arg(long, value_name = "TYPE", required_unless_present = "link", conflicts_with = "link")]
    into: Option<String>,
    /// The type of the links the rows become
    #[arg(long, value_name = "LINK_TYPE")]
    link: Option<String>,
    /// Which property a column goes into, as latitude=location.lat for a member of one; repeatable
    #[arg(long, value_name = "COLUMN=PROPERTY", action = ArgAction::Append, value_parser = argument::mapping)]
    map: Vec<(String, Target)>,
    /// A column that is not loaded; repeatable
    #[arg(long, value_name = "COLUMN", action = ArgAction::Append)]
    skip: Vec<String>,
    /// A text that stands for an absent value, besides the empty one
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// How the rows are written [default: by the file's name]
    #[arg(long, value_enum)]
    input: Option<Input>,
    /// What parts the fields of CSV: one ASCII character, or \t
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = argument::delimiter)]
    delimiter: u8,
    /// Reject rows whose object or link exists, rather than change it
    #[arg(long)]
    create: bool,
    /// The most rejected rows at which the others are loaded
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_errors: u64,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The idempotency key: the same load with the same id again changes nothing
    #[arg(long, value_name = "UUID", value_parser = argument::commit_id)]
    id: Option<CommitId>,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let format = self.input.or_else(|| by_name(&self.file)).ok_or_else(|| {
            Failure::Usage("--input says how the rows are written where the file's name does not".to_owned())
        })?;
        let (arrakis, ctx) = self.database.open(global).await?;
        let schema = arrakis.ontology().schema(&ctx).await?;
        let (into, shape) = target(&schema, self.into, self.link)?;
        let mapping = Mapping { renamed: self.map, skipped: self.skip, null: self.null };
        let bar = progress_bar(&self.file);
        let mut rows = Rows::read(open(&self.file)?, format, self.delimiter, &mapping, &shape, &bar)?;
        bar.set_message("loading");
        let load = Load {
            into,
            mode: if self.create { LoadMode::Create } else { LoadMode::Upsert },
            columns: std::mem::take(&mut rows.columns),
            rows: std::mem::take(&mut rows.records),
            errors_max: self.max_errors,
            id: self.id,
            reason: self.reason,
        };
        let mut report = arrakis.kernel().load(&ctx, load).await?;
        arrakis.close().await;
        bar.finish_and_clear();
        rows.explain(&mut report);
        show(&self.file, &report, global.format)?;
        Ok(if report.rejected > self.max_errors { Verdict::Refused } else { Verdict::Done })
    }
}

fn by_name(file: &Path) -> Option<Input> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Input::Csv),
        "ndjson" | "jsonl" => Some(Input::Ndjson),
        _ => None,
    }
}

fn target(schema: &Schema, into: Option<String>, link: Option<String>) -> Result<(LoadTarget, Shape)> {
    match (into, link) {
        (Some(name), _) => {
            let shape = Shape::Objects(Arc::clone(schema.object_type(&name)?));
            Ok((LoadTarget::Objects(name), shape))
        }
        (None, Some(name)) => {
            let shape = Shape::Links(Arc::clone(schema.link_type(&name)?));
            Ok((LoadTarget::Links(name), shape))
        }
        (None, None) => Err(Failure::Usage("--into or --link is needed".to_owned())),
    }
}

fn open(file: &Path) -> Result<Box<dyn Read>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    File::open(file).map(|file| Box::new(file) as Box<dyn Read>).map_err(|e| input::unreadable(file, e).into())
}

/// A bar on standard error, or nothing where that is no terminal.
fn progress_bar(file: &Path) -> ProgressBar {
    let length =
        if file == Path::new("-") { None } else { std::fs::metadata(file).map(|metadata| metadata.len()).ok() };
    let (bar, template) = match length {
        Some(length) => (ProgressBar::new(length), "{msg} {bar:40} {bytes}/{total_bytes} ({eta})"),
        None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes}"),
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message("reading")
}

fn show(file: &Path, report: &LoadReport, format: Format) -> Result<()> {
    for rejection in &report.rejections {
        eprintln!("{}", describe(&file.to_string_lossy(), rejection));
    }
    let listed = report.rejections.len() as u64;
    if report.rejected > listed {
        eprintln!("and {} more", report.rejected - listed);
    }
    let row = vec![
        ("rows", json!(report.rows)),
        ("loaded", json!(report.loaded)),
        ("rejected", json!(report.rejected)),
        ("seq", json!(report.seq)),
    ];
    print(format, report, row)
}
