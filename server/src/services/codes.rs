//! Codes: sending one, checking one.

use std::{sync::Arc, time::Duration};

use shared::{CodeSent, Via};

use super::{
    Context, Result, ServiceError,
    budgets::Counts,
    enrolments::{Enrolled, call_for_user},
    finish,
    sessions::UserSession,
};
use crate::{
    domain::{
        client::Client,
        clock::Timestamp,
        code::Code,
        event::{Act, Event, Outcome as EventOutcome},
        factor::{FactorState, Method},
        ids::{AttemptId, CheckId, SendId, SessionId, Token, UserId},
        refusal::{Counted, Refusal},
        session::State,
    },
    provider::{CodeCheck, ProviderError, Reference},
    store::{
        Db, attempts,
        codes::{self, Outcome, Owner, Sent},
        factors::{self, AuthenticatorRow},
        sessions,
        users::{self, FactorPassed, PhoneVerification, UserRow, WrongCodes},
    },
};

/// How long a code can be used at the provider (NIST SP 800-63B-4 §5.1.3.2).
pub const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// Sends and checks codes.
#[derive(Debug, Clone)]
pub struct Codes {
    context: Arc<Context>,
}

/// A code was right.
#[derive(Debug)]
pub struct Verified {
    /// The session's new token, where the carrier rotates it.
    pub token: Option<Token>,
    /// Whether it verified the phone for the first time.
    pub first: bool,
}

/// A check that was counted as wrong before it is made.
#[derive(Debug, Clone)]
struct ReservedCheck {
    id: CheckId,
    counts: Counts,
    /// Tries before the lock, should this one be wrong.
    left: Option<u32>,
}

/// Who checks a code.
#[derive(Debug, Clone)]
enum Checker {
    /// This server, by the user's authenticator.
    Authenticator(AuthenticatorRow),
    /// The provider, by a code it sent to this session.
    SentCode(Sent),
    /// The provider, by what its app shows.
    App,
    /// Nobody: no factor has codes of this form.
    Nobody,
}

/// A code's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Right(Method),
    Wrong,
}

impl Codes {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Sends a code, also to people who have the app. Where a text cannot reach the phone it is
    /// called instead.
    ///
    /// # Errors
    /// [`Refusal::TooMany`], or the provider's failure; then nothing was counted.
    pub async fn send(&self, session: &UserSession, via: Via, client: &Client) -> Result<CodeSent> {
        let (codes, session, client) = (self.clone(), session.clone(), client.clone());
        finish(async move { codes.send_to_end(&session, via, &client).await }).await
    }

    async fn send_to_end(&self, session: &UserSession, via: Via, client: &Client) -> Result<CodeSent> {
        let (user, id) = (&session.user, SendId::new(self.context.random));
        let event = |outcome, via: Via| {
            let event = Event::new(Act::CodeSent, outcome).user(&user.id).method(via.into());
            event.address(client.address).record();
        };
        let counted = match self.reserve_send(session, &id, via, client).await {
            Ok(counted) => counted,
            Err(failure) => {
                if matches!(failure, ServiceError::Refused(_)) {
                    event(EventOutcome::Refused, via);
                }
                return Err(failure);
            }
        };
        match self.send_or_call(session, via).await {
            Ok(sent) => {
                let sent_via = sent.via;
                self.context
                    .store
                    .write(move |db| Ok::<_, ServiceError>(codes::sent(db, &id, &sent)?))
                    .await?;
                event(EventOutcome::Success, sent_via);
                Ok(self.told(user, via, sent_via))
            }
            Err(failure) => {
                self.context
                    .store
                    .write(move |db| {
                        codes::cancel_send(db, &id)?;
                        Ok::<_, ServiceError>(attempts::take_back(db, &counted)?)
                    })
                    .await?;
                event(EventOutcome::Failed, via);
                Err(failure)
            }
        }
    }

    fn told(&self, user: &UserRow, asked: Via, sent: Via) -> CodeSent {
        let phone = user.phone.masked();
        let message = match sent {
            Via::Sms => format!("A code was texted to {phone}."),
            Via::Call if asked == Via::Call => format!("A call with a code goes to {phone}."),
            Via::Call => format!("A text cannot reach {phone}. A call with a code goes there."),
        };
        let interval = self.context.limits().resend_after;
        let resend_after_seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
        CodeSent { message, via: sent, phone, resend_after_seconds }
    }

