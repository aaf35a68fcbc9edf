//! A phone as the control API and the phone page show it.

use serde_json::{Value, json};
use shared::phone;

use crate::{
    format,
    soft_token::OWN_APP,
    state::{ApprovalStatus, Phone, State},
    twilio::verify,
};

/// One phone with everything that arrived on it, newest first; an unknown number is an empty phone.
pub(crate) fn phone(state: &State, number: &str, now_ms: i64) -> Value {
    let empty = Phone::default();
    let phone = state.phones.get(number).unwrap_or(&empty);
    let user = state.user_by_phone(number);
    let messages: Vec<Value> = phone
        .messages
        .iter()
        .rev()
        .map(|message| {
            let mut view = json!({
                "via": message.via,
                "body": message.body,
                "at": format::milliseconds(message.at_ms),
                "ageMs": now_ms - message.at_ms,
            });
            if let Some(code) = &message.code {
                view["code"] = json!(code);
            }
            view
        })
        .collect();
    let is_on_phone = |user: u64| state.users.get(&user).is_some_and(|user| user.phone.e164() == number);
    let of_authy =
        state.approval_requests.iter().filter(|request| is_on_phone(request.user)).map(|request| {
            let status = request.status_at(now_ms);
            let view = json!({
                "uuid": request.uuid,
                "status": status,
                "message": request.message,
                "details": request.details,
                "hiddenDetails": request.hidden_details,
                "logos": request.logos,
                "createdAt": format::milliseconds(request.created_ms),
                "expiresAt": request.expires_ms.map(format::milliseconds),
                "expiresInMs": request.expires_ms
                    .filter(|_| status == ApprovalStatus::Pending)
                    .map(|end| end - now_ms),
                "lifetimeMs": request.expires_ms.map(|end| end - request.created_ms),
            });
            (request.created_ms, view)
        });
    let of_verify = verify::phone::requests(&state.verify, &phone.devices, now_ms);
    let mut requests: Vec<(i64, Value)> = of_authy.chain(of_verify).collect();
    requests.sort_by_key(|(created_ms, _)| *created_ms);
    let requests: Vec<Value> = requests.into_iter().rev().map(|(_, view)| view).collect();
    let step = OWN_APP.step(now_ms);
    let soft_token = user.filter(|_| phone.app).map(|user| OWN_APP.code(&user.secret, step));
    let period_ms = i64::from(OWN_APP.period) * 1000;
    json!({
        "phone": number,
        "written": phone::written_e164(number),
        "email": user.map(|user| &user.email),
        "authyApp": phone.app,
        "reachable": phone.reachable,
        "messages": messages,
        "approvalRequests": requests,
        "softToken": soft_token,
        "softTokenExpiresInMs": period_ms - now_ms.rem_euclid(period_ms),
        "softTokenLifetimeMs": period_ms,
    })
}
