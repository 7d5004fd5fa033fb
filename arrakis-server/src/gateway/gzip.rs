//! Answers in gzip (RFC 1952), to whoever takes it, where it pays.

use std::io::Write as _;

use axum::body::Bytes;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};

/// The shortest body that is worth it, bytes.
const LEN_MIN: u64 = 1_024;
/// Between the fastest and the best.
const LEVEL: u32 = 4;
/// What becomes much shorter; events are not among it, for each is told as it comes.
const MEDIA_TYPES: [&str; 6] =
    ["application/json", "application/x-ndjson", "application/yaml", "text/html", "text/plain", "text/css"];

/// Whether whoever asks takes it.
pub(super) fn is_taken(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut named, mut any) = (None, None);
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = |part: &str| {
            part.strip_prefix("q=").is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        };
        let is_taken = !parts.any(refused);
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            named = Some(is_taken);
        } else if name == "*" {
            any = Some(is_taken);
        }
    }
    named.or(any).unwrap_or(false)
}

/// Says that the answer is in gzip from here on, if it is taken and pays; answers what makes it then.
pub(super) fn begin(response: &mut Response, is_taken: bool) -> Option<Gzip> {
    let status = response.status();
    let headers = response.headers_mut();
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).and_then(|of| of.split(';').next()).unwrap_or_default().trim();
    let pays = MEDIA_TYPES.iter().any(|of| of.eq_ignore_ascii_case(media_type))
        && text(header::CONTENT_LENGTH)
            .and_then(|length| length.parse().ok())
            .is_none_or(|length: u64| length >= LEN_MIN);
    let is_whole = status.is_success() && !matches!(status, StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT);
    let is_fixed = headers.contains_key(header::CONTENT_ENCODING)
        || text(header::CACHE_CONTROL).is_some_and(|of| of.contains("no-transform"));
    if !pays || !is_whole || is_fixed {
        return None;
    }
    // Said to those who do not take it as well, for the sake of whoever keeps answers.
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_taken {
        return None;
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Some(Gzip(GzEncoder::new(Vec::new(), Compression::new(LEVEL))))
}

/// What makes it, chunk by chunk.
pub(super) struct Gzip(GzEncoder<Vec<u8>>);

impl Gzip {
    /// What is sent for a chunk: all of it, so that lines are told as they come.
    pub(super) fn chunk(&mut self, chunk: &[u8]) -> Bytes {
        // A buffer in memory takes all it is given.
        let _ = self.0.write_all(chunk).and_then(|()| self.0.flush());
        std::mem::take(self.0.get_mut()).into()
    }

    /// What is sent at the end.
    pub(super) fn end(self) -> Bytes {
        self.0.finish().unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::body::Body;
    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn it_is_taken_where_it_is_named_and_not_refused() {
        for (text, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("deflate", false),
            ("gzip;q=0", false),
            ("gzip; q=0.0, *", false),
            ("*;q=0", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(text))]);
            assert_eq!(is_taken(&headers), expected, "{text}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }

    #[test]
    fn only_what_becomes_shorter_is_made_so() {
        let answer = |headers: &[(&'static str, &str)], status: u16| {
            let builder = Response::builder().status(status);
            let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
            builder.body(Body::empty()).unwrap()
        };
        let json = ("content-type", "application/json; charset=utf-8");
        for (headers, status, expected) in [
            (&[json][..], 200, true),
            (&[json, ("content-length", "1024")], 200, true),
            (&[json, ("content-length", "1023")], 200, false),
            (&[json], 304, false),
            (&[json], 206, false),
            (&[json, ("content-encoding", "br")], 200, false),
            (&[json, ("cache-control", "no-transform")], 200, false),
            (&[("content-type", "text/event-stream")], 200, false),
            (&[("content-type", "image/png")], 200, false),
        ] {
            let mut taken = answer(headers, status);
            assert_eq!(begin(&mut taken, true).is_some(), expected, "{headers:?} {status}");
            assert_eq!(taken.headers().contains_key("vary"), expected);
            assert_eq!(taken.headers().get("content-encoding").is_some_and(|of| of == "gzip"), expected);
            assert!(!expected || !taken.headers().contains_key("content-length"));
            assert!(begin(&mut answer(headers, status), false).is_none());
        }
    }

    #[test]
    fn each_chunk_is_told_at_once() {
        let mut gzip = Gzip(GzEncoder::new(Vec::new(), Compression::new(LEVEL)));
        let (one, two) = (gzip.chunk(b"one\n"), gzip.chunk(b"two\n"));
        let mut partial = GzDecoder::new(&*one);
        let mut heard = [0; 4];
        partial.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"one\n");
        let whole: Vec<u8> = [&*one, &*two, &*gzip.end()].concat();
        let mut text = String::new();
        GzDecoder::new(&*whole).read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }
}