    /// Where the provider refuses texts, the phone is called: nobody is left without a method.
    async fn send_or_call(&self, session: &UserSession, via: Via) -> Result<Sent> {
        match self.send_by(session, via).await {
            Err(ServiceError::Provider(ProviderError::ChannelRefused | ProviderError::BadPhone))
                if via == Via::Sms =>
            {
                self.send_by(session, Via::Call).await
            }
            other => other,
        }
    }

    async fn send_by(&self, session: &UserSession, via: Via) -> Result<Sent> {
        let action = self.action(session);
        let context = &self.context;
        let (enrolled, Reference(reference)) = call_for_user!(context, &session.user, |enrolled| enrolled
            .provider
            .send_code(enrolled.user(), via, &action))?;
        Ok(Sent { account: enrolled.at.account, reference, via })
    }

    /// Binds a code to this account and session: the provider accepts it with the same action alone,
    /// whoever else is enrolled with the same phone.
    fn action(&self, session: &UserSession) -> String {
        self.context.keys.subject(&["action", session.user.id.as_str(), session.session.id.as_str()])
    }

    async fn reserve_send(
        &self,
        session: &UserSession,
        id: &SendId,
        via: Via,
        client: &Client,
    ) -> Result<Vec<AttemptId>> {
        let (now, interval) = (self.context.now(), self.context.limits().resend_after);
        let budget = self.context.send_budget(&session.user, client);
        let (user_id, session_id, id) = (session.user.id.clone(), session.session.id.clone(), id.clone());
        self.context
            .store
            .write(move |db| {
                crate::store::lock(db, user_id.as_str())?;
                if let Some(last) = codes::last_send(db, &session_id)? {
                    let free = last.plus(interval);
                    if free > now {
                        let wait = free.since(now);
                        return Err(Refusal::TooMany { what: Counted::Resends, wait }.into());
                    }
                }
                let counts = budget.count(db, now)?;
                let owner = Owner { user_id: &user_id, session_id: &session_id };
                codes::reserve_send(db, &id, owner, via, now)?;
                Ok(counts.ids)
            })
            .await
    }

    /// Checks a code of any kind: a text, a call, the provider's app or an authenticator app. One code
    /// is one guess: it is checked in one place. When it is right, the session has its second factor.
    ///
    /// # Errors
    /// [`Refusal::WrongCode`], [`Refusal::TooMany`], or that the provider could not tell.
    pub async fn verify(&self, session: &UserSession, code: &Code, client: &Client) -> Result<Verified> {
        let (codes, session) = (self.clone(), session.clone());
        let (code, client) = (code.clone(), client.clone());
        finish(async move { codes.verify_to_end(&session, &code, &client).await }).await
    }

    async fn verify_to_end(&self, session: &UserSession, code: &Code, client: &Client) -> Result<Verified> {
        let user = &session.user;
        let event = |outcome| Event::new(Act::CodeChecked, outcome).user(&user.id).address(client.address);
        let reserved = match self.reserve_check(session, client).await {
            Ok(reserved) => reserved,
            Err(failure) => {
                if matches!(failure, ServiceError::Refused(_)) {
                    event(EventOutcome::Refused).record();
                }
                return Err(failure);
            }
        };
        match self.check(session, code).await {
            Ok(Judgement::Right(method)) => {
                let verified = self.accept(session, &reserved, method).await?;
                event(EventOutcome::Success).method(method).record();
                if verified.first {
                    Event::new(Act::PhoneVerified, EventOutcome::Success).user(&user.id).record();
                }
                Ok(verified)
            }
            Ok(Judgement::Wrong) => {
                let id = reserved.id;
                self.context
                    .store
                    .write(move |db| Ok::<_, ServiceError>(codes::finish_check(db, &id, Outcome::Wrong)?))
                    .await?;
                event(EventOutcome::Wrong).record();
                Err(Refusal::WrongCode { left: reserved.left }.into())
            }
            Err(failure) => {
                self.give_back_check(&user.id, reserved).await?;
                event(EventOutcome::Failed).record();
                Err(failure)
            }
        }
    }

