//! Changing a password, and setting a new one where it is forgotten.

use std::sync::Arc;

use shared::{ChangePassword, ResetPassword};

use super::{
    Context, Result, ServiceError, accounts::Accounts, finish, password_work::Asker, sessions::UserSession,
};
use crate::{
    domain::{
        account::key,
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        ids::{Token, TokenHash},
        link::LinkKind,
        notice::Notice,
        password::{is_too_weak, obvious_problem},
        refusal::Refusal,
        secret::Secret,
        text::nfc,
    },
    store::{
        Db, attempts, credentials, links, own_sessions, remembered_devices, sessions,
        users::{self, UserRow},
    },
};

/// A password's field, with what is wrong with it.
fn invalid(problem: &str) -> ServiceError {
    Refusal::InvalidFields([("password", problem.to_owned())].into()).into()
}

/// The owner's own words, which make a password easier to guess.
fn about(user: &UserRow) -> Vec<String> {
    vec![user.full_name.clone(), user.email.clone(), user.username.clone().unwrap_or_default()]
}

fn require_fit(password: &str, user: &UserRow) -> Result<()> {
    let about = about(user);
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    obvious_problem(password, &about).map_or(Ok(()), |problem| Err(invalid(problem)))
}

impl Accounts {
    /// Changes the password of a signed-in session's user. All other sessions end, and nothing that depends on the
    /// old password works any more. Answers the session with its user as it is now.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`], [`Refusal::WrongPassword`], [`Refusal::InvalidFields`], [`Refusal::TooMany`],
    /// [`Refusal::Busy`].
    pub async fn change_password(
        &self,
        session: &UserSession,
        change: ChangePassword,
        client: &Client,
    ) -> Result<UserSession> {
        self.context.require_step_up(session)?;
        require_fit(&change.password, &session.user)?;
        if change.password == change.current_password {
            return Err(invalid("Use a password that's different from the current one."));
        }
        let user = self.check_own_password(session, change.current_password, client).await?;
        let hash = self.hash_new(&user, change.password, Asker::KnownDevice, client).await?;
        let (context, now) = (Arc::clone(&self.context), self.context.now());
        let (changing, from, kept) = (user.clone(), client.clone(), session.session.id.clone());
        let store = context.store.clone();
        let changed = store.write(move |db| {
            crate::store::lock(db, changing.id.as_str())?;
            if !credentials::set_password(db, &changing, &hash, now)? {
                return Err(Refusal::WrongPassword.into());
            }
            own_sessions::delete_others(db, &changing.id, &kept)?;
            context.password_changed(db, &changing, &from, now)
        });
        let user = changed.await?;
        let event = Event::new(Act::PasswordChanged, Outcome::Success).user(&user.id);
        self.context.record(event.client(client));
        Ok(UserSession { user, ..session.clone() })
    }

    /// Whether a password is that of the session's user. It counts like one at a sign-in.
    ///
    /// # Errors
    /// [`Refusal::WrongPassword`], [`Refusal::TooMany`], [`Refusal::Busy`].
    pub(super) async fn check_own_password(
        &self,
        session: &UserSession,
        password: String,
        client: &Client,
    ) -> Result<UserRow> {
        let checked = self.check_password_of(Some(session.user.clone()), String::new(), password, client);
        checked.await.map_err(|error| match error {
            ServiceError::Refused(Refusal::WrongCredentials) => Refusal::WrongPassword.into(),
            other => other,
        })
    }

    async fn hash_new(
        &self,
        user: &UserRow,
        password: String,
        asker: Asker,
        client: &Client,
    ) -> Result<String> {
        let turn = self.passwords.enter(asker, client)?.turn().await;
        let (about, password) = (about(user), Secret::new(password));
        let hash = turn.work(move |hasher| {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            (!is_too_weak(&password, &about)).then(|| hasher.hash(password.reveal()))
        });
        hash.await
            .ok_or_else(|| invalid("This password is easy to guess. Try three or four unrelated words."))
    }

    /// Sends a link to set a new password, if the e-mail is a verified one of an account. The answer and its time are
    /// the same for any: what is found out about the account is found out afterwards.
    ///
    /// # Errors
    /// [`Refusal::EmailOff`]; [`Refusal::TooMany`] for the address that asks.
    pub async fn forgot_password(&self, email: &str, client: &Client) -> Result<()> {
        let context = Arc::clone(&self.context);
        if !context.sends_mail() {
            return Err(Refusal::EmailOff.into());
        }
        let (budget, now) = (context.reset_budget(client), context.now());
        context
            .store
            .write(move |db| attempts::count_all(db, budget, now)?.map_err(ServiceError::from))
            .await?;
        let (email_key, client) = (key(&nfc(email.trim())), client.clone());
        let sending = async move {
            if let Err(error) = context.send_reset(email_key, &client, now).await {
                tracing::warn!(%error, "sending a link for a forgotten password");
            }
        };
        tokio::spawn(tracing::Instrument::in_current_span(sending));
        Ok(())
    }

