//! `phones/…`: phone verification and information about a number, without an enrolled user.

use actix_web::{HttpResponse, web::Data};
use jiff::Timestamp;
use serde_json::json;
use shared::phone::PhoneNumber;

use super::{
    codes::{Via, message_text},
    error::AuthyError,
    params::Params,
};
use crate::{
    emulator::Emulator,
    format, random,
    response::ok,
    state::{CODE_LIFETIME_MS, Message, PhoneVerification},
};

fn phone(params: &Params) -> Result<PhoneNumber, AuthyError> {
    let required = |name| {
        params
            .text(name)
            .filter(|text| !text.is_empty())
            .ok_or(AuthyError::InvalidParameter(name, "Parameter is required"))
    };
    let (code, number) = (required("country_code")?, required("phone_number")?);
    if code.trim_start_matches('+').parse::<u32>().is_err() {
        return Err(AuthyError::NotAnInteger("country_code", code));
    }
    PhoneNumber::read(&code, &number).map_err(|_| AuthyError::PhoneInvalid)
}

/// The number as the provider writes it: `+44 7700-900123`.
fn written(phone: &PhoneNumber) -> String {
    let dashed = format::grouped(phone).replace(' ', "-");
    dashed.replacen('-', " ", 1)
}

pub(super) async fn start(emulator: Data<Emulator>, params: Params) -> Result<HttpResponse, AuthyError> {
    let phone = phone(&params)?;
    let via = match params.text("via").as_deref() {
        Some("sms") | None => Via::Sms,
        Some("call") => Via::Call,
        Some(_) => return Err(AuthyError::InvalidParameter("via", "must be sms or call")),
    };
    let length = match params.text("code_length").map(|length| length.parse::<usize>()) {
        None => 4,
        Some(Ok(length @ 4..=10)) => length,
        Some(_) => return Err(AuthyError::InvalidParameter("code_length", "must be between 4 and 10")),
    };
    if params.get("custom_code").is_some() {
        return Err(AuthyError::CustomCodeNotAllowed);
    }
    if params.get("custom_message").is_some() {
        return Err(AuthyError::CustomMessageNotAllowed);
    }
    let now = emulator.now();
    emulator.update(|state| {
        let limit = state.limits.starts_per_verification;
        let running = state
            .verifications
            .iter_mut()
            .find(|running| running.phone == phone && !running.verified && running.expires_ms > now);
        let (uuid, code, expires_ms) = match running {
            Some(running) => {
                if limit.is_some_and(|limit| running.starts >= limit) {
                    return Err(AuthyError::TooManyVerifications);
                }
                running.starts += 1;
                (running.uuid.clone(), running.code.clone(), running.expires_ms)
            }
            None => {
                let new = PhoneVerification {
                    uuid: random::uuid(),
                    phone: phone.clone(),
                    code: random::digits(length),
                    expires_ms: now + CODE_LIFETIME_MS,
                    verified: false,
                    starts: 1,
                };
                let parts = (new.uuid.clone(), new.code.clone(), new.expires_ms);
                state.verifications.push(new);
                parts
            }
        };
        let body = message_text(via, &code, None);
        state.deliver(&phone, Message { via: via.into(), body, code: Some(code), at_ms: now });
        let written = written(&phone);
        Ok(ok(&json!({
            "carrier": "Sandbox Mobile",
            "is_cellphone": true,
            "message": match via {
                Via::Sms => format!("Text message sent to {written}."),
                Via::Call => format!("Call to {written} initiated"),
            },
            "seconds_to_expire": (expires_ms - now) / 1000 - 1,
            "uuid": uuid,
            "success": true,
        })))
    })
}

pub(super) async fn check(emulator: Data<Emulator>, params: Params) -> Result<HttpResponse, AuthyError> {
    let phone = phone(&params)?;
    let code = params
        .text("verification_code")
        .ok_or(AuthyError::InvalidParameter("verification_code", "Parameter is required"))?;
    let now = emulator.now();
    emulator.update(|state| {
        let running = state
            .verifications
            .iter_mut()
            .find(|running| running.phone == phone && !running.verified && running.expires_ms > now)
            .ok_or_else(|| AuthyError::NoPendingVerification(written(&phone)))?;
        if running.code != code {
            return Err(AuthyError::CodeIncorrect);
        }
        running.verified = true;
        Ok(ok(&json!({"message": "Verification code is correct.", "success": true})))
    })
}

pub(super) async fn status(emulator: Data<Emulator>, params: Params) -> Result<HttpResponse, AuthyError> {
    let uuid = params.text("uuid");
    let wanted =
        if uuid.is_none() { Some(phone(&params).map_err(|_| AuthyError::NeedUuidOrPhone)?) } else { None };
    let (state, now) = (emulator.state(), emulator.now());
    let found = state.verifications.iter().rev().find(|running| {
        uuid.as_ref().is_some_and(|uuid| running.uuid == *uuid)
            || wanted.as_ref().is_some_and(|phone| running.phone == *phone)
    });
    let Some(found) = found else {
        let named = wanted.map_or_else(|| uuid.unwrap_or_default(), |phone| written(&phone));
        return Err(AuthyError::NoPendingVerification(named));
    };
    let status = match (found.verified, found.expires_ms > now) {
        (true, _) => "verified",
        (false, true) => "pending",
        (false, false) => "expired",
    };
    Ok(ok(&json!({
        "message": "Phone Verification status.",
        "status": status,
        "seconds_to_expire": ((found.expires_ms - now) / 1000).max(0),
        "success": true,
    })))
}

pub(super) async fn info(emulator: Data<Emulator>, params: Params) -> Result<HttpResponse, AuthyError> {
    phone(&params)?;
    let now = Timestamp::from_millisecond(emulator.now()).unwrap_or_default();
    Ok(ok(&json!({
        "message": format!("Phone number information as of {} UTC", now.strftime("%Y-%m-%d %H:%M:%S")),
        "type": "cellphone",
        "provider": "Sandbox Mobile",
        "ported": false,
        "success": true,
    })))
}
