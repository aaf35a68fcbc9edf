//! Errors as this provider words them.

use std::fmt;

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use serde_json::json;

use crate::answer::send;

/// Why the provider says no: HTTP status, its own code, what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) u16, pub(crate) u32, pub(crate) String);

impl Refusal {
    pub(crate) fn of(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self(status, code, message.into())
    }

    pub(crate) fn not_found(path: &str) -> Self {
        Self::of(404, 20404, format!("The requested resource {path} was not found"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.2)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        let Self(status, code, message) = self;
        let mut answer = send(
            self.status_code(),
            &json!({
                "code": code,
                "message": message,
                "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
                "status": status,
            }),
        );
        if *status == 401 {
            let challenge = actix_web::http::header::HeaderValue::from_static(r#"Basic realm="Twilio API""#);
            answer.headers_mut().insert(actix_web::http::header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// Any path the provider does not have.
pub(crate) async fn unknown_route(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    Err(Refusal::not_found(request.path().trim_start_matches("/2010-04-01")))
}
