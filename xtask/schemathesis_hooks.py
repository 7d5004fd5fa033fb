"""What `cargo xtask schemathesis` does not ask."""

import schemathesis


@schemathesis.hook
def filter_case(_context, case):
    """A header nobody knows is ignored, as HTTP has it (RFC 9110, 5.1); the tool expects it to be refused."""
    return "x-schemathesis-unknown-property" not in (case.headers or {})


@schemathesis.check
def unavailable_is_meant(_ctx, response, case):
    """The one 503 that a request alone brings about: it asks for a commit that has not arrived."""
    if response.status_code == 503:
        code = response.json()["code"]
        assert code == "kernel.at_least.behind", f"{case.operation.label}: {code}"
