//! `Factors`: devices and authenticators of an entity.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Value, json};
use shared::sandbox::ACCOUNT_SID;

use super::{
    Outcome, bindings,
    caller::Call,
    device::{self, Token},
    entities::{self, EntityPath},
    events::{self, Event},
    paging::page,
    state::{Entity, Factor, FactorKind, Holds, Verify, typed_sid},
};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

const MOST_PUSH: usize = 20;
const MOST_TOTP: usize = 100;
const MOST_A_DAY: usize = 100;
const DAY_MS: i64 = 24 * 3_600_000;
/// Wrong proofs of one factor.
const MOST_PROOFS: u32 = 5;
pub(super) const LONGEST_NAME: usize = 64;

/// Service, identity, factor.
pub(super) type FactorPath = Path<(String, String, String)>;

/// The factor that a device's own token is of: in this entity and of this key. By the account, any.
pub(super) fn authorize<'a>(
    entity: &'a Entity,
    device: Option<&str>,
    now: i64,
) -> Result<Option<&'a Factor>, TwilioError> {
    let Some(device) = device else { return Ok(None) };
    let token = Token::read(device).ok_or_else(TwilioError::unauthenticated)?;
    let own = entity.factors.iter().find(|factor| match &factor.holds {
        Holds::Push(device) => {
            token.key_id() == Some(&device.credential)
                && token.is_signed_by(&device.point)
                && token.is_own_token(now)
        }
        Holds::Totp(_) => false,
    });
    own.map(Some).ok_or_else(TwilioError::unauthenticated)
}

fn view(request: &HttpRequest, service: &str, entity: &Entity, factor: &Factor) -> Value {
    json!({
        "sid": factor.sid,
        "account_sid": ACCOUNT_SID,
        "service_sid": service,
        "entity_sid": entity.sid,
        "identity": entity.identity,
        "date_created": format::seconds(factor.created_ms),
        "date_updated": format::seconds(factor.updated_ms),
        "friendly_name": factor.friendly_name,
        "status": if factor.verified { "verified" } else { "unverified" },
        "factor_type": factor.kind().name(),
        "config": bindings::config(factor),
        "metadata": factor.metadata,
        "url": format!("{}/Factors/{}", entities::url(request, service, entity), factor.sid),
    })
}

fn metadata(fields: &Fields) -> Result<Value, TwilioError> {
    match fields.text("Metadata").map(serde_json::from_str) {
        None => Ok(Value::Null),
        Some(Ok(Value::Object(metadata))) => Ok(Value::Object(metadata)),
        Some(_) => Err(TwilioError::invalid("Metadata")),
    }
}

pub(super) async fn create(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: EntityPath,
    call: Call,
) -> Outcome {
    let now = emulator.now();
    let (created, event) = emulator.update(|state| make(&mut state.verify, &request, &path, &call, now))?;
    events::deliver(&emulator, &path.0, event).await;
    Ok(response::json(StatusCode::CREATED, &created))
}

pub(super) fn make(
    verify: &mut Verify,
    request: &HttpRequest,
    (service, identity): &(String, String),
    Call { device, fields }: &Call,
    now: i64,
) -> Result<(Value, Event), TwilioError> {
    let service = verify.find_mut(request, service)?;
    if let Some(token) = device {
        let of_token = |known: &&super::state::AccessToken| {
            known.token == *token && known.is_live(now) && known.identity.eq_ignore_ascii_case(identity)
        };
        service
            .access_tokens
            .iter()
            .find(of_token)
            .ok_or_else(|| TwilioError::new(403, 60313, "The access token does not permit this"))?;
    }
    if !entities::is_identity(identity) {
        return Err(TwilioError::invalid("Identity"));
    }
    let friendly_name = fields.required("FriendlyName")?.to_owned();
    if friendly_name.chars().count() > LONGEST_NAME {
        return Err(TwilioError::invalid("FriendlyName"));
    }
    let kind = match fields.required("FactorType")? {
        "push" => FactorKind::Push,
        "totp" if device.is_none() => FactorKind::Totp,
        _ => return Err(TwilioError::invalid("FactorType")),
    };
    let holds = match kind {
        FactorKind::Push => Holds::Push(bindings::device_of(fields)?),
        FactorKind::Totp => Holds::Totp(bindings::totp_of(fields, service)?),
    };
    let metadata = metadata(fields)?;
    if service.entity(identity).is_none() {
        service.entities.push(Entity::new(identity, now));
    }
    let (service_sid, issuer) = (service.sid.clone(), service.issuer().to_owned());
    let entity = service.entity_mut(identity).ok_or_else(|| TwilioError::not_found(request.path()))?;
    let most = if kind == FactorKind::Push { MOST_PUSH } else { MOST_TOTP };
    if entity.factors.iter().filter(|factor| factor.kind() == kind).count() >= most {
        return Err(TwilioError::new(400, 60315, "Max factors of the entity reached"));
    }
    entity.factors_made_ms.retain(|at| now < at + DAY_MS);
    if entity.factors_made_ms.len() >= MOST_A_DAY {
        return Err(TwilioError::new(429, 60326, "Max factors created in a day reached"));
    }
    if entity.factors.iter().any(|factor| bindings::is_same(&factor.holds, &holds)) {
        return Err(TwilioError::new(409, 60317, "A factor with this binding exists"));
    }
    entity.factors_made_ms.push(now);
    let factor = Factor {
        sid: typed_sid("YF", kind),
        friendly_name,
        verified: false,
        holds,
        metadata,
        failed_proofs: 0,
        used_steps: Vec::new(),
        created_ms: now,
        updated_ms: now,
    };
    let mut created = view(request, &service_sid, entity, &factor);
    created["binding"] = bindings::view(&factor, &issuer);
    created["options"] = Value::Null;
    let event = Event::of_factor("created", &entity.identity, &factor);
    entity.factors.push(factor);
    Ok((created, event))
}

