//! Keeping events with the accounts they concern.
//!
//! An event is written into the log at once, and waits here to be stored: many are stored in one transaction, and
//! nobody waits for it. Whoever reads events stores those that wait first, and so does a server that stops. After a
//! crash the log alone has the last ones.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

use super::{Context, Result, ServiceError};
use crate::{
    domain::{event::Event, ids::EventId},
    store::events::{self, EventRow},
};

/// Events that wait, at most: while the database is away the log alone has more.
const MOST_WAITING: usize = 10_000;

/// Events that wait to be stored.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    waiting: Mutex<Vec<EventRow>>,
    is_full: AtomicBool,
    arrived: Notify,
    /// Held while events are being stored, so that whoever reads waits for that.
    storing: tokio::sync::Mutex<()>,
}

impl Context {
    /// Records an event: in the log, and with the account.
    pub(super) fn record(&self, event: Event<'_>) {
        event.log();
        if !event.is_kept() {
            return;
        }
        let row = EventRow {
            id: EventId::new(self.random),
            user_id: event.user.cloned(),
            at: self.now(),
            act: event.act,
            outcome: event.outcome,
            factor: event.method,
            browser: event.origin.map(|origin| origin.browser.to_owned()).unwrap_or_default(),
            address: event.origin.map(|origin| origin.address.to_string()).unwrap_or_default(),
        };
        let mut waiting = self.events.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING {
            waiting.push(row);
        } else if !self.events.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!("too many events wait to be stored: the log alone has more");
        }
        drop(waiting);
        self.events.arrived.notify_one();
    }

    /// Stores the events that wait.
    ///
    /// # Errors
    /// When the database fails; then they wait on.
    pub(super) async fn store_events(&self) -> Result<()> {
        let _storing = self.events.storing.lock().await;
        let rows = std::mem::take(&mut *self.events.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if rows.is_empty() {
            return Ok(());
        }
        let kept = rows.clone();
        let stored = self.store.write(move |db| Ok::<_, ServiceError>(events::insert(db, rows)?)).await;
        match &stored {
            Ok(()) => self.events.is_full.store(false, Ordering::Relaxed),
            Err(_) => {
                let mut waiting = self.events.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.splice(0..0, kept);
                waiting.truncate(MOST_WAITING);
            }
        }
        stored
    }

    /// Stores events as they come.
    pub(super) async fn keep_events(&self) {
        loop {
            self.events.arrived.notified().await;
            if let Err(error) = self.store_events().await {
                tracing::warn!(%error, "storing events");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                self.events.arrived.notify_one();
            }
        }
    }
}
