//! `/twilio/status`: what becomes of texts, as their provider reports it.

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
    body::{self, Kind},
    error::{Error, Result},
};
use crate::flow::confirmation::{Confirmation, Report};

/// Take a report on a text
///
/// Signed with `X-Twilio-Signature`. One that is late, or of a text nobody here sent, changes nothing.
#[utoipa::path(
    post, path = routes::TWILIO_STATUS, tag = "Callbacks", security(()),
    params(("message" = Option<String>, Query, description = "Our own name for the text")),
    request_body(content_type = "application/x-www-form-urlencoded", description = "MessageSid, MessageStatus, ErrorCode, …"),
    responses(
        (status = 200, description = "Taken"),
        (status = 401, description = "The signature is missing or wrong", body = ApiError),
        (status = 422, description = "No MessageSid or MessageStatus", body = ApiError),
    )
)]
pub(super) async fn take(
    confirmations: Data<Confirmation>,
    network: Data<Network>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let signature = request.headers().get(SIGNATURE_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    let signature = std::str::from_utf8(signature).unwrap_or_default().to_owned();
    let key = confirmations.messages.as_ref().map(|messages| messages.webhook_key().to_owned());
    let (Some(key), false) = (key, signature.is_empty()) else { return Err(Error::WrongSignature) };
    let query = request.query_string().to_owned();
    let mut url = format!("{}{}", network.base_url(&request), routes::TWILIO_STATUS);
    if !query.is_empty() {
        url = format!("{url}?{query}");
    }
    let kind = Kind::of(&request);
    drop(request);
    let bytes = body::read_all(payload.into_inner()).await?;
    let fields: Vec<(String, String)> = match kind {
        Kind::Form => url::form_urlencoded::parse(&bytes).into_owned().collect(),
        Kind::Json | Kind::Other if bytes.is_empty() => Vec::new(),
        Kind::Json | Kind::Other => return Err(Error::UnsupportedType),
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
    let report = Report {
        id: own.map(|(_, id)| id.into_owned()).unwrap_or_default(),
        sid: needed("MessageSid")?,
        status: needed("MessageStatus")?.to_lowercase(),
        error_code: field("ErrorCode").and_then(|code| code.parse().ok()),
    };
    confirmations.take_report(report).await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
}
