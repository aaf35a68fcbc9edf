//! `/twilio/status`: delivery reports on text messages.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::HeaderValue,
    web::{Data, Payload},
};
use serde_json::json;
use shared::{ApiError, routes};
use signature::twilio::{self, SIGNATURE_HEADER};

use super::{
    Network,
    body::{self, BodyType},
    error::{Error, Result},
};
use crate::services::confirmations::{Confirmations, DeliveryReport};

/// Accept a delivery report
///
/// Signed with `X-Twilio-Signature`. A late report, or one for an unknown message, changes nothing.
#[utoipa::path(
    post, path = routes::TWILIO_STATUS, tag = "Callbacks", security(()),
    params(("message" = Option<String>, Query, description = "Our own id of the text")),
    request_body(content_type = "application/x-www-form-urlencoded", description = "MessageSid, MessageStatus, ErrorCode, …"),
    responses(
        (status = 200, description = "Accepted"),
        (status = 401, description = "The signature is missing or wrong", body = ApiError),
        (status = 422, description = "No MessageSid or MessageStatus", body = ApiError),
    )
)]
pub(super) async fn accept(
    confirmations: Data<Confirmations>,
    network: Data<Network>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let signature = request.headers().get(SIGNATURE_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    let signature = std::str::from_utf8(signature).unwrap_or_default().to_owned();
    let key = confirmations.report_key().map(str::to_owned);
    let (Some(key), false) = (key, signature.is_empty()) else { return Err(Error::WrongSignature) };
    let query = request.query_string().to_owned();
    let mut url = format!("{}{}", network.base_url(&request), routes::TWILIO_STATUS);
    if !query.is_empty() {
        url = format!("{url}?{query}");
    }
    let kind = BodyType::of(&request);
    drop(request);
    let bytes = body::read_all(payload.into_inner()).await?;
    let fields: Vec<(String, String)> = match kind {
        BodyType::Form => url::form_urlencoded::parse(&bytes).into_owned().collect(),
        BodyType::Json | BodyType::Other if bytes.is_empty() => Vec::new(),
        BodyType::Json | BodyType::Other => return Err(Error::UnsupportedType),
    };
    if !twilio::verify(&key, &url, twilio::Body::Form(&fields), &signature) {
        return Err(Error::WrongSignature);
    }
    let field = |name: &str| {
        let value = fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty() && value.len() <= 64 && value.is_ascii())
    };
    let needed = |name: &str| field(name).map(str::to_owned).ok_or_else(|| Error::WrongType(name.to_owned()));
    let own = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "message");
    let report = DeliveryReport {
        id: own.map(|(_, id)| id.into_owned()).unwrap_or_default(),
        sid: needed("MessageSid")?,
        status: needed("MessageStatus")?.to_lowercase(),
        error_code: field("ErrorCode").and_then(|code| code.parse().ok()),
    };
    confirmations.accept_report(report).await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
}