    async fn check(&self, session: &UserSession, code: &Code) -> Result<Judgement> {
        let user = &session.user;
        let by_provider = |checked, sent: Option<Via>| match checked {
            CodeCheck::Wrong => Judgement::Wrong,
            CodeCheck::SentCode => Judgement::Right(sent.map_or(Method::App, Into::into)),
            CodeCheck::AppCode => Judgement::Right(Method::App),
        };
        match self.checker(session, code).await? {
            Checker::Nobody => Ok(Judgement::Wrong),
            Checker::Authenticator(row) => {
                let right = self.context.use_authenticator(user, row, code).await?;
                Ok(if right { Judgement::Right(Method::Authenticator) } else { Judgement::Wrong })
            }
            Checker::SentCode(sent) => {
                // A code of an earlier enrolment is known to its own provider alone.
                let Some(provider) = self.context.providers.get(&sent.account) else {
                    return Ok(Judgement::Wrong);
                };
                let (reference, action) = (Reference(sent.reference.clone()), self.action(session));
                match provider.check_code(&reference, code, Some(&action)).await {
                    Ok(checked) => Ok(by_provider(checked, Some(sent.via))),
                    // A provider that has forgotten the user has forgotten the code: it is enrolled
                    // again before the next send.
                    Err(ProviderError::UnknownUser) => Ok(Judgement::Wrong),
                    Err(error) => Err(error.into()),
                }
            }
            Checker::App => {
                let context = &self.context;
                let (_, checked) = call_for_user!(context, user, |enrolled| check_app(&enrolled, code))?;
                Ok(by_provider(checked, None))
            }
        }
    }

    /// Six digits are an authenticator's. They go to the provider only for an account that enrolled an
    /// authenticator there and shares the provider's user with no other account.
    async fn checker(&self, session: &UserSession, code: &Code) -> Result<Checker> {
        let (user, session_id) = (session.user.id.clone(), session.session.id.clone());
        let of_authenticator = code.is_of_authenticator();
        let since = self.context.now().minus(CODE_LIFETIME);
        self.context
            .store
            .read(move |db| {
                if of_authenticator {
                    if let Some(row) = factors::authenticator(db, &user, FactorState::Active)? {
                        return Ok(Checker::Authenticator(row));
                    }
                    let at = factors::enrolment(db, &user)?;
                    let own = match &at {
                        Some(at) => factors::has_own_provider_authenticator(db, &user, at)?,
                        None => false,
                    };
                    return Ok::<_, ServiceError>(if own { Checker::App } else { Checker::Nobody });
                }
                let sent = codes::last_sent(db, &session_id, since)?;
                Ok(sent.map_or(Checker::App, Checker::SentCode))
            })
            .await
    }

    async fn accept(
        &self,
        session: &UserSession,
        reserved: &ReservedCheck,
        method: Method,
    ) -> Result<Verified> {
        let context = Arc::clone(&self.context);
        let token = context.settings.rotation.applies_to(session.carrier).then(|| Token::new(context.random));
        let (user, session_id, old) =
            (session.user.id.clone(), session.session.id.clone(), session.token.hash());
        let (reserved, now) = (reserved.clone(), context.now());
        self.context
            .store
            .write(move |db| {
                codes::finish_check(db, &reserved.id, Outcome::Right)?;
                attempts::take_back(db, &reserved.counts.ids)?;
                let passed = Passed { user: &user, session: Some(&session_id), method };
                let clears_lock = !reserved.counts.by_device;
                let first = context.factor_passed(db, passed, clears_lock, now)?;
                let lives = match &token {
                    Some(token) => sessions::rotate(db, &session_id, &old, &token.hash())?,
                    None => {
                        matches!(sessions::state(db, &session_id)?, Some(State::Verified | State::SignedIn))
                    }
                };
                // Otherwise it was ended while the provider was asked.
                if lives {
                    Ok(Verified { token, first })
                } else {
                    Err(ServiceError::from(Refusal::NoSession))
                }
            })
            .await
    }

