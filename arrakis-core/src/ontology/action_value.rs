//! What an action computes with: a small total language of values and conditions, as the file states it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::ApiName;
use crate::kernel::plan::Area;

/// A value an action computes with. It always ends: there are no loops and no recursion.
///
/// An absent operand makes the result absent, but for `coalesce` and `case`. What cannot be computed (a result out of range, a division
/// by zero) refuses the action; it is never absent in silence, for an action writes what it computes. Integers and decimals mix,
/// exactly; doubles mix with nothing. A literal has the type of where it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ActionValue {
    /// A parameter's value; an object's is its key.
    Parameter(ApiName),
    /// A property of an object given as a parameter.
    ParameterProperty {
        /// The parameter.
        parameter: ApiName,
        /// The property of its object type or interface.
        property: ApiName,
    },
    /// A property of the object a `modify_object` rule modifies, as it was before the rule; each object of several has its own.
    Property(ApiName),
    /// Who acts, a string.
    Actor,
    /// When, a timestamp.
    Now,
    /// A value written out; null is the absent one.
    Literal(Json),
    /// The sum of numbers or durations; or of a timestamp and the durations after it, a timestamp.
    Add(Vec<ActionValue>),
    /// The first less the second: numbers or durations; a timestamp less a duration; two timestamps, a duration; two dates, an integer
    /// of days.
    Subtract(Box<ActionValue>, Box<ActionValue>),
    /// The product of two numbers, or of a duration and an integer. With a decimal, rounded to the scale of where it is used, half to
    /// even.
    Multiply(Box<ActionValue>, Box<ActionValue>),
    /// The first over the second. Of integers, an integer, rounded toward zero; with a decimal, rounded to the scale of where it is
    /// used, half to even.
    Divide(Box<ActionValue>, Box<ActionValue>),
    /// What a division rounded toward zero leaves, with the sign of the first.
    Remainder(Box<ActionValue>, Box<ActionValue>),
    /// The number or duration with the other sign.
    Negate(Box<ActionValue>),
    /// The number or duration without its sign.
    Abs(Box<ActionValue>),
    /// The smallest of values of one type with an order.
    Min(Vec<ActionValue>),
    /// The largest of values of one type with an order.
    Max(Vec<ActionValue>),
    /// Strings one after the other.
    Concat(Vec<ActionValue>),
    /// The string in lower case (Unicode).
    Lower(Box<ActionValue>),
    /// The string in upper case (Unicode).
    Upper(Box<ActionValue>),
    /// The string without the white space around it (Unicode).
    Trim(Box<ActionValue>),
    /// How many characters a string has (Unicode scalar values), or how many elements a list; an integer.
    Length(Box<ActionValue>),
    /// A boolean, number, date, timestamp, duration or string as the string that stands for it in JSON.
    ToText(Box<ActionValue>),
    /// The date a timestamp lies on, UTC.
    DateOf(Box<ActionValue>),
    /// The year of a date, an integer.
    Year(Box<ActionValue>),
    /// The month of a date, an integer from 1 to 12.
    Month(Box<ActionValue>),
    /// The day of the month of a date, an integer from 1 to 31.
    Day(Box<ActionValue>),
    /// A date, and an integer of days after it, or before when negative.
    AddDays(Box<ActionValue>, Box<ActionValue>),
    /// The first that is present, of values of one type. Those after it are not computed.
    Coalesce(Vec<ActionValue>),
    /// The value of the first condition that holds, of values of one type. The others are not computed.
    Case {
        /// The conditions, in order.
        when: Vec<CaseWhen>,
        /// The value where none holds; absent when not stated.
        #[serde(rename = "else", default, skip_serializing_if = "Option::is_none")]
        otherwise: Option<Box<ActionValue>>,
    },
}

/// One condition of a `case`, with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CaseWhen {
    /// The condition.
    #[serde(rename = "if")]
    pub condition: Condition,
    /// The value where it holds.
    pub then: ActionValue,
}

/// A condition over the values of an action. A comparison with an absent value is false; `not` is the complement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// All hold. Those after one that does not are not judged.
    And(Vec<Condition>),
    /// At least one holds. Those after it are not judged.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Both are equal.
    Eq(ActionValue, ActionValue),
    /// Both are present and not equal.
    Ne(ActionValue, ActionValue),
    /// The first is less.
    Lt(ActionValue, ActionValue),
    /// The first is less or equal.
    Lte(ActionValue, ActionValue),
    /// The first is greater.
    Gt(ActionValue, ActionValue),
    /// The first is greater or equal.
    Gte(ActionValue, ActionValue),
    /// It is one of the values listed.
    In(ActionValue, Vec<Json>),
    /// It is absent.
    IsNull(ActionValue),
    /// The second occurs in the first: a text in a text, byte for byte, or an element in a list.
    Contains(ActionValue, ActionValue),
    /// The first text starts with the second, byte for byte.
    StartsWith(ActionValue, ActionValue),
    /// The first text ends with the second, byte for byte.
    EndsWith(ActionValue, ActionValue),
    /// The position lies in the area, its edge included: `circle` with `center` and `radius_m`, or `box` with `south`, `west`, `north`
    /// and `east`.
    Within(ActionValue, Area),
}

