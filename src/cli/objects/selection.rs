//! What several reads have in common: the set, the work allowed, and objects as rows.

use arrakis::{AsOf, Budget, Filter, Object, ObjectSet, PageRequest, Properties, Schema};
use clap::Args;
use serde_json::Value as Json;

use crate::cli::failure::{Failure, Result};
use crate::cli::{argument, input};

/// The set a query or an aggregate is about.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Selection {
    /// Every object of a type
    #[arg(long = "type", value_name = "TYPE", required_unless_present_any = ["interface", "set"], conflicts_with_all = ["interface", "set"])]
    object_type: Option<String>,
    /// Every object of the types that implement an interface
    #[arg(long, value_name = "INTERFACE", conflicts_with = "set")]
    interface: Option<String>,
    /// A set of the algebra in JSON, or @FILE with one
    #[arg(long, value_name = "JSON")]
    set: Option<String>,
    /// Only those that satisfy a filter: AIP-160 text such as 'state = "CA"', or JSON
    #[arg(long = "where", value_name = "FILTER", value_parser = argument::filter)]
    filter: Option<Filter>,
}

impl Selection {
    /// The set.
    pub(crate) fn set(self) -> Result<ObjectSet> {
        let set = match (self.object_type, self.interface, self.set) {
            (Some(name), _, _) => ObjectSet::of(name),
            (None, Some(name), _) => ObjectSet::implementing(name),
            (None, None, Some(text)) => input::json(&text, "--set")?,
            (None, None, None) => return Err(Failure::Usage("--type, --interface or --set is needed".to_owned())),
        };
        Ok(match self.filter {
            Some(filter) => set.filter(filter),
            None => set,
        })
    }
}

/// Which state is read.
#[derive(Debug, Args)]
pub(crate) struct State {
    /// The state right after a commit, by its number, or at an instant, as 2026-11-22T19:16:31Z
    #[arg(long, value_name = "SEQ|TIME", value_parser = argument::as_of)]
    pub(crate) as_of: Option<AsOf>,
}

/// Which page, or all of them.
#[derive(Debug, Args)]
pub(crate) struct Paging {
    /// How many results a page has [default: 100]
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// The page after the one that gave this cursor
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true, conflicts_with = "all")]
    cursor: Option<String>,
    /// Follow the pages to the last
    #[arg(long)]
    pub(crate) all: bool,
}

impl Paging {
    /// The first page to ask for.
    pub(crate) fn page(self) -> PageRequest {
        PageRequest { size: self.limit, cursor: self.cursor }
    }
}

/// The most work a read may do.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// Refuse a set of more objects than this
    #[arg(long, value_name = "N")]
    budget_rows: Option<u64>,
    /// Refuse a read that takes longer than this
    #[arg(long, value_name = "MILLISECONDS")]
    budget_ms: Option<u64>,
}

impl Work {
    /// The same for the kernel.
    pub(crate) const fn budget(&self) -> Budget {
        Budget { rows: self.budget_rows, ms: self.budget_ms }
    }
}

/// Objects as rows: their properties, with type and key before them where the key is not among them.
#[derive(Debug)]
pub(crate) struct ObjectColumns {
    names: Vec<String>,
    identified: bool,
}

impl ObjectColumns {
    /// The columns for objects like this one.
    pub(crate) fn of(object: &Object, schema: &Schema) -> Self {
        let names: Vec<String> = object.properties.names().iter().map(ToString::to_string).collect();
        let key = schema.object_type(object.object_type.as_str()).and_then(|of| of.key_property()).ok();
        let identified = key.is_some_and(|key| names.iter().any(|name| key.api_name == name.as_str()));
        Self { names, identified }
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        let identity: &[&str] = if self.identified { &[] } else { &["type", "key"] };
        identity.iter().map(ToString::to_string).chain(self.names.iter().cloned()).collect()
    }

    /// The cells of an object.
    pub(crate) fn cells(&self, object: &Object) -> Vec<Json> {
        let identity = [Json::from(object.object_type.as_str()), object.key.to_value().to_json()];
        let identity = identity.into_iter().filter(|_| !self.identified);
        identity.chain(cells(&object.properties)).collect()
    }
}

/// Values in their JSON form.
pub(crate) fn cells(properties: &Properties) -> Vec<Json> {
    let json = serde_json::to_value(properties).unwrap_or_default();
    properties.names().iter().map(|name| json.get(name.as_str()).cloned().unwrap_or_default()).collect()
}
