//! What differs from run to run, in place of which a transcript says what it is.

/// Each pattern: `d` a digit, `h` a hexadecimal digit, anything else itself.
const PATTERNS: [(&str, &str); 2] =
    [("dddd-dd-ddTdd:dd:dd.ddddddZ", "<time>"), ("hhhhhhhh-hhhh-7hhh-hhhh-hhhhhhhhhhhh", "<id>")];
/// What stands before a cursor.
const BEFORE_CURSOR: [&str; 3] = ["--cursor ", "\"next\":\"", "--cursor="];

pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((pattern, name)) = PATTERNS.into_iter().find(|(pattern, _)| matches(rest, pattern)) {
            masked.push_str(name);
            rest = &rest[pattern.len()..];
            // Tables are as wide as what they hold, so the mask is.
            masked.extend(std::iter::repeat_n('.', pattern.len() - name.len()));
            continue;
        }
        if let Some(before) = BEFORE_CURSOR.into_iter().find(|before| rest.starts_with(before)) {
            masked.push_str(before);
            rest = &rest[before.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
            if end > 20 {
                masked.push_str("<cursor>");
                rest = &rest[end..];
            }
            continue;
        }
        masked.push(first);
        rest = &rest[first.len_utf8()..];
    }
    masked
}

fn matches(text: &str, pattern: &str) -> bool {
    let class = |byte: u8, class: u8| match class {
        b'd' => byte.is_ascii_digit(),
        b'h' => byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase(),
        other => byte == other,
    };
    text.len() >= pattern.len() && text.bytes().zip(pattern.bytes()).all(|(byte, of)| class(byte, of))
}

#[test]
fn times_ids_and_cursors_are_masked() {
    assert_eq!(
        mask(
            "at 2026-11-22T19:16:31.000000Z by 0192f0c0-0000-7000-8000-000000000001, --cursor XlrLDGU3YhflBe7QRDzk7-IPti2J."
        ),
        "at <time>..................... by <id>................................, --cursor <cursor>."
    );
    assert_eq!(mask("2026-11-22 --cursor abc é"), "2026-11-22 --cursor abc é");
}
