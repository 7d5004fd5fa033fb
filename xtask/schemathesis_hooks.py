"""What `cargo xtask schemathesis` does not ask."""

import schemathesis


@schemathesis.hook
def filter_case(_context, case):
    """A header nobody knows is ignored, as HTTP has it (RFC 9110, 5.1); the tool expects it to be refused."""
    return "x-schemathesis-unknown-property" not in (case.headers or {})
