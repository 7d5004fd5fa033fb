//! Random reads, and their answers as text.

use std::fmt::Write as _;
use std::sync::Arc;

use fastrand::Rng;
use serde::Serialize;

use super::commit::{any_key, any_type, type_at};
use super::set::{edge, rel};
use super::value::value;
use super::world::World;
use crate::kernel::plan::{
    AggregateBranch, AggregatePlan, Branch, GroupKey, HistoryPlan, HistorySubject, LinksPlan, MeasureFunction, Operand,
    Over, QueryPlan, SortDirection, TimeUnit,
};
use crate::kernel::{Budget, Properties};
use crate::ontology::{Backing, DataCheck, End, LinkType, ObjectType, Property, Schema};
use crate::{ApiName, BaseType, Key, Result, Scope, Seq, Store, Value, canonical_json};

/// The most pages of one walk.
const PAGES_MAX: usize = 40;

/// One question put to both stores.
#[derive(Clone, Debug)]
pub(super) enum Read {
    Objects(Arc<ObjectType>, Vec<Key>, Option<Seq>),
    Query(QueryPlan),
    Aggregate(AggregatePlan),
    Links(LinksPlan),
    History(HistoryPlan),
    Violations(Vec<DataCheck>),
    Log(Seq, u32),
    Schemas(Seq),
}

impl Read {
    pub(super) fn random(rng: &mut Rng, world: &World) -> Self {
        let at = rng.bool().then(|| Seq(rng.u64(world.first.0..=world.head.0)));
        let schema = world.schema_to_read(rng, at);
        match rng.u8(..20) {
            0 | 1 => {
                let object_type = any_type(rng, schema);
                let keys = (0..rng.usize(..5)).map(|_| any_key(rng, object_type)).collect();
                Self::Objects(Arc::clone(object_type), keys, at)
            }
            2..=8 => Self::Query(query(rng, schema, at)),
            9..=13 => Self::Aggregate(aggregate(rng, schema, at)),
            14 | 15 => links(rng, schema, at).map_or(Self::Schemas(world.head), Self::Links),
            16 | 17 => Self::History(history(rng, world)),
            18 => Self::Violations((0..rng.usize(1..4)).filter_map(|_| check(rng, world.current())).collect()),
            _ if rng.bool() => Self::Log(Seq(rng.u64(world.first.0..=world.head.0)), rng.u32(..6)),
            _ => Self::Schemas(Seq(rng.u64(world.first.0..=world.head.0))),
        }
    }

    /// The answer of a store: every value of it as JSON and as it is, or the code of its refusal.
    pub(super) async fn answer(&self, store: &dyn Store, scope: Scope) -> String {
        match self.ask(store, scope).await {
            Ok(text) => text,
            Err(error) => format!("refused: {:?} {}", error.kind(), error.code()),
        }
    }

    async fn ask(&self, store: &dyn Store, scope: Scope) -> Result<String> {
        let mut text = String::new();
        match self {
            Self::Objects(object_type, keys, at) => {
                let read = store.objects(scope, object_type, keys, *at).await?;
                line(&mut text, &read.seq, None);
                for object in &read.value {
                    line(&mut text, object, object.as_ref().map(|object| &object.properties));
                }
            }
            Self::Query(plan) => walk(store, scope, plan, &mut text).await?,
            Self::Aggregate(plan) => {
                let read = store.aggregate(scope, plan).await?;
                let mut groups: Vec<_> = read.value.iter().map(|group| format!("{group:?}")).collect();
                groups.sort();
                let _ = write!(text, "{}\n{}", read.seq, groups.join("\n"));
            }
            Self::Links(plan) => {
                let read = store.links(scope, plan).await?;
                line(&mut text, &read.seq, None);
                for link in &read.value {
                    line(&mut text, link, Some(&link.properties));
                }
            }
            Self::History(plan) => {
                for version in &store.history(scope, plan).await?.value {
                    line(&mut text, version, version.properties.as_ref());
                }
            }
            Self::Violations(checks) => {
                for violations in store.violations(scope, checks.clone()).await? {
                    line(&mut text, &violations, None);
                }
            }
            Self::Log(after, limit) => {
                let page = store.entries(scope, *after, *limit).await?;
                line(&mut text, &page.head, None);
                for entry in &page.entries {
                    line(&mut text, entry, None);
                    line(&mut text, &store.seq_at(entry.at).await?, None);
                    line(&mut text, &store.receipt(scope, entry.commit).await?, None);
                }
            }
            Self::Schemas(seq) => {
                line(&mut text, &store.schema_versions(scope.space, 0, 10).await?, None);
                let schema = store.schema_at(scope.space, *seq).await?;
                line(&mut text, &schema.map(|schema| (schema.version, schema.hash)), None);
            }
        }
        Ok(text)
    }
}

