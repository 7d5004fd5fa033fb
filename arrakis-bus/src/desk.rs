//! Where the members of a group in this process take events from, and give their verdicts to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrakis_core::event::{Delivery, Settle, SubscribeOptions, Ticket, Verdict};
use arrakis_core::{Env, Result};
use tokio::sync::watch;

use crate::lanes::{Lanes, MemberId};

/// The lanes of a group, and a bell for whoever waits on them.
#[derive(Debug)]
pub(crate) struct Desk {
    env: Env,
    lanes: Mutex<Lanes>,
    bell: watch::Sender<()>,
}

impl Desk {
    pub(crate) fn new(env: Env, options: SubscribeOptions) -> Arc<Self> {
        Arc::new(Self { env, lanes: Mutex::new(Lanes::new(options)), bell: watch::Sender::new(()) })
    }

    pub(crate) fn now(&self) -> Duration {
        self.env.monotonic()
    }

    pub(crate) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears whenever something may have changed.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// Wakes whoever waits.
    pub(crate) fn ring(&self) {
        self.bell.send_replace(());
    }

    /// Waits for an event for a member. `feed` puts in what can be had without waiting; its error is the answer.
    pub(crate) async fn next(
        self: &Arc<Self>,
        member: MemberId,
        mut feed: impl FnMut(&mut Lanes) -> Result<()> + Send,
    ) -> Result<Delivery> {
        let mut bell = self.listen();
        loop {
            bell.borrow_and_update();
            let (handed, timer, died) = {
                let mut lanes = self.lanes();
                feed(&mut lanes)?;
                let handed = lanes.take(member, self.now());
                (handed, lanes.next_timer(), lanes.has_outcomes())
            };
            if died {
                // What came of events by the time that passed is for someone to see to.
                self.ring();
            }
            if let Some(handed) = handed {
                let settle = Arc::clone(self) as Arc<dyn Settle>;
                return Ok(Delivery::new(handed.event, handed.attempt, handed.ticket, settle));
            }
            // The bell is as old as the desk.
            match timer {
                Some(at) => drop(tokio::time::timeout(at.saturating_sub(self.now()), bell.changed()).await),
                None => drop(bell.changed().await),
            }
        }
    }

    /// A member leaves.
    pub(crate) fn give_back(&self, member: MemberId) {
        self.lanes().give_back(member);
        self.ring();
    }
}

impl Settle for Desk {
    fn settle(&self, ticket: Ticket, verdict: Verdict) -> Result<()> {
        let settled = self.lanes().settle(ticket, verdict, self.now());
        self.ring();
        settled
    }
}
