//! `sms`, `call`, `email` and `verify`: one-time passwords of enrolled users.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde_json::{Value, json};

use super::{application::APP_NAME, error::AuthyError, params::Params};
use crate::{
    emulator::Emulator,
    mail::Mail,
    random,
    response::ok,
    state::{Message, TokenCheck, User},
};

const HOUR_MS: i64 = 3_600_000;

/// How the Authy API sends a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    Sms,
    Call,
}

pub(super) async fn sms(
    emulator: Data<Emulator>,
    id: Path<String>,
    params: Params,
) -> Result<HttpResponse, AuthyError> {
    send(&emulator, &id, &params, Via::Sms)
}

pub(super) async fn call(
    emulator: Data<Emulator>,
    id: Path<String>,
    params: Params,
) -> Result<HttpResponse, AuthyError> {
    send(&emulator, &id, &params, Via::Call)
}

fn send(emulator: &Emulator, id: &str, params: &Params, via: Via) -> Result<HttpResponse, AuthyError> {
    let now = emulator.now();
    emulator.update(|state| {
        let limit = state.limits.sends_per_hour;
        let user = state.user(id).ok_or(AuthyError::UserNotFound)?;
        let (phone, cellphone) = (user.phone.clone(), masked_phone(user));
        if state.has_app(&phone) && !params.flag("force") {
            return Ok(ok(&json!({
                "message": match via {
                    Via::Sms => "Ignored: SMS is not needed for smartphones. Pass force=true if you want to actually send it anyway.",
                    Via::Call => "Call ignored. User is using  App Tokens and this call is not necessary. Pass force=true if you still want to call users that are using the App.",
                },
                "cellphone": cellphone,
                "device": "android",
                "ignored": true,
                "success": true,
            })));
        }
        let user = state.user_mut(id).ok_or(AuthyError::UserNotFound)?;
        user.sends_ms.retain(|sent| sent + HOUR_MS > now);
        if limit.is_some_and(|limit| user.sends_ms.len() >= limit) {
            return Err(AuthyError::TooManyTokens);
        }
        let action = params.text("action");
        let code = user.code_to_send(action.as_deref(), emulator.code_digits, now);
        let purpose = params.text("action_message").filter(|_| action.is_some());
        let body = message_text(via, &code, purpose.as_deref());
        state.deliver(&phone, Message { via: via.into(), body, code: Some(code), at_ms: now });
        let message = match via {
            Via::Sms => "SMS token was sent",
            Via::Call => "Call started...",
        };
        Ok(ok(&json!({"success": true, "message": message, "cellphone": cellphone})))
    })
}

/// The content of a text message or a call with a code.
pub(super) fn message_text(via: Via, code: &str, purpose: Option<&str>) -> String {
    let purpose = purpose.map(|purpose| format!(" It is for: {purpose}.")).unwrap_or_default();
    match via {
        Via::Sms => format!(
            "Your {APP_NAME} code is {code}.{purpose} It works once, for 10 minutes. Nobody from {APP_NAME} will ever ask you for it."
        ),
        Via::Call => {
            let spoken: Vec<String> = code.chars().map(String::from).collect();
            let spoken = spoken.join(", ");
            format!("Hello. Your {APP_NAME} code is {spoken}.{purpose} Again: {spoken}. Goodbye.")
        }
    }
}

fn masked_phone(user: &User) -> String {
    let national = user.phone.national();
    let tail = &national[national.len().saturating_sub(2)..];
    format!("+{}-XXX-XXX-XX{tail}", user.phone.calling_code())
}

pub(super) async fn email(
    emulator: Data<Emulator>,
    id: Path<String>,
    _: Params,
) -> Result<HttpResponse, AuthyError> {
    let now = emulator.now();
    emulator.update(|state| {
        let user = state.user_mut(&id).ok_or(AuthyError::UserNotFound)?;
        let (code, email) = (user.code_to_send(None, emulator.code_digits, now), user.email.clone());
        state.mailbox.deliver(Mail {
            id: random::uuid(),
            to: email.clone(),
            from: "Authy <authy@sandbox.example>".to_owned(),
            subject: format!("Your {APP_NAME} code"),
            text: message_text(Via::Sms, &code, None),
            html: None,
            code: Some(code),
            at_ms: now,
        });
        Ok(ok(&json!({
            "success": true,
            "message": "Email token was sent",
            "email": email,
            "email_id": format!("EM{}", hex::encode(random::bytes::<16>())),
        })))
    })
}

pub(super) async fn verify(
    emulator: Data<Emulator>,
    path: Path<(String, String)>,
    params: Params,
) -> Result<HttpResponse, AuthyError> {
    let (token, id) = path.into_inner();
    let now = emulator.now();
    emulator.update(|state| {
        let user = state.user_mut(&id).ok_or(AuthyError::UserDoesNotExist)?;
        let well_formed = (4..=12).contains(&token.len()) && token.bytes().all(|c| c.is_ascii_digit());
        if !well_formed {
            return Err(AuthyError::TokenInvalid);
        }
        // As at the real service: without `force`, any token is valid for a user who has not
        // confirmed one yet, so that a failed enrolment does not lock the user out. A right one confirms.
        let is_lenient = !user.confirmed && !params.flag("force");
        match user.check(&token, params.text("action").as_deref(), now) {
            TokenCheck::SentCode => Ok(valid(user, "sms")),
            TokenCheck::SoftToken => Ok(valid(user, "android")),
            TokenCheck::Used => Err(AuthyError::TokenUsed),
            TokenCheck::Wrong if is_lenient => Ok(valid(user, "sms")),
            TokenCheck::Wrong => Err(AuthyError::TokenInvalid),
        }
    })
}

fn valid(user: &User, os_type: &str) -> HttpResponse {
    let device: Value = json!({
        "id": null, "os_type": os_type, "registration_date": user.created_ms / 1000,
        "registration_method": null, "registration_country": null, "registration_region": null,
        "registration_city": null, "country": null, "region": null, "city": null, "ip": null,
        "last_account_recovery_at": null, "last_sync_date": null,
    });
    ok(&json!({"message": "Token is valid.", "token": "is valid", "success": "true", "device": device}))
}