/// A value as canonical JSON, with the values of properties as they are: JSON alone does not tell a date from a text.
fn line(text: &mut String, json: &impl Serialize, properties: Option<&Properties>) {
    let json = canonical_json(&serde_json::to_value(json).unwrap());
    let _ = writeln!(text, "{json} {:?}", properties.map(Properties::values));
}

async fn walk(store: &dyn Store, scope: Scope, plan: &QueryPlan, text: &mut String) -> Result<()> {
    let mut plan = plan.clone();
    for _ in 0..PAGES_MAX {
        let read = store.query(scope, &plan).await?;
        line(text, &read.seq, None);
        for object in &read.value.objects {
            line(text, object, Some(&object.properties));
        }
        let _ = writeln!(text, "{:?}", read.value.next);
        plan.after = read.value.next;
        if plan.after.is_none() {
            break;
        }
    }
    Ok(())
}

/// What can be asked of one type, or of several that implement an interface: names, and for each type the properties under them.
struct Columns<'a> {
    names: Arc<[ApiName]>,
    branches: Vec<(&'a Arc<ObjectType>, Vec<usize>)>,
}

impl<'a> Columns<'a> {
    fn random(rng: &mut Rng, schema: &'a Schema) -> Self {
        let interface = rng.choice(schema.interfaces.iter()).filter(|_| rng.u8(..3) == 0);
        if let Some(interface) = interface {
            let own = |id| {
                let object_type = schema.object_type_by_id(id).unwrap();
                let implementation = object_type.interfaces.iter().find(|own| own.interface == interface.api_name);
                (object_type, implementation.unwrap().properties.clone())
            };
            let branches = interface.implementers.iter().map(|id| own(*id)).collect();
            return Self { names: Arc::clone(&interface.names), branches };
        }
        let object_type = any_type(rng, schema);
        let all = (0..object_type.properties.len()).collect();
        Self { names: Arc::clone(&object_type.names), branches: vec![(object_type, all)] }
    }

    /// The first type's property of a column; those of the others are of the same base type.
    fn property(&self, column: usize) -> &'a Property {
        let (object_type, properties) = &self.branches[0];
        &object_type.properties[properties[column]]
    }

    fn choose(&self, rng: &mut Rng, fits: impl Fn(&BaseType) -> bool) -> Option<usize> {
        let fitting = (0..self.names.len()).filter(|column| fits(&self.property(*column).data_type.base));
        rng.choice(fitting.collect::<Vec<_>>())
    }
}

fn budget(rng: &mut Rng) -> Budget {
    Budget { rows: (rng.u8(..8) == 0).then(|| rng.u64(..6)), ms: None }
}

fn query(rng: &mut Rng, schema: &Schema, at: Option<Seq>) -> QueryPlan {
    let columns = Columns::random(rng, schema);
    let output: Vec<_> = (0..columns.names.len()).filter(|_| rng.u8(..4) > 0).collect();
    let order: Vec<_> = (0..rng.usize(..4)).filter_map(|_| columns.choose(rng, BaseType::is_ordered)).collect();
    let directions = order.iter().map(|_| if rng.bool() { SortDirection::Asc } else { SortDirection::Desc }).collect();
    let branch = |rng: &mut Rng, (object_type, properties): &(&Arc<ObjectType>, Vec<usize>)| Branch {
        object_type: Arc::clone(object_type),
        rel: rel(rng, schema, object_type, 3),
        output: output.iter().map(|column| properties[*column]).collect(),
        order: order.iter().map(|column| properties[*column]).collect(),
    };
    QueryPlan {
        branches: columns.branches.iter().map(|own| branch(rng, own)).collect(),
        names: output.iter().map(|column| columns.names[*column].clone()).collect(),
        order: directions,
        after: None,
        limit: rng.u32(1..6),
        at,
        budget: budget(rng),
    }
}

