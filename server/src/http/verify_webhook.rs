//! `/twilio/verify`: Twilio Verify's webhook, as a form or JSON.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Payload},
};
use serde_json::{Value, json};
use shared::{ApiError, routes};
use signature::twilio::{Body, SIGNATURE_HEADER};

use super::{
    Network,
    body::{self, BodyType},
    error::{Error, Result},
    webhook::header_text,
};
use crate::{
    provider::{Providers, verify::SignedWebhook},
    services::provider_events::ProviderEvents,
};

/// Accept news of devices and approval requests
///
/// Signed with `X-Twilio-Signature`. A hint: what it tells is read at the provider before it is believed. News of what
/// is unknown here or settled change nothing.
#[utoipa::path(
    post, path = routes::TWILIO_VERIFY, tag = "Callbacks", security(()),
    request_body(content_type = "application/x-www-form-urlencoded", description = "type, service_sid, entity_identity, factor_sid, challenge_sid, …"),
    responses(
        (status = 200, description = "Accepted"),
        (status = 401, description = "The signature is missing or wrong", body = ApiError),
        (status = 422, description = "A field is missing or wrong", body = ApiError),
    )
)]
pub(super) async fn accept(
    events: Data<ProviderEvents>,
    providers: Data<Providers>,
    network: Data<Network>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let signature = header_text(&request, SIGNATURE_HEADER).to_owned();
    if signature.is_empty() {
        // Without a signature the body is not worth reading.
        return Err(Error::WrongSignature);
    }
    let mut url = format!("{}{}", network.base_url(&request), routes::TWILIO_VERIFY);
    if !request.query_string().is_empty() {
        url = format!("{url}?{}", request.query_string());
    }
    let body_type = BodyType::of(&request);
    drop(request);
    let bytes = body::read_all(payload.into_inner()).await?;
    let fields = fields(body_type, &bytes)?;
    let body = if body_type == BodyType::Form { Body::Form(&fields) } else { Body::Raw(&bytes) };
    let signed = SignedWebhook { url: &url, signature: &signature, body, fields: &fields };
    events.accept(signed.read(&providers)?).await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
}

fn fields(body_type: BodyType, bytes: &Bytes) -> Result<Vec<(String, String)>> {
    match body_type {
        BodyType::Form => Ok(url::form_urlencoded::parse(bytes).into_owned().collect()),
        BodyType::Json => match body_type.tree(bytes)? {
            Value::Object(members) => Ok(members
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect()),
            _ => Err(Error::Unreadable("Send an object.")),
        },
        BodyType::Other => Err(Error::UnsupportedType),
    }
}
