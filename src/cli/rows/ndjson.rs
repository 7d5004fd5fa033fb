//! Rows of a file of JSON objects, one a line.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{BufRead, Read};

use arrakis::{Cell, Error, Result};
use indicatif::ProgressBar;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value as Json;

use super::assemble::{Assembler, Shape};
use super::{Mapping, ROW_LEN_MAX, Rows, Unreadable, too_long, unreadable};

pub(super) fn read(file: impl Read, mapping: &Mapping, shape: &Shape, bar: &ProgressBar) -> Result<Rows> {
    let mut file = super::without_mark(file)?;
    let mut assembler = Assembler::new(mapping, shape);
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut rows = Rows::default();
    let (mut text, mut line) = (Vec::new(), 0);
    loop {
        text.clear();
        let read = (&mut file).take(ROW_LEN_MAX + 1).read_until(b'\n', &mut text).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        line += 1;
        bar.inc(read as u64);
        if read as u64 > ROW_LEN_MAX {
            return Err(too_long().with("line", line));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let cells = match members(&text) {
            Err(why) => Err(why),
            Ok(members) => Ok(lay_out(members, &mut assembler, &mut numbers)?),
        };
        rows.push(line, cells)?;
    }
    if let Some(unknown) = mapping.unknown(|name| numbers.contains_key(name))
        && !rows.records.is_empty()
    {
        return Err(Error::invalid("rows.mapping.column", "no row has such a member").with("column", unknown));
    }
    assembler.finish(rows)
}

fn lay_out(
    members: Vec<(String, Json)>,
    assembler: &mut Assembler<'_>,
    numbers: &mut HashMap<String, usize>,
) -> Result<Vec<Cell>> {
    let mut cells = assembler.row();
    for (name, value) in members {
        let number = if let Some(number) = numbers.get(&name) {
            *number
        } else {
            let number = assembler.column(&name)?;
            numbers.insert(name, number);
            number
        };
        assembler.put_json(&mut cells, number, value);
    }
    Ok(cells)
}

fn members(text: &[u8]) -> Result<Vec<(String, Json)>, Unreadable> {
    let text = std::str::from_utf8(text).map_err(|e| {
        Unreadable::new("rows.utf8", format!("the line is not UTF-8 from its byte {} on", e.valid_up_to() + 1))
    })?;
    serde_json::from_str::<Members>(text.trim_end()).map(|members| members.0).map_err(|e| {
        let reason = e.to_string();
        let reason = reason.split(" at line ").next().unwrap_or(&reason);
        let place = if e.column() == 0 { String::new() } else { format!(" (byte {})", e.column()) };
        Unreadable::new("rows.json.malformed", format!("the line is no JSON object: {reason}{place}"))
    })
}

/// The members of an object in order, each name once: `serde_json`'s own map keeps the last of two silently.
struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let (mut members, mut names) = (Vec::new(), HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, Json>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("two members are called {name:?}")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