/// What a measure or group is made of: a column of the objects, a property of the link, or the far key.
#[derive(Clone, Copy)]
enum Source {
    Column(usize),
    Link(usize),
    Far,
}

struct Sources<'a> {
    columns: &'a Columns<'a>,
    over: Option<(&'a LinkType, BaseType)>,
}

impl Sources<'_> {
    fn base(&self, source: Source) -> &BaseType {
        match (source, &self.over) {
            (Source::Column(column), _) => &self.columns.property(column).data_type.base,
            (Source::Link(property), Some((link_type, _))) => &link_type.properties[property].data_type.base,
            (Source::Far, Some((_, far_key))) => far_key,
            _ => &BaseType::Boolean,
        }
    }

    fn choose(&self, rng: &mut Rng, fits: impl Fn(&BaseType) -> bool) -> Option<Source> {
        let columns = (0..self.columns.names.len()).map(Source::Column);
        let links = self.over.as_ref().map_or(0, |(link_type, _)| link_type.properties.len());
        let links = (0..links).map(Source::Link).chain(self.over.is_some().then_some(Source::Far));
        rng.choice(columns.chain(links).filter(|source| fits(self.base(*source))).collect::<Vec<_>>())
    }
}

fn operand(source: Source, properties: &[usize]) -> Operand {
    match source {
        Source::Column(column) => Operand::Property(properties[column]),
        Source::Link(property) => Operand::LinkProperty(property),
        Source::Far => Operand::FarKey,
    }
}

fn aggregate(rng: &mut Rng, schema: &Schema, at: Option<Seq>) -> AggregatePlan {
    let columns = Columns::random(rng, schema);
    let over =
        if columns.branches.len() == 1 && rng.u8(..3) == 0 { over(rng, schema, columns.branches[0].0) } else { None };
    let far_key = |over: &Over| over.far_type.properties[over.far_type.primary_key].data_type.base.clone();
    let sources = Sources { columns: &columns, over: over.as_ref().map(|over| (&*over.link_type, far_key(over))) };
    let groups: Vec<_> = (0..rng.usize(..3)).filter_map(|_| group(rng, &sources)).collect();
    let measures: Vec<_> = (0..rng.usize(..4)).filter_map(|_| measure(rng, &sources)).collect();
    let branch = |rng: &mut Rng, (object_type, properties): &(&Arc<ObjectType>, Vec<usize>)| AggregateBranch {
        object_type: Arc::clone(object_type),
        rel: rel(rng, schema, object_type, 3),
        over: over.clone(),
        groups: groups.iter().map(|(source, key)| key(operand(*source, properties))).collect(),
        operands: measures.iter().map(|(_, source)| source.map(|source| operand(source, properties))).collect(),
    };
    AggregatePlan {
        branches: columns.branches.iter().map(|own| branch(rng, own)).collect(),
        measures: measures.iter().map(|(function, _)| *function).collect(),
        at,
        budget: budget(rng),
    }
}

fn over(rng: &mut Rng, schema: &Schema, object_type: &ObjectType) -> Option<Over> {
    let side = rng.choice(object_type.sides.iter())?;
    let link_type = schema.link_type_by_id(side.link_type)?;
    let far_type = Arc::clone(type_at(schema, link_type, side.end.far()));
    Some(Over { link_type: Arc::clone(link_type), end: side.end, far_type })
}

type MakeKey = Box<dyn Fn(Operand) -> GroupKey>;

fn group(rng: &mut Rng, sources: &Sources<'_>) -> Option<(Source, MakeKey)> {
    match rng.u8(..4) {
        0 => {
            let source = sources.choose(rng, |base| matches!(base, BaseType::Date | BaseType::Timestamp))?;
            let units =
                [TimeUnit::Hour, TimeUnit::Day, TimeUnit::Week, TimeUnit::Month, TimeUnit::Quarter, TimeUnit::Year];
            let unit = units[rng.usize(..units.len())];
            Some((source, Box::new(move |operand| GroupKey::Bucket(operand, unit))))
        }
        1 => {
            let source = sources.choose(rng, BaseType::is_ordered)?;
            let data_type = crate::DataType::of(sources.base(source).clone());
            let bound = |rng: &mut Rng| (rng.u8(..4) > 0).then(|| value(rng, &data_type));
            let ranges: Vec<(Option<Value>, Option<Value>)> =
                (0..rng.usize(1..4)).map(|_| (bound(rng), bound(rng))).collect();
            Some((source, Box::new(move |operand| GroupKey::Ranges(operand, ranges.clone()))))
        }
        _ => Some((sources.choose(rng, BaseType::is_scalar)?, Box::new(GroupKey::Exact))),
    }
}

