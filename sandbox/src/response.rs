//! JSON responses in the form both providers send them.

use actix_web::{HttpResponse, http::StatusCode};
use serde_json::Value;

/// Compact JSON with the content type of the real services.
pub(crate) fn json(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json;charset=utf-8").body(body.to_string())
}

/// The same with status 200.
pub(crate) fn ok(body: &Value) -> HttpResponse {
    json(StatusCode::OK, body)
}
