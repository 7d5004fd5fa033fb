//! `arrakis configuration`: what processes are configured by, as the code has it.

use std::fmt::Write as _;

use arrakis::gateway::{GatewayConfig, VARIABLE_PREFIX};
use clap::{Arg, Command, CommandFactory as _};
use serde_json::Value;

use super::failure::{Result, Verdict};
use super::format::print_text;

/// The commands that run on.
const PROCESSES: [&str; 2] = ["serve", "gateway"];

/// Prints it, in Markdown.
///
/// # Errors
/// What writing to standard output answers.
pub(crate) fn print() -> Result<Verdict> {
    print_text(reference().trim_end())?;
    Ok(Verdict::Done)
}

fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\nWritten by `arrakis configuration` from the code. An option takes precedence over its variable of the environment, and both over what it is when left out.\n",
    );
    let mut cli = super::Cli::command();
    // What is passed on to subcommands is known once it is built.
    cli.build();
    options(&mut text, "Of every command", &cli);
    for name in PROCESSES {
        if let Some(command) = cli.find_subcommand(name) {
            options(&mut text, &format!("`arrakis {name}`"), command);
        }
    }
    let _ = write!(
        text,
        "\n## The file of the gateway\n\n\
         In TOML. A variable of the environment takes precedence: `{VARIABLE_PREFIX}LIMITS__TIMEOUT_MS` is `limits.timeout_ms`.\n\n\
         | key | what | when left out |\n|---|---|---|\n"
    );
    keys(&mut text, "", GatewayConfig::schema().as_value(), None);
    text
}

fn options(text: &mut String, title: &str, command: &Command) {
    let _ = write!(text, "\n## {title}\n\n| option | variable | what | when left out |\n|---|---|---|---|\n");
    let is_root = command.get_name() == "arrakis";
    let own = |arg: &&Arg| arg.is_global_set() == is_root && !["help", "version"].contains(&arg.get_id().as_str());
    for arg in command.get_arguments().filter(own) {
        let name = arg.get_long().map_or_else(|| arg.get_id().to_string(), |long| format!("--{long}"));
        let takes_value = arg.get_action().takes_values();
        let values: Vec<_> = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
        let shown = if takes_value { format!("{name} {}", values.join(" ")) } else { name };
        let variable = arg.get_env().and_then(|name| name.to_str()).map(|name| format!("`{name}`")).unwrap_or_default();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = arg.get_default_values().iter().filter_map(|value| value.to_str()).collect();
        let left_out = match (takes_value, arg.is_required_set(), defaults.is_empty()) {
            (true, true, _) => "must be given".to_owned(),
            (true, false, false) => format!("`{}`", defaults.join(",")),
            (true, false, true) | (false, ..) => String::new(),
        };
        row(text, &[&format!("`{}`", shown.trim_end()), &variable, &help, &left_out]);
    }
}

/// The keys under a part of the file, each with its path; `default` is that part as it is when left out.
fn keys(text: &mut String, path: &str, schema: &Value, default: Option<&Value>) {
    let required = |name: &str| {
        schema.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|of| of == name))
    };
    for (name, of) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let default = of.get("default").or_else(|| default?.get(name)).filter(|value| !value.is_null());
        let what = of.get("description").and_then(Value::as_str).unwrap_or_default();
        let (under, at) = inner(of);
        let is_part =
            under.get("properties").is_some() || under.get("additionalProperties").is_some_and(Value::is_object);
        let left_out = match default.filter(|default| !is_part && !is_empty(default)) {
            Some(default) => format!("`{default}`"),
            None if required(name) => "must be given".to_owned(),
            None => String::new(),
        };
        let (what, choices) = (what.replace('\n', " "), choices(under));
        row(text, &[&format!("`{path}{at}`"), &format!("{what}{choices}"), &left_out]);
        keys(text, &format!("{path}{at}"), under, default);
        if let Some(each) = under.get("additionalProperties").filter(|each| each.is_object()) {
            keys(text, &format!("{path}{at}.NAME"), each, None);
        }
    }
}

/// What is under a list or an option, and how a path shows that it is a list.
fn inner(schema: &Value) -> (&Value, &'static str) {
    if let Some(items) = schema.get("items") {
        return (items, "[]");
    }
    let options = schema.get("anyOf").and_then(Value::as_array);
    let some = options.into_iter().flatten().find(|of| of.get("type").is_none_or(|of| of != "null"));
    (some.unwrap_or(schema), "")
}

/// The texts a key may be, where they are few.
fn choices(schema: &Value) -> String {
    let one_of = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let choices = one_of.filter_map(|of| {
        let name = of.get("const")?.as_str()?;
        Some(match of.get("description").and_then(Value::as_str) {
            Some(what) => format!(" `{name}`: {what}"),
            None => format!(" `{name}`."),
        })
    });
    choices.collect()
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty)
}

fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_what_the_code_has() {
        let written = include_str!("../../docs/configuration.md");
        assert!(
            written.trim_end() == reference().trim_end(),
            "docs/configuration.md holds another text: arrakis configuration > docs/configuration.md"
        );
    }

    #[test]
    fn every_key_of_the_file_is_told() {
        let told = reference();
        for key in
            ["limits.timeout_ms", "upstreams.NAME.endpoints[]", "routes[].prefix", "rates.actor.burst", "tls.key"]
        {
            assert!(told.contains(&format!("| `{key}` |")), "{key}");
        }
        for option in ["--db FILE\\|URL", "--listen ADDRESS", "--config FILE", "--admin ADDRESS"] {
            assert!(told.contains(&format!("| `{option}` |")), "{option}");
        }
        assert!(
            told.contains("| `limits.timeout_ms` | How long an answer may take to begin, milliseconds. | `30000` |")
        );
    }
}
