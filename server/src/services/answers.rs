//! Answers of phones, by callbacks: those that arrive while a transaction runs share the next one.
//!
//! A transaction of its own for each would wait for the disk each time, and for the same statements. Whoever finds
//! nobody at work does it, for all who have come meanwhile. Where a shared transaction fails, each answer gets one
//! of its own: one that cannot be settled keeps no other back.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;
use tracing::Span;

use super::{Context, Result, factor_passed::Passed};
use crate::{
    domain::{
        approval::Answer,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        factor::Method,
        ids::{SessionId, UserId},
    },
    provider::Callback,
    store::{
        Db, StoreError,
        approvals::{self, AtProvider, Settled},
        factors, nonces,
    },
};

/// Callbacks about a removed user are accepted for so long.
const REMOVED_USERS_KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Answers in one transaction: others wait for it.
const MOST_TOGETHER: usize = 64;
/// Answers that wait for their transaction.
const MOST_WAITING: usize = 10_000;

/// Whether a callback was about a user of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// It was accepted; it may have changed nothing.
    Accepted,
    /// It names a user who never existed here.
    NoSuchUser,
}

/// Settles what callbacks tell.
#[derive(Debug, Clone)]
pub struct Answers {
    context: Arc<Context>,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether somebody is at work for those who wait.
    at_work: bool,
}

/// A callback, and who waits for its outcome.
#[derive(Debug)]
struct Waiting {
    callback: Callback,
    client: Client,
}

#[derive(Debug)]
struct Client {
    outcome: oneshot::Sender<Result<CallbackOutcome>>,
    span: Span,
}

impl Answers {
    /// Answers for this database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, queue: Arc::default() }
    }

    /// Settles what a callback with a right signature tells. It is committed when this returns.
    ///
    /// # Errors
    /// When the database fails, or too many wait for it.
    pub async fn accept(&self, callback: Callback) -> Result<CallbackOutcome> {
        let (outcome, told) = oneshot::channel();
        let works = {
            let mut queue = self.queue();
            if queue.waiting.len() >= MOST_WAITING {
                return Err(StoreError::Busy.into());
            }
            let client = Client { outcome, span: Span::current() };
            queue.waiting.push(Waiting { callback, client });
            !mem::replace(&mut queue.at_work, true)
        };
        if works {
            // A task of its own: it goes on when this client hangs up, since others wait as well.
            let work = self.clone();
            tokio::spawn(async move { work.settle_waiting().await });
        }
        // No outcome comes where the work has panicked.
        told.await.unwrap_or_else(|_| Err(StoreError::Busy.into()))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Settles until nobody waits.
    async fn settle_waiting(&self) {
        let _at_work = AtWork(self);
        loop {
            let batch: Vec<Waiting> = {
                let mut queue = self.queue();
                let most = queue.waiting.len().min(MOST_TOGETHER);
                if most == 0 {
                    queue.at_work = false;
                    return;
                }
                queue.waiting.drain(..most).collect()
            };
            self.settle_batch(batch).await;
        }
    }

    async fn settle_batch(&self, batch: Vec<Waiting>) {
        let (callbacks, clients): (Vec<Callback>, Vec<Client>) =
            batch.into_iter().map(|waiting| (waiting.callback, waiting.client)).unzip();
        let callbacks = Arc::new(callbacks);
        match self.settle_together(&callbacks).await {
            Ok(settled) => {
                settled.into_iter().zip(clients).for_each(|(settled, client)| client.tell(Ok(settled)));
            }
            Err(failure) if clients.len() == 1 => {
                if let Some(client) = clients.into_iter().next() {
                    client.tell(Err(failure));
                }
            }
            Err(failure) => {
                tracing::warn!(error = %failure, answers = clients.len(), "answers are settled one by one");
                for (callback, client) in callbacks.iter().zip(clients) {
                    let settled = self.settle_together(&Arc::new(vec![callback.clone()])).await;
                    client.tell(settled.map(|mut one| one.remove(0)));
                }
            }
        }
    }

    /// Settles in one transaction; one outcome for each.
    async fn settle_together(&self, callbacks: &Arc<Vec<Callback>>) -> Result<Vec<Settlement>> {
        let (context, callbacks, now) =
            (Arc::clone(&self.context), Arc::clone(callbacks), self.context.now());
        self.context.store.write(move |db| context.settle_callbacks(db, &callbacks, now)).await
    }
}

