//! Text a terminal shows as it is.

use std::borrow::Cow;

/// The text with control characters escaped, so that stored data can neither move the cursor nor break a line.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        assert_eq!(printable("a\nb\t\u{1b}[0m\u{9b}"), "a\\nb\\t\\u{1b}[0m\\u{9b}");
        assert!(matches!(printable("Besançon \"x\" 日本"), Cow::Borrowed(_)));
    }
}
