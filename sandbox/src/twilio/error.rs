//! Errors as Twilio sends them, and the version of its API.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue, WWW_AUTHENTICATE},
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
    /// Headers of the response, with names in lower case.
    headers: Vec<(&'static str, String)>,
}

impl TwilioError {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(401, 20003, "Authenticate")
    }

    pub(super) fn unreadable() -> Self {
        Self::new(400, 20001, "The body cannot be read")
    }

    /// Whether it was understood and refused.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == 403
    }

    /// A parameter that is needed.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(400, 20001, format!("Missing required parameter {name} in the post body"))
    }

    /// A parameter of Verify with a wrong value.
    pub(super) fn invalid(name: &str) -> Self {
        Self::new(400, 60200, format!("Invalid parameter: {name}"))
    }

    /// No such resource. The message names the path without the version.
    pub(super) fn not_found(path: &str) -> Self {
        let version = |path: &str| Some(path.strip_prefix(&format!("/{VERSION}"))?.to_owned());
        let resource = version(path).or_else(|| path.strip_prefix("/v2").map(str::to_owned));
        let resource = resource.unwrap_or_else(|| path.to_owned());
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
        let Self { status, code, message, headers } = self;
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
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// The response to any path that the provider does not have.
pub(super) async fn unknown_route(request: HttpRequest) -> Result<HttpResponse, TwilioError> {
    Err(TwilioError::not_found(request.path()))
}