/// A value or condition within another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    Value(&'a ActionValue),
    Condition(&'a Condition),
}

type Parts<'a> = Vec<(Cow<'static, str>, Part<'a>)>;

impl<'a> Part<'a> {
    /// What it is made of, each with the path to it.
    pub(super) fn parts(self) -> Parts<'a> {
        match self {
            Self::Value(value) => value.parts(),
            Self::Condition(condition) => condition.parts(),
        }
    }

    /// Calls back with each value in it, itself included.
    pub(super) fn values(self, seen: &mut dyn FnMut(&'a ActionValue)) {
        if let Self::Value(value) = self {
            seen(value);
        }
        for (_, part) in self.parts() {
            part.values(seen);
        }
    }
}

fn listed<'a>(name: &'static str, parts: impl Iterator<Item = Part<'a>>) -> Parts<'a> {
    parts.enumerate().map(|(index, part)| (format!("{name}[{index}]").into(), part)).collect()
}

impl ActionValue {
    /// The name of its form in the file.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Parameter(_) => "parameter",
            Self::ParameterProperty { .. } => "parameter_property",
            Self::Property(_) => "property",
            Self::Actor => "actor",
            Self::Now => "now",
            Self::Literal(_) => "literal",
            Self::Add(_) => "add",
            Self::Subtract(..) => "subtract",
            Self::Multiply(..) => "multiply",
            Self::Divide(..) => "divide",
            Self::Remainder(..) => "remainder",
            Self::Negate(_) => "negate",
            Self::Abs(_) => "abs",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::Concat(_) => "concat",
            Self::Lower(_) => "lower",
            Self::Upper(_) => "upper",
            Self::Trim(_) => "trim",
            Self::Length(_) => "length",
            Self::ToText(_) => "to_text",
            Self::DateOf(_) => "date_of",
            Self::Year(_) => "year",
            Self::Month(_) => "month",
            Self::Day(_) => "day",
            Self::AddDays(..) => "add_days",
            Self::Coalesce(_) => "coalesce",
            Self::Case { .. } => "case",
        }
    }

    fn parts(&self) -> Parts<'_> {
        match self {
            Self::Parameter(_)
            | Self::ParameterProperty { .. }
            | Self::Property(_)
            | Self::Actor
            | Self::Now
            | Self::Literal(_) => Vec::new(),
            Self::Add(all) | Self::Min(all) | Self::Max(all) | Self::Concat(all) | Self::Coalesce(all) => {
                listed(self.name(), all.iter().map(Part::Value))
            }
            Self::Subtract(a, b)
            | Self::Multiply(a, b)
            | Self::Divide(a, b)
            | Self::Remainder(a, b)
            | Self::AddDays(a, b) => listed(self.name(), [&**a, &**b].into_iter().map(Part::Value)),
            Self::Negate(of)
            | Self::Abs(of)
            | Self::Lower(of)
            | Self::Upper(of)
            | Self::Trim(of)
            | Self::Length(of)
            | Self::ToText(of)
            | Self::DateOf(of)
            | Self::Year(of)
            | Self::Month(of)
            | Self::Day(of) => vec![(self.name().into(), Part::Value(of))],
            Self::Case { when, otherwise } => {
                let mut parts = Parts::new();
                for (index, branch) in when.iter().enumerate() {
                    parts.push((format!("case.when[{index}].if").into(), Part::Condition(&branch.condition)));
                    parts.push((format!("case.when[{index}].then").into(), Part::Value(&branch.then)));
                }
                parts.extend(otherwise.iter().map(|value| ("case.else".into(), Part::Value(value))));
                parts
            }
        }
    }
}

impl Condition {
    /// The name of its form in the file.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::And(_) => "and",
            Self::Or(_) => "or",
            Self::Not(_) => "not",
            Self::Eq(..) => "eq",
            Self::Ne(..) => "ne",
            Self::Lt(..) => "lt",
            Self::Lte(..) => "lte",
            Self::Gt(..) => "gt",
            Self::Gte(..) => "gte",
            Self::In(..) => "in",
            Self::IsNull(_) => "is_null",
            Self::Contains(..) => "contains",
            Self::StartsWith(..) => "starts_with",
            Self::EndsWith(..) => "ends_with",
            Self::Within(..) => "within",
        }
    }

    fn parts(&self) -> Parts<'_> {
        match self {
            Self::And(all) | Self::Or(all) => listed(self.name(), all.iter().map(Part::Condition)),
            Self::Not(inner) => vec![("not".into(), Part::Condition(inner))],
            Self::Eq(a, b)
            | Self::Ne(a, b)
            | Self::Lt(a, b)
            | Self::Lte(a, b)
            | Self::Gt(a, b)
            | Self::Gte(a, b)
            | Self::Contains(a, b)
            | Self::StartsWith(a, b)
            | Self::EndsWith(a, b) => listed(self.name(), [a, b].into_iter().map(Part::Value)),
            Self::In(value, _) => vec![("in[0]".into(), Part::Value(value))],
            Self::Within(value, _) => vec![("within[0]".into(), Part::Value(value))],
            Self::IsNull(value) => vec![("is_null".into(), Part::Value(value))],
        }
    }
}
