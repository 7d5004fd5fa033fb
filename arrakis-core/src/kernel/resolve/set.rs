//! Object sets to relations, one per concrete type.

use std::sync::Arc;

use super::Filters;
use super::names::{LinkNames, Names, ObjectNames, Side, link_constraint};
use super::sight::Sight;
use crate::kernel::plan::{Rel, Traverse};
use crate::kernel::{Direction, Filter, ObjectSet, SET_DEPTH_MAX, SET_NODES_MAX, TRAVERSE_HOPS_MAX, Walk};
use crate::ontology::{Interface, ObjectType};
use crate::{ApiName, BaseType, Error, Result};

/// A set, split by type.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) shape: Shape,
    /// By ascending type id; for an interface, every type that implements it.
    pub(super) members: Vec<Member>,
}

/// What the objects of a set are known to be.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Objects of one type.
    Object(Arc<ObjectType>),
    /// Objects of the types that implement an interface.
    Interface(Arc<Interface>),
}

/// The objects of one type in a set.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) object_type: Arc<ObjectType>,
    pub(super) rel: Rel,
}

impl Shape {
    pub(super) fn api_name(&self) -> &ApiName {
        match self {
            Self::Object(object_type) => &object_type.api_name,
            Self::Interface(interface) => &interface.api_name,
        }
    }

    /// A property's name and type.
    ///
    /// # Errors
    /// `kernel.property.unknown`.
    pub(super) fn property(&self, name: &str) -> Result<(&ApiName, &BaseType)> {
        match self {
            Self::Object(object_type) => {
                object_type.property(name).map(|(_, property)| (&property.api_name, &property.data_type.base))
            }
            Self::Interface(interface) => {
                interface.property(name).map(|(_, property)| (&property.api_name, &property.data_type.base))
            }
        }
    }

    /// What names mean for the objects of one type.
    pub(super) fn names<'a>(&'a self, sight: Sight<'a>, object_type: &'a ObjectType) -> ObjectNames<'a> {
        let interface = match self {
            Self::Object(_) => None,
            Self::Interface(interface) => Some(&**interface),
        };
        ObjectNames { sight, object_type, interface }
    }

    fn is(&self, other: &Self) -> bool {
        matches!(self, Self::Object(_)) == matches!(other, Self::Object(_)) && self.api_name() == other.api_name()
    }

    /// Those of all such objects that may be read.
    fn members(&self, sight: Sight<'_>, rel: &Rel) -> Vec<Member> {
        let schema = sight.schema;
        let member = |object_type: &Arc<ObjectType>| Member {
            object_type: Arc::clone(object_type),
            rel: sight.seen(object_type, rel.clone()),
        };
        match self {
            Self::Object(object_type) => vec![member(object_type)],
            Self::Interface(interface) => {
                let implementers = interface.implementers.iter().filter_map(|id| schema.object_type_by_id(*id));
                implementers.map(member).collect()
            }
        }
    }
}

/// Resolves a set. `filters` counts the conditions of the whole request.
///
/// # Errors
/// `kernel.*.unknown`, `kernel.set.*`, and what [`Filters::resolve`] and [`super::keys`] answer; the path leads into the set.
pub(super) fn set(sight: Sight<'_>, filters: &mut Filters<'_>, set: &ObjectSet) -> Result<Resolved> {
    Sets { sight, filters, nodes: 0 }.set(set, 1)
}

struct Sets<'a, 'f, 'g> {
    sight: Sight<'a>,
    filters: &'f mut Filters<'g>,
    nodes: usize,
}

