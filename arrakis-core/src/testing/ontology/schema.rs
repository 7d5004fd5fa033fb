//! Reading versions, and who may.

use std::time::Duration;

use super::{Served, changed};
use crate::ontology::{ListSchemaVersions, OntologyExt, Plan};
use crate::{ErrorKind, Grants, Permission, Scope, Seq, SpaceId};

/// The current schema is what was published last.
pub async fn the_current_schema_is_what_was_published(served: Served) {
    let ctx = served.context();
    let first = served.service.schema(&ctx).await.unwrap();
    assert_eq!((first.version, first.hash), (1, served.fixture.schema.hash));
    let described = changed(|new| new.description = Some("Another.".to_owned()));
    let published = served.service.publish(&ctx, described.clone()).await.unwrap();
    let second = served.service.schema(&ctx).await.unwrap();
    assert_eq!((second.version, second.hash), (published.version, published.hash));
    assert_eq!((second.version, &second.definition), (2, &described));
    // A schema that was handed out does not change.
    assert_eq!(first.version, 1);
}

/// A space without an ontology answers `ontology.unpublished`.
pub async fn a_space_without_an_ontology_says_so(served: Served) {
    let scope = Scope { space: SpaceId::DEFAULT, ..served.fixture.own };
    let ctx = served.fixture.context(scope);
    let error = served.service.schema(&ctx).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("ontology.unpublished", ErrorKind::NotFound));
    assert_eq!(served.service.schema_at(&ctx, Seq(1)).await.unwrap_err().code(), "ontology.unpublished");
    let versions = served.service.schema_versions(&ctx, ListSchemaVersions::default()).await.unwrap();
    assert!(versions.versions.is_empty() && versions.next.is_none());
}

/// An earlier version is read as it was published; one that never was is told.
pub async fn versions_stay_readable(served: Served) {
    let ctx = served.context();
    served.service.publish(&ctx, changed(|new| new.description = None)).await.unwrap();
    for _ in 0..2 {
        let first = served.service.schema_version(&ctx, 1).await.unwrap();
        assert_eq!((first.version, first.hash), (1, served.fixture.schema.hash));
    }
    for version in [0, 3, u32::MAX] {
        let error = served.service.schema_version(&ctx, version).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("ontology.version.unknown", ErrorKind::NotFound));
    }
}

/// The schema in force right after a commit is the last one published up to it.
pub async fn the_version_in_force_after_a_commit(served: Served) {
    let ctx = served.context();
    let first = served.service.schema_versions(&ctx, ListSchemaVersions::default()).await.unwrap().versions[0].seq;
    let mut seqs = vec![first];
    for description in ["two", "three"] {
        served.fixture.wrote(served.fixture.commit(served.fixture.own)).await;
        let definition = changed(|new| new.description = Some(description.to_owned()));
        seqs.push(served.service.publish(&ctx, definition).await.unwrap().receipt.unwrap().seq);
    }
    for (seq, version) in [
        (seqs[0], 1),
        (seqs[0].next(), 1),
        (seqs[1], 2),
        (seqs[1].next(), 2),
        (seqs[2], 3),
        (Seq(u64::from(u32::MAX)), 3),
    ] {
        assert_eq!(served.service.schema_at(&ctx, seq).await.unwrap().version, version, "{seq}");
    }
    let before = served.service.schema_at(&ctx, Seq(seqs[0].0 - 1)).await.unwrap_err();
    assert_eq!(before.code(), "ontology.unpublished");
}

/// Versions are listed oldest first, with who, when and why, a page at a time.
pub async fn versions_are_listed_in_pages(served: Served) {
    let ctx = served.context();
    for description in ["two", "three"] {
        served.fixture.clock().advance(Duration::from_secs(1));
        let definition = changed(|new| new.description = Some(description.to_owned()));
        served.service.publish(&ctx, definition).await.unwrap();
    }
    let list = |after, limit| served.service.schema_versions(&ctx, ListSchemaVersions { after, limit });
    let page = list(0, Some(2)).await.unwrap();
    let numbers: Vec<_> = page.versions.iter().map(|version| version.version).collect();
    assert_eq!((numbers, page.next), (vec![1, 2], Some(2)));
    assert!(page.versions[0].at < page.versions[1].at);
    assert_eq!(page.versions[1].actor, *ctx.actor());
    let page = list(2, Some(2)).await.unwrap();
    assert_eq!((page.versions[0].version, page.versions.len(), page.next), (3, 1, None));
    for limit in [0, 1_001] {
        let error = list(0, Some(limit)).await.unwrap_err();
        assert_eq!((error.code(), error.param("limit_max")), ("ontology.versions.limit", Some("1000")));
    }
}

/// Each method is refused without the permission it names, whatever else is granted.
pub async fn each_method_needs_its_permission(served: Served) {
    let all = served.context();
    let service = &served.service;
    let plan = service.plan(&all, changed(|new| new.description = None)).await.unwrap();
    let without = |permission: Permission| {
        let others = Permission::ALL.into_iter().filter(|other| *other != permission);
        all.clone().granted(others.fold(Grants::NONE, Grants::with))
    };
    let read = without(Permission::OntologyRead);
    let refusals = [
        service.schema(&read).await.map(|_| ()),
        service.schema_version(&read, 1).await.map(|_| ()),
        service.schema_at(&read, Seq(1)).await.map(|_| ()),
        service.schema_versions(&read, ListSchemaVersions::default()).await.map(|_| ()),
        service.validate(&read, changed(|_| ())).await.map(|_| ()),
        service.plan(&without(Permission::OntologyPlan), changed(|_| ())).await.map(|_: Plan| ()),
        service.apply(&without(Permission::OntologyPublish), plan.into()).await.map(|_| ()),
    ];
    for refused in refusals {
        let error = refused.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("permission.denied", ErrorKind::Forbidden));
    }
}

/// Past its deadline a call answers `context.deadline`.
pub async fn a_deadline_passed_is_told(served: Served) {
    served.fixture.clock().advance(Duration::from_secs(2));
    let ctx = served.context().until(Duration::from_secs(1));
    assert_eq!(served.service.schema(&ctx).await.unwrap_err().code(), "context.deadline");
}
