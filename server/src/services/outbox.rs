//! E-mail: storing it with what it tells of, and sending it.
//!
//! An e-mail is stored in the transaction whose change it tells of, encrypted, and removed when it was sent. A server
//! that can't be reached is tried again for a day.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{Context, Result, ServiceError};
use crate::{
    domain::{
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Origin, Outcome},
        ids::{AttemptId, MailId, Token, UserId},
        limits::{AttemptKind, DAY},
        link::LinkKind,
        mail::{Letter, Mail},
        notice::Notice,
        refusal::Counted,
    },
    provider::{MailError, Mailer},
    store::{
        Db,
        attempts::{self, Count},
        half_sign_ins::{self, HalfSignIn},
        links::{self, LinkRow},
        mails::{self, MailRow},
        remembered_devices,
        sessions::NewSession,
        users::{self, UserRow},
    },
};

/// Between two looks for e-mail that another server has stored.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Somebody who knows the password has so long for the second factor before the owner is told.
const HALF_SIGN_IN_AFTER: Duration = Duration::from_secs(180);
/// E-mails sent at once.
const AT_ONCE: i64 = 20;

/// What a "this wasn't me" link brings back.
#[derive(Debug, Clone, Default)]
pub(super) struct Restored {
    /// The e-mail before its change.
    pub(super) email: Option<String>,
    /// The phone before its change, in E.164.
    pub(super) phone: Option<String>,
}

impl Context {
    /// Whether this server sends e-mail.
    pub(super) fn sends_mail(&self) -> bool {
        self.mailer.is_some()
    }

    /// Makes a link about an account; answers its address. The token stands in the fragment, which no server is sent.
    pub(super) fn make_link(
        &self,
        db: &mut Db,
        user: &UserRow,
        kind: LinkKind,
        brings: Restored,
        now: Timestamp,
    ) -> Result<String> {
        let token = Token::new(self.random);
        let link = LinkRow {
            digest: token.hash(),
            kind,
            user_id: user.id.clone(),
            email: brings.email,
            phone: brings.phone,
            password_version: user.password_version,
            created_at: now,
            expires_at: now.plus(kind.lifetime()),
            used_at: None,
        };
        links::insert(db, &link)?;
        Ok(format!("{}{}#{}", self.settings.base_url, kind.page(), token.reveal()))
    }

    /// Stores an e-mail, to be sent when the transaction is committed.
    pub(super) fn queue_mail(&self, db: &mut Db, mail: &Mail, now: Timestamp) -> Result<()> {
        let id = MailId::new(self.random);
        let content = serde_json::to_vec(mail).expect("texts are JSON");
        let sealed = self.keys.seal(&place(&id), &content, self.random);
        Ok(mails::insert(db, &id, &sealed, now)?)
    }

    /// Tells the owner of an account, at its verified e-mail, what has happened. An e-mail that was never verified may
    /// be somebody else's, who is told nothing.
    pub(super) fn notify(
        &self,
        db: &mut Db,
        user: &UserRow,
        notice: Notice,
        origin: Option<Origin<'_>>,
        now: Timestamp,
    ) -> Result<()> {
        self.notify_with(db, user, notice, origin, Restored::default(), now)
    }

    /// The same with a link that brings the e-mail or the phone back. It goes to the account's e-mail as `user` has it.
    pub(super) fn notify_with(
        &self,
        db: &mut Db,
        user: &UserRow,
        notice: Notice,
        origin: Option<Origin<'_>>,
        brings: Restored,
        now: Timestamp,
    ) -> Result<()> {
        if !self.sends_mail() || !user.is_email_verified() {
            return Ok(());
        }
        if notice.is_caused_by_strangers() {
            let count = Count {
                id: AttemptId::new(self.random),
                kind: AttemptKind::Notice,
                subject: self.keys.subject(&["notice", user.id.as_str()]),
                quota: self.limits().notices,
                what: Counted::Mails,
            };
            if attempts::count_all(db, vec![count], now)?.is_err() {
                tracing::debug!(user.id = %user.id, "too many notices: this one is not sent");
                return Ok(());
            }
        }
        let mut letter = notice.letter(&self.settings.app_name, &user.full_name);
        letter.facts = vec![("Time", now.to_words())];
        if let Some(origin) = origin {
            letter.facts.push(("Device", origin.browser.to_owned()));
            letter.facts.push(("IP address", origin.address.to_string()));
        }
        if notice != Notice::AccountDeleted {
            let url = self.make_link(db, user, LinkKind::Secure, brings, now)?;
            letter.before_button = Some(
                "If this wasn’t you, secure your account. This ends all sessions and asks you for a new password.",
            );
            letter.button = Some(("This wasn’t me", url));
        }
        self.queue_mail(db, &letter.to(&user.email), now)
    }

