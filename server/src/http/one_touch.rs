//! How a push stands, and asking once more.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use shared::{ApiError, ApprovalRequest, PushAnswer, PushStatus, StatusAnswer, routes};

use super::{
    body::{Body, Nothing},
    caller::{Live, Presented},
    client,
    error::{Error, Result},
};
use crate::{
    domain::{clock::Timestamp, push::poll_after_ms, refusal::Refusal},
    flow::{
        push::{Attempt, Wording},
        second_factor::SecondFactor,
    },
    store::{
        Glance,
        columns::ChannelColumn,
        sessions::{self, Push, PushView},
    },
};

/// Read how the push stands
///
/// That of this session's newest one; a pure read, and a client may poll it without pause.
#[utoipa::path(
    get, path = routes::AUTHY_STATUS, tag = "Sign-in",
    responses(
        (status = 200, description = "`unverified` where none was asked", body = StatusAnswer),
        (status = 404, description = "No session", body = ApiError),
    )
)]
pub(super) async fn status(
    parts: Data<SecondFactor>,
    glance: Data<Glance>,
    request: HttpRequest,
) -> Result<Json<StatusAnswer>> {
    let presented = Presented::of(&request).ok_or(Refusal::NoSession)?;
    let (hash, now, lifetimes) = (presented.token.hash(), parts.clock.now(), parts.lifetimes);
    let view = glance.read(move |db| sessions::push_by_token(db, &hash, now, lifetimes).map_err(Error::from));
    let PushView { phone: (calling_code, national), last_channel, push } =
        view.await?.ok_or(Refusal::NoSession)?;
    let status =
        push.as_ref().map_or(PushStatus::Unverified, |push| push.status.seen_at(now, push.expires_at));
    let age = push.as_ref().map_or(Duration::ZERO, |push| now.since(push.created_at));
    Ok(Json(StatusAnswer {
        status,
        poll_after_ms: poll_after_ms(status, age),
        phone: shared::phone::mask(&calling_code, &national),
        last_channel: last_channel.map(|ChannelColumn(channel)| channel),
        approval_request: push.and_then(|push| as_seen(push, now)),
    }))
}

fn as_seen(push: Push, now: Timestamp) -> Option<ApprovalRequest> {
    let millis = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    Some(ApprovalRequest {
        uuid: push.reference?,
        message: push.message,
        details: serde_json::from_str(&push.details).unwrap_or_default(),
        expires_at: push.expires_at.to_rfc3339(),
        expires_in_ms: millis(push.expires_at.since(now)),
        lifetime_ms: millis(push.expires_at.since(push.created_at)),
    })
}

/// Ask the phone again
///
/// By the person's wish only: after a denial, or when nobody answered.
#[utoipa::path(
    post, path = routes::SESSION_PUSH, tag = "Sign-in",
    responses(
        (status = 200, description = "What the phone was asked", body = PushAnswer),
        (status = 404, description = "No session", body = ApiError),
        (status = 409, description = "A request is open", body = ApiError),
        (status = 429, description = "Too many requests went unanswered", body = ApiError),
        (status = 502, description = "Neither a push nor a code could be sent", body = ApiError),
    )
)]
pub(super) async fn ask_again(
    parts: Data<SecondFactor>,
    live: Live,
    client: client::From,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<PushAnswer>> {
    let attempt = Attempt {
        session_id: live.session.id,
        browser: client.0.browser,
        address: client.0.address,
        wording: Wording::ByNumber,
    };
    Ok(Json(parts.ask_again(&live.user, &attempt).await?))
}
