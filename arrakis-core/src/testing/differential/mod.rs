//! Two stores, one random history, the same answers to the byte.
//!
//! A case is a seed: an ontology, commits of which some are refused, publications, and reads of every kind, now and as of any commit.
//! Each case lives in a space of its own, so that one pair of stores serves many.

mod commit;
mod grown;
mod ontology;
mod read;
mod set;
mod value;
mod world;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use fastrand::Rng;

pub use self::grown::{Grown, grow};
use self::read::Read;
use self::world::World;
use crate::commit::{Publication, Receipt};
use crate::ontology::{Numbering, Schema};
use crate::{Atomicity, Change, Commit, Result, Seq, Store, TenancyChange};

/// The steps of a case.
const STEPS: usize = 10;
/// The reads of a step that reads.
const READS: usize = 12;
/// The parts of a step, at most: those that fill the space are the most.
const PARTS_MAX: usize = 70;
/// The commits of a step that writes, at most.
const COMMITS_MAX: usize = 5;

/// Runs the case of a seed on both stores, which hold the same.
///
/// # Panics
/// Where their answers differ: with the seed, what is left of the case after leaving out what it does not take, and both answers.
pub async fn run(seed: u64, left: &Arc<dyn Store>, right: &Arc<dyn Store>) {
    let mut case = Case::new(seed, 0, BTreeSet::new());
    let Err(mut difference) = case.run(left, right).await else { return };
    // Later steps first: what comes after the difference does not matter at all.
    let places: Vec<_> = case.met.iter().rev().copied().collect();
    for place in places {
        let mut smaller = case.without(place);
        level(left, right).await;
        if let Err(found) = smaller.run(left, right).await {
            (case, difference) = (smaller, found);
        }
    }
    panic!("seed {seed}: the stores differ after\n{}\n{difference}", case.tell());
}

/// A step and one of its parts: a commit, a read or a publication.
type Place = (usize, usize);

#[derive(Debug)]
struct Case {
    seed: u64,
    /// Each attempt has a space, tenants and commit ids of its own.
    attempt: u64,
    left_out: BTreeSet<Place>,
    /// What was committed, to tell of it.
    committed: Vec<(Atomicity, Vec<Commit>)>,
    schemas: Vec<Arc<Schema>>,
    /// The places come to.
    met: Vec<Place>,
}

impl Case {
    const fn new(seed: u64, attempt: u64, left_out: BTreeSet<Place>) -> Self {
        Self { seed, attempt, left_out, committed: Vec::new(), schemas: Vec::new(), met: Vec::new() }
    }

    /// Whether this part of a step is done.
    fn keeps(&mut self, place: Place) -> bool {
        self.met.push(place);
        !self.left_out.contains(&place)
    }

    fn without(&self, place: Place) -> Self {
        let mut left_out = self.left_out.clone();
        left_out.insert(place);
        let attempt = 1 + u64::try_from(place.0 * PARTS_MAX + place.1).unwrap_or_default();
        Self::new(self.seed, attempt, left_out)
    }

    async fn run(&mut self, left: &Arc<dyn Store>, right: &Arc<dyn Store>) -> Result<(), String> {
        let mut world = World::new(self.seed, self.attempt, left.head().await.unwrap());
        self.begin(&mut world, [left, right]).await?;
        self.steps(0..STEPS, &mut world, [left, right]).await
    }

    async fn steps(
        &mut self,
        steps: Range<usize>,
        world: &mut World,
        stores: [&Arc<dyn Store>; 2],
    ) -> Result<(), String> {
        for step in steps {
            let mut rng = Rng::with_seed(self.seed ^ u64::try_from(step + 1).unwrap_or_default().rotate_left(48));
            match (step, rng.u8(..8)) {
                (0, _) => self.fill(&mut rng, world, stores).await?,
                (4 | 9, _) | (_, 0) => self.reads(&mut rng, (step, world), stores).await?,
                (5, 0..=5) | (_, 1) => self.publish(&mut rng, (step, world), stores).await?,
                _ => self.write(&mut rng, (step, world), stores).await?,
            }
        }
        Ok(())
    }

