//! Spaces and tenants.

use serde_json::json;

use crate::testing::Fixture;
use crate::{Change, Scope, SpaceId, TenancyChange, TenantId};

fn space(id: u128, name: &str) -> Change {
    let id = SpaceId::from_uuid(uuid::Uuid::from_u128(id));
    Change::Tenancy(TenancyChange::CreateSpace { id, name: name.into() })
}

fn tenant(id: u128, name: &str, space: SpaceId) -> Change {
    let id = TenantId::from_uuid(uuid::Uuid::from_u128(id));
    Change::Tenancy(TenancyChange::CreateTenant { id, name: name.into(), space })
}

async fn refused(fixture: &Fixture, change: Change) -> String {
    fixture.change(fixture.own, change).await.unwrap_err().code().to_owned()
}

/// A space whose id or name is taken is refused.
pub async fn a_space_is_created_once(fixture: Fixture) {
    fixture.change(fixture.own, space(1, "third")).await.unwrap();
    assert_eq!(refused(&fixture, space(1, "fourth")).await, "tenancy.space.exists");
    assert_eq!(refused(&fixture, space(2, "third")).await, "tenancy.space.exists");
    fixture.change(fixture.own, space(2, "Third")).await.unwrap();
}

/// A tenant whose id or name is taken is refused, in whichever space.
pub async fn a_tenant_is_created_once(fixture: Fixture) {
    let (here, there) = (fixture.own.space, fixture.stranger.space);
    fixture.change(fixture.own, tenant(1, "third", here)).await.unwrap();
    assert_eq!(refused(&fixture, tenant(1, "fourth", here)).await, "tenancy.tenant.exists");
    assert_eq!(refused(&fixture, tenant(2, "third", there)).await, "tenancy.tenant.exists");
}

/// A tenant needs a space that exists.
pub async fn a_tenant_needs_its_space(fixture: Fixture) {
    let nowhere = SpaceId::from_uuid(uuid::Uuid::from_u128(77));
    assert_eq!(refused(&fixture, tenant(1, "third", nowhere)).await, "tenancy.space.unknown");
}

/// A space and its tenant may come in one commit.
pub async fn a_space_and_its_tenant_come_in_one_commit(fixture: Fixture) {
    let id = SpaceId::from_uuid(uuid::Uuid::from_u128(1));
    let mut commit = fixture.commit(fixture.own);
    commit.changes = vec![space(1, "third"), tenant(2, "fourth", id)];
    fixture.wrote(commit).await;
    let created = fixture.store.tenant(TenantId::from_uuid(uuid::Uuid::from_u128(2))).await.unwrap().unwrap();
    assert_eq!((created.space, &*created.name), (id, "fourth"));
}

/// A tenant is found by its id, with its space; an unknown one is none.
pub async fn a_tenant_is_found_by_its_id(fixture: Fixture) {
    let stranger = fixture.store.tenant(fixture.stranger.tenant).await.unwrap().unwrap();
    assert_eq!((&*stranger.name, stranger.space), ("stranger", fixture.stranger.space));
    assert_eq!(fixture.store.tenant(TenantId::DEFAULT).await.unwrap(), None);
}

/// A tenant writes in its own space only.
pub async fn a_write_needs_its_tenant_in_the_space(fixture: Fixture) {
    let unknown = Scope { tenant: TenantId::DEFAULT, ..fixture.own };
    let astray = Scope { tenant: fixture.stranger.tenant, ..fixture.own };
    for scope in [unknown, astray] {
        let draft = fixture.draft(scope).create("Team", json!({ "code": "a", "title": "A" }));
        assert_eq!(fixture.refused(draft).await, "tenancy.tenant.unknown");
        let draft = fixture.draft(scope).link("knows", 1, 2, json!({}));
        assert_eq!(fixture.refused(draft).await, "tenancy.tenant.unknown");
        let next = fixture.next_schema(&fixture.schema, Fixture::ontology());
        let error = fixture.publish(scope, &fixture.publication(&next, Vec::new())).await.unwrap_err();
        assert_eq!(error.code(), "tenancy.tenant.unknown");
    }
}
