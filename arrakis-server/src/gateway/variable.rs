//! What variables of the environment say of a configuration, in the place of its file.

use arrakis_core::{Error, Result};
use toml::{Table, Value};

/// What the variables begin with. The rest is where the value stands, in capitals, with two underscores between the parts.
pub const VARIABLE_PREFIX: &str = "ARRAKIS_GATEWAY__";

/// Puts what the variables say into a configuration.
///
/// # Errors
/// `gateway.config.variable`, with the name of the variable.
pub(super) fn overlay(config: &mut Table, variables: impl Iterator<Item = (String, String)>) -> Result<()> {
    for (name, text) in variables {
        let Some(place) = name.strip_prefix(VARIABLE_PREFIX) else { continue };
        let place = place.to_ascii_lowercase();
        let malformed = || {
            let malformed = "this variable stands for no value of the configuration";
            Error::invalid("gateway.config.variable", malformed).with("variable", name.clone())
        };
        let (tables, last) = place.rsplit_once("__").map_or((None, &*place), |(tables, last)| (Some(tables), last));
        let mut table = &mut *config;
        for part in tables.into_iter().flat_map(|tables| tables.split("__")) {
            let inner = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
            table = inner.as_table_mut().ok_or_else(malformed)?;
        }
        if last.is_empty() {
            return Err(malformed());
        }
        table.insert(last.to_owned(), value(&text));
    }
    Ok(())
}

/// A value as TOML writes it, or else the text itself.
fn value(text: &str) -> Value {
    let read = format!("value = {text}").parse::<Table>().ok().filter(|table| table.len() == 1);
    read.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaid(text: &str, variables: &[(&str, &str)]) -> Result<Table> {
        let mut table = text.parse().unwrap();
        overlay(&mut table, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))?;
        Ok(table)
    }

    #[test]
    fn a_variable_takes_the_place_of_what_a_file_says() {
        let table = overlaid(
            "listen = \"127.0.0.1:1\"\n[limits]\ntimeout_ms = 1\ndrain_ms = 2\n",
            &[
                ("ARRAKIS_GATEWAY__LISTEN", "0.0.0.0:80"),
                ("ARRAKIS_GATEWAY__LIMITS__TIMEOUT_MS", "500"),
                ("ARRAKIS_GATEWAY__RATES__ACTOR", "{ per_second = 1.5, burst = 2 }"),
                ("ARRAKIS_GATEWAY__ORIGINS", "[\"https://a\", \"https://b\"]"),
                ("ARRAKIS_LOG", "debug"),
            ],
        )
        .unwrap();
        let expected = "listen = \"0.0.0.0:80\"\norigins = [\"https://a\", \"https://b\"]\n\
                        [limits]\ntimeout_ms = 500\ndrain_ms = 2\n[rates.actor]\nper_second = 1.5\nburst = 2\n";
        assert_eq!(table, expected.parse().unwrap());
    }

    #[test]
    fn a_variable_that_stands_nowhere_is_named() {
        for name in ["ARRAKIS_GATEWAY__LISTEN__PORT", "ARRAKIS_GATEWAY__", "ARRAKIS_GATEWAY__LIMITS__"] {
            let error = overlaid("listen = \"x\"\n", &[(name, "1")]).unwrap_err();
            assert_eq!((error.code(), error.param("variable")), ("gateway.config.variable", Some(name)));
        }
    }
}
