//! An account's e-mail: verifying it by a link, and changing it.

use std::sync::Arc;

use super::{Context, Result, ServiceError, outbox::Restored, sessions::UserSession};
use crate::{
    domain::{
        account::{key, read_email},
        client::Client,
        event::{Act, Event, Outcome},
        ids::Token,
        link::LinkKind,
        notice::Notice,
        refusal::Refusal,
    },
    store::{StoreError, attempts, credentials, links, users},
};

/// Verifies and changes e-mails.
#[derive(Debug, Clone)]
pub struct Emails {
    context: Arc<Context>,
}

impl Emails {
    /// Uses the context's database and mailer.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Sends a link to an e-mail that is to become the account's. Whether another account has it is told by the link
    /// alone, to whoever can read what is sent there.
    ///
    /// # Errors
    /// [`Refusal::EmailOff`], [`Refusal::StepUpRequired`], [`Refusal::InvalidFields`], [`Refusal::TooMany`].
    pub async fn change(&self, session: &UserSession, typed: &str, client: &Client) -> Result<()> {
        let context = Arc::clone(&self.context);
        if !context.sends_mail() {
            return Err(Refusal::EmailOff.into());
        }
        context.require_step_up(session)?;
        let email = read_email(typed)?;
        let (user, now) = (session.user.clone(), context.now());
        let budget = context.email_link_budget(&user.id, &key(&email));
        let sending = Arc::clone(&context);
        context
            .store
            .write(move |db| {
                attempts::count_all(db, budget, now)??;
                sending.queue_verification(db, &user, &email, now)
            })
            .await?;
        let event = Event::new(Act::EmailLinkSent, Outcome::Success).user(&session.user.id);
        context.record(event.client(client));
        Ok(())
    }

    /// Verifies an e-mail by the token of its link, which belongs to this account alone; answers the e-mail. An account
    /// that has it and has verified neither it nor its phone loses it.
    ///
    /// # Errors
    /// [`Refusal::LinkExpired`], also for another account's link; [`Refusal::Taken`].
    pub async fn confirm(&self, session: &UserSession, token: &str, client: &Client) -> Result<String> {
        let (context, now) = (Arc::clone(&self.context), self.context.now());
        let (digest, user_id) = (Token::sent(token.trim()).hash(), session.user.id.clone());
        let (confirming, from) = (Arc::clone(&context), client.clone());
        let confirmed = context.store.write(move |db| {
            crate::store::lock(db, user_id.as_str())?;
            let expired = || ServiceError::from(Refusal::LinkExpired);
            let user = users::by_id(db, &user_id)?.ok_or_else(expired)?;
            let link = links::find(db, &digest, LinkKind::VerifyEmail, now)?;
            let is_own = |link: &links::LinkRow| {
                link.user_id == user.id && link.password_version == user.password_version
            };
            let email = link.filter(is_own).and_then(|link| link.email).ok_or_else(expired)?;
            let email_key = key(&email);
            crate::store::lock(db, &email_key)?;
            if let Some(holder) = credentials::by_email(db, &email_key)?.filter(|holder| holder.id != user.id)
            {
                if holder.is_email_verified() || holder.is_phone_verified() {
                    return Err(Refusal::Taken("email").into());
                }
                credentials::take_email(db, &holder.id)?;
            }
            if !links::use_one(db, &digest, now)? {
                return Err(expired());
            }
            credentials::set_email(db, &user.id, &email, &email_key, Some(now))?;
            let is_change = email_key != key(&user.email);
            if is_change {
                // What was sent to the e-mail before is void.
                links::end_all(db, &user.id, LinkKind::ResetPassword)?;
                let origin = Event::new(Act::EmailChanged, Outcome::Success).client(&from).origin;
                let brings = Restored { email: Some(user.email.clone()), phone: None };
                confirming.notify_with(db, &user, Notice::EmailChanged, origin, brings, now)?;
            }
            links::end_all(db, &user.id, LinkKind::VerifyEmail)?;
            Ok((email, is_change))
        });
        let (email, is_change) = match confirmed.await {
            // Another account was faster.
            Err(ServiceError::Store(error)) if StoreError::is_duplicate(&error) => {
                return Err(Refusal::Taken("email").into());
            }
            other => other?,
        };
        let act = if is_change { Act::EmailChanged } else { Act::EmailVerified };
        context.record(Event::new(act, Outcome::Success).user(&session.user.id).client(client));
        Ok(email)
    }
}
