//! Sending codes.

use std::{sync::Arc, time::Duration};

use shared::{CodeSent, Via};

use super::{
    Context, Result, ServiceError, claims::CodeFor, enrolments::call_for_user, finish, sessions::UserSession,
};
use crate::{
    domain::{
        client::Client,
        event::{Act, Event, Outcome},
        ids::{AttemptId, SendId},
        refusal::{Counted, Refusal},
    },
    provider::{CodePurpose, ProviderError, Reference},
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
    /// Refuses a way to send codes that is not allowed.
    pub(super) fn require_channel(&self, via: Via) -> Result<()> {
        let channels = &self.settings.channels;
        if channels.allows(via) {
            return Ok(());
        }
        let names: Vec<&str> = channels.all().iter().map(|via| via.as_str()).collect();
        Err(Refusal::InvalidFields([("via", format!("Choose {}.", names.join(" or ")))].into()).into())
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
        let via = via.unwrap_or_else(|| self.context.settings.channels.first());
        self.context.require_channel(via)?;
        let (codes, session, client) = (self.clone(), session.clone(), client.clone());
        finish(async move { codes.send_to_end(&session, via, &client).await }).await
    }

    async fn send_to_end(&self, session: &UserSession, via: Via, client: &Client) -> Result<CodeSent> {
        let (user, id) = (&session.user, SendId::new(self.context.random));
        let event = |outcome, via: Via| {
            let event = Event::new(Act::CodeSent, outcome).user(&user.id).method(via.into());
            event.address(client.address).record();
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
        let enrolled = context.enrolled(&session.user).await?;
        if let Some(service) = enrolled.provider.claimed_service(code.purpose) {
            let sent = context.send_claimed(&enrolled.provider, service, code, via).await?;
            let reference = format!("{service}/{}", sent.verification);
            return Ok(Sent { account: enrolled.at.account, reference, via });
        }
        let action = self.action(session);
        let (enrolled, Reference(reference)) = call_for_user!(context, &session.user, |enrolled| enrolled
            .provider
            .send_code(enrolled.user(), via, &action))?;
        Ok(Sent { account: enrolled.at.account, reference, via })
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
