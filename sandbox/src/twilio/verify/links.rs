//! Addresses in answers: absolute, of the host that was asked.

use actix_web::{HttpRequest, http::header::HOST};

use crate::page::PROVIDER_HOSTS;

/// Scheme and host. Who reaches the sandbox by a provider's own name does so through a proxy that ends TLS.
pub(super) fn origin(request: &HttpRequest) -> String {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if PROVIDER_HOSTS.contains(&host) { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// Below a service.
pub(super) fn of_service(request: &HttpRequest, service: &str) -> String {
    format!("{}/v2/Services/{service}", origin(request))
}
