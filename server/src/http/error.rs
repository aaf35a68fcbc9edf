//! From what happened to what a client sees: one `match` to a code, one shape. The code has the status.

use std::{collections::BTreeMap, error::Error as _, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use shared::{ApiError, ErrorCode};
use thiserror::Error as ThisError;

use super::{
    error_texts::{message_of, seconds, taken_message, too_many, when_in},
    headers::set_security_headers,
    origin::ForeignOrigin,
};
use crate::{
    domain::refusal::Refusal,
    provider::{CallbackError, ProviderError},
    services::ServiceError,
    store::StoreError,
};

/// Why a request is not answered with success.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The body or the query cannot be read; for people, why.
    #[error("unreadable: {0}")]
    Unreadable(&'static str),
    /// Neither JSON nor a form.
    #[error("unsupported type")]
    UnsupportedType,
    /// More than [`LARGEST_BODY`](super::body::LARGEST_BODY).
    #[error("too large")]
    TooLarge,
    /// A field has the wrong type; its name is the client's own.
    #[error("wrong type of {0}")]
    WrongType(String),
    /// Nothing at this address.
    #[error("not found")]
    NotFound,
    /// The methods there are.
    #[error("method not allowed")]
    Method(&'static str),
    /// A page of another origin made a browser send this.
    #[error("foreign origin")]
    ForeignOrigin(ForeignOrigin),
    /// The client's address has too many connections open.
    #[error("too many connections")]
    TooManyConnections,
    /// The callback's signature is missing or wrong.
    #[error("wrong signature")]
    WrongSignature,
    /// The callback names a user who never existed here.
    #[error("no such user")]
    NoSuchUser,
    /// The operation was not done.
    #[error(transparent)]
    Failed(#[from] ServiceError),
    /// A defect, or a failure of the framework.
    #[error("internal: {0}")]
    Internal(String),
}

/// Result of a handler.
pub(super) type Result<T> = std::result::Result<T, Error>;

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Failed(refusal.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<CallbackError> for Error {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::Signature => Self::WrongSignature,
            CallbackError::Field(name) => Self::WrongType(name.to_owned()),
        }
    }
}

/// What is wrong with one field.
pub(super) fn invalid(field: &'static str, problem: &str) -> Error {
    Refusal::InvalidFields(BTreeMap::from([(field, problem.to_owned())])).into()
}

impl Error {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Unreadable(_) => ErrorCode::Unreadable,
            Self::UnsupportedType => ErrorCode::UnsupportedType,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::WrongType(_) => ErrorCode::InvalidFields,
            Self::NotFound => ErrorCode::NotFound,
            Self::Method(_) => ErrorCode::MethodNotAllowed,
            Self::ForeignOrigin(_) => ErrorCode::ForeignOrigin,
            Self::TooManyConnections => ErrorCode::TooMany,
            Self::WrongSignature => ErrorCode::WrongSignature,
            Self::NoSuchUser => ErrorCode::NoSuchUser,
            Self::Internal(_) => ErrorCode::Internal,
            Self::Failed(ServiceError::Store(StoreError::Sealed(_))) => ErrorCode::Internal,
            Self::Failed(ServiceError::Store(_)) => ErrorCode::Unavailable,
            Self::Failed(ServiceError::Provider(ProviderError::Limited)) => ErrorCode::ProviderLimit,
            Self::Failed(ServiceError::Provider(ProviderError::ChannelRefused)) => ErrorCode::ChannelRefused,
            Self::Failed(ServiceError::Provider(_)) => ErrorCode::ProviderFailed,
            Self::Failed(ServiceError::Refused(refusal)) => code_of(refusal),
        }
    }

    /// Fields by their name on the wire, each with what is wrong with it.
    fn fields(&self) -> BTreeMap<String, String> {
        match self {
            Self::WrongType(field) if !field.is_empty() => {
                BTreeMap::from([(field.clone(), "A text is needed here.".to_owned())])
            }
            Self::Failed(ServiceError::Refused(Refusal::InvalidFields(fields))) => {
                fields.iter().map(|(field, problem)| ((*field).to_owned(), problem.clone())).collect()
            }
            Self::Failed(ServiceError::Refused(Refusal::Taken(field))) => {
                BTreeMap::from([((*field).to_owned(), taken_message(field).to_owned())])
            }
            _ => BTreeMap::new(),
        }
    }

    /// What a person reads, where it does not follow from the code alone.
    fn message(&self) -> String {
        match self {
            Self::Unreadable(why) => (*why).to_owned(),
            Self::ForeignOrigin(ForeignOrigin { expected, came }) => {
                let shown = |origin: &str| -> String {
                    origin.chars().filter(|c| !c.is_control()).take(200).collect()
                };
                let (expected, came) = (shown(expected), shown(came));
                format!(
                    "Requests from other sites aren't allowed. Expected origin: {expected}. This request came from: {came}."
                )
            }
            Self::Failed(ServiceError::Refused(Refusal::WrongCode { left })) => match left {
                None => "Wrong code. Check it and try again.".to_owned(),
                Some(0) => "Too many wrong codes.".to_owned(),
                Some(1) => "Wrong code. 1 try left.".to_owned(),
                Some(left) => format!("Wrong code. {left} tries left."),
            },
            Self::Failed(ServiceError::Refused(Refusal::WrongNumber { left })) => match left {
                0 => "Wrong number. The request was denied.".to_owned(),
                1 => "Wrong number. 1 try left.".to_owned(),
                left => format!("Wrong number. {left} tries left."),
            },
            Self::Failed(ServiceError::Refused(Refusal::CodeExpired)) => {
                "This code has expired or was already used. Get a new code.".to_owned()
            }
            Self::Failed(ServiceError::Refused(Refusal::TooMany { what, wait })) => too_many(*what, *wait),
            Self::Failed(ServiceError::Refused(
                Refusal::Busy { wait } | Refusal::TooManyWaiting { wait },
            )) => {
                format!("The service is busy. Try again {}.", when_in(*wait))
            }
            other => message_of(other.code()).to_owned(),
        }
    }

    /// Seconds until it may be tried again, rounded up.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Failed(ServiceError::Refused(
                Refusal::TooMany { wait, .. } | Refusal::Busy { wait } | Refusal::TooManyWaiting { wait },
            )) => Some(seconds(*wait)),
            Self::Failed(ServiceError::Provider(ProviderError::Limited)) => Some(600),
            Self::Failed(ServiceError::Store(StoreError::Sealed(_))) => None,
            Self::Failed(ServiceError::Store(_)) => Some(2),
            Self::TooManyConnections => Some(5),
            _ => None,
        }
    }
}

