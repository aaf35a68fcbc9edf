//! The status of the approval request, and sending another one.

use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use shared::{ApiError, PushAnswer, StatusAnswer, routes};

use super::{
    auth::{AnySession, RequestToken},
    body::{Body, EmptyBody},
    client::RequestClient,
    error::Result,
};
use crate::{
    domain::refusal::Refusal,
    services::{pushes::Pushes, status::StatusReader},
};

/// Read the status of the approval request
///
/// That of this session's newest one; a pure read, and a client may poll it without pause.
#[utoipa::path(
    get, path = routes::AUTHY_STATUS, tag = "Sign-in",
    responses(
        (status = 200, description = "`unverified` if none was sent", body = StatusAnswer),
        (status = 404, description = "No session", body = ApiError),
    )
)]
pub(super) async fn status(reader: Data<StatusReader>, request: HttpRequest) -> Result<Json<StatusAnswer>> {
    let RequestToken { token, carrier } = RequestToken::of(&request).ok_or(Refusal::NoSession)?;
    Ok(Json(reader.status(&token, carrier).await?))
}

/// Send another approval request
///
/// By the person's wish only: after a denial, or when it has expired.
#[utoipa::path(
    post, path = routes::SESSION_PUSH, tag = "Sign-in",
    responses(
        (status = 200, description = "What was sent to the phone", body = PushAnswer),
        (status = 404, description = "No session", body = ApiError),
        (status = 409, description = "A request is open", body = ApiError),
        (status = 429, description = "Too many requests were not approved", body = ApiError),
        (status = 502, description = "Neither a request nor a code could be sent", body = ApiError),
    )
)]
pub(super) async fn ask_again(
    pushes: Data<Pushes>,
    AnySession(session): AnySession,
    RequestClient(client): RequestClient,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Json<PushAnswer>> {
    Ok(Json(pushes.ask_again(&session, &client).await?))
}
