//! For whoever watches over the process.

use actix_web::{HttpResponse, web::Data};
use serde_json::json;
use shared::{ApiError, routes};

use super::error::Result;
use crate::{flow::second_factor::SecondFactor, store::StoreError};

/// The process answers
#[utoipa::path(
    get, path = routes::HEALTHZ, tag = "Health", security(()),
    responses((status = 200, description = "It lives"))
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
pub(super) async fn ready(parts: Data<SecondFactor>) -> Result<HttpResponse> {
    if parts.store.is_ready().await? {
        Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
    } else {
        Err(StoreError::Migration("a migration has not been run".into()).into())
    }
}
