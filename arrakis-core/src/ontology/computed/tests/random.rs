//! Laws that hold whatever the expression and its inputs: it never panics, and what it gives is a value of its type.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::{Given, compile, rule, set};
use crate::ontology::{ActionType, ParameterType};
use crate::{BaseType, DataType, Date, Decimal, Duration, STRING_LEN_MAX, Timestamp, Value};

/// What an expression is to give.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Integer,
    Double,
    /// At most this scale.
    Decimal(u8),
    Text,
    Date,
    Timestamp,
    Duration,
}

const TYPES: [(Type, &str, &[&str]); 8] = [
    (Type::Integer, "number", &["number", "least", "most"]),
    (Type::Double, "ratio", &["ratio", "huge"]),
    (Type::Decimal(2), "money", &["money", "full", "number"]),
    (Type::Decimal(6), "rate", &["money", "full", "rate", "most"]),
    (Type::Text, "text", &["text"]),
    (Type::Date, "day", &["day", "last"]),
    (Type::Timestamp, "at", &["at"]),
    (Type::Duration, "took", &["took"]),
];

struct Writer {
    rng: Rng,
}

impl Writer {
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())].clone()
    }

    fn any_type(&mut self) -> Type {
        self.pick(&TYPES).0
    }

    fn leaf(&mut self, of: Type, named: bool) -> Json {
        if !named && self.rng.u8(..3) == 0 {
            return json!({ "literal": self.literal(of) });
        }
        let (_, _, held) = TYPES.into_iter().find(|(each, _, _)| *each == of).unwrap();
        // An integer is no decimal before it meets one.
        let held = if matches!(of, Type::Decimal(_)) { &held[..held.len() - 1] } else { held };
        let name = self.pick(held);
        match self.rng.u8(..4) {
            0 => json!({ "property": name }),
            1 => json!({ "parameter_property": { "parameter": "o", "property": name } }),
            2 if of == Type::Text => json!("actor"),
            2 if of == Type::Timestamp => json!("now"),
            _ => json!({ "parameter": name }),
        }
    }

    fn literal(&mut self, of: Type) -> Json {
        match of {
            Type::Integer => self.pick(&[json!(0), json!(1), json!(-1), json!(1000), json!(i64::MAX.to_string())]),
            Type::Double => self.pick(&[json!(0.0), json!(-1.5), json!(1e300)]),
            Type::Decimal(_) => self.pick(&[json!("0"), json!(3), json!("-0.01"), json!("12.5")]),
            Type::Text => self.pick(&[json!(""), json!("ß"), json!(" x ")]),
            Type::Date => self.pick(&[json!("2024-02-29"), json!("0001-01-01")]),
            Type::Timestamp => self.pick(&[json!("1969-12-31T23:59:59.999999Z"), json!("9999-12-31T00:00:00Z")]),
            Type::Duration => self.pick(&[json!("PT0S"), json!("-PT1H"), json!("PT2000000000H")]),
        }
    }

    fn list(&mut self, of: Type, depth: usize) -> Json {
        let count = self.rng.usize(..3);
        let mut all = vec![self.value(of, true, depth)];
        all.extend((0..count).map(|_| self.value(of, false, depth)));
        Json::Array(all)
    }

    /// An expression; one that has a type by itself when it is `named`.
    fn value(&mut self, of: Type, named: bool, depth: usize) -> Json {
        if depth == 0 || self.rng.u8(..5) == 0 {
            return self.leaf(of, named);
        }
        let depth = depth - 1;
        match self.rng.u8(..9) {
            0 => return json!({ "coalesce": self.list(of, depth) }),
            1 => {
                let (condition, then) = (self.condition(depth), self.value(of, true, depth));
                let case = json!({ "when": [{ "if": condition, "then": then }], "else": self.value(of, false, depth) });
                return json!({ "case": case });
            }
            2 => return json!({ "min": self.list(of, depth) }),
            3 => return json!({ "max": self.list(of, depth) }),
            _ => {}
        }
        match of {
            Type::Integer => self.integer(depth),
            Type::Double | Type::Decimal(_) => self.number(of, depth),
            Type::Text => self.text(depth),
            Type::Date => {
                let [date, days] = [self.value(of, false, depth), self.value(Type::Integer, false, depth)];
                let instant = self.value(Type::Timestamp, false, depth);
                self.pick(&[json!({ "date_of": instant }), json!({ "add_days": [date, days] })])
            }
            Type::Timestamp => {
                let name = self.pick(&["add", "subtract"]);
                json!({ name: [self.value(of, true, depth), self.value(Type::Duration, false, depth)] })
            }
            Type::Duration => {
                let (one, other) = (self.value(of, true, depth), self.value(of, false, depth));
                let times = self.value(Type::Integer, false, depth);
                let instants = [self.value(Type::Timestamp, true, depth), self.value(Type::Timestamp, true, depth)];
                self.pick(&[
                    json!({ "add": [one, other] }),
                    json!({ "subtract": [one, other] }),
                    json!({ "negate": one }),
                    json!({ "abs": one }),
                    json!({ "subtract": instants }),
                    json!({ "multiply": [one, times] }),
                ])
            }
        }
    }

    fn integer(&mut self, depth: usize) -> Json {
        let date = self.value(Type::Date, true, depth);
        let days = json!({ "subtract": [date, self.value(Type::Date, false, depth)] });
        let length = json!({ "length": self.value(Type::Text, false, depth) });
        let part = self.pick(&["year", "month", "day"]);
        match self.rng.u8(..6) {
            0 => days,
            1 => length,
            2 => json!({ part: date }),
            _ => self.number(Type::Integer, depth),
        }
    }

    fn number(&mut self, of: Type, depth: usize) -> Json {
        let rounded = match of {
            Type::Decimal(_) => [self.pick(&[Type::Decimal(2), Type::Decimal(6)]), self.pick(&[Type::Integer, of])],
            of => [of, of],
        };
        let [a, b] = [self.value(rounded[0], true, depth), self.value(rounded[1], false, depth)];
        let name = self.pick(&["add", "subtract", "remainder", "negate", "abs", "multiply", "divide"]);
        match name {
            "add" => json!({ name: self.list(of, depth) }),
            "negate" | "abs" => json!({ name: self.value(of, true, depth) }),
            "multiply" | "divide" => json!({ name: [a, b] }),
            _ => json!({ name: [self.value(of, true, depth), self.value(of, false, depth)] }),
        }
    }

    fn text(&mut self, depth: usize) -> Json {
        let of = self.any_type();
        let name = self.pick(&["lower", "upper", "trim"]);
        match self.rng.u8(..3) {
            0 => json!({ "to_text": self.value(of, true, depth) }),
            1 => json!({ name: self.value(Type::Text, false, depth) }),
            _ => json!({ "concat": self.list(Type::Text, depth) }),
        }
    }

    fn condition(&mut self, depth: usize) -> Json {
        let of = self.any_type();
        let (a, b) = (self.value(of, true, depth), self.value(of, false, depth));
        match self.rng.u8(..6) {
            0 => json!({ "is_null": a }),
            1 => json!({ "not": { "eq": [a, b] } }),
            2 => json!({ "and": [{ "lt": [a, b] }, { "contains": [{ "parameter": "text" }, actor()] }] }),
            3 => json!({ "or": [{ "gte": [a, b] }, { "starts_with": [{ "parameter": "text" }, actor()] }] }),
            4 => json!({ "contains": [{ "parameter": "tags" }, { "parameter": "text" }] }),
            _ => json!({ "ne": [a, b] }),
        }
    }

    /// A value of the type, at its edges more often than not, or none.
    fn input(&mut self, data_type: &DataType) -> Value {
        let rng = &mut self.rng;
        if rng.u8(..8) == 0 {
            return Value::Null;
        }
        match &data_type.base {
            BaseType::Integer => Value::Integer([0, 1, -1, i64::MIN, i64::MAX, 86_400, rng.i64(..)][rng.usize(..7)]),
            BaseType::Double => {
                Value::Double([0.0, 1.0, -1.0, f64::MAX, f64::MIN, 5e-324, rng.f64() * 1e6][rng.usize(..7)])
            }
            BaseType::Decimal { precision, scale } => {
                let most = 10_i64.pow(u32::from(*precision)) - 1;
                Value::Decimal(Decimal::new([0, 1, most, -most, rng.i64(-most..most), 5][rng.usize(..6)], *scale))
            }
            BaseType::String => Value::string(["", "a", "ŉ", "user:alice", " \u{2003}É "][rng.usize(..5)]),
            BaseType::Date => Value::Date(
                Date::from_days([-719_162, 2_932_896, 0, 19_782, rng.i32(-700_000..2_900_000)][rng.usize(..5)])
                    .unwrap(),
            ),
            BaseType::Timestamp => Value::Timestamp(Timestamp::from_micros_saturating(
                [i64::MIN, i64::MAX, 0, -1, rng.i64(..1_i64 << 50)][rng.usize(..5)],
            )),
            BaseType::Duration => Value::Duration(Duration::from_micros(
                [i64::MIN, i64::MAX, 0, 1, rng.i64(..1_i64 << 50)][rng.usize(..5)],
            )),
            BaseType::Boolean => Value::Boolean(rng.bool()),
            BaseType::Array(_) => Value::Array(vec![Value::string("a"), Value::string("")]),
            _ => Value::Null,
        }
    }
}