impl Sets<'_, '_, '_> {
    fn set(&mut self, set: &ObjectSet, depth: usize) -> Result<Resolved> {
        self.nodes += 1;
        if depth > SET_DEPTH_MAX || self.nodes > SET_NODES_MAX {
            return Err(Error::invalid("kernel.set.too_large", "the set is made of too many sets, or nests too deep")
                .with("sets_max", SET_NODES_MAX)
                .with("depth_max", SET_DEPTH_MAX));
        }
        match set {
            ObjectSet::Type(name) => {
                let object_type = self.sight.schema.object_type(name).map_err(|e| e.at("type"))?;
                Ok(self.whole(Shape::Object(Arc::clone(object_type)), &Rel::All))
            }
            ObjectSet::Interface(name) => {
                let interface = self.sight.schema.interface(name).map_err(|e| e.at("interface"))?;
                Ok(self.whole(Shape::Interface(Arc::clone(interface)), &Rel::All))
            }
            ObjectSet::Ids { object_type, keys } => {
                let object_type = self.sight.schema.object_type(object_type).map_err(|e| e.at("ids.type"))?;
                let mut keys = super::keys(object_type, keys).map_err(|e| e.at("ids"))?;
                keys.sort_unstable();
                keys.dedup();
                Ok(self.whole(Shape::Object(Arc::clone(object_type)), &Rel::Keys(keys)))
            }
            ObjectSet::Filter { from, filter } => {
                let from = self.set(from, depth + 1).map_err(|e| e.at("filter.from"))?;
                self.filter(from, filter).map_err(|e| e.at("filter.where"))
            }
            ObjectSet::Union(sets) => self.combine(sets, ("union", depth), Rel::Union),
            ObjectSet::Intersect(sets) => self.combine(sets, ("intersect", depth), Rel::Intersect),
            ObjectSet::Subtract(first, second) => {
                let first = self.set(first, depth + 1).map_err(|e| e.at("subtract[0]"))?;
                let second = self.set(second, depth + 1).map_err(|e| e.at("subtract[1]"))?;
                same_shape(&first, &second).map_err(|e| e.at("subtract[1]"))?;
                let pairs = first.members.into_iter().zip(second.members);
                let members = pairs.map(|(Member { object_type, rel }, second)| Member {
                    object_type,
                    rel: Rel::Subtract(Box::new(rel), Box::new(second.rel)),
                });
                Ok(Resolved { shape: first.shape, members: members.collect() })
            }
            ObjectSet::Traverse(walk) => {
                let from = self.set(&walk.from, depth + 1).map_err(|e| e.at("traverse.from"))?;
                self.traverse(from, walk).map_err(|e| e.at("traverse"))
            }
        }
    }

    fn whole(&self, shape: Shape, rel: &Rel) -> Resolved {
        Resolved { members: shape.members(self.sight, rel), shape }
    }

    fn filter(&mut self, from: Resolved, filter: &Filter) -> Result<Resolved> {
        let Resolved { shape, members } = from;
        let counted = self.filters.terms();
        let mut filtered = Vec::with_capacity(members.len());
        for Member { object_type, rel } in members {
            // One filter is counted once, however many types it is resolved for.
            self.filters.rewind(counted);
            let predicate = self.filters.resolve(&shape.names(self.sight, &object_type), filter)?;
            filtered.push(Member { object_type, rel: Rel::Filter(Box::new(rel), predicate) });
        }
        Ok(Resolved { shape, members: filtered })
    }

    fn combine(
        &mut self,
        sets: &[ObjectSet],
        (name, depth): (&str, usize),
        rel: impl Fn(Vec<Rel>) -> Rel,
    ) -> Result<Resolved> {
        let mut resolved: Option<(Resolved, Vec<Vec<Rel>>)> = None;
        for (index, set) in sets.iter().enumerate() {
            let at = |e: Error| e.at(format!("{name}[{index}]"));
            let mut next = self.set(set, depth + 1).map_err(at)?;
            let rels = std::mem::take(&mut next.members);
            match &mut resolved {
                None => {
                    let types = rels.iter().map(|member| Arc::clone(&member.object_type));
                    next.members = types.map(|object_type| Member { object_type, rel: Rel::Nothing }).collect();
                    resolved = Some((next, rels.into_iter().map(|member| vec![member.rel]).collect()));
                }
                Some((first, gathered)) => {
                    same_shape(first, &next).map_err(at)?;
                    gathered.iter_mut().zip(rels).for_each(|(gathered, member)| gathered.push(member.rel));
                }
            }
        }
        let Some((mut resolved, gathered)) = resolved else {
            return Err(Error::invalid("kernel.set.empty", "a union or intersection is of at least one set").at(name));
        };
        resolved.members.iter_mut().zip(gathered).for_each(|(member, rels)| member.rel = rel(rels));
        Ok(resolved)
    }

    fn traverse(&mut self, from: Resolved, walk: &Walk) -> Result<Resolved> {
        if walk.min < 1 || walk.max < walk.min || walk.max > TRAVERSE_HOPS_MAX {
            return Err(Error::invalid(
                "kernel.traverse.hops",
                "a walk has at least one link, and min is not above max",
            )
            .with("hops_max", TRAVERSE_HOPS_MAX)
            .at(if walk.min < 1 { "min" } else { "max" }));
        }
        let shape = match &from.shape {
            Shape::Object(object_type) => {
                let side = from.shape.names(self.sight, object_type).side(&walk.link).map_err(|e| e.at("link"))?;
                side.map(|side| Shape::Object(side.far_type))
            }
            Shape::Interface(interface) => {
                let constraint = link_constraint(self.sight.schema, interface, &walk.link).map_err(|e| e.at("link"))?;
                let target = constraint.target.as_str();
                Some(match self.sight.schema.object_type(target) {
                    Ok(object_type) => Shape::Object(Arc::clone(object_type)),
                    Err(_) => Shape::Interface(Arc::clone(self.sight.schema.interface(target)?)),
                })
            }
        };
        let shape = shape.ok_or_else(|| Error::internal("schema.inconsistent", "a type without its own link"))?;
        let mut reached: Vec<(Arc<ObjectType>, Vec<Rel>)> = shape
            .members(self.sight, &Rel::Nothing)
            .into_iter()
            .map(|member| (member.object_type, Vec::new()))
            .collect();
        let counted = self.filters.terms();
        for Member { object_type, rel } in from.members {
            let Some(side) = from.shape.names(self.sight, &object_type).side(&walk.link)? else { continue };
            self.filters.rewind(counted);
            let edge = walk
                .link_where
                .as_ref()
                .map(|filter| self.filters.resolve(&LinkNames(&side.link_type), filter).map_err(|e| e.at("where")));
            let edge = edge.transpose()?;
            let far_type = Arc::clone(&side.far_type);
            let traverse = step(side, (object_type, rel), walk)?;
            let traverse = self.sight.walk(&far_type, Traverse { edge, ..traverse });
            if let Some((_, rels)) = reached.iter_mut().find(|(object_type, _)| object_type.id == far_type.id) {
                rels.push(traverse);
            }
        }
        let member = |(object_type, mut rels): (Arc<ObjectType>, Vec<Rel>)| {
            let rel = match (rels.len(), rels.pop()) {
                (_, None) => Rel::Nothing,
                (1, Some(only)) => only,
                (_, Some(last)) => {
                    rels.push(last);
                    Rel::Union(rels)
                }
            };
            Member { object_type, rel }
        };
        Ok(Resolved { shape, members: reached.into_iter().map(member).collect() })
    }
}

