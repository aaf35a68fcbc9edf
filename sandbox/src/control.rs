//! The control API under `/_sandbox`: reads phones, answers approval requests, sets faults.

use std::{collections::BTreeSet, convert::Infallible, fmt, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, Responder, ResponseError,
    http::StatusCode,
    web::{self, Bytes, Data, Path, ServiceConfig},
};
use futures_util::stream;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use shared::{
    phone::PhoneNumber,
    sandbox::{ACCOUNT_SID, API_KEY, AUTH_TOKEN, KEY_SECRET, KEY_SID, NUMBER},
};

use crate::{
    authy::{callback, users::qr_code},
    emulator::Emulator,
    fault::Fault,
    format, mail, phone_view,
    response::{self, ok},
    state::{ApprovalStatus, Limits, State},
    twilio::{
        error::TwilioError,
        verify::{self, phone::Access},
    },
    webhook::Webhook,
};

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(
        web::scope("/_sandbox")
            .route("/config", web::get().to(config))
            .route("/events", web::get().to(events))
            .route("/phones", web::get().to(phones))
            .route("/phones/{number}", web::get().to(phone))
            .route("/phones/{number}", web::put().to(put_phone))
            .route("/phones/{number}/devices", web::post().to(add_device))
            .route("/approval-requests/{uuid}/approve", web::post().to(approve))
            .route("/approval-requests/{uuid}/deny", web::post().to(deny))
            .route("/qr/{id}.png", web::get().to(qr_code))
            .route("/requests", web::get().to(provider_calls))
            .route("/faults", web::put().to(put_fault))
            .route("/faults", web::delete().to(clear_fault))
            .route("/webhook", web::put().to(put_webhook))
            .route("/limits", web::put().to(put_limits))
            .route("/verify", web::put().to(put_switches))
            .route("/clock", web::put().to(put_clock))
            .route("/reset", web::post().to(reset))
            .configure(mail::control::routes),
    );
}

/// Why a control call changed nothing.
#[derive(Debug)]
pub(crate) enum ControlError {
    /// There is no such approval request.
    NotFound,
    /// The approval request was answered already or has expired.
    Settled,
    /// The body or the number is invalid, for this reason.
    Invalid(String),
}

impl fmt::Display for ControlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotFound => "No such approval request.",
            Self::Settled => "This request is settled or has expired.",
            Self::Invalid(reason) => reason,
        })
    }
}

impl ResponseError for ControlError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Settled => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        response::json(status, &json!({"status": status.as_u16(), "message": self.to_string()}))
    }
}

pub(crate) fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ControlError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ControlError::Invalid(error.to_string()))
}

/// Reads a number, with or without `+`, and returns it in E.164.
fn number(path: &str) -> Result<String, ControlError> {
    let path = path.trim();
    let written = if path.starts_with('+') { path.to_owned() } else { format!("+{path}") };
    PhoneNumber::read_e164(&written)
        .map(|phone| phone.e164())
        .map_err(|_| ControlError::Invalid("Write the number as + and digits.".to_owned()))
}

async fn config(emulator: Data<Emulator>) -> impl Responder {
    ok(&json!({
        "apiKey": API_KEY, "accountSid": ACCOUNT_SID, "authToken": AUTH_TOKEN, "keySid": KEY_SID,
        "keySecret": KEY_SECRET, "number": NUMBER,
        "webhookUrl": emulator.webhook().url, "verifyWebhookUrl": emulator.state().verify.first_webhook_url(),
        "appUrl": emulator.app_url, "smtpUrl": emulator.smtp_url,
    }))
}

