//! Making an account, the password, and where a browser belongs.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use serde_json::json;
use shared::{
    ApiError, Login, NewUser, TokenAnswer,
    cookie_api::{Protected, Register, Whereabouts},
    routes::{TOKEN_HEADER, cookie_api as paths, page},
};

use crate::{
    domain::rights::{Carrier, Rights},
    flow::{accounts::Accounts, second_factor::SecondFactor},
    http::{
        Network,
        body::{Body, Nothing},
        caller::{Live, PhoneProven, Presented, Visitor},
        client, cookie,
        error::{Error, Result},
    },
    store::sessions,
};

/// Make an account
///
/// The session is pending: the phone has to answer first.
#[utoipa::path(
    post, path = paths::REGISTER, tag = "Cookie API", request_body = Register, security(()),
    responses(
        (status = 200, description = "A pending session", body = TokenAnswer),
        (status = 409, description = "E-mail or username are taken; also in `err`", body = ApiError),
        (status = 422, description = "Fields need another look; also in `error`", body = ApiError),
        (status = 502, description = "The provider could not enrol the phone", body = ApiError),
    )
)]
pub(in crate::http) async fn register(
    accounts: Data<Accounts>,
    session: Session,
    client: client::From,
    Body(new): Body<Register>,
) -> Result<Json<TokenAnswer>> {
    if new.username.trim().is_empty() {
        return Err(crate::http::error::invalid("username", "Choose a username."));
    }
    let new = NewUser {
        full_name: new.username.clone(),
        username: new.username,
        email: new.email,
        password: new.password,
        country_code: new.country_code,
        phone: new.phone_number,
    };
    let opened = accounts.register(new, Rights::Pending, &client.0).await?;
    cookie::hand_out(&session, &opened.token)?;
    Ok(Json(TokenAnswer { token: opened.token.reveal().to_owned() }))
}

/// Check a password
///
/// Nothing is sent yet: the person chooses how the phone is asked.
#[utoipa::path(
    post, path = paths::LOGIN, tag = "Cookie API", request_body = Login, security(()),
    responses(
        (status = 200, description = "A pending session, under a new id", body = TokenAnswer),
        (status = 401, description = "Unknown account or wrong password", body = ApiError),
        (status = 429, description = "Too many wrong passwords", body = ApiError),
    )
)]
pub(in crate::http) async fn log_in(
    accounts: Data<Accounts>,
    session: Session,
    client: client::From,
    Body(login): Body<Login>,
) -> Result<Json<TokenAnswer>> {
    let (_, opened) = accounts.open(login, &client.0).await?;
    cookie::hand_out(&session, &opened.token)?;
    Ok(Json(TokenAnswer { token: opened.token.reveal().to_owned() }))
}

/// End the session
#[utoipa::path(
    get, path = paths::LOGOUT, tag = "Cookie API",
    responses((status = 200, description = "There is none any more"))
)]
pub(in crate::http) async fn log_out(
    parts: Data<SecondFactor>,
    network: Data<Network>,
    session: Session,
    request: HttpRequest,
) -> Result<HttpResponse> {
    // A GET that changes something: no page of another site may make a browser send it.
    let by_header = request.headers().contains_key(TOKEN_HEADER);
    if !by_header && client::is_foreign(&request, &network.origin(&request)) {
        return Err(Error::ForeignOrigin);
    }
    if let Some(presented) = Presented::of(&request) {
        let hash = presented.token.hash();
        parts.store.write(move |db| sessions::delete_by_token(db, &hash).map_err(Error::from)).await?;
        if presented.carrier == Carrier::Cookie {
            session.purge();
        }
    }
    Ok(HttpResponse::Ok().json(json!({"message": "Signed out."})))
}

/// Where this browser belongs
#[utoipa::path(
    post, path = paths::LOGGED_IN, tag = "Cookie API",
    responses((status = 200, description = "A page", body = Whereabouts))
)]
pub(in crate::http) async fn logged_in(
    request: HttpRequest,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Whereabouts>> {
    let proven_phone = Visitor::find(&request).await?.and_then(|(visit, _)| visit.proven_phone);
    let url = match Live::of(request).await? {
        None => page::LOG_IN,
        Some(live) if live.session.rights != Rights::SignedIn => page::METHODS,
        Some(live) if live.user.phone_proven_at.is_none() => page::VERIFICATION,
        Some(_) => page::PROTECTED,
    };
    Ok(Json(Whereabouts { url: url.to_owned(), proven_phone }))
}

/// Read what only both halves open
#[utoipa::path(
    get, path = paths::PROTECTED, tag = "Cookie API",
    responses(
        (status = 200, description = "The content", body = Protected),
        (status = 401, description = "No session", body = ApiError),
        (status = 403, description = "The phone has not answered, or was never proven", body = ApiError),
    )
)]
pub(in crate::http) async fn protected(PhoneProven(live): PhoneProven) -> Json<Protected> {
    let message = "Both halves met: this page is for you alone.".to_owned();
    Json(Protected { message, username: live.user.username.unwrap_or(live.user.email) })
}

/// Say that the server is there
#[utoipa::path(
    post, path = paths::TEST, tag = "Cookie API", security(()),
    responses((status = 200, description = "`connected` is true"))
)]
pub(in crate::http) async fn test() -> HttpResponse {
    HttpResponse::Ok().json(json!({"connected": true}))
}
