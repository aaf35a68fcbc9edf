//! Sessions: starting, finding, rotating and ending them.

use std::{sync::Arc, time::Duration};

use super::{Context, Result, ServiceError};

pub use super::session_list::OwnSession;
use crate::{
    domain::{
        authenticator::STEP_UP_LASTS,
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        ids::{SessionId, Token, UserId},
        refusal::Refusal,
        session::{Access, Carrier, Origin, Progress, State},
    },
    store::{
        Db, StoreError, approvals,
        sessions::{self, Credential, NewSession, SessionRow},
        users::{self, UserRow},
    },
};

/// A signed-in client's requests are noted this far apart.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// A live session, of a user or of a browser without an account, and the token that brought it.
#[derive(Debug, Clone)]
pub struct CurrentSession {
    pub(super) session: SessionRow,
    pub(super) user: Option<UserRow>,
    pub(super) token: Token,
    pub(super) carrier: Carrier,
}

/// A live session of a user.
#[derive(Debug, Clone)]
pub struct UserSession {
    pub(super) session: SessionRow,
    pub(super) user: UserRow,
    pub(super) token: Token,
    pub(super) carrier: Carrier,
}

impl CurrentSession {
    /// The number this session has verified without an account, in E.164.
    #[must_use]
    pub fn verified_phone(&self) -> Option<&str> {
        self.session.verified_phone.as_deref()
    }

    /// Whether no answer to it holds a token.
    #[must_use]
    pub fn is_cookie_only(&self) -> bool {
        self.session.cookie_only
    }

    /// The same, if it belongs to a user.
    #[must_use]
    pub fn into_user_session(self) -> Option<UserSession> {
        let Self { session, user, token, carrier } = self;
        Some(UserSession { session, user: user?, token, carrier })
    }
}

impl UserSession {
    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> &UserRow {
        &self.user
    }

    /// Its token.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// How the token came.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// Whether no answer to it holds a token.
    #[must_use]
    pub fn is_cookie_only(&self) -> bool {
        self.session.cookie_only
    }

    /// Whether this is its id.
    #[must_use]
    pub fn has_id(&self, id: &str) -> bool {
        self.session.id.as_str() == id
    }

    /// Whether the token was rotated after the second factor, or never needs to be.
    #[must_use]
    pub fn has_final_token(&self) -> bool {
        self.session.state == State::SignedIn
    }

    /// Whether a second factor has passed in this session.
    #[must_use]
    pub fn has_passed_factor(&self) -> bool {
        self.session.factor.is_some()
    }
}

/// Which tokens a new session is known by.
#[derive(Debug, Clone)]
pub(super) struct Opening<'a> {
    pub(super) user: Option<&'a UserRow>,
    pub(super) origin: Origin,
    pub(super) client: &'a Client,
}

impl Context {
    /// A new session, to be inserted.
    pub(super) fn new_session(&self, opening: &Opening<'_>, token: &Token) -> NewSession {
        let Opening { user, origin, client } = *opening;
        let (now, lifetimes) = (self.now(), self.lifetimes());
        let state = Progress::begin(origin).state;
        let lifetime = match state {
            State::Pending => lifetimes.pending,
            State::Anonymous => lifetimes.idle,
            State::Verified | State::SignedIn => lifetimes.absolute,
        };
        let device = user.and_then(|user| client.known_device(&user.id, user.password_version));
        NewSession {
            id: SessionId::new(self.random),
            token_hash: token.hash(),
            user_id: user.map(|user| user.id.clone()),
            state,
            origin,
            created_at: now,
            seen_at: now,
            expires_at: now.plus(lifetime),
            cookie_only: client.cookie_only,
            address_key: self.address_key(client),
            device_id: device.cloned(),
            browser: client.browser.clone(),
            address: client.address.to_string(),
            factor: None,
            factor_at: None,
        }
    }
}

/// Stores a new session; a pending one ends an older one where there are too many.
pub(super) fn insert(db: &mut Db, session: &NewSession, now: Timestamp) -> Result<()> {
    if session.state == State::Pending {
        sessions::make_room(db, session, now)?;
    }
    Ok(sessions::insert(db, session)?)
}

/// The session as it will be found by its token.
pub(super) fn opened(session: &NewSession, user: UserRow, token: Token) -> UserSession {
    let carrier = if session.cookie_only { Carrier::Cookie } else { Carrier::Header };
    let session = SessionRow {
        id: session.id.clone(),
        state: session.state,
        origin: session.origin,
        created_at: session.created_at,
        seen_at: session.seen_at,
        factor: session.factor,
        factor_at: session.factor_at,
        cookie_only: session.cookie_only,
        verifying_phone: None,
        verifying_until: None,
        verified_phone: None,
    };
    UserSession { session, user, token, carrier }
}

/// Finds, rotates and ends sessions.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub(super) context: Arc<Context>,
}

