//! The phone's half, every channel by hand.

use actix_session::Session;
use actix_web::web::{Data, Json};
use shared::{
    ApiError, ApprovalRequestId, PushStatus, Via,
    cookie_api::{
        OneTouchBody, OneTouchRequest, OneTouchStatus, PushSent, TokenSent, TokenValid, VerifyToken,
    },
    routes::cookie_api as paths,
};

use crate::{
    domain::{
        refusal::Refusal,
        rights::{Carrier, Rights, TokenRotation},
    },
    flow::{
        Failure,
        push::{Attempt, Wording},
        second_factor::SecondFactor,
    },
    http::{
        body::{Body, Nothing},
        caller::Live,
        client, cookie,
        error::{Error, Result},
        sessions,
    },
    provider::ProviderError,
    store,
};

async fn send(parts: &SecondFactor, live: &Live, via: Via) -> Result<Json<TokenSent>> {
    let sent = parts.send(&live.user, &live.session.id, via).await?;
    Ok(Json(TokenSent { success: true, message: sent.message, cellphone: sent.phone }))
}

/// Send a code by text
#[utoipa::path(
    post, path = paths::SMS, tag = "Cookie API",
    responses(
        (status = 200, description = "It is on its way", body = TokenSent),
        (status = 401, description = "No session", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider could not", body = ApiError),
    )
)]
pub(in crate::http) async fn sms(
    parts: Data<SecondFactor>,
    live: Live,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<TokenSent>> {
    send(&parts, &live, Via::Sms).await
}

/// Send a code by voice
#[utoipa::path(
    post, path = paths::VOICE, tag = "Cookie API",
    responses(
        (status = 200, description = "The phone rings", body = TokenSent),
        (status = 401, description = "No session", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider could not", body = ApiError),
    )
)]
pub(in crate::http) async fn voice(
    parts: Data<SecondFactor>,
    live: Live,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<TokenSent>> {
    send(&parts, &live, Via::Call).await
}

/// Check a code
///
/// By text, by voice or from an app alike; then the session is signed in, under a new id.
#[utoipa::path(
    post, path = paths::VERIFY, tag = "Cookie API", request_body = VerifyToken,
    responses(
        (status = 200, description = "Signed in", body = TokenValid),
        (status = 401, description = "No session, or not the code", body = ApiError),
        (status = 422, description = "Not 4 to 10 digits; also in `error`", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(in crate::http) async fn verify(
    parts: Data<SecondFactor>,
    rotation: Data<TokenRotation>,
    session: Session,
    live: Live,
    Body(typed): Body<VerifyToken>,
) -> Result<Json<TokenValid>> {
    let carrier = live.presented.carrier;
    let verified = sessions::check(&parts, **rotation, &session, live, "token", &typed.token).await?;
    Ok(Json(TokenValid {
        success: "true".to_owned(),
        token: "is valid".to_owned(),
        message: "Token is valid.".to_owned(),
        session_token: verified
            .token
            .filter(|_| carrier == Carrier::Header)
            .map(|token| token.reveal().to_owned()),
    }))
}

/// Ask the phone
#[utoipa::path(
    post, path = paths::ONETOUCH, tag = "Cookie API",
    responses(
        (status = 200, description = "The request is on the phone", body = PushSent),
        (status = 401, description = "No session", body = ApiError),
        (status = 409, description = "No push can reach this phone, or one is open; also in `err`", body = ApiError),
        (status = 429, description = "Too many requests went unanswered", body = ApiError),
        (status = 502, description = "The provider could not", body = ApiError),
    )
)]
pub(in crate::http) async fn one_touch(
    parts: Data<SecondFactor>,
    client: client::From,
    live: Live,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<PushSent>> {
    let attempt = Attempt {
        session_id: live.session.id,
        browser: client.0.browser,
        address: client.0.address,
        wording: Wording::ByUsername,
    };
    let uuid = parts.push(&live.user, &attempt).await.map_err(|failure| match failure {
        Failure::Provider(ProviderError::NoPush) => Error::from(Refusal::PushUnavailable),
        other => other.into(),
    })?;
    Ok(Json(PushSent { success: true, approval_request: ApprovalRequestId { uuid } }))
}

/// Read how that stands, and sign in once it is approved
///
/// The answer has both shapes clients read. An approval is used by the first call that sees it: the
/// session gets its new id there.
#[utoipa::path(
    post, path = paths::ONETOUCH_STATUS, tag = "Cookie API",
    responses(
        (status = 200, description = "How the newest push stands", body = OneTouchStatus),
        (status = 401, description = "No session", body = ApiError),
        (status = 404, description = "The phone has not been asked", body = ApiError),
    )
)]
pub(in crate::http) async fn one_touch_status(
    parts: Data<SecondFactor>,
    rotation: Data<TokenRotation>,
    session: Session,
    live: Live,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<OneTouchStatus>> {
    let (hash, now, lifetimes) = (live.presented.token.hash(), parts.clock.now(), parts.lifetimes);
    let view = parts
        .store
        .read(move |db| store::sessions::push_by_token(db, &hash, now, lifetimes).map_err(Error::from));
    let push = view.await?.and_then(|view| view.push).ok_or(Refusal::NoPush)?;
    let status = push.status.seen_at(now, push.expires_at);
    if status == PushStatus::Unverified {
        return Err(Refusal::NoPush.into());
    }
    let mut session_token = None;
    if status == PushStatus::Approved
        && live.session.rights != Rights::SignedIn
        && rotation.changes(live.presented.carrier)
    {
        let token = parts.go_on(&live.session.id, &live.presented.token).await?;
        cookie::hand_out(&session, &token)?;
        // A cookie has it already, out of reach of scripts.
        let by_header = live.presented.carrier == Carrier::Header;
        session_token = by_header.then(|| token.reveal().to_owned());
    }
    let request = OneTouchRequest {
        status,
        uuid: push.reference,
        seconds_to_expire: u32::try_from(push.expires_at.since(now).as_secs()).unwrap_or(u32::MAX),
    };
    let body = OneTouchBody { approval_request: request.clone() };
    Ok(Json(OneTouchStatus { success: true, approval_request: request, body, session_token }))
}
