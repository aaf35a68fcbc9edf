//! `Challenges`: questions to one factor, their answers, and `Notifications`.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web::{Data, Path},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use shared::sandbox::ACCOUNT_SID;

use super::{
    Outcome,
    caller::Call,
    device,
    entities::{self, EntityPath},
    events::{self, Event},
    factors::authorize,
    paging::page,
    state::{Answer, Challenge, Entity, FactorKind, Holds, Verify, sid, typed_sid},
};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

/// Names the fields of a challenge that an answer has to sign.
const SIGNATURE_FIELDS: HeaderName = HeaderName::from_static("twilio-verify-signature-fields");
const DEFAULT_LIFETIME_MS: i64 = 5 * 60_000;
const LONGEST_LIFETIME_MS: i64 = 60 * 60_000;
const LONGEST_MESSAGE: usize = 256;
const MOST_FIELDS: usize = 20;
const LONGEST_LABEL: usize = 36;
const LONGEST_VALUE: usize = 128;
const LONGEST_HIDDEN: usize = 1024;
/// Wrong codes for one challenge.
const MOST_CHECKS: u32 = 5;
const MOST_NOTIFICATIONS: u32 = 3;
const HOUR_MS: i64 = 3_600_000;
/// Challenges of one authenticator, by how long ago they were made: with codes of five digits or more, with shorter
/// ones.
const MOST_LONG: &[(i64, usize)] = &[(HOUR_MS, 50), (24 * HOUR_MS, 100)];
const MOST_SHORT: &[(i64, usize)] = &[(24 * HOUR_MS, 10)];

/// Service, identity, challenge.
type ChallengePath = Path<(String, String, String)>;

fn view(request: &HttpRequest, service: &str, entity: &Entity, challenge: &Challenge, now: i64) -> Value {
    let url = format!("{}/Challenges/{}", entities::url(request, service, entity), challenge.sid);
    json!({
        "sid": challenge.sid,
        "account_sid": ACCOUNT_SID,
        "service_sid": service,
        "entity_sid": entity.sid,
        "identity": entity.identity,
        "factor_sid": challenge.factor,
        "date_created": format::seconds(challenge.created_ms),
        "date_updated": format::seconds(challenge.responded_ms.unwrap_or(challenge.created_ms)),
        "date_responded": challenge.responded_ms.map(format::seconds),
        "expiration_date": format::seconds(challenge.expires_ms),
        "status": challenge.status(now),
        "responded_reason": "none",
        "details": challenge.details,
        "hidden_details": challenge.hidden_details,
        "metadata": null,
        "factor_type": challenge.kind.name(),
        "url": url,
        "links": {"notifications": format!("{url}/Notifications")},
    })
}

