//! `/session`: the password, codes, continuing after an approval, signing out.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use serde_json::json;
use shared::{
    ApiError, CodeSent, ContinueSession, Login, LoginAnswer, Resend, TokenAnswer, VerifyCode, Via, routes,
};

use super::{
    auth::{AnySession, note_user, user_session},
    body::Body,
    browser_cookies::{remember, set_known_device, set_remembered},
    client::RequestClient,
    cookie::set_session_cookie,
    error::{Result, invalid},
};
use crate::{
    domain::{client::Client, code::Code, ids::Token, refusal::Refusal, session::Carrier},
    services::{
        accounts::{Accounts, BegunSignIn},
        code_checks::Verified,
        codes::Codes,
        sessions::{Sessions, UserSession},
    },
};

/// The token an answer may hold: none for a session that is carried by the cookie alone.
pub(super) fn answer_token(session: &UserSession, token: &Token) -> Option<String> {
    (!session.is_cookie_only()).then(|| token.reveal().to_owned())
}

/// Check a password and ask the phone
///
/// An approval request is sent; where that is impossible, a code by text. Where nothing could be sent
/// and another sign-in method is enrolled, the answer says so.
#[utoipa::path(
    post, path = routes::SESSION, tag = "Sign-in", request_body = Login, security(()),
    responses(
        (status = 200, description = "A pending session, and what was sent to the phone", body = LoginAnswer),
        (status = 403, description = "Unknown account or wrong password", body = ApiError),
        (status = 429, description = "Too many wrong passwords", body = ApiError),
        (status = 502, description = "The phone could not be asked; there is no session", body = ApiError),
        (status = 503, description = "Too much password work is waiting; see `Retry-After`", body = ApiError),
    )
)]
pub(super) async fn create(
    accounts: Data<Accounts>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    Body(login): Body<Login>,
) -> Result<Json<LoginAnswer>> {
    let BegunSignIn { session, answer: authy_response, remembered } = accounts.log_in(login, &client).await?;
    note_user(&session);
    if let Some(remembered) = remembered {
        set_remembered(&request, &remembered);
    }
    set_session_cookie(&cookie, session.token())?;
    Ok(Json(LoginAnswer { token: answer_token(&session, session.token()), authy_response }))
}

/// End the session
#[utoipa::path(
    delete, path = routes::SESSION, tag = "Sign-in",
    responses(
        (status = 200, description = "It has ended"),
        (status = 403, description = "There was none", body = ApiError),
    )
)]
pub(super) async fn delete(
    sessions: Data<Sessions>,
    cookie: Session,
    RequestClient(client): RequestClient,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let session = user_session(&request).await?.ok_or(Refusal::NotSignedIn)?;
    sessions.end(&session, &client).await?;
    if session.carrier() == Carrier::Cookie {
        cookie.purge();
    }
    // Not "cookies": that would also end sessions other applications have on this host's domain.
    Ok(HttpResponse::Ok()
        .insert_header(("Clear-Site-Data", r#""cache", "storage""#))
        .json(json!({"message": "You're signed out."})))
}

/// Continue after an approval
///
/// The session gets a new token; the old one is dead.
#[utoipa::path(
    post, path = routes::SESSION_CONTINUE, tag = "Sign-in", request_body = ContinueSession,
    responses(
        (status = 200, description = "The new token", body = TokenAnswer),
        (status = 404, description = "No session", body = ApiError),
        (status = 409, description = "Not approved", body = ApiError),
    )
)]
pub(super) async fn rotate(
    sessions: Data<Sessions>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(wish): Body<ContinueSession>,
) -> Result<Json<TokenAnswer>> {
    let token = sessions.rotate_after_approval(&session).await?;
    set_session_cookie(&cookie, &token)?;
    set_known_device(&request, &session, &client);
    remember(&request, &session, &client, wish.remember_device).await?;
    Ok(Json(TokenAnswer { token: answer_token(&session, &token) }))
}

/// Send a code
///
/// By text or by call, and by WhatsApp or e-mail where they are allowed; also to people who have the app. Where a
/// text cannot reach the phone it is called instead, and `via` says so.
#[utoipa::path(
    post, path = routes::SESSION_RESEND, tag = "Sign-in", request_body = Resend,
    responses(
        (status = 200, description = "A code was sent", body = CodeSent),
        (status = 404, description = "No session", body = ApiError),
        (status = 422, description = "A way that is not allowed", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(super) async fn resend(
    codes: Data<Codes>,
    AnySession(session): AnySession,
    RequestClient(client): RequestClient,
    Body(wish): Body<Resend>,
) -> Result<Json<CodeSent>> {
    Ok(Json(codes.send(&session, via(&wish.via)?, &client).await?))
}

/// Check a code
///
/// By text, by call, from the app or from an authenticator app.
#[utoipa::path(
    post, path = routes::SESSION_VERIFY, tag = "Sign-in", request_body = VerifyCode,
    responses(
        (status = 200, description = "Signed in; a new token for cookies", body = TokenAnswer),
        (status = 401, description = "Wrong code, or one used before", body = ApiError),
        (status = 404, description = "No session", body = ApiError),
        (status = 422, description = "Not 4 to 10 digits", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
        (status = 502, description = "The provider could not tell", body = ApiError),
    )
)]
pub(super) async fn verify(
    codes: Data<Codes>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(typed): Body<VerifyCode>,
) -> Result<Json<TokenAnswer>> {
    let code = code("code", &typed.code)?;
    let verified = codes.verify(&session, &code, &client).await?;
    complete(&cookie, &request, &session, &client, &verified)?;
    remember(&request, &session, &client, typed.remember_device).await?;
    let token = verified.token.as_ref().unwrap_or(session.token());
    Ok(Json(TokenAnswer { token: answer_token(&session, token) }))
}

/// A code was right: the cookie gets the session's new token, and the device is known from now on.
pub(super) fn complete(
    cookie: &Session,
    request: &HttpRequest,
    session: &UserSession,
    client: &Client,
    verified: &Verified,
) -> Result<()> {
    if let Some(token) = &verified.token {
        set_session_cookie(cookie, token)?;
    }
    set_known_device(request, session, client);
    Ok(())
}

/// A code as typed into `field`.
pub(super) fn code(field: &'static str, typed: &str) -> Result<Code> {
    Code::read(typed).ok_or_else(|| invalid(field, "Enter 4 to 10 digits."))
}

/// How a code is to be sent, as a client writes it; `None` where it does not care.
pub(super) fn via(wish: &str) -> Result<Option<Via>> {
    match wish.trim() {
        "" => Ok(None),
        name => Via::from_name(name)
            .map(Some)
            .ok_or_else(|| invalid("via", "Choose sms, call, whatsapp or email.")),
    }
}
