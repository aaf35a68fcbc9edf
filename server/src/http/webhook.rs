//! `/authy/callback`: the provider's webhook, as JSON, as a form, as a query.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::HeaderValue,
    web::{Data, Payload},
};
use serde_json::{Value, json};
use shared::{ApiError, routes::AUTHY_CALLBACK};
use signature::authy::{NONCE_HEADER, Params, SIGNATURE_HEADER, SignedCall};

use super::{
    Network,
    body::{self, Kind},
    error::{Error, Result},
};
use crate::{
    domain::push::Verdict,
    flow::{
        push::{Callback, Taken, callback_digest},
        second_factor::SecondFactor,
    },
};

/// The user of the test call the provider's dashboard makes when the address is saved there.
const DASHBOARD_USER: &str = "1234";
const LONGEST_NONCE: usize = 200;

/// The two headers, each there and not empty.
struct Signed<'a> {
    nonce: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    fn of(request: &'a HttpRequest) -> Result<Self> {
        // Any text is a nonce, so not only ASCII.
        let text = |name| {
            let value = request.headers().get(name).map(HeaderValue::as_bytes).unwrap_or_default();
            std::str::from_utf8(value).unwrap_or_default()
        };
        let (nonce, signature) = (text(NONCE_HEADER), text(SIGNATURE_HEADER));
        if nonce.is_empty() || nonce.chars().count() > LONGEST_NONCE || signature.is_empty() {
            return Err(Error::WrongSignature);
        }
        Ok(Self { nonce, signature })
    }

    fn check(&self, parts: &SecondFactor, method: &str, url: &str, params: Params<'_>) -> Result<()> {
        let call = SignedCall { nonce: self.nonce, method, url, params };
        if call.verify(parts.provider.webhook_key(), self.signature) {
            Ok(())
        } else {
            Err(Error::WrongSignature)
        }
    }
}

fn own_url(network: &Network, request: &HttpRequest) -> String {
    format!("{}{AUTHY_CALLBACK}", network.base_url(request))
}

/// Take an answer from the phone
///
/// The provider's webhook, JSON or a form, signed with `X-Authy-Signature`. A form is signed as it was
/// received, like a query.
#[utoipa::path(
    post, path = AUTHY_CALLBACK, tag = "Callbacks", security(()),
    request_body(content_type = "application/json", description = "authy_id, uuid, status, …"),
    responses(
        (status = 200, description = "Taken; an unknown or settled request changes nothing"),
        (status = 401, description = "The signature is missing or wrong", body = ApiError),
        (status = 404, description = "No such user", body = ApiError),
    )
)]
pub(super) async fn by_body(
    parts: Data<SecondFactor>,
    network: Data<Network>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let signed = Signed::of(&request)?;
    let bytes = body::read_all(payload.into_inner()).await?;
    let (kind, url) = (Kind::of(&request), own_url(&network, &request));
    let tree = kind.tree(&bytes)?;
    let params = match (kind, std::str::from_utf8(&bytes)) {
        (Kind::Form, Ok(raw)) => Params::Query(raw),
        _ => Params::Body(&tree),
    };
    signed.check(&parts, "POST", &url, params)?;
    take(&parts, &signed, &tree).await
}

/// Take an answer from the phone, in a query
#[utoipa::path(
    get, path = AUTHY_CALLBACK, tag = "Callbacks", security(()),
    responses(
        (status = 200, description = "Taken; an unknown or settled request changes nothing"),
        (status = 401, description = "The signature is missing or wrong", body = ApiError),
        (status = 404, description = "No such user", body = ApiError),
    )
)]
pub(super) async fn by_query(
    parts: Data<SecondFactor>,
    network: Data<Network>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let signed = Signed::of(&request)?;
    let tree = body::form(request.query_string())?;
    signed.check(&parts, "GET", &own_url(&network, &request), Params::Query(request.query_string()))?;
    take(&parts, &signed, &tree).await
}

async fn take(parts: &SecondFactor, signed: &Signed<'_>, tree: &Value) -> Result<HttpResponse> {
    let text = |name: &str| match &tree[name] {
        Value::String(text) if !text.is_empty() && text.len() <= 200 => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Error::WrongType(name.to_owned())),
    };
    let (provider_user, reference) = (text("authy_id")?, text("uuid")?);
    let verdict = match text("status")?.as_str() {
        "approved" => Verdict::Approved,
        "denied" => Verdict::Denied,
        // Nothing that moves a request; nothing to complain about either.
        _ => return Ok(done()),
    };
    let from_dashboard = provider_user == DASHBOARD_USER;
    let digest = callback_digest(signed.nonce, signed.signature);
    let callback = Callback { digest, provider_user, reference, verdict };
    match parts.take_callback(callback).await? {
        Taken::Yes => Ok(done()),
        Taken::NoSuchUser if from_dashboard => Ok(done()),
        Taken::NoSuchUser => Err(Error::NoSuchUser),
    }
}

fn done() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}
