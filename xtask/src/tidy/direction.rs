//! Who may depend on whom. The root package wires; storage, bus and server know only the core; the core knows nobody but
//! the macros it exports, and does no input or output.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;

/// Each package and the packages of this workspace it may depend on, for whatever purpose.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("arrakis-core", &["arrakis-derive"]),
    ("arrakis-derive", &[]),
    ("arrakis-storage", &["arrakis-core"]),
    ("arrakis-bus", &["arrakis-core"]),
    ("arrakis-server", &["arrakis-core"]),
    ("arrakis", &["arrakis-core", "arrakis-storage", "arrakis-bus", "arrakis-server"]),
    // Measures beside others what an application would use.
    ("arrakis-authz", &["arrakis", "arrakis-core"]),
    ("xtask", &[]),
];

/// The packages whose tests and benches may use the servers and the proxy of `xtask`.
const TESTED_AGAINST_SERVERS: [&str; 3] = ["arrakis-storage", "arrakis-bus", "arrakis"];

/// Crates that read or write something outside the process; the core reaches none of them, however indirectly.
const IO_CRATES: [&str; 22] = [
    "async-nats",
    "async-std",
    "aws-config",
    "axum",
    "fred",
    "hyper",
    "isahc",
    "libsqlite3-sys",
    "mio",
    "postgres",
    "redis",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio-postgres",
    "tonic",
    "tower",
    "tungstenite",
    "ureq",
];

/// Features of tokio that reach outside the process.
const TOKIO_IO: [&str; 6] = ["fs", "full", "io-std", "net", "process", "signal"];

/// Checks what `cargo metadata` says.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let packages = packages(metadata);
    let mut findings: Vec<Finding> = packages.values().flat_map(|package| directions(package)).collect();
    if let Some(core) = packages.values().find(|package| package.name == "arrakis-core") {
        findings.extend(io_crates(metadata, &packages, core));
        findings.extend(tokio_features(core));
    }
    findings
}

struct Package<'a> {
    id: &'a str,
    name: &'a str,
    /// Whether it is of this workspace, rather than from a registry.
    is_local: bool,
    json: &'a Value,
}

impl Package<'_> {
    fn finding(&self, message: String) -> Finding {
        let file = match self.name {
            "arrakis" => "Cargo.toml".to_owned(),
            "arrakis-authz" => "benches/authz/Cargo.toml".to_owned(),
            "arrakis-derive" => "arrakis-core/derive/Cargo.toml".to_owned(),
            name => format!("{name}/Cargo.toml"),
        };
        Finding::new(&file, 1, "direction", message)
    }
}

fn packages(metadata: &Value) -> BTreeMap<&str, Package<'_>> {
    let read = |json| {
        let id = text(json, "id");
        let package = Package { id, name: text(json, "name"), is_local: text(json, "source").is_empty(), json };
        (id, package)
    };
    list(metadata, "packages").map(read).collect()
}

fn directions(package: &Package<'_>) -> Vec<Finding> {
    if !package.is_local {
        return Vec::new();
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
        return vec![package.finding(format!("`{}` has no place in the crate direction", package.name))];
    };
    let local = |name: &&str| ALLOWED.iter().any(|(local, _)| local == name) && *name != package.name;
    let for_tests = |json: &Value| {
        let is_tested = TESTED_AGAINST_SERVERS.contains(&package.name);
        is_tested && text(json, "name") == "xtask" && text(json, "kind") == "dev"
    };
    let others = list(package.json, "dependencies").filter(|json| !for_tests(json));
    let wanted: BTreeSet<&str> = others.map(|json| text(json, "name")).filter(local).collect();
    let wrong = wanted.into_iter().filter(|name| !allowed.contains(name));
    wrong.map(|name| package.finding(format!("`{}` must not depend on `{name}`", package.name))).collect()
}

/// The crates for input and output that the core reaches through normal and build dependencies.
fn io_crates(metadata: &Value, packages: &BTreeMap<&str, Package<'_>>, core: &Package<'_>) -> Vec<Finding> {
    let Some(resolve) = metadata.get("resolve") else {
        return vec![core.finding("cargo metadata resolved nothing".to_owned())];
    };
    let nodes: BTreeMap<&str, &Value> = list(resolve, "nodes").map(|node| (text(node, "id"), node)).collect();
    let mut reached = BTreeSet::new();
    let mut open = vec![core.id];
    while let Some(id) = open.pop() {
        let is_tokio = packages.get(id).is_some_and(|package| package.name == "tokio");
        // What tokio reaches here is what the features others ask of it bring: the core's own are looked at by themselves.
        if reached.insert(id) && !is_tokio {
            let edges = nodes.get(id).into_iter().flat_map(|node| list(node, "deps"));
            open.extend(edges.filter(|edge| !is_only_for_tests(edge)).map(|edge| text(edge, "pkg")));
        }
    }
    let names: BTreeSet<&str> = reached.iter().filter_map(|id| packages.get(id)).map(|package| package.name).collect();
    let wrong = names.into_iter().filter(|name| IO_CRATES.contains(name));
    wrong.map(|name| core.finding(format!("the core must not reach `{name}`, which does input or output"))).collect()
}

