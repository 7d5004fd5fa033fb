//! Rows in bulk, as lines of JSON (NDJSON): loaded, and told page by page of one state.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use arrakis_core::kernel::{Cell, KernelService, LOAD_COLUMNS_MAX, Load, LoadRow, PAGE_SIZE_MAX, Page, Query};
use arrakis_core::{Context, Error, RequestId, Result, Seq};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::stream;
use http::{HeaderValue, header};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Value as Json, json};

use super::Door;
use super::answer::{Answer, refusal};
use crate::api::kernel::QUERY;
use crate::api::{ARK_SEQ, NDJSON, REQUEST_ID};
use crate::problem::Problem;

/// The most cells of a load of lines, rows times columns: a short line may leave out as many as another names.
const CELLS_MAX: usize = 4_000_000;

/// A load of lines: the first is the load without its columns and rows, every other one a row by the names of its columns.
///
/// # Errors
/// `request.body`, with the line.
pub(super) fn load(body: &[u8]) -> Result<Load> {
    let text = std::str::from_utf8(body).map_err(|e| Error::invalid("request.body", e.to_string()))?;
    let lines = text.trim_start_matches('\u{feff}').lines().zip(1_u64..).filter(|(line, _)| !line.trim().is_empty());
    let mut lines = lines.peekable();
    let (first, at) =
        lines.next().ok_or_else(|| Error::invalid("request.body", "the first line says what is loaded"))?;
    let mut load = head(first).map_err(|error| error.at(format!("line {at}")))?;
    let mut places: HashMap<String, usize> = HashMap::new();
    for (line, at) in lines {
        let Members(members) = read(line).map_err(|error| error.at(format!("line {at}")))?;
        let mut cells = vec![Cell::Missing; load.columns.len()];
        for (name, value) in members {
            let place = *places.entry(name).or_insert_with_key(|name| {
                load.columns.push(name.clone());
                load.columns.len() - 1
            });
            if cells.len() <= place {
                cells.resize(place + 1, Cell::Missing);
            }
            if let Some(cell) = cells.get_mut(place) {
                *cell = Cell::Json(value);
            }
        }
        if load.columns.len() > LOAD_COLUMNS_MAX {
            let many = Error::invalid("request.body", "the rows have too many columns");
            return Err(many.with("columns_max", LOAD_COLUMNS_MAX).at(format!("line {at}")));
        }
        load.rows.push(LoadRow { line: at, cells });
        if load.rows.len().saturating_mul(load.columns.len()) > CELLS_MAX {
            let many = Error::invalid("request.body", "the rows times their columns are too many");
            return Err(many.with("cells_max", CELLS_MAX).at(format!("line {at}")));
        }
    }
    let columns = load.columns.len();
    load.rows.iter_mut().for_each(|row| row.cells.resize(columns, Cell::Missing));
    Ok(load)
}

fn head(line: &str) -> Result<Load> {
    let Members(mut members) = read(line)?;
    if let Some((name, _)) = members.iter().find(|(name, _)| matches!(name.as_str(), "columns" | "rows")) {
        return Err(Error::invalid("request.body", "these are the lines that follow").with("member", name));
    }
    members.extend([("columns".to_owned(), json!([])), ("rows".to_owned(), json!([]))]);
    let whole = Json::Object(members.into_iter().collect());
    serde_json::from_value(whole).map_err(|e| Error::invalid("request.body", e.to_string()))
}

fn read(line: &str) -> Result<Members> {
    serde_json::from_str(line).map_err(|e| Error::invalid("request.body", e.to_string()))
}

