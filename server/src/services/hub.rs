//! Who waits for which session, and the statuses that were read a moment ago.
//!
//! A change is published here after its commit. It wakes whoever waits for that session, and only them, and
//! removes its status; they read it anew. What is held here is short-lived: the database is the truth.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::session_status::KnownStatus;
use crate::{
    domain::{
        ids::{SessionId, TokenHash},
        refusal::{Counted, Refusal},
    },
    store::changes::Change,
};

/// A status is read again after so long, even if nothing was published: a bound on what a lost message costs.
const FRESH: Duration = Duration::from_secs(1);
/// Statuses held at most.
const MOST_STATUSES: usize = 10_000;
/// Streams of one session at one server.
const MOST_STREAMS: usize = 3;
/// Long polls of one session at one server.
const MOST_POLLS: usize = 10;
/// Changes remembered for those who were reading meanwhile.
const REMEMBERED: usize = 1000;
/// Numbers of changes remembered: more than ten seconds bring.
const MOST_NUMBERS: usize = 100_000;
/// Changes that wait to be announced.
const MOST_UNANNOUNCED: usize = 10_000;
/// When to try again where too many wait.
const RETRY: Duration = Duration::from_secs(5);

/// How a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// For one answer.
    Once,
    /// On a stream.
    Stream,
}

/// The hub of one server.
#[derive(Debug)]
pub struct Hub {
    state: Mutex<State>,
    most_waiting: usize,
    closed: watch::Sender<bool>,
    /// Changes made here that other servers have not been told of, and who tells them.
    unannounced: Mutex<Vec<Change>>,
    announce: Notify,
}

#[derive(Debug, Default)]
struct State {
    watched: HashMap<SessionId, Watched>,
    waiting: usize,
    statuses: HashMap<TokenHash, Held>,
    /// The token that a session's status is held for.
    tokens: HashMap<SessionId, TokenHash>,
    forgot_at: Option<Instant>,
    /// The last published changes, and how many there were in all.
    published: VecDeque<SessionId>,
    count: u64,
    /// The numbers of changes that were published: each comes by announcement and by look.
    numbers: HashSet<i64>,
}

/// A session that somebody waits for.
#[derive(Debug)]
struct Watched {
    changed: watch::Sender<Signal>,
    waiting: usize,
    streams: usize,
}

#[derive(Debug)]
struct Held {
    status: Arc<KnownStatus>,
    read_at: Instant,
}

/// What those who wait for a session are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    /// It has changed.
    Changed,
    /// To write something to the client, also if nothing has changed.
    Write,
}

/// How many changes had been published when a reader began.
#[derive(Debug, Clone, Copy)]
pub struct Moment(u64);

