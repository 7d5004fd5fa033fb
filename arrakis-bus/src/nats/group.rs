//! The members of a group in this process, and the task that works for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrakis_core::Result;
use arrakis_core::event::{SubscribeOptions, Subscription, subject};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::stream::ConsumerErrorKind;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::member::Member;
use super::session::Work;
use super::{Inner, error};
use crate::desk::Desk;
use crate::lanes::MemberId;
use crate::refusal::differs;

/// A group as this process takes part in it: while it has members.
pub(super) struct Group {
    pub(super) options: SubscribeOptions,
    pub(super) desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    /// How many members it has; changed under the lock of the bus's groups.
    members: AtomicU64,
    next_member: AtomicU64,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Group {
    /// Makes the group when it is new, and takes part in it.
    pub(super) async fn join(bus: &Arc<Inner>, options: SubscribeOptions) -> Result<Box<dyn Subscription>> {
        bus.bind(&options, false).await?;
        let mut groups = bus.groups();
        let group = groups.entry(options.group.clone()).or_insert_with(|| Arc::new(Self::start(bus, options.clone())));
        if group.options.filters != options.filters {
            return Err(differs(&options.group));
        }
        group.members.fetch_add(1, Ordering::SeqCst);
        let member = group.next_member.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Member::new(Arc::clone(bus), Arc::clone(group), member)))
    }

    fn start(bus: &Arc<Inner>, options: SubscribeOptions) -> Self {
        let desk = Desk::new(bus.env.clone(), options.clone());
        let (stop, stopped) = watch::channel(false);
        let work = Work::new(Arc::clone(bus), options.clone(), Arc::clone(&desk), stopped);
        let task = tokio::runtime::Handle::current().spawn(work.run());
        let (members, next_member) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { options, desk, stop, members, next_member, task: Mutex::new(Some(task)) }
    }

    /// A member leaves. Answers the task that ends when it was the last one.
    pub(super) fn leave(&self, bus: &Inner, member: MemberId) -> Option<JoinHandle<()>> {
        self.desk.give_back(member);
        let mut groups = bus.groups();
        if self.members.fetch_sub(1, Ordering::SeqCst) > 1 {
            return None;
        }
        groups.remove(&self.options.group);
        self.end()
    }

    fn end(&self) -> Option<JoinHandle<()>> {
        self.stop.send_replace(true);
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Forgets a group.
    pub(super) async fn remove(bus: &Arc<Inner>, group: &str) -> Result<()> {
        let of_this_process = bus.groups().get(group).cloned();
        if let Some(task) = of_this_process.and_then(|group| group.end()) {
            // It was told to end.
            let _ = task.await;
        }
        let stream = bus.ensure_stream().await?;
        match stream.delete_consumer(&subject::token(group)).await {
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ConsumerErrorKind::JetStream(e) if e.error_code() == ErrorCode::CONSUMER_NOT_FOUND) =>
                {}
            Err(e) => return Err(error::answer(e)),
        }
        let state = subject::of_group(&bus.options.prefix, group);
        stream.purge().filter(state).await.map_err(error::answer)?;
        bus.forget_dead(group).await
    }
}