    /// Sets a new password by a link from an e-mail. All sessions end; the second factor is asked for as before.
    ///
    /// # Errors
    /// [`Refusal::LinkExpired`], also after any other change of the password; [`Refusal::InvalidFields`], after which
    /// the link still works; [`Refusal::Busy`].
    pub async fn reset_password(&self, reset: ResetPassword, client: &Client) -> Result<()> {
        let (context, digest) = (Arc::clone(&self.context), Token::sent(reset.token.trim()).hash());
        let (looked_for, now) = (digest.clone(), context.now());
        let found = context.store.read(move |db| find_reset(db, &looked_for, now)).await?;
        let user = found.ok_or(ServiceError::from(Refusal::LinkExpired))?;
        require_fit(&reset.password, &user)?;
        let hash = self.hash_new(&user, reset.password, Asker::Stranger, client).await?;
        let (accounts, from) = (self.clone(), client.clone());
        finish(async move {
            let (context, now) = (Arc::clone(&accounts.context), accounts.context.now());
            let resetting = Arc::clone(&context);
            let told = from.clone();
            let user = context
                .store
                .write(move |db| {
                    // As it stands now: the password may have been changed since.
                    let user =
                        find_reset(db, &digest, now)?.ok_or(ServiceError::from(Refusal::LinkExpired))?;
                    crate::store::lock(db, user.id.as_str())?;
                    let is_used = links::use_one(db, &digest, now)?;
                    if !is_used || !credentials::set_password(db, &user, &hash, now)? {
                        return Err(Refusal::LinkExpired.into());
                    }
                    sessions::delete_of_user(db, &user.id)?;
                    resetting.password_changed(db, &user, &told, now)
                })
                .await?;
            context.record(Event::new(Act::PasswordReset, Outcome::Success).user(&user.id).client(&from));
            Ok(())
        })
        .await
    }
}

/// The account a link for a forgotten password is about, if it still works.
fn find_reset(db: &mut Db, digest: &TokenHash, now: Timestamp) -> Result<Option<UserRow>> {
    let Some(link) = links::find(db, digest, LinkKind::ResetPassword, now)? else { return Ok(None) };
    let user = users::by_id(db, &link.user_id)?;
    Ok(user.filter(|user| user.password_version == link.password_version && user.disabled_at.is_none()))
}

impl Context {
    /// What a new password voids, and who is told. Answers the user as it is now.
    fn password_changed(
        &self,
        db: &mut Db,
        before: &UserRow,
        client: &Client,
        now: Timestamp,
    ) -> Result<UserRow> {
        remembered_devices::delete_all(db, &before.id)?;
        links::end_all(db, &before.id, LinkKind::ResetPassword)?;
        links::end_all(db, &before.id, LinkKind::VerifyEmail)?;
        let user = users::by_id(db, &before.id)?.ok_or(ServiceError::from(Refusal::NoSession))?;
        let origin = Event::new(Act::PasswordChanged, Outcome::Success).client(client).origin;
        self.notify(db, &user, Notice::PasswordChanged, origin, now)?;
        Ok(user)
    }

    async fn send_reset(self: &Arc<Self>, email_key: String, client: &Client, now: Timestamp) -> Result<()> {
        let sending = Arc::clone(self);
        let sent = self.store.write(move |db| {
            let user = credentials::by_email(db, &email_key)?;
            let Some(user) = user.filter(|user| user.is_email_verified() && user.disabled_at.is_none())
            else {
                return Ok(None);
            };
            // Links that were sent before still work: whoever uses this up has filled the owner's mailbox with them.
            if attempts::count_all(db, sending.account_reset_budget(&user.id), now)?.is_err() {
                return Ok(None);
            }
            sending.queue_reset(db, &user, now)?;
            Ok::<_, ServiceError>(Some(user.id))
        });
        if let Some(user) = sent.await? {
            let event = Event::new(Act::PasswordResetAsked, Outcome::Success).user(&user);
            self.record(event.client(client));
        }
        Ok(())
    }
}
