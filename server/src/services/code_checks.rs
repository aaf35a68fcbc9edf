//! Checking a code: one code is one guess, judged in one place.

use std::{sync::Arc, time::Duration};

use super::{
    Result, ServiceError,
    budgets::Counts,
    claims::CodeFor,
    codes::{CODE_LIFETIME, Codes, code_for},
    enrolments::{Enrolled, call_for_user},
    finish,
    sessions::UserSession,
    wrong_codes,
};
use crate::{
    domain::{
        client::Client,
        clock::Timestamp,
        code::{CheckOutcome, Code},
        event::{Act, Event, Outcome},
        factor::{Enrolment, FactorState, Method},
        ids::{CheckId, Token, UserId},
        notice::Notice,
        refusal::{Counted, Refusal},
        session::State,
    },
    provider::{CodeCheck, CodePurpose, Provider, ProviderError, Reference},
    store::{
        Db, attempts,
        codes::{self, Owner, Sent},
        enrolments,
        factors::{self, AuthenticatorRow},
        users::{self, UserRow},
    },
};

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
pub(super) struct ReservedCheck {
    pub(super) id: CheckId,
    counts: Counts,
    /// Tries before the lock, should this one be wrong.
    pub(super) left: Option<u32>,
}

/// Who checks a code.
#[derive(Debug, Clone)]
enum Checker {
    /// This server, by the user's authenticator.
    Authenticator(AuthenticatorRow),
    /// The provider, by a code it sent to this session.
    SentCode {
        sent: Sent,
        /// Whether the account has no codes of this form in an app: what the phone's app shows is then
        /// another account's.
        sent_alone: bool,
    },
    /// The provider, by what its app shows: the one at which the user was enrolled when the session began.
    App(Option<Enrolment>),
    /// Nobody: no factor has codes of this form.
    Nobody,
}

/// A code's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Right(Method),
    Wrong,
    /// It can't be right any more. That counts as a wrong one: it is a guess all the same.
    Expired,
    /// It was tried so often that the provider judges it no more; that counts as well.
    TooOften {
        wait: Duration,
    },
}

