//! `approval_requests`: the push.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde_json::{Value, json};

use super::{APP_ID, APP_NAME, APP_SERIAL};
use crate::{
    Emulator,
    answer::{Refusal, ok},
    params::Params,
    view::seconds,
    world::{Answer, Approval, random_uuid},
};

const DAY_S: i64 = 86_400;
const LONGEST_MESSAGE: usize = 200;
const LONGEST_LABEL: usize = 20;

pub(super) async fn create(
    emulator: Data<Emulator>,
    id: Path<String>,
    params: Params,
) -> Result<HttpResponse, Refusal> {
    let user = {
        let world = emulator.world();
        let user = world.user(&id).ok_or(Refusal::UserNotFound)?;
        if !world.has_app(&user.phone) {
            return Err(Refusal::NoApp);
        }
        user.id
    };
    let message = params
        .text("message")
        .filter(|message| !message.is_empty())
        .ok_or(Refusal::InvalidParameter("message", "Parameter is required"))?;
    if message.chars().count() > LONGEST_MESSAGE {
        return Err(Refusal::InvalidParameter("message", "is too long"));
    }
    let details = params.map("details");
    if details.keys().any(|label| label.chars().count() > LONGEST_LABEL) {
        return Err(Refusal::InvalidParameter("details", "has a label that is too long"));
    }
    let life = match params.text("seconds_to_expire").map(|life| life.parse::<i64>()) {
        None => DAY_S,
        Some(Ok(life @ 0..)) => life,
        Some(_) => return Err(Refusal::InvalidParameter("seconds_to_expire", "must be a valid Integer")),
    };
    let now = emulator.now();
    let approval = Approval {
        uuid: random_uuid(),
        user,
        message,
        details,
        hidden_details: params.map("hidden_details"),
        logos: logos(&params)?,
        created_ms: now,
        expires_ms: (life > 0).then(|| now.saturating_add(life.saturating_mul(1000))),
        answer: Answer::Pending,
        answered_ms: None,
    };
    let uuid = approval.uuid.clone();
    emulator.change(|world| world.approvals.push(approval));
    Ok(ok(&json!({"approval_request": {"uuid": uuid}, "success": true})))
}

/// Logos as `{res, url}`, in this order: below an array the signature keeps the order of members.
fn logos(params: &Params) -> Result<Vec<Value>, Refusal> {
    let given = match params.get("logos") {
        Some(Value::Array(logos)) => logos.as_slice(),
        _ => &[],
    };
    given
        .iter()
        .map(|logo| match (logo["res"].as_str(), logo["url"].as_str()) {
            (Some(res @ ("default" | "low" | "med" | "high")), Some(url)) => {
                Ok(json!({"res": res, "url": url}))
            }
            _ => Err(Refusal::InvalidParameter("logos", "must have res and url each")),
        })
        .collect()
}

pub(super) async fn status(
    emulator: Data<Emulator>,
    uuid: Path<String>,
    _: Params,
) -> Result<HttpResponse, Refusal> {
    let (world, now) = (emulator.world(), emulator.now());
    let found = world.approvals.iter().find(|approval| approval.uuid == *uuid);
    let approval = found.ok_or_else(|| Refusal::ApprovalNotFound(uuid.into_inner()))?;
    let email = world.users.get(&approval.user).map_or("", |user| &user.email);
    let answer = approval.answer_at(now);
    let answered = approval.answered_ms.or(approval.expires_ms.filter(|_| answer == Answer::Expired));
    let mut body = json!({
        "_app_name": APP_NAME,
        "_app_serial_id": APP_SERIAL,
        "_authy_id": approval.user,
        "_id": format!("{:0>24}", &approval.uuid.replace('-', "")[..24]),
        "_user_email": email,
        "app_id": APP_ID,
        "created_at": seconds(approval.created_ms),
        "notified": false,
        "processed_at": answered.map(seconds),
        "seconds_to_expire": approval.expires_ms.map_or(0, |end| (end - approval.created_ms) / 1000),
        "status": answer,
        "updated_at": seconds(answered.unwrap_or(approval.created_ms)),
        "user_id": format!("{:024x}", approval.user),
        "uuid": approval.uuid,
    });
    if approval.answered_ms.is_some() {
        body["hidden_details"] = json!(approval.hidden_details);
    }
    Ok(ok(&json!({"approval_request": body, "success": true})))
}
