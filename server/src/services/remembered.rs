//! Remembered browsers: for 30 days the password is enough there.
//!
//! The cookie holds the browser's id and a token. The token changes at every sign-in; the one before it is good for a
//! minute, for an answer may be lost on its way. An older one shows that somebody has a copy: the browser is forgotten,
//! and its owner is told. The next token is derived from the one before it, so that two requests at once, or one whose
//! answer was lost, lead to the same.

use std::{sync::Arc, time::Duration};

use super::{Context, Result, ServiceError, sessions::UserSession};
use crate::{
    domain::{
        client::{Client, RememberedClaim},
        clock::Timestamp,
        event::{Act, Event, Outcome},
        ids::{RememberedId, Token, UserId},
        limits::DAY,
        notice::Notice,
        refusal::Refusal,
    },
    store::{
        Db,
        remembered_devices::{self, RememberedRow, Use},
        users::{self, UserRow},
    },
};

/// How long a browser is remembered.
pub const REMEMBERED_FOR: Duration = DAY.saturating_mul(30);
/// How long the token before is good.
const PREVIOUS_LASTS: Duration = Duration::from_secs(60);

/// Remembers, lists and forgets browsers.
#[derive(Debug, Clone)]
pub struct Remembered {
    context: Arc<Context>,
}

/// A cookie's value, and how long the browser keeps it.
#[derive(Debug, Clone)]
pub struct RememberedCookie {
    /// The browser's id and token.
    pub value: String,
    /// Until it is forgotten.
    pub lasts: Duration,
}

/// What became of a cookie at a sign-in.
enum Recognition {
    /// The browser is remembered.
    Known(RememberedCookie),
    /// A copy of its cookie was used elsewhere.
    Stolen,
    /// Nobody remembers it for this user.
    Unknown,
}

impl Remembered {
    /// Uses the context's database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Remembers the browser of a session in which a factor has just passed; `None` where none has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember(&self, session: &UserSession, client: &Client) -> Result<Option<RememberedCookie>> {
        let context = &self.context;
        let (user, session_id) = (session.user.id.clone(), session.session.id.clone());
        let (token, now) = (Token::new(context.random), context.now());
        let row = RememberedRow {
            id: RememberedId::new(context.random),
            user_id: user.clone(),
            token_hash: token.hash(),
            previous_hash: None,
            rotated_at: now,
            browser: client.browser.clone(),
            address: client.address.to_string(),
            created_at: now,
            seen_at: now,
            expires_at: now.plus(REMEMBERED_FOR),
        };
        let value = format!("{}.{}", row.id, token.reveal());
        let replaced = client.remembered.as_ref().map(|claim| claim.id.clone());
        let remembered = context.store.write(move |db| {
            // By now: the factor may have passed in this very request.
            let progress = crate::store::sessions::progress(db, &session_id)?;
            let factor = progress.and_then(|progress| progress.factor);
            let is_fresh = factor.is_some_and(|(method, at)| {
                method.is_step_up() && now.since(at) <= crate::domain::authenticator::STEP_UP_LASTS
            });
            if !is_fresh {
                return Ok(false);
            }
            if let Some(replaced) = &replaced {
                remembered_devices::delete(db, &row.user_id, replaced)?;
            }
            remembered_devices::insert(db, &row)?;
            Ok::<_, ServiceError>(true)
        });
        if !remembered.await? {
            return Ok(None);
        }
        context.record(Event::new(Act::DeviceRemembered, Outcome::Success).user(&user).client(client));
        Ok(Some(RememberedCookie { value, lasts: REMEMBERED_FOR }))
    }

    /// The user's remembered browsers, and which of them is the client's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, session: &UserSession) -> Result<Vec<RememberedRow>> {
        let (user, now) = (session.user.id.clone(), self.context.now());
        let found = self
            .context
            .store
            .read(move |db| Ok::<_, ServiceError>(remembered_devices::of_user(db, &user, now)?));
        found.await
    }

    /// Forgets one of the user's browsers.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn forget(&self, session: &UserSession, id: &str, client: &Client) -> Result<()> {
        let id = RememberedId::sent(id).ok_or(ServiceError::from(Refusal::NotFound))?;
        let user = session.user.id.clone();
        let forgotten = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(remembered_devices::delete(db, &user, &id)?));
        if !forgotten.await? {
            return Err(Refusal::NotFound.into());
        }
        let event = Event::new(Act::DeviceForgotten, Outcome::Success).user(&session.user.id);
        self.context.record(event.client(client));
        Ok(())
    }
}

impl Context {
    /// Whether the client's browser is remembered for a user whose password was right; its cookie's next value.
    pub(super) async fn recognize(
        self: &Arc<Self>,
        user: &UserRow,
        client: &Client,
    ) -> Result<Option<RememberedCookie>> {
        let Some(claim) = client.remembered.clone() else { return Ok(None) };
        let (user_id, now) = (user.id.clone(), self.now());
        let next = self.next_remembered(&claim);
        let (browser, address) = (client.browser.clone(), client.address.to_string());
        let recognition = self.store.write(move |db| {
            let used =
                Use { token: &claim.token.hash(), next: &next.hash(), browser: &browser, address: &address };
            let known = recognize(db, &user_id, &claim.id, &used, now)?;
            Ok::<_, ServiceError>(match known {
                Known::Until(expires_at) => Recognition::Known(RememberedCookie {
                    value: format!("{}.{}", claim.id, next.reveal()),
                    lasts: expires_at.since(now),
                }),
                Known::Stolen => Recognition::Stolen,
                Known::No => Recognition::Unknown,
            })
        });
        match recognition.await? {
            Recognition::Known(cookie) => Ok(Some(cookie)),
            Recognition::Unknown => Ok(None),
            Recognition::Stolen => {
                self.tell_of_theft(user, client, now).await?;
                Ok(None)
            }
        }
    }

    async fn tell_of_theft(self: &Arc<Self>, user: &UserRow, client: &Client, now: Timestamp) -> Result<()> {
        self.record(Event::new(Act::DeviceStolen, Outcome::Denied).user(&user.id).client(client));
        let (user, from, telling) = (user.clone(), client.clone(), Arc::clone(self));
        self.store
            .write(move |db| {
                let origin = Event::new(Act::DeviceStolen, Outcome::Denied).client(&from).origin;
                telling.notify(db, &user, Notice::DeviceStolen, origin, now)
            })
            .await
    }

    /// The token that follows another one.
    fn next_remembered(&self, claim: &RememberedClaim) -> Token {
        Token::sent(&self.keys.subject(&["remembered", claim.id.as_str(), claim.token.reveal()]))
    }
}

/// What is known about a browser.
enum Known {
    /// It is remembered so long.
    Until(Timestamp),
    Stolen,
    No,
}

fn recognize(db: &mut Db, user: &UserId, id: &RememberedId, used: &Use<'_>, now: Timestamp) -> Result<Known> {
    crate::store::lock(db, id.as_str())?;
    let Some(row) = remembered_devices::find(db, user, id)? else { return Ok(Known::No) };
    if row.expires_at <= now {
        return Ok(Known::No);
    }
    if row.token_hash == *used.token {
        remembered_devices::rotate(db, id, used, now)?;
    } else if row.previous_hash.as_ref() != Some(used.token) || row.rotated_at.plus(PREVIOUS_LASTS) <= now {
        remembered_devices::delete(db, user, id)?;
        return Ok(Known::Stolen);
    }
    users::note_sign_in(db, user, now)?;
    Ok(Known::Until(row.expires_at))
}
