//! Histories that outlive the store they were made in.

use std::ops::Range;
use std::sync::Arc;

use fastrand::Rng;

use super::world::World;
use super::{Case, STEPS, same};
use crate::Store;

/// The steps of a case after its store was moved.
const STEPS_AFTER: usize = 6;
/// The reads of a case when two stores are compared, in rounds of [`super::READS`].
const ROUNDS: usize = 3;

/// Cases that two stores went through alike.
#[derive(Debug)]
pub struct Grown(Vec<(Case, World)>);

/// Runs the cases of seeds on two stores, each case in a space of its own.
///
/// # Panics
/// Where their answers differ.
pub async fn grow(seeds: Range<u64>, [left, right]: [&Arc<dyn Store>; 2]) -> Grown {
    let mut grown = Grown(Vec::new());
    for seed in seeds {
        let mut case = Case::new(seed, 0, std::collections::BTreeSet::new());
        let mut world = World::new(seed, 0, left.head().await.unwrap());
        let done = case.begin(&mut world, [left, right]).await;
        let done = match done {
            Ok(()) => case.steps(0..STEPS, &mut world, [left, right]).await,
            difference => difference,
        };
        done.unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
        grown.0.push((case, world));
    }
    grown
}

impl Grown {
    /// Compares what two stores answer, now and as of any commit, and the receipts of every commit that was tried.
    ///
    /// # Panics
    /// Where their answers differ.
    pub async fn compare(&mut self, [left, right]: [&Arc<dyn Store>; 2]) {
        for (case, world) in &mut self.0 {
            let mut rng = Rng::with_seed(case.seed.rotate_left(16) ^ world.head.0);
            for round in 0..ROUNDS {
                // Steps no case has: nothing of them is left out.
                let compared = case.reads(&mut rng, (usize::MAX - round, world), [left, right]).await;
                compared.unwrap_or_else(|difference| panic!("seed {}: {difference}", case.seed));
            }
            for scope in world.scopes {
                for id in &world.tried {
                    let receipts = [left.receipt(scope, *id).await, right.receipt(scope, *id).await];
                    same(|| format!("receipt of {id}"), receipts.map(|receipt| format!("{:?}", receipt.unwrap())))
                        .unwrap();
                }
            }
        }
    }

    /// Goes on with every case on two stores that hold the same, then compares them.
    ///
    /// # Panics
    /// Where their answers differ.
    pub async fn go_on(&mut self, [left, right]: [&Arc<dyn Store>; 2]) {
        for (case, world) in &mut self.0 {
            let gone_on = case.steps(STEPS..STEPS + STEPS_AFTER, world, [left, right]).await;
            gone_on.unwrap_or_else(|difference| panic!("seed {}: {difference}", case.seed));
        }
        self.compare([left, right]).await;
    }
}
