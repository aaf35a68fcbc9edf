//! Answers of phones, by callbacks. Those that arrive together are settled in one transaction.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tracing::Span;

use super::{Context, Result, factor_passed::Passed, together::Together};
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
        Db,
        approvals::{self, Answered, AtProvider, Open, Settled},
        factors, nonces,
    },
};

/// Callbacks about a removed user are accepted for so long.
const REMOVED_USERS_KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);

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
    together: Together<Arrived, CallbackOutcome>,
}

impl Answers {
    /// Answers for this database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        // SQLite has one writer. On PostgreSQL one transaction works while another waits for the disk.
        let workers = if context.store.is_shared() { 2 } else { 1 };
        Self { context, together: Together::new(workers) }
    }

    /// Settles what a callback with a right signature tells. It is committed when this returns.
    ///
    /// # Errors
    /// When the database fails, or too many wait for it.
    pub async fn accept(&self, callback: Callback) -> Result<CallbackOutcome> {
        let context = Arc::clone(&self.context);
        let settle = move |arrived| settle_together(Arc::clone(&context), arrived);
        let arrived = Arrived { callback, at: self.context.now(), span: Span::current() };
        self.together.run(arrived, settle).await
    }
}

/// A callback with the time it came at and the span of its request.
#[derive(Debug, Clone)]
struct Arrived {
    callback: Callback,
    at: Timestamp,
    span: Span,
}

/// Settles in one transaction; an outcome for each.
async fn settle_together(context: Arc<Context>, arrived: Vec<Arrived>) -> Result<Vec<CallbackOutcome>> {
    let (settling, now) = (Arc::clone(&context), context.now());
    let spans: Vec<Span> = arrived.iter().map(|arrived| arrived.span.clone()).collect();
    let settled = context.store.write(move |db| settling.settle_callbacks(db, &arrived, now)).await?;
    let told = settled.into_iter().zip(spans).map(|(Settlement { outcome, settled }, span)| {
        if let Some(settled) = settled {
            span.in_scope(|| settled.record());
        }
        outcome
    });
    Ok(told.collect())
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
    fn settle_callbacks(&self, db: &mut Db, arrived: &[Arrived], now: Timestamp) -> Result<Vec<Settlement>> {
        let references = arrived.iter().map(|arrived| arrived.callback.reference.as_str()).collect();
        let open = approvals::open(db, &references)?;
        let is_asked =
            |callback: &Callback| open.iter().any(|open| open.is_of(&callback.account, &callback.user));
        // Of whoever is asked something, the user is known.
        let others = arrived.iter().map(|arrived| &arrived.callback).filter(|callback| !is_asked(callback));
        let others: BTreeSet<_> = others.map(|callback| (&callback.account, &callback.user)).collect();
        let known = factors::known(db, &others, now.minus(REMOVED_USERS_KNOWN))?;
        let is_known = |Arrived { callback, .. }: &Arrived| {
            is_asked(callback)
                || known.iter().any(|(account, user)| *account == callback.account && *user == callback.user)
        };
        let telling = arrived.iter().filter(|arrived| is_known(arrived) && arrived.callback.answer.is_some());
        let digests: BTreeSet<&str> =
            telling.clone().map(|arrived| arrived.callback.digest.as_str()).collect();
        let new = if digests.is_empty() { digests } else { nonces::insert(db, &digests, now)? };
        let answers: Vec<Answered> = telling
            .filter(|arrived| new.contains(arrived.callback.digest.as_str()))
            .filter_map(Arrived::answered)
            .collect();
        let mut settled = self.settle(db, &open, &answers, now)?;
        let settlement = |arrived: &Arrived| {
            if !is_known(arrived) {
                return Settlement { outcome: CallbackOutcome::NoSuchUser, settled: None };
            }
            // Of several about the same request the first one.
            let is_own = |settled: &SettledAnswer| settled.settled.reference == arrived.callback.reference;
            let settled = settled.iter().position(is_own).map(|at| settled.swap_remove(at));
            Settlement { outcome: CallbackOutcome::Accepted, settled }
        };
        Ok(arrived.iter().map(settlement).collect())
    }

    /// Moves open requests, each once. An approval signs in the session that asked and no other; it verifies the
    /// phone and clears the count of wrong codes.
    pub(super) fn settle(
        &self,
        db: &mut Db,
        open: &[Open],
        answers: &[Answered],
        now: Timestamp,
    ) -> Result<Vec<SettledAnswer>> {
        if answers.is_empty() {
            return Ok(Vec::new());
        }
        let settled = approvals::settle(db, open, answers, now)?;
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
            // Of several of one person the first one.
            let at = verified.iter().position(|user| *user == settled.user);
            let at = at.filter(|_| settled.answer == Answer::Approved);
            let verified = at.map(|at| verified.swap_remove(at)).is_some();
            SettledAnswer { settled, verified }
        };
        Ok(settled.into_iter().map(answer).collect())
    }
}

impl Arrived {
    fn answered(&self) -> Option<Answered> {
        let Callback { account, reference, user, answer, .. } = self.callback.clone();
        let at = AtProvider { account, reference, user: Some(user) };
        Some(Answered { at, answer: answer?, came_at: self.at })
    }
}