/// Sends an event for every change, so that open pages do not poll.
async fn events(emulator: Data<Emulator>) -> impl Responder {
    let mut changes = emulator.changes.subscribe();
    changes.mark_changed();
    let lines = stream::unfold(changes, |mut changes| async move {
        changes.changed().await.ok()?;
        let count = *changes.borrow_and_update();
        let line = Bytes::from(format!("data: {count}\n\n"));
        Some((Ok::<_, Infallible>(line), changes))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .streaming(lines)
}

async fn phones(emulator: Data<Emulator>) -> impl Responder {
    let (state, now) = (emulator.state(), emulator.now());
    let phones: Vec<Value> =
        numbers(&state).iter().map(|number| phone_view::phone(&state, number, now)).collect();
    ok(&json!({"phones": phones}))
}

/// The numbers of all phones and users.
fn numbers(state: &State) -> BTreeSet<String> {
    let users = state.users.values().filter(|user| !user.removed).map(|user| user.phone.e164());
    state.phones.keys().cloned().chain(users).collect()
}

async fn phone(emulator: Data<Emulator>, path: Path<String>) -> Result<HttpResponse, ControlError> {
    let number = number(&path)?;
    Ok(ok(&phone_view::phone(&emulator.state(), &number, emulator.now())))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PhoneChange {
    /// `true` if absent.
    authy_app: Option<bool>,
    /// Unchanged if absent.
    reachable: Option<bool>,
}

async fn put_phone(
    emulator: Data<Emulator>,
    path: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, ControlError> {
    let number = number(&path)?;
    let change: PhoneChange = read(&body)?;
    emulator.update(|state| {
        let phone = state.phones.entry(number.clone()).or_default();
        phone.app = change.authy_app.unwrap_or(true);
        phone.reachable = change.reachable.unwrap_or(phone.reachable);
    });
    Ok(ok(&phone_view::phone(&emulator.state(), &number, emulator.now())))
}

/// What an app hands to its device.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewDevice {
    token: String,
    service_sid: String,
    identity: String,
    name: Option<String>,
}

/// Registers the phone as a device of a Verify service, as the app on it would.
async fn add_device(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, ControlError> {
    let number = number(&path)?;
    let NewDevice { token, service_sid: service, identity, name } = read(&body)?;
    let name = name.unwrap_or_else(|| "Sandbox phone".to_owned());
    let (access, now) = (Access { token, service, identity, name }, emulator.now());
    let told = emulator.update(|state| {
        let (device, told) = verify::phone::register(&mut state.verify, &request, &access, now)?;
        state.phones.entry(number).or_default().devices.push(device);
        Ok::<_, TwilioError>(told)
    });
    let told = told.map_err(|error| ControlError::Invalid(error.to_string()))?;
    verify::events::deliver_all(&emulator, told).await;
    Ok(no_content())
}

async fn approve(
    emulator: Data<Emulator>,
    request: HttpRequest,
    uuid: Path<String>,
) -> Result<HttpResponse, ControlError> {
    match answer_challenge(&emulator, &request, &uuid, "approved").await {
        Some(answered) => answered,
        None => answer(&emulator.into_inner(), &uuid, ApprovalStatus::Approved).await,
    }
}

async fn deny(
    emulator: Data<Emulator>,
    request: HttpRequest,
    uuid: Path<String>,
) -> Result<HttpResponse, ControlError> {
    match answer_challenge(&emulator, &request, &uuid, "denied").await {
        Some(answered) => answered,
        None => answer(&emulator.into_inner(), &uuid, ApprovalStatus::Denied).await,
    }
}

/// Answers a challenge of Verify by the phone that is asked; `None` where no phone is.
async fn answer_challenge(
    emulator: &Data<Emulator>,
    request: &HttpRequest,
    sid: &str,
    status: &str,
) -> Option<Result<HttpResponse, ControlError>> {
    let now = emulator.now();
    let answered = emulator.update(|state| {
        let devices: Vec<_> = state.phones.values().flat_map(|phone| phone.devices.clone()).collect();
        verify::phone::answer(&mut state.verify, request, &devices, sid, status, now)
    });
    match answered? {
        Ok(told) => {
            verify::events::deliver_all(emulator, told).await;
            Some(Ok(no_content()))
        }
        Err(error) if error.is_forbidden() => Some(Err(ControlError::Settled)),
        Err(_) => Some(Err(ControlError::NotFound)),
    }
}

/// Answers a pending approval request and delivers the callback.
async fn answer(
    emulator: &Arc<Emulator>,
    uuid: &str,
    status: ApprovalStatus,
) -> Result<HttpResponse, ControlError> {
    let now = emulator.now();
    let was_pending = emulator.update(|state| {
        let request = state.approval_requests.iter_mut().find(|request| request.uuid == uuid)?;
        let pending = request.status_at(now) == ApprovalStatus::Pending;
        if pending {
            request.status = status;
            request.answered_ms = Some(now);
        }
        Some(pending)
    });
    if was_pending.ok_or(ControlError::NotFound)? {
        callback::deliver(emulator, uuid).await;
        Ok(no_content())
    } else {
        Err(ControlError::Settled)
    }
}

async fn provider_calls(emulator: Data<Emulator>) -> impl Responder {
    let state = emulator.state();
    let calls: Vec<Value> = state
        .provider_calls
        .iter()
        .map(|call| {
            json!({
                "at": format::milliseconds(call.at_ms),
                "method": call.method,
                "path": call.path,
                "status": call.status,
            })
        })
        .collect();
    ok(&json!({"requests": calls}))
}

async fn put_fault(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, ControlError> {
    let fault: Fault = read(&body)?;
    if let Some(problem) = fault.problem() {
        return Err(ControlError::Invalid(problem.to_owned()));
    }
    let response = ok(&json!(fault));
    emulator.update(|state| state.fault = Some(fault));
    Ok(response)
}

async fn clear_fault(emulator: Data<Emulator>) -> impl Responder {
    emulator.update(|state| state.fault = None);
    no_content()
}

async fn put_webhook(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, ControlError> {
    let mut given: Value = read(&body)?;
    let verify_url = given.as_object_mut().and_then(|members| members.remove("verifyUrl"));
    let new: Webhook =
        serde_json::from_value(given.clone()).map_err(|error| ControlError::Invalid(error.to_string()))?;
    match verify_url {
        None => {}
        Some(Value::Null) => emulator.update(|state| state.verify.set_first_webhook(None, emulator.now())),
        Some(Value::String(url)) => {
            emulator.update(|state| state.verify.set_first_webhook(Some(&url), emulator.now()));
        }
        Some(_) => return Err(ControlError::Invalid("verifyUrl is text or null".to_owned())),
    }
    let mut webhook = emulator.webhook();
    webhook
        .replace(new, given.get("url").is_some())
        .map_err(|problem| ControlError::Invalid(problem.to_owned()))?;
    Ok(ok(&json!(*webhook)))
}

async fn put_limits(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, ControlError> {
    let limits: Limits = read(&body)?;
    let response = ok(&json!(limits));
    emulator.state().limits = limits;
    Ok(response)
}

async fn put_switches(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, ControlError> {
    let switches: verify::Switches = read(&body)?;
    let response = ok(&json!(switches));
    emulator.state().verify.switches = switches;
    Ok(response)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockChange {
    advance_seconds: f64,
}

async fn put_clock(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, ControlError> {
    let change: ClockChange = read(&body)?;
    const MAX_ADVANCE: Duration = Duration::from_secs(10 * 365 * 86_400);
    let by = Duration::try_from_secs_f64(change.advance_seconds).ok().filter(|by| *by <= MAX_ADVANCE);
    let by = by.ok_or_else(|| {
        ControlError::Invalid(
            "advanceSeconds must be a number of seconds, not negative, at most ten years".to_owned(),
        )
    })?;
    emulator.update(|_| emulator.clock.advance(by));
    Ok(ok(&json!({"now": format::milliseconds(emulator.now())})))
}

async fn reset(emulator: Data<Emulator>) -> impl Responder {
    emulator.clock.reset();
    emulator.update(|state| {
        let webhook = state.verify.first_webhook_url();
        *state = State::default();
        state.verify.set_first_webhook(webhook.as_deref(), emulator.now());
    });
    no_content()
}
