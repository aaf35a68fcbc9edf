//! Errors as Twilio sends them, and the version of its API.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{HeaderValue, WWW_AUTHENTICATE},
    },
};
use serde_json::json;

use crate::response;

/// The version of the API; every path begins with it.
pub(super) const VERSION: &str = "2010-04-01";

/// An error of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TwilioError {
    /// HTTP status.
    status: u16,
    /// The provider's own code.
    code: u32,
    message: String,
}

impl TwilioError {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// No such resource. The message names the path without the version.
    pub(super) fn not_found(path: &str) -> Self {
        let resource = path.strip_prefix('/').and_then(|path| path.strip_prefix(VERSION)).unwrap_or(path);
        Self::new(404, 20404, format!("The requested resource {resource} was not found"))
    }
}

impl fmt::Display for TwilioError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl ResponseError for TwilioError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        let Self { status, code, message } = self;
        let mut response = response::json(
            self.status_code(),
            &json!({
                "code": code,
                "message": message,
                "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
                "status": status,
            }),
        );
        if *status == 401 {
            let challenge = HeaderValue::from_static(r#"Basic realm="Twilio API""#);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The response to any path that the provider does not have.
pub(super) async fn unknown_route(request: HttpRequest) -> Result<HttpResponse, TwilioError> {
    Err(TwilioError::not_found(request.path()))
}
