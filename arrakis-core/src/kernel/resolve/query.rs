//! Queries to plans.

use std::collections::HashSet;
use std::sync::Arc;

use super::names::{Names, implementation};
use super::set::{Shape, set};
use super::sight::Sight;
use super::{Filters, struct_types};
use crate::kernel::plan::{Branch, QueryPlan};
use crate::kernel::{ORDER_TERMS_MAX, OrderBy, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Query};
use crate::ontology::ObjectType;
use crate::{ApiName, BaseType, Error, Result};

/// A query resolved.
#[derive(Debug)]
pub(in crate::kernel) struct ResolvedQuery {
    pub(in crate::kernel) plan: QueryPlan,
    /// The types of the order terms.
    pub(in crate::kernel) order_types: Vec<BaseType>,
    /// The types of the outputs, when some are structs.
    pub(in crate::kernel) types: Option<Arc<[BaseType]>>,
}

/// Resolves a query: its first page, as of now.
///
/// # Errors
/// What a set answers, `kernel.select.*`, `kernel.order.*`, `kernel.page.size`, each with the path into the query.
pub(in crate::kernel) fn query(sight: Sight<'_>, query: &Query) -> Result<ResolvedQuery> {
    let limit = page_size(query.page.size).map_err(|e| e.at("page.size"))?;
    let resolved = set(sight, &mut Filters::new(sight), &query.set).map_err(|e| e.at("set"))?;
    let selected = query.select.as_deref();
    let names = output_names(&resolved.shape, selected)?;
    let order_types = order_types(&resolved.shape, &query.order_by)?;
    let mut branches = Vec::with_capacity(resolved.members.len());
    for member in resolved.members {
        let output = output(&resolved.shape, sight, &member.object_type, selected)?;
        let view = resolved.shape.names(sight, &member.object_type);
        let at = |index: usize| move |e: Error| e.at(format!("order_by[{index}].property"));
        let terms = query.order_by.iter().enumerate();
        let order = terms.map(|(index, term)| view.value(&term.property).map(|(of, _)| of).map_err(at(index)));
        let order = order.collect::<Result<_>>()?;
        branches.push(Branch { object_type: member.object_type, rel: member.rel, output, order });
    }
    let types = match branches.first() {
        Some(Branch { object_type, output, .. }) => struct_types(
            output.iter().filter_map(|index| object_type.properties.get(*index)).map(|p| &p.data_type.base),
        ),
        None => None,
    };
    let directions = query.order_by.iter().map(|term| term.direction).collect();
    let plan = QueryPlan { branches, names, order: directions, after: None, limit, at: None, budget: query.budget };
    Ok(ResolvedQuery { plan, order_types, types })
}

/// How many results a page has.
///
/// # Errors
/// `kernel.page.size`.
pub(in crate::kernel) fn page_size(size: Option<u32>) -> Result<u32> {
    match size {
        None => Ok(PAGE_SIZE_DEFAULT),
        Some(size) if (1..=PAGE_SIZE_MAX).contains(&size) => Ok(size),
        Some(size) => Err(Error::invalid("kernel.page.size", "a page has 1 to 10,000 results")
            .with("size", size)
            .with("size_max", PAGE_SIZE_MAX)),
    }
}

/// The properties of one type that were asked for.
#[derive(Clone, Debug)]
pub(in crate::kernel) struct Selection {
    pub(in crate::kernel) names: Arc<[ApiName]>,
    pub(in crate::kernel) output: Vec<usize>,
}

impl Selection {
    /// Resolves the properties asked for of one type.
    ///
    /// # Errors
    /// `kernel.property.unknown`, `kernel.select.duplicate`.
    pub(in crate::kernel) fn of(sight: Sight<'_>, object_type: &Arc<ObjectType>, selected: &[String]) -> Result<Self> {
        let shape = Shape::Object(Arc::clone(object_type));
        let names = output_names(&shape, Some(selected))?;
        Ok(Self { names, output: output(&shape, sight, object_type, Some(selected))? })
    }
}

fn output_names(shape: &Shape, selected: Option<&[String]>) -> Result<Arc<[ApiName]>> {
    let Some(selected) = selected else {
        return Ok(match shape {
            Shape::Object(object_type) => Arc::clone(&object_type.names),
            Shape::Interface(interface) => Arc::clone(&interface.names),
        });
    };
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    for (index, name) in selected.iter().enumerate() {
        let at = |e: Error| e.at(format!("select[{index}]"));
        let (api_name, _) = shape.property(name).map_err(at)?;
        names.push(api_name.clone());
        if !seen.insert(name) {
            let twice = Error::invalid("kernel.select.duplicate", "a property is selected twice");
            return Err(at(twice.with("property", name)));
        }
    }
    Ok(names.into())
}