impl Sessions {
    /// Uses the context's database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The live session of a token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, token: Token, carrier: Carrier) -> Result<Option<CurrentSession>> {
        let credential = Credential { token_hash: token.hash(), carrier };
        let (now, lifetimes) = (self.context.now(), self.context.lifetimes());
        let found = self
            .context
            .store
            .read(move |db| Ok::<_, ServiceError>(sessions::by_credential(db, &credential, now, lifetimes)?))
            .await?;
        Ok(found.map(|(session, user)| CurrentSession { session, user, token, carrier }))
    }

    /// The session, if it is signed in; its use is noted.
    ///
    /// # Errors
    /// [`Refusal::SecondFactorRequired`], or that the database fails.
    pub async fn require_signed_in(&self, session: UserSession) -> Result<UserSession> {
        if !self.is_signed_in(&session) {
            return Err(Refusal::SecondFactorRequired.into());
        }
        let now = self.context.now();
        if now.since(session.session.seen_at) >= TOUCH_INTERVAL {
            let id = session.session.id.clone();
            self.context.store.write(move |db| Ok::<_, ServiceError>(sessions::touch(db, &id, now)?)).await?;
        }
        Ok(session)
    }

    /// Whether the session, by the token it was found with, is signed in.
    #[must_use]
    pub fn is_signed_in(&self, session: &UserSession) -> bool {
        self.context.is_signed_in(session)
    }

    /// The session, if its user's phone is verified.
    ///
    /// # Errors
    /// [`Refusal::PhoneUnverified`], or [`Refusal::PhoneInUse`] where a factor has passed and the number
    /// is used up.
    pub fn require_verified_phone(&self, session: UserSession) -> Result<UserSession> {
        if session.user.is_phone_verified() {
            Ok(session)
        } else if session.has_passed_factor() {
            Err(Refusal::PhoneInUse.into())
        } else {
            Err(Refusal::PhoneUnverified.into())
        }
    }

    /// Whether this server sends e-mail.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.context.sends_mail()
    }

    /// Whether a mistyped phone may be corrected with the password.
    #[must_use]
    pub fn may_correct_phone(&self, session: &UserSession) -> bool {
        self.context.may_correct_phone(&session.user)
    }

    /// How codes may be sent.
    #[must_use]
    pub fn code_channels(&self, session: &UserSession) -> Vec<shared::Via> {
        let current = self.context.providers.current();
        self.context.channels_for(current, session.user.is_phone_verified())
    }

    /// Whether a factor passed in the session so recently that factors may be changed.
    #[must_use]
    pub fn is_stepped_up(&self, session: &UserSession) -> bool {
        self.context.is_stepped_up(session)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end(&self, session: &UserSession, client: &Client) -> Result<()> {
        let id = session.session.id.clone();
        self.context.store.write(move |db| Ok::<_, ServiceError>(sessions::delete(db, &id)?)).await?;
        self.record_end(&session.user.id, client);
        Ok(())
    }

    /// Ends the session of a token, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_by_token(&self, token: &Token, carrier: Carrier, client: &Client) -> Result<()> {
        let credential = Credential { token_hash: token.hash(), carrier };
        let ended = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(sessions::delete_by_credential(db, &credential)?))
            .await?;
        if let Some(user) = ended {
            self.record_end(&user, client);
        }
        Ok(())
    }

    /// Ends the session a cookie held before it got another one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_replaced(&self, token: &Token) -> Result<()> {
        let credential = Credential { token_hash: token.hash(), carrier: Carrier::Cookie };
        self.context
            .store
            .write(move |db| {
                Ok::<_, ServiceError>(sessions::delete_by_credential(db, &credential).map(drop)?)
            })
            .await
    }

    fn record_end(&self, user: &UserId, client: &Client) {
        self.context.record(Event::new(Act::SessionEnded, Outcome::Success).user(user).client(client));
    }

    /// Gives a session a new token after its approval request was approved; the old token is dead.
    ///
    /// # Errors
    /// [`Refusal::NotApproved`]; [`Refusal::NoSession`] where the token was rotated meanwhile.
    pub async fn rotate_after_approval(&self, session: &UserSession) -> Result<Token> {
        let token = Token::new(self.context.random);
        let id = session.session.id.clone();
        let (old, new) = (session.token.hash(), token.hash());
        let rotated = self.context.store.write(move |db| {
            let approved = match sessions::state(db, &id)? {
                None => return Err(Refusal::NoSession.into()),
                Some(State::Anonymous | State::Pending) => false,
                Some(State::Verified) => true,
                // Signed in from the beginning: only after a request of its own.
                Some(State::SignedIn) => approvals::is_newest_approved(db, &id)?,
            };
            if !approved {
                return Err(ServiceError::from(Refusal::NotApproved));
            }
            Ok(sessions::rotate(db, &id, &old, &new)?)
        });
        if rotated.await? { Ok(token) } else { Err(Refusal::NoSession.into()) }
    }

    /// Whether this carrier's tokens change with the second factor.
    #[must_use]
    pub fn rotates(&self, carrier: Carrier) -> bool {
        self.context.settings.rotation.applies_to(carrier)
    }

    /// Whether the phone of the session's user is verified by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_phone_verified(&self, session: &UserSession) -> Result<bool> {
        let id = session.user.id.clone();
        let user = self.context.store.read(move |db| Ok::<_, ServiceError>(users::by_id(db, &id)?)).await?;
        Ok(user.is_some_and(|user| user.is_phone_verified()))
    }

    /// Answers when the database is there and has every migration.
    ///
    /// # Errors
    /// When it does not answer, or a migration is missing.
    pub async fn require_ready_database(&self) -> Result<()> {
        if self.context.store.is_ready().await? {
            Ok(())
        } else {
            Err(StoreError::Migration("a migration has not been run".into()).into())
        }
    }
}

impl Context {
    /// Whether the session, by the token it was found with, is signed in.
    pub(super) fn is_signed_in(&self, session: &UserSession) -> bool {
        let access = session.session.progress().access(session.carrier, self.settings.rotation);
        access == Access::SignedIn
    }

    /// Refuses, unless a factor passed in the session so recently that factors may be changed.
    pub(super) fn require_step_up(&self, session: &UserSession) -> Result<()> {
        if self.is_stepped_up(session) { Ok(()) } else { Err(Refusal::StepUpRequired.into()) }
    }

    pub(super) fn is_stepped_up(&self, session: &UserSession) -> bool {
        let factor = session.session.factor.zip(session.session.factor_at);
        factor.is_some_and(|(method, at)| method.is_step_up() && self.now().since(at) <= STEP_UP_LASTS)
    }
}
