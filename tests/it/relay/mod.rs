//! The relay, from a real store to real buses.

mod engine;
mod nats;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrakis_core::commit::{AuditRecord, Event};
use arrakis_core::event::{CloudEvent, Inbox, SubscribeOptions, Subscription};
use arrakis_core::relay::RelayOptions;
use arrakis_core::{
    Actor, Atomicity, Change, Commit, Env, RequestId, Scope, Seq, SpaceId, Store, TenancyChange, TenantId,
};
use arrakis_storage::{MemoryStore, SqliteOptions, SqliteStore};
use serde_json::json;

/// How long anything is waited for before a test gives up.
const WAIT_MAX: Duration = Duration::from_secs(120);

fn sqlite() -> Arc<dyn Store> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("relay-{}-{number}.db", std::process::id()));
    let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
    Arc::new(SqliteStore::open(path, Env::system(), &options).unwrap())
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(Env::system()))
}

/// Writes commits with events about few subjects, one after the other for each writer, and knows what was acknowledged.
#[derive(Clone)]
struct Writer {
    store: Arc<dyn Store>,
    env: Env,
    scope: Scope,
}

impl Writer {
    async fn new(store: &Arc<dyn Store>) -> Self {
        let scope = Scope { tenant: TenantId::DEFAULT, space: SpaceId::DEFAULT };
        let writer = Self { store: Arc::clone(store), env: Env::system(), scope };
        let (space, tenant) = (SpaceId::DEFAULT, TenantId::DEFAULT);
        for change in [
            TenancyChange::CreateSpace { id: space, name: "default".into() },
            TenancyChange::CreateTenant { id: tenant, name: "default".into(), space },
        ] {
            writer.commit(vec![Change::Tenancy(change)], Vec::new()).await;
        }
        writer
    }

    async fn commit(&self, changes: Vec<Change>, events: Vec<Event>) -> Seq {
        let commit = Commit {
            id: self.env.commit_id(),
            scope: self.scope,
            schema_version: None,
            actor: Actor::parse("user:tester").unwrap(),
            at: self.env.now(),
            reason: None,
            preconditions: Vec::new(),
            changes,
            audit: AuditRecord::new("kernel.write", RequestId::from_uuid(self.env.uuid())),
            events,
        };
        self.store.commit_batch(vec![commit], Atomicity::Each).await.remove(0).unwrap().seq
    }

    /// One commit with an event about each subject.
    async fn write(&self, subjects: &[u64]) -> Seq {
        let event = |subject: &u64| Event {
            r#type: "airport.renamed".into(),
            subject: format!("Airport/{subject}").into(),
            data: json!({ "name": "Zürich" }),
        };
        self.commit(Vec::new(), subjects.iter().map(event).collect()).await
    }
}

/// Who is told, and checks what it is told: one effect for each event after dedupe, each key in order of first telling.
struct Ledger {
    inbox: Inbox,
    newest: BTreeMap<String, CloudEvent>,
    effects: u64,
    repeated: u64,
}

impl Ledger {
    fn new() -> Self {
        let inbox = Inbox::new(Env::system(), 1_000_000, Duration::from_secs(3_600));
        Self { inbox, newest: BTreeMap::new(), effects: 0, repeated: 0 }
    }

    fn told(&mut self, event: &CloudEvent) {
        if !self.inbox.remember(event) {
            self.repeated += 1;
            return;
        }
        self.effects += 1;
        if let Some(before) = self.newest.insert(event.key(), event.clone()) {
            assert!(before.place < event.place, "{} was told after {}", event.place, before.place);
        }
    }

    /// Takes events until there were as many effects.
    async fn hear(&mut self, subscription: &mut dyn Subscription, effects: u64) {
        let hear = async {
            while self.effects < effects {
                let delivery = subscription.next().await.unwrap();
                self.told(&delivery.event);
                // One that comes too late is told again.
                let _ = delivery.ack();
            }
        };
        let heard = tokio::time::timeout(WAIT_MAX, hear).await;
        assert!(heard.is_ok(), "{} of {effects} effects", self.effects);
    }
}

fn options(group: &str) -> SubscribeOptions {
    SubscribeOptions {
        max_in_flight: 256,
        max_attempts: u32::MAX,
        ack_wait: Duration::from_secs(2),
        ..SubscribeOptions::new(group)
    }
}

fn relay_options(lease_ttl_ms: u64) -> RelayOptions {
    RelayOptions { lease_ttl: Duration::from_millis(lease_ttl_ms), ..RelayOptions::new("bus", &Env::system()) }
}
