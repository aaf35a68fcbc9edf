//! Sending another approval request.

use actix_web::web::{Data, Json};
use shared::{ApiError, PushAnswer, routes};

use super::{
    auth::AnySession,
    body::{Body, EmptyBody},
    client::RequestClient,
    error::Result,
};
use crate::services::pushes::Pushes;

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
