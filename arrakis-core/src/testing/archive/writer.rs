//! Filling a place.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use super::{Place, manifest_of};
use crate::archive::{
    ArchiveReader, Cell, Manifest, Outline, PAGE_BYTES_MAX, Part, Row, RowsOf, TableOutline, carry, compare,
};
use crate::testing::Fixture;
use crate::{Atomicity, Commit, LogEntry, Result, STRING_LEN_MAX, Seq, SpaceId, Store};

/// How often a place is asked for before a test gives up: a server may not have noticed yet that who filled it is gone.
const ASKS_MAX: u32 = 10_000;
/// Rows of a mebibyte, more than fit in one page.
const LONG_ROWS: usize = 20;

async fn fill(fixture: &Fixture) {
    for scope in [fixture.own, fixture.neighbour, fixture.stranger] {
        for id in 1..4 {
            fixture.wrote(fixture.draft(scope).create("Person", json!({ "id": id, "name": "p" }))).await;
        }
        fixture.wrote(fixture.draft(scope).modify("Person", 1, json!({ "name": "q" })).delete("Person", 3)).await;
        fixture.wrote(fixture.draft(scope).link("knows", 1, 2, json!({}))).await;
    }
}

async fn moved(store: &dyn Store, place: &dyn Place) -> Result<Manifest> {
    carry(&mut *store.archive().await?, place.writer(), &|_| {}).await
}

async fn moved_when_free(store: &dyn Store, place: &dyn Place) -> Manifest {
    for _ in 0..ASKS_MAX {
        match moved(store, place).await {
            Err(error) if error.code() == "move.busy" => tokio::task::yield_now().await,
            done => return done.unwrap(),
        }
    }
    panic!("the place is not given free");
}

/// The store that is there holds what the one did that was moved, which stays as it was.
pub async fn a_moved_store_is_the_same(fixture: Fixture, place: Arc<dyn Place>) {
    fill(&fixture).await;
    let before = manifest_of(&*fixture.store).await;
    assert_eq!((before.spaces, before.tenants, before.schemas), (2, 3, 2));
    assert_eq!((before.objects, before.links, before.superseded), (6, 3, 6));
    compare(&before, &moved(&*fixture.store, &*place).await.unwrap()).unwrap();
    let store = place.open().await.unwrap();
    compare(&before, &manifest_of(&*store).await).unwrap();
    compare(&before, &manifest_of(&*fixture.store).await).unwrap();
    assert_eq!(store.cursor_key(), fixture.store.cursor_key());
    let tenant = store.tenant(fixture.own.tenant).await.unwrap();
    assert_eq!(tenant, fixture.store.tenant(fixture.own.tenant).await.unwrap());
}

/// The next commit follows the last one, an old one answers its receipt, and both stores take what comes alike.
pub async fn a_moved_store_goes_on(fixture: Fixture, place: Arc<dyn Place>) {
    fill(&fixture).await;
    let old: Commit = fixture.draft(fixture.own).create("Person", json!({ "id": 9, "name": "old" })).into();
    let receipt = fixture.store.commit_batch(vec![old.clone()], Atomicity::Each).await.pop().unwrap().unwrap();
    moved(&*fixture.store, &*place).await.unwrap();
    let store = place.open().await.unwrap();
    let replayed = store.commit_batch(vec![old], Atomicity::Each).await.pop().unwrap().unwrap();
    assert_eq!((replayed.seq, replayed.replayed), (receipt.seq, true));
    let changes = fixture.draft(fixture.own).modify("Person", 1, json!({ "name": "r" })).unlink("knows", 1, 2);
    let next: Commit = changes.create("Person", json!({ "id": 3, "name": "again" })).into();
    for each in [&fixture.store, &store] {
        let written = each.commit_batch(vec![next.clone()], Atomicity::Each).await.pop().unwrap().unwrap();
        assert_eq!((written.seq, written.replayed), (receipt.seq.next(), false));
    }
    compare(&manifest_of(&*fixture.store).await, &manifest_of(&*store).await).unwrap();
}

