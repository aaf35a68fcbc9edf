//! Making an account, the password, and the page a browser belongs on.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use serde_json::json;
use shared::{
    ApiError, Login, NewUser, TokenAnswer,
    cookie_api::{Protected, Register, Whereabouts},
    routes::{cookie_api as paths, page},
};

use crate::{
    domain::session::{Carrier, Origin},
    http::{
        Network,
        auth::{RequestToken, VerifiedPhone, current_session, note_user},
        body::{Body, EmptyBody},
        client::RequestClient,
        cookie::set_session_cookie,
        error::{Error, Result, invalid},
        headers::TOKEN,
        origin::foreign_navigation,
        sessions::answer_token,
    },
    services::{
        accounts::Accounts,
        sessions::{CurrentSession, Sessions},
    },
};

/// Make an account
///
/// The session is pending: a second factor has to pass first.
#[utoipa::path(
    post, path = paths::REGISTER, tag = "Cookie API", request_body = Register, security(()),
    responses(
        (status = 200, description = "A pending session", body = TokenAnswer),
        (status = 409, description = "E-mail or username are taken; also in `err`", body = ApiError),
        (status = 422, description = "Fields are wrong; also in `error`", body = ApiError),
        (status = 502, description = "The provider could not enrol the phone", body = ApiError),
    )
)]
pub(in crate::http) async fn register(
    accounts: Data<Accounts>,
    cookie: Session,
    RequestClient(client): RequestClient,
    Body(new): Body<Register>,
) -> Result<Json<TokenAnswer>> {
    if new.username.trim().is_empty() {
        return Err(invalid("username", "Choose a username."));
    }
    let new = NewUser {
        full_name: new.username.clone(),
        username: new.username,
        email: new.email,
        password: new.password,
        country_code: new.country_code,
        phone: new.phone_number,
    };
    let opened = accounts.register(new, Origin::Password, &client).await?;
    note_user(&opened);
    set_session_cookie(&cookie, opened.token())?;
    Ok(Json(TokenAnswer { token: answer_token(&opened, opened.token()) }))
}

/// Check a password
///
/// Nothing is sent yet: the person chooses the sign-in method.
#[utoipa::path(
    post, path = paths::LOGIN, tag = "Cookie API", request_body = Login, security(()),
    responses(
        (status = 200, description = "A pending session with a new token", body = TokenAnswer),
        (status = 401, description = "Unknown account or wrong password", body = ApiError),
        (status = 429, description = "Too many wrong passwords", body = ApiError),
    )
)]
pub(in crate::http) async fn log_in(
    accounts: Data<Accounts>,
    cookie: Session,
    RequestClient(client): RequestClient,
    Body(login): Body<Login>,
) -> Result<Json<TokenAnswer>> {
    let opened = accounts.open(login, &client).await?;
    note_user(&opened);
    set_session_cookie(&cookie, opened.token())?;
    Ok(Json(TokenAnswer { token: answer_token(&opened, opened.token()) }))
}

/// End the session
#[utoipa::path(
    get, path = paths::LOGOUT, tag = "Cookie API",
    responses((status = 200, description = "It has ended, if there was one"))
)]
pub(in crate::http) async fn log_out(
    sessions: Data<Sessions>,
    network: Data<Network>,
    cookie: Session,
    RequestClient(client): RequestClient,
    request: HttpRequest,
) -> Result<HttpResponse> {
    // A GET that changes something: no page of another site may make a browser send it.
    let by_header = request.headers().contains_key(&*TOKEN);
    if !by_header && let Some(foreign) = foreign_navigation(&request, &network.origin(&request)) {
        return Err(Error::ForeignOrigin(foreign));
    }
    if let Some(RequestToken { token, carrier }) = RequestToken::of(&request) {
        sessions.end_by_token(&token, carrier, &client).await?;
        if carrier == Carrier::Cookie {
            cookie.purge();
        }
    }
    Ok(HttpResponse::Ok().json(json!({"message": "You're signed out."})))
}

/// The page this browser belongs on
#[utoipa::path(
    post, path = paths::LOGGED_IN, tag = "Cookie API",
    responses((status = 200, description = "A page", body = Whereabouts))
)]
pub(in crate::http) async fn logged_in(
    sessions: Data<Sessions>,
    request: HttpRequest,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Json<Whereabouts>> {
    let current = current_session(&request).await?;
    let verified_phone = current.as_ref().and_then(CurrentSession::verified_phone).map(str::to_owned);
    let url = match current.and_then(CurrentSession::into_user_session) {
        None => page::LOG_IN,
        Some(session) if !sessions.is_signed_in(&session) => page::METHODS,
        Some(session) if !session.user().is_phone_verified() => page::VERIFICATION,
        Some(_) => page::PROTECTED,
    };
    Ok(Json(Whereabouts { url: url.to_owned(), verified_phone }))
}

/// Read what a complete sign-in opens
#[utoipa::path(
    get, path = paths::PROTECTED, tag = "Cookie API",
    responses(
        (status = 200, description = "The content", body = Protected),
        (status = 401, description = "No session", body = ApiError),
        (status = 403, description = "The second factor is missing, or the phone is not verified", body = ApiError),
    )
)]
pub(in crate::http) async fn protected(VerifiedPhone(session): VerifiedPhone) -> Json<Protected> {
    let message = "You're signed in: this page is for you alone.".to_owned();
    let user = session.user();
    Json(Protected { message, username: user.username.clone().unwrap_or_else(|| user.email.clone()) })
}

/// Say that the server answers
#[utoipa::path(
    post, path = paths::TEST, tag = "Cookie API", security(()),
    responses((status = 200, description = "`connected` is true"))
)]
pub(in crate::http) async fn test() -> HttpResponse {
    HttpResponse::Ok().json(json!({"connected": true}))
}
