//! Verifying any phone number: a code, bound to the browser session that asked for it.

use std::sync::Arc;

use shared::{Via, phone::PhoneNumber};

use super::{
    Context, Result, ServiceError,
    claims::CodeFor,
    codes::CODE_LIFETIME,
    finish,
    sessions::{self, CurrentSession, Opening},
};
use crate::{
    domain::{
        client::Client,
        code::Code,
        event::{Act, Event, Outcome},
        ids::{AttemptId, SessionId, Token},
        limits::AttemptKind,
        refusal::{Counted, Refusal},
        session::{Carrier, Origin, State},
    },
    provider::{CodeCheck, CodePurpose, PhoneFacts, ProviderError},
    store::{
        attempts::{self, Run},
        number_verifications,
        sessions::NewSession,
    },
};

/// Verifies numbers, with or without an account.
#[derive(Debug, Clone)]
pub struct NumberVerification {
    context: Arc<Context>,
}

/// A code was sent.
#[derive(Debug)]
pub struct Started {
    /// How, in the end.
    pub via: Via,
    /// What the provider knows about the phone.
    pub facts: PhoneFacts,
    /// The token of the session that was made for it.
    pub token: Option<Token>,
    /// Seconds until another code may be requested.
    pub resend_after_seconds: u32,
}

/// What to verify.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The number.
    pub phone: PhoneNumber,
    /// How the code is to be sent; the first allowed way where nobody has chosen.
    pub via: Option<Via>,
}

fn number_code<'a>(owner: &'a SessionId, number: &'a str) -> CodeFor<'a> {
    CodeFor { owner: owner.as_str(), purpose: CodePurpose::Number, to: number }
}

impl NumberVerification {
    /// Uses the context's database and current provider.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Sends a code to a phone. Where there is no session yet, one is made.
    ///
    /// # Errors
    /// [`Refusal::InvalidFields`] for a number nothing is sent to, [`Refusal::TooMany`], or the
    /// provider's failure; it is not counted, unless the code may have gone out all the same.
    pub async fn start(
        &self,
        session: Option<CurrentSession>,
        wish: Wish,
        client: &Client,
    ) -> Result<Started> {
        if let Some(problem) = self.context.settings.numbers.problem(&wish.phone) {
            return Err(Refusal::InvalidFields([("phone", problem)].into()).into());
        }
        let (verification, client) = (self.clone(), client.clone());
        finish(async move {
            let session_id = session.map(|session| session.session.id);
            verification.start_to_end(session_id, wish, &client).await
        })
        .await
    }

