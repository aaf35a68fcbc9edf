//! The push: asking the phone, and what an answer changes.

use std::time::Duration;

use shared::{ApprovalRequestId, Channel, PushAnswer, Via};

use super::{Failure, second_factor::SecondFactor};
use crate::{
    domain::{
        clock::Timestamp,
        ids::digest,
        limits::HOUR,
        push::{ApprovalState, Asker, FIRST_ASK, LOGIN_LIFE, Purpose, Question, Verdict},
        refusal::{Counted, Refusal},
    },
    provider::{ProviderError, Reference},
    store::{
        Db,
        approvals::{self, NewApproval},
        nonces, sessions,
        users::{self, UserRow},
    },
};

/// Who asks: the session, and what the phone is told about it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The session that will be signed in, and no other.
    pub session_id: String,
    /// Browser or program, in words.
    pub browser: String,
    /// Network address.
    pub address: String,
    /// Which door it came through: each has its own words.
    pub wording: Wording,
}

/// In which words the phone is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// With a number to compare.
    ByNumber,
    /// As clients of the cookie API know it.
    ByUsername,
}

/// What a verified webhook says.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Digest of nonce and signature: the same again is a replay.
    pub digest: String,
    /// Who answered, by the provider's id.
    pub provider_user: String,
    /// Which request.
    pub reference: String,
    /// What the thumb said.
    pub verdict: Verdict,
}

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Taken; it may have changed nothing.
    Yes,
    /// It names a user nobody here is.
    NoSuchUser,
}

impl SecondFactor {
    /// Asks the phone; where no push is possible, sends a code by text in its place.
    ///
    /// # Errors
    /// [`Refusal::PushOpen`], [`Refusal::TooMany`], or that neither could be sent.
    pub async fn ask_again(&self, user: &UserRow, attempt: &Attempt) -> Result<PushAnswer, Failure> {
        match self.push(user, attempt).await {
            Ok(uuid) => Ok(push_is_out(uuid)),
            Err(Failure::Provider(reason)) => {
                match &reason {
                    ProviderError::NoPush => tracing::debug!("no push is possible, sending a code"),
                    other => tracing::warn!(error = %other, "the push failed, sending a code"),
                }
                self.code_instead(user, attempt).await
            }
            Err(other) => Err(other),
        }
    }

    /// The same at a login, where too many unanswered pushes must not keep the owner out: then a
    /// code is sent as well.
    ///
    /// # Errors
    /// [`Refusal::TooMany`], or that neither could be sent.
    pub async fn begin(&self, user: &UserRow, attempt: &Attempt) -> Result<PushAnswer, Failure> {
        match self.ask_again(user, attempt).await {
            Err(Failure::Refused(Refusal::TooMany { what: Counted::Pushes, .. })) => {
                self.code_instead(user, attempt).await
            }
            other => other,
        }
    }

    async fn code_instead(&self, user: &UserRow, attempt: &Attempt) -> Result<PushAnswer, Failure> {
        let sent = self.send(user, &attempt.session_id, Via::Sms).await?;
        Ok(PushAnswer { success: false, message: sent.message, approval_request: None, via: Some(sent.via) })
    }

    /// Puts a sign-in request on the phone and answers its reference; never a code in its place.
    ///
    /// # Errors
    /// [`Refusal::PushOpen`], [`Refusal::TooMany`], or what kept the provider from it.
    pub async fn push(&self, user: &UserRow, attempt: &Attempt) -> Result<String, Failure> {
        let now = self.clock.now();
        let asker = Asker {
            account: &user.email,
            username: user.username.as_deref().unwrap_or(&user.email),
            provider_user: &user.provider_user,
            browser: &attempt.browser,
            address: &attempt.address,
        };
        let question = match attempt.wording {
            Wording::ByNumber => Question::sign_in(asker, now, self.random.below_100()),
            Wording::ByUsername => Question::sign_in_by_username(asker),
        };
        let (id, before) = self.reserve_push(user, attempt, &question, now).await?;
        match self.hand_over(user, &question, LOGIN_LIFE, id.clone()).await {
            Ok(Reference(uuid)) => Ok(uuid),
            Err(failure) => {
                let session_id = attempt.session_id.clone();
                self.store
                    .write(move |db| {
                        approvals::failed(db, &id)?;
                        sessions::set_push(db, &session_id, before.as_deref()).map_err(Failure::from)
                    })
                    .await?;
                Err(failure)
            }
        }
    }

    /// Gives a reserved request to the provider, and sees to it that its answer is asked for.
    pub(super) async fn hand_over(
        &self,
        user: &UserRow,
        question: &Question,
        life: Duration,
        id: String,
    ) -> Result<Reference, Failure> {
        let pushed =
            self.for_user(user, async |enrolled| self.provider.push(enrolled, question, life).await).await?;
        let (reference, first_ask) = (pushed.0.clone(), self.clock.now().plus(FIRST_ASK));
        self.store
            .write(move |db| approvals::sent(db, &id, &reference, first_ask).map_err(Failure::from))
            .await?;
        self.pushed.notify_one();
        Ok(pushed)
    }