    /// Counts a code as wrong before it is checked, so that guesses in parallel count as well.
    async fn reserve_check(&self, session: &UserSession, client: &Client) -> Result<ReservedCheck> {
        let context = Arc::clone(&self.context);
        let (budget, now) = (context.code_budget(&session.user, client), context.now());
        let id = CheckId::new(context.random);
        let (user_id, session_id) = (session.user.id.clone(), session.session.id.clone());
        self.context
            .store
            .write(move |db| {
                crate::store::lock(db, user_id.as_str())?;
                let before = users::wrong_codes(db, &user_id)?;
                let locked = before.locked_until.filter(|until| *until > now);
                let counts = match locked {
                    Some(until) => {
                        let refused = Refusal::TooMany { what: Counted::Codes, wait: until.since(now) };
                        budget.count_by_device(db, refused, now)?
                    }
                    None => budget.count(db, now)?,
                };
                let left = if counts.by_device {
                    None
                } else {
                    let after = one_more(before, context.limits(), now);
                    users::set_wrong_codes(db, &user_id, after)?;
                    let most = context.limits().wrong_codes;
                    (most != u32::MAX).then(|| most.saturating_sub(after.count.unsigned_abs()))
                };
                codes::insert_check(db, &id, Owner { user_id: &user_id, session_id: &session_id }, now)?;
                Ok::<_, ServiceError>(ReservedCheck { id, counts, left })
            })
            .await
    }

    /// The code was not judged: it is no wrong one.
    async fn give_back_check(&self, user: &UserId, reserved: ReservedCheck) -> Result<()> {
        let (user, most) = (user.clone(), self.context.limits().wrong_codes);
        self.context
            .store
            .write(move |db| {
                codes::finish_check(db, &reserved.id, Outcome::Failed)?;
                attempts::take_back(db, &reserved.counts.ids)?;
                if reserved.counts.by_device {
                    return Ok(());
                }
                crate::store::lock(db, user.as_str())?;
                let codes = users::wrong_codes(db, &user)?;
                Ok::<_, ServiceError>(users::set_wrong_codes(db, &user, one_less(codes, most))?)
            })
            .await
    }
}

async fn check_app(enrolled: &Enrolled, code: &Code) -> std::result::Result<CodeCheck, ProviderError> {
    let reference = enrolled.provider.app_reference(enrolled.user());
    enrolled.provider.check_code(&reference, code, None).await
}

/// One wrong code more; the last one locks.
fn one_more(before: WrongCodes, limits: &crate::domain::limits::Limits, now: Timestamp) -> WrongCodes {
    // After a lock the codes are counted anew; how many locks there were is not forgotten.
    let count = if before.locked_until.is_some() { 1 } else { before.count.saturating_add(1) };
    if count.unsigned_abs() < limits.wrong_codes {
        return WrongCodes { count, locked_until: None, locks: before.locks };
    }
    let lock = limits.lock_after(before.locks.unsigned_abs());
    WrongCodes { count, locked_until: Some(now.plus(lock)), locks: before.locks.saturating_add(1) }
}

/// Takes one back. Others may have been counted meanwhile; a lock they caused stays.
fn one_less(codes: WrongCodes, most: u32) -> WrongCodes {
    let count = (codes.count - 1).max(0);
    if codes.locked_until.is_some() && count.unsigned_abs() < most {
        return WrongCodes { count, locked_until: None, locks: (codes.locks - 1).max(0) };
    }
    WrongCodes { count, ..codes }
}

/// A factor that has passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed<'a> {
    pub(super) user: &'a UserId,
    /// The session it passed in; `None` for the approval of an action.
    pub(super) session: Option<&'a SessionId>,
    pub(super) method: Method,
}

impl Context {
    /// Notes a passed factor with user and session; answers whether the phone was verified for the
    /// first time.
    pub(super) fn factor_passed(
        &self,
        db: &mut Db,
        passed: Passed<'_>,
        clears_lock: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let Passed { user, session, method } = passed;
        let accounts_per_phone = self.limits().accounts_per_phone;
        let noted = FactorPassed { user, method, clears_lock, accounts_per_phone };
        let first = users::factor_passed(db, noted, now)? == PhoneVerification::First;
        let lifetimes = self.lifetimes();
        if let Some(session) = session {
            sessions::factor_passed(db, session, method, now.plus(lifetimes.absolute), now)?;
        }
        if first {
            sessions::phone_verified_elsewhere(db, user, session, now.plus(lifetimes.pending))?;
        }
        Ok(first)
    }
}
