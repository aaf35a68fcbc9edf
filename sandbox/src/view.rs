//! How phones look in the control API, and so on the phone page.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::phone::{self, PhoneNumber};

use crate::{
    soft_token::OWN_APP,
    world::{Answer, Phone, World},
};

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// RFC 3339 in UTC, whole seconds, as the provider writes it.
pub(crate) fn seconds(ms: i64) -> String {
    Timestamp::from_second(ms / 1000).map(|at| at.to_string()).unwrap_or_default()
}

/// A number as people write it: `+44 7700 900123`.
pub(crate) fn written(number: &PhoneNumber) -> String {
    phone::written(number.calling_code(), number.national())
}

/// One phone with all that arrived on it, newest first; an unknown one is empty.
pub(crate) fn phone(world: &World, number: &str, now_ms: i64) -> Value {
    let nothing = Phone::default();
    let phone = world.phones.get(number).unwrap_or(&nothing);
    let user = world.user_of(number);
    let messages: Vec<Value> = phone
        .messages
        .iter()
        .rev()
        .map(|message| {
            let mut view = json!({"via": message.via, "body": message.body, "at": time(message.at_ms), "ageMs": now_ms - message.at_ms});
            if let Some(code) = &message.code {
                view["code"] = json!(code);
            }
            view
        })
        .collect();
    let approvals: Vec<Value> = world
        .approvals
        .iter()
        .rev()
        .filter(|approval| world.users.get(&approval.user).is_some_and(|user| user.phone.e164() == number))
        .map(|approval| {
            let answer = approval.answer_at(now_ms);
            json!({
                "uuid": approval.uuid,
                "status": answer,
                "message": approval.message,
                "details": approval.details,
                "hiddenDetails": approval.hidden_details,
                "logos": approval.logos,
                "createdAt": time(approval.created_ms),
                "expiresAt": approval.expires_ms.map(time),
                "expiresInMs": approval.expires_ms
                    .filter(|_| answer == Answer::Pending)
                    .map(|end| end - now_ms),
                "lifetimeMs": approval.expires_ms.map(|end| end - approval.created_ms),
            })
        })
        .collect();
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
        "approvalRequests": approvals,
        "softToken": soft_token,
        "softTokenExpiresInMs": period_ms - now_ms.rem_euclid(period_ms),
        "softTokenLifetimeMs": period_ms,
    })
}