fn output(
    shape: &Shape,
    sight: Sight<'_>,
    object_type: &ObjectType,
    selected: Option<&[String]>,
) -> Result<Vec<usize>> {
    match (selected, shape) {
        (Some(selected), _) => {
            let view = shape.names(sight, object_type);
            selected.iter().map(|name| view.stored(name).map(|(index, _)| index)).collect()
        }
        (None, Shape::Object(_)) => Ok((0..object_type.properties.len()).collect()),
        (None, Shape::Interface(interface)) => Ok(implementation(object_type, interface)?.properties.clone()),
    }
}

fn order_types(shape: &Shape, terms: &[OrderBy]) -> Result<Vec<BaseType>> {
    if terms.len() > ORDER_TERMS_MAX {
        return Err(Error::invalid("kernel.order.too_many_terms", "the order has too many terms")
            .with("terms_max", ORDER_TERMS_MAX)
            .at("order_by"));
    }
    let mut seen = HashSet::new();
    let mut types = Vec::with_capacity(terms.len());
    for (index, term) in terms.iter().enumerate() {
        let at = |e: Error| e.at(format!("order_by[{index}].property"));
        let (_, base) = shape.property(&term.property).map_err(at)?;
        if !base.is_ordered() {
            return Err(at(Error::invalid("kernel.order.unsuitable", "properties of this type have no order")
                .with("property", &term.property)
                .with("type", base.name())));
        }
        if !seen.insert(&term.property) {
            let twice = Error::invalid("kernel.order.duplicate", "a property is ordered by twice");
            return Err(at(twice.with("property", &term.property)));
        }
        types.push(base.clone());
    }
    Ok(types)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ObjectSet;
    use crate::kernel::fixture::schema;
    use crate::kernel::plan::SortDirection;

    fn resolve(query: &Query) -> Result<ResolvedQuery> {
        super::query(Sight::from(&schema()), query)
    }

    #[test]
    fn outputs_and_orders_are_indexes_of_each_type() {
        let located = Query::of(ObjectSet::implementing("Located"));
        let ResolvedQuery { plan, order_types, types } =
            resolve(&located.clone().order_by(OrderBy::desc("label")).page_size(7)).unwrap();
        let branches: Vec<_> = plan
            .branches
            .iter()
            .map(|b| (b.object_type.api_name.as_str(), b.output.clone(), b.order.clone()))
            .collect();
        assert_eq!(branches, [("Airport", vec![1, 3], vec![1]), ("City", vec![1, 2], vec![1])]);
        assert_eq!(plan.names.iter().map(ApiName::as_str).collect::<Vec<_>>(), ["label", "location"]);
        assert_eq!((plan.order, plan.limit, order_types), (vec![SortDirection::Desc], 7, vec![BaseType::String]));
        assert!(types.is_none());
        let selected = resolve(&located.select(["location"])).unwrap().plan;
        assert_eq!(selected.branches.iter().map(|b| b.output.clone()).collect::<Vec<_>>(), [[3], [2]]);
    }

    #[test]
    fn structs_bring_their_types_along() {
        let airports = || Query::of(ObjectSet::of("Airport"));
        assert_eq!(resolve(&airports()).unwrap().types.map(|types| types.len()), Some(16));
        assert_eq!(resolve(&airports().select(["address", "name"])).unwrap().types.map(|types| types.len()), Some(2));
        assert!(resolve(&airports().select(["name"])).unwrap().types.is_none());
    }

    #[test]
    fn faults_name_code_and_path() {
        let airports = || Query::of(ObjectSet::of("Airport"));
        let nine = (0..9).fold(airports(), |query, _| query.order_by(OrderBy::asc("name")));
        for (query, code, path) in [
            (Query::of(ObjectSet::of("Plane")), "kernel.object_type.unknown", "set.type"),
            (airports().select(["name", "x"]), "kernel.property.unknown", "select[1]"),
            (airports().select(["name", "name"]), "kernel.select.duplicate", "select[1]"),
            (airports().order_by(OrderBy::asc("x")), "kernel.property.unknown", "order_by[0].property"),
            (airports().order_by(OrderBy::asc("location")), "kernel.order.unsuitable", "order_by[0].property"),
            (airports().order_by(OrderBy::asc("tags")), "kernel.order.unsuitable", "order_by[0].property"),
            (
                airports().order_by(OrderBy::asc("name")).order_by(OrderBy::desc("name")),
                "kernel.order.duplicate",
                "order_by[1].property",
            ),
            (nine, "kernel.order.too_many_terms", "order_by"),
            (airports().page_size(0), "kernel.page.size", "page.size"),
            (airports().page_size(PAGE_SIZE_MAX + 1), "kernel.page.size", "page.size"),
        ] {
            let error = resolve(&query).unwrap_err();
            assert_eq!((error.code(), error.path()), (code, Some(path)), "{query:?}");
        }
    }
}
