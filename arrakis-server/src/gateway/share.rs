//! A place among the requests under way: for what matters more first, and for each tenant its share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrakis_core::{Error, Result, TenantId};

use super::config::Class;

/// The places there are.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_tenant: HashMap<Option<TenantId>, usize>,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    tenant: Option<TenantId>,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    /// Takes a place: where there are few left what matters less gets none, nor does a tenant that has more than its share.
    ///
    /// # Errors
    /// `gateway.busy`.
    pub(super) fn take(self: &Arc<Self>, class: Class, tenant: Option<TenantId>) -> Result<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let most = match class {
            Class::Control => self.most,
            Class::Interactive => (self.most - self.most / 10).max(1),
            Class::Batch => (self.most / 2).max(1),
        };
        let own = taken.by_tenant.get(&tenant).copied().unwrap_or_default();
        let tenants = taken.by_tenant.len() + usize::from(own == 0);
        // Shares count from when half of the places are taken.
        let is_over = taken.all >= self.most / 2 && class != Class::Control && own >= (self.most / tenants).max(1);
        if taken.all >= most || is_over {
            return Err(
                Error::unavailable("gateway.busy", "more is asked than can be answered").with("retry_after_s", 1)
            );
        }
        taken.all += 1;
        *taken.by_tenant.entry(tenant).or_default() += 1;
        Ok(Place { places: Arc::clone(self), tenant })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.by_tenant.get_mut(&self.tenant) {
            *own -= 1;
            if *own == 0 {
                taken.by_tenant.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tenant(number: u128) -> TenantId {
        TenantId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn what_matters_less_is_refused_first() {
        let places = Arc::new(Places::new(10));
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(places.take(Class::Batch, None).unwrap());
        }
        assert_eq!(places.take(Class::Batch, None).unwrap_err().code(), "gateway.busy");
        for _ in 0..4 {
            held.push(places.take(Class::Interactive, None).unwrap());
        }
        assert!(places.take(Class::Interactive, None).is_err());
        held.push(places.take(Class::Control, None).unwrap());
        assert!(places.take(Class::Control, None).is_err());
        held.clear();
        assert!(places.take(Class::Batch, None).is_ok());
    }

    #[test]
    fn one_tenant_does_not_take_every_place() {
        let places = Arc::new(Places::new(100));
        let mut held: Vec<_> = (0..60).map(|_| places.take(Class::Interactive, Some(tenant(1))).unwrap()).collect();
        held.push(places.take(Class::Interactive, Some(tenant(2))).unwrap());
        assert!(places.take(Class::Interactive, Some(tenant(1))).is_err(), "it has more than half");
        for _ in 0..29 {
            held.push(places.take(Class::Interactive, Some(tenant(2))).unwrap());
        }
    }
}
