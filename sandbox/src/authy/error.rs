//! Errors as Authy sends them.

use std::fmt;

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Map, Value};

use crate::response;

/// The response to any path that the provider does not have.
pub(crate) async fn unknown_route(request: HttpRequest) -> AuthyError {
    tracing::debug!(path = request.path(), "no such call");
    AuthyError::UnknownRoute
}

/// The response to calls that ask for XML.
pub(crate) async fn no_xml() -> AuthyError {
    AuthyError::NoXml
}

/// An error of the provider, with its own error codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuthyError {
    InvalidKey,
    InvalidRequest,
    NotUtf8,
    UnknownRoute,
    /// The sandbox's own: the real service has XML.
    NoXml,
    /// Parameter and problem.
    InvalidParameter(&'static str, &'static str),
    /// Parameter and its value.
    NotAnInteger(&'static str, String),
    /// Fields of `user` and their problems.
    UserNotValid(Vec<(&'static str, &'static str)>),
    UserNotFound,
    /// The error of `verify` where other calls have [`UserNotFound`](Self::UserNotFound).
    UserDoesNotExist,
    TokenInvalid,
    TokenUsed,
    TooManyTokens,
    NoApp,
    ApprovalNotFound(String),
    BadActivity,
    PhoneInvalid,
    CustomCodeNotAllowed,
    CustomMessageNotAllowed,
    CodeIncorrect,
    /// The number as the provider writes it.
    NoPendingVerification(String),
    NeedUuidOrPhone,
    TooManyVerifications,
}

impl AuthyError {
    fn parts(&self) -> (u16, u32, String) {
        let (status, code, message) = match self {
            Self::InvalidKey => (401, 60001, "Invalid API key"),
            Self::InvalidRequest => (400, 60002, "Invalid request"),
            Self::NotUtf8 => (400, 60005, "Invalid encoding. Parameters must be UTF-8"),
            Self::UnknownRoute => {
                (404, 60000, "Requested URL was not found. Check the path and the API version.")
            }
            Self::NoXml => {
                (404, 60000, "The sandbox answers in JSON only. Write json in place of xml in the path.")
            }
            Self::InvalidParameter(name, problem) => {
                return (400, 60004, format!("Invalid parameter: {name} - {problem}"));
            }
            Self::NotAnInteger(name, given) => {
                return (400, 60004, format!("Invalid parameter: {name} - '{given}' is not a valid Integer"));
            }
            Self::UserNotValid(_) => (400, 60027, "User was not valid"),
            Self::UserNotFound => (404, 60026, "User not found."),
            Self::UserDoesNotExist => (404, 60016, "User doesn't exist"),
            Self::TokenInvalid => (401, 60020, "Token is invalid"),
            Self::TokenUsed => (401, 60019, "Token is invalid. Token was used recently"),
            Self::TooManyTokens => {
                (429, 60003, "DoS protection: User has requested too many tokens in the last hour.")
            }
            Self::NoApp => (400, 60050, "User has no app to send an approval request to"),
            Self::ApprovalNotFound(uuid) => {
                return (404, 60049, format!("Approval request not found: {uuid}"));
            }
            Self::BadActivity => {
                (400, 60029, "Activity type must be one of password_reset, banned, unbanned, cookie_login")
            }
            Self::PhoneInvalid => (400, 60033, "Phone number is invalid"),
            Self::CustomCodeNotAllowed => {
                (403, 60021, "Phone verification couldn't be created: custom codes are not allowed")
            }
            Self::CustomMessageNotAllowed => (403, 60091, "Custom message not allowed"),
            Self::CodeIncorrect => (401, 60022, "Verification code is incorrect"),
            Self::NoPendingVerification(phone) => {
                return (404, 60023, format!("No pending verifications for {phone} found."));
            }
            Self::NeedUuidOrPhone => (400, 60042, "Pass uuid, or country_code and phone_number"),
            Self::TooManyVerifications => {
                (429, 60003, "DoS protection: too many verifications were started for this number.")
            }
        };
        (status, code, message.to_owned())
    }

    fn body(&self) -> Value {
        let (_, code, message) = self.parts();
        let mut body = Map::new();
        body.insert("message".into(), message.clone().into());
        if *self == Self::TokenInvalid {
            body.insert("token".into(), "is invalid".into());
        }
        body.insert("success".into(), false.into());
        let mut errors = Map::new();
        if let Self::UserNotValid(fields) = self {
            for (field, problem) in fields {
                errors.insert((*field).into(), (*problem).into());
                body.insert((*field).into(), (*problem).into());
            }
        }
        if !matches!(self, Self::ApprovalNotFound(_)) {
            errors.insert("message".into(), message.into());
        }
        body.insert("errors".into(), errors.into());
        body.insert("error_code".into(), code.to_string().into());
        Value::Object(body)
    }
}

impl fmt::Display for AuthyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.parts().2)
    }
}

impl ResponseError for AuthyError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.parts().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        response::json(self.status_code(), &self.body())
    }
}

impl actix_web::Responder for AuthyError {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
