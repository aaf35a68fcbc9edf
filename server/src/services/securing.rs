//! "This wasn't me": ending everything that may be a thief's, and asking for a new password.

use std::sync::Arc;

use super::{Context, Result, ServiceError, sessions::UserSession};
use crate::{
    domain::{
        account::key,
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        ids::{ApprovalId, Token, UserId},
        limits::DAY,
        link::LinkKind,
        password::UNUSABLE_PASSWORD,
        phone::Phone,
        refusal::Refusal,
    },
    store::{
        Db, approval_numbers, credentials, enrolments, links, phone_changes, remembered_devices, sessions,
        users,
    },
};

pub use crate::store::approval_numbers::Denied;

/// Secures accounts, and asks owners about denied sign-ins.
#[derive(Debug, Clone)]
pub struct Securing {
    context: Arc<Context>,
}

impl Securing {
    /// Uses the context's database and mailer.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Secures the account that a link from an e-mail is about: all sessions end, browsers are forgotten, and the
    /// e-mail and the phone of before come back. Answers whether a link to set a new password was sent.
    ///
    /// # Errors
    /// [`Refusal::LinkExpired`].
    pub async fn by_link(&self, token: &str, client: &Client) -> Result<bool> {
        let (context, now) = (Arc::clone(&self.context), self.context.now());
        let digest = Token::sent(token.trim()).hash();
        let securing = Arc::clone(&context);
        let secured = context.store.write(move |db| {
            let expired = || ServiceError::from(Refusal::LinkExpired);
            let link = links::find(db, &digest, LinkKind::Secure, now)?.ok_or_else(expired)?;
            crate::store::lock(db, link.user_id.as_str())?;
            if !links::use_one(db, &digest, now)? {
                return Err(expired());
            }
            securing.restore(db, &link.user_id, now)?;
            let is_mailed = securing.secure(db, &link.user_id, now)?;
            links::end_all(db, &link.user_id, LinkKind::Secure)?;
            Ok((link.user_id, is_mailed))
        });
        let (user, is_mailed) = secured.await?;
        context.record(Event::new(Act::AccountSecured, Outcome::Success).user(&user).client(client));
        Ok(is_mailed)
    }

    /// The same for the user of a signed-in session, which ends as well.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn own(&self, session: &UserSession, client: &Client) -> Result<bool> {
        let (context, now, user) = (Arc::clone(&self.context), self.context.now(), session.user.id.clone());
        let (securing, id) = (Arc::clone(&context), user.clone());
        let is_mailed = context.store.write(move |db| securing.secure(db, &id, now)).await?;
        context.record(Event::new(Act::AccountSecured, Outcome::Success).user(&user).client(client));
        Ok(is_mailed)
    }

    /// The newest sign-in that was denied within a day and about which the owner was not asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn denied_sign_in(&self, session: &UserSession) -> Result<Option<Denied>> {
        let (user, since) = (session.user.id.clone(), self.context.now().minus(DAY));
        let found = self
            .context
            .store
            .read(move |db| Ok::<_, ServiceError>(approval_numbers::denied_sign_in(db, &user, since)?));
        found.await
    }

    /// Notes that the owner was asked about a denied sign-in.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn answer_denial(&self, session: &UserSession, id: &str) -> Result<()> {
        let id = ApprovalId::sent(id).ok_or(ServiceError::from(Refusal::NotFound))?;
        let (user, now) = (session.user.id.clone(), self.context.now());
        let answered = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(approval_numbers::owner_answered(db, &user, &id, now)?));
        if answered.await? { Ok(()) } else { Err(Refusal::NotFound.into()) }
    }
}

impl Context {
    /// Ends everything that may be a thief's. Where a link can be sent, the old password is void. The links of notices
    /// stay: in a session it may be the thief who asks, to be rid of those that bring the e-mail and the phone back.
    pub(super) fn secure(&self, db: &mut Db, id: &UserId, now: Timestamp) -> Result<bool> {
        crate::store::lock(db, id.as_str())?;
        sessions::delete_of_user(db, id)?;
        remembered_devices::delete_all(db, id)?;
        phone_changes::delete(db, id)?;
        for kind in [LinkKind::VerifyEmail, LinkKind::ResetPassword] {
            links::end_all(db, id, kind)?;
        }
        let user = users::by_id(db, id)?.ok_or(ServiceError::from(Refusal::LinkExpired))?;
        let can_mail = self.sends_mail() && user.is_email_verified() && user.disabled_at.is_none();
        credentials::next_password_version(db, id, can_mail.then_some(UNUSABLE_PASSWORD))?;
        if can_mail {
            let user = users::by_id(db, id)?.ok_or(ServiceError::from(Refusal::LinkExpired))?;
            self.queue_reset(db, &user, now)?;
        }
        Ok(can_mail)
    }

    /// Brings the e-mail and the phone back that were the account's before all changes of the last days: of several
    /// changes the first one counts, for a thief may change them twice.
    fn restore(&self, db: &mut Db, id: &UserId, now: Timestamp) -> Result<()> {
        let user = users::by_id(db, id)?.ok_or(ServiceError::from(Refusal::LinkExpired))?;
        let (email, phone) = links::first_restorable(db, id, now)?;
        if let Some(email) = email {
            let email_key = key(&email);
            let is_taken = credentials::by_email(db, &email_key)?.is_some_and(|holder| holder.id != *id);
            if !is_taken {
                credentials::set_email(db, id, &email, &email_key, Some(now))?;
            }
        }
        let phone = phone.as_deref().and_then(shared::phone::PhoneNumber::from_e164).map(Phone::new);
        if let Some(phone) = phone.filter(|phone| *phone != user.phone) {
            credentials::set_phone(db, id, &phone, now)?;
            // It is enrolled again before it is used.
            enrolments::end(db, id, now)?;
        }
        Ok(())
    }
}
