//! What operators take and give.

use std::borrow::Cow;

use super::action_shape::{Form, Kind, Operand, Shape, common, decimal};
use super::action_value::ActionScope;
use crate::ontology::{ActionValue, CaseWhen, Operator};
use crate::{BaseType, Error, Result};

impl ActionScope<'_, '_, '_> {
    /// What is known of a value before it is used.
    pub(super) fn shape<'v>(&self, value: &'v ActionValue) -> Result<Shape<'v>> {
        let name = value.name();
        match value {
            ActionValue::Parameter(_)
            | ActionValue::ParameterProperty { .. }
            | ActionValue::Property(_)
            | ActionValue::Actor
            | ActionValue::Now => self.named(value),
            ActionValue::Literal(json) => Ok(Shape::literal(json)),
            ActionValue::Add(terms) => sum(self.listed(name, terms)?),
            ActionValue::Min(values) => alike(Operator::Min, BaseType::is_ordered, self.listed(name, values)?),
            ActionValue::Max(values) => alike(Operator::Max, BaseType::is_ordered, self.listed(name, values)?),
            ActionValue::Coalesce(values) => coalesce(self.listed(name, values)?),
            ActionValue::Concat(texts) => {
                let operands = self.listed(name, texts)?.into_iter().map(|text| (text, BaseType::String));
                Ok(typed(Operator::Concat, operands.collect(), BaseType::String))
            }
            ActionValue::Subtract(a, b) => difference(self.two(name, a, b)?),
            ActionValue::Multiply(a, b) => product(Operator::Multiply, self.two(name, a, b)?),
            ActionValue::Divide(a, b) => product(Operator::Divide, self.two(name, a, b)?),
            ActionValue::Remainder(a, b) => alike(Operator::Remainder, is_number, self.two(name, a, b)?.into()),
            ActionValue::AddDays(date, days) => {
                let [date, days] = self.two(name, date, days)?;
                let operands = vec![(date, BaseType::Date), (days, BaseType::Integer)];
                Ok(typed(Operator::AddDays, operands, BaseType::Date))
            }
            ActionValue::Negate(of) => alike(Operator::Negate, BaseType::is_numeric, vec![self.one(name, of)?]),
            ActionValue::Abs(of) => alike(Operator::Abs, BaseType::is_numeric, vec![self.one(name, of)?]),
            ActionValue::Lower(of) => {
                Ok(unary(Operator::Lower, self.one(name, of)?, BaseType::String, BaseType::String))
            }
            ActionValue::Upper(of) => {
                Ok(unary(Operator::Upper, self.one(name, of)?, BaseType::String, BaseType::String))
            }
            ActionValue::Trim(of) => Ok(unary(Operator::Trim, self.one(name, of)?, BaseType::String, BaseType::String)),
            ActionValue::DateOf(of) => {
                Ok(unary(Operator::DateOf, self.one(name, of)?, BaseType::Timestamp, BaseType::Date))
            }
            ActionValue::Year(of) => Ok(unary(Operator::Year, self.one(name, of)?, BaseType::Date, BaseType::Integer)),
            ActionValue::Month(of) => {
                Ok(unary(Operator::Month, self.one(name, of)?, BaseType::Date, BaseType::Integer))
            }
            ActionValue::Day(of) => Ok(unary(Operator::Day, self.one(name, of)?, BaseType::Date, BaseType::Integer)),
            ActionValue::Length(of) => {
                let has_length = |base: &BaseType| matches!(base, BaseType::String | BaseType::Array(_));
                read_as_is(Operator::Length, has_length, self.one(name, of)?, BaseType::Integer)
            }
            ActionValue::ToText(of) => {
                let has_text = |base: &BaseType| base.is_scalar() && *base != BaseType::Geopoint;
                read_as_is(Operator::ToText, has_text, self.one(name, of)?, BaseType::String)
            }
            ActionValue::Case { when, otherwise } => self.case(when, otherwise.as_deref()),
        }
    }

    fn operand<'v>(&self, path: impl Into<Cow<'static, str>>, value: &'v ActionValue) -> Result<Operand<'v>> {
        let path = path.into();
        match self.shape(value) {
            Ok(shape) => Ok(Operand { path, shape }),
            Err(e) => Err(e.at(path)),
        }
    }

    fn one<'v>(&self, name: &'static str, value: &'v ActionValue) -> Result<Operand<'v>> {
        self.operand(name, value)
    }

    /// The two operands of an operator or a condition.
    pub(super) fn two<'v>(
        &self,
        name: &'static str,
        a: &'v ActionValue,
        b: &'v ActionValue,
    ) -> Result<[Operand<'v>; 2]> {
        Ok([self.operand(format!("{name}[0]"), a)?, self.operand(format!("{name}[1]"), b)?])
    }

    fn listed<'v>(&self, name: &'static str, values: &'v [ActionValue]) -> Result<Vec<Operand<'v>>> {
        if values.is_empty() {
            return Err(empty().at(name));
        }
        values.iter().enumerate().map(|(index, value)| self.operand(format!("{name}[{index}]"), value)).collect()
    }

    fn case<'v>(&self, when: &'v [CaseWhen], otherwise: Option<&'v ActionValue>) -> Result<Shape<'v>> {
        if when.is_empty() {
            return Err(empty().at("case.when"));
        }
        let (mut tests, mut values) = (Vec::with_capacity(when.len()), Vec::with_capacity(when.len() + 1));
        for (index, branch) in when.iter().enumerate() {
            let test = self.test(&branch.condition).map_err(|e| e.at(format!("case.when[{index}].if")))?;
            tests.push(test);
            values.push(self.operand(format!("case.when[{index}].then"), &branch.then)?);
        }
        values.extend(otherwise.map(|value| self.operand("case.else", value)).transpose()?);
        let (kind, least) = common(&values)?;
        let present = otherwise.is_some() && values.iter().all(|value| value.shape.present);
        let form = if kind == Kind::Unknown { Form::Nothing } else { Form::Case(tests, values) };
        Ok(Shape { kind, least, present, form })
    }
}

