//! `Webhooks`: where events of factors and challenges are told.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Value, json};
use shared::sandbox::{ACCOUNT_SID, SERVICE_SIDS};

use super::{
    Outcome, events,
    links::of_service,
    paging::page,
    state::{Verify, Webhook, sid},
};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

fn view(request: &HttpRequest, service: &str, webhook: &Webhook) -> Value {
    json!({
        "sid": webhook.sid,
        "service_sid": service,
        "account_sid": ACCOUNT_SID,
        "friendly_name": webhook.friendly_name,
        "event_types": webhook.event_types,
        "status": if webhook.enabled { "enabled" } else { "disabled" },
        "version": webhook.version,
        "webhook_url": webhook.url,
        "webhook_method": "POST",
        "date_created": format::seconds(webhook.created_ms),
        "date_updated": format::seconds(webhook.updated_ms),
        "url": format!("{}/Webhooks/{}", of_service(request, service), webhook.sid),
    })
}

/// Takes over the parameters that are given; nothing where one of them is wrong.
fn change(webhook: &mut Webhook, fields: &Fields) -> Result<(), TwilioError> {
    let mut changed = webhook.clone();
    if let Some(name) = fields.text("FriendlyName") {
        name.clone_into(&mut changed.friendly_name);
    }
    let types: Vec<String> =
        fields.each("EventTypes").filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
    if !types.is_empty() {
        if !types.iter().all(|kind| kind == "*" || events::TYPES.contains(&kind.as_str())) {
            return Err(TwilioError::invalid("EventTypes"));
        }
        changed.event_types = types;
    }
    if let Some(url) = fields.text("WebhookUrl") {
        if !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(TwilioError::invalid("WebhookUrl"));
        }
        url.clone_into(&mut changed.url);
    }
    match fields.text("Status") {
        None => {}
        Some(status @ ("enabled" | "disabled")) => changed.enabled = status == "enabled",
        Some(_) => return Err(TwilioError::invalid("Status")),
    }
    match fields.text("Version") {
        None => {}
        Some(version @ ("v1" | "v2")) => version.clone_into(&mut changed.version),
        Some(_) => return Err(TwilioError::invalid("Version")),
    }
    *webhook = changed;
    Ok(())
}

/// The id of the webhook that is there from the start.
const FIRST_WEBHOOK: &str = "YW00000000000000000000000000000001";

impl Verify {
    /// Makes, changes or removes the webhook that is there from the start: that of sign-ins, for all events.
    pub(crate) fn set_first_webhook(&mut self, url: Option<&str>, now: i64) {
        let Some(service) = self.services.iter_mut().find(|service| service.sid == SERVICE_SIDS[0]) else {
            return;
        };
        service.webhooks.retain(|webhook| webhook.sid != FIRST_WEBHOOK);
        service.webhooks.extend(url.map(|url| Webhook {
            sid: FIRST_WEBHOOK.to_owned(),
            friendly_name: "Countersign".to_owned(),
            event_types: vec!["*".to_owned()],
            url: url.to_owned(),
            enabled: true,
            version: "v2".to_owned(),
            created_ms: now,
            updated_ms: now,
        }));
    }

    /// Where the webhook goes that is there from the start.
    pub(crate) fn first_webhook_url(&self) -> Option<String> {
        let webhooks = &self.service(SERVICE_SIDS[0])?.webhooks;
        webhooks.iter().find(|webhook| webhook.sid == FIRST_WEBHOOK).map(|webhook| webhook.url.clone())
    }
}

pub(super) async fn create(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &service)?;
        for name in ["FriendlyName", "EventTypes", "WebhookUrl"] {
            fields.required(name)?;
        }
        let mut webhook = Webhook {
            sid: sid("YW"),
            friendly_name: String::new(),
            event_types: Vec::new(),
            url: String::new(),
            enabled: true,
            version: "v2".to_owned(),
            created_ms: now,
            updated_ms: now,
        };
        change(&mut webhook, &fields)?;
        let view = view(&request, &service.sid, &webhook);
        service.webhooks.push(webhook);
        Ok(response::json(StatusCode::CREATED, &view))
    })
}

pub(super) async fn list(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    fields: Fields,
) -> Outcome {
    let state = emulator.state();
    let service = state.verify.find(&request, &service)?;
    let webhooks: Vec<Value> =
        service.webhooks.iter().rev().map(|webhook| view(&request, &service.sid, webhook)).collect();
    page(&request, &fields, "webhooks", &webhooks)
}

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: Path<(String, String)>,
    _: Fields,
) -> Outcome {
    let state = emulator.state();
    let not_found = || TwilioError::not_found(request.path());
    let service = state.verify.find(&request, &path.0)?;
    let webhook = service.webhooks.iter().find(|webhook| webhook.sid == path.1).ok_or_else(not_found)?;
    Ok(ok(&view(&request, &service.sid, webhook)))
}

pub(super) async fn update(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: Path<(String, String)>,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let not_found = || TwilioError::not_found(request.path());
        let service = state.verify.find_mut(&request, &path.0)?;
        let service_sid = service.sid.clone();
        let webhook =
            service.webhooks.iter_mut().find(|webhook| webhook.sid == path.1).ok_or_else(not_found)?;
        change(webhook, &fields)?;
        webhook.updated_ms = now;
        Ok(ok(&view(&request, &service_sid, webhook)))
    })
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: Path<(String, String)>,
    _: Fields,
) -> Outcome {
    emulator.update(|state| {
        let not_found = || TwilioError::not_found(request.path());
        let service = state.verify.find_mut(&request, &path.0)?;
        let at = service.webhooks.iter().position(|webhook| webhook.sid == path.1).ok_or_else(not_found)?;
        service.webhooks.remove(at);
        Ok(HttpResponse::NoContent().finish())
    })
}