    async fn start_to_end(&self, session: Option<SessionId>, wish: Wish, client: &Client) -> Result<Started> {
        let Wish { phone, via } = wish;
        let asked = self.context.number_channel(via)?;
        let event = |outcome, via: Via| {
            self.context.record(Event::new(Act::CodeSent, outcome).method(via.into()).client(client));
        };
        let counted = self.count_send(session.as_ref(), &phone, client).await;
        let counted = counted.inspect_err(|_| event(Outcome::Refused, asked))?;
        let token = session.is_none().then(|| Token::new(self.context.random));
        let opening = Opening { user: None, origin: Origin::NumberVerification, client };
        let new = token.as_ref().map(|token| self.context.new_session(&opening, token));
        let owner = session.as_ref().or(new.as_ref().map(|new| &new.id)).ok_or(Refusal::NoSession)?;
        let sent = match self.send(owner, &phone, asked).await {
            // A landline hears what it cannot read.
            Err(ServiceError::Provider(error))
                if asked == Via::Sms
                    && self.context.settings.channels.allows(Via::Call)
                    && matches!(error.cause(), ProviderError::ChannelRefused) =>
            {
                self.send(owner, &phone, Via::Call).await.map(|sent| (Via::Call, sent))
            }
            other => other.map(|sent| (asked, sent)),
        };
        let (via, (facts, is_new)) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                // A code that may have gone out stays counted.
                if !error.may_have_been_done() {
                    self.context.take_back(counted).await?;
                }
                event(Outcome::Failed, asked);
                return Err(error.into_cause());
            }
        };
        event(Outcome::Success, via);
        self.note_start(session, new, &phone, is_new).await?;
        let interval = self.context.limits().resend_after;
        let resend_after_seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
        Ok(Started { via, facts, token, resend_after_seconds })
    }

    /// Sends a code; answers also whether it is certainly another one than before.
    async fn send(&self, owner: &SessionId, phone: &PhoneNumber, via: Via) -> Result<(PhoneFacts, bool)> {
        let provider = self.context.providers.current();
        match provider.claimed_service(CodePurpose::Number) {
            Some(service) => {
                let number = phone.e164();
                let code = number_code(owner, &number);
                let sent = self.context.send_claimed(provider, service, code, via).await?;
                let is_new = sent.is_new();
                Ok((sent.facts, is_new))
            }
            None => Ok((provider.start_verification(phone, via).await?, false)),
        }
    }

    /// Checks a code; a right one is used up.
    async fn judge(&self, owner: &SessionId, phone: &PhoneNumber, code: &Code) -> Result<CodeCheck> {
        let provider = self.context.providers.current();
        match provider.claimed_service(CodePurpose::Number) {
            Some(service) => {
                let number = phone.e164();
                let of = number_code(owner, &number);
                self.context.check_claimed(provider, service, of, code).await
            }
            None if provider.check_verification(phone, code).await? => Ok(CodeCheck::SentCode),
            None => Ok(CodeCheck::Wrong),
        }
    }

    async fn note_start(
        &self,
        session: Option<SessionId>,
        new: Option<NewSession>,
        phone: &PhoneNumber,
        is_new: bool,
    ) -> Result<()> {
        let (context, now, e164) = (Arc::clone(&self.context), self.context.now(), phone.e164());
        self.context
            .store
            .write(move |db| {
                let id = match (session, new) {
                    (Some(id), _) => id,
                    (None, Some(new)) => {
                        sessions::insert(db, &new, now)?;
                        // This send counts for the session it made.
                        let interval = context.resend_count(new.id.as_str());
                        if !context.limits().resend_after.is_zero() {
                            let _ = attempts::count_all(db, vec![interval], now)?;
                        }
                        new.id
                    }
                    (None, None) => return Err(Refusal::NoSession.into()),
                };
                let until = now.plus(CODE_LIFETIME);
                Ok::<_, ServiceError>(number_verifications::begin(db, &id, &e164, until, is_new, now)?)
            })
            .await
    }

    async fn count_send(
        &self,
        session: Option<&SessionId>,
        phone: &PhoneNumber,
        client: &Client,
    ) -> Result<Vec<AttemptId>> {
        let mut counts = self.context.verification_budget(&phone.e164(), client);
        if !self.context.limits().resend_after.is_zero() {
            counts.extend(session.map(|id| self.context.resend_count(id.as_str())));
        }
        let now = self.context.now();
        self.context.store.write(move |db| Ok(attempts::count_all(db, counts, now)??)).await
    }

    /// Checks a code; when it is right, the session has verified the phone. A browser without an
    /// account gets a new token for that.
    ///
    /// # Errors
    /// [`Refusal::WrongCode`] (also where this session has asked for none, or it has expired),
    /// [`Refusal::TooMany`], or that the provider could not tell.
    pub async fn check(
        &self,
        session: &CurrentSession,
        phone: &PhoneNumber,
        code: &Code,
        client: &Client,
    ) -> Result<Option<Token>> {
        let (verification, session, client) = (self.clone(), session.clone(), client.clone());
        let (phone, code) = (phone.clone(), code.clone());
        finish(async move { verification.check_to_end(&session, &phone, &code, &client).await }).await
    }

    async fn check_to_end(
        &self,
        session: &CurrentSession,
        phone: &PhoneNumber,
        code: &Code,
        client: &Client,
    ) -> Result<Option<Token>> {
        let (now, e164) = (self.context.now(), phone.e164());
        let asked = session.session.verifying_phone.as_deref() == Some(e164.as_str())
            && session.session.verifying_until.is_some_and(|until| until > now);
        if !asked {
            return Err(Refusal::WrongCode { left: None }.into());
        }
        let event = |outcome| self.context.record(Event::new(Act::NumberVerified, outcome).client(client));
        let counted = self.count_code(session, &e164, client).await;
        let (subject, counted) = counted.inspect_err(|_| event(Outcome::Refused))?;
        match self.judge(&session.session.id, phone, code).await {
            Ok(CodeCheck::SentCode) => {
                event(Outcome::Success);
                self.accept(session, e164, subject, counted).await
            }
            Ok(checked) => {
                event(Outcome::Wrong);
                Err(match checked {
                    CodeCheck::Over => Refusal::CodeExpired.into(),
                    CodeCheck::TooOften { wait } => {
                        Refusal::TooMany { what: Counted::CodeTries, wait }.into()
                    }
                    _ => Refusal::WrongCode { left: None }.into(),
                })
            }
            Err(error) => {
                self.context.take_back(counted).await?;
                event(Outcome::Failed);
                Err(error)
            }
        }
    }

    /// Counted for this session alone, so that a stranger's guesses do not lock the owner of the
    /// number out; how many sessions may guess is bounded by how many codes are sent to a number.
    async fn count_code(
        &self,
        session: &CurrentSession,
        e164: &str,
        client: &Client,
    ) -> Result<(String, Vec<AttemptId>)> {
        let (context, now) = (Arc::clone(&self.context), self.context.now());
        let subject = context.keys.subject(&["number code", session.session.id.as_str(), e164]);
        let (id, counts) = (AttemptId::new(context.random), context.number_code_budget(client));
        let counted_subject = subject.clone();
        let counted = self
            .context
            .store
            .write(move |db| {
                let run = Run {
                    kind: AttemptKind::NumberCode,
                    subject: &counted_subject,
                    most: context.limits().wrong_codes,
                    window: context.limits().lock,
                };
                attempts::count_in_a_row(db, &id, &run, now)?
                    .map_err(|wait| Refusal::TooMany { what: Counted::Codes, wait })?;
                let mut counted = attempts::count_all(db, counts, now)??;
                counted.push(id);
                Ok::<_, ServiceError>(counted)
            })
            .await?;
        Ok((subject, counted))
    }

    async fn accept(
        &self,
        session: &CurrentSession,
        e164: String,
        subject: String,
        counted: Vec<AttemptId>,
    ) -> Result<Option<Token>> {
        let now = self.context.now();
        let rotates = session.session.state == State::Anonymous && session.carrier == Carrier::Cookie;
        let token = rotates.then(|| Token::new(self.context.random));
        let (id, old, new) =
            (session.session.id.clone(), session.token.hash(), token.as_ref().map(Token::hash));
        self.context
            .store
            .write(move |db| {
                attempts::take_back(db, &counted)?;
                attempts::forget(db, AttemptKind::NumberCode, &subject)?;
                let lives = number_verifications::complete(db, &id, &e164, now)?
                    && match new {
                        Some(new) => number_verifications::rotate(db, &id, &old, &new)?,
                        None => true,
                    };
                if lives { Ok(()) } else { Err(ServiceError::from(Refusal::NoSession)) }
            })
            .await?;
        Ok(token)
    }
}