    /// The space, its tenants and the first version.
    async fn begin(&mut self, world: &mut World, stores: [&Arc<dyn Store>; 2]) -> Result<(), String> {
        let space = world.scopes[0].space;
        let mut changes = vec![Change::Tenancy(TenancyChange::CreateSpace { id: space, name: world.name().into() })];
        for (number, scope) in world.scopes.into_iter().enumerate() {
            let name = format!("{}-{number}", world.name()).into();
            changes.push(Change::Tenancy(TenancyChange::CreateTenant { id: scope.tenant, name, space }));
        }
        let schema = Arc::new(Schema::first(ontology::first(&mut Rng::with_seed(self.seed))).unwrap());
        let first =
            Publication { schema: Arc::clone(&schema), base_version: 0, rewrites: Vec::new(), checks: Vec::new() };
        changes.push(Change::Publish(Arc::new(first)));
        let commit = world.commit(world.scopes[0], changes);
        self.schemas.push(Arc::clone(&schema));
        let receipts = self.commit(world, vec![commit], Atomicity::Each, stores).await?;
        world.published.push((schema, receipts[0].expect("an empty space takes its first version").seq));
        Ok(())
    }

    async fn fill(&mut self, rng: &mut Rng, world: &mut World, stores: [&Arc<dyn Store>; 2]) -> Result<(), String> {
        let schema = Arc::clone(world.current());
        let mut commits = Vec::new();
        for scope in world.scopes {
            commits.extend(commit::filling(rng, &schema).into_iter().map(|change| world.commit(scope, vec![change])));
        }
        let parts = commits.into_iter().enumerate();
        let commits =
            parts.filter(|(part, _)| !self.left_out.contains(&(0, *part))).map(|(_, commit)| commit).collect();
        self.commit(world, commits, Atomicity::Each, stores).await.map(|_| ())
    }

    async fn write(
        &mut self,
        rng: &mut Rng,
        (step, world): (usize, &mut World),
        stores: [&Arc<dyn Store>; 2],
    ) -> Result<(), String> {
        let schema = Arc::clone(world.current());
        let mut commits = Vec::new();
        for part in 0..rng.usize(1..=COMMITS_MAX) {
            let scope = world.scopes[usize::from(rng.u8(..4) == 0)];
            let changes = commit::changes(rng, &schema);
            let mut commit = Commit {
                preconditions: commit::precondition(rng, &schema, world.first.0..=world.head.0).into_iter().collect(),
                ..world.commit(scope, changes)
            };
            if rng.u8(..30) == 0 {
                commit.id = world.tried[rng.usize(..world.tried.len())];
            }
            if self.keeps((step, part)) {
                commits.push(commit);
            }
        }
        let atomicity = if rng.u8(..5) == 0 { Atomicity::All } else { Atomicity::Each };
        self.commit(world, commits, atomicity, stores).await.map(|_| ())
    }

    async fn publish(
        &mut self,
        rng: &mut Rng,
        (step, world): (usize, &mut World),
        stores: [&Arc<dyn Store>; 2],
    ) -> Result<(), String> {
        let before = Arc::clone(world.current());
        let ontology = ontology::next(rng, &before.definition);
        // Some changes do not go together, such as a name that comes back: then there is no next version.
        let Ok(numbering) = Numbering::assign(Some(&before), &ontology) else { return Ok(()) };
        let Ok(after) = Schema::compile(ontology, numbering, before.version + 1) else { return Ok(()) };
        let after = Arc::new(after);
        let publication = commit::publication(rng, &before, &after);
        let commit = world.commit(world.scopes[rng.usize(..2)], vec![Change::Publish(Arc::new(publication))]);
        if !self.keeps((step, 0)) {
            return Ok(());
        }
        self.schemas.push(Arc::clone(&after));
        let receipts = self.commit(world, vec![commit], Atomicity::Each, stores).await?;
        if let Some(receipt) = receipts[0] {
            world.published.push((after, receipt.seq));
        }
        Ok(())
    }

