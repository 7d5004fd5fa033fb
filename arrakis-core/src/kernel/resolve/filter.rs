//! Filters to predicates.

use serde_json::Value as Json;

use super::names::{LinkNames, Names, ObjectNames, Side};
use super::sight::Sight;
use crate::access::Attributes;
use crate::kernel::filter::{Parsed, column, parse};
use crate::kernel::plan::{Area, Comparison, HasLink, Predicate, TextMatch};
use crate::kernel::{FILTER_DEPTH_MAX, FILTER_TERMS_MAX, Filter, IN_VALUES_MAX, PropertyValue};
use crate::ontology::LinkType;
use crate::{BaseType, Error, Result, Value};

/// Resolves the filters of one request, whose conditions are counted together.
#[derive(Debug)]
pub(in crate::kernel) struct Filters<'a> {
    sight: Sight<'a>,
    terms: usize,
    /// What references to whoever acts stand for; `None` where values are meant as they stand.
    actor: Option<Attributes<'a>>,
}

/// How the filter was written, which says how its values are read and where its faults are.
struct Form<'t> {
    /// The text, and where in it the conditions are; `None` for JSON.
    text: Option<(&'t str, std::vec::IntoIter<usize>)>,
    actor: Option<Attributes<'t>>,
}

impl<'a> Filters<'a> {
    pub(in crate::kernel) const fn new(sight: Sight<'a>) -> Self {
        Self { sight, terms: 0, actor: None }
    }

