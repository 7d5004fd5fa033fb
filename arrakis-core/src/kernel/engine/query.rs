//! Pages and groups of object sets.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Kernel;
use super::get::typed;
use super::view::View;
use crate::cursor::{self, Cursor, QueryHash};
use crate::kernel::plan::{Accumulator, MeasureFunction, Position, QueryPlan, RawGroup};
use crate::kernel::resolve::{self, ResolvedQuery};
use crate::kernel::{Aggregate, AsOf, Groups, ObjectSet, OrderBy, Page, Query, QueryRows, Snapshot};
use crate::{BaseType, Context, Key, ObjectTypeId, Result};

/// What defines the answer of a query: the same for every page of a walk.
#[derive(Serialize)]
struct Walked<'a> {
    set: &'a ObjectSet,
    select: &'a Option<Vec<String>>,
    order_by: &'a [OrderBy],
    as_of: &'a Option<AsOf>,
}

fn hash(query: &Query) -> Result<QueryHash> {
    let Query { set, select, order_by, as_of, .. } = query;
    QueryHash::of("kernel.query", &Walked { set, select, order_by, as_of })
}

impl Kernel {
    pub(super) async fn try_query(&self, ctx: &Context, request: &Query) -> Result<Page> {
        let (mut page, view, plan) = self.whole_page(ctx, request).await?;
        page.objects = page.objects.into_iter().map(|object| view.sight().shown(&plan, object)).collect();
        Ok(page)
    }

    /// A page of the objects the actor may read, with all of their properties: what host logic and rules work on.
    pub(super) async fn whole_page(&self, ctx: &Context, request: &Query) -> Result<(Page, View, QueryPlan)> {
        let tenant = ctx.scope().tenant;
        let cursor = match &request.page.cursor {
            None => None,
            Some(text) => Some(self.cursors.open(tenant, text).map_err(|e| e.at("page.cursor"))?),
        };
        let view = match &cursor {
            None => self.view(ctx, request.as_of, request.at_least).await?,
            Some(cursor) => self.view_at(ctx, cursor.seq, cursor.schema_version).await?,
        };
        let ResolvedQuery { mut plan, order_types, types } = resolve::query(view.sight(), request)?;
        if let Some(cursor) = &cursor {
            cursor.continues(hash(request)?).map_err(|e| e.at("page.cursor"))?;
            let position = read_position(&cursor.position, &order_types);
            plan.after = Some(position.ok_or_else(|| cursor::invalid().at("page.cursor"))?);
        }
        plan.at = view.at;
        plan.budget = self.budget(ctx, plan.budget);
        let Snapshot { seq, value: QueryRows { objects, next } } = self.store.query(ctx.scope(), &plan).await?;
        self.check(ctx, &view, seq).await?;
        let next = match next {
            None => None,
            Some(position) => {
                let position = write_position(&position, &order_types);
                let cursor = Cursor { query: hash(request)?, seq, schema_version: view.schema.version, position };
                Some(self.cursors.seal(tenant, &cursor)?)
            }
        };
        let objects = objects.into_iter().map(|object| typed(object, types.as_ref())).collect();
        Ok((Page { objects, next, seq }, view, plan))
    }

    pub(super) async fn try_aggregate(&self, ctx: &Context, request: &Aggregate) -> Result<Groups> {
        let view = self.view(ctx, request.as_of, request.at_least).await?;
        let (mut plan, finish) = resolve::aggregate(view.sight(), request)?;
        plan.at = view.at;
        plan.budget = self.budget(ctx, plan.budget);
        let mut raw = self.store.aggregate(ctx.scope(), &plan).await?;
        self.check(ctx, &view, raw.seq).await?;
        if plan.branches.is_empty() && request.group_by.is_empty() {
            // No type was there to say what is accumulated: the one group is of nothing.
            raw.value =
                vec![RawGroup { keys: Vec::new(), accumulators: plan.measures.iter().copied().map(nothing).collect() }];
        }
        finish.run(raw)
    }
}

const fn nothing(measure: MeasureFunction) -> Accumulator {
    match measure {
        MeasureFunction::Count | MeasureFunction::CountDistinct => Accumulator::Count(0),
        MeasureFunction::Sum | MeasureFunction::Avg | MeasureFunction::Min | MeasureFunction::Max => {
            Accumulator::Value(crate::Value::Null)
        }
    }
}

fn write_position(position: &Position, types: &[BaseType]) -> Json {
    let Position { values, object_type: ObjectTypeId(object_type), key } = position;
    let values: Vec<_> = values.iter().zip(types).map(|(value, base)| value.to_json_as(base)).collect();
    json!([values, object_type, write_key(key)])
}

fn read_position(json: &Json, types: &[BaseType]) -> Option<Position> {
    let [Json::Array(values), object_type, key] = json.as_array()?.as_slice() else { return None };
    if values.len() != types.len() {
        return None;
    }
    let values = values.iter().zip(types).map(|(json, base)| base.read(json).ok()).collect::<Option<_>>()?;
    let object_type = ObjectTypeId(u32::try_from(object_type.as_u64()?).ok()?);
    Some(Position { values, object_type, key: read_key(key)? })
}

pub(super) fn write_key(key: &Key) -> Json {
    match key {
        Key::Integer(number) => json!(number),
        Key::String(text) => json!(text),
    }
}

pub(super) fn read_key(json: &Json) -> Option<Key> {
    match json {
        Json::Number(number) => number.as_i64().map(Key::Integer),
        Json::String(text) => Some(Key::string(text.as_str())),
        _ => None,
    }
}