pub(super) async fn list(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: EntityPath,
    fields: Fields,
) -> Outcome {
    let state = emulator.state();
    let not_found = || TwilioError::not_found(request.path());
    let service = state.verify.find(&request, &path.0)?;
    let entity = service.entity(&path.1).ok_or_else(not_found)?;
    let factors: Vec<Value> =
        entity.factors.iter().rev().map(|factor| view(&request, &service.sid, entity, factor)).collect();
    page(&request, &fields, "factors", &factors)
}

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: FactorPath,
    call: Call,
) -> Outcome {
    let (state, now) = (emulator.state(), emulator.now());
    let not_found = || TwilioError::not_found(request.path());
    let service = state.verify.find(&request, &path.0)?;
    let entity = service.entity(&path.1).ok_or_else(not_found)?;
    let own = authorize(entity, call.device.as_deref(), now)?;
    let factor = entity.factor(&path.2).ok_or_else(not_found)?;
    if own.is_some_and(|own| own.sid != factor.sid) {
        return Err(TwilioError::unauthenticated());
    }
    Ok(ok(&view(&request, &service.sid, entity, factor)))
}

/// Proves a factor, or changes what is told of it.
pub(super) async fn update(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: FactorPath,
    call: Call,
) -> Outcome {
    let now = emulator.now();
    let (view, event) = emulator.update(|state| change(&mut state.verify, &request, &path, &call, now))?;
    if let Some(event) = event {
        events::deliver(&emulator, &path.0, event).await;
    }
    Ok(ok(&view))
}

pub(super) fn change(
    verify: &mut Verify,
    request: &HttpRequest,
    (service, identity, factor): &(String, String, String),
    Call { device, fields }: &Call,
    now: i64,
) -> Result<(Value, Option<Event>), TwilioError> {
    let not_found = || TwilioError::not_found(request.path());
    let service = verify.find_mut(request, service)?;
    let service_sid = service.sid.clone();
    let entity = service.entity_mut(identity).ok_or_else(not_found)?;
    let own = authorize(entity, device.as_deref(), now)?.map(|own| own.sid.clone());
    if own.is_some_and(|own| own != *factor) {
        return Err(TwilioError::unauthenticated());
    }
    let known = entity.factor_mut(factor).ok_or_else(not_found)?;
    let was_verified = known.verified;
    let mut changed = known.clone();
    bindings::take_over(&mut changed, fields)?;
    if let Some(proof) = fields.text("AuthPayload") {
        let proved = prove(&mut changed, proof, now);
        known.failed_proofs = changed.failed_proofs;
        proved?;
    }
    changed.updated_ms = now;
    let is_new = changed.verified && !was_verified;
    *known = changed;
    let changed = entity.factor(factor).ok_or_else(not_found)?;
    let event = is_new.then(|| Event::of_factor("verified", &entity.identity, changed));
    Ok((view(request, &service_sid, entity, changed), event))
}

/// A wrong code of an authenticator is no error: the factor stays as it is.
fn prove(factor: &mut Factor, proof: &str, now: i64) -> Result<(), TwilioError> {
    if factor.failed_proofs >= MOST_PROOFS {
        return Err(TwilioError::new(429, 60310, "Max proofs of the factor reached"));
    }
    let is_right = match &factor.holds {
        Holds::Push(device) => device::is_proof(&device.point, &factor.sid, proof),
        Holds::Totp(totp) if proof.len() != totp.code_length as usize => {
            return Err(TwilioError::new(400, 60306, "The code has another length"));
        }
        Holds::Totp(totp) => totp.step_of(proof, now).is_some(),
    };
    if is_right {
        factor.verified = true;
        return Ok(());
    }
    factor.failed_proofs += 1;
    match factor.holds {
        Holds::Push(_) => Err(TwilioError::new(403, 60311, "The proof is wrong")),
        Holds::Totp(_) => Ok(()),
    }
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: FactorPath,
    call: Call,
) -> Outcome {
    let now = emulator.now();
    let event = emulator.update(|state| {
        let not_found = || TwilioError::not_found(request.path());
        let service = state.verify.find_mut(&request, &path.0)?;
        let entity = service.entity_mut(&path.1).ok_or_else(not_found)?;
        let own = authorize(entity, call.device.as_deref(), now)?.map(|own| own.sid.clone());
        if own.is_some_and(|own| own != path.2) {
            return Err(TwilioError::unauthenticated());
        }
        let at = entity.factors.iter().position(|factor| factor.sid == path.2).ok_or_else(not_found)?;
        let removed = entity.factors.remove(at);
        Ok::<_, TwilioError>(Event::of_factor("deleted", &entity.identity, &removed))
    })?;
    events::deliver(&emulator, &path.0, event).await;
    Ok(HttpResponse::NoContent().finish())
}