/// Rows that are long are read in pages of few, and arrive whole.
pub async fn long_rows_come_in_short_pages(fixture: Fixture, place: Arc<dyn Place>) {
    let long = "é".repeat(STRING_LEN_MAX / 2);
    for code in 0..LONG_ROWS {
        let row = json!({ "code": code.to_string(), "title": long });
        fixture.wrote(fixture.draft(fixture.own).create("Team", row)).await;
    }
    let team = RowsOf::Objects(fixture.object_type("Team").id);
    let mut reader = fixture.store.archive().await.unwrap();
    let outline = reader.outline().await.unwrap();
    let table = outline.tables.iter().find(|of| (of.space, of.of) == (fixture.own.space, team)).unwrap();
    let (mut last, mut lengths) = (None, Vec::new());
    loop {
        let page = reader.rows(table, Part::Current, last.as_ref()).await.unwrap();
        let Some(row) = page.last().cloned() else { break };
        lengths.push(page.len());
        last = Some(row);
    }
    assert_eq!(lengths.iter().sum::<usize>(), LONG_ROWS);
    assert!(lengths.iter().all(|length| length * STRING_LEN_MAX <= PAGE_BYTES_MAX + STRING_LEN_MAX), "{lengths:?}");
    moved(&*fixture.store, &*place).await.unwrap();
    let store = place.open().await.unwrap();
    compare(&manifest_of(&*fixture.store).await, &manifest_of(&*store).await).unwrap();
}

/// A place that holds a store, whatever is in it, is left as it is.
pub async fn nothing_is_moved_to_where_something_is(fixture: Fixture, place: Arc<dyn Place>) {
    fill(&fixture).await;
    let there = place.open().await.unwrap();
    let before = manifest_of(&*there).await;
    assert_eq!(moved(&*fixture.store, &*place).await.unwrap_err().code(), "move.target_not_empty");
    compare(&before, &manifest_of(&*there).await).unwrap();
    drop(there);
}

/// Half a store is no store: it is not opened, and the next move begins anew.
pub async fn a_move_that_ends_early_leaves_no_store(fixture: Fixture, place: Arc<dyn Place>) {
    fill(&fixture).await;
    let mut reader = fixture.store.archive().await.unwrap();
    let outline = reader.outline().await.unwrap();
    let mut writer = place.writer();
    writer.begin(&outline).await.unwrap();
    writer.log(reader.log(Seq(0)).await.unwrap()).await.unwrap();
    let table = outline.tables.first().unwrap();
    let rows = reader.rows(table, Part::Current, None).await.unwrap();
    writer.rows(table, Part::Current, rows).await.unwrap();
    assert_eq!(place.open().await.unwrap_err().code(), "store.moving");
    drop(writer);
    assert_eq!(place.open().await.unwrap_err().code(), "store.moving");
    let moved = moved_when_free(&*fixture.store, &*place).await;
    compare(&moved, &manifest_of(&*place.open().await.unwrap()).await).unwrap();
}

/// Who comes second is refused, and disturbs nothing.
pub async fn two_moves_do_not_fill_one_place(fixture: Fixture, place: Arc<dyn Place>) {
    fill(&fixture).await;
    let outline = fixture.store.archive().await.unwrap().outline().await.unwrap();
    let mut first = place.writer();
    first.begin(&outline).await.unwrap();
    assert_eq!(moved(&*fixture.store, &*place).await.unwrap_err().code(), "move.busy");
    first.build().await.unwrap();
    let written = first.archive().await.unwrap().outline().await.unwrap();
    assert_eq!((written.tenants, written.spaces), (outline.tenants, outline.spaces));
    drop(first);
    moved_when_free(&*fixture.store, &*place).await;
    place.open().await.unwrap();
}

/// A value that arrives as another is noticed, and no store comes of it.
pub async fn a_copy_that_differs_becomes_no_store(fixture: Fixture, place: Arc<dyn Place>) {
    fill(&fixture).await;
    let inner = fixture.store.archive().await.unwrap();
    let mut flawed = Flawed { inner, is_spoilt: false };
    let error = carry(&mut flawed, place.writer(), &|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "move.differs");
    assert!(flawed.is_spoilt);
    assert_eq!(place.open().await.unwrap_err().code(), "store.moving");
    moved_when_free(&*fixture.store, &*place).await;
    place.open().await.unwrap();
}

/// Reads one text wrong, once.
#[derive(Debug)]
struct Flawed {
    inner: Box<dyn ArchiveReader>,
    is_spoilt: bool,
}

#[async_trait]
impl ArchiveReader for Flawed {
    async fn outline(&mut self) -> Result<Outline> {
        self.inner.outline().await
    }

    async fn schema(&mut self, space: SpaceId, version: u32) -> Result<String> {
        self.inner.schema(space, version).await
    }

    async fn log(&mut self, after: Seq) -> Result<Vec<LogEntry>> {
        self.inner.log(after).await
    }

    async fn rows(&mut self, table: &TableOutline, part: Part, after: Option<&Row>) -> Result<Vec<Row>> {
        let mut rows = self.inner.rows(table, part, after).await?;
        for cell in rows.iter_mut().flat_map(|row| &mut row.cells) {
            if let (Cell::Text(text), false) = (cell, self.is_spoilt) {
                text.push('x');
                self.is_spoilt = true;
            }
        }
        Ok(rows)
    }
}