fn is_only_for_tests(edge: &Value) -> bool {
    list(edge, "dep_kinds").all(|kind| text(kind, "kind") == "dev")
}

fn tokio_features(core: &Package<'_>) -> Vec<Finding> {
    let declared = list(core.json, "dependencies").filter(|json| text(json, "name") == "tokio");
    let enabled = declared.flat_map(|json| list(json, "features")).filter_map(Value::as_str);
    let own = core.json.get("features").and_then(Value::as_object).into_iter().flat_map(|own| own.values());
    let by_own = own.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    let by_own = by_own.filter_map(|feature| feature.strip_prefix("tokio/"));
    let wrong: BTreeSet<&str> = enabled.chain(by_own).filter(|feature| TOKIO_IO.contains(feature)).collect();
    wrong.into_iter().map(|feature| core.finding(format!("the core must not use tokio's `{feature}`"))).collect()
}

fn list<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    json.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &[(&str, &[&str])]) -> Value {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|(name, features)| json!({ "name": name, "features": features })).collect();
        json!({ "id": name, "name": name, "source": null, "dependencies": dependencies, "features": {} })
    }

    fn edge(to: &str, kind: Option<&str>) -> Value {
        json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] })
    }

    fn messages(metadata: &Value) -> Vec<String> {
        check(metadata).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let storage = package("arrakis-storage", &[("arrakis-core", &[]), ("arrakis-bus", &[])]);
        assert_eq!(
            messages(&json!({ "packages": [storage] })),
            ["arrakis-storage/Cargo.toml:1: direction: `arrakis-storage` must not depend on `arrakis-bus`"]
        );
    }

    #[test]
    fn only_tests_use_the_servers_of_the_tests() {
        let dependency = |kind: Option<&str>| json!({ "name": "xtask", "kind": kind, "features": [] });
        let with = |name: &str, kinds: &[Option<&str>]| {
            let dependencies: Vec<Value> = kinds.iter().map(|kind| dependency(*kind)).collect();
            json!({ "id": name, "name": name, "source": null, "dependencies": dependencies, "features": {} })
        };
        let right = ["arrakis-storage", "arrakis-bus", "arrakis"].map(|name| with(name, &[Some("dev")]));
        assert_eq!(messages(&json!({ "packages": right })), [] as [&str; 0]);
        let bus = with("arrakis-bus", &[None, Some("dev")]);
        let server = with("arrakis-server", &[Some("dev")]);
        assert_eq!(
            messages(&json!({ "packages": [bus, server] })),
            [
                "arrakis-bus/Cargo.toml:1: direction: `arrakis-bus` must not depend on `xtask`",
                "arrakis-server/Cargo.toml:1: direction: `arrakis-server` must not depend on `xtask`",
            ]
        );
    }

    #[test]
    fn the_core_exports_macros_that_know_nothing_of_it() {
        let core = package("arrakis-core", &[("arrakis-derive", &[])]);
        let derive = package("arrakis-derive", &[("arrakis-core", &[])]);
        let metadata = json!({ "packages": [core, derive], "resolve": { "nodes": [] } });
        assert_eq!(
            messages(&metadata),
            ["arrakis-core/derive/Cargo.toml:1: direction: `arrakis-derive` must not depend on `arrakis-core`"]
        );
    }

    #[test]
    fn a_core_that_does_io_is_found() {
        let core = package("arrakis-core", &[("cache", &[]), ("tokio", &["net", "sync"])]);
        let elsewhere = |name: &str| json!({ "id": name, "name": name, "source": "registry" });
        let nodes = json!([
            { "id": "arrakis-core", "deps": [edge("cache", None), edge("ureq", Some("dev"))] },
            { "id": "cache", "deps": [edge("redis", None)] },
        ]);
        let packages = json!([core, elsewhere("cache"), elsewhere("redis"), elsewhere("ureq")]);
        assert_eq!(
            messages(&json!({ "packages": packages, "resolve": { "nodes": nodes } })),
            [
                "arrakis-core/Cargo.toml:1: direction: the core must not reach `redis`, which does input or output",
                "arrakis-core/Cargo.toml:1: direction: the core must not use tokio's `net`",
            ]
        );
    }

    #[test]
    fn the_root_package_may_wire_and_a_stranger_may_not_join() {
        let root = package("arrakis", &[("arrakis-core", &[]), ("arrakis-storage", &[]), ("arrakis", &[])]);
        let stranger = package("arrakis-extra", &[]);
        assert_eq!(
            messages(&json!({ "packages": [root, stranger] })),
            ["arrakis-extra/Cargo.toml:1: direction: `arrakis-extra` has no place in the crate direction"]
        );
    }
}