    /// With references to whoever acts.
    pub(super) const fn about(self, actor: Attributes<'a>) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// A filter on what `names` names.
    ///
    /// # Errors
    /// `kernel.property.unknown`, `kernel.link.unknown`, `kernel.filter.*`, `filter.*`, `value.*`; the path leads into the filter, or
    /// for text the column is given.
    pub(in crate::kernel) fn resolve(&mut self, names: &dyn Names, filter: &Filter) -> Result<Predicate> {
        self.filter(names, filter, 1, &mut Form { text: None, actor: self.actor })
    }

    /// A filter on links.
    ///
    /// # Errors
    /// As [`Filters::resolve`].
    pub(in crate::kernel) fn resolve_on_link(&mut self, link_type: &LinkType, filter: &Filter) -> Result<Predicate> {
        self.resolve(&LinkNames(link_type), filter)
    }

    /// How many conditions there were so far.
    pub(super) const fn terms(&self) -> usize {
        self.terms
    }

    /// Forgets conditions, to resolve a filter once more for another type of the same set.
    pub(super) const fn rewind(&mut self, terms: usize) {
        self.terms = terms;
    }

    fn filter(&mut self, names: &dyn Names, filter: &Filter, depth: usize, form: &mut Form<'_>) -> Result<Predicate> {
        if let Filter::Text(text) = filter {
            let Parsed { filter, offsets } = parse(text)?;
            let mut form = Form { text: Some((text, offsets.into_iter())), actor: self.actor };
            // A path into what the text was read as leads nowhere: the column does.
            return self.filter(names, &filter, depth, &mut form).map_err(Error::without_path);
        }
        self.enter(depth)?;
        match filter {
            Filter::And(all) => self.many(names, all, (depth, "and"), form).map(Predicate::And),
            Filter::Or(any) => self.many(names, any, (depth, "or"), form).map(Predicate::Or),
            Filter::Not(inner) => {
                let inner = self.filter(names, inner, depth + 1, form).map_err(|e| e.at("not"))?;
                Ok(Predicate::Not(Box::new(inner)))
            }
            condition => {
                let column = form.next_column();
                let resolved = self.condition(names, condition, depth, form);
                resolved.map_err(|e| match column {
                    Some(column) if e.param("column").is_none() => e.with("column", column),
                    _ => e,
                })
            }
        }
    }

    fn enter(&mut self, depth: usize) -> Result<()> {
        if depth > FILTER_DEPTH_MAX {
            return Err(
                Error::invalid("filter.too_deep", "the filter nests too deep").with("depth_max", FILTER_DEPTH_MAX)
            );
        }
        self.terms += 1;
        if self.terms > FILTER_TERMS_MAX {
            return Err(Error::invalid("filter.too_many_terms", "the filter has too many conditions")
                .with("terms_max", FILTER_TERMS_MAX));
        }
        Ok(())
    }

    fn many(
        &mut self,
        names: &dyn Names,
        filters: &[Filter],
        (depth, name): (usize, &str),
        form: &mut Form<'_>,
    ) -> Result<Vec<Predicate>> {
        let mut predicates = Vec::with_capacity(filters.len().min(FILTER_TERMS_MAX));
        for (index, filter) in filters.iter().enumerate() {
            let predicate = self.filter(names, filter, depth + 1, form);
            predicates.push(predicate.map_err(|e| e.at(format!("{name}[{index}]")))?);
        }
        Ok(predicates)
    }

    fn condition(
        &mut self,
        names: &dyn Names,
        filter: &Filter,
        depth: usize,
        form: &mut Form<'_>,
    ) -> Result<Predicate> {
        let (name, resolved) = match filter {
            Filter::Eq(with) => ("eq", compare(names, with, Comparison::Eq, form)),
            Filter::Ne(with) => ("ne", compare(names, with, Comparison::Ne, form)),
            Filter::Lt(with) => ("lt", compare(names, with, Comparison::Lt, form)),
            Filter::Le(with) => ("le", compare(names, with, Comparison::Le, form)),
            Filter::Gt(with) => ("gt", compare(names, with, Comparison::Gt, form)),
            Filter::Ge(with) => ("ge", compare(names, with, Comparison::Ge, form)),
            Filter::In { property, values } => ("in", any_of(names, property, values, form)),
            Filter::IsNull { property } => {
                ("is_null", property_of(names, property).map(|(index, _)| Predicate::IsNull(index)))
            }
            Filter::Contains(with) => ("contains", contains(names, with, form)),
            Filter::StartsWith(with) => {
                ("starts_with", text(names, with, (TextMatch::StartsWith, "starts_with"), form))
            }
            Filter::EndsWith(with) => ("ends_with", text(names, with, (TextMatch::EndsWith, "ends_with"), form)),
            Filter::Within { property, area } => ("within", within(names, property, *area)),
            Filter::Has { link, link_where, to } => {
                ("has", self.has(names, link, (link_where.as_deref(), to.as_deref()), (depth, form)))
            }
            Filter::And(_) | Filter::Or(_) | Filter::Not(_) | Filter::Text(_) => {
                return Err(Error::internal("kernel.filter.form", "a filter of filters taken for a condition"));
            }
        };
        resolved.map_err(|e| e.at(name))
    }

    fn has(
        &mut self,
        names: &dyn Names,
        link: &str,
        (link_where, to): (Option<&Filter>, Option<&Filter>),
        (depth, form): (usize, &mut Form<'_>),
    ) -> Result<Predicate> {
        let Some(Side { link_type, end, far_type }) = names.side(link).map_err(|e| e.at("link"))? else {
            return Ok(Predicate::Or(Vec::new()));
        };
        let far_names = ObjectNames { sight: self.sight, object_type: &far_type, interface: None };
        let mut inner = |names: &dyn Names, filter: Option<&Filter>, name: &str| {
            let resolved = filter.map(|filter| self.filter(names, filter, depth + 1, form)).transpose();
            resolved.map_err(|e| e.at(name))
        };
        let edge = inner(&LinkNames(&link_type), link_where, "where")?;
        let far = inner(&far_names, to, "to")?;
        Ok(self.sight.has(HasLink { link_type, end, far_type, edge, far }))
    }
}

impl Form<'_> {
    fn next_column(&mut self) -> Option<usize> {
        let (text, offsets) = self.text.as_mut()?;
        offsets.next().map(|offset| column(text, offset))
    }

    /// What a value refers to of whoever acts.
    fn reference<'j>(&self, json: &'j Json) -> Option<(Attributes<'_>, &'j str)> {
        Some((self.actor?, Attributes::reference(json)?))
    }

    /// A value by the type of what it is compared with.
    fn read(&self, base: &BaseType, json: &Json) -> Result<Value> {
        if let Some((actor, name)) = self.reference(json) {
            return actor.value(name, base);
        }
        let value = match (&self.text, base, json) {
            (None, ..)
            | (_, _, Json::Null | Json::Array(_) | Json::Object(_))
            | (_, BaseType::Double, Json::Number(_)) => base.read(json)?,
            (Some(_), _, Json::String(text)) => base.read_text(text)?,
            (Some(_), _, Json::Number(_) | Json::Bool(_)) => base.read_text(&json.to_string())?,
        };
        if value.is_null() {
            return Err(Error::invalid(
                "kernel.filter.null_value",
                "nothing compares with null: use is_null, or = null in text",
            ));
        }
        Ok(value)
    }
}

