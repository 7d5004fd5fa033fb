//! Aggregates spelled by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kernel::Budget;
use crate::kernel::plan::{
    Accumulator, AggregateBranch, AggregatePlan, GroupKey, MeasureFunction, Operand, Over, Rel, TimeUnit,
};
use crate::ontology::{End, ObjectType, Schema};
use crate::{Result, Scope, Seq, Value, canonical_json};

use super::fixture::Fixture;

/// An aggregate in the making.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The aggregate.
    pub plan: AggregatePlan,
}

impl Tally {
    /// An aggregate over objects of one type.
    pub fn of(object_type: &Arc<ObjectType>, rel: Rel) -> Self {
        Self::over_branches(vec![branch(object_type, rel)])
    }

    /// An aggregate over the objects of every type that implements an interface.
    pub fn of_interface(schema: &Schema, name: &str, rel: impl Fn(&ObjectType) -> Rel) -> Self {
        let object_types = schema.interface(name).unwrap().implementers.iter();
        let object_types = object_types.map(|id| schema.object_type_by_id(*id).unwrap());
        Self::over_branches(object_types.map(|object_type| branch(object_type, rel(object_type))).collect())
    }

    fn over_branches(branches: Vec<AggregateBranch>) -> Self {
        Self { plan: AggregatePlan { branches, measures: Vec::new(), at: None, budget: Budget::default() } }
    }

    /// Once per link instead of once per object; `end` is the end the objects are at.
    #[must_use]
    pub fn over(mut self, schema: &Schema, link_type: &str, end: End) -> Self {
        let link_type = schema.link_type(link_type).unwrap();
        let far_type = schema.object_type_by_id(link_type.side(end.far()).object_type).unwrap();
        for branch in &mut self.plan.branches {
            branch.over = Some(Over { link_type: Arc::clone(link_type), end, far_type: Arc::clone(far_type) });
        }
        self
    }

    /// What an operand of this name is in a branch: `far` the far key, `link.x` a property of the link, else one of the object or of
    /// the interface.
    fn operand(branch: &AggregateBranch, name: &str) -> Operand {
        if name == "far" {
            return Operand::FarKey;
        }
        if let Some(name) = name.strip_prefix("link.") {
            return Operand::LinkProperty(branch.over.as_ref().unwrap().link_type.property(name).unwrap().0);
        }
        Operand::Property(branch.object_type.index_of(name).unwrap_or_else(|| {
            // A property of the only interface of the fixture, under another name.
            branch.object_type.interfaces[0].properties[usize::from(name == "rank")]
        }))
    }

    /// Grouped by one more key.
    #[must_use]
    pub fn by(mut self, name: &str, key: impl Fn(Operand) -> GroupKey) -> Self {
        for branch in &mut self.plan.branches {
            branch.groups.push(key(Self::operand(branch, name)));
        }
        self
    }

    /// Grouped by the values of one more operand.
    #[must_use]
    pub fn exactly_by(self, name: &str) -> Self {
        self.by(name, GroupKey::Exact)
    }

    /// Grouped by the calendar units of one more operand.
    #[must_use]
    pub fn bucketed_by(self, name: &str, unit: TimeUnit) -> Self {
        self.by(name, |operand| GroupKey::Bucket(operand, unit))
    }

    /// One more measure.
    #[must_use]
    pub fn measure(mut self, function: MeasureFunction, name: Option<&str>) -> Self {
        self.plan.measures.push(function);
        for branch in &mut self.plan.branches {
            branch.operands.push(name.map(|name| Self::operand(branch, name)));
        }
        self
    }

    /// How many rows.
    #[must_use]
    pub fn count(self) -> Self {
        self.measure(MeasureFunction::Count, None)
    }

    /// As of a commit.
    #[must_use]
    pub fn at(mut self, at: Seq) -> Self {
        self.plan.at = Some(at);
        self
    }
}

fn branch(object_type: &Arc<ObjectType>, rel: Rel) -> AggregateBranch {
    let (groups, operands) = (Vec::new(), Vec::new());
    AggregateBranch { object_type: Arc::clone(object_type), rel, over: None, groups, operands }
}

impl Fixture {
    /// An aggregate over objects of a type.
    pub fn tally(&self, object_type: &str, rel: Rel) -> Tally {
        Tally::of(self.object_type(object_type), rel)
    }

    /// What each group has accumulated, by its keys as JSON.
    ///
    /// # Errors
    /// What the store refuses.
    pub async fn groups(&self, scope: Scope, tally: &Tally) -> Result<BTreeMap<String, Vec<Accumulator>>> {
        let read = self.store.aggregate(scope, &tally.plan).await?.value;
        let groups = read.len();
        let text = |keys: &[Value]| canonical_json(&keys.iter().map(Value::to_json).collect());
        let by_keys: BTreeMap<_, _> = read.into_iter().map(|group| (text(&group.keys), group.accumulators)).collect();
        assert_eq!(by_keys.len(), groups, "every group once");
        Ok(by_keys)
    }

    /// What one's own objects accumulate, without groups.
    pub async fn total(&self, tally: &Tally) -> Vec<Accumulator> {
        let mut groups = self.groups(self.own, tally).await.unwrap();
        assert_eq!(groups.len(), 1, "one group without keys");
        groups.remove("[]").unwrap()
    }

    /// How many rows each group of one's own objects has, by its keys as JSON.
    pub async fn counts(&self, tally: &Tally) -> Vec<(String, u64)> {
        let count = |accumulators: Vec<Accumulator>| match accumulators[..] {
            [Accumulator::Count(count)] => count,
            _ => panic!("{accumulators:?} is no count"),
        };
        let groups = self.groups(self.own, tally).await.unwrap();
        groups.into_iter().map(|(keys, accumulators)| (keys, count(accumulators))).collect()
    }
}
