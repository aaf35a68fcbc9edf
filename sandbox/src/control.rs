//! The control API under `/_sandbox`: look at phones, press buttons, break things.

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, Responder, ResponseError,
    http::StatusCode,
    web::{self, Bytes, Data, Path, ServiceConfig},
};
use futures_util::stream;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use shared::phone::PhoneNumber;

use crate::{
    ACCOUNT_SID, API_KEY, AUTH_TOKEN, Emulator, NUMBER, answer, authy,
    faults::Fault,
    view,
    webhook::{self, Webhook},
    world::{Answer, Limits, World},
};

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(
        web::scope("/_sandbox")
            .route("/config", web::get().to(config))
            .route("/events", web::get().to(events))
            .route("/phones", web::get().to(phones))
            .route("/phones/{number}", web::get().to(phone))
            .route("/phones/{number}", web::put().to(put_phone))
            .route("/approval-requests/{uuid}/approve", web::post().to(approve))
            .route("/approval-requests/{uuid}/deny", web::post().to(deny))
            .route("/qr/{id}.png", web::get().to(authy::users::qr_code))
            .route("/requests", web::get().to(requests))
            .route("/faults", web::put().to(put_fault))
            .route("/faults", web::delete().to(clear_fault))
            .route("/webhook", web::put().to(put_webhook))
            .route("/limits", web::put().to(put_limits))
            .route("/clock", web::put().to(put_clock))
            .route("/reset", web::post().to(reset)),
    );
}

/// Why a control call did nothing.
#[derive(Debug)]
enum Problem {
    /// No such request.
    Unknown,
    /// The request was answered before, or nobody did in time.
    Settled,
    /// What is wrong with the body or the number.
    Invalid(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unknown => "No such approval request.",
            Self::Settled => "This request is settled or has expired.",
            Self::Invalid(why) => why,
        })
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Settled => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        answer::send(status, &json!({"status": status.as_u16(), "message": self.to_string()}))
    }
}

fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|wrong| Problem::Invalid(wrong.to_string()))
}

/// Brings whatever is written for a number to `+` and digits.
fn number(path: &str) -> Result<String, Problem> {
    let path = path.trim();
    let written = if path.starts_with('+') { path.to_owned() } else { format!("+{path}") };
    PhoneNumber::read_e164(&written)
        .map(|phone| phone.e164())
        .map_err(|_| Problem::Invalid("Write the number as + and digits.".to_owned()))
}

async fn config(emulator: Data<Emulator>) -> impl Responder {
    answer::ok(&json!({
        "apiKey": API_KEY, "accountSid": ACCOUNT_SID, "authToken": AUTH_TOKEN, "number": NUMBER,
        "webhookUrl": emulator.webhook().url, "appUrl": emulator.app_url,
    }))
}

/// A line for every change, so that open pages need not ask.
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
    let (world, now) = (emulator.world(), emulator.now());
    let phones: Vec<Value> = numbers(&world).iter().map(|number| view::phone(&world, number, now)).collect();
    answer::ok(&json!({"phones": phones}))
}

/// Every number that was seen: phones, and users whose phone has got nothing yet.
fn numbers(world: &World) -> std::collections::BTreeSet<String> {
    let users = world.users.values().filter(|user| !user.removed).map(|user| user.phone.e164());
    world.phones.keys().cloned().chain(users).collect()
}

async fn phone(emulator: Data<Emulator>, path: Path<String>) -> Result<HttpResponse, Problem> {
    let number = number(&path)?;
    Ok(answer::ok(&view::phone(&emulator.world(), &number, emulator.now())))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PhoneChange {
    /// Installed where the call does not say otherwise.
    authy_app: Option<bool>,
    /// As it was where the call does not say otherwise.
    reachable: Option<bool>,
}

async fn put_phone(
    emulator: Data<Emulator>,
    path: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let number = number(&path)?;
    let change: PhoneChange = read(&body)?;
    emulator.change(|world| {
        let phone = world.phones.entry(number.clone()).or_default();
        phone.app = change.authy_app.unwrap_or(true);
        phone.reachable = change.reachable.unwrap_or(phone.reachable);
    });
    Ok(answer::ok(&view::phone(&emulator.world(), &number, emulator.now())))
}

async fn approve(emulator: Data<Emulator>, uuid: Path<String>) -> Result<HttpResponse, Problem> {
    thumb(&emulator.into_inner(), &uuid, Answer::Approved).await
}

async fn deny(emulator: Data<Emulator>, uuid: Path<String>) -> Result<HttpResponse, Problem> {
    thumb(&emulator.into_inner(), &uuid, Answer::Denied).await
}

async fn thumb(emulator: &Arc<Emulator>, uuid: &str, answer: Answer) -> Result<HttpResponse, Problem> {
    let now = emulator.now();
    let settled = emulator.change(|world| {
        let approval = world.approvals.iter_mut().find(|approval| approval.uuid == uuid)?;
        let open = approval.answer_at(now) == Answer::Pending;
        if open {
            approval.answer = answer;
            approval.answered_ms = Some(now);
        }
        Some(open)
    });
    if settled.ok_or(Problem::Unknown)? {
        webhook::deliver(emulator, uuid).await;
        Ok(no_content())
    } else {
        Err(Problem::Settled)
    }
}

async fn requests(emulator: Data<Emulator>) -> impl Responder {
    let world = emulator.world();
    let requests: Vec<Value> = world
        .requests
        .iter()
        .map(|request| {
            json!({"at": view::time(request.at_ms), "method": request.method, "path": request.path, "status": request.status})
        })
        .collect();
    answer::ok(&json!({"requests": requests}))
}

async fn put_fault(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, Problem> {
    let fault: Fault = read(&body)?;
    if let Some(wrong) = fault.problem() {
        return Err(Problem::Invalid(wrong.to_owned()));
    }
    let answer = answer::ok(&json!(fault));
    emulator.change(|world| world.fault = Some(fault));
    Ok(answer)
}

async fn clear_fault(emulator: Data<Emulator>) -> impl Responder {
    emulator.change(|world| world.fault = None);
    no_content()
}

async fn put_webhook(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, Problem> {
    let given: Value = read(&body)?;
    let next: Webhook = read(&body)?;
    let mut webhook = emulator.webhook();
    webhook.replace(next, given.get("url").is_some()).map_err(|wrong| Problem::Invalid(wrong.to_owned()))?;
    Ok(answer::ok(&json!(*webhook)))
}

async fn put_limits(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, Problem> {
    let limits: Limits = read(&body)?;
    let answer = answer::ok(&json!(limits));
    emulator.world().limits = limits;
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockChange {
    advance_seconds: f64,
}

async fn put_clock(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, Problem> {
    let change: ClockChange = read(&body)?;
    const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);
    let by = Duration::try_from_secs_f64(change.advance_seconds).ok().filter(|by| *by <= LONGEST);
    let by = by.ok_or_else(|| {
        Problem::Invalid(
            "advanceSeconds must be a number of seconds, not negative, at most ten years".to_owned(),
        )
    })?;
    emulator.change(|_| emulator.clock.advance(by));
    Ok(answer::ok(&json!({"now": view::time(emulator.now())})))
}

async fn reset(emulator: Data<Emulator>) -> impl Responder {
    emulator.clock.reset();
    emulator.change(|world| *world = World::default());
    no_content()
}
