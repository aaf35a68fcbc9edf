//! The second factor, each method by hand.

use actix_session::Session;
use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use shared::{
    ApiError, ApprovalRequestId, PushStatus, Via,
    cookie_api::{
        OneTouchBody, OneTouchRequest, OneTouchStatus, PushSent, TokenSent, TokenValid, VerifyToken,
    },
    routes::cookie_api as paths,
};

use crate::{
    domain::{refusal::Refusal, session::Carrier},
    http::{
        auth::AnySession,
        body::{Body, EmptyBody},
        browser_cookies::set_known_device,
        client::RequestClient,
        cookie::set_session_cookie,
        error::{Error, Result},
        sessions::{code, complete},
    },
    provider::ProviderError,
    services::{
        ServiceError,
        codes::Codes,
        pushes::{Pushes, Wording},
        sessions::Sessions,
        status::StatusReader,
    },
};

/// Send a code by text
#[utoipa::path(
    post, path = paths::SMS, tag = "Cookie API",
    responses(
        (status = 200, description = "A code was sent", body = TokenSent),
        (status = 401, description = "No session", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(in crate::http) async fn sms(
    codes: Data<Codes>,
    session: AnySession,
    client: RequestClient,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Json<TokenSent>> {
    send(&codes, &session, &client, Via::Sms).await
}

/// Send a code by voice
#[utoipa::path(
    post, path = paths::VOICE, tag = "Cookie API",
    responses(
        (status = 200, description = "The phone rings", body = TokenSent),
        (status = 401, description = "No session", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(in crate::http) async fn voice(
    codes: Data<Codes>,
    session: AnySession,
    client: RequestClient,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Json<TokenSent>> {
    send(&codes, &session, &client, Via::Call).await
}

async fn send(
    codes: &Codes,
    AnySession(session): &AnySession,
    RequestClient(client): &RequestClient,
    via: Via,
) -> Result<Json<TokenSent>> {
    let sent = codes.send(session, Some(via), client).await?;
    Ok(Json(TokenSent { success: true, message: sent.message, cellphone: sent.phone }))
}

/// Check a code
///
/// By text, by voice or from an app; then the session is signed in, with a new token.
#[utoipa::path(
    post, path = paths::VERIFY, tag = "Cookie API", request_body = VerifyToken,
    responses(
        (status = 200, description = "Signed in", body = TokenValid),
        (status = 401, description = "No session, or wrong code", body = ApiError),
        (status = 422, description = "Not 4 to 10 digits; also in `error`", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(in crate::http) async fn verify(
    codes: Data<Codes>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(typed): Body<VerifyToken>,
) -> Result<Json<TokenValid>> {
    let code = code("token", &typed.token)?;
    let verified = codes.verify(&session, &code, &client).await?;
    complete(&cookie, &request, &session, &client, &verified)?;
    let by_header = session.carrier() == Carrier::Header;
    Ok(Json(TokenValid {
        success: "true".to_owned(),
        token: "is valid".to_owned(),
        message: "Token is valid.".to_owned(),
        session_token: verified.token.filter(|_| by_header).map(|token| token.reveal().to_owned()),
    }))
}

/// Send an approval request
#[utoipa::path(
    post, path = paths::ONETOUCH, tag = "Cookie API",
    responses(
        (status = 200, description = "The request is on the phone", body = PushSent),
        (status = 401, description = "No session", body = ApiError),
        (status = 409, description = "Approval requests cannot reach this phone, or one is open; also in `err`", body = ApiError),
        (status = 429, description = "Too many requests were not approved", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(in crate::http) async fn one_touch(
    pushes: Data<Pushes>,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Json<PushSent>> {
    let sent = pushes.send(&session, &client, Wording::ByUsername).await;
    let uuid = sent.map_err(|error| match error {
        ServiceError::Provider(ProviderError::NoPush) => Error::from(Refusal::PushUnavailable),
        other => other.into(),
    })?;
    Ok(Json(PushSent { success: true, approval_request: ApprovalRequestId { uuid } }))
}

/// Read its status, and sign in once it is approved
///
/// The answer has both shapes clients read. The first call that sees the approval gives the session its
/// new token.
#[utoipa::path(
    post, path = paths::ONETOUCH_STATUS, tag = "Cookie API",
    responses(
        (status = 200, description = "The status of the newest request", body = OneTouchStatus),
        (status = 401, description = "No session", body = ApiError),
        (status = 404, description = "No approval request was sent", body = ApiError),
    )
)]
pub(in crate::http) async fn one_touch_status(
    sessions: Data<Sessions>,
    reader: Data<StatusReader>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Json<OneTouchStatus>> {
    let push = reader.push(session.token(), session.carrier()).await?;
    if push.status == PushStatus::Unverified {
        return Err(Refusal::NoPush.into());
    }
    let mut session_token = None;
    let approved = push.status == PushStatus::Approved;
    if approved && !session.has_final_token() && sessions.rotates(session.carrier()) {
        let token = sessions.rotate_after_approval(&session).await?;
        set_session_cookie(&cookie, &token)?;
        set_known_device(&request, &session, &client);
        // A cookie has it already, out of reach of scripts.
        let by_header = session.carrier() == Carrier::Header;
        session_token = by_header.then(|| token.reveal().to_owned());
    }
    let request = OneTouchRequest {
        status: push.status,
        uuid: push.reference,
        seconds_to_expire: u32::try_from(push.expires_in.as_secs()).unwrap_or(u32::MAX),
    };
    let body = OneTouchBody { approval_request: request.clone() };
    Ok(Json(OneTouchStatus { success: true, approval_request: request, body, session_token }))
}
