//! Every write under a key, sent again to another process, after a start, and as another request.

use std::collections::BTreeSet;

use arrakis::NewOntology;
use arrakis::credential::Vault;
use arrakis::credential::totp::{TotpSecret, step_at};
use arrakis::server::Listener;
use arrakis::user::{GroupMember, NewApiKey, NewAssignment, NewUser, UserOptions};
use arrakis::{ApiName, Arrakis, Env, Serve};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value as Json, json};

use super::{ONTOLOGY, POLICY, hasher, local, problem};

/// A write that was sent, and what was answered.
struct Sent {
    id: &'static str,
    method: Method,
    path: String,
    body: Json,
    /// What is sent under its key in its place.
    other: (String, Json),
    answer: Json,
}

impl Sent {
    fn request(&self, listener: &Listener, key: &str, (path, body): (&str, &Json)) -> RequestBuilder {
        let request =
            reqwest::Client::new().request(self.method.clone(), format!("http://{}{path}", listener.address()));
        let request = request.bearer_auth(key).header("Idempotency-Key", format!("of-{}", self.id));
        if body.is_null() { request } else { request.json(body) }
    }
}

/// Who sends writes, one after the other, and keeps what became of them.
struct Writer<'w> {
    listener: &'w Listener,
    key: &'w str,
    sent: Vec<Sent>,
}

