//! Services over HTTP beside the same in the process and a bare handler, and the gateway beside the service itself and other proxies:
//! `cargo bench --bench gateway --features cli`.
//!
//! Both sides by turns, in one process, over loopback; ends with the table that `docs/performance.md` holds.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench ends where what it measures fails, and prints what it measured"
)]

#[cfg(target_os = "linux")]
mod proxy;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use arrakis::credential::Vault;
use arrakis::gateway::GatewayConfig;
use arrakis::server::{ListenOptions, Listener};
use arrakis::user::{Login, UserOptions};
use arrakis::{Act, Arrakis, Context, Env, GetObjects, Serve, SqliteOptions};
use serde_json::json;

const ONTOLOGY: &str = "
object_types:
  - name: City
    primary_key: name
    properties:
      - {name: name, type: string}
      - {name: people, type: integer}
action_types:
  - name: count
    parameters: [{ name: city, object: City, required: true }, { name: people, type: integer }]
    rules: [{ modify_object: { object: city, properties: { people: { parameter: people } } } }]
";
/// Turns of each side; the first warms up.
const TURNS: usize = 11;
/// How long a turn is.
const TURN: Duration = Duration::from_millis(150);

/// The time of one, in microseconds, at the median of turns of each side, one after the other.
async fn by_turns(mut one: impl AsyncFnMut(), mut other: impl AsyncFnMut()) -> (f64, f64) {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let (first, second) = (time_of(&mut one).await, time_of(&mut other).await);
        if turn > 0 {
            ones.push(first);
            others.push(second);
        }
    }
    (median(ones), median(others))
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn time_of(work: &mut impl AsyncFnMut()) -> f64 {
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < TURN {
        work().await;
        count += 1;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn told(what: &str, (ours, beside): (f64, f64), of: &str, bound: f64) {
    let ratio = ours / beside;
    let met = if ratio <= bound { "yes" } else { "no" };
    println!("| {what} | {ours:.0} µs | {beside:.0} µs | {of} | {ratio:.2} | {bound:.2} | {met} |");
}

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

async fn get(http: &reqwest::Client, url: &str, token: &str) {
    let response = http.get(url).bearer_auth(token).send().await.expect("an answer");
    assert!(response.status().is_success());
    response.bytes().await.expect("a body");
}

async fn measure() {
    let folder = std::env::temp_dir().join(format!("arrakis-bench-gateway-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let root = Vault::new_root(&Env::system());
    let builder = Arrakis::builder().users(UserOptions::new(root.clone())).sqlite(SqliteOptions::default());
    let arrakis = builder.cache(arrakis::CacheOptions::default()).open(folder.join("bench.db")).await.expect("a store");
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.expect("an ontology");
    let first = arrakis.user_engine().expect("users").bootstrap(&ctx).await.expect("a store").expect("the first");
    let (name, password, client) = (first.name, first.password, "bench".to_owned());
    let login = Login { name, password, second: None, client, device: None, network: None };
    let token = arrakis.users().expect("users").login(&ctx, login).await.expect("tokens").access;
    let token = token.expose();
    arrakis::KernelExt::create(arrakis.kernel(), &ctx, "City", json!({ "name": "Oslo", "people": 1 }))
        .await
        .expect("a city");

    std::fs::write(folder.join("root.secret"), root.expose()).expect("a file");
    let listener = arrakis.serve(Serve::on(local()).root(root)).await.expect("it listens");
    let http = reqwest::Client::new();
    let read = url(listener.address(), "/v1/objects/City/Oslo");
    let body = http.get(&read).bearer_auth(token).send().await.expect("an answer").bytes().await.expect("a body");
    let bare = axum::Router::new().route(
        "/bare",
        axum::routing::get(move || {
            let body = body.clone();
            async move { ([("content-type", "application/json")], body) }
        }),
    );
    let bare = Listener::start(local(), bare, ListenOptions::default()).await.expect("it listens");
    let bare_url = url(bare.address(), "/bare");
    println!("| what | ours | beside | which is | ratio | at most | met |\n|---|---|---|---|---|---|---|");

    let both = by_turns(async || get(&http, &read, token).await, async || get(&http, &bare_url, token).await).await;
    told("an object, from the cache, over HTTP", both, "a bare handler with the same bytes", 1.0 / 0.6);
    let in_process = async || {
        arrakis.kernel().get(&ctx, GetObjects::of("City", ["Oslo"])).await.expect("a city");
    };
    let both = by_turns(async || get(&http, &read, token).await, in_process).await;
    told("the same", both, "the same in the process", f64::INFINITY);

    actions(&arrakis, (&http, &url(listener.address(), "/v1/actions/execute"), token)).await;
    through(&arrakis, (&listener, &bare), (&http, token)).await;
    #[cfg(target_os = "linux")]
    {
        let (bare, users) = (bare.address(), listener.address());
        proxy::measure(&proxy::Setting { folder: &folder, bare, users, token, http: &http }).await;
    }
    listener.close().await;
    bare.close().await;
    arrakis.close().await;
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

async fn actions(arrakis: &Arrakis, (http, execute, token): (&reqwest::Client, &str, &str)) {
    // Whose rights are judged in both.
    let user = arrakis.authenticate(&token.into()).await.expect("a user");
    action(arrakis, &user, (http, execute, token), ("the same in the process, by the same user", 1.5)).await;
    let application = arrakis.context();
    let of = ("the same in the process, by the application", f64::INFINITY);
    action(arrakis, &application, (http, execute, token), of).await;
}

async fn action(
    arrakis: &Arrakis,
    ctx: &Context,
    (http, execute, token): (&reqwest::Client, &str, &str),
    (of, bound): (&str, f64),
) {
    let mut people = 1_i64;
    let mut elsewhere = 1_i64;
    let over_http = async || {
        people += 1;
        let act = json!({ "action": "count", "parameters": { "city": "Oslo", "people": people } });
        let response = http.post(execute).bearer_auth(token).json(&act).send().await.expect("an answer");
        assert!(response.status().is_success());
        response.bytes().await.expect("a body");
    };
    let in_process = async || {
        elsewhere += 1;
        let act = json!({ "city": "Oslo", "people": -elsewhere });
        let act = Act::of("count", arrakis::NewProperties::try_from(act).expect("properties"));
        arrakis.actions().execute(ctx, act).await.expect("it is done");
    };
    let both = by_turns(over_http, in_process).await;
    told("a durable action over HTTP", both, of, bound);
}

async fn through(arrakis: &Arrakis, (listener, bare): (&Listener, &Listener), (http, token): (&reqwest::Client, &str)) {
    let read = url(listener.address(), "/v1/objects/City/Oslo");
    let bare_url = url(bare.address(), "/bare");
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[rates.network]\nper_second = 1e9\nburst = 1000000\n[rates.tenant]\nper_second = 1e9\nburst = 1000000\n\
         [rates.actor]\nper_second = 1e9\nburst = 1000000\n[upstreams.all]\nendpoints = [\"http://{}\"]\n\
         [upstreams.bare]\nendpoints = [\"http://{}\"]\nhealth = \"/bare\"\n\
         [[routes]]\nprefix = \"/v1\"\nupstream = \"all\"\n[[routes]]\nprefix = \"/bare\"\nupstream = \"bare\"\n",
        listener.address(),
        bare.address()
    );
    let gateway =
        arrakis.gateway(GatewayConfig::from_toml(&config).expect("a configuration")).await.expect("it listens");
    let through = url(gateway.address(), "/v1/objects/City/Oslo");
    let both = by_turns(async || get(http, &through, token).await, async || get(http, &read, token).await).await;
    told("an object through the gateway", both, "the service itself", f64::INFINITY);
    let through = url(gateway.address(), "/bare");
    let both = by_turns(async || get(http, &through, token).await, async || get(http, &bare_url, token).await).await;
    told("a bare handler through the gateway", both, "the handler itself", f64::INFINITY);
    gateway.close().await;
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(measure());
}