    async fn reads(
        &mut self,
        rng: &mut Rng,
        (step, world): (usize, &World),
        stores: [&Arc<dyn Store>; 2],
    ) -> Result<(), String> {
        for part in 0..READS {
            let scope = world.scopes[usize::from(rng.u8(..4) == 0)];
            let read = Read::random(rng, world);
            if !self.keeps((step, part)) {
                continue;
            }
            let answers = [read.answer(&**stores[0], scope).await, read.answer(&**stores[1], scope).await];
            same(|| self.readable(&format!("{read:?} by {}", scope.tenant)), answers)?;
        }
        Ok(())
    }

    async fn commit(
        &mut self,
        world: &mut World,
        commits: Vec<Commit>,
        atomicity: Atomicity,
        [left, right]: [&Arc<dyn Store>; 2],
    ) -> Result<Vec<Option<Receipt>>, String> {
        self.committed.push((atomicity, commits.clone()));
        let results = left.commit_batch(commits.clone(), atomicity).await;
        let others = right.commit_batch(commits, atomicity).await;
        same(|| "the last of these".to_owned(), [answers(&results), answers(&others)])?;
        world.head = left.head().await.unwrap();
        Ok(results.into_iter().map(Result::ok).collect())
    }

    fn tell(&self) -> String {
        let mut told = String::new();
        for (atomicity, commits) in &self.committed {
            let _ = writeln!(told, "{atomicity:?}");
            for commit in commits {
                let _ = writeln!(told, "  {} by {} when {:?}:", commit.id, commit.scope.tenant, commit.preconditions);
                for change in &commit.changes {
                    let _ = writeln!(told, "    {}", self.tell_change(change));
                }
            }
        }
        told
    }

    fn tell_change(&self, change: &Change) -> String {
        let Change::Publish(publication) = change else { return self.readable(&format!("{change:?}")) };
        let Publication { schema, rewrites, checks, .. } = &**publication;
        let definition = serde_json::to_string(&schema.definition).unwrap_or_default();
        self.readable(&format!("version {}: {definition}, rewrites {rewrites:?}, checks {checks:?}", schema.version))
    }

    /// Debug text with the names of types in place of all there is to say of them.
    fn readable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for schema in &self.schemas {
            for object_type in &schema.object_types {
                text = text.replace(&format!("{object_type:?}"), object_type.api_name.as_str());
            }
            for link_type in &schema.link_types {
                text = text.replace(&format!("{link_type:?}"), link_type.api_name.as_str());
            }
        }
        text
    }
}

/// Brings the store that took fewer commits to the same head, so that the next attempt is not told apart by numbers.
async fn level(left: &Arc<dyn Store>, right: &Arc<dyn Store>) {
    let heads = [left.head().await.unwrap().0, right.head().await.unwrap().0];
    let (behind, ahead) = if heads[0] < heads[1] { (left, heads[1]) } else { (right, heads[0]) };
    for seq in heads[0].min(heads[1])..ahead {
        let mut world = World::new(seq, u64::MAX, Seq(seq));
        let empty = world.commit(world.scopes[0], Vec::new());
        behind.commit_batch(vec![empty], Atomicity::Each).await.pop().expect("one result").unwrap();
    }
}

fn answers(results: &[Result<Receipt>]) -> String {
    let answer = |result: &Result<Receipt>| match result {
        Ok(receipt) => format!("{receipt:?}\n"),
        Err(error) => format!(
            "{:?} {} at {:?}, {:?}\n",
            error.kind(),
            error.code(),
            error.path(),
            error.params().collect::<Vec<_>>()
        ),
    };
    results.iter().map(answer).collect()
}

fn same(asked: impl FnOnce() -> String, [left, right]: [String; 2]) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("asked {}\nleft:\n{left}\nright:\n{right}", asked())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that makes nothing worth comparing would have any two stores agree.
    #[test]
    fn every_seed_has_an_ontology_and_most_have_a_next_one() {
        let mut next = 0;
        for seed in 0..300 {
            let first = Schema::first(ontology::first(&mut Rng::with_seed(seed))).unwrap();
            let ontology = ontology::next(&mut Rng::with_seed(seed + 1), &first.definition);
            let numbering = Numbering::assign(Some(&first), &ontology)
                .and_then(|numbering| Schema::compile(ontology, numbering, 2));
            next += u32::from(numbering.is_ok());
        }
        assert!(next > 250, "{next}");
    }
}
