//! `/authy/callback`: the provider's webhook, as JSON, as a form, as a query.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::HeaderValue,
    web::{Data, Payload},
};
use serde_json::{Value, json};
use shared::{ApiError, routes::AUTHY_CALLBACK};
use signature::authy::{NONCE_HEADER, Params, SIGNATURE_HEADER};

use super::{
    Network,
    body::{self, BodyType},
    error::{Error, Result},
};
use crate::{
    provider::{Providers, authy::SignedRequest},
    services::answers::{Answers, CallbackOutcome},
};

/// A header as text; any UTF-8 text can be a nonce, not only ASCII.
pub(super) fn header_text<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    let value = request.headers().get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    std::str::from_utf8(value).unwrap_or_default()
}

async fn accept(
    answers: &Answers,
    providers: &Providers,
    network: &Network,
    request: &HttpRequest,
    params: Params<'_>,
    fields: &Value,
) -> Result<HttpResponse> {
    let url = format!("{}{AUTHY_CALLBACK}", network.base_url(request));
    let signed = SignedRequest {
        method: request.method().as_str(),
        url: &url,
        nonce: header_text(request, NONCE_HEADER),
        signature: header_text(request, SIGNATURE_HEADER),
        params,
        fields,
    };
    let callback = signed.read(providers)?;
    let may_be_test = callback.may_be_test;
    match answers.accept(callback).await? {
        CallbackOutcome::NoSuchUser if !may_be_test => Err(Error::NoSuchUser),
        CallbackOutcome::Accepted | CallbackOutcome::NoSuchUser => {
            Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
        }
    }
}

/// Accept an answer from the phone
///
/// The provider's webhook, JSON or a form, signed with `X-Authy-Signature`. A form is signed as it was
/// received, like a query.
#[utoipa::path(
    post, path = AUTHY_CALLBACK, tag = "Callbacks", security(()),
    request_body(content_type = "application/json", description = "authy_id, uuid, status, …"),
    responses(
        (status = 200, description = "Accepted; an unknown or settled request changes nothing"),
        (status = 401, description = "The signature is missing or wrong", body = ApiError),
        (status = 404, description = "No such user", body = ApiError),
    )
)]
pub(super) async fn by_body(
    answers: Data<Answers>,
    providers: Data<Providers>,
    network: Data<Network>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    // Without a signature the body is not worth reading.
    if header_text(&request, SIGNATURE_HEADER).is_empty() || header_text(&request, NONCE_HEADER).is_empty() {
        return Err(Error::WrongSignature);
    }
    let bytes = body::read_all(payload.into_inner()).await?;
    let body_type = BodyType::of(&request);
    let fields = body_type.tree(&bytes)?;
    let params = match (body_type, std::str::from_utf8(&bytes)) {
        (BodyType::Form, Ok(raw)) => Params::Query(raw),
        _ => Params::Body(&fields),
    };
    accept(&answers, &providers, &network, &request, params, &fields).await
}

/// Accept an answer from the phone, in a query
#[utoipa::path(
    get, path = AUTHY_CALLBACK, tag = "Callbacks", security(()),
    responses(
        (status = 200, description = "Accepted; an unknown or settled request changes nothing"),
        (status = 401, description = "The signature is missing or wrong", body = ApiError),
        (status = 404, description = "No such user", body = ApiError),
    )
)]
pub(super) async fn by_query(
    answers: Data<Answers>,
    providers: Data<Providers>,
    network: Data<Network>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let fields = body::form(request.query_string())?;
    let params = Params::Query(request.query_string());
    accept(&answers, &providers, &network, &request, params, &fields).await
}