    /// A factor was added or removed: browsers are not remembered any more, and the owner is told.
    pub(super) fn factor_changed(
        &self,
        db: &mut Db,
        user: &UserId,
        notice: Notice,
        origin: Option<Origin<'_>>,
        now: Timestamp,
    ) -> Result<()> {
        remembered_devices::delete_all(db, user)?;
        match users::by_id(db, user)? {
            Some(user) => self.notify(db, &user, notice, origin, now),
            None => Ok(()),
        }
    }

    /// Sends a link that verifies an e-mail, which need not be the account's yet.
    pub(super) fn queue_verification(
        &self,
        db: &mut Db,
        user: &UserRow,
        email: &str,
        now: Timestamp,
    ) -> Result<()> {
        let brings = Restored { email: Some(email.to_owned()), phone: None };
        let url = self.make_link(db, user, LinkKind::VerifyEmail, brings, now)?;
        let app = &self.settings.app_name;
        let letter = Letter {
            app_name: app,
            subject: "Verify your new email".to_owned(),
            paragraphs: vec![format!(
                "Open this link to use this email for your {app} account. It works once, for 30 minutes."
            )],
            button: Some(("Verify email", url)),
            after_button: Some("If you didn’t ask for this, ignore this email. Nothing changes."),
            footer: footer(app),
            ..Letter::default()
        };
        self.queue_mail(db, &letter.to(email), now)
    }

    /// Sends a link that sets a new password.
    pub(super) fn queue_reset(&self, db: &mut Db, user: &UserRow, now: Timestamp) -> Result<()> {
        let url = self.make_link(db, user, LinkKind::ResetPassword, Restored::default(), now)?;
        let app = &self.settings.app_name;
        let letter = Letter {
            app_name: app,
            name: &user.full_name,
            subject: format!("Reset your {app} password"),
            paragraphs: vec![
                "Open this link to set a new password. It works once, for 30 minutes. You’ll still need the second \
                 step to sign in."
                    .to_owned(),
            ],
            button: Some(("Reset password", url)),
            after_button: Some(
                "If you didn’t ask for this, ignore this email. Your password stays the same.",
            ),
            footer: footer(app),
            ..Letter::default()
        };
        self.queue_mail(db, &letter.to(&user.email), now)
    }
}

impl Context {
    /// What is noted with the session of a right password, so that its owner is told where no factor follows. Known devices
    /// are the owner's.
    pub(super) fn half_sign_in(
        &self,
        user: &UserRow,
        client: &Client,
    ) -> Option<impl FnOnce(&NewSession) -> HalfSignIn + Send + 'static> {
        let is_known = client.known_device(&user.id, user.password_version).is_some();
        if is_known || !self.sends_mail() || !user.is_email_verified() {
            return None;
        }
        let (user_id, due_at) = (user.id.clone(), self.now().plus(HALF_SIGN_IN_AFTER));
        Some(move |session: &NewSession| HalfSignIn {
            session_id: session.id.clone(),
            user_id,
            due_at,
            browser: session.browser.clone(),
            address: session.address.clone(),
        })
    }
}

fn footer(app_name: &str) -> String {
    format!("This email is about the security of your {app_name} account.")
}

/// Where an e-mail's content belongs: it opens in no other row.
fn place(id: &MailId) -> String {
    format!("mails.content {id}")
}