/// The operand's own type; that of a literal is string.
fn read_as_is(
    operator: Operator,
    fits: fn(&BaseType) -> bool,
    operand: Operand<'_>,
    gives: BaseType,
) -> Result<Shape<'_>> {
    let base = match &operand.shape.kind {
        Kind::Unknown => return Ok(Shape::unknown()),
        Kind::Literal => BaseType::String,
        Kind::Known(base) if fits(base) => base.clone(),
        Kind::Known(base) => return Err(misfit(operator.name(), &[base])),
    };
    Ok(unary(operator, operand, base, gives))
}

fn unary(operator: Operator, operand: Operand<'_>, takes: BaseType, gives: BaseType) -> Shape<'_> {
    typed(operator, vec![(operand, takes)], gives)
}

/// Operands each of a type of its own.
fn typed(operator: Operator, operands: Vec<(Operand<'_>, BaseType)>, gives: BaseType) -> Shape<'_> {
    if operands.iter().any(|(operand, _)| operand.shape.kind == Kind::Unknown) {
        return Shape::unknown();
    }
    let present = operands.iter().all(|(operand, _)| operand.shape.present);
    Shape { kind: Kind::Known(gives), least: 0, present, form: Form::Typed(operator, operands) }
}

/// Operands of one type, which is that of the result.
fn alike(operator: Operator, fits: fn(&BaseType) -> bool, operands: Vec<Operand<'_>>) -> Result<Shape<'_>> {
    let (kind, least) = common(&operands)?;
    match &kind {
        Kind::Unknown => return Ok(Shape::unknown()),
        Kind::Literal => return Err(constant().at(operator.name())),
        Kind::Known(base) if !fits(base) => return Err(misfit(operator.name(), &[base])),
        Kind::Known(_) => {}
    }
    let present = operands.iter().all(|operand| operand.shape.present);
    Ok(Shape { kind, least, present, form: Form::Alike(operator, operands) })
}

fn coalesce(operands: Vec<Operand<'_>>) -> Result<Shape<'_>> {
    let (kind, least) = common(&operands)?;
    let present = operands.iter().any(|operand| operand.shape.present);
    let form = if kind == Kind::Unknown { Form::Nothing } else { Form::Alike(Operator::Coalesce, operands) };
    Ok(Shape { kind, least, present, form })
}

fn sum(terms: Vec<Operand<'_>>) -> Result<Shape<'_>> {
    let starts = terms.first().is_some_and(|first| first.shape.kind == Kind::Known(BaseType::Timestamp));
    if !starts {
        return alike(Operator::Add, BaseType::is_numeric, terms);
    }
    let bases = std::iter::once(BaseType::Timestamp).chain(std::iter::repeat(BaseType::Duration));
    Ok(typed(Operator::Add, terms.into_iter().zip(bases).collect(), BaseType::Timestamp))
}

fn difference(operands: [Operand<'_>; 2]) -> Result<Shape<'_>> {
    use BaseType::{Date, Duration, Integer, Timestamp};
    use Kind::{Known, Literal};
    let [a, b] = operands;
    let (takes, gives) = match (&a.shape.kind, &b.shape.kind) {
        (Known(Timestamp) | Literal, Known(Timestamp)) => ([Timestamp, Timestamp], Duration),
        (Known(Timestamp), _) => ([Timestamp, Duration], Timestamp),
        (Known(Date), _) | (Literal, Known(Date)) => ([Date, Date], Integer),
        _ => return alike(Operator::Subtract, BaseType::is_numeric, vec![a, b]),
    };
    Ok(typed(Operator::Subtract, [a, b].into_iter().zip(takes).collect(), gives))
}

/// `Multiply` or `Divide`.
fn product(operator: Operator, operands: [Operand<'_>; 2]) -> Result<Shape<'_>> {
    use BaseType::{Decimal, Double, Duration, Integer};
    let [a, b] = operands;
    let (name, multiplies) = (operator.name(), operator == Operator::Multiply);
    // The type of a literal beside a value of this type.
    let beside = |base: &BaseType, literal: &Shape<'_>| match base {
        Decimal { .. } => decimal(literal.least),
        Duration => Integer,
        base => base.clone(),
    };
    let takes = match (&a.shape.kind, &b.shape.kind) {
        (Kind::Unknown, _) | (_, Kind::Unknown) => return Ok(Shape::unknown()),
        (Kind::Literal, Kind::Literal) => return Err(constant().at(name)),
        (Kind::Known(base), Kind::Known(other)) => [base.clone(), other.clone()],
        (Kind::Known(base), Kind::Literal) => [base.clone(), beside(base, &b.shape)],
        (Kind::Literal, Kind::Known(base)) => [beside(base, &a.shape), base.clone()],
    };
    let scale = match &takes {
        [Integer, Integer] => return Ok(typed(operator, [a, b].into_iter().zip(takes).collect(), Integer)),
        [Double, Double] => return Ok(typed(operator, [a, b].into_iter().zip(takes).collect(), Double)),
        [Duration, Integer] | [Integer, Duration] if multiplies => {
            return Ok(typed(operator, [a, b].into_iter().zip(takes).collect(), Duration));
        }
        [Decimal { scale, .. }, Integer] | [Integer, Decimal { scale, .. }] => *scale,
        [Decimal { scale, .. }, Decimal { scale: other, .. }] => *scale.max(other),
        [a, b] => return Err(misfit(name, &[a, b])),
    };
    let rounded: fn(u8) -> Operator = if multiplies {
        |scale| Operator::MultiplyDecimal { scale }
    } else {
        |scale| Operator::DivideDecimal { scale }
    };
    let present = a.shape.present && b.shape.present;
    let form = Form::Rounded(rounded, [a, b].into_iter().zip(takes).collect());
    Ok(Shape { kind: Kind::Known(decimal(scale)), least: 0, present, form })
}

const fn is_number(base: &BaseType) -> bool {
    matches!(base, BaseType::Integer | BaseType::Double | BaseType::Decimal { .. })
}

fn misfit(operator: &'static str, found: &[&BaseType]) -> Error {
    let found: Vec<_> = found.iter().map(|base| base.name()).collect();
    Error::invalid("ontology.action.operand", "the operator does not take values of this type")
        .with("operator", operator)
        .with("found", found.join(", "))
        .at(operator)
}

fn constant() -> Error {
    Error::invalid("ontology.action.constant", "an operator over literals alone: state its result")
}

fn empty() -> Error {
    Error::invalid("ontology.action.empty", "at least one operand is expected")
}