impl Codes {
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
        let event = |outcome| Event::new(Act::CodeChecked, outcome).user(&user.id).client(client);
        let reserved = match self.reserve_check(session, client).await {
            Ok(reserved) => reserved,
            Err(failure) => {
                if matches!(failure, ServiceError::Refused(_)) {
                    self.context.record(event(Outcome::Refused));
                }
                return Err(failure);
            }
        };
        match self.check(session, code).await {
            Ok(Judgement::Right(method)) => {
                let verified = match self.accept(session, &reserved, method).await {
                    Ok(verified) => verified,
                    Err(failure) => {
                        // The code was right: that is no wrong one.
                        self.give_back_check(&user.id, reserved).await;
                        self.context.record(event(Outcome::Failed).method(method));
                        return Err(failure);
                    }
                };
                self.context.record(event(Outcome::Success).method(method));
                Ok(verified)
            }
            Ok(judgement) => {
                self.note_wrong(session, &reserved, client).await?;
                self.context.record(event(Outcome::Wrong));
                let is_last = reserved.left == Some(0);
                Err(match judgement {
                    Judgement::Expired if !is_last => Refusal::CodeExpired.into(),
                    Judgement::TooOften { wait } => {
                        Refusal::TooMany { what: Counted::CodeTries, wait }.into()
                    }
                    _ => Refusal::WrongCode { left: reserved.left }.into(),
                })
            }
            Err(failure) => {
                self.give_back_check(&user.id, reserved).await;
                self.context.record(event(Outcome::Failed));
                Err(failure)
            }
        }
    }

    async fn check(&self, session: &UserSession, code: &Code) -> Result<Judgement> {
        let user = &session.user;
        match self.checker(session, code).await? {
            Checker::Nobody => Ok(Judgement::Wrong),
            Checker::Authenticator(row) => {
                let right = self.context.use_authenticator(row, code).await?;
                Ok(if right { Judgement::Right(Method::Authenticator) } else { Judgement::Wrong })
            }
            Checker::SentCode { sent, sent_alone } => {
                // A code of an earlier enrolment is known to its own provider alone.
                let Some(provider) = self.context.providers.get(&sent.account) else {
                    return Ok(Judgement::Wrong);
                };
                let (reference, action) = (Reference(sent.reference.clone()), self.action(session));
                if provider.claimed_service(CodePurpose::SignIn).is_some() {
                    let Some((service, of)) = claim_of(provider, user, &sent) else {
                        return Ok(Judgement::Wrong);
                    };
                    let checked = self.context.check_claimed(provider, service, of, code).await?;
                    return Ok(match checked {
                        CodeCheck::SentCode => Judgement::Right(sent.via.into()),
                        CodeCheck::Over => Judgement::Expired,
                        CodeCheck::TooOften { wait } => Judgement::TooOften { wait },
                        _ => Judgement::Wrong,
                    });
                }
                match provider.check_code(&reference, code, Some(&action)).await {
                    Ok(CodeCheck::SentCode) => Ok(Judgement::Right(sent.via.into())),
                    // Where the provider does not say, the action binds the code to this session.
                    Ok(CodeCheck::UnspecifiedCode) => Ok(Judgement::Right(sent.via.into())),
                    Ok(CodeCheck::AppCode) if sent_alone => Ok(Judgement::Wrong),
                    Ok(CodeCheck::AppCode) => Ok(Judgement::Right(Method::App)),
                    Ok(CodeCheck::Wrong | CodeCheck::Over | CodeCheck::TooOften { .. }) => {
                        Ok(Judgement::Wrong)
                    }
                    // A provider that has forgotten the user has forgotten the code: it is enrolled
                    // again before the next send.
                    Err(ProviderError::UnknownUser) => Ok(Judgement::Wrong),
                    Err(error) => Err(error.into()),
                }
            }
            Checker::App(at) => {
                let context = &self.context;
                let before = at.and_then(|at| {
                    let provider = Arc::clone(context.providers.get(&at.account)?);
                    Some(Enrolled { provider, at })
                });
                let known = context.known_enrolment(user).await?;
                let moved =
                    before.filter(|before| known.is_none_or(|now| now.at.account != before.at.account));
                let checked = match moved {
                    // Moved while signing in: finishes where the sign-in began.
                    Some(before) => check_app(&before, code).await?,
                    None => call_for_user!(context, user, |enrolled| check_app(&enrolled, code))?.1,
                };
                let is_wrong =
                    matches!(checked, CodeCheck::Wrong | CodeCheck::Over | CodeCheck::TooOften { .. });
                Ok(if is_wrong { Judgement::Wrong } else { Judgement::Right(Method::App) })
            }
        }
    }

    /// Six digits are the account's authenticator's, if it has one. Otherwise they go to the provider for
    /// a code that was sent to this session, or for an account that enrolled an authenticator there and
    /// shares the provider's user with no other account.
    async fn checker(&self, session: &UserSession, code: &Code) -> Result<Checker> {
        let (user, session_id) = (session.user.id.clone(), session.session.id.clone());
        let of_authenticator = code.is_of_authenticator();
        let since = self.context.now().minus(CODE_LIFETIME);
        // Only a sign-in that has begun ends where it began.
        let began = (session.session.state == State::Pending).then_some(session.session.created_at);
        self.context
            .store
            .read(move |db| {
                if of_authenticator {
                    if let Some(row) = factors::authenticator(db, &user, FactorState::Active)? {
                        return Ok(Checker::Authenticator(row));
                    }
                    let at = asked_at(db, &user, began)?;
                    let own = match &at {
                        Some(at) => enrolments::has_own_authenticator(db, &user, at)?,
                        None => false,
                    };
                    return Ok::<_, ServiceError>(match (codes::last_sent(db, &session_id, since)?, own) {
                        (Some(sent), own) => Checker::SentCode { sent, sent_alone: !own },
                        (None, true) => Checker::App(at),
                        (None, false) => Checker::Nobody,
                    });
                }
                match codes::last_sent(db, &session_id, since)? {
                    Some(sent) => Ok(Checker::SentCode { sent, sent_alone: false }),
                    None => Ok(Checker::App(asked_at(db, &user, began)?)),
                }
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
        let (token, now) = (context.next_token(session), context.now());
        let (session, reserved) = (session.clone(), reserved.clone());
        let completing = Arc::clone(&context);
        let (verified, changed) = context
            .store
            .write(move |db| {
                codes::finish_check(db, &reserved.id, CheckOutcome::Right)?;
                attempts::take_back(db, &reserved.counts.ids)?;
                let passed = (method, method.verifies_phone());
                completing.complete(db, &session, passed, !reserved.counts.by_device, token, now)
            })
            .await?;
        changed.record(&context);
        Ok(verified)
    }

    /// A code was wrong. The owner is told of the last one, after which no code is accepted for a while.
    pub(super) async fn note_wrong(
        &self,
        session: &UserSession,
        reserved: &ReservedCheck,
        client: &Client,
    ) -> Result<()> {
        let (context, now, id) = (Arc::clone(&self.context), self.context.now(), reserved.id.clone());
        let is_last = reserved.left == Some(0);
        let (user, from, noting) = (session.user.clone(), client.clone(), Arc::clone(&context));
        context
            .store
            .write(move |db| {
                codes::finish_check(db, &id, CheckOutcome::Wrong)?;
                let locked = if is_last { users::wrong_codes(db, &user.id)?.locked_until } else { None };
                let Some(until) = locked else { return Ok(()) };
                let origin = Event::new(Act::CodesLocked, Outcome::Denied).client(&from).origin;
                noting.notify(db, &user, Notice::CodesLocked { until }, origin, now)
            })
            .await?;
        if is_last {
            let event = Event::new(Act::CodesLocked, Outcome::Denied).user(&session.user.id);
            context.record(event.client(client));
        }
        Ok(())
    }

    /// Counts a code as wrong before it is checked, so that guesses in parallel count as well.
    pub(super) async fn reserve_check(
        &self,
        session: &UserSession,
        client: &Client,
    ) -> Result<ReservedCheck> {
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
                    let after = context.one_wrong_code_more(before, now);
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
    pub(super) async fn give_back_check(&self, user: &UserId, reserved: ReservedCheck) {
        let (user, most) = (user.clone(), self.context.limits().wrong_codes);
        let given_back = self
            .context
            .store
            .write(move |db| {
                crate::store::lock(db, user.as_str())?;
                codes::finish_check(db, &reserved.id, CheckOutcome::Failed)?;
                attempts::take_back(db, &reserved.counts.ids)?;
                if reserved.counts.by_device {
                    return Ok(());
                }
                let codes = users::wrong_codes(db, &user)?;
                Ok::<_, ServiceError>(users::set_wrong_codes(db, &user, wrong_codes::one_less(codes, most))?)
            })
            .await;
        if let Err(error) = given_back {
            tracing::warn!(%error, "a code that was not judged stays counted as wrong");
        }
    }
}

/// Where a user was enrolled when a sign-in began; without one, where they are now.
fn asked_at(db: &mut Db, user: &UserId, began: Option<Timestamp>) -> Result<Option<Enrolment>> {
    let then = match began {
        Some(began) => enrolments::at_moment(db, user, began)?,
        None => None,
    };
    Ok(then.or(enrolments::current(db, user)?))
}

async fn check_app(enrolled: &Enrolled, code: &Code) -> std::result::Result<CodeCheck, ProviderError> {
    match enrolled.provider.app_reference(enrolled.user()) {
        Some(reference) => enrolled.provider.check_code(&reference, code, None).await,
        None => Ok(CodeCheck::Wrong),
    }
}

/// The claim that a code was sent under: of the service that stands in its reference.
fn claim_of<'a>(provider: &'a Provider, user: &'a UserRow, sent: &Sent) -> Option<(&'a str, CodeFor<'a>)> {
    let by_purpose = |purpose| {
        let service = provider.claimed_service(purpose)?;
        let is_of = sent.reference.split_once('/').is_some_and(|(of, _)| of == service);
        is_of.then(|| (service, CodeFor { purpose, ..code_for(user, sent.via) }))
    };
    [CodePurpose::SignIn, CodePurpose::Enrolment].into_iter().find_map(by_purpose)
}
