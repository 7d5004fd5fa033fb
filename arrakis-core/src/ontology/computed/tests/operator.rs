//! Each operator: what it gives, where it is refused, and what an absent operand does.

use std::collections::BTreeSet;

use super::{TYPES, value_of, values_of};

/// A property, an expression, and the value or the code of the refusal.
type Case = (&'static str, &'static str, &'static str);

const OVERFLOW: &str = "kernel.action.overflow";
const BY_ZERO: &str = "kernel.action.division_by_zero";
const MISTYPED: &str = "ontology.action.type";

const LEAVES: &[Case] = &[
    ("number", "{parameter: number}", "7"),
    ("number", "{property: number}", "7"),
    ("number", "{parameter_property: {parameter: o, property: number}}", "7"),
    ("text", "{parameter: o}", r#""k1""#),
    ("text", "actor", r#""user:alice""#),
    ("at", "now", r#""2026-11-22T23:59:59.999999Z""#),
    ("number", "{literal: 3}", "3"),
    ("number", "{literal: null}", "null"),
    // A decimal or an integer where a decimal is expected keeps its value, or is refused.
    ("rate", "{parameter: money}", r#""12.340000""#),
    ("rate", "{parameter: number}", r#""7.000000""#),
    ("money", "{parameter: most}", OVERFLOW),
    ("money", "{parameter: full}", OVERFLOW),
    ("money", "{parameter: rate}", MISTYPED),
    ("number", "{parameter: full}", MISTYPED),
    ("ratio", "{parameter: number}", MISTYPED),
];

const SUMS: &[Case] = &[
    ("number", "{add: [{parameter: number}, {literal: -9}, {property: number}]}", "5"),
    ("number", "{add: [{parameter: most}, {parameter: number}]}", OVERFLOW),
    ("ratio", "{add: [{parameter: ratio}, {literal: 0.25}]}", "2.75"),
    ("ratio", "{add: [{parameter: huge}, {parameter: huge}]}", OVERFLOW),
    ("ratio", "{add: [{parameter: ratio}, {parameter: number}]}", MISTYPED),
    ("ratio", "{add: [{parameter: ratio}, {parameter: money}]}", MISTYPED),
    ("money", "{add: [{parameter: money}, {parameter: number}]}", r#""19.34""#),
    ("rate", "{add: [{parameter: money}, {parameter: rate}, {literal: '0.001'}]}", r#""12.531000""#),
    ("money", "{add: [{parameter: money}, {literal: '0.005'}]}", MISTYPED),
    ("money", "{add: [{parameter: money}, {parameter: rate}]}", MISTYPED),
    ("full", "{add: [{parameter: full}, {literal: 1}]}", OVERFLOW),
    // The sum has one digit more than the property may have.
    ("money", "{add: [{literal: '99999999.99'}, {parameter: money}]}", OVERFLOW),
    ("took", "{add: [{parameter: took}, {literal: PT30M}]}", r#""PT2H""#),
    ("at", "{add: [{parameter: at}, {parameter: took}, {literal: PT1S}]}", r#""2026-11-22T20:46:32.250000Z""#),
    ("at", "{add: [now, {literal: PT87600000H}]}", OVERFLOW),
    ("at", "{add: [{parameter: took}, {parameter: at}]}", MISTYPED),
    ("number", "{subtract: [{parameter: number}, {literal: 9}]}", "-2"),
    ("number", "{subtract: [{parameter: least}, {parameter: number}]}", OVERFLOW),
    ("ratio", "{subtract: [{parameter: ratio}, {parameter: ratio}]}", "0.0"),
    ("money", "{subtract: [{literal: 20}, {parameter: money}]}", r#""7.66""#),
    ("took", "{subtract: [{parameter: took}, {literal: PT2H}]}", r#""-PT30M""#),
    ("at", "{subtract: [{parameter: at}, {parameter: took}]}", r#""2026-11-22T17:46:31.250000Z""#),
    ("at", "{subtract: [{parameter: at}, {literal: PT31S}]}", r#""2026-11-22T19:16:00.250000Z""#),
    ("took", "{subtract: [now, {parameter: at}]}", r#""PT4H43M28.749999S""#),
    ("took", "{subtract: [{literal: '2026-11-22T19:16:32Z'}, {parameter: at}]}", r#""PT0.75S""#),
    ("number", "{subtract: [{parameter: day}, {literal: 2023-03-01}]}", "365"),
    ("number", "{subtract: [{literal: 2025-03-01}, {parameter: day}]}", "366"),
    ("number", "{negate: {parameter: number}}", "-7"),
    ("number", "{negate: {parameter: least}}", OVERFLOW),
    ("ratio", "{negate: {parameter: ratio}}", "-2.5"),
    ("ratio", "{negate: {subtract: [{parameter: ratio}, {parameter: ratio}]}}", "0.0"),
    ("money", "{negate: {parameter: money}}", r#""-12.34""#),
    ("took", "{negate: {parameter: took}}", r#""-PT1H30M""#),
    ("number", "{abs: {negate: {parameter: number}}}", "7"),
    ("number", "{abs: {parameter: least}}", OVERFLOW),
    ("ratio", "{abs: {negate: {parameter: ratio}}}", "2.5"),
    ("money", "{abs: {negate: {parameter: money}}}", r#""12.34""#),
    ("took", "{abs: {negate: {parameter: took}}}", r#""PT1H30M""#),
];

const PRODUCTS: &[Case] = &[
    ("number", "{multiply: [{parameter: number}, {literal: -3}]}", "-21"),
    ("number", "{multiply: [{parameter: least}, {literal: -1}]}", OVERFLOW),
    ("ratio", "{multiply: [{parameter: ratio}, {literal: 4}]}", "10.0"),
    ("ratio", "{multiply: [{parameter: huge}, {literal: 2}]}", OVERFLOW),
    ("took", "{multiply: [{parameter: took}, {literal: 2}]}", r#""PT3H""#),
    ("took", "{multiply: [{literal: 2}, {parameter: took}]}", r#""PT3H""#),
    ("took", "{multiply: [{parameter: took}, {parameter: most}]}", OVERFLOW),
    // 12.34 × 0.19 = 2.3446
    ("money", "{multiply: [{parameter: money}, {parameter: rate}]}", r#""2.34""#),
    ("rate", "{multiply: [{parameter: money}, {parameter: rate}]}", r#""2.344600""#),
    ("money", "{multiply: [{parameter: number}, {parameter: money}]}", r#""86.38""#),
    // 12.34 × 1.25 = 15.425, and half to even twice.
    ("money", "{multiply: [{parameter: money}, {literal: '1.25'}]}", r#""15.42""#),
    ("money", "{multiply: [{literal: '0.5'}, {add: [{parameter: money}, {literal: '0.01'}]}]}", r#""6.18""#),
    ("money", "{negate: {multiply: [{parameter: money}, {literal: '1.25'}]}}", r#""-15.42""#),
    // Rounded where it is added, at the property's scale.
    ("money", "{add: [{multiply: [{parameter: money}, {parameter: rate}]}, {parameter: money}]}", r#""14.68""#),
    ("rate", "{add: [{multiply: [{parameter: money}, {parameter: rate}]}, {parameter: money}]}", r#""14.684600""#),
    (
        "money",
        "{multiply: [{parameter: money}, {case: {when: [{if: {gt: [{parameter: number}, {literal: 5}]}, then: {literal: '0.9'}}], else: {literal: 1}}}]}",
        r#""11.11""#,
    ),
    ("full", "{multiply: [{parameter: full}, {literal: 2}]}", OVERFLOW),
    ("money", "{multiply: [{parameter: full}, {parameter: money}]}", OVERFLOW),
    ("number", "{divide: [{parameter: number}, {literal: 2}]}", "3"),
    ("number", "{divide: [{negate: {parameter: number}}, {literal: 2}]}", "-3"),
    ("number", "{divide: [{parameter: least}, {literal: -1}]}", OVERFLOW),
    ("number", "{divide: [{parameter: number}, {literal: 0}]}", BY_ZERO),
    ("ratio", "{divide: [{parameter: ratio}, {literal: 2}]}", "1.25"),
    ("ratio", "{divide: [{parameter: ratio}, {literal: 0}]}", BY_ZERO),
    ("ratio", "{divide: [{parameter: huge}, {literal: 0.5}]}", OVERFLOW),
    // Of integers, an integer, wherever it is used.
    ("money", "{divide: [{parameter: number}, {literal: 2}]}", r#""3.00""#),
    ("money", "{divide: [{parameter: money}, {literal: 3}]}", r#""4.11""#),
    ("rate", "{divide: [{parameter: money}, {parameter: number}]}", r#""1.762857""#),
    // 12.34 / 8 = 1.5425 and 12.36 / 8 = 1.545, half to even.
    ("money", "{divide: [{parameter: money}, {literal: 8}]}", r#""1.54""#),
    ("money", "{divide: [{add: [{parameter: money}, {literal: '0.02'}]}, {literal: 8}]}", r#""1.54""#),
    ("money", "{divide: [{add: [{parameter: money}, {literal: '0.10'}]}, {literal: -8}]}", r#""-1.56""#),
    ("money", "{divide: [{literal: 1}, {parameter: rate}]}", r#""5.26""#),
    ("money", "{divide: [{parameter: money}, {subtract: [{parameter: rate}, {parameter: rate}]}]}", BY_ZERO),
    ("rate", "{divide: [{parameter: full}, {parameter: rate}]}", OVERFLOW),
    ("number", "{remainder: [{parameter: number}, {literal: 4}]}", "3"),
    ("number", "{remainder: [{negate: {parameter: number}}, {literal: 4}]}", "-3"),
    ("number", "{remainder: [{parameter: least}, {literal: -1}]}", "0"),
    ("number", "{remainder: [{parameter: number}, {literal: 0}]}", BY_ZERO),
    ("ratio", "{remainder: [{negate: {parameter: ratio}}, {literal: 2}]}", "-0.5"),
    ("ratio", "{remainder: [{parameter: ratio}, {literal: 0}]}", BY_ZERO),
    ("money", "{remainder: [{parameter: money}, {literal: '0.5'}]}", r#""0.34""#),
    ("money", "{remainder: [{parameter: money}, {literal: 0}]}", BY_ZERO),
];

const TEXTS: &[Case] = &[
    ("text", "{concat: [{parameter: text}, {literal: '|'}, actor]}", r#"" Zürich ß |user:alice""#),
    ("text", "{concat: [{parameter: number}]}", MISTYPED),
    ("text", "{lower: {parameter: text}}", r#"" zürich ß ""#),
    ("text", "{upper: {parameter: text}}", r#"" ZÜRICH SS ""#),
    ("text", "{trim: {parameter: text}}", r#""Zürich ß""#),
    ("text", "{trim: {literal: \"\\u2003x\\t\"}}", r#""x""#),
    ("number", "{length: {parameter: text}}", "10"),
    ("number", "{length: {literal: '👩‍🚀'}}", "3"),
    ("number", "{length: {parameter: tags}}", "2"),
    ("text", "{to_text: {parameter: most}}", r#""9223372036854775807""#),
    ("text", "{to_text: {parameter: ratio}}", r#""2.5""#),
    ("text", "{to_text: {parameter: money}}", r#""12.34""#),
    ("text", "{to_text: {parameter: flag}}", r#""true""#),
    ("text", "{to_text: {parameter: day}}", r#""2024-02-29""#),
    ("text", "{to_text: {parameter: at}}", r#""2026-11-22T19:16:31.250000Z""#),
    ("text", "{to_text: {parameter: took}}", r#""PT1H30M""#),
    ("text", "{concat: [{literal: 'No. '}, {to_text: {add: [{parameter: number}, {literal: 1}]}}]}", r#""No. 8""#),
    ("number", "{to_text: {parameter: number}}", MISTYPED),
];

const TIMES: &[Case] = &[
    ("day", "{date_of: {parameter: at}}", r#""2026-11-22""#),
    ("day", "{date_of: {add: [now, {literal: PT0.000001S}]}}", r#""2026-11-23""#),
    ("day", "{date_of: {parameter: day}}", MISTYPED),
    ("number", "{year: {parameter: day}}", "2024"),
    ("number", "{month: {parameter: day}}", "2"),
    ("number", "{day: {parameter: day}}", "29"),
    ("number", "{year: {parameter: at}}", MISTYPED),
    ("day", "{add_days: [{parameter: day}, {literal: 1}]}", r#""2024-03-01""#),
    ("day", "{add_days: [{parameter: day}, {literal: 366}]}", r#""2025-03-01""#),
    ("day", "{add_days: [{literal: 2024-03-01}, {literal: -1}]}", r#""2024-02-29""#),
    ("day", "{add_days: [{literal: 2100-02-28}, {literal: 1}]}", r#""2100-03-01""#),
    ("day", "{add_days: [{parameter: last}, {literal: 1}]}", OVERFLOW),
    ("day", "{add_days: [{parameter: day}, {parameter: least}]}", OVERFLOW),
    ("day", "{add_days: [{parameter: day}, {parameter: most}]}", OVERFLOW),
];

const CHOICES: &[Case] = &[
    ("number", "{min: [{parameter: number}, {literal: 9}, {parameter: most}]}", "7"),
    ("number", "{max: [{parameter: number}, {literal: 9}]}", "9"),
    ("money", "{min: [{parameter: money}, {parameter: number}]}", r#""7.00""#),
    ("money", "{max: [{parameter: money}, {literal: '12.35'}]}", r#""12.35""#),
    ("text", "{max: [{literal: Z}, {parameter: text}]}", r#""Z""#),
    ("day", "{min: [{parameter: day}, {literal: 2024-03-01}]}", r#""2024-02-29""#),
    ("took", "{max: [{parameter: took}, {literal: PT2H}]}", r#""PT2H""#),
    ("at", "{max: [{parameter: at}, now]}", r#""2026-11-22T23:59:59.999999Z""#),
    ("number", "{coalesce: [{parameter: no_number}, {parameter: number}]}", "7"),
    ("number", "{coalesce: [{parameter: number}, {divide: [{parameter: number}, {literal: 0}]}]}", "7"),
    ("number", "{coalesce: [{parameter: no_number}, {property: no_number}]}", "null"),
    ("text", "{coalesce: [{literal: null}, {literal: x}]}", r#""x""#),
    ("tags", "{coalesce: [{parameter: no_tags}, {literal: [z]}]}", r#"["z"]"#),
    ("money", "{coalesce: [{parameter: no_money}, {parameter: number}]}", r#""7.00""#),
    ("number", "{coalesce: [{parameter: number}, {parameter: text}]}", MISTYPED),
    ("money", "{coalesce: [{literal: null}, {literal: '0.125'}]}", MISTYPED),
    ("rate", "{coalesce: [{literal: null}, {literal: '0.125'}]}", r#""0.125000""#),
    (
        "text",
        "{case: {when: [{if: {lt: [{parameter: number}, {literal: 7}]}, then: {literal: low}}, {if: {lt: [{parameter: number}, {literal: 8}]}, then: {literal: fair}}], else: {literal: high}}}",
        r#""fair""#,
    ),
    ("text", "{case: {when: [{if: {is_null: {parameter: number}}, then: {literal: none}}]}}", "null"),
    ("text", "{case: {when: [{if: {is_null: {parameter: no_number}}, then: {parameter: text}}]}}", r#"" Zürich ß ""#),
    // The guard keeps the division from being computed.
    (
        "number",
        "{case: {when: [{if: {ne: [{parameter: number}, {literal: 7}]}, then: {divide: [{literal: 1}, {subtract: [{parameter: number}, {literal: 7}]}]}}], else: {literal: 0}}}",
        "0",
    ),
    (
        "number",
        "{case: {when: [{if: {eq: [{divide: [{literal: 1}, {subtract: [{parameter: number}, {literal: 7}]}]}, {literal: 1}]}, then: {literal: 1}}]}}",
        BY_ZERO,
    ),
    ("number", "{case: {when: [{if: {is_null: actor}, then: {literal: 1}}], else: {parameter: text}}}", MISTYPED),
];

fn tables() -> impl Iterator<Item = &'static Case> {
    [LEAVES, SUMS, PRODUCTS, TEXTS, TIMES, CHOICES].into_iter().flatten()
}

#[test]
fn each_operator_gives_its_value_or_its_refusal() {
    let (refused, computed): (Vec<&Case>, Vec<&Case>) =
        tables().partition(|(_, _, expected)| expected.starts_with("ontology."));
    let found = values_of(computed.iter().map(|(property, expression, _)| (*property, (*expression).to_owned())));
    let refusals = refused.iter().map(|(property, expression, _)| value_of(property, expression));
    let mut wrong = Vec::new();
    for ((property, expression, expected), found) in
        computed.iter().chain(&refused).zip(found.into_iter().chain(refusals))
    {
        if found != *expected {
            wrong.push(format!("{property}: {expression} is {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_operator_has_a_case() {
    let forms = [
        "add",
        "subtract",
        "multiply",
        "divide",
        "remainder",
        "negate",
        "abs",
        "min",
        "max",
        "concat",
        "lower",
        "upper",
        "trim",
        "length",
        "to_text",
        "date_of",
        "year",
        "month",
        "day",
        "add_days",
        "coalesce",
        "case",
    ];
    let untried: Vec<_> = forms
        .iter()
        .filter(|form| !tables().any(|(_, expression, _)| expression.contains(&format!("{form}:"))))
        .collect();
    assert!(untried.is_empty(), "no case for {untried:?}");
}

#[test]
fn an_absent_operand_makes_every_result_absent() {
    let mut tried = BTreeSet::new();
    let mut absent = Vec::new();
    for (property, expression, expected) in tables() {
        let strict = !expression.contains("coalesce") && !expression.contains("case");
        if !strict || expected.starts_with("ontology.") {
            continue;
        }
        for (name, _, _) in TYPES {
            let without = expression.replace(&format!("{{parameter: {name}}}"), &format!("{{parameter: no_{name}}}"));
            if without != *expression {
                absent.push((*property, without));
                tried.extend(expression.strip_prefix('{').and_then(|rest| rest.split(':').next()));
            }
        }
    }
    let found = values_of(absent.iter().cloned());
    for ((property, expression), found) in absent.iter().zip(&found) {
        assert_eq!(found, "null", "{property}: {expression}");
    }
    // Every operator, and `parameter`.
    assert_eq!(tried.len(), 21, "{tried:?}");
}

#[test]
fn a_text_longer_than_a_text_may_be_is_refused() {
    let doubled = |times: usize| {
        (0..times).fold("{parameter: text}".to_owned(), |inner, _| format!("{{concat: [{inner}, {inner}]}}"))
    };
    // 12 bytes, doubled: an expression has at most 256 parts.
    assert_eq!(value_of("number", &format!("{{length: {}}}", doubled(6))), (10 << 6).to_string());
    assert_eq!(value_of("text", &doubled(7)).len(), 2 + (12 << 7));
    assert_eq!(value_of("text", &doubled(8)), "ontology.action.too_large");
    let long = format!("{{literal: {}}}", "ß".repeat(300_000));
    assert_eq!(value_of("number", &format!("{{length: {long}}}")), "300000");
    assert_eq!(value_of("text", &format!("{{concat: [{long}, {long}]}}")), "value.string.too_long");
    assert_eq!(value_of("text", &format!("{{upper: {{literal: {}}}}}", "ŉ".repeat(500_000))), "value.string.too_long");
}
