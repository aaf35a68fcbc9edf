//! Failures of the providers that a test can ask for.

use std::{io, time::Duration};

use actix_web::{HttpResponse, http::StatusCode, web::Bytes};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::response;

/// What happens to provider calls instead of the usual response.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Fault {
    /// Applies to calls whose path begins with this; empty for all.
    path: String,
    /// Respond with this status.
    status: Option<u16>,
    /// Wait this long first. If nothing else is set, the call is then answered as usual.
    latency_ms: u64,
    /// Respond with this body: a string is sent as HTML, anything else as JSON.
    body: Option<Value>,
    /// Close the connection in the middle of the response.
    drop_connection: bool,
    /// How many calls it applies to; absent for all.
    times: Option<u32>,
}

impl Fault {
    /// Why this is not a valid fault; `None` if it is valid.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let status = self.status.map(StatusCode::from_u16);
        status.is_some_and(|status| status.is_err()).then_some("status must be an HTTP status")
    }

    /// Whether it applies to a call to `path`.
    pub(crate) fn applies_to(&self, path: &str) -> bool {
        self.times != Some(0) && path.starts_with(&self.path)
    }

    /// Counts one call; whether it applies to no further ones.
    pub(crate) fn count_call(&mut self) -> bool {
        match &mut self.times {
            Some(times) => {
                *times = times.saturating_sub(1);
                *times == 0
            }
            None => false,
        }
    }

    /// How long to wait before the response.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    /// The response to send instead of the usual one; `None` for the usual one.
    pub(crate) fn response(&self) -> Option<HttpResponse> {
        if self.drop_connection {
            let reset = io::Error::from(io::ErrorKind::ConnectionReset);
            let broken = stream::once(async { Err::<Bytes, _>(reset) });
            return Some(HttpResponse::Ok().no_chunking(1 << 20).streaming(broken));
        }
        if self.status.is_none() && self.body.is_none() {
            return None;
        }
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::OK);
        Some(match &self.body {
            Some(Value::String(text)) => {
                HttpResponse::build(status).content_type("text/html").body(text.clone())
            }
            Some(body) => response::json(status, body),
            None => response::json(status, &default_body()),
        })
    }
}

/// The body of a fault that sets only a status.
fn default_body() -> Value {
    json!({
        "message": "Something went wrong", "success": false,
        "errors": {"message": "Something went wrong"}, "error_code": "60000"
    })
}
