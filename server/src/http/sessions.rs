//! `/session`: the password, codes, going on after an approval, leaving.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use serde_json::json;
use shared::{ApiError, CodeSent, Login, LoginAnswer, Resend, TokenAnswer, VerifyCode, Via, routes};

use super::{
    body::{Body, Nothing},
    caller::Live,
    client, cookie,
    error::{Error, Result, invalid},
};
use crate::{
    domain::{
        ids::Token,
        refusal::Refusal,
        rights::{Carrier, TokenRotation},
    },
    flow::{accounts::Accounts, codes::Verified, second_factor::SecondFactor},
    provider::Code,
    store::sessions,
};

/// Check a password and ask the phone
///
/// A push goes out; where none is possible, a code by text in its place.
#[utoipa::path(
    post, path = routes::SESSION, tag = "Sign-in", request_body = Login, security(()),
    responses(
        (status = 200, description = "A pending session, and what the phone was asked", body = LoginAnswer),
        (status = 403, description = "Unknown account or wrong password", body = ApiError),
        (status = 429, description = "Too many wrong passwords", body = ApiError),
        (status = 502, description = "The phone could not be asked; there is no session", body = ApiError),
    )
)]
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

/// End the session
#[utoipa::path(
    delete, path = routes::SESSION, tag = "Sign-in",
    responses(
        (status = 200, description = "It is gone"),
        (status = 403, description = "There was none", body = ApiError),
    )
)]
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

/// Go on after an approval
///
/// Trades the session for one with a new id; the old one dies.
#[utoipa::path(
    post, path = routes::SESSION_CONTINUE, tag = "Sign-in",
    responses(
        (status = 200, description = "The new id", body = TokenAnswer),
        (status = 404, description = "No session", body = ApiError),
        (status = 409, description = "Not approved", body = ApiError),
    )
)]
pub(super) async fn go_on(
    parts: Data<SecondFactor>,
    cookie: Session,
    live: Live,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<TokenAnswer>> {
    let token = parts.go_on(&live.session.id, &live.presented.token).await?;
    cookie::hand_out(&cookie, &token)?;
    Ok(Json(TokenAnswer { token: token.reveal().to_owned() }))
}

/// Send a code
///
/// By text or by call, always, also to people who have the app. Where a text cannot reach the phone
/// it is called instead, and `via` says so.
#[utoipa::path(
    post, path = routes::SESSION_RESEND, tag = "Sign-in", request_body = Resend,
    responses(
        (status = 200, description = "It is on its way", body = CodeSent),
        (status = 404, description = "No session", body = ApiError),
        (status = 422, description = "Neither sms nor call", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider could not", body = ApiError),
    )
)]
pub(super) async fn resend(
    parts: Data<SecondFactor>,
    live: Live,
    Body(wish): Body<Resend>,
) -> Result<Json<CodeSent>> {
    Ok(Json(parts.send(&live.user, &live.session.id, via(&wish.via)?).await?))
}

/// Check a code
///
/// By text, by call or from an app alike.
#[utoipa::path(
    post, path = routes::SESSION_VERIFY, tag = "Sign-in", request_body = VerifyCode,
    responses(
        (status = 200, description = "Signed in; a new id for cookies", body = TokenAnswer),
        (status = 401, description = "Not the code, or one used before", body = ApiError),
        (status = 404, description = "No session", body = ApiError),
        (status = 422, description = "Not 4 to 10 digits", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
        (status = 502, description = "The provider could not say", body = ApiError),
    )
)]
pub(super) async fn verify(
    parts: Data<SecondFactor>,
    rotation: Data<TokenRotation>,
    cookie: Session,
    live: Live,
    Body(typed): Body<VerifyCode>,
) -> Result<Json<TokenAnswer>> {
    let presented = live.presented.token.clone();
    let verified = check(&parts, **rotation, &cookie, live, "code", &typed.code).await?;
    let token = verified.token.unwrap_or(presented);
    Ok(Json(TokenAnswer { token: token.reveal().to_owned() }))
}

/// Checks what was typed into `field` and hands out the session's new token, if there is one.
pub(super) async fn check(
    parts: &SecondFactor,
    rotation: TokenRotation,
    cookie: &Session,
    live: Live,
    field: &'static str,
    typed: &str,
) -> Result<Verified> {
    let code = Code::read(typed).ok_or_else(|| invalid(field, "A code has 4 to 10 digits."))?;
    let how = (&live.presented.token, live.presented.carrier, rotation);
    let verified = parts.verify(&live.user, &live.session.id, &code, how).await?;
    if let Some(token) = &verified.token {
        cookie::hand_out(cookie, token)?;
    }
    Ok(verified)
}

/// Text or call, as a client writes it.
pub(super) fn via(wish: &str) -> Result<Via> {
    match wish.trim() {
        "" | "sms" => Ok(Via::Sms),
        "call" => Ok(Via::Call),
        _ => Err(invalid("via", "Choose sms or call.")),
    }
}
