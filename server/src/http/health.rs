//! For monitoring.

use actix_web::{HttpResponse, web::Data};
use serde_json::json;
use shared::{ApiError, routes};

use super::error::Result;
use crate::services::sessions::Sessions;

/// The process answers
#[utoipa::path(
    get, path = routes::HEALTHZ, tag = "Health", security(()),
    responses((status = 200, description = "It is alive"))
)]
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// The database answers and has every migration
#[utoipa::path(
    get, path = routes::READYZ, tag = "Health", security(()),
    responses(
        (status = 200, description = "Ready"),
        (status = 503, description = "Not ready", body = ApiError),
    )
)]
pub(super) async fn ready(sessions: Data<Sessions>) -> Result<HttpResponse> {
    sessions.require_ready_database().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
}
