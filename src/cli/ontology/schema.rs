//! `arrakis ontology schema`: the JSON Schema of the ontology file.

use clap::Args;

use crate::cli::failure::{Result, Verdict};
use crate::cli::format::print_text;

/// Print the JSON Schema of the ontology file, by which editors complete and check it.
#[derive(Debug, Args)]
pub(crate) struct Command {}

impl Command {
    pub(crate) fn run(self) -> Result<Verdict> {
        let Self {} = self;
        print_text(&format!("{:#}", arrakis::NewOntology::json_schema()))?;
        Ok(Verdict::Done)
    }
}