fn code_of(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::InvalidFields(_) => ErrorCode::InvalidFields,
        Refusal::Taken(_) => ErrorCode::Taken,
        Refusal::WrongCredentials => ErrorCode::WrongCredentials,
        Refusal::NoSession => ErrorCode::NoSession,
        Refusal::NotSignedIn => ErrorCode::NotSignedIn,
        Refusal::SecondFactorRequired => ErrorCode::SecondFactorRequired,
        Refusal::PhoneUnverified => ErrorCode::PhoneUnverified,
        Refusal::PhoneInUse => ErrorCode::PhoneInUse,
        Refusal::StepUpRequired => ErrorCode::StepUpRequired,
        Refusal::AlreadyEnrolled => ErrorCode::AlreadyEnrolled,
        Refusal::PushUnavailable => ErrorCode::PushUnavailable,
        Refusal::NoPush => ErrorCode::NoPush,
        Refusal::NotFound => ErrorCode::NotFound,
        Refusal::OtherData => ErrorCode::OtherData,
        Refusal::AlreadyRedeemed => ErrorCode::AlreadyRedeemed,
        Refusal::NotApproved => ErrorCode::NotApproved,
        Refusal::PushOpen => ErrorCode::PushOpen,
        Refusal::WrongCode { .. } | Refusal::CodeExpired => ErrorCode::WrongCode,
        Refusal::WrongNumber { .. } => ErrorCode::WrongNumber,
        Refusal::NoMatch => ErrorCode::NoMatch,
        Refusal::WrongPassword => ErrorCode::WrongPassword,
        Refusal::LinkExpired => ErrorCode::LinkExpired,
        Refusal::EmailOff => ErrorCode::EmailOff,
        Refusal::TooMany { .. } => ErrorCode::TooMany,
        Refusal::Busy { .. } | Refusal::TooManyWaiting { .. } => ErrorCode::Unavailable,
    }
}

/// An error with all its causes, for the log.
struct Causes<'a>(&'a Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(out, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).expect("codes have valid statuses")
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status_of(self.code())
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        self.render(self.status_code(), self.body(self.status_code()))
    }
}

impl Error {
    /// A defect or an outage goes into the log, with its causes, once. A full queue is neither.
    fn log(&self) {
        let is_full = matches!(self, Self::Failed(ServiceError::Refused(_)));
        if self.status_code().is_server_error() && !is_full {
            tracing::error!(code = ?self.code(), cause = %Causes(self), "request failed");
        }
    }

    /// Where exactly one field is wrong, the message is its text.
    fn body(&self, status: StatusCode) -> ApiError {
        let fields = self.fields();
        let message = match fields.first_key_value().filter(|_| fields.len() == 1) {
            Some((_, problem)) => problem.clone(),
            None => self.message(),
        };
        ApiError { status: status.as_u16(), code: self.code(), message, fields }
    }

    fn render(&self, status: StatusCode, body: impl Serialize) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        if let Some(seconds) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Self::Method(methods) = self {
            response.insert_header((header::ALLOW, *methods));
        }
        let mut response = response.json(body);
        // An error of the middleware itself passes nothing that would still set them.
        set_security_headers(response.headers_mut(), false);
        response
    }

    /// The same for clients of the cookie API: 401 without a session, their own names of fields,
    /// and the text again where they look for it.
    pub(super) fn for_cookie_api(&self) -> HttpResponse {
        let status = match self.code() {
            ErrorCode::WrongCredentials | ErrorCode::NoSession | ErrorCode::NotSignedIn => {
                StatusCode::UNAUTHORIZED
            }
            code => status_of(code),
        };
        let mut error = self.body(status);
        error.fields = std::mem::take(&mut error.fields)
            .into_iter()
            .map(|(field, problem)| (old_name(field), problem))
            .collect();
        let text = Some(error.message.clone());
        let (err, error_text) = match status {
            StatusCode::CONFLICT => (text, None),
            StatusCode::UNPROCESSABLE_ENTITY => (None, text),
            _ => (None, None),
        };
        self.render(status, CookieApiError { error, err, error_text })
    }
}

/// [`ApiError`] with the fields of the cookie API.
#[derive(Serialize)]
struct CookieApiError {
    #[serde(flatten)]
    error: ApiError,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<String>,
    #[serde(rename = "error", skip_serializing_if = "Option::is_none")]
    error_text: Option<String>,
}

/// A field's name in the cookie API.
fn old_name(field: String) -> String {
    match field.as_str() {
        "fullName" => "username".to_owned(),
        "countryCode" => "country_code".to_owned(),
        "phone" => "phone_number".to_owned(),
        _ => field,
    }
}