/// The names that an answer has to sign: all that are there, in their order.
pub(super) fn signature_fields(view: &Value) -> Vec<&str> {
    view.as_object().map(|view| view.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn details(fields: &Fields, now: i64) -> Result<Value, TwilioError> {
    let message = fields.required("Details.Message")?;
    if message.chars().count() > LONGEST_MESSAGE {
        return Err(TwilioError::invalid("Details.Message"));
    }
    let wrong = || TwilioError::invalid("Details.Fields");
    let mut shown = Vec::new();
    for field in fields.each("Details.Fields") {
        let field: Map<String, Value> = serde_json::from_str(field).map_err(|_| wrong())?;
        let text = |name: &str, most: usize| {
            field.get(name).and_then(Value::as_str).filter(|text| text.chars().count() <= most)
        };
        let (label, value) =
            text("label", LONGEST_LABEL).zip(text("value", LONGEST_VALUE)).ok_or_else(wrong)?;
        shown.push(json!({"label": label, "value": value}));
    }
    if shown.len() > MOST_FIELDS {
        return Err(wrong());
    }
    Ok(json!({"message": message, "date": format::seconds(now), "fields": shown}))
}

fn hidden_details(fields: &Fields) -> Result<Value, TwilioError> {
    let Some(text) = fields.text("HiddenDetails") else { return Ok(Value::Null) };
    let hidden: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    hidden
        .filter(|hidden| text.len() <= LONGEST_HIDDEN && hidden.values().all(Value::is_string))
        .map(Value::Object)
        .ok_or_else(|| TwilioError::invalid("HiddenDetails"))
}

fn expires_at(fields: &Fields, now: i64) -> Result<i64, TwilioError> {
    let Some(text) = fields.text("ExpirationDate") else { return Ok(now + DEFAULT_LIFETIME_MS) };
    let at = text.parse::<Timestamp>().map(Timestamp::as_millisecond).ok();
    at.filter(|at| *at > now && *at <= now + LONGEST_LIFETIME_MS)
        .ok_or_else(|| TwilioError::invalid("ExpirationDate"))
}

pub(super) async fn create(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: EntityPath,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    let (view, event) = emulator.update(|state| make(&mut state.verify, &request, &path, &fields, now))?;
    if let Some(event) = event {
        events::deliver(&emulator, &path.0, event).await;
    }
    Ok(response::json(StatusCode::CREATED, &view))
}

fn make(
    verify: &mut Verify,
    request: &HttpRequest,
    (service, identity): &(String, String),
    fields: &Fields,
    now: i64,
) -> Result<(Value, Option<Event>), TwilioError> {
    let not_found = || TwilioError::not_found(request.path());
    let once = verify.switches.codes_work_once;
    let service = verify.find_mut(request, service)?;
    let service_sid = service.sid.clone();
    let entity = service.entity_mut(identity).ok_or_else(not_found)?;
    let factor = entity.factor(fields.required("FactorSid")?).ok_or_else(not_found)?;
    let mut used = if once { factor.used_steps.clone() } else { Vec::new() };
    if !factor.verified {
        return Err(TwilioError::new(403, 60318, "The factor is not verified"));
    }
    let kind = factor.kind();
    let mut challenge = Challenge {
        sid: typed_sid("YC", kind),
        factor: factor.sid.clone(),
        kind,
        details: Value::Null,
        hidden_details: Value::Null,
        answer: None,
        failed_checks: 0,
        notifications: 0,
        created_ms: now,
        expires_ms: expires_at(fields, now)?,
        responded_ms: None,
    };
    match &factor.holds {
        Holds::Push(_) => {
            challenge.details = details(fields, now)?;
            challenge.hidden_details = hidden_details(fields)?;
        }
        Holds::Totp(totp) => {
            let made = |since: i64| {
                let of_factor =
                    |known: &&Challenge| known.factor == factor.sid && known.created_ms > now - since;
                entity.challenges.iter().filter(of_factor).count()
            };
            let most = if totp.code_length >= 5 { MOST_LONG } else { MOST_SHORT };
            if most.iter().any(|(since, most)| made(*since) >= *most) {
                return Err(TwilioError::new(429, 60312, "Max challenges of the factor reached"));
            }
            if let Some(code) = fields.text("AuthPayload") {
                check_code(&mut challenge, totp, code, &mut used, now)?;
            }
        }
    }
    if let Some(factor) = entity.factor_mut(&challenge.factor) {
        factor.used_steps = used;
    }
    let event = challenge.answer.map(|_| Event::of_challenge(&entity.identity, &challenge));
    let view = view(request, &service_sid, entity, &challenge, now);
    entity.challenges.push(challenge);
    Ok((view, event))
}

/// A wrong code is no error: it leaves the challenge pending.
fn check_code(
    challenge: &mut Challenge,
    totp: &super::totp::Totp,
    code: &str,
    used: &mut Vec<u64>,
    now: i64,
) -> Result<(), TwilioError> {
    if code.len() != totp.code_length as usize {
        return Err(TwilioError::new(400, 60306, "The code has another length"));
    }
    if challenge.failed_checks >= MOST_CHECKS {
        return Err(TwilioError::new(429, 60308, "Max checks of the challenge reached"));
    }
    if let Some(step) = totp.step_of(code, now).filter(|step| !used.contains(step)) {
        used.push(step);
        (challenge.answer, challenge.responded_ms) = (Some(Answer::Approved), Some(now));
    } else {
        challenge.failed_checks += 1;
    }
    Ok(())
}

pub(super) async fn list(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: EntityPath,
    call: Call,
) -> Outcome {
    let (state, now, fields) = (emulator.state(), emulator.now(), &call.fields);
    let not_found = || TwilioError::not_found(request.path());
    let service = state.verify.find(&request, &path.0)?;
    let entity = service.entity(&path.1).ok_or_else(not_found)?;
    let own = authorize(entity, call.device.as_deref(), now)?;
    let mut found: Vec<&Challenge> = entity
        .challenges
        .iter()
        .filter(|challenge| own.is_none_or(|own| own.sid == challenge.factor))
        .filter(|challenge| fields.text("FactorSid").is_none_or(|factor| challenge.factor == factor))
        .filter(|challenge| fields.text("Status").is_none_or(|status| challenge.status(now) == status))
        .collect();
    if fields.text("Order") != Some("asc") {
        found.reverse();
    }
    let challenges: Vec<Value> =
        found.into_iter().map(|challenge| view(&request, &service.sid, entity, challenge, now)).collect();
    page(&request, fields, "challenges", &challenges)
}

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: ChallengePath,
    call: Call,
) -> Outcome {
    let view = read(&emulator.state().verify, &request, &path, call.device.as_deref(), emulator.now())?;
    let mut response = ok(&view);
    if view["factor_type"] == FactorKind::Push.name()
        && let Ok(fields) = HeaderValue::from_str(&signature_fields(&view).join(","))
    {
        response.headers_mut().insert(SIGNATURE_FIELDS, fields);
        // One of the device libraries may look for it in this case.
        response.head_mut().set_camel_case_headers(true);
    }
    Ok(response)
}

/// A challenge as the account or its device reads it.
pub(super) fn read(
    verify: &Verify,
    request: &HttpRequest,
    (service, identity, challenge): &(String, String, String),
    device: Option<&str>,
    now: i64,
) -> Result<Value, TwilioError> {
    let not_found = || TwilioError::not_found(request.path());
    let service = verify.find(request, service)?;
    let entity = service.entity(identity).ok_or_else(not_found)?;
    let own = authorize(entity, device, now)?;
    let challenge = entity.challenge(challenge).ok_or_else(not_found)?;
    if own.is_some_and(|own| own.sid != challenge.factor) {
        return Err(TwilioError::unauthenticated());
    }
    Ok(view(request, &service.sid, entity, challenge, now))
}

/// The answer of a factor: signed by a device, or a code of an authenticator.
pub(super) async fn update(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: ChallengePath,
    call: Call,
) -> Outcome {
    let now = emulator.now();
    let (view, event) = emulator.update(|state| {
        let payload = call.fields.required("AuthPayload")?;
        settle(&mut state.verify, &request, &path, call.device.as_deref(), payload, now)
    })?;
    if let Some(event) = event {
        events::deliver(&emulator, &path.0, event).await;
    }
    Ok(ok(&view))
}

pub(super) fn settle(
    verify: &mut Verify,
    request: &HttpRequest,
    (service, identity, challenge): &(String, String, String),
    device: Option<&str>,
    payload: &str,
    now: i64,
) -> Result<(Value, Option<Event>), TwilioError> {
    let not_found = || TwilioError::not_found(request.path());
    let once = verify.switches.codes_work_once;
    let service = verify.find_mut(request, service)?;
    let service_sid = service.sid.clone();
    let entity = service.entity_mut(identity).ok_or_else(not_found)?;
    let own = authorize(entity, device, now)?;
    let asked = entity.challenge(challenge).ok_or_else(not_found)?;
    if own.is_some_and(|own| own.sid != asked.factor) {
        return Err(TwilioError::unauthenticated());
    }
    match asked.status(now) {
        "pending" => {}
        "expired" => return Err(TwilioError::new(403, 60323, "The challenge has expired")),
        _ => return Err(TwilioError::new(403, 60322, "The challenge was answered before")),
    }
    let factor = entity.factor(&asked.factor).ok_or_else(not_found)?;
    let (factor_sid, holds) = (factor.sid.clone(), factor.holds.clone());
    let mut used = if once { factor.used_steps.clone() } else { Vec::new() };
    let read = view(request, &service_sid, entity, asked, now);
    let asked = entity.challenge_mut(challenge).ok_or_else(not_found)?;
    match &holds {
        Holds::Push(device) => {
            let answer = device::answer(&device.point, &read, &signature_fields(&read), payload)
                .ok_or_else(|| TwilioError::new(403, 60324, "The answer is not signed by the factor"))?;
            let answer = if answer { Answer::Approved } else { Answer::Denied };
            (asked.answer, asked.responded_ms) = (Some(answer), Some(now));
        }
        Holds::Totp(totp) => check_code(asked, totp, payload, &mut used, now)?,
    }
    if let Some(factor) = entity.factor_mut(&factor_sid) {
        factor.used_steps = used;
    }
    let asked = entity.challenge(challenge).ok_or_else(not_found)?;
    let event = asked.answer.map(|_| Event::of_challenge(&entity.identity, asked));
    Ok((view(request, &service_sid, entity, asked, now), event))
}

/// Tells the device once more. It finds its challenges by asking, so that nothing is sent.
pub(super) async fn notify(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: ChallengePath,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let not_found = || TwilioError::not_found(request.path());
        let service = state.verify.find_mut(&request, &path.0)?;
        let service_sid = service.sid.clone();
        let entity = service.entity_mut(&path.1).ok_or_else(not_found)?;
        let (entity_sid, identity) = (entity.sid.clone(), entity.identity.clone());
        let ttl = fields.number("Ttl", 0..=300)?.unwrap_or(300);
        let factor = entity.challenge(&path.2).ok_or_else(not_found)?.factor.clone();
        let platform = match entity.factor(&factor).map(|factor| &factor.holds) {
            Some(Holds::Push(device)) => device.config.get("notification_platform").cloned(),
            _ => None,
        };
        if platform.is_none_or(|platform| platform == "none") {
            return Err(TwilioError::new(400, 60307, "The factor has no notification platform"));
        }
        let challenge = entity.challenge_mut(&path.2).ok_or_else(not_found)?;
        if challenge.notifications >= MOST_NOTIFICATIONS {
            return Err(TwilioError::new(429, 60309, "Max notifications of the challenge reached"));
        }
        challenge.notifications += 1;
        let view = json!({
            "sid": sid("NT"),
            "account_sid": ACCOUNT_SID,
            "service_sid": service_sid,
            "entity_sid": entity_sid,
            "identity": identity,
            "challenge_sid": challenge.sid,
            "priority": "high",
            "ttl": ttl,
            "date_created": format::seconds(now),
        });
        Ok(response::json(StatusCode::CREATED, &view))
    })
}