impl Hub {
    /// A hub for at most so many waiting clients.
    #[must_use]
    pub fn new(most_waiting: usize) -> Self {
        Self {
            state: Mutex::default(),
            most_waiting,
            closed: watch::Sender::new(false),
            unannounced: Mutex::default(),
            announce: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The status that was read for a token a moment ago, if nothing has changed since.
    pub(super) fn held(&self, token: &TokenHash) -> Option<Arc<KnownStatus>> {
        let state = self.state();
        let held = state.statuses.get(token).filter(|held| held.read_at.elapsed() < FRESH)?;
        Some(Arc::clone(&held.status))
    }

    /// To be called before a status is read.
    pub(super) fn moment(&self) -> Moment {
        Moment(self.state().count)
    }

    /// Holds a status that was read after `began`, unless its session has changed since.
    pub(super) fn hold(&self, token: TokenHash, status: &Arc<KnownStatus>, began: Moment) {
        let mut state = self.state();
        let since = usize::try_from(state.count - began.0).unwrap_or(usize::MAX);
        let overtaken = since > state.published.len()
            || state.published.iter().rev().take(since).any(|changed| *changed == status.row.session);
        if overtaken {
            return;
        }
        state.forget_old();
        if state.statuses.len() >= MOST_STATUSES {
            return;
        }
        state.tokens.insert(status.row.session.clone(), token.clone());
        state.statuses.insert(token, Held { status: Arc::clone(status), read_at: Instant::now() });
    }

    /// A change made here: tells those who wait for it, here and at other servers. To be called after the commit.
    pub(super) fn publish_own(&self, changes: Vec<Change>) {
        changes.iter().for_each(|change| self.publish(change));
        let mut unannounced = self.unannounced.lock().unwrap_or_else(PoisonError::into_inner);
        // Where nobody announces them, others find them by looking.
        if unannounced.len() < MOST_UNANNOUNCED {
            unannounced.extend(changes.into_iter().filter(|change| change.number.is_some()));
            drop(unannounced);
            self.announce.notify_one();
        }
    }

    /// Changes made here that other servers have not been told of; waits for one.
    pub(super) async fn unannounced(&self) -> Vec<Change> {
        loop {
            let changes =
                std::mem::take(&mut *self.unannounced.lock().unwrap_or_else(PoisonError::into_inner));
            if !changes.is_empty() {
                return changes;
            }
            self.announce.notified().await;
        }
    }

    /// Tells those who wait for a session that it has changed, once for each change.
    pub(super) fn publish(&self, change: &Change) {
        let mut state = self.state();
        if let Some(number) = change.number
            && !state.is_new(number)
        {
            return;
        }
        let session = &change.session;
        state.count += 1;
        if state.published.len() == REMEMBERED {
            state.published.pop_front();
        }
        state.published.push_back(session.clone());
        if let Some(token) = state.tokens.remove(session) {
            state.statuses.remove(&token);
        }
        if let Some(watched) = state.watched.get(session) {
            watched.changed.send_replace(Signal::Changed);
        }
    }

    /// Tells everybody: changes may have been missed.
    pub(super) fn publish_all(&self) {
        let mut state = self.state();
        // Whoever is reading now holds nothing of it.
        state.count += 1 + REMEMBERED as u64;
        state.published.clear();
        state.statuses.clear();
        state.tokens.clear();
        for watched in state.watched.values() {
            watched.changed.send_replace(Signal::Changed);
        }
    }

    /// Whether nobody waits and nothing is held.
    pub(super) fn is_idle(&self) -> bool {
        let mut state = self.state();
        state.forget_old();
        state.watched.is_empty() && state.statuses.is_empty()
    }

    /// Waits for the changes of a session from now on: a change before this call is not told.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] where the session has its streams, [`Refusal::TooManyWaiting`] where the hub is
    /// full.
    pub(super) fn watch(self: &Arc<Self>, session: &SessionId, how: Waiting) -> Result<Watch, Refusal> {
        let mut state = self.state();
        if state.waiting >= self.most_waiting {
            return Err(Refusal::TooManyWaiting { wait: RETRY });
        }
        let watched = state.watched.entry(session.clone()).or_insert_with(|| Watched {
            changed: watch::Sender::new(Signal::Changed),
            waiting: 0,
            streams: 0,
        });
        if how == Waiting::Stream {
            if watched.streams >= MOST_STREAMS {
                // One whose client has gone is noticed when something is written to it.
                watched.changed.send_replace(Signal::Write);
                return Err(Refusal::TooMany { what: Counted::Streams, wait: RETRY });
            }
            watched.streams += 1;
        }
        if how == Waiting::Once && watched.waiting - watched.streams >= MOST_POLLS {
            return Err(Refusal::TooManyWaiting { wait: RETRY });
        }
        watched.waiting += 1;
        let changed = watched.changed.subscribe();
        state.waiting += 1;
        let closed = self.closed.subscribe();
        Ok(Watch { hub: Arc::clone(self), session: session.clone(), how, changed, closed })
    }

    /// Ends all waiting: the server stops.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }
}

impl State {
    /// Whether the change of this number was not published yet. It is from now on.
    fn is_new(&mut self, number: i64) -> bool {
        if self.numbers.len() >= MOST_NUMBERS {
            // The lower half. Should one of it come once more, those who wait read once more.
            let mut known: Vec<i64> = self.numbers.iter().copied().collect();
            known.sort_unstable();
            self.numbers = known.split_off(known.len() / 2).into_iter().collect();
        }
        self.numbers.insert(number)
    }

    /// Forgets statuses that are not fresh any more, at most once in the time that one is fresh.
    fn forget_old(&mut self) {
        if self.forgot_at.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        self.forgot_at = Some(Instant::now());
        self.statuses.retain(|_, held| held.read_at.elapsed() < FRESH);
        let statuses = &self.statuses;
        self.tokens.retain(|_, token| statuses.contains_key(token));
    }
}

/// One client that waits for a session.
#[derive(Debug)]
pub(super) struct Watch {
    hub: Arc<Hub>,
    session: SessionId,
    how: Waiting,
    changed: watch::Receiver<Signal>,
    closed: watch::Receiver<bool>,
}

/// Why waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// The session has changed.
    Changed,
    /// It may have changed, and something is to be written to the client in any case.
    Write,
    /// Nothing has changed in the time that was given.
    InVain,
    /// The server stops.
    Closed,
}

impl Watch {
    /// Until the session changes or the server stops.
    pub(super) async fn woken(&mut self) -> Woken {
        tokio::select! {
            // Neither sender is dropped while this lives: it holds the hub, and its entry there.
            _ = self.closed.wait_for(|closed| *closed) => Woken::Closed,
            _ = self.changed.changed() => match *self.changed.borrow_and_update() {
                Signal::Changed => Woken::Changed,
                Signal::Write => Woken::Write,
            },
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        state.waiting -= 1;
        let Some(watched) = state.watched.get_mut(&self.session) else { return };
        watched.waiting -= 1;
        watched.streams -= usize::from(self.how == Waiting::Stream);
        if watched.waiting == 0 {
            state.watched.remove(&self.session);
        }
    }
}

#[cfg(test)]
#[path = "hub_test.rs"]
mod tests;
