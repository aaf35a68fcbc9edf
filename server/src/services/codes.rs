//! Sending codes.

use std::{sync::Arc, time::Duration};

use shared::{CodeSent, Via};

use super::{Context, Result, ServiceError, claims::CodeFor, finish, sessions::UserSession};
use crate::{
    domain::{
        client::Client,
        event::{Act, Event, Outcome},
        ids::{AttemptId, SendId},
        refusal::{Counted, Refusal},
    },
    provider::{CodePurpose, Provider, ProviderError, Reference},
    store::{
        attempts,
        codes::{self, Owner, Sent},
        users::UserRow,
    },
};

/// How long a code can be used at the provider (NIST SP 800-63B-4 §5.1.3.2).
pub const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// Sends and checks codes.
#[derive(Debug, Clone)]
pub struct Codes {
    pub(super) context: Arc<Context>,
}

/// Whose code a user's is, and for what, where the provider knows codes by service and number alone.
pub(super) fn code_for(user: &UserRow, via: Via) -> CodeFor<'_> {
    let purpose = if user.is_phone_verified() { CodePurpose::SignIn } else { CodePurpose::Enrolment };
    let to = if via == Via::Email { user.email.as_str() } else { user.phone.e164() };
    CodeFor { owner: user.id.as_str(), purpose, to }
}

impl Context {
    /// How codes may be sent to a user: as far as it is allowed, their provider can do it, and, for the first code of a
    /// phone, shows that they have it.
    pub(super) fn channels_for(&self, provider: &Provider, is_phone_verified: bool) -> Vec<Via> {
        let can_work = |via: &Via| provider.sends_by(*via) && (is_phone_verified || *via != Via::Email);
        let allowed: Vec<Via> = self.settings.channels.all().iter().copied().filter(can_work).collect();
        // Whoever is still at the other provider is not locked out by what is allowed for this one.
        if allowed.is_empty() { vec![Via::Sms] } else { allowed }
    }

    /// The way to send a code that was asked for, or else the first one.
    async fn channel(&self, user: &UserRow, wish: Option<Via>) -> Result<Via> {
        let enrolled = self.known_enrolment(user).await?;
        let provider =
            enrolled.as_ref().map_or_else(|| self.providers.current(), |enrolled| &enrolled.provider);
        chosen(&self.channels_for(provider, user.is_phone_verified()), wish)
    }

    /// The same for a number nobody is enrolled with.
    pub(super) fn number_channel(&self, wish: Option<Via>) -> Result<Via> {
        chosen(&self.channels_for(self.providers.current(), false), wish)
    }
}

fn chosen(channels: &[Via], wish: Option<Via>) -> Result<Via> {
    match wish {
        None => Ok(channels.first().copied().unwrap_or_default()),
        Some(via) if channels.contains(&via) => Ok(via),
        Some(_) => {
            let names: Vec<&str> = channels.iter().map(|via| via.as_str()).collect();
            Err(Refusal::InvalidFields([("via", format!("Choose {}.", names.join(" or ")))].into()).into())
        }
    }
}

/// An e-mail as somebody may see it who has not signed in yet.
fn masked_email(email: &str) -> String {
    let (name, host) = email.rsplit_once('@').unwrap_or(("", email));
    let first: String = name.chars().take(1).collect();
    format!("{first}•••@{host}")
}

impl Codes {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Sends a code, also to people who have the app: in the first allowed way where none is chosen. Where a text
    /// cannot reach the phone it is called instead.
    ///
    /// # Errors
    /// [`Refusal::InvalidFields`] for a way that is not allowed, [`Refusal::TooMany`], or the provider's failure; it is not counted, unless the code may have
    /// gone out all the same.
    pub async fn send(&self, session: &UserSession, via: Option<Via>, client: &Client) -> Result<CodeSent> {
        let via = self.context.channel(&session.user, via).await?;
        let (codes, session, client) = (self.clone(), session.clone(), client.clone());
        finish(async move { codes.send_to_end(&session, via, &client).await }).await
    }

