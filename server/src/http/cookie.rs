//! The session's cookie, which is actix-session's.
//!
//! The session cookie holds the session's token, signed. There is no other state in it, so that finding
//! the session is one query of the handler's own: the middleware makes none.

use std::collections::HashMap;

use actix_session::{
    Session, SessionMiddleware,
    config::{BrowserSession, CookieContentSecurity},
    storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError},
};
use actix_web::{
    cookie::{Cookie, CookieJar, Key, SameSite, time::Duration},
    dev::ServiceRequest,
    http::header::{self, HeaderValue},
};

use super::error::{Error, Result};
use crate::{
    domain::{ids::Token, keys::KeyRing},
    services::sessions::Sessions,
};

/// Under this name the middleware and the handlers pass the token; it is never saved.
const TOKEN: &str = "token";

type State = HashMap<String, String>;

/// How cookies are made.
#[derive(Debug, Clone)]
pub struct Cookies {
    /// Ends the session a cookie held before.
    pub sessions: Sessions,
    /// What signs them.
    pub keys: KeyRing,
    /// For https alone.
    pub secure: bool,
}

impl Cookies {
    /// A secure cookie has the `__Host-` prefix, which binds it to this very host (RFC 6265bis
    /// §4.1.3.2).
    fn session_name(&self) -> &'static str {
        if self.secure { "__Host-countersign_session" } else { "countersign_session" }
    }

    /// The middleware of all calls that have to do with sessions.
    pub(super) fn middleware(&self) -> SessionMiddleware<CookieSessions> {
        SessionMiddleware::builder(CookieSessions(self.sessions.clone()), signing_key(self.keys.current()))
            .cookie_name(self.session_name().to_owned())
            .cookie_secure(self.secure)
            .cookie_http_only(true)
            .cookie_same_site(SameSite::Lax)
            .cookie_path("/".to_owned())
            .cookie_content_security(CookieContentSecurity::Signed)
            .session_lifecycle(BrowserSession::default())
            .build()
    }

    /// During a rotation of `APP_SECRET`: a session cookie signed under the previous secret is signed
    /// again under the current one, as if it had come so.
    pub(super) fn accept_previous_key(&self, request: &mut ServiceRequest) {
        let Some(previous) = self.keys.previous() else { return };
        let name = self.session_name();
        // Browsers send one header; HTTP/2 may split it (RFC 9113 §8.2.3). Other cookies stay as they came.
        let sent: Vec<String> = request
            .headers()
            .get_all(header::COOKIE)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';').map(|pair| pair.trim().to_owned()))
            .collect();
        let signed_again = |pair: &String| {
            let cookie = Cookie::parse_encoded(pair.clone()).ok().filter(|cookie| cookie.name() == name)?;
            signed_again(&cookie, &signing_key(previous), &signing_key(self.keys.current()))
        };
        let mut changed = false;
        let all: Vec<String> = sent
            .iter()
            .map(|pair| signed_again(pair).inspect(|_| changed = true).unwrap_or_else(|| pair.clone()))
            .collect();
        if changed && let Ok(value) = HeaderValue::from_str(&all.join("; ")) {
            request.headers_mut().insert(header::COOKIE, value);
        }
    }
}

/// A cookie signed under one key, signed under another; `None` where it is not signed under the first.
fn signed_again(cookie: &Cookie<'static>, previous: &Key, current: &Key) -> Option<String> {
    let mut jar = CookieJar::new();
    jar.add_original(cookie.clone());
    let token = jar.signed(previous).get(cookie.name())?;
    let mut again = CookieJar::new();
    again.signed_mut(current).add(Cookie::new(cookie.name().to_owned(), token.value().to_owned()));
    again.get(cookie.name()).map(|cookie| cookie.encoded().stripped().to_string())
}

fn signing_key(key: &crate::domain::keys::MasterKey) -> Key {
    Key::derive_from(key.secret().reveal().as_bytes())
}

/// Puts a session's token into the cookie; whatever session the cookie held before ends.
pub(super) fn set_session_cookie(cookie: &Session, token: &Token) -> Result<()> {
    cookie.renew();
    cookie.insert(TOKEN, token.reveal()).map_err(|error| Error::Internal(error.to_string()))
}

/// The token the cookie brought.
pub(super) fn session_token(cookie: &Session) -> Option<Token> {
    let token: String = cookie.get(TOKEN).ok().flatten()?;
    Some(Token::sent(&token))
}

/// Sessions as the cookie's middleware wants to have them. It asks the database for nothing: whether
/// the session lives is found out by whoever needs it.
#[derive(Debug, Clone)]
pub(super) struct CookieSessions(Sessions);

impl SessionStore for CookieSessions {
    async fn load(&self, key: &SessionKey) -> std::result::Result<Option<State>, LoadError> {
        let token = serde_json::to_string(key.as_ref()).map_err(|error| LoadError::Other(error.into()))?;
        Ok(Some(State::from([(TOKEN.to_owned(), token)])))
    }

    async fn save(&self, state: State, _: &Duration) -> std::result::Result<SessionKey, SaveError> {
        let token: Option<String> = state.get(TOKEN).and_then(|token| serde_json::from_str(token).ok());
        let token = token.ok_or_else(|| SaveError::Other(anyhow::anyhow!("no session was begun")))?;
        SessionKey::try_from(token).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        key: SessionKey,
        _: State,
        _: &Duration,
    ) -> std::result::Result<SessionKey, UpdateError> {
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> std::result::Result<(), anyhow::Error> {
        // How long a session lives is decided by its row.
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> std::result::Result<(), anyhow::Error> {
        Ok(self.0.end_replaced(&Token::sent(key.as_ref())).await?)
    }
}
