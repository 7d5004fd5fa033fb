//! Paths: one form each, so that whoever looks at one sees the same as everyone else.

use arrakis_core::{Error, Result};

/// Passes for a path that can be understood in one way only.
///
/// # Errors
/// `gateway.path`.
pub(super) fn check(path: &str) -> Result<()> {
    let refused = |why: &'static str| Err(Error::invalid("gateway.path", why));
    if !path.starts_with('/') {
        return refused("a path begins with a slash");
    }
    let mut rest = path;
    while let Some((_, escaped)) = rest.split_once('%') {
        let Some(byte) =
            escaped.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+')))
        else {
            return refused("a % in a path is followed by two hexadecimal digits");
        };
        // What is escaped must not turn into what separates, nor be escaped once more.
        if matches!(byte, b'/' | b'\\' | b'%' | b'.' | b';' | 0x7f) || byte < 0x20 {
            return refused("a path escapes neither what separates its parts nor control characters");
        }
        rest = escaped;
    }
    if path.bytes().any(|byte| byte == b'\\' || byte == b';' || !(0x21..0x7f).contains(&byte)) {
        return refused("a path has visible characters, and neither a backslash nor a semicolon");
    }
    if path.split('/').skip(1).any(|part| matches!(part, "." | "..")) || path.contains("//") {
        return refused("a path has no empty and no relative parts");
    }
    Ok(())
}

/// Whether a path is one a configuration may state.
pub(super) fn is_plain(path: &str) -> bool {
    check(path).is_ok() && !path.contains(['%', '?', '#'])
}

/// Whether a path is one that processes of a deployment ask each other by.
pub(super) fn is_internal(path: &str) -> bool {
    path.split('/').nth(1).is_some_and(|part| part.eq_ignore_ascii_case("internal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_understood_in_one_way_or_refused() {
        for path in ["/", "/v1/objects/City/S%C3%A3o%20Paulo", "/v1/a.b/c-d_e~f", "/.well-known/jwks.json", "/a/"] {
            assert!(check(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "v1",
            "*",
            "//",
            "/v1//x",
            "/v1/../x",
            "/v1/./x",
            "/..",
            "/v1/%2e%2e/x",
            "/v1/%2E./x",
            "/v1/%2fx",
            "/v1/%2Fx",
            "/v1/%5cx",
            "/v1\\x",
            "/v1/%252e",
            "/v1/%00",
            "/v1/%0d%0a",
            "/v1/%7f",
            "/v1/%",
            "/v1/%1",
            "/v1/%zz",
            "/v1/%+1",
            "/v1;x=1/y",
            "/v1/%3bx",
            "/v1/a b",
            "/v1/\u{e9}",
            "/v1/\u{0}",
        ] {
            assert_eq!(check(path).unwrap_err().code(), "gateway.path", "{path:?}");
        }
        assert!(is_internal("/internal/v1") && is_internal("/Internal") && !is_internal("/v1/internal"));
    }
}
