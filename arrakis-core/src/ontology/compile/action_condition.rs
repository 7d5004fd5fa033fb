//! Conditions: what is compared is of one type, which compares so.

use serde_json::Value as Json;

use super::action_shape::{Kind, Operand, common};
use super::action_value::{ActionScope, check_extent};
use super::limit::ENUM_VALUES_MAX;
use crate::kernel::plan::{Area, Comparison, TextMatch};
use crate::ontology::action_value::Part;
use crate::ontology::{ActionValue, Computed, Condition, Test};
use crate::{BaseType, Error, Result, Value};

impl ActionScope<'_, '_, '_> {
    /// A condition of its own.
    pub(super) fn condition(&self, condition: &Condition) -> Result<Test> {
        check_extent(Part::Condition(condition))?;
        self.test(condition)
    }

    /// A condition whose extent was judged.
    pub(super) fn test(&self, condition: &Condition) -> Result<Test> {
        let name = condition.name();
        match condition {
            Condition::And(all) => self.tests(all).map(Test::And).map_err(|e| e.at(name)),
            Condition::Or(any) => self.tests(any).map(Test::Or).map_err(|e| e.at(name)),
            Condition::Not(inner) => self.test(inner).map(|test| Test::Not(Box::new(test))).map_err(|e| e.at(name)),
            Condition::Eq(a, b) => compare(Comparison::Eq, name, self.two(name, a, b)?),
            Condition::Ne(a, b) => compare(Comparison::Ne, name, self.two(name, a, b)?),
            Condition::Lt(a, b) => compare(Comparison::Lt, name, self.two(name, a, b)?),
            Condition::Lte(a, b) => compare(Comparison::Le, name, self.two(name, a, b)?),
            Condition::Gt(a, b) => compare(Comparison::Gt, name, self.two(name, a, b)?),
            Condition::Gte(a, b) => compare(Comparison::Ge, name, self.two(name, a, b)?),
            Condition::In(value, listed) => self.one_of(value, listed).map_err(|e| e.at(name)),
            Condition::IsNull(value) => self.is_null(value).map_err(|e| e.at(name)),
            Condition::Contains(a, b) => contains(self.two(name, a, b)?),
            Condition::StartsWith(a, b) => text(TextMatch::StartsWith, name, self.two(name, a, b)?),
            Condition::EndsWith(a, b) => text(TextMatch::EndsWith, name, self.two(name, a, b)?),
            Condition::Within(place, area) => self.within(place, *area).map_err(|e| e.at(name)),
        }
    }

    fn tests(&self, conditions: &[Condition]) -> Result<Vec<Test>> {
        if conditions.is_empty() {
            return Err(Error::invalid("ontology.condition.empty", "at least one condition is expected"));
        }
        let test = |(index, condition)| self.test(condition).map_err(|e| e.at(format!("[{index}]")));
        conditions.iter().enumerate().map(test).collect()
    }

    fn one_of(&self, value: &ActionValue, listed: &[Json]) -> Result<Test> {
        if listed.is_empty() || listed.len() > ENUM_VALUES_MAX {
            return Err(Error::invalid("ontology.limit", "a list of 1 to 1000 values is expected")
                .with("limit", "listed values")
                .with("count", listed.len())
                .with("max", ENUM_VALUES_MAX)
                .at("[1]"));
        }
        let shape = self.shape(value).map_err(|e| e.at("[0]"))?;
        let base = match &shape.kind {
            Kind::Unknown => return Ok(faulty()),
            Kind::Literal => return Err(constant()),
            Kind::Known(base) => base.clone(),
        };
        comparable(&base, false).map_err(|e| e.at("[0]"))?;
        let read = |(index, json): (usize, &Json)| base.read(json).map_err(|e| e.at(format!("[1][{index}]")));
        let listed = listed.iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok(Test::In(shape.build(&base).map_err(|e| e.at("[0]"))?, listed))
    }

    fn within(&self, place: &ActionValue, area: Area) -> Result<Test> {
        area.check().map_err(|e| e.at("[1]"))?;
        let shape = self.shape(place).map_err(|e| e.at("[0]"))?;
        if shape.kind == Kind::Literal {
            return Err(constant());
        }
        Ok(Test::Within(shape.build(&BaseType::Geopoint).map_err(|e| e.at("[0]"))?, area))
    }

    fn is_null(&self, value: &ActionValue) -> Result<Test> {
        let shape = self.shape(value)?;
        match &shape.kind {
            Kind::Unknown => Ok(faulty()),
            Kind::Literal => Err(constant()),
            Kind::Known(base) => {
                let base = base.clone();
                shape.build(&base).map(Test::IsNull)
            }
        }
    }
}

/// Stands for a condition over what is faulty itself.
const fn faulty() -> Test {
    Test::IsNull(Computed::Literal(Value::Null))
}

fn compare(comparison: Comparison, name: &'static str, operands: [Operand<'_>; 2]) -> Result<Test> {
    let base = match common(&operands)?.0 {
        Kind::Unknown => return Ok(faulty()),
        Kind::Literal => return Err(constant().at(name)),
        Kind::Known(base) => base,
    };
    let ordered = !matches!(comparison, Comparison::Eq | Comparison::Ne);
    comparable(&base, ordered).map_err(|e| e.at(name))?;
    let [a, b] = operands;
    Ok(Test::Compare(comparison, a.build(&base)?, b.build(&base)?))
}

fn contains(operands: [Operand<'_>; 2]) -> Result<Test> {
    let [list, _] = &operands;
    let Kind::Known(base @ BaseType::Array(of)) = &list.shape.kind else {
        return text(TextMatch::Contains, "contains", operands);
    };
    comparable(&of.base, false).map_err(|e| e.at(&list.path))?;
    let (base, of) = (base.clone(), of.base.clone());
    let [list, element] = operands;
    Ok(Test::ArrayContains(list.build(&base)?, element.build(&of)?))
}

fn text(how: TextMatch, name: &'static str, operands: [Operand<'_>; 2]) -> Result<Test> {
    if operands.iter().all(|operand| operand.shape.kind == Kind::Literal) {
        return Err(constant().at(name));
    }
    let [text, with] = operands;
    Ok(Test::Text(how, text.build(&BaseType::String)?, with.build(&BaseType::String)?))
}

fn comparable(base: &BaseType, ordered: bool) -> Result<()> {
    if base.is_scalar() && (!ordered || base.is_ordered()) {
        return Ok(());
    }
    Err(Error::invalid("ontology.condition.type", "values of this type do not compare so").with("type", base.name()))
}

fn constant() -> Error {
    Error::invalid(
        "ontology.condition.constant",
        "a condition is over a parameter, a property, the actor or the time, not over literals alone",
    )
}
