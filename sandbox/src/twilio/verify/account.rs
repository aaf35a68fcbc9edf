//! What belongs to the account: `Attempts`, `Templates`, `SafeList`, `Forms`. Kept and shown; nothing here changes
//! what is sent.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Value, json};
use shared::{phone::PhoneNumber, sandbox::ACCOUNT_SID};

use super::{
    Outcome,
    links::origin,
    paging::page,
    state::{Attempt, Channel, sid},
};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

fn not_found(request: &HttpRequest) -> TwilioError {
    TwilioError::not_found(request.path())
}

fn attempt_view(request: &HttpRequest, attempt: &Attempt) -> Value {
    let status = if attempt.converted { "confirmed" } else { "unconfirmed" };
    let mut data = json!({
        "verification_sid": attempt.verification,
        "to": attempt.to,
        "status": status,
        "code_length": attempt.code_length,
        "locale": "en",
    });
    if attempt.channel != Channel::Email {
        data["message_status"] = json!("delivered");
        data["error_code"] = Value::Null;
    }
    json!({
        "sid": attempt.sid,
        "account_sid": ACCOUNT_SID,
        "service_sid": attempt.service,
        "verification_sid": attempt.verification,
        "date_created": format::seconds(attempt.created_ms),
        "date_updated": format::seconds(attempt.updated_ms),
        "conversion_status": if attempt.converted { "converted" } else { "unconverted" },
        "channel": attempt.channel.name(),
        "price": {"value": "0", "currency": "usd"},
        "channel_data": data,
        "url": format!("{}/v2/Attempts/{}", origin(request), attempt.sid),
    })
}

fn attempts<'a>(all: &'a [Attempt], fields: &Fields) -> Vec<&'a Attempt> {
    let is = |name: &str, value: &str| fields.text(name).is_none_or(|wanted| wanted == value);
    let wanted = |attempt: &&Attempt| {
        is("VerifyServiceSid", &attempt.service)
            && is("VerificationSid", &attempt.verification)
            && is("ChannelData.To", &attempt.to)
            && is("Channel", attempt.channel.name())
            && is("Status", if attempt.converted { "converted" } else { "unconverted" })
    };
    all.iter().rev().filter(wanted).collect()
}

pub(super) async fn list_attempts(emulator: Data<Emulator>, request: HttpRequest, fields: Fields) -> Outcome {
    let state = emulator.state();
    let found = attempts(&state.verify.attempts, &fields);
    let views: Vec<Value> = found.into_iter().map(|attempt| attempt_view(&request, attempt)).collect();
    page(&request, &fields, "attempts", &views)
}

pub(super) async fn fetch_attempt(
    emulator: Data<Emulator>,
    request: HttpRequest,
    sid: Path<String>,
    _: Fields,
) -> Outcome {
    let state = emulator.state();
    let attempt = state.verify.attempts.iter().find(|attempt| attempt.sid == *sid);
    Ok(ok(&attempt_view(&request, attempt.ok_or_else(|| not_found(&request))?)))
}

pub(super) async fn summary(emulator: Data<Emulator>, request: HttpRequest, fields: Fields) -> Outcome {
    let state = emulator.state();
    let found = attempts(&state.verify.attempts, &fields);
    let (total, converted) = (found.len(), found.iter().filter(|attempt| attempt.converted).count());
    let rate = if total == 0 { 0.0 } else { 100.0 * converted as f64 / total as f64 };
    Ok(ok(&json!({
        "total_attempts": total,
        "total_converted": converted,
        "total_unconverted": total - converted,
        "conversion_rate_percentage": format!("{rate}"),
        "url": format!("{}/v2/Attempts/Summary", origin(&request)),
    })))
}

pub(super) async fn templates(request: HttpRequest, fields: Fields) -> Outcome {
    const CHANGED: &str = "2024-01-01T00:00:00.000000000Z";
    let template = |digit: &str, name: &str, channels: &[&str], text: &str| {
        json!({
            "sid": format!("HJ{}", digit.repeat(32)),
            "account_sid": ACCOUNT_SID,
            "friendly_name": name,
            "channels": channels,
            "translations": {"en": {
                "is_default_translation": true, "status": "approved", "locale": "en", "text": text,
                "date_created": CHANGED, "date_updated": CHANGED,
            }},
        })
    };
    let templates = [
        template("1", "Code", &["sms", "voice"], "Your {{friendly_name}} verification code is: {{code}}"),
        template(
            "2",
            "Code with a warning",
            &["sms"],
            "{{code}} is your {{friendly_name}} code. Share it with nobody.",
        ),
    ];
    page(&request, &fields, "templates", &templates)
}

fn safe_number(request: &HttpRequest, sid: &str, number: &str) -> Value {
    let url = format!("{}/v2/SafeList/Numbers/{number}", origin(request));
    json!({"sid": sid, "phone_number": number, "url": url})
}

fn number(text: &str) -> Result<String, TwilioError> {
    PhoneNumber::read_e164(text).map(|phone| phone.e164()).map_err(|_| TwilioError::invalid("PhoneNumber"))
}

pub(super) async fn add_safe_number(
    emulator: Data<Emulator>,
    request: HttpRequest,
    fields: Fields,
) -> Outcome {
    let number = number(fields.required("PhoneNumber")?)?;
    emulator.update(|state| {
        let known = state.verify.safe_numbers.entry(number.clone()).or_insert_with(|| sid("GN"));
        Ok(response::json(StatusCode::CREATED, &safe_number(&request, known, &number)))
    })
}

pub(super) async fn fetch_safe_number(
    emulator: Data<Emulator>,
    request: HttpRequest,
    number: Path<String>,
    _: Fields,
) -> Outcome {
    let state = emulator.state();
    let sid = state.verify.safe_numbers.get(&*number).ok_or_else(|| not_found(&request))?;
    Ok(ok(&safe_number(&request, sid, &number)))
}

pub(super) async fn remove_safe_number(
    emulator: Data<Emulator>,
    request: HttpRequest,
    number: Path<String>,
    _: Fields,
) -> Outcome {
    let removed = emulator.update(|state| state.verify.safe_numbers.remove(&*number));
    removed.map(|_| HttpResponse::NoContent().finish()).ok_or_else(|| not_found(&request))
}

/// The one form there is.
pub(super) async fn form(request: HttpRequest, kind: Path<String>, _: Fields) -> Outcome {
    if *kind != "form-push" {
        return Err(not_found(&request));
    }
    Ok(ok(&json!({
        "form_type": "form-push",
        "forms": {"create_factor": {}, "verify_factor": {}, "create_challenge": {}},
        "form_meta": {},
        "url": format!("{}/v2/Forms/form-push", origin(&request)),
    })))
}
