//! `AccessTokens`: they let a device register itself.

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Data, Path},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::sandbox::ACCOUNT_SID;

use super::{
    Outcome, entities,
    links::of_service,
    state::{AccessToken, sid},
};
use crate::{
    emulator::Emulator,
    format, random,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

const DEFAULT_TTL: u32 = 60;
/// The header of the real service's tokens.
const HEADER: &str =
    r#"{"zip":"DEF","kid":"SAS_S3___KMS_v1","cty":"twilio-fpa;v=1","enc":"A256GCM","alg":"dir"}"#;

/// In the form of an encrypted token (RFC 7516), whose content nobody but the service can read: random here.
fn new_token() -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (iv, content, tag) = (random::bytes::<12>(), random::bytes::<192>(), random::bytes::<16>());
    format!("{}..{}.{}.{}", part(HEADER.as_bytes()), part(&iv), part(&content), part(&tag))
}

fn view(request: &HttpRequest, service: &str, token: &AccessToken) -> Value {
    json!({
        "sid": token.sid,
        "account_sid": ACCOUNT_SID,
        "service_sid": service,
        "entity_identity": token.identity,
        "factor_type": "push",
        "factor_friendly_name": token.friendly_name,
        "token": token.token,
        "url": format!("{}/AccessTokens/{}", of_service(request, service), token.sid),
        "ttl": token.ttl,
        "date_created": format::seconds(token.created_ms),
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
        if !entities::is_identity(identity) {
            return Err(TwilioError::invalid("Identity"));
        }
        if fields.required("FactorType")? != "push" {
            return Err(TwilioError::invalid("FactorType"));
        }
        let token = AccessToken {
            sid: sid("YK"),
            identity: identity.to_owned(),
            friendly_name: fields.text("FactorFriendlyName").map(str::to_owned),
            token: new_token(),
            ttl: fields.number("Ttl", 60..=300)?.unwrap_or(DEFAULT_TTL),
            created_ms: now,
        };
        let view = view(&request, &service.sid, &token);
        service.access_tokens.push(token);
        Ok(response::json(StatusCode::CREATED, &view))
    })
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
    let token = service.access_tokens.iter().find(|token| token.sid == path.1).ok_or_else(not_found)?;
    Ok(ok(&view(&request, &service.sid, token)))
}