fn property_of<'n>(names: &'n dyn Names, name: &str) -> Result<(usize, &'n BaseType)> {
    names.value(name).map_err(|e| e.at("property"))
}

fn unsuitable(operator: &str, property: &str, base: &BaseType) -> Error {
    Error::invalid("kernel.filter.unsuitable", "the operator does not apply to properties of this type")
        .with("operator", operator)
        .with("property", property)
        .with("type", base.name())
        .at("property")
}

fn compare(names: &dyn Names, with: &PropertyValue, comparison: Comparison, form: &Form<'_>) -> Result<Predicate> {
    let (index, base) = property_of(names, &with.property)?;
    let (operator, suitable) = match comparison {
        Comparison::Eq => ("eq", base.is_scalar()),
        Comparison::Ne => ("ne", base.is_scalar()),
        Comparison::Lt => ("lt", base.is_ordered()),
        Comparison::Le => ("le", base.is_ordered()),
        Comparison::Gt => ("gt", base.is_ordered()),
        Comparison::Ge => ("ge", base.is_ordered()),
    };
    if !suitable {
        return Err(unsuitable(operator, &with.property, base));
    }
    let value = form.read(base, &with.value).map_err(|e| e.at("value"))?;
    Ok(Predicate::Compare(index, comparison, value))
}

fn any_of(names: &dyn Names, property: &str, values: &[Json], form: &Form<'_>) -> Result<Predicate> {
    let (index, base) = property_of(names, property)?;
    if !base.is_scalar() {
        return Err(unsuitable("in", property, base));
    }
    if values.len() > IN_VALUES_MAX {
        return Err(Error::invalid("filter.too_many_values", "the list of values is too long")
            .with("values", values.len())
            .with("values_max", IN_VALUES_MAX)
            .at("values"));
    }
    let read = |json: &Json| match form.reference(json) {
        Some((actor, name)) => actor.values(name, base),
        None => form.read(base, json).map(|value| vec![value]),
    };
    let read = |(index, json)| read(json).map_err(|e| e.at(format!("values[{index}]")));
    let values = values.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
    Ok(Predicate::In(index, values.into_iter().flatten().collect()))
}

fn contains(names: &dyn Names, with: &PropertyValue, form: &Form<'_>) -> Result<Predicate> {
    match property_of(names, &with.property)? {
        (index, BaseType::Array(element)) if element.base.is_scalar() => {
            let value = form.read(&element.base, &with.value).map_err(|e| e.at("value"))?;
            Ok(Predicate::ArrayContains(index, value))
        }
        _ => text(names, with, (TextMatch::Contains, "contains"), form),
    }
}

fn text(
    names: &dyn Names,
    with: &PropertyValue,
    (matches, operator): (TextMatch, &str),
    form: &Form<'_>,
) -> Result<Predicate> {
    let (index, base) = property_of(names, &with.property)?;
    if !base.is_text() {
        return Err(unsuitable(operator, &with.property, base));
    }
    match form.read(base, &with.value).map_err(|e| e.at("value"))? {
        Value::String(text) => Ok(Predicate::Text(index, matches, text)),
        _ => Err(unsuitable(operator, &with.property, base)),
    }
}

