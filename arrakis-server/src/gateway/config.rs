//! The configuration of a gateway: one file, read and checked whole.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use arrakis_core::{Error, Result};
use http::uri::{Authority, Scheme};
use serde::{Deserialize, Serialize};

use super::path;
use super::variable::{VARIABLE_PREFIX, overlay};
use crate::server::ListenOptions;
use crate::tls::{ClientTlsFiles, Tls, TlsFiles};

/// The most upstreams, and the most endpoints of each.
const UPSTREAMS_MAX: usize = 100;
/// The most routes.
const ROUTES_MAX: usize = 10_000;

/// What a gateway does, as its file states it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// The address that is listened to.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub listen: SocketAddr,
    /// What connections are encrypted with; they are not where it is left out. Certificates are read again while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// Whether a load balancer in front says first where each connection comes from (PROXY protocol, 1 or 2): nobody else may reach it then.
    #[serde(default)]
    pub proxy_protocol: bool,
    /// How many proxies in front of it are trusted to say where a request comes from: 0 where it is reached directly.
    #[serde(default)]
    pub trusted_hops: usize,
    /// The limits of connections and requests.
    #[serde(default)]
    pub limits: Limits,
    /// How often may be asked.
    #[serde(default)]
    pub rates: Rates,
    /// How much may be asked in a longer time.
    #[serde(default)]
    pub quotas: Quotas,
    /// Whether answers are sent in gzip to who takes it, where that pays.
    #[serde(default = "yes")]
    pub compression: bool,
    /// The origins whose pages may ask, exactly as browsers state them.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The services, by name.
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    /// Which service what is asked goes to: the longest prefix counts.
    pub routes: Vec<RouteConfig>,
}

/// The limits of connections and requests.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most connections at a time.
    pub connections_max: usize,
    /// The most connections of one network at a time: an address, or 64 bits of IPv6.
    pub network_connections_max: usize,
    /// How long the head of a request may take, milliseconds.
    pub header_timeout_ms: u64,
    /// The most bytes of a head.
    pub header_len_max: usize,
    /// The most headers.
    pub headers_max: usize,
    /// The most bytes of a body.
    pub body_len_max: usize,
    /// How long an answer may take to begin, milliseconds.
    pub timeout_ms: u64,
    /// The most requests under way.
    pub in_flight_max: usize,
    /// The most web sockets at a time.
    pub websockets_max: usize,
    /// How long requests under way may take to end when it is closed, milliseconds.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            network_connections_max: 1_000,
            header_timeout_ms: 10_000,
            header_len_max: 32_768,
            headers_max: 100,
            body_len_max: 32 * 1_024 * 1_024,
            timeout_ms: 30_000,
            in_flight_max: 1_000,
            websockets_max: 1_000,
            drain_ms: 30_000,
        }
    }
}

/// How often may be asked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// By one network, whoever asks.
    pub network: Rate,
    /// By one tenant.
    pub tenant: Rate,
    /// By one user or key.
    pub actor: Rate,
}

/// So many a second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In the long run.
    pub per_second: f64,
    /// At once.
    pub burst: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            network: Rate { per_second: 200.0, burst: 400 },
            tenant: Rate { per_second: 2_000.0, burst: 4_000 },
            actor: Rate { per_second: 200.0, burst: 400 },
        }
    }
}

/// How much may be asked in a longer time, by who has said who they are; as much as anyone likes where it is left out. A process counts for itself, from
/// when it began.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// By one tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Quota>,
    /// By one user or key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Quota>,
}

/// So many requests in a window of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// How many.
    pub most: u64,
    /// The window.
    pub per: Period,
}

/// A window of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From a full hour on.
    Hour,
    /// From midnight on.
    Day,
    /// From the first of a month on.
    Month,
}

/// A service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// Where it is answered, as `http://127.0.0.1:7101`: any of them will do.
    pub endpoints: Vec<String>,
    /// What is asked to see whether an endpoint is well.
    #[serde(default = "health_path")]
    pub health: String,
    /// How often, milliseconds.
    #[serde(default = "health_ms")]
    pub health_ms: u64,
    /// What endpoints by `https` are trusted by, and what the gateway proves itself to them with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTlsFiles>,
}

const fn yes() -> bool {
    true
}

fn health_path() -> String {
    "/readyz".into()
}

const fn health_ms() -> u64 {
    2_000
}

/// Where what is asked goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// What the path begins with, up to a `/` or its end.
    pub prefix: String,
    /// The service.
    pub upstream: String,
    /// Whether it may be asked without a token.
    #[serde(default)]
    pub open: bool,
    /// Whether what is asked may go on as a WebSocket.
    #[serde(default)]
    pub websocket: bool,
    /// How much it matters where not everything can be answered.
    #[serde(default)]
    pub class: Class,
    /// How long an answer may take to begin, milliseconds; as for all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// How much a request matters where not everything can be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It is refused first.
    Batch,
    /// Someone waits for it.
    #[default]
    Interactive,
    /// Others depend on it: it is refused last.
    Control,
}

