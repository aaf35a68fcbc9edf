//! Who is calling: the session a request brought, and what it must be for a handler to run.

use std::{future::Future, pin::Pin};

use actix_session::SessionExt;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use tracing::Span;

use super::{
    cookie::session_token,
    error::{Error, Result},
    headers::TOKEN,
};
use crate::{
    domain::{ids::Token, refusal::Refusal, session::Carrier},
    services::{
        ServiceError,
        sessions::{CurrentSession, Sessions, UserSession},
    },
};

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// The token a request brought, and how. If the header is present, the cookie is ignored.
#[derive(Debug, Clone)]
pub(super) struct RequestToken {
    pub(super) token: Token,
    pub(super) carrier: Carrier,
}

impl RequestToken {
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        if let Some(header) = request.headers().get(&*TOKEN) {
            let token = Token::sent(header.to_str().unwrap_or_default());
            return Some(Self { token, carrier: Carrier::Header });
        }
        session_token(&request.get_session()).map(|token| Self { token, carrier: Carrier::Cookie })
    }
}

fn sessions(request: &HttpRequest) -> &Data<Sessions> {
    request.app_data::<Data<Sessions>>().expect("the app has its sessions")
}

/// The live session a request brought; `None` when it brought none.
pub(super) async fn current_session(request: &HttpRequest) -> Result<Option<CurrentSession>> {
    let Some(RequestToken { token, carrier }) = RequestToken::of(request) else { return Ok(None) };
    Ok(sessions(request).find(token, carrier).await?)
}

/// The live session of a user; `None` when there is none.
pub(super) async fn user_session(request: &HttpRequest) -> Result<Option<UserSession>> {
    let session = current_session(request).await?.and_then(CurrentSession::into_user_session);
    if let Some(session) = &session {
        note_user(session);
    }
    Ok(session)
}

/// Puts the user into the request's line in the log.
pub(super) fn note_user(session: &UserSession) {
    Span::current().record("user.id", session.user().id.as_str());
}

async fn signed_in(request: &HttpRequest) -> Result<UserSession> {
    let session = user_session(request).await?.ok_or(Refusal::NotSignedIn)?;
    Ok(sessions(request).require_signed_in(session).await?)
}

/// A user's live session, in any state.
#[derive(Debug)]
pub(super) struct AnySession(pub(super) UserSession);

impl FromRequest for AnySession {
    type Error = Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(user_session(&request).await?.ok_or(Refusal::NoSession)?)) })
    }
}

/// A signed-in session.
#[derive(Debug)]
pub(super) struct SignedIn(pub(super) UserSession);

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { signed_in(&request).await.map(Self) })
    }
}

/// A signed-in session of a user whose phone is verified.
#[derive(Debug)]
pub(super) struct VerifiedPhone(pub(super) UserSession);

impl FromRequest for VerifiedPhone {
    type Error = Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let session = signed_in(&request).await?;
            Ok(Self(sessions(&request).require_verified_phone(session)?))
        })
    }
}

/// The signed-in owner of the account the path names by `{id}`; to anybody else it does not exist.
#[derive(Debug)]
pub(super) struct OwnAccount(pub(super) UserSession);

impl FromRequest for OwnAccount {
    type Error = Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let named = request.match_info().get("id").unwrap_or_default().to_owned();
            match signed_in(&request).await {
                Ok(session) if session.user().id.as_str() == named => Ok(Self(session)),
                Ok(_) | Err(Error::Failed(ServiceError::Refused(_))) => Err(Refusal::NotFound.into()),
                Err(error) => Err(error),
            }
        })
    }
}

/// Any live session, also one without an account, or none.
#[derive(Debug)]
pub(super) struct OptionalSession(pub(super) Option<CurrentSession>);

impl FromRequest for OptionalSession {
    type Error = Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            match current_session(&request).await? {
                // If the header is present, it must be right; a cookie that has ended counts as none.
                None if request.headers().contains_key(&*TOKEN) => Err(Refusal::NoSession.into()),
                found => Ok(Self(found)),
            }
        })
    }
}
