//! Recovery codes, and the number that a phone shows.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use shared::{ApiError, MatchNumber, Recover, RecoveryCodes, RecoveryCodesLeft, TokenAnswer, routes};

use super::{
    auth::{AnySession, SignedIn, VerifiedPhone},
    body::{Body, EmptyBody},
    browser_cookies::remember,
    client::RequestClient,
    error::Result,
    sessions::{answer_token, complete},
};
use crate::{
    domain::clock::Timestamp,
    services::{number_match::NumberMatch, recovery::Recovery},
};

/// Make recovery codes
///
/// Ten codes, answered once; each completes one sign-in without the phone. The set before them is void. A factor must
/// have passed in this session within 20 minutes.
#[utoipa::path(
    post, path = routes::RECOVERY_CODES, tag = "Account",
    responses(
        (status = 201, description = "The codes", body = RecoveryCodes),
        (status = 403, description = "Not signed in, phone not verified, or step-up required", body = ApiError),
    )
)]
pub(super) async fn make(
    recovery: Data<Recovery>,
    RequestClient(client): RequestClient,
    VerifiedPhone(session): VerifiedPhone,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<HttpResponse> {
    let codes = recovery.make(&session, &client).await?;
    Ok(HttpResponse::Created().json(RecoveryCodes { codes }))
}

/// Count recovery codes
#[utoipa::path(
    get, path = routes::RECOVERY_CODES, tag = "Account",
    responses(
        (status = 200, description = "How many were not used yet", body = RecoveryCodesLeft),
        (status = 403, description = "Not signed in", body = ApiError),
    )
)]
pub(super) async fn left(
    recovery: Data<Recovery>,
    SignedIn(session): SignedIn,
) -> Result<Json<RecoveryCodesLeft>> {
    let left = recovery.left(&session).await?;
    Ok(Json(RecoveryCodesLeft {
        left: left.map_or(0, |(left, _)| left),
        created_at: left.map(|(_, made_at)| Timestamp::to_rfc3339(made_at)),
    }))
}

/// Use a recovery code
///
/// In place of the second factor. Codes have a budget of their own, which other wrong codes do not use up.
#[utoipa::path(
    post, path = routes::SESSION_RECOVER, tag = "Sign-in", request_body = Recover,
    responses(
        (status = 200, description = "Signed in; a new token for cookies", body = TokenAnswer),
        (status = 401, description = "Wrong code, or one used before", body = ApiError),
        (status = 404, description = "No session", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(super) async fn recover(
    recovery: Data<Recovery>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(typed): Body<Recover>,
) -> Result<Json<TokenAnswer>> {
    let verified = recovery.recover(&session, &typed.code, &client).await?;
    complete(&cookie, &request, &session, &client, &verified)?;
    remember(&request, &session, &client, typed.remember_device).await?;
    let token = verified.token.as_ref().unwrap_or(session.token());
    Ok(Json(TokenAnswer { token: answer_token(&session, token) }))
}

/// Give the number that the phone shows
///
/// It is judged after the request was approved, for 60 seconds. The third wrong one denies the request.
#[utoipa::path(
    post, path = routes::SESSION_PUSH_MATCH, tag = "Sign-in", request_body = MatchNumber,
    responses(
        (status = 200, description = "Signed in; a new token for cookies", body = TokenAnswer),
        (status = 401, description = "Wrong number", body = ApiError),
        (status = 404, description = "No session", body = ApiError),
        (status = 409, description = "Not approved yet, or no number is asked for", body = ApiError),
        (status = 422, description = "Not two digits", body = ApiError),
    )
)]
pub(super) async fn match_number(
    numbers: Data<NumberMatch>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(typed): Body<MatchNumber>,
) -> Result<Json<TokenAnswer>> {
    let verified = numbers.judge(&session, &typed.number, &client).await?;
    complete(&cookie, &request, &session, &client, &verified)?;
    remember(&request, &session, &client, typed.remember_device).await?;
    let token = verified.token.as_ref().unwrap_or(session.token());
    Ok(Json(TokenAnswer { token: answer_token(&session, token) }))
}
