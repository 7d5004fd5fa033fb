//! The services over HTTP, as any program asks them: with JSON, headers and tokens.

mod connection;
#[cfg(all(feature = "cli", unix))]
mod deployed;
mod event;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod flood;
#[cfg(feature = "gateway")]
mod gateway;
mod lines;
mod matrix;
mod once;
#[cfg(all(feature = "cli", unix))]
mod process;
mod remote;
mod request;
#[cfg(all(feature = "cli", unix))]
mod telemetry;
#[cfg(all(feature = "gateway", feature = "openapi"))]
mod tls;
#[cfg(feature = "gateway")]
mod websocket;
mod write;

use std::net::SocketAddr;
use std::time::Duration;

use arrakis::credential::hasher::Hasher;
use arrakis::credential::password::Cost;
use arrakis::credential::{Secret, Vault};
use arrakis::server::{ListenOptions, Listener};
use arrakis::user::{GroupMember, Login, NewAssignment, NewUser, SetPassword, UserOptions};
use arrakis::{ApiName, Arrakis, Context, Env, Serve};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value as Json, json};

const ONTOLOGY: &str = "
object_types:
  - name: City
    primary_key: name
    properties:
      - {name: name, type: string}
      - {name: people, type: integer}
action_types:
  - name: count
    parameters: [{ name: city, object: City, required: true }]
    rules: [{ modify_object: { object: city, properties: { people: { literal: 1 } } } }]
";
const POLICY: &str = "
roles:
  - name: administrator
    objects: [{ types: ['*'], verbs: [read, create, modify, delete] }]
    actions: ['*']
    permissions: [ontology.read, ontology.plan, ontology.publish, object.read, object.write, action.execute, tenancy.manage,
                  user.read, user.manage, role.assign, policy.read, policy.manage]
  - name: reader
    objects: [{ types: [City], verbs: [read], properties: { except: [people] } }]
";

/// A deployment that is served, with an administrator, a reader and someone without a role.
pub(crate) struct Served {
    pub(crate) arrakis: Arrakis,
    pub(crate) ctx: Context,
    pub(crate) root: Secret,
    pub(crate) listener: Listener,
    pub(crate) http: reqwest::Client,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_with(ListenOptions::default()).await
    }

    pub(crate) async fn start_with(listen: ListenOptions) -> Self {
        Self::start_in(Env::system(), listen).await
    }

    pub(crate) async fn start_in(env: Env, listen: ListenOptions) -> Self {
        let root = Vault::new_root(&env);
        let mut options = UserOptions::new(root.clone());
        options.issuer = "https://id.example".into();
        options.hasher = Some(hasher(&env));
        let arrakis = Arrakis::builder().env(env).users(options).in_memory().await.unwrap();
        let ctx = arrakis.context();
        arrakis.publish(&ctx, ONTOLOGY).await.unwrap();
        let policy = arrakis::access::Policy::from_yaml(POLICY).unwrap();
        arrakis.users().unwrap().apply_policy(&ctx, policy, None).await.unwrap();
        let serve = Serve { listen, ..Serve::on(local()).root(root.clone()) };
        let listener = arrakis.serve(serve).await.unwrap();
        let served = Self { arrakis, ctx, root, listener, http: reqwest::Client::new() };
        for (name, role) in [("ada", Some("administrator")), ("rob", Some("reader")), ("nil", None)] {
            served.person(&served.ctx, name, role).await;
        }
        served
    }

    /// A person who can log in.
    pub(crate) async fn person(&self, ctx: &Context, name: &str, role: Option<&str>) {
        let users = self.arrakis.users().unwrap();
        let user = users.create_user(ctx, NewUser { name: name.into(), ..NewUser::default() }).await.unwrap();
        let set = SetPassword { user: Some(user.id.clone()), current: None, password: password(name) };
        users.set_password(ctx, set).await.unwrap();
        if let Some(role) = role {
            let role = ApiName::parse(role).unwrap();
            users.assign(ctx, NewAssignment::of(GroupMember::User(user.id), role)).await.unwrap();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listener.address())
    }

    pub(crate) fn asks(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path)).timeout(Duration::from_secs(20));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    pub(crate) async fn token(&self, name: &str) -> String {
        self.token_in(&self.ctx, name).await
    }

    pub(crate) async fn token_in(&self, ctx: &Context, name: &str) -> String {
        let (client, password) = ("test".into(), password(name));
        let login = Login { name: name.into(), password, second: None, client, device: None, network: None };
        self.arrakis.users().unwrap().login(ctx, login).await.unwrap().access.expose().to_owned()
    }

    /// Asks with a token what must be answered.
    pub(crate) async fn answer_with(&self, token: &str, path: &str, body: &Json) -> Json {
        let response = self.asks(Method::POST, path, token).json(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Asks as the administrator what must be answered.
    pub(crate) async fn answer(&self, method: Method, path: &str, body: Option<Json>) -> Json {
        let token = self.token("ada").await;
        let request = self.asks(method, path, &token);
        let response = match body {
            Some(body) => request.json(&body).send().await.unwrap(),
            None => request.send().await.unwrap(),
        };
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// One that is quick.
pub(crate) fn hasher(env: &Env) -> Hasher {
    Hasher::new(env.clone(), Cost { memory_kib: 64, passes: 1 }, 2)
}

pub(crate) fn local() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) fn password(name: &str) -> Secret {
    format!("{name} and the correct horse").into()
}

/// A response's status and the problem it tells.
pub(crate) async fn problem(request: RequestBuilder) -> (StatusCode, Json) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let problem: Json = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16(), "{problem}");
    assert!(problem["instance"].as_str().is_some_and(|id| id.starts_with("urn:uuid:")), "{problem}");
    (status, problem)
}

pub(crate) fn oslo() -> Json {
    json!({ "edits": [{ "create": { "type": "City", "properties": { "name": "Oslo", "people": 717_710 } } }] })
}