/// The members of an object, each once.
struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let (mut members, mut names) = (Vec::new(), BTreeSet::new());
                while let Some((name, value)) = map.next_entry::<String, Json>()? {
                    if !names.insert(name.clone()) {
                        return Err(serde::de::Error::custom(format_args!("`{name}` is stated twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

/// Answers a query: a page, or to who reads lines all of it.
pub(super) async fn query(door: &Door, service: Arc<dyn KernelService>, request: Request) -> Response {
    let asked = match door.admit(&QUERY.meta, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let id = asked.ctx.request_id();
    let answered = async {
        let mut query: Query = asked.read(&QUERY.meta)?;
        let is_whole = asked.wants(NDJSON);
        if is_whole && query.page.size.is_none() {
            query.page.size = Some(PAGE_SIZE_MAX);
        }
        let page = service.query(&asked.ctx, query.clone()).await?;
        if is_whole {
            // It takes as long as it is read.
            let ctx = asked.ctx.clone().without_deadline();
            return Ok(told(Walk { service, ctx, query, count: 0, page: Some(page) }, id));
        }
        Ok(Answer::of(&QUERY, &asked, &page)?.into_response(id))
    };
    answered.await.unwrap_or_else(|error: Error| refusal(&error, id))
}

/// A set on its way: the page that is told next.
struct Walk {
    service: Arc<dyn KernelService>,
    ctx: Context,
    query: Query,
    count: u64,
    page: Option<Page>,
}

fn told(walk: Walk, id: RequestId) -> Response {
    let seq = walk.page.as_ref().map(|page| page.seq);
    let lines = stream::unfold(walk, |mut walk| async move {
        let lines = walk.next().await?;
        Some((Ok::<_, Infallible>(lines), walk))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(Seq(seq)) = seq {
        headers.insert(ARK_SEQ, seq.into());
    }
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

impl Walk {
    /// The lines of a page, the last with how it ended: nothing is whole without it.
    async fn next(&mut self) -> Option<Bytes> {
        let page = self.page.take()?;
        match self.lines(page).await {
            Ok(lines) => Some(lines.into()),
            Err(error) => {
                let problem = Problem::of(&error, Some(self.ctx.request_id()));
                Some(format!("{}\n", json!({ "problem": problem })).into())
            }
        }
    }

    async fn lines(&mut self, page: Page) -> Result<Vec<u8>> {
        let mut lines = Vec::new();
        for object in &page.objects {
            serde_json::to_writer(&mut lines, object)
                .map_err(|e| Error::internal("answer.json", "the answer cannot be written").caused_by(e))?;
            lines.push(b'\n');
        }
        self.count += page.objects.len() as u64;
        match page.next {
            Some(cursor) => {
                self.query.page.cursor = Some(cursor);
                self.page = Some(self.service.query(&self.ctx, self.query.clone()).await?);
            }
            None => lines.extend(format!("{}\n", json!({ "end": { "count": self.count, "seq": page.seq } })).bytes()),
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_lines_and_their_columns_what_they_name() {
        let body = "\u{feff}{\"into\": {\"objects\": \"City\"}, \"errors_max\": 1}\n\n{\"name\": \"Oslo\"}\n{\"people\": 1, \"name\": \"Rome\"}\n";
        let read = load(body.as_bytes()).unwrap();
        assert_eq!((read.columns.as_slice(), read.errors_max), (&["name".to_owned(), "people".to_owned()][..], 1));
        let rows = [
            LoadRow { line: 3, cells: vec![Cell::Json(json!("Oslo")), Cell::Missing] },
            LoadRow { line: 4, cells: vec![Cell::Json(json!("Rome")), Cell::Json(json!(1))] },
        ];
        assert_eq!(read.rows, rows);
    }

    #[test]
    fn a_line_at_fault_is_named() {
        let into = "{\"into\": {\"objects\": \"City\"}}\n";
        for (body, at) in [
            ("\n\n", ""),
            ("[]\n", "line 1"),
            ("\n{\"into\": 1}\n", "line 2"),
            ("{\"into\": {\"objects\": \"City\"}, \"rows\": []}\n", "line 1"),
            ("{\"into\": {\"objects\": \"City\"}, \"more\": 1}\n", "line 1"),
            (&format!("{into}{{\"a\": 1, \"a\": 2}}\n"), "line 2"),
            (&format!("{into}{{\"a\": 1}}\n{{\"a\": \n"), "line 3"),
            (&format!("{into}1\n"), "line 2"),
        ] {
            let error = load(body.as_bytes()).unwrap_err();
            assert_eq!((error.code(), error.path().unwrap_or_default()), ("request.body", at), "{body}");
        }
        assert_eq!(load(b"\xff\n").unwrap_err().code(), "request.body");
        // Short lines do not make a large load.
        let names: Vec<_> = (0..LOAD_COLUMNS_MAX).map(|name| format!("\"c{name}\": 1")).collect();
        let wide = format!("{into}{{{}}}\n{}", names.join(", "), "{}\n".repeat(10_000));
        let error = load(wide.as_bytes()).unwrap_err();
        assert_eq!((error.param("cells_max"), error.path()), (Some("4000000"), Some("line 2002")));
    }
}