/// Sends e-mail as it comes, and tells owners of sign-ins that stopped halfway.
pub(super) async fn run(context: Arc<Context>) {
    let Some(mailer) = context.mailer.clone() else { return std::future::pending().await };
    let mut moves = context.clock.moves();
    loop {
        let pause = match look(&context, &mailer).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "sending e-mail");
                LOOK_INTERVAL
            }
        };
        tokio::select! {
            () = sleep_until(Instant::now() + pause) => {}
            () = context.mail_queued.notified() => {}
            _ = moves.changed() => {}
        }
    }
}

/// Does what is due; answers how long to wait until something else is.
async fn look(context: &Arc<Context>, mailer: &Mailer) -> Result<Duration> {
    tell_of_half_sign_ins(context).await?;
    let now = context.now();
    let due = context.store.read(move |db| Ok::<_, ServiceError>(mails::due(db, now, AT_ONCE)?)).await?;
    if !due.is_empty() {
        for mail in due {
            send(context, mailer, mail).await?;
        }
        return Ok(Duration::ZERO);
    }
    let next = context.store.read(|db| {
        let times = [mails::next_due(db)?, half_sign_ins::next_due(db)?];
        Ok::<_, ServiceError>(times.into_iter().flatten().min())
    });
    let next = next.await?;
    Ok(next.map_or(LOOK_INTERVAL, |next| {
        next.since(context.now()).clamp(Duration::from_millis(50), LOOK_INTERVAL)
    }))
}

async fn send(context: &Context, mailer: &Mailer, row: MailRow) -> Result<()> {
    let now = context.now();
    let claimed = row.clone();
    // Twice as long after each try, up to an hour.
    let pause = Duration::from_secs(60) * 2_u32.pow(row.attempts.clamp(0, 6).unsigned_abs());
    let again_at = now.plus(pause.min(Duration::from_secs(3600)));
    let is_claimed =
        context.store.write(move |db| Ok::<_, ServiceError>(mails::claim(db, &claimed, again_at)?)).await?;
    if !is_claimed {
        return Ok(());
    }
    let opened = context.keys.open(&place(&row.id), &row.content).ok();
    let mail: Option<Mail> = opened.and_then(|content| serde_json::from_slice(&content).ok());
    let is_over = match mail {
        None => {
            tracing::error!("an e-mail can't be read, most likely because APP_SECRET was replaced");
            true
        }
        Some(mail) => match mailer.send(mail).await {
            Ok(()) => true,
            Err(error @ MailError::Refused(_)) => {
                tracing::warn!(%error, "an e-mail was given up");
                true
            }
            Err(error) => {
                let is_over = now.since(row.created_at) >= DAY;
                tracing::warn!(%error, is_over, "an e-mail was not sent");
                is_over
            }
        },
    };
    if is_over {
        context.store.write(move |db| Ok::<_, ServiceError>(mails::delete(db, &row.id)?)).await?;
    }
    Ok(())
}

/// Tells owners that somebody knew their password and did not complete the second factor.
async fn tell_of_half_sign_ins(context: &Arc<Context>) -> Result<()> {
    let now = context.now();
    let due = context.store.read(move |db| Ok::<_, ServiceError>(half_sign_ins::due(db, now, AT_ONCE)?));
    for (begun, user) in due.await? {
        let (telling, HalfSignIn { session_id, browser, address, .. }) = (Arc::clone(context), begun);
        let (owner, from, at) = (user.clone(), browser.clone(), address.clone());
        let told = context.store.write(move |db| {
            if !half_sign_ins::claim(db, &session_id)? {
                return Ok(false);
            }
            let origin = Event::new(Act::HalfSignIn, Outcome::Failed).noted(&from, &at).origin;
            telling.notify(db, &owner, Notice::HalfSignIn, origin, now)?;
            Ok::<_, ServiceError>(true)
        });
        if told.await? {
            let event = Event::new(Act::HalfSignIn, Outcome::Failed).user(&user.id);
            context.record(event.noted(&browser, &address));
        }
    }
    Ok(())
}