    /// A request that is not yet handed to the provider.
    pub(super) fn new_approval(
        &self,
        user: &UserRow,
        question: &Question,
        (purpose, life): (Purpose, Duration),
        now: Timestamp,
    ) -> NewApproval {
        NewApproval {
            id: self.random.id(),
            user_id: user.id.clone(),
            session_id: None,
            message: question.message.clone(),
            details: serde_json::to_string(&question.details).expect("texts are JSON"),
            status: ApprovalState::Asking,
            created_at: now,
            expires_at: now.plus(life),
            purpose,
            data_digest: None,
        }
    }

    /// Answers the id of the request, and of the one that was the session's newest before it.
    async fn reserve_push(
        &self,
        user: &UserRow,
        attempt: &Attempt,
        question: &Question,
        now: Timestamp,
    ) -> Result<(String, Option<String>), Failure> {
        let most = self.limits.pushes_per_hour;
        let session_id = attempt.session_id.clone();
        let approval = NewApproval {
            session_id: Some(session_id.clone()),
            ..self.new_approval(user, question, (Purpose::SignIn, LOGIN_LIFE), now)
        };
        self.store
            .write(move |db| {
                crate::store::lock(db, &approval.user_id)?;
                let before = sessions::push_id(db, &session_id)?;
                if let Some(newest) = &before
                    && approvals::is_open(db, newest, now)?
                {
                    return Err(Refusal::PushOpen.into());
                }
                limit(db, &approval.user_id, (most, Counted::Pushes), now)?;
                approvals::insert(db, &approval)?;
                sessions::set_push(db, &session_id, Some(&approval.id))?;
                Ok((approval.id, before))
            })
            .await
    }

    /// Takes a webhook whose signature was right.
    ///
    /// # Errors
    /// When the database could not.
    pub async fn take_callback(&self, callback: Callback) -> Result<Taken, Failure> {
        let (now, lifetimes) = (self.clock.now(), self.lifetimes);
        self.store
            .write(move |db| {
                if !users::is_enrolled(db, &callback.provider_user)? {
                    return Ok(Taken::NoSuchUser);
                }
                if nonces::take(db, &callback.digest, now)? {
                    let named = Some(callback.provider_user.as_str());
                    settle(
                        db,
                        &callback.reference,
                        named,
                        callback.verdict,
                        now,
                        now.plus(lifetimes.absolute),
                    )?;
                }
                Ok(Taken::Yes)
            })
            .await
    }

    /// Claims the pushes whose turn it is to be asked about: what another server has claimed is
    /// not among them.
    ///
    /// # Errors
    /// When the database could not.
    pub(super) async fn claim_due(&self) -> Result<Vec<Reference>, Failure> {
        const AT_ONCE: i64 = 100;
        let now = self.clock.now();
        let due = self.store.read(move |db| approvals::due(db, now, AT_ONCE).map_err(Failure::from)).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.store
            .write(move |db| {
                let mut claimed = Vec::with_capacity(due.len());
                for due in due {
                    if approvals::claim(db, &due, now)? {
                        claimed.push(Reference(due.reference));
                    }
                }
                Ok(claimed)
            })
            .await
    }

    /// Asks the provider how a push stands, on behalf of all who wait.
    ///
    /// # Errors
    /// When the database could not; a provider that fails is asked again in its turn.
    pub(super) async fn ask(&self, reference: Reference) -> Result<(), Failure> {
        match self.provider.ask(&reference).await {
            Ok(Some(verdict)) => {
                let (now, lifetimes) = (self.clock.now(), self.lifetimes);
                self.store
                    .write(move |db| {
                        settle(db, &reference.0, None, verdict, now, now.plus(lifetimes.absolute))
                    })
                    .await
            }
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "asking about a push failed");
                Ok(())
            }
        }
    }
}

/// Refuses one push more than may go unanswered in an hour, whatever it asks.
pub(super) fn limit(
    db: &mut Db,
    user_id: &str,
    (most, what): (u32, Counted),
    now: Timestamp,
) -> Result<(), Failure> {
    let (most, unanswered) = (most as usize, approvals::unanswered_since(db, user_id, now.minus(HOUR))?);
    if unanswered.len() >= most {
        let wait = unanswered[unanswered.len() - most].plus(HOUR).since(now);
        return Err(Refusal::TooMany { what, wait }.into());
    }
    Ok(())
}

/// Moves an open request, once. An approval signs in the session that had asked and no other; it
/// proves the phone and clears the count of wrong codes.
fn settle(
    db: &mut Db,
    reference: &str,
    provider_user: Option<&str>,
    verdict: Verdict,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let Some(settled) = approvals::settle(db, reference, provider_user, verdict, now)? else {
        return Ok(());
    };
    tracing::info!(user.id = %settled.user_id, ?verdict, "the phone has answered");
    if verdict == Verdict::Approved {
        users::phone_answered(db, &settled.user_id, Channel::Push, now)?;
        if let Some(session_id) = &settled.session_id {
            sessions::prove(db, session_id, now, expires_at)?;
        }
    }
    Ok(())
}

fn push_is_out(uuid: String) -> PushAnswer {
    PushAnswer {
        success: true,
        message: "Approve the request on your phone.".to_owned(),
        approval_request: Some(ApprovalRequestId { uuid }),
        via: None,
    }
}

/// What tells one webhook from another.
#[must_use]
pub fn callback_digest(nonce: &str, signature: &str) -> String {
    digest(&[nonce, signature])
}