fn step(side: Side, (from_type, from): (Arc<ObjectType>, Rel), walk: &Walk) -> Result<Traverse> {
    let either = walk.direction == Direction::Either;
    if !side.link_type.is_homogeneous() {
        let refused = |path: &'static str| {
            Error::invalid(
                "kernel.traverse.heterogeneous",
                "only links that join objects of one type are walked to either end or more than once",
            )
            .with("link_type", &side.link_type.api_name)
            .at(path)
        };
        if either {
            return Err(refused("direction"));
        }
        if walk.max > 1 {
            return Err(refused("max"));
        }
    }
    let Side { link_type, end, .. } = side;
    Ok(Traverse { from_type, from, link_type, end, either, min: walk.min, max: walk.max, edge: None })
}

fn same_shape(first: &Resolved, second: &Resolved) -> Result<()> {
    if first.shape.is(&second.shape) {
        return Ok(());
    }
    Err(Error::invalid("kernel.set.shape", "sets are combined with sets of the same type or interface")
        .with("expected", first.shape.api_name())
        .with("found", second.shape.api_name()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Key;
    use crate::kernel::fixture::schema;

    fn resolve(set: &ObjectSet) -> Result<(String, Vec<String>)> {
        let schema = schema();
        let sight = Sight::from(&schema);
        let resolved = super::set(sight, &mut Filters::new(sight), set)?;
        let member = |member: &Member| format!("{} {}", member.object_type.api_name, outline(&member.rel));
        Ok((resolved.shape.api_name().to_string(), resolved.members.iter().map(member).collect()))
    }

    /// A relation in short.
    fn outline(rel: &Rel) -> String {
        let list = |rels: &[Rel]| rels.iter().map(outline).collect::<Vec<_>>().join(" ");
        match rel {
            Rel::All => "all".into(),
            Rel::Nothing => "nothing".into(),
            Rel::Keys(keys) => format!("{:?}", keys.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Rel::Filter(from, predicate) => format!("({} where {predicate:?})", outline(from)),
            Rel::Union(rels) => format!("(union {})", list(rels)),
            Rel::Intersect(rels) => format!("(intersect {})", list(rels)),
            Rel::Subtract(a, b) => format!("(subtract {} {})", outline(a), outline(b)),
            Rel::Traverse(t) => {
                let either = if t.either { " either" } else { "" };
                let edge = t.edge.as_ref().map(|edge| format!(" where {edge:?}")).unwrap_or_default();
                let (from, link) = (outline(&t.from), &t.link_type.api_name);
                format!("({} {from} -{link}/{:?} {}..{}{either}{edge})", t.from_type.api_name, t.end, t.min, t.max)
            }
        }
    }

    fn airports() -> ObjectSet {
        ObjectSet::of("Airport")
    }

    #[test]
    fn sets_of_one_type_are_one_relation() {
        for (set, expected) in [
            (airports(), "Airport all"),
            (ObjectSet::ids("Airport", ["b", "a", "b"]), r#"Airport ["a", "b"]"#),
            (ObjectSet::ids("City", [Key::from("10"), Key::from(9)]), r#"City ["9", "10"]"#),
            (airports().filter("active = true"), "Airport (all where Compare(7, Eq, Boolean(true)))"),
            (airports().union(airports()), "Airport (union all all)"),
            (airports().intersect(ObjectSet::ids("Airport", ["a"])), r#"Airport (intersect all ["a"])"#),
            (airports().subtract(airports()), "Airport (subtract all all)"),
            (airports().traverse("destinations"), "Airport (Airport all -Route/Source 1..1)"),
            (airports().traverse("origins"), "Airport (Airport all -Route/Target 1..1)"),
            (airports().traverse("state_of"), "State (Airport all -StateOfAirport/Source 1..1)"),
            (ObjectSet::of("State").traverse("airports"), "Airport (State all -StateOfAirport/Target 1..1)"),
            (
                ObjectSet::walk(Walk::from(airports(), "origins").hops(2, 16).either().along("flights > 1")),
                "Airport (Airport all -Route/Target 2..16 either where Compare(0, Gt, Integer(1)))",
            ),
        ] {
            assert_eq!(resolve(&set).unwrap().1, [expected]);
        }
    }

    #[test]
    fn sets_of_an_interface_are_a_relation_for_each_type() {
        let located = || ObjectSet::implementing("Located");
        for (set, shape, expected) in [
            (located(), "Located", vec!["Airport all", "City all"]),
            (
                located().filter(Filter::eq("label", "x")),
                "Located",
                vec![
                    r#"Airport (all where Compare(1, Eq, String("x")))"#,
                    r#"City (all where Compare(1, Eq, String("x")))"#,
                ],
            ),
            (
                located().filter(Filter::has("region")).subtract(located()),
                "Located",
                vec!["Airport (subtract (all where HAS) all)", "City (subtract (all where Or([])) all)"],
            ),
            (located().traverse("region"), "State", vec!["State (Airport all -StateOfAirport/Source 1..1)"]),
            (
                ObjectSet::Union(vec![located(), located()]),
                "Located",
                vec!["Airport (union all all)", "City (union all all)"],
            ),
        ] {
            let (found_shape, found) = resolve(&set).unwrap();
            let shortened = found.iter().map(|rel| match rel.split_once("Has(") {
                Some((before, _)) => format!("{before}HAS) all)"),
                None => rel.clone(),
            });
            let found: Vec<_> = shortened.collect();
            assert_eq!((found_shape.as_str(), found), (shape, expected.iter().map(ToString::to_string).collect()));
        }
    }

    #[test]
    fn faults_name_code_and_path() {
        let walk = |min, max| ObjectSet::walk(Walk::from(airports(), "destinations").hops(min, max));
        for (set, code, path) in [
            (ObjectSet::of("Plane"), "kernel.object_type.unknown", "type"),
            (ObjectSet::implementing("Plane"), "kernel.interface.unknown", "interface"),
            (ObjectSet::ids("Plane", ["x"]), "kernel.object_type.unknown", "ids.type"),
            (ObjectSet::ids("City", ["1", "x"]), "value.type_mismatch", "ids.keys[1]"),
            (ObjectSet::ids("Airport", [""]), "kernel.key.length", "ids.keys[0]"),
            (ObjectSet::ids("Airport", vec!["x"; 10_001]), "kernel.keys.too_many", "ids.keys"),
            (airports().filter(Filter::eq("x", 1)), "kernel.property.unknown", "filter.where.eq.property"),
            (airports().filter("x = 1"), "kernel.property.unknown", "filter.where"),
            (airports().filter("x ="), "filter.text.expected_value", "filter.where"),
            (ObjectSet::implementing("Located").filter("name = 1"), "kernel.property.unknown", "filter.where"),
            (airports().union(ObjectSet::of("City")), "kernel.set.shape", "union[1]"),
            (airports().intersect(ObjectSet::implementing("Located")), "kernel.set.shape", "intersect[1]"),
            (airports().subtract(ObjectSet::of("City")), "kernel.set.shape", "subtract[1]"),
            (ObjectSet::Union(Vec::new()), "kernel.set.empty", "union"),
            (airports().traverse("x"), "kernel.link.unknown", "traverse.link"),
            (ObjectSet::implementing("Located").traverse("x"), "kernel.link.unknown", "traverse.link"),
            (walk(0, 1), "kernel.traverse.hops", "traverse.min"),
            (walk(2, 1), "kernel.traverse.hops", "traverse.max"),
            (walk(1, 17), "kernel.traverse.hops", "traverse.max"),
            (
                ObjectSet::walk(Walk::from(airports(), "state_of").hops(1, 2)),
                "kernel.traverse.heterogeneous",
                "traverse.max",
            ),
            (
                ObjectSet::walk(Walk::from(airports(), "state_of").either()),
                "kernel.traverse.heterogeneous",
                "traverse.direction",
            ),
            (
                ObjectSet::walk(Walk::from(airports(), "origins").along("x = 1")),
                "kernel.property.unknown",
                "traverse.where",
            ),
            (
                airports().filter("true").union(airports().filter("x = 1")),
                "kernel.property.unknown",
                "union[1].filter.where",
            ),
            (
                ObjectSet::of("x").traverse("y").filter("z = 1"),
                "kernel.object_type.unknown",
                "filter.from.traverse.from.type",
            ),
        ] {
            let error = resolve(&set).unwrap_err();
            assert_eq!((error.code(), error.path()), (code, Some(path)), "{}", json!(set));
        }
    }

    #[test]
    fn size_and_depth_are_limited() {
        let deep = |depth: usize| (1..depth).fold(airports(), |set, _| set.filter("true"));
        assert!(resolve(&deep(SET_DEPTH_MAX)).is_ok());
        assert_eq!(resolve(&deep(SET_DEPTH_MAX + 1)).unwrap_err().param("depth_max"), Some("16"));
        let wide = |count: usize| ObjectSet::Union(vec![airports(); count]);
        assert!(resolve(&wide(SET_NODES_MAX - 1)).is_ok());
        assert_eq!(resolve(&wide(SET_NODES_MAX)).unwrap_err().param("sets_max"), Some("100"));
        let half = Filter::Or(vec![Filter::is_null("label"); 600]);
        let located = ObjectSet::implementing("Located").filter(half.clone());
        assert!(resolve(&located).is_ok(), "a filter counts once, however many types it is resolved for");
        assert_eq!(resolve(&located.filter(half)).unwrap_err().code(), "filter.too_many_terms");
    }
}