fn actor() -> Json {
    json!("actor")
}

fn data_type<'a>(action_type: &'a ActionType, name: &str) -> &'a DataType {
    match &action_type.parameter(name).unwrap().1.parameter_type {
        ParameterType::Value(data_type) => data_type,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_random_expression_gives_a_value_of_its_type_or_a_refusal() {
    const REFUSALS: [&str; 2] = ["kernel.action.overflow", "kernel.action.division_by_zero"];
    let mut writer = Writer { rng: Rng::with_seed(11) };
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..12 {
        let written: Vec<(&str, Json)> = (0..64)
            .map(|_| {
                let (of, property, _) = writer.pick(&TYPES);
                (property, writer.value(of, false, 3))
            })
            .collect();
        let rules: Vec<_> = written.iter().map(|(property, value)| rule(property, &value.to_string())).collect();
        let action_type = compile(&format!("    rules: [{}]", rules.join(", "))).unwrap_or_else(|e| {
            let index: usize = e.path().and_then(|path| path.split(['[', ']']).nth(3)?.parse().ok()).unwrap_or(0);
            panic!("{e:?} of {} ", rules[index])
        });
        for _ in 0..24 {
            let mut given = Given::usual(&action_type);
            for (slot, parameter) in given.parameters.iter_mut().zip(&action_type.parameters) {
                if let ParameterType::Value(of) = &parameter.parameter_type {
                    *slot = writer.input(of);
                    given.properties.insert(parameter.api_name.to_string(), writer.input(of));
                }
            }
            for ((property, computed), (_, written)) in set(&action_type).zip(&written) {
                let outcome = match computed.evaluate(&given) {
                    Ok(value) => {
                        assert!(data_type(&action_type, property.as_str()).accepts(&value), "{value:?} of {written}");
                        assert!(sound(&value), "{value:?} of {written}");
                        assert_eq!(computed.evaluate(&given).unwrap(), value, "{written}");
                        if value.is_null() { "absent" } else { "present" }.to_owned()
                    }
                    Err(error) => {
                        assert!(REFUSALS.contains(&error.code()), "{error:?} of {written}");
                        error.code().to_owned()
                    }
                };
                *outcomes.entry(outcome).or_default() += 1;
            }
        }
    }
    assert!(outcomes.len() == 4 && outcomes.values().all(|count| *count > 100), "{outcomes:?}");
}

/// What stores rely on beyond the type: one zero, finite doubles, bounded texts.
fn sound(value: &Value) -> bool {
    match value {
        Value::Double(number) => number.is_finite() && number.to_bits() != (-0.0_f64).to_bits(),
        Value::String(text) => text.len() <= STRING_LEN_MAX,
        _ => true,
    }
}

#[test]
fn decimal_products_and_quotients_are_the_nearest_ties_to_even() {
    use crate::ontology::computed::arithmetic::{divide_decimal, multiply_decimal};
    let mut rng = Rng::with_seed(5);
    let mut ties = 0;
    for _ in 0..20_000 {
        let (a, b) = (rng.i64(-9_999..10_000), rng.i64(-999..1_000));
        let [a_scale, b_scale, scale] = [rng.u8(..4), rng.u8(..4), rng.u8(..5)];
        let [x, y] = [Value::Decimal(Decimal::new(a, a_scale)), Value::Decimal(Decimal::new(b, b_scale))];
        // The exact result is numerator / denominator; 10^-12 is finer than any tie.
        let ten = |exponent: u8| 10_i128.pow(u32::from(exponent));
        let product = (i128::from(a) * i128::from(b) * ten(scale), ten(a_scale + b_scale));
        let quotient = (i128::from(a) * ten(b_scale + scale), i128::from(b) * ten(a_scale));
        for (exact, found) in [(product, multiply_decimal(&x, &y, scale)), (quotient, divide_decimal(&x, &y, scale))] {
            let (numerator, denominator) = exact;
            if denominator == 0 {
                assert_eq!(found.unwrap_err().code(), "kernel.action.division_by_zero");
                continue;
            }
            let Value::Decimal(found) = found.unwrap() else { panic!("{x:?} {y:?}") };
            let off = 2 * (i128::from(found.unscaled()) * denominator - numerator).abs();
            assert!(off <= denominator.abs(), "{x:?} {y:?} {scale} {found:?}");
            if off == denominator.abs() {
                assert_eq!(found.unscaled() % 2, 0, "{x:?} {y:?} {scale} {found:?}");
                ties += 1;
            }
        }
    }
    assert!(ties > 100, "{ties}");
}