/// Nobody is at work after a panic: the next one to come is.
struct AtWork<'a>(&'a Answers);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue();
            queue.at_work = false;
            queue.waiting.clear();
        }
    }
}

impl Client {
    fn tell(self, settled: Result<Settlement>) {
        if let Ok(Settlement { settled: Some(settled), .. }) = &settled {
            self.span.in_scope(|| settled.record());
        }
        // Whoever hung up is told nothing.
        let _ = self.outcome.send(settled.map(|settled| settled.outcome));
    }
}

/// What became of a callback.
struct Settlement {
    outcome: CallbackOutcome,
    settled: Option<SettledAnswer>,
}

/// A request that an answer has settled.
pub(super) struct SettledAnswer {
    settled: Settled,
    /// Whether it has verified the phone.
    verified: bool,
}

impl SettledAnswer {
    /// For the log, once it is committed.
    pub(super) fn record(&self) {
        let Settled { user, answer, .. } = &self.settled;
        let outcome = match answer {
            Answer::Approved => Outcome::Success,
            Answer::Denied => Outcome::Denied,
        };
        Event::new(Act::PushAnswered, outcome).user(user).method(Method::Push).record();
        if self.verified {
            Event::new(Act::PhoneVerified, Outcome::Success).user(user).record();
        }
    }
}

impl Context {
    fn settle_callbacks(
        &self,
        db: &mut Db,
        callbacks: &[Callback],
        now: Timestamp,
    ) -> Result<Vec<Settlement>> {
        let since = now.minus(REMOVED_USERS_KNOWN);
        let enrolled = callbacks.iter().map(|callback| (&callback.account, &callback.user)).collect();
        let known = factors::known(db, &enrolled, since)?;
        let is_known = |callback: &&Callback| {
            known.iter().any(|(account, user)| *account == callback.account && *user == callback.user)
        };
        let of_known = callbacks.iter().filter(is_known).filter(|callback| callback.answer.is_some());
        let digests = of_known.clone().map(|callback| callback.digest.as_str()).collect();
        let new = if known.is_empty() { BTreeSet::new() } else { nonces::insert(db, &digests, now)? };
        let answers: Vec<(AtProvider, Answer)> = of_known
            .filter(|callback| new.contains(callback.digest.as_str()))
            .filter_map(|callback| Some((at_provider(callback), callback.answer?)))
            .collect();
        let mut settled = self.settle(db, &answers, now)?;
        let settlement = |callback: &Callback| {
            if !is_known(&callback) {
                return Settlement { outcome: CallbackOutcome::NoSuchUser, settled: None };
            }
            // Of several about the same request the first one.
            let at = settled.iter().position(|settled| settled.settled.reference == callback.reference);
            let settled = at.map(|at| settled.swap_remove(at));
            Settlement { outcome: CallbackOutcome::Accepted, settled }
        };
        Ok(callbacks.iter().map(settlement).collect())
    }

    /// Moves open requests, each once. An approval signs in the session that asked and no other; it verifies the
    /// phone and clears the count of wrong codes.
    pub(super) fn settle(
        &self,
        db: &mut Db,
        answers: &[(AtProvider, Answer)],
        now: Timestamp,
    ) -> Result<Vec<SettledAnswer>> {
        if answers.is_empty() {
            return Ok(Vec::new());
        }
        let settled = approvals::settle(db, answers, now)?;
        let approved = settled.iter().filter(|settled| settled.answer == Answer::Approved);
        let users: BTreeSet<&UserId> = approved.clone().map(|settled| &settled.user).collect();
        let sessions: BTreeSet<&SessionId> =
            approved.filter_map(|settled| settled.session.as_ref()).collect();
        let (users, sessions) = (Vec::from_iter(users), Vec::from_iter(sessions));
        let mut verified = Vec::new();
        if !users.is_empty() {
            let passed = Passed { users: &users, sessions: &sessions, method: Method::Push };
            verified = self.factor_passed(db, passed, true, now)?;
        }
        let answer = |settled: Settled| {
            let verified = settled.answer == Answer::Approved && verified.contains(&settled.user);
            SettledAnswer { settled, verified }
        };
        Ok(settled.into_iter().map(answer).collect())
    }
}

fn at_provider(callback: &Callback) -> AtProvider {
    AtProvider {
        account: callback.account.clone(),
        reference: callback.reference.clone(),
        user: Some(callback.user.clone()),
    }
}