impl Writer<'_> {
    async fn send(&mut self, id: &'static str, (method, path): (Method, &str), body: Json, other: Json) -> Json {
        self.send_or(id, (method, path), body, (path, other)).await
    }

    async fn send_or(
        &mut self,
        id: &'static str,
        (method, path): (Method, &str),
        body: Json,
        (elsewhere, other): (&str, Json),
    ) -> Json {
        let other = (elsewhere.to_owned(), other);
        let mut sent = Sent { id, method, path: path.into(), body, other, answer: Json::Null };
        sent.answer = answer(sent.request(self.listener, self.key, (path, &sent.body)), id).await;
        let told = sent.answer.clone();
        self.sent.push(sent);
        told
    }

    async fn data(&mut self) {
        let oslo = json!({ "edits": [{ "create": { "type": "City", "properties": { "name": "Oslo" } } }] });
        let rome = json!({ "edits": [{ "create": { "type": "City", "properties": { "name": "Rome" } } }] });
        let written = self.send("write", (Method::POST, "/v1/objects/write"), oslo, rome).await;
        let people = |people: i64| json!({ "properties": { "name": "Bergen", "people": people } });
        self.send("upsertObject", (Method::PUT, "/v1/objects/City/Bergen"), people(1), people(2)).await;
        let people = |people: i64| json!({ "properties": { "people": people } });
        self.send("modifyObject", (Method::PATCH, "/v1/objects/City/Bergen"), people(3), people(4)).await;
        let rows = |city: &str| json!({ "into": { "objects": "City" }, "columns": ["name"], "rows": [[1, [{ "text": city }]]] });
        self.send("load", (Method::POST, "/v1/objects/load"), rows("Tromsø"), rows("Narvik")).await;
        let act = |city: &str| json!({ "action": "count", "parameters": { "city": city } });
        self.send("executeAction", (Method::POST, "/v1/actions/execute"), act("Oslo"), act("Bergen")).await;
        let acts = |first: &str| json!({ "acts": [act(first), act("Tromsø")] });
        self.send("executeActions", (Method::POST, "/v1/actions/execute-batch"), acts("Bergen"), acts("Oslo")).await;
        let (bergen, oslo) = ("/v1/objects/City/Bergen", "/v1/objects/City/Oslo");
        self.send_or("deleteObject", (Method::DELETE, bergen), Json::Null, (oslo, Json::Null)).await;
        let undo =
            |force: &str| json!({ "commit": written["receipt"]["commit"], "on_conflict": force, "reason": force });
        let (undone, other) = (undo("override"), undo("refuse"));
        self.send("undo", (Method::POST, "/v1/actions/undo"), undone, other).await;
    }

    async fn ontology(&mut self) {
        let plan = format!("http://{}/v1/ontology/plan", self.listener.address());
        let with = "object_types:\n  - {name: Empty, primary_key: id, properties: [{name: id, type: string}]}";
        let ontology = NewOntology::from_yaml(&ONTOLOGY.replace("object_types:", with)).unwrap();
        let plan = reqwest::Client::new().post(plan).bearer_auth(self.key).json(&ontology);
        let plan = answer(plan, "planOntology").await;
        let apply = |reason: &str| json!({ "plan": plan, "reason": reason });
        let path = "/v1/ontology/apply";
        self.send("applyPlan", (Method::POST, path), apply("one"), apply("other")).await;
    }

    async fn users(&mut self) {
        let named = |name: &str| json!({ "name": name });
        self.send("createUser", (Method::POST, "/v1/users"), named("liv"), named("leo")).await;
        self.send("inviteUser", (Method::POST, "/v1/users/invite"), named("ivy"), named("ian")).await;
        let shown = |name: &str| json!({ "display_name": name });
        self.send("updateUser", (Method::PATCH, "/v1/users/liv"), shown("Liv"), shown("Leo")).await;
        self.send("createGroup", (Method::POST, "/v1/groups"), named("crew"), named("team")).await;
        let member = |user: &str| json!({ "member": { "user": user } });
        let (add, remove) = ("/v1/groups/crew/members", "/v1/groups/crew/members/remove");
        self.send("addMember", (Method::POST, add), member("liv"), member("ivy")).await;
        let assign = |user: &str| json!({ "holder": { "user": user }, "role": "reader" });
        let assigned = self.send("assignRole", (Method::POST, "/v1/assignments"), assign("liv"), assign("ivy")).await;
        let assignment = format!("/v1/assignments/{}", assigned["id"].as_str().unwrap());
        let other = ("/v1/assignments/none", Json::Null);
        self.send_or("unassignRole", (Method::DELETE, &assignment), Json::Null, other).await;
        self.send("removeMember", (Method::POST, remove), member("liv"), member("ivy")).await;
        let other = ("/v1/groups/none", Json::Null);
        self.send_or("deleteGroup", (Method::DELETE, "/v1/groups/crew"), Json::Null, other).await;
        let policy = arrakis::access::Policy::from_yaml(POLICY).unwrap();
        let mut roles = serde_json::to_value(policy).unwrap();
        let apply = |policy: &Json| json!({ "policy": policy });
        let other = apply(&roles);
        roles["roles"].as_array_mut().unwrap().pop();
        self.send("applyPolicy", (Method::PUT, "/v1/policy"), apply(&roles), other).await;
    }

    async fn credentials(&mut self) {
        let set = |password: &str| json!({ "user": "liv", "password": password });
        let (first, other) = (set("the correct horse of liv"), set("another of her own"));
        self.send("setPassword", (Method::PUT, "/v1/account/password"), first, other).await;
        let (path, other) = ("/v1/account/totp", ("/v1/account/totp/confirm", json!({ "code": "000000" })));
        let enrolled = self.send_or("enrolTotp", (Method::POST, path), json!({}), other).await;
        let code = TotpSecret::read(enrolled["secret"].as_str().unwrap()).code(step_at(Env::system().now()));
        let given = |code: &str| json!({ "code": code });
        let path = "/v1/account/totp/confirm";
        let codes = self.send("confirmTotp", (Method::POST, path), given(&code), given("000000")).await;
        let second = |code: &Json| json!({ "second": { "recovery": code } });
        let (first, other) = (second(&codes["codes"][0]), second(&codes["codes"][1]));
        self.send("disableTotp", (Method::POST, "/v1/account/totp/disable"), first, other).await;
        let of = |user: &str| json!({ "user": user });
        self.send("endSessions", (Method::POST, "/v1/account/sessions/end"), of("liv"), of("ivy")).await;
        let key = |name: &str| json!({ "user": "liv", "name": name, "days": 1 });
        let made = self.send("createApiKey", (Method::POST, "/v1/account/api-keys"), key("one"), key("other")).await;
        let path = format!("/v1/account/api-keys/{}", made["info"]["id"].as_str().unwrap());
        let other = ("/v1/account/api-keys/none", Json::Null);
        let named = format!("{path}?user=liv");
        self.send_or("revokeApiKey", (Method::DELETE, &named), Json::Null, other).await;
        let to = |client: &str| json!({ "client": client });
        self.send("revokeIssued", (Method::POST, "/v1/auth/revoke"), to("one"), to("other")).await;
        let other = ("/v1/users/none", Json::Null);
        self.send_or("deleteUser", (Method::DELETE, "/v1/users/liv"), Json::Null, other).await;
    }
}

