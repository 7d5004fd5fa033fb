//! One load at a time of what several ask for at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// The most loads that are shared at a time; beyond it each request makes its own.
const FLIGHTS_MAX: usize = 4_096;

/// The loads under way, each with what those who wait for it wait on.
#[derive(Debug)]
pub(super) struct Flights<K> {
    under_way: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// A load. When it is dropped, done or not, whoever waits goes on.
#[derive(Debug)]
pub(super) struct Flight<K: Clone + Eq + Hash> {
    of: Arc<Flights<K>>,
    key: K,
}

impl<K> Default for Flights<K> {
    fn default() -> Self {
        Self { under_way: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Flights<K> {
    /// Begins a load, or waits until the one under way has ended; `None` then, and where too many are under way.
    pub(super) async fn begin(self: &Arc<Self>, key: &K) -> Option<Flight<K>> {
        let other = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(key) {
                Some(other) => Arc::clone(other),
                None if under_way.len() >= FLIGHTS_MAX => return None,
                None => {
                    under_way.insert(key.clone(), Arc::new(Semaphore::new(0)));
                    return Some(Flight { of: Arc::clone(self), key: key.clone() });
                }
            }
        };
        // It is never given, only closed.
        let _ = other.acquire().await;
        None
    }
}

impl<K: Clone + Eq + Hash> Drop for Flight<K> {
    fn drop(&mut self) {
        let mut under_way = self.of.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = under_way.remove(&self.key) {
            waiting.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_comes_second_waits_for_the_first() {
        let flights = Arc::new(Flights::default());
        let first = flights.begin(&1).await.unwrap();
        assert!(flights.begin(&2).await.is_some(), "of another key");
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let flights = Arc::clone(&flights);
                tokio::runtime::Handle::current().spawn(async move { flights.begin(&1).await.is_none() })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        drop(first);
        for waiting in waiting {
            assert!(waiting.await.unwrap());
        }
        assert!(flights.begin(&1).await.is_some(), "it is over");
    }
}
