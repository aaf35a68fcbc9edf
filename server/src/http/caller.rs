//! Who is calling: the session a request brought, and what it must be for a handler to run.

use std::{future::Future, pin::Pin, time::Duration};

use actix_session::SessionExt;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use shared::routes::TOKEN_HEADER;

use super::{
    cookie,
    error::{Error, Result},
};
use crate::{
    domain::{
        ids::Token,
        refusal::Refusal,
        rights::{Carrier, TokenRotation},
    },
    flow::{Failure, second_factor::SecondFactor},
    store::{
        sessions::{self, SessionRow},
        users::UserRow,
        visits::{self, Visit},
    },
};

/// A signed-in client's visits are noted this far apart.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// The token a request brought, and how. The header alone decides when it is there.
#[derive(Debug, Clone)]
pub(super) struct Presented {
    pub(super) token: Token,
    pub(super) carrier: Carrier,
}

impl Presented {
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        if let Some(header) = request.headers().get(TOKEN_HEADER) {
            let token = Token::sent(header.to_str().unwrap_or_default());
            return Some(Self { token, carrier: Carrier::Header });
        }
        cookie::token(&request.get_session()).map(|token| Self { token, carrier: Carrier::Cookie })
    }
}

/// A live session, in whatever state.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) session: SessionRow,
    pub(super) user: UserRow,
    pub(super) presented: Presented,
}

impl Live {
    /// The live session a request brought; `None` when it brought none.
    pub(super) async fn of(request: HttpRequest) -> Result<Option<Self>> {
        let Some(presented) = Presented::of(&request) else { return Ok(None) };
        let parts = request.app_data::<Data<SecondFactor>>().expect("the app has its second factor");
        let (hash, now, lifetimes) = (presented.token.hash(), parts.clock.now(), parts.lifetimes);
        let found =
            parts.store.read(move |db| sessions::by_token(db, &hash, now, lifetimes).map_err(Error::from));
        Ok(found.await?.map(|(session, user)| Self { session, user, presented }))
    }
}

impl FromRequest for Live {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let live = Self::of(request.clone());
        Box::pin(async move { live.await?.ok_or_else(|| Refusal::NoSession.into()) })
    }
}

/// A live session with both halves, under an id its carrier accepts.
#[derive(Debug)]
pub(super) struct SignedIn(pub(super) Live);

impl SignedIn {
    async fn of(request: HttpRequest) -> Result<Self> {
        let live = Live::of(request.clone()).await?.ok_or(Refusal::NotSignedIn)?;
        let rotation = request.app_data::<Data<TokenRotation>>().expect("the app has its rotation");
        if !live.session.rights.opens(live.presented.carrier, ***rotation) {
            return Err(Refusal::SecondFactorRequired.into());
        }
        let parts = request.app_data::<Data<SecondFactor>>().expect("the app has its second factor");
        let now = parts.clock.now();
        if now.since(live.session.seen_at) >= TOUCH_EVERY {
            let id = live.session.id.clone();
            parts.store.write(move |db| sessions::touch(db, &id, now).map_err(Error::from)).await?;
        }
        Ok(Self(live))
    }
}

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::of(request.clone()))
    }
}

/// The same, of an account whose phone has answered once.
#[derive(Debug)]
pub(super) struct PhoneProven(pub(super) Live);

impl FromRequest for PhoneProven {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let SignedIn(live) = SignedIn::of(request).await?;
            match live.user.phone_proven_at {
                Some(_) => Ok(Self(live)),
                None => Err(Refusal::PhoneUnverified.into()),
            }
        })
    }
}

/// The signed-in owner of the account the path names by `{id}`; for anybody else there is none.
#[derive(Debug)]
pub(super) struct OwnAccount(pub(super) Live);

impl FromRequest for OwnAccount {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let named = request.match_info().get("id").unwrap_or_default().to_owned();
            match SignedIn::of(request).await {
                Ok(SignedIn(live)) if live.user.id == named => Ok(Self(live)),
                Ok(_) | Err(Error::Failed(Failure::Refused(_))) => Err(Refusal::Unknown.into()),
                Err(error) => Err(error),
            }
        })
    }
}

/// Whatever session a request brought, also one without an account.
#[derive(Debug)]
pub(super) struct Visitor(pub(super) Option<(Visit, Presented)>);

impl Visitor {
    /// The live session a request brought, and how; `None` when it brought none.
    pub(super) async fn find(request: &HttpRequest) -> Result<Option<(Visit, Presented)>> {
        let Some(presented) = Presented::of(request) else { return Ok(None) };
        let parts = request.app_data::<Data<SecondFactor>>().expect("the app has its second factor");
        let (hash, now, lifetimes) = (presented.token.hash(), parts.clock.now(), parts.lifetimes);
        let found =
            parts.store.read(move |db| visits::by_token(db, &hash, now, lifetimes).map_err(Error::from));
        Ok(found.await?.map(|visit| (visit, presented)))
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            match Self::find(&request).await? {
                // A header alone decides, also when it is wrong; a cookie that has ended is none.
                None if request.headers().contains_key(TOKEN_HEADER) => Err(Refusal::NoSession.into()),
                found => Ok(Self(found)),
            }
        })
    }
}
