//! For whoever watches over the process.

use actix_web::{HttpResponse, web::Data};
use serde_json::json;

use super::error::Result;
use crate::{flow::second_factor::SecondFactor, store::StoreError};

/// The process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// The database answers and has every migration.
pub(super) async fn ready(parts: Data<SecondFactor>) -> Result<HttpResponse> {
    if parts.store.is_ready().await? {
        Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
    } else {
        Err(StoreError::Migration("a migration has not been run".into()).into())
    }
}
