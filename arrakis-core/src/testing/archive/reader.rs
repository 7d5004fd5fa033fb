//! Reading everything.

use std::time::Duration;

use serde_json::json;

use super::{manifest_of, rows_of};
use crate::archive::{Cell, Part, RowsOf, Section, manifest};
use crate::ontology::{Schema, SchemaHash};
use crate::testing::Fixture;
use crate::{Key, Scope, Seq};

/// A lease that does not end within a test.
const LONG: Duration = Duration::from_secs(60);

async fn person(fixture: &Fixture, scope: Scope, id: i64) -> Seq {
    fixture.wrote(fixture.draft(scope).create("Person", json!({ "id": id, "name": "p" }))).await
}

/// A commit acknowledged before is in the snapshot.
pub async fn what_was_acknowledged_is_seen(fixture: Fixture) {
    let seq = person(&fixture, fixture.own, 1).await;
    let mut reader = fixture.store.archive().await.unwrap();
    let outline = reader.outline().await.unwrap();
    assert_eq!(outline.head, seq);
    let log = reader.log(Seq(seq.0 - 1)).await.unwrap();
    assert_eq!(log, fixture.store.log(Seq(seq.0 - 1), 10).await.unwrap().entries);
    assert_eq!(outline.at, log[0].at);
}

/// A snapshot stays as it was, and keeps nobody from writing.
pub async fn what_is_written_afterwards_is_not_seen(fixture: Fixture) {
    person(&fixture, fixture.own, 1).await;
    let before = manifest_of(&*fixture.store).await;
    let mut reader = fixture.store.archive().await.unwrap();
    person(&fixture, fixture.own, 2).await;
    fixture.wrote(fixture.draft(fixture.own).delete("Person", 1)).await;
    assert_eq!(manifest(&mut *reader, &|_| {}).await.unwrap(), before);
    let after = manifest_of(&*fixture.store).await;
    assert_eq!((before.objects, before.superseded, after.objects, after.superseded), (1, 0, 1, 1));
    assert_ne!(before.hash, after.hash);
}

/// Spaces, tenants, versions and cursors are listed in order, with the key cursors are authenticated with.
pub async fn an_outline_lists_what_there_is(fixture: Fixture) {
    let lease = fixture.store.acquire("relay", "me", LONG).await.unwrap().unwrap();
    fixture.store.advance(&lease, Seq(3)).await.unwrap();
    fixture.store.acquire("another", "me", LONG).await.unwrap().unwrap();
    let outline = fixture.store.archive().await.unwrap().outline().await.unwrap();
    assert_eq!(outline.cursor_key, fixture.store.cursor_key());
    let spaces: Vec<_> = outline.spaces.iter().map(|space| (space.id, &*space.name)).collect();
    assert_eq!(spaces, [(fixture.own.space, "home"), (fixture.stranger.space, "abroad")]);
    let tenants: Vec<_> = outline.tenants.iter().map(|tenant| (tenant.id, &*tenant.name, tenant.space)).collect();
    let scopes = [(fixture.neighbour, "neighbour"), (fixture.own, "own"), (fixture.stranger, "stranger")];
    assert_eq!(tenants, scopes.map(|(scope, name)| (scope.tenant, name, scope.space)));
    let schemas: Vec<_> = outline.schemas.iter().map(|schema| (schema.space, schema.version, schema.hash)).collect();
    let hash = fixture.schema.hash;
    assert_eq!(schemas, [(fixture.own.space, 1, hash), (fixture.stranger.space, 1, hash)]);
    let cursors: Vec<_> = outline.cursors.iter().map(|cursor| (&*cursor.name, cursor.at, cursor.epoch)).collect();
    assert_eq!(cursors, [("another", Seq(0), 1), ("relay", Seq(3), 1)]);
}

/// The text of a version compiles to the very version, and there is none of another.
pub async fn a_version_is_read_as_stored(fixture: Fixture) {
    let mut reader = fixture.store.archive().await.unwrap();
    let text = reader.schema(fixture.own.space, 1).await.unwrap();
    let schema = Schema::from_stored(1, &text).unwrap();
    assert_eq!((schema.hash, &schema.numbering), (fixture.schema.hash, &fixture.schema.numbering));
    assert_eq!(SchemaHash::of(&schema.definition).unwrap(), fixture.schema.hash);
    assert_eq!(reader.schema(fixture.own.space, 2).await.unwrap_err().code(), "store.corrupt");
}

