//! `arrakis objects watch`: a set as it changes.

use std::io::{BufWriter, Stdout};

use arrakis::{ApiName, InitialPage, Key, Object, Schema, Seq, SetDelta, SetEvent, Subscribe, Subscription};
use clap::Args;
use serde_json::Value as Json;

use super::selection::{Selection, cells};
use crate::cli::Global;
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::{Format, List};

/// Print a set of objects, and then what enters it, changes in it and leaves it, commit by commit, until interrupted.
///
/// In JSON each event is a document: `initial`, `delta` or `lagging`. In the other formats each object is a row.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    selection: Selection,
    /// Only these properties, in this order, parted by commas
    #[arg(long, value_name = "PROPERTIES", value_delimiter = ',')]
    select: Option<Vec<String>>,
    /// Go on from the state right after a commit, without printing the set first
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after the first event of this commit or a later one
    #[arg(long, value_name = "SEQ")]
    until_seq: Option<u64>,
    /// How many changes may wait to be printed [default: 1000]
    #[arg(long, value_name = "N")]
    buffer: Option<u32>,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let schema = arrakis.ontology().schema(&ctx).await?;
        let from = self.from.map(Seq);
        let request =
            Subscribe { select: self.select, from, buffer: self.buffer, ..Subscribe::to(self.selection.set()?) };
        let mut subscription = arrakis.feed().subscribe(&ctx, request).await?;
        let mut printer = Printer::new(global.format, &schema)?;
        let ends = (self.count.unwrap_or(u64::MAX), self.until_seq.map_or(Seq(u64::MAX), Seq));
        let verdict = watch(&mut subscription, &mut printer, ends).await?;
        printer.end()?;
        Ok(verdict)
    }
}

async fn watch(
    subscription: &mut Subscription,
    printer: &mut Printer<'_>,
    (count, until): (u64, Seq),
) -> Result<Verdict> {
    for _ in 0..count {
        let Some(event) = subscription.next().await else { break };
        let event = event?;
        printer.print(&event)?;
        match event {
            SetEvent::Lagging { resume_from } => {
                eprintln!("the output is slower than the changes; go on with --from {resume_from}");
                return Ok(Verdict::Refused);
            }
            SetEvent::Initial(InitialPage { seq, more, .. }) if !more && seq >= until => break,
            SetEvent::Delta(SetDelta { seq, .. }) if seq >= until => break,
            SetEvent::Initial(_) | SetEvent::Delta(_) => {}
        }
    }
    Ok(Verdict::Done)
}

/// What stands before the properties of an object.
const FIXED: [&str; 4] = ["seq", "change", "type", "key"];

/// Prints events as they come.
struct Printer<'s> {
    format: Format,
    schema: &'s Schema,
    list: List<BufWriter<Stdout>>,
    /// The properties printed, once an object told them. A table has its own.
    columns: Option<Vec<String>>,
}

impl<'s> Printer<'s> {
    fn new(format: Format, schema: &'s Schema) -> Result<Self> {
        Ok(Self { format, schema, list: List::begin(format, "events")?, columns: None })
    }

    fn print(&mut self, event: &SetEvent) -> Result<()> {
        if matches!(self.format, Format::Json | Format::Ndjson) {
            self.list.push(event, Vec::new)?;
            return self.list.flush();
        }
        match event {
            SetEvent::Initial(InitialPage { seq, objects, .. }) => {
                if objects.is_empty() {
                    eprintln!("no objects as of {seq}");
                }
                self.objects(*seq, "initial", objects)?;
            }
            SetEvent::Delta(SetDelta { seq, entered, changed, left }) => {
                self.objects(*seq, "entered", entered)?;
                self.objects(*seq, "changed", changed)?;
                for gone in left {
                    self.row(*seq, "left", (&gone.object_type, &gone.key), None)?;
                }
            }
            SetEvent::Lagging { .. } => {}
        }
        if self.format == Format::Table {
            // Tables are as wide as what they hold, so each event is one of its own.
            self.columns = None;
            return std::mem::replace(&mut self.list, List::begin(self.format, "events")?).end(&[]);
        }
        self.list.flush()
    }

    fn objects(&mut self, seq: Seq, change: &str, objects: &[Object]) -> Result<()> {
        objects.iter().try_for_each(|of| self.row(seq, change, (&of.object_type, &of.key), Some(of)))
    }

    fn row(&mut self, seq: Seq, change: &str, of: (&ApiName, &Key), object: Option<&Object>) -> Result<()> {
        let (object_type, key) = of;
        if self.columns.is_none() {
            let columns = self.properties(object_type, object);
            self.list.columns(FIXED.into_iter().map(str::to_owned).chain(columns.iter().cloned()))?;
            self.columns = Some(columns);
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        let mut row =
            vec![Json::from(seq.0), Json::from(change), Json::from(object_type.as_str()), key.to_value().to_json()];
        let values: Vec<(String, Json)> = match object {
            Some(Object { properties, .. }) => {
                properties.names().iter().map(ToString::to_string).zip(cells(properties)).collect()
            }
            None => Vec::new(),
        };
        row.extend(columns.iter().map(|column| {
            values.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone()).unwrap_or_default()
        }));
        self.list.push(&Json::Null, || row)
    }

    /// The properties to print beside the key.
    fn properties(&self, object_type: &ApiName, object: Option<&Object>) -> Vec<String> {
        let key = self.schema.object_type(object_type.as_str()).and_then(|of| of.key_property()).ok();
        let names = object.map(|object| object.properties.names().iter()).into_iter().flatten();
        names.filter(|name| key.is_none_or(|key| key.api_name != **name)).map(ToString::to_string).collect()
    }

    fn end(self) -> Result<()> {
        self.list.end(&[])
    }
}