    async fn send_to_end(&self, session: &UserSession, via: Via, client: &Client) -> Result<CodeSent> {
        let (user, id) = (&session.user, SendId::new(self.context.random));
        let event = |outcome, via: Via| {
            let event = Event::new(Act::CodeSent, outcome).user(&user.id).method(via.into());
            self.context.record(event.client(client));
        };
        if self.context.settings.numbers.problem(user.phone.number()).is_some() {
            // Accounts from before a country was taken off the list.
            event(Outcome::Refused, via);
            return Err(ProviderError::ChannelRefused.into());
        }
        let counted = match self.reserve_send(session, &id, via, client).await {
            Ok(counted) => counted,
            Err(failure) => {
                if matches!(failure, ServiceError::Refused(_)) {
                    event(Outcome::Refused, via);
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
                event(Outcome::Success, sent_via);
                Ok(self.told(user, via, sent_via))
            }
            Err(failure) => {
                // A code that may have gone out stays counted.
                if !failure.may_have_been_done() {
                    self.context
                        .store
                        .write(move |db| {
                            codes::cancel_send(db, &id)?;
                            Ok::<_, ServiceError>(attempts::take_back(db, &counted)?)
                        })
                        .await?;
                }
                event(Outcome::Failed, via);
                Err(failure.into_cause())
            }
        }
    }

    fn told(&self, user: &UserRow, asked: Via, sent: Via) -> CodeSent {
        let phone = user.phone.masked();
        let message = match sent {
            Via::Sms => format!("A code was texted to {phone}."),
            Via::Call if asked == Via::Call => format!("A call with a code goes to {phone}."),
            Via::Call => format!("A text cannot reach {phone}. A call with a code goes there."),
            Via::WhatsApp => format!("A code was sent by WhatsApp to {phone}."),
            Via::Email => format!("A code was sent to {}.", masked_email(&user.email)),
        };
        let interval = self.context.limits().resend_after;
        let resend_after_seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
        CodeSent { message, via: sent, phone, resend_after_seconds }
    }

    /// Where the provider refuses texts, the phone is called: nobody is left without a method.
    async fn send_or_call(&self, session: &UserSession, via: Via) -> Result<Sent> {
        match self.send_by(session, via).await {
            Err(ServiceError::Provider(error))
                if via == Via::Sms
                    && self.context.settings.channels.allows(Via::Call)
                    && matches!(error.cause(), ProviderError::ChannelRefused | ProviderError::BadPhone) =>
            {
                self.send_by(session, Via::Call).await
            }
            other => other,
        }
    }

    async fn send_by(&self, session: &UserSession, via: Via) -> Result<Sent> {
        let (context, code) = (&self.context, code_for(&session.user, via));
        let mut enrolled = context.enrolled(&session.user).await?;
        let mut is_again = false;
        loop {
            if let Some(service) = enrolled.provider.claimed_service(code.purpose) {
                let sent = context.send_claimed(&enrolled.provider, service, code, via).await?;
                let reference = format!("{service}/{}", sent.verification);
                return Ok(Sent { account: enrolled.at.account, reference, via });
            }
            let action = self.action(session);
            match enrolled.provider.send_code(enrolled.user(), via, &action).await {
                // Enrolled again, perhaps at another provider, which sends codes in another way.
                Err(ProviderError::UnknownUser) if !is_again => {
                    enrolled = context.enrol_again(&session.user, Some(&enrolled.at)).await?;
                    is_again = true;
                }
                sent => {
                    let Reference(reference) = sent?;
                    return Ok(Sent { account: enrolled.at.account, reference, via });
                }
            }
        }
    }

    /// Binds a code to this account and session: the provider accepts it with the same action alone,
    /// whoever else is enrolled with the same phone.
    pub(super) fn action(&self, session: &UserSession) -> String {
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
}