fn measure(rng: &mut Rng, sources: &Sources<'_>) -> Option<(MeasureFunction, Option<Source>)> {
    Some(match rng.u8(..7) {
        0 => (MeasureFunction::Count, None),
        1 => (MeasureFunction::Count, Some(sources.choose(rng, |_| true)?)),
        2 => (MeasureFunction::Sum, Some(sources.choose(rng, BaseType::is_numeric)?)),
        3 => (MeasureFunction::Avg, Some(sources.choose(rng, BaseType::is_numeric)?)),
        4 => (MeasureFunction::Min, Some(sources.choose(rng, BaseType::is_ordered)?)),
        5 => (MeasureFunction::Max, Some(sources.choose(rng, BaseType::is_ordered)?)),
        _ => (MeasureFunction::CountDistinct, Some(sources.choose(rng, BaseType::is_scalar)?)),
    })
}

fn links(rng: &mut Rng, schema: &Schema, at: Option<Seq>) -> Option<LinksPlan> {
    let link_type = rng.choice(schema.link_types.iter())?;
    let end = if rng.bool() { End::Source } else { End::Target };
    let far_type = type_at(schema, link_type, end.far());
    let holder_type = match link_type.backing {
        Backing::ForeignKey { holder, .. } => Some(Arc::clone(type_at(schema, link_type, holder))),
        Backing::Join => None,
    };
    Some(LinksPlan {
        link_type: Arc::clone(link_type),
        holder_type,
        end,
        key: any_key(rng, type_at(schema, link_type, end)),
        far: (rng.u8(..4) == 0).then(|| (0..rng.usize(..4)).map(|_| any_key(rng, far_type)).collect()),
        edge: edge(rng, &link_type.properties),
        after: (rng.u8(..4) == 0).then(|| any_key(rng, far_type)),
        limit: rng.u32(1..5),
        at,
    })
}

fn history(rng: &mut Rng, world: &World) -> HistoryPlan {
    let schema = world.current();
    let joined = schema.link_types.iter().filter(|link_type| link_type.backing == Backing::Join);
    let subject = if let Some(link_type) = rng.choice(joined.collect::<Vec<_>>()).filter(|_| rng.bool()) {
        let source = any_key(rng, type_at(schema, link_type, End::Source));
        let target = any_key(rng, type_at(schema, link_type, End::Target));
        HistorySubject::Link(Arc::clone(link_type), source, target)
    } else {
        let object_type = any_type(rng, schema);
        HistorySubject::Object(Arc::clone(object_type), any_key(rng, object_type))
    };
    let after = if rng.bool() { Seq(0) } else { Seq(rng.u64(world.first.0..=world.head.0)) };
    HistoryPlan { subject, after, limit: rng.u32(1..6) }
}

fn check(rng: &mut Rng, schema: &Schema) -> Option<DataCheck> {
    let object_type = Arc::clone(any_type(rng, schema));
    let property = rng.usize(..object_type.properties.len());
    let joined = schema.link_types.iter().filter(|link_type| link_type.backing == Backing::Join);
    let link_type = rng.choice(joined.collect::<Vec<_>>());
    Some(match rng.u8(..8) {
        0 => DataCheck::NoObjects(object_type),
        1 => DataCheck::NoValues(object_type, property),
        2 => DataCheck::Required(object_type, property),
        3 => DataCheck::Castable(object_type, property, crate::DataType::of(BaseType::String)),
        4 => DataCheck::Unique(object_type, property),
        5 => {
            let base = |of: &ObjectType, property: usize| of.properties[property].data_type.base.clone();
            let key = base(&object_type, object_type.primary_key);
            let named = (0..object_type.properties.len()).filter(|property| base(&object_type, *property) == key);
            let named = rng.choice(named.collect::<Vec<_>>())?;
            DataCheck::References(Arc::clone(&object_type), named, object_type)
        }
        6 => DataCheck::NoLinks(Arc::clone(link_type?)),
        _ => DataCheck::AtMostOneLink(Arc::clone(link_type?), if rng.bool() { End::Source } else { End::Target }),
    })
}
