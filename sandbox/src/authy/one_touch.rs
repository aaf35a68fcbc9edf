//! `approval_requests`: creating an approval request, reading its status.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde_json::{Value, json};

use super::{
    application::{APP_ID, APP_NAME, APP_SERIAL},
    error::AuthyError,
    params::Params,
};
use crate::{
    emulator::Emulator,
    format, random,
    response::ok,
    state::{ApprovalRequest, ApprovalStatus},
};

const DAY_SECONDS: i64 = 86_400;
const MAX_MESSAGE_LENGTH: usize = 200;
const MAX_LABEL_LENGTH: usize = 20;

pub(super) async fn create(
    emulator: Data<Emulator>,
    id: Path<String>,
    params: Params,
) -> Result<HttpResponse, AuthyError> {
    let user = {
        let state = emulator.state();
        let user = state.user(&id).ok_or(AuthyError::UserNotFound)?;
        if !state.has_app(&user.phone) {
            return Err(AuthyError::NoApp);
        }
        user.id
    };
    let message = params
        .text("message")
        .filter(|message| !message.is_empty())
        .ok_or(AuthyError::InvalidParameter("message", "Parameter is required"))?;
    if message.chars().count() > MAX_MESSAGE_LENGTH {
        return Err(AuthyError::InvalidParameter("message", "is too long"));
    }
    let details = params.map("details");
    if details.keys().any(|label| label.chars().count() > MAX_LABEL_LENGTH) {
        return Err(AuthyError::InvalidParameter("details", "has a label that is too long"));
    }
    let lifetime = match params.text("seconds_to_expire").map(|seconds| seconds.parse::<i64>()) {
        None => DAY_SECONDS,
        Some(Ok(seconds @ 0..)) => seconds,
        Some(_) => return Err(AuthyError::InvalidParameter("seconds_to_expire", "must be a valid Integer")),
    };
    let now = emulator.now();
    let request = ApprovalRequest {
        uuid: random::uuid(),
        user,
        message,
        details,
        hidden_details: params.map("hidden_details"),
        logos: logos(&params)?,
        created_ms: now,
        expires_ms: (lifetime > 0).then(|| now.saturating_add(lifetime.saturating_mul(1000))),
        status: ApprovalStatus::Pending,
        answered_ms: None,
    };
    let uuid = request.uuid.clone();
    emulator.update(|state| state.approval_requests.push(request));
    Ok(ok(&json!({"approval_request": {"uuid": uuid}, "success": true})))
}

/// Logos as `{res, url}`, in this order: the callback's signature depends on the order of members
/// below an array.
fn logos(params: &Params) -> Result<Vec<Value>, AuthyError> {
    params
        .elements("logos")
        .into_iter()
        .map(|logo| match (logo["res"].as_str(), logo["url"].as_str()) {
            (Some(res @ ("default" | "low" | "med" | "high")), Some(url)) => {
                Ok(json!({"res": res, "url": url}))
            }
            _ => Err(AuthyError::InvalidParameter("logos", "must have res and url each")),
        })
        .collect()
}

pub(super) async fn status(
    emulator: Data<Emulator>,
    uuid: Path<String>,
    _: Params,
) -> Result<HttpResponse, AuthyError> {
    let (state, now) = (emulator.state(), emulator.now());
    let found = state.approval_requests.iter().find(|request| request.uuid == *uuid);
    let request = found.ok_or_else(|| AuthyError::ApprovalNotFound(uuid.into_inner()))?;
    let email = state.users.get(&request.user).map_or("", |user| &user.email);
    let status = request.status_at(now);
    let answered = request.answered_ms.or(request.expires_ms.filter(|_| status == ApprovalStatus::Expired));
    let mut body = json!({
        "_app_name": APP_NAME,
        "_app_serial_id": APP_SERIAL,
        "_authy_id": request.user,
        "_id": format!("{:0>24}", &request.uuid.replace('-', "")[..24]),
        "_user_email": email,
        "app_id": APP_ID,
        "created_at": format::seconds(request.created_ms),
        "notified": false,
        "processed_at": answered.map(format::seconds),
        "seconds_to_expire": request.expires_ms.map_or(0, |end| (end - request.created_ms) / 1000),
        "status": status,
        "updated_at": format::seconds(answered.unwrap_or(request.created_ms)),
        "user_id": format!("{:024x}", request.user),
        "uuid": request.uuid,
    });
    if request.answered_ms.is_some() {
        body["hidden_details"] = json!(request.hidden_details);
    }
    Ok(ok(&json!({"approval_request": body, "success": true})))
}
