//! `/session`: the password, codes, going on after an approval, leaving.

use std::collections::BTreeMap;

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use serde_json::json;
use shared::{CodeSent, Login, LoginAnswer, Resend, TokenAnswer, VerifyCode, Via};

use super::{
    body::{Body, Nothing},
    caller::Live,
    client, cookie,
    error::{Error, Result},
};
use crate::{
    domain::{
        ids::Token,
        refusal::Refusal,
        rights::{Carrier, Rights, TokenRotation},
    },
    flow::{accounts::Accounts, second_factor::SecondFactor},
    provider::Code,
    store::{approvals, sessions},
};

/// Checks the password and asks the phone.
pub(super) async fn create(
    accounts: Data<Accounts>,
    cookie: Session,
    client: client::From,
    Body(login): Body<Login>,
) -> Result<Json<LoginAnswer>> {
    let answer = accounts.log_in(login, &client.0).await?;
    cookie::hand_out(&cookie, &Token::sent(&answer.token))?;
    Ok(Json(answer))
}

/// Ends the session at the server.
pub(super) async fn delete(
    parts: Data<SecondFactor>,
    cookie: Session,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let live = Live::of(request).await?.ok_or(Refusal::NotSignedIn)?;
    let id = live.session.id;
    parts.store.write(move |db| sessions::delete(db, &id).map_err(Error::from)).await?;
    if live.presented.carrier == Carrier::Cookie {
        cookie.purge();
    }
    // Not "cookies": that would also end sessions other applications have on this host's domain.
    Ok(HttpResponse::Ok()
        .insert_header(("Clear-Site-Data", r#""cache", "storage""#))
        .json(json!({"message": "Signed out."})))
}

/// Trades an approved session for one with a new id.
pub(super) async fn go_on(
    parts: Data<SecondFactor>,
    cookie: Session,
    live: Live,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<TokenAnswer>> {
    let token = Token::new(parts.random);
    let (id, rights) = (live.session.id, live.session.rights);
    let (old, new) = (live.presented.token.hash(), token.hash());
    let renewed = parts.store.write(move |db| {
        let approved = match rights {
            Rights::Pending => false,
            Rights::Proven => true,
            // Signed in from the beginning: it goes on only from a push of its own.
            Rights::SignedIn => approvals::is_newest_approved(db, &id)?,
        };
        if !approved {
            return Err(Error::from(Refusal::NotApproved));
        }
        sessions::renew(db, &id, &old, &new).map_err(Error::from)
    });
    if !renewed.await? {
        // Somebody else, with the same token, was faster.
        return Err(Refusal::NoSession.into());
    }
    cookie::hand_out(&cookie, &token)?;
    Ok(Json(TokenAnswer { token: token.reveal().to_owned() }))
}

/// Sends a code by text or call.
pub(super) async fn resend(
    parts: Data<SecondFactor>,
    live: Live,
    Body(wish): Body<Resend>,
) -> Result<Json<CodeSent>> {
    let via = match wish.via.trim() {
        "" | "sms" => Via::Sms,
        "call" => Via::Call,
        _ => return Err(invalid("via", "Choose sms or call.")),
    };
    Ok(Json(parts.send(&live.user, &live.session.id, via).await?))
}

/// Checks a code.
pub(super) async fn verify(
    parts: Data<SecondFactor>,
    rotation: Data<TokenRotation>,
    cookie: Session,
    live: Live,
    Body(typed): Body<VerifyCode>,
) -> Result<Json<TokenAnswer>> {
    let code = Code::read(&typed.code).ok_or_else(|| invalid("code", "A code has 4 to 10 digits."))?;
    let how = (&live.presented.token, live.presented.carrier, **rotation);
    let token = match parts.verify(&live.user, &live.session.id, &code, how).await? {
        Some(token) => {
            cookie::hand_out(&cookie, &token)?;
            token
        }
        None => live.presented.token,
    };
    Ok(Json(TokenAnswer { token: token.reveal().to_owned() }))
}

fn invalid(field: &'static str, problem: &str) -> Error {
    Refusal::InvalidFields(BTreeMap::from([(field, problem.to_owned())])).into()
}
