//! `MessagingConfigurations` of a service. Kept and shown; they change nothing.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Value, json};
use shared::sandbox::ACCOUNT_SID;

use super::{Outcome, links::of_service, paging::page, state::MessagingConfiguration};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

fn not_found(request: &HttpRequest) -> TwilioError {
    TwilioError::not_found(request.path())
}

fn view(request: &HttpRequest, service: &str, known: &MessagingConfiguration) -> Value {
    json!({
        "account_sid": ACCOUNT_SID,
        "service_sid": service,
        "country": known.country,
        "messaging_service_sid": known.service,
        "date_created": format::seconds(known.created_ms),
        "date_updated": format::seconds(known.updated_ms),
        "url": format!("{}/MessagingConfigurations/{}", of_service(request, service), known.country),
    })
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
        let new = MessagingConfiguration {
            country: fields.required("Country")?.to_owned(),
            service: fields.required("MessagingServiceSid")?.to_owned(),
            created_ms: now,
            updated_ms: now,
        };
        let view = view(&request, &service.sid, &new);
        service.messaging.retain(|known| known.country != new.country);
        service.messaging.push(new);
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
    let views: Vec<Value> =
        service.messaging.iter().map(|known| view(&request, &service.sid, known)).collect();
    page(&request, &fields, "messaging_configurations", &views)
}

/// Service and country.
type ConfigurationPath = Path<(String, String)>;

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: ConfigurationPath,
    _: Fields,
) -> Outcome {
    let state = emulator.state();
    let service = state.verify.find(&request, &path.0)?;
    let known = service.messaging.iter().find(|known| known.country == path.1);
    Ok(ok(&view(&request, &service.sid, known.ok_or_else(|| not_found(&request))?)))
}

pub(super) async fn update(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: ConfigurationPath,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &path.0)?;
        let service_sid = service.sid.clone();
        let known = service.messaging.iter_mut().find(|known| known.country == path.1);
        let known = known.ok_or_else(|| not_found(&request))?;
        fields.required("MessagingServiceSid")?.clone_into(&mut known.service);
        known.updated_ms = now;
        Ok(ok(&view(&request, &service_sid, known)))
    })
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: ConfigurationPath,
    _: Fields,
) -> Outcome {
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &path.0)?;
        let at = service.messaging.iter().position(|known| known.country == path.1);
        service.messaging.remove(at.ok_or_else(|| not_found(&request))?);
        Ok(HttpResponse::NoContent().finish())
    })
}
