//! `/approvals`: actions a person approves on the phone.

use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use shared::{ApiError, Approval, ApprovalCreated, NewApproval, PushStatus, Redeemed, routes};

use super::{auth::VerifiedPhone, body::Body, client::RequestClient, error::Result};
use crate::{domain::action::Action, services::actions::Actions};

/// Ask the phone to approve something
#[utoipa::path(
    post, path = routes::APPROVALS, tag = "Approvals", request_body = NewApproval,
    responses(
        (status = 201, description = "The request is on the phone", body = ApprovalCreated),
        (status = 403, description = "Not signed in, or the phone is not verified", body = ApiError),
        (status = 409, description = "Approval requests cannot reach this phone", body = ApiError),
        (status = 422, description = "Fields are wrong", body = ApiError),
        (status = 429, description = "Too many requests were not approved", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(super) async fn create(
    actions: Data<Actions>,
    RequestClient(client): RequestClient,
    VerifiedPhone(session): VerifiedPhone,
    Body(new): Body<NewApproval>,
) -> Result<HttpResponse> {
    let uuid = actions.ask(&session, Action::read(new)?, &client).await?;
    Ok(HttpResponse::Created().json(ApprovalCreated { uuid, status: PushStatus::Pending }))
}

/// Read the status of a request
#[utoipa::path(
    get, path = routes::APPROVAL, tag = "Approvals",
    params(("uuid" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "As its owner sees it", body = Approval),
        (status = 404, description = "For anybody else", body = ApiError),
    )
)]
pub(super) async fn read(
    actions: Data<Actions>,
    VerifiedPhone(session): VerifiedPhone,
    uuid: Path<String>,
) -> Result<Json<Approval>> {
    Ok(Json(actions.read(&session, &uuid).await?))
}

/// Use an approval
///
/// Once, within ten minutes, and only with exactly the data the phone was shown: send it again.
#[utoipa::path(
    post, path = routes::APPROVAL_REDEEM, tag = "Approvals", request_body = NewApproval,
    params(("uuid" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "Approved, and used now", body = Redeemed),
        (status = 403, description = "The data differs, or the approval was used", body = ApiError),
        (status = 404, description = "For anybody but its owner", body = ApiError),
        (status = 409, description = "Not approved", body = ApiError),
    )
)]
pub(super) async fn redeem(
    actions: Data<Actions>,
    RequestClient(client): RequestClient,
    VerifiedPhone(session): VerifiedPhone,
    uuid: Path<String>,
    Body(data): Body<NewApproval>,
) -> Result<Json<Redeemed>> {
    let at = actions.redeem(&session, &uuid, &Action::read(data)?, &client).await?;
    Ok(Json(Redeemed { uuid: uuid.into_inner(), redeemed_at: at.to_rfc3339() }))
}
