//! Encrypted connections, and where connections come from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrakis::client::{Client, ClientOptions, Credentials};
use arrakis::gateway::GatewayConfig;
use arrakis::server::ListenOptions;
use arrakis::tls::{ClientTlsFiles, Tls, TlsFiles};
use arrakis::user::AuthService as _;
use arrakis::{Env, Serve};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{StatusCode, Version};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Served, local, oslo};

/// An authority, and the folder its certificates are in.
struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    /// Writes a certificate of a name and its key.
    fn issue(&self, file: &str, name: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.file(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.file(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn server(&self, file: &str, client_ca: Option<&str>) -> TlsFiles {
        let (certificate, key) = (self.file(&format!("{file}.pem")), self.file(&format!("{file}.key")));
        TlsFiles { certificate, key, client_ca: client_ca.map(|ca| self.file(ca)) }
    }

    fn client(&self, file: Option<&str>) -> ClientTlsFiles {
        let named = |kind: &str| file.map(|file| self.file(&format!("{file}.{kind}")));
        ClientTlsFiles { ca: self.file("ca.pem"), certificate: named("pem"), key: named("key") }
    }

    fn http(&self) -> reqwest::Client {
        let ca = reqwest::Certificate::from_pem(&std::fs::read(self.file("ca.pem")).unwrap()).unwrap();
        let http = reqwest::Client::builder().tls_built_in_root_certs(false).add_root_certificate(ca);
        http.timeout(Duration::from_secs(20)).build().unwrap()
    }
}

fn listen(files: TlsFiles) -> ListenOptions {
    let header_timeout = Duration::from_millis(500);
    ListenOptions { tls: Some(Tls::read(files).unwrap()), header_timeout, ..ListenOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_is_asked_by_tls_and_proves_itself_to_the_services() {
    let authority = Authority::new("gateway");
    for name in ["service", "gateway", "front"] {
        authority.issue(name, "localhost");
    }
    let served = Served::start().await;
    let serve = Serve {
        listen: listen(authority.server("service", Some("ca.pem"))),
        ..Serve::on(local()).root(served.root.clone())
    };
    let service = served.arrakis.serve(serve).await.unwrap();
    let path = |name: &str| authority.file(name).display().to_string();
    let config = |endpoint: &str| {
        format!(
            "listen = \"127.0.0.1:0\"\n[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n\
             [upstreams.all]\nendpoints = [\"{endpoint}\"]\n\
             [upstreams.all.tls]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n\
             [[routes]]\nprefix = \"/v1/objects\"\nupstream = \"all\"\n",
            path("front.pem"),
            path("front.key"),
            path("ca.pem"),
            path("gateway.pem"),
            path("gateway.key"),
        )
    };
    let endpoint = format!("https://localhost:{}", service.address().port());
    let gateway = served.arrakis.gateway(GatewayConfig::from_toml(&config(&endpoint)).unwrap()).await.unwrap();
    let (token, http) = (served.token("ada").await, authority.http());
    let url = format!("https://localhost:{}/v1/objects", gateway.address().port());
    let written = http.post(format!("{url}/write")).bearer_auth(&token).json(&oslo()).send().await.unwrap();
    assert_eq!((written.status(), written.version()), (StatusCode::OK, Version::HTTP_2));
    let read = http.get(format!("{url}/City/Oslo")).version(Version::HTTP_2).bearer_auth(&token);
    assert_eq!(read.send().await.unwrap().status(), StatusCode::OK);
    // What is said of the services is of those that are routed.
    let told: Json = http.get(url.replace("/objects", "/openapi.json")).send().await.unwrap().json().await.unwrap();
    let paths: Vec<_> = told["paths"].as_object().unwrap().keys().collect();
    assert!(!paths.is_empty() && paths.iter().all(|path| path.starts_with("/v1/objects")), "{paths:?}");

    // Who shows no certificate, or trusts another authority, is not spoken to.
    let direct = format!("https://localhost:{}/livez", service.address().port());
    assert!(http.get(&direct).send().await.is_err());
    let other = Authority::new("other");
    assert!(other.http().get(&url).send().await.is_err());
    assert!(reqwest::get(url.replace("https", "http")).await.is_err());
    // The same of processes that ask each other.
    let asks = |files: ClientTlsFiles| {
        let options = ClientOptions { tls: Some(files), ..ClientOptions::default() };
        let credentials = Credentials::Bearer(token.as_str().into());
        Client::new(&endpoint, credentials, Env::system(), options).unwrap()
    };
    let (ctx, secret) = (&served.ctx, token.as_str().into());
    let who = asks(authority.client(Some("gateway"))).authenticate(ctx, &secret).await;
    assert_eq!(who.unwrap_err().code(), "auth.required", "it is heard, and only peers ask that");
    let unheard = asks(authority.client(None)).authenticate(ctx, &secret).await.unwrap_err();
    assert_eq!(unheard.code(), "client.unreachable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_read_again_and_a_broken_one_is_not_taken() {
    let authority = Authority::new("again");
    authority.issue("it", "localhost");
    let files = authority.server("it", None);
    let tls = Tls::read(files.clone()).unwrap();
    let listen = ListenOptions { tls: Some(tls.clone()), ..ListenOptions::default() };
    let served = Served::start_with(listen).await;
    let url = |name: &str| format!("https://{name}:{}/livez", served.listener.address().port());
    let status = async |name: &str| authority.http().get(url(name)).send().await.map(|response| response.status());
    assert_eq!(status("localhost").await.unwrap(), StatusCode::OK);
    assert!(status("127.0.0.1").await.is_err(), "the certificate is of another name");
    assert!(!tls.read_again().unwrap());
    authority.issue("it", "127.0.0.1");
    assert!(tls.read_again().unwrap());
    assert_eq!(status("127.0.0.1").await.unwrap(), StatusCode::OK);
    assert!(status("localhost").await.is_err());
    // A key of another certificate, a text that is none, and nothing at all.
    authority.issue("other", "localhost");
    for (kind, bytes, code) in [
        ("key", std::fs::read(authority.file("other.key")).unwrap(), "tls.key"),
        ("key", b"canary".to_vec(), "tls.key"),
        ("pem", b"canary".to_vec(), "tls.certificate"),
    ] {
        let file = authority.file(&format!("it.{kind}"));
        let before = std::fs::read(&file).unwrap();
        std::fs::write(&file, bytes).unwrap();
        let error = tls.read_again().unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.param("file").is_some() && !error.chain().contains("canary"), "{}", error.chain());
        std::fs::write(&file, before).unwrap();
    }
    std::fs::remove_file(files.key).unwrap();
    assert_eq!(tls.read_again().unwrap_err().code(), "tls.unreadable");
    assert_eq!(status("127.0.0.1").await.unwrap(), StatusCode::OK);
}

/// What is heard until the connection ends.
async fn heard(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset is the end too.
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await.expect("it ends");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_begin_as_agreed_is_left() {
    let authority = Authority::new("begin");
    authority.issue("it", "localhost");
    let served = Served::start_with(listen(authority.server("it", None))).await;
    for begun in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"\x16\x03\x01\xff\xff\x01"] {
        let mut stream = TcpStream::connect(served.listener.address()).await.unwrap();
        stream.write_all(begun).await.unwrap();
        assert!(!heard(&mut stream).await.contains("HTTP"), "{begun:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balancer_says_where_connections_come_from() {
    let listen = ListenOptions { is_proxied: true, network_connections_max: 2, ..ListenOptions::default() };
    let hasty = ListenOptions { header_timeout: Duration::from_millis(100), ..listen.clone() };
    let (served, hasty) = (Served::start_with(listen).await, Served::start_with(hasty).await);
    let open_at = async |served: &Served, said: &str| {
        let mut stream = TcpStream::connect(served.listener.address()).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        stream
    };
    let open = async |said: &str| open_at(&served, said).await;
    let ask = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let of = |address: &str| format!("PROXY TCP4 {address} 10.0.0.1 9 80\r\n");
    assert!(heard(&mut open(&(of("1.2.3.4") + ask)).await).await.starts_with("HTTP/1.1 200"));
    // Who says nothing of it, or something else, or not all of it.
    for said in [ask, "PROXY TCP4 x y z\r\n"] {
        assert_eq!(heard(&mut open(said).await).await, "", "{said:?}");
    }
    assert_eq!(heard(&mut open_at(&hasty, "PROXY TCP4 1.2.3.4").await).await, "");
    // No network has more than its connections; another has its own.
    let begin = "GET /livez HTTP/1.1\r\nhost: x\r\n";
    let mut held = vec![open(&(of("1.2.3.4") + begin)).await, open(&(of("1.2.3.4") + begin)).await];
    let refused = async || loop {
        let told = heard(&mut open(&(of("1.2.3.4") + ask)).await).await;
        // The two that are held may not have been read yet.
        if told.is_empty() {
            break;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refused()).await.expect("a third of the network is refused");
    assert!(heard(&mut open(&(of("1.2.3.5") + ask)).await).await.starts_with("HTTP/1.1 200"));
    held.clear();
    let again = async || loop {
        if heard(&mut open(&(of("1.2.3.4") + ask)).await).await.starts_with("HTTP/1.1 200") {
            break;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again()).await.expect("there is a place again");
}
