//! The security headers of every response, and the names of our own request headers.

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use shared::routes::{CARRIER_HEADER, TOKEN_HEADER};

/// [`TOKEN_HEADER`], parsed once.
pub(super) static TOKEN: LazyLock<HeaderName> = LazyLock::new(|| name(TOKEN_HEADER));
/// [`CARRIER_HEADER`], parsed once.
pub(super) static CARRIER: LazyLock<HeaderName> = LazyLock::new(|| name(CARRIER_HEADER));

/// Made when the program is compiled: every response gets them.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
];

fn name(text: &str) -> HeaderName {
    HeaderName::from_bytes(text.as_bytes()).expect("a header's name")
}

/// Sets what no response should lack; what a handler has set itself stays.
pub(super) fn set_security_headers(headers: &mut HeaderMap, secure: bool) {
    for (name, value) in SECURITY_HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if secure && !headers.contains_key(header::STRICT_TRANSPORT_SECURITY) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
