//! `/approvals`: actions a person approves on the phone.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use shared::{ApiError, Approval, ApprovalCreated, NewApproval, PushStatus, Redeemed, routes};

use super::{body::Body, caller::PhoneProven, error::Result};
use crate::{
    domain::{action::Action, push::poll_after_ms},
    flow::second_factor::SecondFactor,
};

/// Ask the phone to approve something
#[utoipa::path(
    post, path = routes::APPROVALS, tag = "Approvals", request_body = NewApproval,
    responses(
        (status = 201, description = "The request is on the phone", body = ApprovalCreated),
        (status = 403, description = "Not signed in, or the phone is not proven", body = ApiError),
        (status = 409, description = "No push can reach this phone", body = ApiError),
        (status = 422, description = "Fields need another look", body = ApiError),
        (status = 429, description = "Too many requests went unanswered", body = ApiError),
        (status = 502, description = "The provider could not", body = ApiError),
    )
)]
pub(super) async fn create(
    parts: Data<SecondFactor>,
    PhoneProven(live): PhoneProven,
    Body(new): Body<NewApproval>,
) -> Result<HttpResponse> {
    let uuid = parts.ask_approval(&live.user, Action::read(new)?).await?;
    Ok(HttpResponse::Created().json(ApprovalCreated { uuid, status: PushStatus::Pending }))
}

/// Read how a request stands
#[utoipa::path(
    get, path = routes::APPROVAL, tag = "Approvals",
    params(("uuid" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "As its owner sees it", body = Approval),
        (status = 404, description = "For anybody else", body = ApiError),
    )
)]
pub(super) async fn read(
    parts: Data<SecondFactor>,
    PhoneProven(live): PhoneProven,
    uuid: Path<String>,
) -> Result<Json<Approval>> {
    let row = parts.approval(&live.user.id, &uuid).await?;
    let now = parts.clock.now();
    let status = row.status.seen_at(now, row.expires_at);
    let millis = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    Ok(Json(Approval {
        uuid: uuid.into_inner(),
        status,
        message: row.message,
        details: serde_json::from_str(&row.details).unwrap_or_default(),
        expires_at: row.expires_at.to_rfc3339(),
        expires_in_ms: millis(row.expires_at.since(now)),
        lifetime_ms: millis(row.expires_at.since(row.created_at)),
        poll_after_ms: poll_after_ms(status, now.since(row.created_at)),
        redeemed: row.redeemed_at.is_some(),
    }))
}

/// Use an approval
///
/// Once, within ten minutes, and only with exactly the data the phone was shown: send it again.
#[utoipa::path(
    post, path = routes::APPROVAL_REDEEM, tag = "Approvals", request_body = NewApproval,
    params(("uuid" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "Approved, and used now", body = Redeemed),
        (status = 403, description = "Something else was approved, or the answer has been used", body = ApiError),
        (status = 404, description = "For anybody but its owner", body = ApiError),
        (status = 409, description = "Not approved", body = ApiError),
    )
)]
pub(super) async fn redeem(
    parts: Data<SecondFactor>,
    PhoneProven(live): PhoneProven,
    uuid: Path<String>,
    Body(data): Body<NewApproval>,
) -> Result<Json<Redeemed>> {
    let at = parts.redeem(&live.user.id, &uuid, &Action::read(data)?).await?;
    Ok(Json(Redeemed { uuid: uuid.into_inner(), redeemed_at: at.to_rfc3339() }))
}
