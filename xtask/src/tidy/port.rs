//! Ports stay small: a trait that grows past a handful of methods has two roles and is two traits.

use super::{Finding, rust::Rust};

/// The most methods a port or service trait may have.
const METHODS_MAX: usize = 8;

pub(super) fn check(path: &str, rust: &Rust<'_>) -> Vec<Finding> {
    if !path.starts_with("arrakis-core/src/") {
        return Vec::new();
    }
    rust.words("trait").into_iter().filter_map(|at| too_many_methods(path, rust, at)).collect()
}

fn too_many_methods(path: &str, rust: &Rust<'_>, at: usize) -> Option<Finding> {
    if !is_async_and_public(rust.code.get(..at)?) {
        return None;
    }
    let after = rust.code_from(at).strip_prefix("trait")?.trim_start();
    let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    let (open, close) = rust.body(at)?;
    let methods = rust.words("fn").into_iter().filter(|method| is_method(rust, open, close, *method)).count();
    let message = format!("`{name}` has {methods} methods, at most {METHODS_MAX}");
    (methods > METHODS_MAX).then(|| Finding::new(path, rust.line_at(at), "port-size", message))
}

/// Whether what stands before `trait` is `pub`, below an `#[async_trait]` of the same item.
fn is_async_and_public(before: &str) -> bool {
    let Some(attributes) = before.trim_end().strip_suffix("pub") else {
        return false;
    };
    let start = attributes.rfind([';', '}', '{']).map_or(0, |end| end + 1);
    attributes.get(start..).is_some_and(|attributes| attributes.contains("async_trait"))
}

/// Whether a `fn` stands in the trait itself, not in the default body of another method or in a parameter's type.
fn is_method(rust: &Rust<'_>, open: usize, close: usize, at: usize) -> bool {
    let between = rust.code.get(open + 1..at).filter(|_| open < at && at < close);
    let depth = |between: &str| {
        let opened = between.matches(['{', '(']).count();
        opened - between.matches(['}', ')']).count().min(opened)
    };
    between.is_some_and(|between| depth(between) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(methods: usize, attribute: &str) -> String {
        let method =
            "    /// Reads; fn in words.\n    async fn read(&self, f: &dyn Fn(fn())) -> u8 { fn inner() {} 3 }\n";
        format!("use x::{{y}};\n{attribute}\npub trait Store: Send {{\n{}}}\n", method.repeat(methods))
    }

    fn lines(text: &str) -> Vec<usize> {
        check("arrakis-core/src/store.rs", &Rust::read(text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn large_ports_are_found() {
        assert_eq!(lines(&port(9, "#[async_trait]")), [3]);
        assert_eq!(lines(&port(9, "#[async_trait::async_trait]\n#[doc(notable_trait)]")), [4]);
    }

    #[test]
    fn small_ports_and_other_traits_pass() {
        assert_eq!(lines(&port(8, "#[async_trait]")), [] as [usize; 0]);
        assert_eq!(lines(&port(9, "")), [] as [usize; 0]);
    }
}
