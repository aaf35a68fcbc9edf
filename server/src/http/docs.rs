//! `/docs`: the Swagger UI for the OpenAPI document. It loads nothing from another origin.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header,
    web::{Path, ServiceConfig},
};
use shared::routes;
use utoipa_swagger_ui::{Config, serve};

use super::error::{Error, Result};

/// The Swagger UI needs inline styles. Scripts are allowed from its own files only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes(app: &mut ServiceConfig) {
    app.service(super::at(routes::DOCS, "GET").route(super::get().to(to_the_folder)))
        .service(super::at("/docs/{file:.*}", "GET").route(super::get().to(file)));
}

/// Redirects to `/docs/`, because the page loads its files by relative URLs.
async fn to_the_folder() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

async fn file(name: Path<String>) -> Result<HttpResponse> {
    // The validator is on another origin.
    let config = Config::from(routes::OPENAPI).validator_url("none").try_it_out_enabled(true);
    let file = serve(&name, Arc::new(config)).map_err(|error| Error::Internal(error.to_string()))?;
    let file = file.ok_or(Error::NotFound)?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(file.content_type)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    if file.gzpipped {
        answer.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(answer.body(file.bytes.into_owned()))
}
