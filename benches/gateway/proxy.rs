//! The gateway as a process, beside other proxies: requests for each second of a processor, the time one adds, memory and time to be ready. Linux alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{by_turns, get, told};

/// How long each proxy is loaded.
const LOADED: Duration = Duration::from_secs(4);
/// Requests under way at a time.
const CONNECTIONS: usize = 32;
/// Clock ticks of the kernel in a second, as `/proc` counts them.
const TICKS: f64 = 100.0;

/// What stands between.
pub(crate) struct Setting<'s> {
    pub(crate) folder: &'s Path,
    /// The address of the bare handler, and of the service that has the users.
    pub(crate) bare: std::net::SocketAddr,
    pub(crate) users: std::net::SocketAddr,
    pub(crate) token: &'s str,
    pub(crate) http: &'s reqwest::Client,
}

/// A proxy at work.
struct Proxy {
    name: &'static str,
    child: Child,
    port: u16,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // One that has ended needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|on| on.local_addr()).expect("a free port").port()
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).expect("a file");
    file
}

impl Proxy {
    /// Starts one, where it is on this machine.
    fn start(name: &'static str, port: u16, command: &mut Command) -> Option<Self> {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(child) = spawned else {
            println!("{name} is not here");
            return None;
        };
        Some(Self { name, child, port })
    }

    fn nginx(setting: &Setting<'_>) -> Option<Self> {
        let (port, folder) = (free_port(), setting.folder);
        let text = format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log /dev/null;\nevents {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;\n\
             upstream bare {{ server {1}; keepalive 64; }}\n\
             server {{ listen 127.0.0.1:{port}; keepalive_requests 1000000000;\n\
             location / {{ proxy_pass http://bare; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }} }}\n",
            folder.display(),
            setting.bare
        );
        let file = written(folder, "nginx.conf", &text);
        Self::start("nginx", port, Command::new("/usr/sbin/nginx").arg("-p").arg(folder).arg("-c").arg(file))
    }

    fn haproxy(setting: &Setting<'_>) -> Option<Self> {
        let port = free_port();
        let text = format!(
            "global\n  nbthread 1\ndefaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  timeout connect 2s\n  http-reuse always\n\
             frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\nbackend b\n  server s {}\n",
            setting.bare
        );
        let file = written(setting.folder, "haproxy.cfg", &text);
        Self::start("haproxy", port, Command::new("/usr/sbin/haproxy").arg("-f").arg(file))
    }

    fn envoy(setting: &Setting<'_>) -> Option<Self> {
        let port = free_port();
        let (host, bare) = (setting.bare.ip(), setting.bare.port());
        let text = format!(
            "static_resources:\n  listeners:\n  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}\n    filter_chains:\n    - filters:\n\
             \x20     - name: envoy.filters.network.http_connection_manager\n        typed_config:\n\
             \x20         \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n\
             \x20         stat_prefix: f\n          http_filters:\n          - name: envoy.filters.http.router\n\
             \x20           typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}\n\
             \x20         route_config:\n            virtual_hosts:\n            - {{name: all, domains: [\"*\"], routes: [{{match: {{prefix: /}}, route: {{cluster: bare}}}}]}}\n\
             \x20 clusters:\n  - name: bare\n    connect_timeout: 2s\n    type: STATIC\n    load_assignment:\n      cluster_name: bare\n\
             \x20     endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: {host}, port_value: {bare}}}}}}}}}]}}]\n"
        );
        let file = written(setting.folder, "envoy.yaml", &text);
        let command = &mut Command::new("envoy");
        Self::start("Envoy", port, command.args(["--concurrency", "1", "--disable-hot-restart", "-c"]).arg(file))
    }

    /// Ours: with nothing but passing on, or with tokens, limits, a log and traces.
    fn ours(setting: &Setting<'_>, is_whole: bool) -> Option<Self> {
        let port = free_port();
        let mut text = format!("listen = \"127.0.0.1:{port}\"\n");
        for of in ["network", "tenant", "actor"] {
            // Writing to a text does not fail.
            let _ = writeln!(text, "[rates.{of}]\nper_second = 1e9\nburst = 1000000");
        }
        let _ = write!(
            text,
            "[upstreams.bare]\nendpoints = [\"http://{}\"]\nhealth = \"/bare\"\n[[routes]]\nprefix = \"/bare\"\nupstream = \"bare\"\nopen = {}\n",
            setting.bare, !is_whole
        );
        let name = if is_whole { "whole.toml" } else { "plain.toml" };
        let file = written(setting.folder, name, &text);
        let users = format!("http://{}", setting.users);
        let mut command = Command::new(env!("CARGO_BIN_EXE_arrakis"));
        command.arg("gateway").arg("--config").arg(file).args(["--users", &users]);
        command.arg("--secret").arg(setting.folder.join("root.secret"));
        // The collector takes nothing, which costs the sender what one that does would.
        let told: &[&str] =
            if is_whole { &["--log", "info", "--collector", "http://127.0.0.1:9"] } else { &["--log", "error"] };
        Self::start(if is_whole { "ours, with all of it" } else { "ours" }, port, command.args(told))
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/bare", self.port)
    }

    /// Waits until it answers; how long that was from `since`.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    async fn ready(&self, setting: &Setting<'_>) -> Duration {
        let since = Instant::now();
        loop {
            let asked = setting.http.get(self.url()).bearer_auth(setting.token).send().await;
            if asked.is_ok_and(|response| response.status().is_success()) {
                return since.elapsed();
            }
            assert!(since.elapsed() < Duration::from_secs(20), "{} does not answer", self.name);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The time of a processor it used so far, seconds.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        f64::from(u32::try_from(ticks).unwrap_or(u32::MAX)) / TICKS
    }

    /// What it holds in memory, MiB.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<f64>().map_or(f64::NAN, |kib| kib / 1_024.0)
    }

    /// Requests for each second of a processor it took, under load.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    async fn loaded(&self, setting: &Setting<'_>, is_known: bool) -> f64 {
        let (url, token) = (self.url(), if is_known { setting.token.to_owned() } else { String::new() });
        let (before, since) = (self.processor(), Instant::now());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (url, token, http) = (url.clone(), token.clone(), reqwest::Client::new());
            tasks.spawn(async move {
                let mut count = 0_u32;
                while since.elapsed() < LOADED {
                    let request = http.get(&url);
                    let request = if token.is_empty() { request } else { request.bearer_auth(&token) };
                    let response = request.send().await.expect("an answer");
                    let (status, body) = (response.status(), response.text().await.expect("a body"));
                    assert!(status.is_success(), "{status}: {body}");
                    count += 1;
                }
                count
            });
        }
        let count: u32 = tasks.join_all().await.into_iter().sum();
        f64::from(count) / (self.processor() - before)
    }
}

