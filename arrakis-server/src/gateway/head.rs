//! Heads of requests and answers: what is at fault is refused, and what must not cross the gateway is taken out.

use std::net::IpAddr;

use arrakis_core::{Error, Result};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Version};

use super::websocket;
use crate::api::{ARK_CLIENT_IP, REQUEST_ID};
use crate::peer::PEER_SCHEME;

/// Headers about one connection, which end with it (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];
/// What only a gateway says of where a request comes from.
const FORWARDING: [&str; 9] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-real-ip",
    "x-original-url",
    "x-rewrite-url",
];
/// What an answer does not tell of who gave it.
const TELLING: [&str; 4] = ["server", "via", "x-powered-by", "alt-svc"];

/// Passes for a head whose body has one length and that asks one host something that is offered.
///
/// # Errors
/// `gateway.framing`, `gateway.headers`, `gateway.upgrade`, `gateway.peer`.
pub(super) fn check(parts: &http::request::Parts, headers_max: usize) -> Result<()> {
    let headers = &parts.headers;
    let framing = |why: &'static str| Err(Error::invalid("gateway.framing", why));
    if headers.len() > headers_max {
        let many = Error::invalid("gateway.headers", "a request has fewer headers");
        return Err(many.with("headers_max", headers_max));
    }
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    if headers.contains_key(header::TRANSFER_ENCODING) && (lengths > 0 || parts.version != Version::HTTP_11) {
        return framing("the length of a body is stated in one way");
    }
    if lengths > 1 || headers.get_all(header::HOST).iter().count() > 1 {
        return framing("the length and the host of a request are stated once");
    }
    if parts.version == Version::HTTP_11 && !headers.contains_key(header::HOST) {
        return framing("a request states its host");
    }
    let is_other = headers.contains_key(header::UPGRADE) && !websocket::is_asked(parts);
    if parts.method == Method::CONNECT || parts.method == Method::TRACE || is_other {
        return Err(Error::invalid("gateway.upgrade", "neither tunnels nor other protocols are offered here"));
    }
    let is_peer = |value: &HeaderValue| value.as_bytes().starts_with(PEER_SCHEME.trim_end().as_bytes());
    if headers.get_all(header::AUTHORIZATION).iter().any(is_peer) {
        return Err(Error::invalid("gateway.peer", "processes of the deployment do not ask through the gateway"));
    }
    Ok(())
}

/// Whether a head says that a body follows it.
pub(super) fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// Where a request comes from: the address its connection was accepted from, or what the last of so many trusted proxies says of the one before it.
pub(super) fn client_of(headers: &HeaderMap, connected: IpAddr, trusted_hops: usize) -> IpAddr {
    if trusted_hops == 0 {
        return connected;
    }
    let said: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    // Each proxy adds who asked it at the end; what stands before the trusted ones' entries anyone may have written.
    let at = said.len().checked_sub(trusted_hops);
    at.and_then(|at| said.get(at)).and_then(|address| address.parse().ok()).unwrap_or(connected)
}

/// Takes out what ends here, and what is for the gateway to say.
pub(super) fn scrub_request(headers: &mut HeaderMap) {
    strip_named_by_connection(headers);
    let own = [REQUEST_ID, ARK_CLIENT_IP, "expect", "transfer-encoding"];
    remove_those(headers, |name| {
        [&HOP_BY_HOP[..], &FORWARDING, &own].iter().any(|names| names.contains(&name)) || name.starts_with("x-ark-")
    });
}

/// Takes out what ends here, and what is nobody's business.
pub(super) fn scrub_answer(headers: &mut HeaderMap) {
    strip_named_by_connection(headers);
    remove_those(headers, |name| HOP_BY_HOP.contains(&name) || TELLING.contains(&name) || name == "transfer-encoding");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// A head has few of these, if any: looking at those it has is quicker than looking for each there might be.
fn remove_those(headers: &mut HeaderMap, is_one: impl Fn(&str) -> bool) {
    let found: Vec<HeaderName> = headers.keys().filter(|name| is_one(name.as_str())).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

fn strip_named_by_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse::<HeaderName>().ok())
        // What decides who asks and what is cut off is not for a client to have taken out.
        .filter(|name| !matches!(name.as_str(), "authorization" | "host" | "content-length" | "ark-tenant"))
        .collect();
    for name in named {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&'static str, &str)]) -> http::request::Parts {
        let request =
            headers.iter().fold(http::Request::builder(), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_head_that_means_two_things_is_refused() {
        assert!(check(&parts(&[("host", "a"), ("content-length", "1")]), 10).is_ok());
        for (headers, code) in [
            (&[("host", "a"), ("content-length", "1"), ("transfer-encoding", "chunked")][..], "gateway.framing"),
            (&[("host", "a"), ("content-length", "1"), ("content-length", "1")], "gateway.framing"),
            (&[("host", "a"), ("host", "b")], "gateway.framing"),
            (&[], "gateway.framing"),
            (&[("host", "a"), ("upgrade", "h2c")], "gateway.upgrade"),
            (&[("host", "a"), ("authorization", "Ark-Peer x.y")], "gateway.peer"),
            (&[("host", "a"), ("x", "1"), ("x", "2"), ("x", "3"), ("x", "4")], "gateway.headers"),
        ] {
            assert_eq!(check(&parts(headers), 4).unwrap_err().code(), code, "{headers:?}");
        }
    }

    #[test]
    fn where_a_request_comes_from_is_said_by_who_is_trusted() {
        let connected: IpAddr = "10.0.0.9".parse().unwrap();
        let of = |value: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(value))])
        };
        let forged = of("1.1.1.1, 2.2.2.2, 3.3.3.3");
        for (hops, expected) in [(0, "10.0.0.9"), (1, "3.3.3.3"), (2, "2.2.2.2"), (3, "1.1.1.1"), (4, "10.0.0.9")] {
            assert_eq!(client_of(&forged, connected, hops), expected.parse::<IpAddr>().unwrap(), "{hops}");
        }
        assert_eq!(client_of(&of("junk"), connected, 1), connected);
        assert_eq!(client_of(&HeaderMap::new(), connected, 1), connected);
    }

    #[test]
    fn what_ends_at_the_gateway_is_taken_out() {
        let mut headers = parts(&[
            ("connection", "x-secret, authorization, keep-alive"),
            ("x-secret", "1"),
            ("authorization", "Bearer x"),
            ("x-forwarded-for", "1.1.1.1"),
            ("forwarded", "for=1"),
            ("ark-client-ip", "1.1.1.1"),
            ("x-ark-tenant", "t"),
            ("te", "trailers"),
            ("accept", "a"),
        ])
        .headers;
        scrub_request(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "authorization"]);
    }
}
