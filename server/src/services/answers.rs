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
        approvals::{self, AtProvider, Settled},
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
    /// Each with the span of its request.
    together: Together<(Callback, Span), CallbackOutcome>,
}

impl Answers {
    /// Answers for this database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, together: Together::default() }
    }

    /// Settles what a callback with a right signature tells. It is committed when this returns.
    ///
    /// # Errors
    /// When the database fails, or too many wait for it.
    pub async fn accept(&self, callback: Callback) -> Result<CallbackOutcome> {
        let context = Arc::clone(&self.context);
        let settle = move |callbacks| settle_together(Arc::clone(&context), callbacks);
        self.together.run((callback, Span::current()), settle).await
    }
}

/// Settles in one transaction; an outcome for each.
async fn settle_together(
    context: Arc<Context>,
    callbacks: Vec<(Callback, Span)>,
) -> Result<Vec<CallbackOutcome>> {
    let (settling, now) = (Arc::clone(&context), context.now());
    let (callbacks, spans): (Vec<Callback>, Vec<Span>) = callbacks.into_iter().unzip();
    let settled = context.store.write(move |db| settling.settle_callbacks(db, &callbacks, now)).await?;
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
