//! `Entities`: users, by identities of the client's own.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Value, json};
use shared::sandbox::ACCOUNT_SID;

use super::{
    Outcome, events,
    links::of_service,
    paging::page,
    state::{Entity, Service},
};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

/// Service and identity.
pub(super) type EntityPath = Path<(String, String)>;

/// Whether it may name an entity.
pub(super) fn is_identity(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

pub(super) fn url(request: &HttpRequest, service: &str, entity: &Entity) -> String {
    format!("{}/Entities/{}", of_service(request, service), entity.identity)
}

fn view(request: &HttpRequest, service: &Service, entity: &Entity) -> Value {
    let url = url(request, &service.sid, entity);
    json!({
        "sid": entity.sid,
        "identity": entity.identity,
        "account_sid": ACCOUNT_SID,
        "service_sid": service.sid,
        "date_created": format::seconds(entity.created_ms),
        "date_updated": format::seconds(entity.created_ms),
        "url": url,
        "links": {
            "factors": format!("{url}/Factors"),
            "new_factors": format!("{url}/Factors"),
            "challenges": format!("{url}/Challenges"),
        },
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
        let identity = fields.required("Identity")?;
        if !is_identity(identity) {
            return Err(TwilioError::invalid("Identity"));
        }
        if service.entity(identity).is_some() {
            return Err(TwilioError::new(409, 60301, "Entity already exists"));
        }
        let entity = Entity::new(identity, now);
        let view = view(&request, service, &entity);
        service.entities.push(entity);
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
    let entities: Vec<Value> =
        service.entities.iter().rev().map(|entity| view(&request, service, entity)).collect();
    page(&request, &fields, "entities", &entities)
}

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: EntityPath,
    _: Fields,
) -> Outcome {
    let state = emulator.state();
    let not_found = || TwilioError::not_found(request.path());
    let service = state.verify.find(&request, &path.0)?;
    let entity = service.entity(&path.1).ok_or_else(not_found)?;
    Ok(ok(&view(&request, service, entity)))
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: EntityPath,
    _: Fields,
) -> Outcome {
    let not_found = || TwilioError::not_found(request.path());
    let removed = emulator.update(|state| {
        let service = state.verify.find_mut(&request, &path.0)?;
        let at = service.entities.iter().position(|known| known.identity.eq_ignore_ascii_case(&path.1));
        Ok::<_, TwilioError>(service.entities.remove(at.ok_or_else(not_found)?))
    })?;
    for factor in &removed.factors {
        events::deliver(&emulator, &path.0, events::Event::of_factor("deleted", &removed.identity, factor))
            .await;
    }
    Ok(HttpResponse::NoContent().finish())
}
