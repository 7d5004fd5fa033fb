//! A call of an action, as arguments state it.

use std::collections::BTreeMap;

use arrakis::{Act, NewProperties, Seq};
use clap::Args;
use serde_json::{Map, Value as Json};

use crate::cli::failure::{Failure, Result};
use crate::cli::{argument, input};

/// The action and what it asks for.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The action
    #[arg(value_name = "ACTION")]
    action: String,
    /// A parameter: JSON where the value reads as such, else text; an object is given by its key
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE", value_parser = argument::parameter)]
    parameters: Vec<(String, Json)>,
    /// The parameters as a JSON object, or @FILE
    #[arg(long = "parameters", value_name = "JSON|@FILE", conflicts_with = "parameters")]
    all: Option<String>,
    /// The revision the object of a parameter must be at
    #[arg(long, value_name = "NAME=SEQ", value_parser = argument::expectation)]
    expect: Vec<(String, Seq)>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Call {
    /// The request it comes to.
    pub(crate) fn into_act(self) -> Result<Act> {
        let parameters = if let Some(text) = self.all {
            input::json::<NewProperties>(&text, "parameters")?
        } else {
            let mut parameters = Map::new();
            for (name, value) in self.parameters {
                if parameters.insert(name.clone(), value).is_some() {
                    return Err(Failure::Usage(format!("the parameter {name} is given twice")));
                }
            }
            parameters.into()
        };
        let expect: BTreeMap<String, Seq> = self.expect.into_iter().collect();
        Ok(Act { expect, reason: self.reason, ..Act::of(self.action, parameters) })
    }
}