impl GatewayConfig {
    /// Reads and checks a file, in TOML.
    ///
    /// # Errors
    /// `gateway.config.malformed`; as [`GatewayConfig::check`].
    pub fn from_toml(text: &str) -> Result<Self> {
        let config: Self =
            toml::from_str(text).map_err(|e| Error::invalid("gateway.config.malformed", e.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Reads and checks a file, in TOML, where variables of the environment take precedence: `ARRAKIS_GATEWAY__LIMITS__TIMEOUT_MS` is `timeout_ms` of
    /// `[limits]`. A value is as TOML writes it, and a text may go without its quotes.
    ///
    /// # Errors
    /// As [`GatewayConfig::from_toml`]; `gateway.config.variable`.
    pub fn from_toml_with(text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let mut variables = variables.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)).peekable();
        if variables.peek().is_none() {
            return Self::from_toml(text);
        }
        let malformed = |e: toml::de::Error| Error::invalid("gateway.config.malformed", e.to_string());
        let mut table = text.parse().map_err(malformed)?;
        overlay(&mut table, variables)?;
        let config: Self = table.try_into().map_err(malformed)?;
        config.check()?;
        Ok(config)
    }

    /// Passes for a configuration that can be worked by.
    ///
    /// # Errors
    /// `gateway.config.*`, with the path of the first fault.
    pub fn check(&self) -> Result<()> {
        let Limits {
            connections_max,
            network_connections_max,
            header_timeout_ms,
            header_len_max,
            headers_max,
            body_len_max,
            timeout_ms,
            in_flight_max,
            websockets_max: _,
            drain_ms: _,
        } = self.limits;
        for (name, limit) in [
            ("connections_max", connections_max as u64),
            ("network_connections_max", network_connections_max as u64),
            ("header_timeout_ms", header_timeout_ms),
            ("header_len_max", header_len_max as u64),
            ("headers_max", headers_max as u64),
            ("body_len_max", body_len_max as u64),
            ("timeout_ms", timeout_ms),
            ("in_flight_max", in_flight_max as u64),
        ] {
            if limit == 0 {
                return Err(Error::invalid("gateway.config.limit", "a limit is above 0").at(name).at("limits"));
            }
        }
        for (name, Rate { per_second, burst }) in
            [("network", self.rates.network), ("tenant", self.rates.tenant), ("actor", self.rates.actor)]
        {
            if !per_second.is_finite() || per_second <= 0.0 || burst == 0 {
                let rate = "a rate is above 0 a second, with a burst of 1 or more";
                return Err(Error::invalid("gateway.config.rate", rate).at(name).at("rates"));
            }
        }
        for (name, quota) in [("tenant", self.quotas.tenant), ("actor", self.quotas.actor)] {
            if quota.is_some_and(|quota| quota.most == 0) {
                let quota = "a quota is of one request or more";
                return Err(Error::invalid("gateway.config.quota", quota).at(name).at("quotas"));
            }
        }
        if let Some(origin) = self.origins.iter().find(|origin| !is_origin(origin)) {
            let malformed = "an origin is a scheme, a host and perhaps a port, without a slash at the end";
            return Err(Error::invalid("gateway.config.origin", malformed).with("origin", origin).at("origins"));
        }
        self.check_upstreams()?;
        self.check_routes()
    }

    fn check_upstreams(&self) -> Result<()> {
        if self.upstreams.is_empty() || self.upstreams.len() > UPSTREAMS_MAX {
            let many = "there are 1 to 100 upstreams";
            return Err(Error::invalid("gateway.config.upstreams", many).with("upstreams_max", UPSTREAMS_MAX));
        }
        for (name, upstream) in &self.upstreams {
            let at = |error: Error| error.at(name).at("upstreams");
            let endpoints = &upstream.endpoints;
            if endpoints.is_empty() || endpoints.len() > UPSTREAMS_MAX {
                let many = "an upstream has 1 to 100 endpoints";
                return Err(at(Error::invalid("gateway.config.endpoints", many).with("endpoints_max", UPSTREAMS_MAX)));
            }
            for endpoint in endpoints {
                let malformed = "an endpoint is as http://127.0.0.1:7101, without a path";
                let malformed = || Error::invalid("gateway.config.endpoint", malformed).with("endpoint", endpoint);
                let (scheme, _) = endpoint_of(endpoint).ok_or_else(|| at(malformed()))?;
                if (scheme == Scheme::HTTPS) != upstream.tls.is_some() {
                    let trusted = "an endpoint by https is trusted by the authorities in `tls`, and only such a one";
                    return Err(at(Error::invalid("gateway.config.tls", trusted).with("endpoint", endpoint)));
                }
            }
            if !path::is_plain(&upstream.health) || upstream.health_ms < 100 {
                let health = "whether an endpoint is well is asked by a path, every 100 ms or more";
                return Err(at(Error::invalid("gateway.config.health", health)));
            }
        }
        Ok(())
    }

    fn check_routes(&self) -> Result<()> {
        if self.routes.is_empty() || self.routes.len() > ROUTES_MAX {
            let many = "there are 1 to 10000 routes";
            return Err(Error::invalid("gateway.config.routes", many).with("routes_max", ROUTES_MAX));
        }
        let mut prefixes = HashSet::new();
        for (index, route) in self.routes.iter().enumerate() {
            let at = |error: Error| error.at(format!("routes[{index}]"));
            let prefix = &route.prefix;
            if !path::is_plain(prefix) || (prefix.len() > 1 && prefix.ends_with('/')) {
                let malformed = "a prefix is a path without a slash at the end";
                return Err(at(Error::invalid("gateway.config.prefix", malformed).with("prefix", prefix)));
            }
            if path::is_internal(prefix) {
                let internal = "what processes of the deployment ask each other is not routed";
                return Err(at(Error::invalid("gateway.config.internal", internal).with("prefix", prefix)));
            }
            if !prefixes.insert(prefix) {
                return Err(at(
                    Error::invalid("gateway.config.twice", "two routes have this prefix").with("prefix", prefix)
                ));
            }
            if !self.upstreams.contains_key(&route.upstream) {
                let unknown = Error::invalid("gateway.config.upstream", "there is no such upstream");
                return Err(at(unknown.with("upstream", &route.upstream)));
            }
            if route.timeout_ms == Some(0) {
                return Err(at(Error::invalid("gateway.config.limit", "a limit is above 0").at("timeout_ms")));
            }
        }
        Ok(())
    }

    /// The schema of the file, with what each key is for and what it is when left out.
    #[cfg(feature = "openapi")]
    pub fn schema() -> schemars::Schema {
        schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator()
            .into_root_schema_for::<Self>()
    }

    /// The limits of its connections.
    ///
    /// # Errors
    /// `tls.*`.
    pub(crate) fn listen_options(&self) -> Result<ListenOptions> {
        Ok(ListenOptions {
            tls: self.tls.clone().map(Tls::read).transpose()?,
            is_proxied: self.proxy_protocol,
            connections_max: self.limits.connections_max,
            network_connections_max: self.limits.network_connections_max,
            header_timeout: Duration::from_millis(self.limits.header_timeout_ms),
            header_len_max: self.limits.header_len_max,
            streams_max: 100,
            drain: Duration::from_millis(self.limits.drain_ms),
        })
    }
}

/// The scheme and authority of an endpoint.
pub(super) fn endpoint_of(text: &str) -> Option<(Scheme, Authority)> {
    let uri: http::Uri = text.parse().ok()?;
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let scheme = uri.scheme().filter(|scheme| is_bare && [&Scheme::HTTP, &Scheme::HTTPS].contains(scheme))?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    Some((scheme.clone(), authority.clone()))
}

fn is_origin(origin: &str) -> bool {
    let uri: Option<http::Uri> = origin.parse().ok();
    uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some() && !origin.ends_with('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
listen = "127.0.0.1:0"
[upstreams.all]
endpoints = ["http://127.0.0.1:7101"]
[[routes]]
prefix = "/v1"
upstream = "all"
"#;

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let config = GatewayConfig::from_toml(SOUND).unwrap();
        assert_eq!((config.routes[0].class, config.limits.headers_max), (Class::Interactive, 100));
        for (from, to, code) in [
            ("listen", "lissen", "malformed"),
            ("prefix = \"/v1\"", "prefix = \"v1\"", "prefix"),
            ("prefix = \"/v1\"", "prefix = \"/v1/\"", "prefix"),
            ("prefix = \"/v1\"", "prefix = \"/v1/../x\"", "prefix"),
            ("prefix = \"/v1\"", "prefix = \"/internal/v1\"", "internal"),
            ("prefix = \"/v1\"", "prefix = \"/INTERNAL\"", "internal"),
            ("upstream = \"all\"", "upstream = \"some\"", "upstream"),
            ("http://127", "ftp://127", "endpoint"),
            (":7101\"", ":7101/x\"", "endpoint"),
            ("http://127", "https://127", "tls"),
            ("http://127", "http://a:b@127", "endpoint"),
            ("[upstreams.all]", "origins = [\"https://a/\"]\n[upstreams.all]", "origin"),
            ("[upstreams.all]", "[limits]\ntimeout_ms = 0\n[upstreams.all]", "limit"),
            ("[upstreams.all]", "[rates.actor]\nper_second = nan\nburst = 1\n[upstreams.all]", "rate"),
            ("[[routes]]", "[[routes]]\nprefix = \"/v1\"\nupstream = \"all\"\n[[routes]]", "twice"),
        ] {
            assert!(SOUND.contains(from), "{from}");
            let error = GatewayConfig::from_toml(&SOUND.replace(from, to)).unwrap_err();
            assert_eq!(error.code(), format!("gateway.config.{code}"), "{to}");
        }
    }
}
