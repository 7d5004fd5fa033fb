//! Conditions known in part before they are asked.

use arrakis_core::Result;
use sea_query::{Expr, ExprTrait, SelectStatement, SubQueryStatement};

/// A condition on a row.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// It holds whatever the row.
    Always,
    /// It holds for no row.
    Never,
    /// It holds where the expression is true; it may be neither true nor false.
    When(Expr),
}

impl Condition {
    /// All hold.
    pub(crate) fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut terms = Vec::new();
        for condition in conditions {
            match condition {
                Self::Always => {}
                Self::Never => return Self::Never,
                Self::When(term) => terms.push(term),
            }
        }
        balanced(terms, &|a, b| a.and(b)).map_or(Self::Always, Self::When)
    }

    /// At least one holds.
    pub(crate) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut terms = Vec::new();
        for condition in conditions {
            match condition {
                Self::Always => return Self::Always,
                Self::Never => {}
                Self::When(term) => terms.push(term),
            }
        }
        balanced(terms, &|a, b| a.or(b)).map_or(Self::Never, Self::When)
    }

    /// As [`Condition::all`], where making one may fail.
    pub(crate) fn try_all(conditions: impl IntoIterator<Item = Result<Self>>) -> Result<Self> {
        Ok(Self::all(conditions.into_iter().collect::<Result<Vec<_>>>()?))
    }

    /// As [`Condition::any`], where making one may fail.
    pub(crate) fn try_any(conditions: impl IntoIterator<Item = Result<Self>>) -> Result<Self> {
        Ok(Self::any(conditions.into_iter().collect::<Result<Vec<_>>>()?))
    }

    /// Both hold.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::all([self, other])
    }

    /// The exact complement: it holds where this is false or neither.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::When(term) => Self::When(term.binary(sea_query::BinOper::IsNot, truth(true))),
        }
    }

    /// Restricts a statement that has no condition yet; `None` when it would select nothing.
    pub(crate) fn restrict(self, mut statement: SelectStatement) -> Option<SelectStatement> {
        match self {
            Self::Never => None,
            Self::Always => Some(statement),
            Self::When(term) => {
                statement.cond_where(term);
                Some(statement)
            }
        }
    }
}

/// `TRUE` or `FALSE` as written, which `IS NOT` needs: it takes no parameter there.
pub(crate) fn truth(value: bool) -> Expr {
    Expr::Constant(value.into())
}

/// `left IN (statement)`.
pub(crate) fn in_select(left: Expr, statement: SelectStatement) -> Expr {
    left.binary(sea_query::BinOper::In, subquery(statement))
}

/// `(statement)` as a value or the right side of `IN`.
pub(crate) fn subquery(statement: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(SubQueryStatement::SelectStatement(statement)))
}

/// Joins terms as a tree no deeper than the logarithm of their number: databases and the renderer nest per level.
fn balanced(mut terms: Vec<Expr>, join: &impl Fn(Expr, Expr) -> Expr) -> Option<Expr> {
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        terms = pairs;
    }
    terms.pop()
}
