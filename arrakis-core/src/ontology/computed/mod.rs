//! Values and conditions of actions, resolved: names looked up once, literals typed, operators fit for their operands.
//!
//! Evaluation is pure and total: it ends in a value or in a refusal, in time and memory bounded by the size of the expression and of
//! the values it reads.

mod arithmetic;
mod evaluate;
mod operator;
#[cfg(test)]
mod tests;

use crate::kernel::plan::{Area, Comparison, TextMatch};
use crate::{Actor, ApiName, Timestamp, Value};

/// What the values of an action are computed from.
pub trait Inputs {
    /// A parameter's value: its default where it was not given, absent where there is none; an object's is its key. Not asked of a
    /// parameter that is an object of an interface, a list or a set of objects.
    fn parameter(&self, index: usize) -> &Value;

    /// A property of the object a parameter gives, by the name it has in the parameter's object type or interface; absent where the
    /// object was not given.
    fn parameter_property(&self, index: usize, property: &ApiName) -> Value;

    /// A property of the object a rule modifies, as it was before, by the name it has in the object type or interface of the rule's
    /// parameter. Asked only by what a `modify_object` rule sets.
    fn property(&self, property: &ApiName) -> Value;

    /// Who acts.
    fn actor(&self) -> &Actor;

    /// When: one instant for the whole action.
    fn now(&self) -> Timestamp;
}

/// A value an action computes, resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Computed {
    /// A parameter's value, by the parameter's index; an object's is its key.
    Parameter(usize),
    /// A property of an object given as a parameter.
    ParameterProperty {
        /// The index of the parameter.
        parameter: usize,
        /// The property's name in the parameter's object type or interface: which property of the object's own type that is shows
        /// only once the object is there.
        property: ApiName,
    },
    /// A property of the object a rule modifies, by its name in the object type or interface of the rule's parameter.
    Property(ApiName),
    /// Who acts, a string.
    Actor,
    /// When, a timestamp.
    Now,
    /// A value of the type of where it is used.
    Literal(Value),
    /// An operator and its operands. The operands are computed in order; one that is absent makes the result absent, but for
    /// [`Operator::Coalesce`].
    Apply(Operator, Vec<Computed>),
    /// The value of the first condition that holds, else the other. The rest is not computed.
    Case(Vec<(Test, Computed)>, Box<Computed>),
}

/// What is done with operands, which are of the types it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The sum of integers, doubles, durations, or decimals of one scale; or of a timestamp and durations.
    Add,
    /// The difference of two integers, doubles, durations, timestamps (a duration), dates (days), or decimals of one scale; or a
    /// timestamp less a duration.
    Subtract,
    /// The product of two integers or doubles, or of a duration and an integer in either order.
    Multiply,
    /// The product of integers and decimals, rounded once to this scale, half to even.
    MultiplyDecimal {
        /// Digits after the point.
        scale: u8,
    },
    /// The quotient of two integers, toward zero, or of two doubles.
    Divide,
    /// The quotient of integers and decimals, rounded once to this scale, half to even.
    DivideDecimal {
        /// Digits after the point.
        scale: u8,
    },
    /// The remainder of two integers, doubles, or decimals of one scale, with the sign of the first.
    Remainder,
    /// The other sign.
    Negate,
    /// No sign.
    Abs,
    /// The smallest of values of one type.
    Min,
    /// The largest of values of one type.
    Max,
    /// An integer or a decimal of at most this scale as a decimal of this precision and scale; what has more digits is refused.
    ToDecimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// Strings one after the other.
    Concat,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// No white space around.
    Trim,
    /// How many characters or elements.
    Length,
    /// The string that stands for the value in JSON.
    ToText,
    /// The UTC date of a timestamp.
    DateOf,
    /// The year of a date.
    Year,
    /// The month of a date, from 1.
    Month,
    /// The day of the month of a date, from 1.
    Day,
    /// A date and days.
    AddDays,
    /// The first operand that is present; those after it are not computed.
    Coalesce,
}

/// A condition over the values of an action, resolved. Two-valued: a comparison with an absent value is false; `Not` is the complement.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// All hold; those after one that does not are not judged.
    And(Vec<Test>),
    /// At least one holds; those after it are not judged.
    Or(Vec<Test>),
    /// It does not hold.
    Not(Box<Test>),
    /// Two values of one type compare so.
    Compare(Comparison, Computed, Computed),
    /// It is one of these values.
    In(Computed, Vec<Value>),
    /// It is absent.
    IsNull(Computed),
    /// The first text matches the second, byte for byte.
    Text(TextMatch, Computed, Computed),
    /// The list has an element equal to the second.
    ArrayContains(Computed, Computed),
    /// The position lies in the area.
    Within(Computed, Area),
}