/// Measures ours beside the others.
pub(crate) async fn measure(setting: &Setting<'_>) {
    let starts: [fn(&Setting<'_>) -> Option<Proxy>; 5] = [
        Proxy::nginx,
        Proxy::haproxy,
        Proxy::envoy,
        |setting| Proxy::ours(setting, false),
        |setting| Proxy::ours(setting, true),
    ];
    let bare = format!("http://{}/bare", setting.bare);
    println!("\n| proxy | ready after | idle | requests for a second of a processor |\n|---|---|---|---|");
    let mut rows = Vec::new();
    for (index, start) in starts.into_iter().enumerate() {
        let Some(proxy) = start(setting) else { continue };
        let ready = proxy.ready(setting).await;
        let idle = proxy.resident();
        let each = proxy.loaded(setting, index == 4).await;
        println!("| {} | {:.0} ms | {idle:.1} MiB | {each:.0} |", proxy.name, ready.as_secs_f64() * 1e3);
        rows.push(proxy);
    }
    println!("\n| what | through it | directly | which is | ratio | at most | met |\n|---|---|---|---|---|---|---|");
    for proxy in &rows {
        let url = proxy.url();
        let through = async || get(setting.http, &url, setting.token).await;
        let both = by_turns(through, async || get(setting.http, &bare, setting.token).await).await;
        told(proxy.name, both, "the handler itself", f64::INFINITY);
    }
}
