//! Every endpoint, asked by everyone who may not: a new one without its case here fails.

use std::collections::BTreeMap;
use std::time::Duration;

use arrakis::{Serve, Service};
use arrakis_core::testing::TestEnv;
use arrakis_server::api::Meta;
use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use super::{Served, local, problem};

/// What someone without a role is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// That it is not for them, or not there.
    Refused,
    /// Like everyone who has proved who they are: it is about themselves, or shows only what they may see.
    Own,
    /// Like everyone.
    Open,
    /// That it is not known who they are: only processes of the deployment ask.
    Internal,
}

/// An endpoint, the members of its path, what is in its body, and what someone without a role is answered.
type Case = (&'static str, &'static [&'static str], Json, Answer);

fn cases() -> BTreeMap<&'static str, (&'static [&'static str], Json, Answer)> {
    let all = [of_data(), of_users(), of_credentials()];
    all.into_iter().flatten().map(|(id, path, body, answer)| (id, (path, body, answer))).collect()
}

fn of_data() -> Vec<Case> {
    use Answer::Refused;
    let none = json!(null);
    let check = json!({ "verb": "read", "type": "City", "key": "Oslo" });
    let ontology = json!({ "object_types": [] });
    vec![
        ("getSchema", &[], none.clone(), Refused),
        ("getSchemaVersion", &["1"], none.clone(), Refused),
        ("getSchemaAt", &["5"], none.clone(), Refused),
        ("listSchemaVersions", &[], none.clone(), Refused),
        ("validateOntology", &[], ontology.clone(), Refused),
        ("planOntology", &[], ontology.clone(), Refused),
        ("applyPlan", &[], json!({ "plan": null }), Refused),
        ("getObject", &["City", "Oslo"], none.clone(), Refused),
        ("getObjects", &[], json!({ "type": "City", "keys": ["Oslo"] }), Refused),
        ("queryObjects", &[], json!({ "set": { "type": "City" } }), Refused),
        (
            "aggregateObjects",
            &[],
            json!({ "set": { "type": "City" }, "metrics": [{ "name": "n", "function": "count" }] }),
            Refused,
        ),
        ("getNeighbours", &[], json!({ "type": "City", "key": "Oslo", "link": "near" }), Refused),
        ("getLinks", &[], json!({ "type": "near", "ends": [] }), Refused),
        ("getHistory", &[], json!({ "of": { "object": { "type": "City", "key": "Oslo" } } }), Refused),
        ("write", &[], super::oslo(), Refused),
        ("upsertObject", &["City", "Oslo"], json!({ "properties": { "name": "Oslo" } }), Refused),
        ("modifyObject", &["City", "Oslo"], json!({ "properties": { "people": 1 } }), Refused),
        ("deleteObject", &["City", "Oslo"], none.clone(), Refused),
        ("load", &[], json!({ "into": { "objects": "City" }, "columns": ["name"], "rows": [] }), Refused),
        ("validateAction", &[], json!({ "action": "count" }), Refused),
        ("executeAction", &[], json!({ "action": "count" }), Refused),
        ("executeActions", &[], json!({ "acts": [{ "action": "count" }] }), Refused),
        ("undo", &[], json!({ "commit": "7d444840-9dc0-11d1-b245-5ffdce74fad2" }), Refused),
        ("getChanges", &[], json!({}), Refused),
        ("followChanges", &[], none.clone(), Refused),
        ("subscribe", &[], json!({ "set": { "type": "City" } }), Refused),
        ("checkAccess", &[], check.clone(), Refused),
        ("explainAccess", &[], check.clone(), Refused),
        ("whatCan", &[], none.clone(), Refused),
    ]
}

fn of_users() -> Vec<Case> {
    use Answer::Refused;
    let none = json!(null);
    let check = json!({ "verb": "read", "type": "City", "key": "Oslo" });
    vec![
        ("createUser", &[], json!({ "name": "new" }), Refused),
        ("inviteUser", &[], json!({ "name": "new" }), Refused),
        ("getUser", &["ada"], none.clone(), Refused),
        ("listUsers", &[], none.clone(), Refused),
        ("updateUser", &["ada"], json!({ "display_name": "x" }), Refused),
        ("deleteUser", &["ada"], none.clone(), Refused),
        ("exportUser", &["ada"], none.clone(), Refused),
        ("createGroup", &[], json!({ "name": "new" }), Refused),
        ("listGroups", &[], none.clone(), Refused),
        ("deleteGroup", &["g"], none.clone(), Refused),
        ("listMembers", &["g"], none.clone(), Refused),
        ("addMember", &["g"], json!({ "member": { "user": "nil" } }), Refused),
        ("removeMember", &["g"], json!({ "member": { "user": "nil" } }), Refused),
        ("assignRole", &[], json!({ "holder": { "user": "nil" }, "role": "administrator" }), Refused),
        ("unassignRole", &["a"], none.clone(), Refused),
        ("listAssignments", &[], none.clone(), Refused),
        ("getPolicy", &[], none.clone(), Refused),
        ("applyPolicy", &[], json!({ "policy": {} }), Refused),
        ("explainAs", &[], json!({ "user": "ada", "check": check }), Refused),
        ("whoCan", &[], json!({ "check": check }), Refused),
        ("simulatePolicy", &[], json!({}), Refused),
    ]
}

fn of_credentials() -> Vec<Case> {
    use Answer::{Internal, Open, Own, Refused};
    let none = json!(null);
    vec![
        ("login", &[], json!({ "name": "nil", "password": "wrong", "client": "test" }), Open),
        ("refreshTokens", &[], json!({ "refresh": "x.y" }), Open),
        ("acceptInvitation", &[], json!({ "secret": "x.y", "password": "the correct horse" }), Open),
        ("getOneself", &[], none.clone(), Own),
        ("getJwks", &[], none.clone(), Open),
        ("getOpenIdConfiguration", &[], none.clone(), Open),
        ("getAuthorizationServer", &[], none.clone(), Open),
        ("revokeIssued", &[], json!("everyone"), Refused),
        ("setPassword", &[], json!({ "user": "ada", "password": "the incorrect horse" }), Refused),
        ("enrolTotp", &[], json!({}), Own),
        ("confirmTotp", &[], json!({ "code": "000000" }), Own),
        ("disableTotp", &[], json!({ "user": "ada" }), Refused),
        ("listSessions", &[], none.clone(), Own),
        ("endSessions", &[], json!({ "user": "ada" }), Refused),
        ("createApiKey", &[], json!({ "user": "ada", "name": "k", "days": 1 }), Refused),
        ("listApiKeys", &[], none.clone(), Own),
        ("revokeApiKey", &["k"], none.clone(), Refused),
        ("loginFederated", &[], json!({}), Internal),
        ("identify", &[], json!({ "credential": "x" }), Internal),
        ("publishedAfter", &["0"], none.clone(), Internal),
        ("getPolicyByHash", &["x"], none.clone(), Internal),
        ("getScope", &["00000000-0000-8000-8000-000000000001"], none, Internal),
        ("keepPolicy", &["x"], json!({ "policy": {} }), Internal),
    ]
}

fn path_of(meta: &Meta, members: &[&str]) -> String {
    let mut members = members.iter();
    let parts = meta.path.split('/').map(|part| match part.strip_prefix('{') {
        Some(_) => (*members.next().expect("a member for each of the path")).to_owned(),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn metas(served: &Served) -> Vec<Meta> {
    let serve = Serve { services: Service::ALL.to_vec(), ..Serve::on(local()).root(served.root.clone()) };
    served.arrakis.routes(&serve).unwrap().metas().to_vec()
}

#[cfg(feature = "openapi")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_is_described() {
    let described = arrakis::api::openapi::document();
    for meta in metas(&Served::start().await) {
        let operation = &described["paths"][meta.path][meta.verb.method().as_str().to_ascii_lowercase()];
        let is_described = operation["operationId"] == meta.id && operation["summary"] == meta.summary;
        // What processes of a deployment ask each other is their own business.
        assert_eq!(is_described, !meta.is_internal, "{}", meta.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_is_closed_to_who_may_not() {
    let test = TestEnv::default();
    let served = Served::start_in(test.env(), arrakis::server::ListenOptions::default()).await;
    let metas = metas(&served);
    let cases = cases();
    let without: Vec<_> = metas.iter().filter(|meta| !cases.contains_key(meta.id)).map(|meta| meta.id).collect();
    assert!(without.is_empty(), "endpoints without a case: {without:?}");
    assert_eq!(metas.len(), cases.len(), "cases of no endpoint");

    let space = served.ctx.scope().space;
    let other = served.arrakis.create_tenant(&served.ctx, "other", space).await.unwrap();
    let other = served.arrakis.tenant_context(other).await.unwrap();
    served
        .arrakis
        .users()
        .unwrap()
        .apply_policy(&other, arrakis::access::Policy::from_yaml(super::POLICY).unwrap(), None)
        .await
        .unwrap();
    served.person(&other, "ada", Some("administrator")).await;
    let (own, theirs) = (served.token("ada").await, served.token_in(&other, "ada").await);
    let unsigned = format!("{}AAAA", &own[..own.len() - 4]);
    let elsewhere = Served::start().await.token("ada").await;
    let plan = served.answer_with(&own, "/v1/ontology/plan", &json!({ "object_types": [] })).await;
    let expired = served.token("ada").await;
    test.clock().advance(Duration::from_secs(3_600));
    let nobody = served.token("nil").await;

    for meta in &metas {
        let (members, body, answer) = &cases[meta.id];
        let body = if meta.id == "applyPlan" { json!({ "plan": plan }) } else { body.clone() };
        let path = path_of(meta, members);
        let asks = |token: &str| {
            let request = served.asks(meta.verb.method(), &path, token);
            if body.is_null() { request } else { request.json(&body) }
        };
        if *answer != Answer::Open {
            for token in ["", "x", &unsigned, &elsewhere, &expired] {
                let (status, told) = problem(asks(token)).await;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{} with {token:?}: {told}", meta.id);
            }
            // A token of another tenant is none here, even of its administrator.
            let request = asks(&theirs).header("ark-tenant", served.ctx.scope().tenant.to_string());
            assert_eq!(problem(request).await.0, StatusCode::UNAUTHORIZED, "{}", meta.id);
            let twice = asks(&nobody).header("authorization", "Bearer x");
            assert!(
                matches!(problem(twice).await.0, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED),
                "{}",
                meta.id
            );
        }
        match answer {
            Answer::Refused => {
                let (status, told) = problem(asks(&nobody)).await;
                assert!(
                    matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
                    "{}: {status} {told}",
                    meta.id
                );
            }
            Answer::Internal => assert_eq!(problem(asks(&nobody)).await.0, StatusCode::UNAUTHORIZED, "{}", meta.id),
            Answer::Own | Answer::Open => {
                let status = asks(&nobody).send().await.unwrap().status();
                assert!(!status.is_server_error(), "{}: {status}", meta.id);
            }
        }
    }
}
