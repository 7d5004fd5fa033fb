//! The types of values, in two steps: first what each is by itself, then what it becomes where it is used.
//!
//! Two steps, because a literal has the type of where it is used, and so has the scale of a decimal product.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::ontology::{Computed, Operator, Test};
use crate::{BaseType, DECIMAL_PRECISION_MAX, Error, Result, Value};

/// A value, its names looked up, and what is known of it before it is used.
#[derive(Debug)]
pub(super) struct Shape<'v> {
    pub(super) kind: Kind,
    /// The smallest scale it is exact or rightly rounded at, when it is used as a decimal.
    pub(super) least: u8,
    /// Whether it is certainly there.
    pub(super) present: bool,
    pub(super) form: Form<'v>,
}

/// The type a value has by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Known(BaseType),
    /// That of where it is used.
    Literal,
    /// What it comes from is faulty itself.
    Unknown,
}

#[derive(Debug)]
pub(super) enum Form<'v> {
    Leaf(Computed),
    Literal(&'v Json),
    /// Operands of the type of the result.
    Alike(Operator, Vec<Operand<'v>>),
    /// Tests, and a value for each and one for when none holds, of the type of the result.
    Case(Vec<Test>, Vec<Operand<'v>>),
    /// Operands each of a type of its own.
    Typed(Operator, Vec<(Operand<'v>, BaseType)>),
    /// Operands each of a type of its own, the result rounded to the scale of where it is used.
    Rounded(fn(u8) -> Operator, Vec<(Operand<'v>, BaseType)>),
    /// Where something is faulty.
    Nothing,
}

/// A value within another.
#[derive(Debug)]
pub(super) struct Operand<'v> {
    pub(super) path: Cow<'static, str>,
    pub(super) shape: Shape<'v>,
}

impl<'v> Shape<'v> {
    pub(super) const fn unknown() -> Self {
        Self { kind: Kind::Unknown, least: 0, present: true, form: Form::Nothing }
    }

    pub(super) fn literal(json: &'v Json) -> Self {
        Self { kind: Kind::Literal, least: fraction_len(json), present: !json.is_null(), form: Form::Literal(json) }
    }

    /// The value as one of this type.
    pub(super) fn build(self, target: &BaseType) -> Result<Computed> {
        let Self { kind, least, form, .. } = self;
        let natural = match kind {
            Kind::Unknown => return Ok(Computed::Literal(Value::Null)),
            Kind::Known(base) => base,
            Kind::Literal => match target {
                BaseType::Decimal { scale, .. } if least > *scale => decimal(least),
                target => target.clone(),
            },
        };
        match form {
            Form::Nothing => Ok(Computed::Literal(Value::Null)),
            Form::Leaf(computed) => widen(computed, &natural, target),
            Form::Literal(json) => target.read(json).map(Computed::Literal).map_err(|e| e.at("literal")),
            Form::Alike(operator, operands) => {
                let within = within(&natural, least, target)?;
                let operands = operands.into_iter().map(|operand| operand.build(&within)).collect::<Result<_>>()?;
                widen(Computed::Apply(operator, operands), &within, target)
            }
            Form::Case(tests, operands) => {
                let within = within(&natural, least, target)?;
                let mut values =
                    operands.into_iter().map(|operand| operand.build(&within)).collect::<Result<Vec<_>>>()?;
                let otherwise = if values.len() > tests.len() { values.pop() } else { None };
                let otherwise = Box::new(otherwise.unwrap_or(Computed::Literal(Value::Null)));
                widen(Computed::Case(tests.into_iter().zip(values).collect(), otherwise), &within, target)
            }
            Form::Typed(operator, operands) => {
                widen(Computed::Apply(operator, build_each(operands)?), &natural, target)
            }
            Form::Rounded(operator, operands) => {
                let within = within(&natural, least, target)?;
                let BaseType::Decimal { scale, .. } = within else { return Err(mistyped(&natural, target)) };
                widen(Computed::Apply(operator(scale), build_each(operands)?), &within, target)
            }
        }
    }
}

impl Operand<'_> {
    pub(super) fn build(self, target: &BaseType) -> Result<Computed> {
        let path = self.path;
        self.shape.build(target).map_err(|e| e.at(path))
    }
}

fn build_each(operands: Vec<(Operand<'_>, BaseType)>) -> Result<Vec<Computed>> {
    operands.into_iter().map(|(operand, base)| operand.build(&base)).collect()
}

/// How many digits a literal has after the point.
fn fraction_len(json: &Json) -> u8 {
    let digits = match json {
        Json::String(text) => text.split_once('.').map_or(0, |(_, fraction)| fraction.trim_end_matches('0').len()),
        _ => 0,
    };
    u8::try_from(digits).unwrap_or(DECIMAL_PRECISION_MAX).min(DECIMAL_PRECISION_MAX)
}

/// A decimal as wide as any, of this scale: what is computed on the way has no declared precision.
pub(super) const fn decimal(scale: u8) -> BaseType {
    BaseType::Decimal { precision: DECIMAL_PRECISION_MAX, scale }
}

/// The type that values of both types are values of.
fn widest(a: &BaseType, b: &BaseType) -> Option<BaseType> {
    match (a, b) {
        (BaseType::Decimal { scale, .. }, BaseType::Decimal { scale: other, .. }) => Some(decimal(*scale.max(other))),
        (BaseType::Integer, BaseType::Decimal { scale, .. }) | (BaseType::Decimal { scale, .. }, BaseType::Integer) => {
            Some(decimal(*scale))
        }
        _ => a.is_stored_as(b).then(|| a.clone()),
    }
}

/// The type operands have in common, with the smallest scale all of them are right at.
pub(super) fn common(operands: &[Operand<'_>]) -> Result<(Kind, u8)> {
    let (mut found, mut least): (Option<BaseType>, u8) = (None, 0);
    if operands.iter().any(|operand| operand.shape.kind == Kind::Unknown) {
        return Ok((Kind::Unknown, 0));
    }
    for Operand { path, shape } in operands {
        least = least.max(shape.least);
        let Kind::Known(base) = &shape.kind else { continue };
        let both = match &found {
            None => Some(base.clone()),
            Some(found) => widest(found, base),
        };
        found = Some(both.ok_or_else(|| mistyped(base, found.as_ref().unwrap_or(base)).at(path))?);
    }
    let kind = match found {
        None => Kind::Literal,
        Some(BaseType::Decimal { scale, .. }) => Kind::Known(decimal(scale.max(least))),
        Some(base) => Kind::Known(base),
    };
    Ok((kind, least))
}

/// The type to compute in, so that the result is of the type `target`.
fn within(natural: &BaseType, least: u8, target: &BaseType) -> Result<BaseType> {
    match (natural, target) {
        (BaseType::Integer, BaseType::Decimal { scale, .. }) => Ok(decimal(*scale)),
        (BaseType::Decimal { .. }, BaseType::Decimal { scale, .. }) if least <= *scale => Ok(decimal(*scale)),
        (BaseType::Decimal { .. }, _) => Err(mistyped(natural, target)),
        _ if natural.is_stored_as(target) => Ok(target.clone()),
        _ => Err(mistyped(natural, target)),
    }
}

/// A value of one type as one of another that has every such value, its precision aside.
fn widen(computed: Computed, from: &BaseType, to: &BaseType) -> Result<Computed> {
    let wider = match (from, to) {
        (BaseType::Integer, BaseType::Decimal { .. }) => true,
        (BaseType::Decimal { scale, precision }, BaseType::Decimal { scale: to_scale, precision: to_precision }) => {
            if scale == to_scale && precision <= to_precision {
                return Ok(computed);
            }
            scale <= to_scale
        }
        _ if from.is_stored_as(to) => return Ok(computed),
        _ => false,
    };
    match to {
        BaseType::Decimal { precision, scale } if wider => {
            Ok(Computed::Apply(Operator::ToDecimal { precision: *precision, scale: *scale }, vec![computed]))
        }
        _ => Err(mistyped(from, to)),
    }
}

pub(super) fn mistyped(found: &BaseType, expected: &BaseType) -> Error {
    let named = |base: &BaseType| match base {
        BaseType::Decimal { scale, .. } => format!("decimal of scale {scale}"),
        base => base.name().to_owned(),
    };
    let (found, expected) = (named(found), named(expected));
    Error::invalid("ontology.action.type", format!("a value of type {expected} is expected, not of type {found}"))
        .with("expected", expected)
        .with("found", found)
}
