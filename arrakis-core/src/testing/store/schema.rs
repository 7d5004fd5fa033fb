//! Published schemas, read.

use std::sync::Arc;

use crate::ontology::Schema;
use crate::testing::Fixture;
use crate::{Change, Commit, Seq, SpaceId};

fn same(left: Option<Arc<Schema>>, right: Option<&Arc<Schema>>) {
    let facts =
        |schema: &Arc<Schema>| (schema.version, schema.hash, schema.definition.clone(), schema.numbering.clone());
    assert_eq!(left.as_ref().map(facts), right.map(facts));
}

/// Publishes two versions more. Gives them, with the commits of all three.
async fn three_versions(fixture: &Fixture) -> (Vec<Arc<Schema>>, Vec<Seq>) {
    let (mut schemas, mut seqs) = (vec![Arc::clone(&fixture.schema)], vec![Seq(6)]);
    for description in ["second", "third"] {
        fixture.clock().advance(std::time::Duration::from_secs(1));
        let mut ontology = Fixture::ontology();
        ontology.description = Some(description.to_owned());
        let schema = fixture.next_schema(schemas.last().unwrap(), ontology);
        let publication = Arc::new(fixture.publication(&schema, Vec::new()));
        let commit = Commit {
            changes: vec![Change::Publish(publication)],
            reason: Some(description.into()),
            ..fixture.commit(fixture.own)
        };
        seqs.push(fixture.wrote(commit).await);
        schemas.push(schema);
        fixture.wrote(fixture.commit(fixture.stranger)).await;
    }
    (schemas, seqs)
}

/// The current schema is the last one published; before the first there is none.
pub async fn the_current_schema_is_the_last_one_published(fixture: Fixture) {
    same(fixture.store.schema(fixture.own.space).await.unwrap(), Some(&fixture.schema));
    let (schemas, _) = three_versions(&fixture).await;
    same(fixture.store.schema(fixture.own.space).await.unwrap(), schemas.last());
    same(fixture.store.schema(fixture.stranger.space).await.unwrap(), Some(&fixture.schema));
    same(fixture.store.schema(SpaceId::DEFAULT).await.unwrap(), None);
}

/// A schema read is compiled as it was published: elements by name and by number.
pub async fn a_schema_is_read_as_published(fixture: Fixture) {
    let schema = fixture.store.schema(fixture.own.space).await.unwrap().unwrap();
    for expected in &fixture.schema.object_types {
        let found = schema.object_type(expected.api_name.as_str()).unwrap();
        assert_eq!((found.id, &found.names, &found.indexes), (expected.id, &expected.names, &expected.indexes));
        assert_eq!((&found.sides, &found.interfaces), (&expected.sides, &expected.interfaces));
        for (found, expected) in found.properties.iter().zip(&expected.properties) {
            assert_eq!((found.id, found.column, &found.data_type), (expected.id, expected.column, &expected.data_type));
        }
    }
    for expected in &fixture.schema.link_types {
        let found = schema.link_type(expected.api_name.as_str()).unwrap();
        assert_eq!((found.id, &found.backing, found.on_delete), (expected.id, &expected.backing, expected.on_delete));
        assert_eq!((&found.source, &found.target), (&expected.source, &expected.target));
    }
}

/// Every version stays readable by its number.
pub async fn versions_stay_readable(fixture: Fixture) {
    let (schemas, _) = three_versions(&fixture).await;
    for (version, expected) in
        [(0, None), (1, Some(&schemas[0])), (2, Some(&schemas[1])), (3, Some(&schemas[2])), (4, None)]
    {
        same(fixture.store.schema_version(fixture.own.space, version).await.unwrap(), expected);
    }
    same(fixture.store.schema_version(fixture.stranger.space, 2).await.unwrap(), None);
}

/// The schema in force right after a commit is the last one published by then.
pub async fn a_commit_has_the_schema_in_force(fixture: Fixture) {
    let (schemas, seqs) = three_versions(&fixture).await;
    let mut expected = vec![(Seq(0), None), (Seq(seqs[0].0 - 1), None), (Seq(1_000_000), schemas.last())];
    for (index, seq) in seqs.iter().enumerate() {
        expected.push((*seq, Some(&schemas[index])));
        expected.push((seq.next(), Some(&schemas[index])));
    }
    for (seq, expected) in expected {
        same(fixture.store.schema_at(fixture.own.space, seq).await.unwrap(), expected);
    }
}

/// Versions are listed in order and in pages, with who published them when and why.
pub async fn versions_are_listed_in_pages(fixture: Fixture) {
    let (schemas, seqs) = three_versions(&fixture).await;
    let space = fixture.own.space;
    let all = fixture.store.schema_versions(space, 0, 100).await.unwrap();
    assert_eq!(
        all.iter().map(|version| (version.version, version.hash, version.seq)).collect::<Vec<_>>(),
        [(1, schemas[0].hash, seqs[0]), (2, schemas[1].hash, seqs[1]), (3, schemas[2].hash, seqs[2]),]
    );
    assert_eq!((all[0].reason.as_deref(), all[2].reason.as_deref()), (None, Some("third")));
    assert_eq!(all[2].actor.as_str(), "user:tester");
    assert_eq!(all[2].at, fixture.env().now());
    assert!(all[1].at < all[2].at);
    assert_eq!(fixture.store.schema_versions(space, 0, 2).await.unwrap(), all[..2]);
    assert_eq!(fixture.store.schema_versions(space, 2, 2).await.unwrap(), all[2..]);
    assert_eq!(fixture.store.schema_versions(space, 3, 2).await.unwrap(), []);
    assert_eq!(fixture.store.schema_versions(SpaceId::DEFAULT, 0, 2).await.unwrap(), []);
}
