//! The cookie: actix-session's middleware over the same table as `X-API-TOKEN`.
//!
//! The cookie holds the session's token, signed. Sessions begin and change in [`flow`](crate::flow);
//! here their token goes into a cookie, and the state map into a column that holds nothing else.

use std::collections::HashMap;

use actix_session::{
    Session, SessionMiddleware,
    config::{BrowserSession, CookieContentSecurity},
    storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError},
};
use actix_web::cookie::{Key, SameSite, time::Duration};

use super::error::{Error, Result};
use crate::{
    domain::{clock::Clock, ids::Token, limits::Lifetimes, secret::Secret},
    store::{Store, StoreError, sessions},
};
use std::sync::Arc;

/// Under this name the middleware and the handlers pass the token; it is never saved.
const TOKEN: &str = "token";

type State = HashMap<String, String>;

/// Sessions, as the cookie's middleware wants to have them.
#[derive(Debug, Clone)]
pub struct CookieSessions {
    /// The database.
    pub store: Store,
    /// Time.
    pub clock: Arc<Clock>,
    /// How long they live.
    pub lifetimes: Lifetimes,
}

/// How cookies are made.
#[derive(Debug, Clone)]
pub struct Cookies {
    /// Where their sessions are.
    pub sessions: CookieSessions,
    /// What signs them.
    pub app_secret: Secret,
    /// For https alone.
    pub secure: bool,
}

impl Cookies {
    /// The middleware. A secure cookie has the `__Host-` prefix, which binds it to this very host
    /// (RFC 6265bis §4.1.3.2).
    pub(super) fn middleware(&self) -> SessionMiddleware<CookieSessions> {
        let name = if self.secure { "__Host-countersign_session" } else { "countersign_session" };
        let key = Key::derive_from(self.app_secret.reveal().as_bytes());
        SessionMiddleware::builder(self.sessions.clone(), key)
            .cookie_name(name.to_owned())
            .cookie_secure(self.secure)
            .cookie_http_only(true)
            .cookie_same_site(SameSite::Lax)
            .cookie_path("/".to_owned())
            .cookie_content_security(CookieContentSecurity::Signed)
            .session_lifecycle(BrowserSession::default())
            .build()
    }
}

/// Puts a new session's token into the cookie; whatever session the cookie held before ends.
pub(super) fn hand_out(cookie: &Session, token: &Token) -> Result<()> {
    cookie.renew();
    cookie.insert(TOKEN, token.reveal()).map_err(|error| Error::Internal(error.to_string()))
}

/// The token the cookie brought, if its session lives.
pub(super) fn token(cookie: &Session) -> Option<Token> {
    let token: String = cookie.get(TOKEN).ok().flatten()?;
    Some(Token::sent(&token))
}

fn hash(key: &SessionKey) -> String {
    Token::sent(key.as_ref()).hash()
}

/// The state map without the token, as JSON.
fn to_json(mut state: State) -> std::result::Result<String, serde_json::Error> {
    state.remove(TOKEN);
    serde_json::to_string(&state)
}

impl CookieSessions {
    async fn set_state(&self, token_hash: String, state: String) -> std::result::Result<(), StoreError> {
        self.store.write(move |db| Ok(sessions::set_state(db, &token_hash, &state)?)).await
    }
}

impl SessionStore for CookieSessions {
    async fn load(&self, key: &SessionKey) -> std::result::Result<Option<State>, LoadError> {
        let (hash, now, lifetimes) = (hash(key), self.clock.now(), self.lifetimes);
        let state: Option<String> = self
            .store
            .read(move |db| Ok::<_, StoreError>(sessions::state(db, &hash, now, lifetimes)?))
            .await
            .map_err(|error| LoadError::Other(error.into()))?;
        let Some(state) = state else { return Ok(None) };
        let mut state: State =
            serde_json::from_str(&state).map_err(|error| LoadError::Deserialization(error.into()))?;
        let token = serde_json::to_string(key.as_ref()).map_err(|error| LoadError::Other(error.into()))?;
        state.insert(TOKEN.to_owned(), token);
        Ok(Some(state))
    }

    async fn save(&self, state: State, _: &Duration) -> std::result::Result<SessionKey, SaveError> {
        let token: Option<String> = state.get(TOKEN).and_then(|token| serde_json::from_str(token).ok());
        let Some(token) = token else {
            return Err(SaveError::Other(anyhow::anyhow!("no session was begun")));
        };
        if state.len() > 1 {
            let json = to_json(state).map_err(|error| SaveError::Serialization(error.into()))?;
            self.set_state(Token::sent(&token).hash(), json)
                .await
                .map_err(|error| SaveError::Other(error.into()))?;
        }
        SessionKey::try_from(token).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        _: &Duration,
    ) -> std::result::Result<SessionKey, UpdateError> {
        let json = to_json(state).map_err(|error| UpdateError::Serialization(error.into()))?;
        self.set_state(hash(&key), json).await.map_err(|error| UpdateError::Other(error.into()))?;
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> std::result::Result<(), anyhow::Error> {
        // How long a session lives is decided by its columns.
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> std::result::Result<(), anyhow::Error> {
        let hash = hash(key);
        self.store.write(move |db| Ok::<_, StoreError>(sessions::delete_by_token(db, &hash)?)).await?;
        Ok(())
    }
}