/// The answer, without what tells that it is one of before.
async fn answer(request: RequestBuilder, id: &str) -> Json {
    let response = request.send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert!(status.is_success(), "{id}: {status}: {text}");
    let mut told = if text.is_empty() { Json::Null } else { serde_json::from_str(&text).unwrap() };
    unmarked(&mut told);
    told
}

fn unmarked(told: &mut Json) {
    match told {
        Json::Object(members) => {
            members.remove("replayed");
            members.values_mut().for_each(unmarked);
        }
        Json::Array(all) => all.iter_mut().for_each(unmarked),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_holds_everywhere_and_after_a_start() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("once");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let root = Vault::new_root(&Env::system());
    let open = || {
        let mut options = UserOptions::new(root.clone());
        options.hasher = Some(hasher(&Env::system()));
        Arrakis::builder().users(options).open(folder.join("app.db"))
    };
    let serve = || Serve::on(local()).root(root.clone());

    let arrakis = open().await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.unwrap();
    let users = arrakis.users().unwrap();
    users.apply_policy(&ctx, arrakis::access::Policy::from_yaml(POLICY).unwrap(), None).await.unwrap();
    let ada = users.create_user(&ctx, NewUser { name: "ada".into(), ..NewUser::default() }).await.unwrap();
    let administrator = ApiName::parse("administrator").unwrap();
    users.assign(&ctx, NewAssignment::of(GroupMember::User(ada.id.clone()), administrator)).await.unwrap();
    let key = NewApiKey { user: Some(ada.id), name: "test".into(), roles: None, days: 1 };
    let key = users.create_api_key(&ctx, key).await.unwrap().key;
    let metas = arrakis.routes(&serve()).unwrap().metas().to_vec();
    let takes_a_key: BTreeSet<_> =
        metas.iter().filter(|meta| meta.is_write && !meta.is_internal).map(|meta| meta.id).collect();

    let (listener, beside) = (arrakis.serve(serve()).await.unwrap(), arrakis.serve(serve()).await.unwrap());
    let mut writer = Writer { listener: &listener, key: key.expose(), sent: Vec::new() };
    writer.data().await;
    writer.ontology().await;
    writer.users().await;
    writer.credentials().await;
    let sent = writer.sent;
    assert_eq!(sent.iter().map(|sent| sent.id).collect::<BTreeSet<_>>(), takes_a_key, "every write has its case");
    sent_again(&sent, &beside, key.expose()).await;
    for listener in [listener, beside] {
        listener.close().await;
    }
    arrakis.close().await;

    let arrakis = open().await.unwrap();
    let listener = arrakis.serve(serve()).await.unwrap();
    sent_again(&sent, &listener, key.expose()).await;
    listener.close().await;
    arrakis.close().await;
}

/// Another request under a key is refused, and the same is answered as it was, by who has not seen it.
async fn sent_again(sent: &[Sent], listener: &Listener, key: &str) {
    for sent in sent {
        let (path, body) = &sent.other;
        let (status, told) = problem(sent.request(listener, key, (path, body))).await;
        let other = (StatusCode::UNPROCESSABLE_ENTITY, &json!("request.idempotency.other_request"));
        assert_eq!((status, &told["code"]), other, "{}: {told}", sent.id);
        let told = answer(sent.request(listener, key, (&sent.path, &sent.body)), sent.id).await;
        match sent.id {
            // What it took is told once.
            "undo" => assert_eq!(told["receipt"], sent.answer["receipt"]),
            id => assert_eq!(told, sent.answer, "{id}"),
        }
    }
}