/// Entries of all tenants, oldest first, and none at the end.
pub async fn the_log_is_read_without_a_gap(fixture: Fixture) {
    person(&fixture, fixture.own, 1).await;
    person(&fixture, fixture.stranger, 1).await;
    let mut reader = fixture.store.archive().await.unwrap();
    let head = reader.outline().await.unwrap().head;
    let log = reader.log(Seq(0)).await.unwrap();
    assert_eq!(log.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=head.0).map(Seq).collect::<Vec<_>>());
    assert_eq!(log, fixture.store.log(Seq(0), 1_000).await.unwrap().entries);
    assert!(reader.log(head).await.unwrap().is_empty());
}

/// Rows that are, and versions that were, each once and as they are stored, whoever they belong to.
pub async fn every_version_of_every_tenant_is_there_once(fixture: Fixture) {
    let (own, neighbour) = (fixture.own, fixture.neighbour);
    let first = person(&fixture, own, 1).await;
    let other = person(&fixture, neighbour, 1).await;
    let renamed = fixture.wrote(fixture.draft(own).modify("Person", 1, json!({ "name": "q" }))).await;
    let second = person(&fixture, own, 2).await;
    let deleted = fixture.wrote(fixture.draft(own).delete("Person", 2)).await;
    person(&fixture, fixture.stranger, 1).await;
    let of = fixture.object_type("Person");
    let read = |part| rows_of(&*fixture.store, own.space, RowsOf::Objects(of.id), part);
    let (table, current) = read(Part::Current).await;
    let column = of.properties.iter().find(|property| property.api_name.as_str() == "name").unwrap().column;
    let name = table.columns.iter().position(|each| each.number == column && !each.is_second).unwrap();
    let places: Vec<_> = current.iter().map(|row| (row.tenant, row.key.clone(), row.from, row.to)).collect();
    let one = Key::Integer(1);
    assert_eq!(places, [(neighbour.tenant, one.clone(), other, None), (own.tenant, one.clone(), renamed, None)]);
    assert_eq!(current[1].cells[name], Cell::Text("q".to_owned()));
    let (_, superseded) = read(Part::Superseded).await;
    let places: Vec<_> = superseded.iter().map(|row| (row.tenant, row.key.clone(), row.from, row.to)).collect();
    assert_eq!(places, [(own.tenant, one, first, Some(renamed)), (own.tenant, Key::Integer(2), second, Some(deleted))]);
    assert_eq!(superseded[0].cells[name], Cell::Text("p".to_owned()));
}

/// Links have the key of either end.
pub async fn links_are_there_with_both_ends(fixture: Fixture) {
    let link_type = fixture.schema.link_types.iter().find(|of| of.backing == crate::ontology::Backing::Join).unwrap();
    let manifest = manifest_of(&*fixture.store).await;
    let section = Section::Current(fixture.own.space, RowsOf::Links(link_type.id));
    assert_eq!(manifest.section(section).count, 0);
    let draft = fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "p" }));
    let draft = draft.create("Person", json!({ "id": 2, "name": "q" })).link("knows", 1, 2, json!({}));
    let linked = fixture.wrote(draft).await;
    let knows = fixture.link_type("knows");
    let read = |part| rows_of(&*fixture.store, fixture.own.space, RowsOf::Links(knows.id), part);
    let (_, current) = read(Part::Current).await;
    let ends: Vec<_> = current.iter().map(|row| (row.key.clone(), row.target.clone(), row.from)).collect();
    assert_eq!(ends, [(Key::Integer(1), Some(Key::Integer(2)), linked)]);
    let unlinked = fixture.wrote(fixture.draft(fixture.own).unlink("knows", 1, 2)).await;
    let (_, superseded) = read(Part::Superseded).await;
    let ends: Vec<_> = superseded.iter().map(|row| (row.from, row.to)).collect();
    assert_eq!(ends, [(linked, Some(unlinked))]);
    assert!(read(Part::Current).await.1.is_empty());
}
