//! The gateway while many hold its connections open, or open and drop requests by the thousand: who asks as they should is answered.

use std::path::Path;
use std::time::Duration;

use arrakis::Env;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::oslo;
use super::process::{Asker, Process, folder};

/// Slow connections, where the machine allows so many open files: a process may have one for each, and so may the test.
const SLOW: usize = 10_000;
/// Requests that are opened and dropped over one connection.
const RESETS: usize = 20_000;
/// Requests of a stretch whose times are taken.
const TIMED: usize = 300;
/// Stretches before a flood, and during it, of which the quietest counts: other tests run beside these.
const STRETCHES_BEFORE: usize = 3;
const STRETCHES: usize = 10;
/// One flood at a time.
static FLOODED: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What a process holds in memory, bytes.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// How many files a process may have open.
fn files_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX)
}

/// The slowest but one in a hundred of the requests of someone who asks as they should.
async fn p99(admin: &Asker) -> Duration {
    let env = Env::system();
    let mut times = Vec::new();
    for _ in 0..TIMED {
        let since = env.monotonic();
        let (status, told) = admin.asks(Method::GET, "/v1/objects/City/Oslo", serde_json::Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        times.push(env.monotonic().saturating_sub(since));
    }
    times.sort();
    times[TIMED * 99 / 100]
}

/// The same of the quietest stretch, while nothing else is asked.
async fn calm(admin: &Asker) -> Duration {
    let mut quietest = Duration::MAX;
    for _ in 0..STRETCHES_BEFORE {
        quietest = quietest.min(p99(admin).await);
    }
    quietest.max(Duration::from_millis(2))
}

/// A gateway whose limits leave room for the flood, and whoever asks through it.
async fn fronted(name: &str) -> (Process, Process, Asker) {
    let folder = folder(name);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", "root.secret", "--db", "all.db", "--log", "warn"];
    let served = Process::start(&folder, &serve);
    let gateway = Process::gateway(&folder, &[("users", &served), ("data", &served)], &["--log", "error"]);
    drop(gateway);
    let file = folder.join("gateway.toml");
    let config = std::fs::read_to_string(&file).unwrap().replacen(
        '\n',
        "\n[rates]\nnetwork = { per_second = 1000000.0, burst = 1000000 }\nactor = { per_second = 1000000.0, burst = 1000000 }\n\
         tenant = { per_second = 1000000.0, burst = 1000000 }\n\
         [limits]\nconnections_max = 20000\nnetwork_connections_max = 20000\nheader_timeout_ms = 15000\n",
        1,
    );
    std::fs::write(&file, config).unwrap();
    let of = ["--config", "gateway.toml", "--secret", "root.secret", "--users", &served.address, "--log", "error"];
    let gateway = Process::start(Path::new(&folder), &[&["gateway"][..], &of].concat());
    let mut admin = Asker::of(&gateway);
    admin.logs_in(&served.password()).await;
    admin.publishes_cities().await;
    admin.answer(Method::POST, "/v1/objects/write", oslo()).await;
    (served, gateway, admin)
}

fn address(process: &Process) -> &str {
    process.address.trim_start_matches("http://")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_connections_open_holds_nobody_up() {
    let _alone = FLOODED.lock().await;
    let (served, gateway, admin) = fronted("flood-slow").await;
    let count = SLOW.min(files_max().saturating_sub(1_000));
    let before = calm(&admin).await;
    let rss = resident(gateway.id());
    let mut slow = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(address(&gateway)).await.unwrap();
        stream.write_all(b"GET /v1/objects/City/Oslo HTTP/1.1\r\nhost: x\r\nx-a: ").await.unwrap();
        slow.push(stream);
    }
    let held = resident(gateway.id());
    let mut during = Duration::MAX;
    for _ in 0..STRETCHES {
        let meanwhile = p99(&admin).await;
        assert!(meanwhile < before * 4, "{before:?} before, {meanwhile:?} meanwhile");
        during = during.min(meanwhile);
        if during < before * 2 {
            break;
        }
    }
    let each = held.saturating_sub(rss) / u64::try_from(count).unwrap();
    println!("{count} held open, {each} bytes each; p99 {before:?} before, {during:?} meanwhile");
    assert!(during < before * 2, "{before:?} before, {during:?} meanwhile");
    assert!(each < 32_768, "{each} bytes each");
    // And each is left when its time is over.
    for mut stream in slow.drain(..).take(100) {
        let mut heard = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut heard)).await;
        assert!(ended.is_ok(), "it is held still");
    }
    assert!(gateway.end() && served.end());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opens_and_drops_requests_is_left() {
    let _alone = FLOODED.lock().await;
    let (served, gateway, admin) = fronted("flood-reset").await;
    let before = calm(&admin).await;
    let rss = resident(gateway.id());
    let flood = async || {
        let stream = TcpStream::connect(address(&gateway)).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        let ended = tokio::runtime::Handle::current().spawn(connection);
        let mut sent = 0;
        while sent < RESETS {
            let Ok(ready) = sender.clone().ready().await else { break };
            sender = ready;
            let request = http::Request::get("http://x/v1/objects/City/Oslo").body(()).unwrap();
            let Ok((_answer, mut stream)) = sender.send_request(request, false) else { break };
            stream.send_reset(h2::Reason::CANCEL);
            sent += 1;
        }
        drop(sender);
        (sent, ended.await.unwrap())
    };
    let mut during = Duration::MAX;
    for _ in 0..STRETCHES {
        let ((sent, ended), meanwhile) = tokio::join!(flood(), p99(&admin));
        assert!(ended.is_err() && sent < RESETS, "the connection is ended: {sent} sent, {ended:?}");
        println!("{sent} of {RESETS} sent, then {ended:?}; p99 {before:?} before, {meanwhile:?} meanwhile");
        assert!(meanwhile < before * 4, "{before:?} before, {meanwhile:?} meanwhile");
        during = during.min(meanwhile);
        if during < before * 2 {
            break;
        }
    }
    assert!(during < before * 2, "{before:?} before, {during:?} meanwhile");
    let grown = resident(gateway.id()).saturating_sub(rss);
    assert!(grown < 32 * 1_024 * 1_024, "{grown} bytes more");
    assert!(gateway.end() && served.end());
}
