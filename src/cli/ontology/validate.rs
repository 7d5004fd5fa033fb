//! `arrakis ontology validate`: every fault of a file.

use std::path::PathBuf;

use arrakis::FAULTS_MAX;
use clap::Args;
use serde_json::{Map, Value as Json, json};

use crate::cli::Global;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;

/// Judge an ontology file by itself, and list every fault with its code and path.
///
/// Needs no database. What only a change from the version before makes a fault is told by `plan`. The exit code is 1 when there is a
/// fault.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The ontology file, YAML or JSON; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Command {
    pub(crate) fn run(self, global: &Global) -> Result<Verdict> {
        let definition = super::read(&self.file)?;
        let faults = arrakis::validate(&definition);
        let mut list = List::begin(global.format, "faults")?;
        list.columns(["code", "path", "message", "parameters"])?;
        for fault in &faults {
            let params: Map<_, _> = fault.params().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            let params = Json::Object(params);
            let record =
                json!({ "code": fault.code(), "path": fault.path(), "message": fault.message(), "params": params });
            list.push(&record, || vec![json!(fault.code()), json!(fault.path()), json!(fault.message()), params])?;
        }
        list.end(&[])?;
        match faults.len() {
            0 => eprintln!("no faults"),
            count if count < FAULTS_MAX => eprintln!("{count} {}", if count == 1 { "fault" } else { "faults" }),
            count => eprintln!("the first {count} faults"),
        }
        Ok(if faults.is_empty() { Verdict::Done } else { Verdict::Refused })
    }
}
