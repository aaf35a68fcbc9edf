//! Answers of phones: by callbacks, of which those that arrive together are settled in one transaction, and as the
//! provider tells when it is asked.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tracing::Span;

use super::{
    Context, Result, ServiceError,
    factor_passed::{Changed, Passed},
    together::Together,
};
use crate::{
    domain::{
        approval::Answer,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        factor::{Method, ProviderAccount},
        ids::{SessionId, UserId},
        notice::Notice,
    },
    provider::{Callback, DeviceAnswer, Reference, SentPush},
    store::{
        Db, StoreError,
        approval_challenges::{self, OpenRequest},
        approvals::{self, Answered, AtProvider, Open, Settled},
        enrolments, nonces, push_devices, session_factors, users,
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
            span.in_scope(|| settled.record(&context));
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
struct SettledAnswer {
    settled: Settled,
    /// What that has changed for its user.
    changed: Changed,
}

impl SettledAnswer {
    /// For the log, once it is committed.
    fn record(&self, context: &Context) {
        let Settled { user, answer, .. } = &self.settled;
        let outcome = match answer {
            Answer::Approved => Outcome::Success,
            Answer::Denied => Outcome::Denied,
        };
        context.record(Event::new(Act::PushAnswered, outcome).user(user).method(Method::Push));
        self.changed.record(context);
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
        let known = enrolments::known(db, &others, now.minus(REMOVED_USERS_KNOWN))?;
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

    /// Moves open requests, each once. An approval signs in the session that asked and no other; it clears the
    /// count of wrong codes, and verifies the phone where it comes from there.
    fn settle(
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
        let mut all = Changed::default();
        // A provider's own app belongs to a phone; a device that was registered by an app of the product does not.
        for verifies_phone in [true, false] {
            // One with a number signs nobody in before the number was given.
            let approved = settled.iter().filter(|settled| {
                settled.answer == Answer::Approved
                    && !settled.needs_number
                    && self.push_verifies_phone(&settled.account) == verifies_phone
            });
            let users: BTreeSet<&UserId> = approved.clone().map(|settled| &settled.user).collect();
            let sessions: BTreeSet<&SessionId> =
                approved.filter_map(|settled| settled.session.as_ref()).collect();
            let (users, sessions) = (Vec::from_iter(users), Vec::from_iter(sessions));
            if !users.is_empty() {
                let method = Method::Push;
                let passed = Passed { users: &users, sessions: &sessions, method, verifies_phone };
                let Changed { verified, signed_in } = self.factor_passed(db, passed, true, now)?;
                all.verified.extend(verified);
                all.signed_in.extend(signed_in);
            }
        }
        for answered in answers {
            let is_settled = |settled: &Settled| settled.reference == answered.at.reference;
            if let (Some(device), true) = (&answered.device, settled.iter().any(is_settled)) {
                push_devices::used(db, &answered.at.account, device, now)?;
            }
        }
        for settled in settled.iter().filter(|settled| settled.answer == Answer::Denied) {
            self.tell_of_denial(db, settled, now)?;
        }
        let answer = |settled: Settled| {
            // Of several of one person the first one has them.
            let is_approved = settled.answer == Answer::Approved;
            let is_own = |user: &UserId| is_approved && *user == settled.user;
            let verified = all.verified.extract_if(.., |user| is_own(user)).collect();
            let signed_in = all.signed_in.extract_if(.., |sign_in| is_own(&sign_in.user)).collect();
            SettledAnswer { settled, changed: Changed { verified, signed_in } }
        };
        Ok(settled.into_iter().map(answer).collect())
    }
}

impl Context {
    pub(super) fn push_verifies_phone(&self, account: &ProviderAccount) -> bool {
        self.providers.get(account).is_some_and(|provider| provider.push_verifies_phone())
    }

    /// Tells an owner that a sign-in was denied on their phone: whoever began it knows the password.
    fn tell_of_denial(&self, db: &mut Db, settled: &Settled, now: Timestamp) -> Result<()> {
        let Some(session) = settled.session.as_ref().filter(|_| self.sends_mail()) else { return Ok(()) };
        let asking = session_factors::completing(db, &[session], now)?;
        let Some(asking) = asking.first().filter(|asking| asking.email_verified) else { return Ok(()) };
        let Some(owner) = users::by_id(db, &settled.user)? else { return Ok(()) };
        let event = Event::new(Act::PushAnswered, Outcome::Denied).noted(&asking.browser, &asking.address);
        self.notify(db, &owner, Notice::SignInDenied, event.origin, now)
    }

    /// Asks the provider for the answer to an open request, on behalf of all who wait, and settles it. A provider
    /// that fails is asked again when the next poll is due.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn look_up_answer(self: &Arc<Self>, request: OpenRequest) -> Result<()> {
        let Some(provider) = self.providers.get(&request.account) else { return Ok(()) };
        let challenges = if provider.asks_devices() {
            let id = request.id.clone();
            self.store.read(move |db| Ok::<_, ServiceError>(approval_challenges::of(db, &id)?)).await?
        } else {
            Vec::new()
        };
        let sent = SentPush { reference: Reference(request.reference.clone()), challenges };
        let DeviceAnswer { answer, device } = match provider.push_answer(&request.user, &sent).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::debug!(%error, "polling for an answer failed");
                return Ok(());
            }
        };
        let at = AtProvider { account: request.account, reference: request.reference, user: None };
        let answered = Answered { at, answer, came_at: self.now(), device };
        let settled = match self.settle_one(answered.clone()).await {
            // Most likely another transaction about the same person, which is over now.
            Err(ServiceError::Store(StoreError::Statement(_))) => self.settle_one(answered).await?,
            other => other?,
        };
        settled.iter().for_each(|settled| settled.record(self));
        Ok(())
    }

    async fn settle_one(self: &Arc<Self>, answered: Answered) -> Result<Vec<SettledAnswer>> {
        let (settling, now) = (Arc::clone(self), self.now());
        let settled = self.store.write(move |db| {
            let open = approvals::open(db, &BTreeSet::from([answered.at.reference.as_str()]))?;
            settling.settle(db, &open, &[answered], now)
        });
        settled.await
    }
}

impl Arrived {
    fn answered(&self) -> Option<Answered> {
        let Callback { account, reference, user, answer, .. } = self.callback.clone();
        let at = AtProvider { account, reference, user: Some(user) };
        Some(Answered { at, answer: answer?, came_at: self.at, device: None })
    }
}