fn within(names: &dyn Names, property: &str, area: Area) -> Result<Predicate> {
    let (index, base) = property_of(names, property)?;
    if !matches!(base, BaseType::Geopoint) {
        return Err(unsuitable("within", property, base));
    }
    area.check().map_err(|e| e.at("area"))?;
    Ok(Predicate::Within(index, area))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::fixture::schema;

    fn resolve(filter: &Filter) -> Result<Predicate> {
        let schema = schema();
        let object_type = schema.object_type("Airport").unwrap();
        let sight = Sight::from(&schema);
        Filters::new(sight).resolve(&ObjectNames { sight, object_type, interface: None }, filter)
    }

    fn printed(filter: &Filter) -> String {
        format!("{:?}", resolve(filter).unwrap())
    }

    #[test]
    fn values_take_the_type_of_their_property() {
        for (filter, text, expected) in [
            (Filter::eq("state", "CA"), "state = CA", r#"Compare(2, Eq, String("CA"))"#),
            (Filter::eq("state", "7"), "state = 7", r#"Compare(2, Eq, String("7"))"#),
            (Filter::eq("state", "true"), "state = true", r#"Compare(2, Eq, String("true"))"#),
            (Filter::ge("elevation", -5), "elevation >= -5", "Compare(4, Ge, Integer(-5))"),
            (
                Filter::ge("elevation", "9007199254740993"),
                "elevation >= 9007199254740993",
                "Compare(4, Ge, Integer(9007199254740993))",
            ),
            (Filter::lt("ratio", 0.5), "ratio < 0.5", "Compare(5, Lt, Double(0.5))"),
            (Filter::lt("ratio", 2), "ratio < 2", "Compare(5, Lt, Double(2.0))"),
            (Filter::lt("price", "1.5"), "price < 1.5", "Compare(6, Lt, Decimal(Decimal { scale: 2, unscaled: 150 }))"),
            (
                Filter::lt("price", "1234567890123456.78"),
                "price < 1234567890123456.78",
                "Compare(6, Lt, Decimal(Decimal { scale: 2, unscaled: 123456789012345678 }))",
            ),
            (Filter::ne("active", true), "active != true", "Compare(7, Ne, Boolean(true))"),
            (Filter::gt("opened", "1970-01-02"), "opened > 1970-01-02", "Compare(8, Gt, Date(Date(1)))"),
            (
                Filter::le("since", "1970-01-01T01:00:00+01:00"),
                "since <= 1970-01-01T01:00:00+01:00",
                "Compare(9, Le, Timestamp(Timestamp(0)))",
            ),
            (Filter::le("taxi", "PT1.5S"), "taxi <= 1.5s", "Compare(10, Le, Duration(Duration(1500000)))"),
            (
                Filter::eq("location", json!({ "lat": 1, "lon": 2 })),
                "location = point(1, 2)",
                "Compare(3, Eq, Geopoint(Geopoint { lat: 1.0, lon: 2.0 }))",
            ),
            (Filter::contains("name", "Intl"), "name:Intl", r#"Text(1, Contains, "Intl")"#),
            (Filter::contains("tags", "hub"), "tags:hub", r#"ArrayContains(11, String("hub"))"#),
            (Filter::any_of("elevation", [1, 2]), "in(elevation, 1, 2)", "In(4, [Integer(1), Integer(2)])"),
            (Filter::is_null("meta"), "meta = null", "IsNull(12)"),
            (!Filter::is_null("address"), "address:*", "Not(IsNull(13))"),
            (Filter::starts_with("iata", "S"), "starts_with(iata, S)", r#"Text(0, StartsWith, "S")"#),
        ] {
            assert_eq!(printed(&filter), expected);
            assert_eq!(printed(&Filter::text(text)), expected, "{text}");
        }
    }

    #[test]
    fn conditions_on_links_stand_on_the_link_and_its_far_end() {
        let filter = Filter::text("has(destinations, flights > 100, state = CA) AND has(state_of, *, code = CA)");
        let Predicate::And(both) = resolve(&filter).unwrap() else { panic!("a conjunction") };
        let [Predicate::Has(route), Predicate::Has(state)] = both.as_slice() else { panic!("two links: {both:?}") };
        assert_eq!((route.far_type.api_name.as_str(), state.far_type.api_name.as_str()), ("Airport", "State"));
        assert_eq!(format!("{:?}", route.edge), "Some(Compare(0, Gt, Integer(100)))");
        assert_eq!(format!("{:?}", route.far), r#"Some(Compare(2, Eq, String("CA")))"#);
        assert!(state.edge.is_none());
    }

    #[test]
    fn faults_name_code_and_path() {
        let both = |second: Filter| Filter::eq("state", "CA").and(!second);
        for (filter, code, path) in [
            (both(Filter::eq("stat", "CA")), "kernel.property.unknown", "and[1].not.eq.property"),
            (both(Filter::eq("elevation", "x")), "value.type_mismatch", "and[1].not.eq.value"),
            (both(Filter::eq("elevation", Json::Null)), "kernel.filter.null_value", "and[1].not.eq.value"),
            (both(Filter::eq("price", 1.5)), "value.type_mismatch", "and[1].not.eq.value"),
            (
                both(Filter::any_of("elevation", [json!(1), json!(1.5)])),
                "value.type_mismatch",
                "and[1].not.in.values[1]",
            ),
            (both(Filter::any_of("elevation", [json!(null)])), "kernel.filter.null_value", "and[1].not.in.values[0]"),
            (
                both(Filter::any_of("elevation", vec![1; IN_VALUES_MAX + 1])),
                "filter.too_many_values",
                "and[1].not.in.values",
            ),
            (both(Filter::eq("tags", "x")), "kernel.filter.unsuitable", "and[1].not.eq.property"),
            (
                both(Filter::lt("location", json!({ "lat": 1, "lon": 2 }))),
                "kernel.filter.unsuitable",
                "and[1].not.lt.property",
            ),
            (both(Filter::contains("elevation", 1)), "kernel.filter.unsuitable", "and[1].not.contains.property"),
            (both(Filter::starts_with("tags", "x")), "kernel.filter.unsuitable", "and[1].not.starts_with.property"),
            (
                both(Filter::within("state", Area::Box { south: 0.0, west: 0.0, north: 1.0, east: 1.0 })),
                "kernel.filter.unsuitable",
                "and[1].not.within.property",
            ),
            (
                both(Filter::within("location", Area::Box { south: 1.0, west: 0.0, north: 0.0, east: 1.0 })),
                "kernel.filter.area",
                "and[1].not.within.area",
            ),
            (both(Filter::has("routes")), "kernel.link.unknown", "and[1].not.has.link"),
            (
                both(Filter::has_where("destinations", Filter::eq("state", 1))),
                "kernel.property.unknown",
                "and[1].not.has.where.eq.property",
            ),
            (
                both(Filter::has_to("destinations", Filter::eq("flights", 1))),
                "kernel.property.unknown",
                "and[1].not.has.to.eq.property",
            ),
            (
                both(Filter::has_where("destinations", Filter::has("x"))),
                "kernel.filter.no_links",
                "and[1].not.has.where.has.link",
            ),
        ] {
            let error = resolve(&filter).unwrap_err();
            assert_eq!((error.code(), error.path()), (code, Some(path)), "{filter}");
        }
    }

    #[test]
    fn faults_in_text_name_the_column_and_the_path_to_the_text() {
        let filter = Filter::eq("state", "CA").and("NOT (state = CA OR stat = CA)");
        let error = resolve(&filter).unwrap_err();
        assert_eq!(
            (error.code(), error.path(), error.param("column")),
            ("kernel.property.unknown", Some("and[1]"), Some("20"))
        );
        let error = resolve(&Filter::text("has(destinations, flights > x)")).unwrap_err();
        assert_eq!((error.code(), error.param("column")), ("value.type_mismatch", Some("19")));
        for null in ["location = 'null'", "active = 'null'", "ratio = 'null'"] {
            assert_eq!(resolve(&Filter::text(null)).unwrap_err().code(), "kernel.filter.null_value", "{null}");
        }
    }

    #[test]
    fn limits_hold_over_all_forms_together() {
        let leaf = || Filter::eq("state", "CA");
        let deep = |depth: usize| (1..depth).fold(leaf(), |inner, _| !inner);
        assert!(resolve(&deep(FILTER_DEPTH_MAX)).is_ok());
        assert_eq!(resolve(&deep(FILTER_DEPTH_MAX + 1)).unwrap_err().param("depth_max"), Some("32"));
        assert_eq!(resolve(&deep(10_000)).unwrap_err().code(), "filter.too_deep");
        let wide = |terms: usize| Filter::Or(vec![leaf(); terms]);
        assert!(resolve(&wide(FILTER_TERMS_MAX - 1)).is_ok());
        assert_eq!(resolve(&wide(FILTER_TERMS_MAX)).unwrap_err().param("terms_max"), Some("1000"));
        let text = vec!["state = CA"; 600].join(" OR ");
        assert_eq!(resolve(&Filter::text(text.as_str()).and(text)).unwrap_err().code(), "filter.too_many_terms");
    }
}
