//! What values and conditions of actions come to.

use super::{Computed, Inputs, Operator, Test};
use crate::kernel::plan::Comparison;
use crate::{Result, Value};

impl Computed {
    /// The value, under the inputs given.
    ///
    /// # Errors
    /// `kernel.action.overflow` for a result out of the range of its type, a double that is no finite number, and a decimal with more
    /// digits than it may have; `kernel.action.division_by_zero`; `value.string.too_long`. Each names the operator. An input of another
    /// type than it was compiled for is `schema.inconsistent`.
    pub fn evaluate(&self, inputs: &dyn Inputs) -> Result<Value> {
        Ok(match self {
            Self::Parameter(index) => inputs.parameter(*index).clone(),
            Self::ParameterProperty { parameter, property } => inputs.parameter_property(*parameter, property),
            Self::Property(property) => inputs.property(property),
            Self::Actor => Value::string(inputs.actor().as_str()),
            Self::Now => Value::Timestamp(inputs.now()),
            Self::Literal(value) => value.clone(),
            Self::Apply(Operator::Coalesce, operands) => {
                for operand in operands {
                    let value = operand.evaluate(inputs)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Value::Null
            }
            Self::Apply(operator, operands) => {
                let values = operands.iter().map(|operand| operand.evaluate(inputs)).collect::<Result<Vec<_>>>()?;
                if values.iter().any(Value::is_null) {
                    return Ok(Value::Null);
                }
                operator.apply(&values).map_err(|e| e.with("operator", operator.name()))?
            }
            Self::Case(when, otherwise) => {
                for (test, value) in when {
                    if test.holds(inputs)? {
                        return value.evaluate(inputs);
                    }
                }
                otherwise.evaluate(inputs)?
            }
        })
    }
}

impl Test {
    /// Whether it holds, under the inputs given.
    ///
    /// # Errors
    /// As [`Computed::evaluate`].
    pub fn holds(&self, inputs: &dyn Inputs) -> Result<bool> {
        Ok(match self {
            Self::And(tests) => {
                for test in tests {
                    if !test.holds(inputs)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(tests) => {
                for test in tests {
                    if test.holds(inputs)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(test) => !test.holds(inputs)?,
            Self::Compare(comparison, a, b) => comparison.holds(&a.evaluate(inputs)?, &b.evaluate(inputs)?),
            Self::In(value, listed) => {
                let value = value.evaluate(inputs)?;
                listed.iter().any(|listed| Comparison::Eq.holds(&value, listed))
            }
            Self::IsNull(value) => value.evaluate(inputs)?.is_null(),
            Self::Text(how, text, with) => match (text.evaluate(inputs)?, with.evaluate(inputs)?) {
                (Value::String(text), Value::String(with)) => how.holds(&text, &with),
                _ => false,
            },
            Self::ArrayContains(list, element) => match (list.evaluate(inputs)?, element.evaluate(inputs)?) {
                (Value::Array(items), element) => items.iter().any(|item| Comparison::Eq.holds(item, &element)),
                _ => false,
            },
            Self::Within(place, area) => match place.evaluate(inputs)? {
                Value::Geopoint(point) => area.contains(point),
                _ => false,
            },
        })
    }
}
