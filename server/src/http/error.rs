//! From what happened to what a client sees: one `match` to a code, one to a status, one shape.

use std::{collections::BTreeMap, error::Error as _, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use shared::{ApiError, ErrorCode};
use thiserror::Error as ThisError;

use super::edge::careful;
use crate::{
    domain::refusal::{Counted, Refusal},
    flow::Failure,
    provider::ProviderError,
    store::StoreError,
};

/// Why a request is not answered with success.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The body or the query is not what its type says; for people, what is wrong with it.
    #[error("unreadable: {0}")]
    Unreadable(&'static str),
    /// Neither JSON nor a form.
    #[error("unsupported type")]
    UnsupportedType,
    /// More than [`LARGEST_BODY`](super::body::LARGEST_BODY).
    #[error("too large")]
    TooLarge,
    /// A field holds what it cannot; its name is the client's own.
    #[error("wrong type of {0}")]
    WrongType(String),
    /// Nothing here.
    #[error("not found")]
    NotFound,
    /// The methods there are.
    #[error("method not allowed")]
    Method(&'static str),
    /// A page of another origin made a browser send this.
    #[error("foreign origin")]
    ForeignOrigin,
    /// The webhook's signature is missing or wrong.
    #[error("wrong signature")]
    WrongSignature,
    /// The webhook names a user nobody here is.
    #[error("no such user")]
    NoSuchUser,
    /// The deed was not done.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// A defect, or a part of the framework that gave up.
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

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
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
            Self::ForeignOrigin => ErrorCode::ForeignOrigin,
            Self::WrongSignature => ErrorCode::WrongSignature,
            Self::NoSuchUser => ErrorCode::NoSuchUser,
            Self::Internal(_) => ErrorCode::Internal,
            Self::Failed(Failure::Store(_)) => ErrorCode::Unavailable,
            Self::Failed(Failure::Provider(ProviderError::Limited)) => ErrorCode::ProviderLimit,
            Self::Failed(Failure::Provider(ProviderError::ChannelRefused)) => ErrorCode::ChannelRefused,
            Self::Failed(Failure::Provider(_)) => ErrorCode::ProviderFailed,
            Self::Failed(Failure::Refused(refusal)) => match refusal {
                Refusal::InvalidFields(_) => ErrorCode::InvalidFields,
                Refusal::Taken(_) => ErrorCode::Taken,
                Refusal::WrongCredentials => ErrorCode::WrongCredentials,
                Refusal::NoSession => ErrorCode::NoSession,
                Refusal::NotSignedIn => ErrorCode::NotSignedIn,
                Refusal::SecondFactorRequired => ErrorCode::SecondFactorRequired,
                Refusal::PhoneUnverified => ErrorCode::PhoneUnverified,
                Refusal::StepUpRequired => ErrorCode::StepUpRequired,
                Refusal::AlreadyEnrolled => ErrorCode::AlreadyEnrolled,
                Refusal::PushUnavailable => ErrorCode::PushUnavailable,
                Refusal::NoPush => ErrorCode::NoPush,
                Refusal::Unknown => ErrorCode::NotFound,
                Refusal::OtherData => ErrorCode::OtherData,
                Refusal::AlreadyRedeemed => ErrorCode::AlreadyRedeemed,
                Refusal::NotApproved => ErrorCode::NotApproved,
                Refusal::PushOpen => ErrorCode::PushOpen,
                Refusal::WrongCode { .. } => ErrorCode::WrongCode,
                Refusal::TooMany { .. } => ErrorCode::TooMany,
            },
        }
    }

    fn fields(&self) -> BTreeMap<String, String> {
        match self {
            Self::WrongType(field) if !field.is_empty() => {
                [(field.clone(), "This is of the wrong kind.".to_owned())].into()
            }
            Self::Failed(Failure::Refused(Refusal::InvalidFields(fields))) => {
                fields.iter().map(|(field, problem)| ((*field).to_owned(), problem.clone())).collect()
            }
            Self::Failed(Failure::Refused(Refusal::Taken(field))) => {
                [((*field).to_owned(), format!("This {} has an account already.", named(field)))].into()
            }
            _ => BTreeMap::new(),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unreadable(what) => (*what).to_owned(),
            Self::Failed(Failure::Refused(Refusal::Taken(field))) => {
                format!("This {} has an account already.", named(field))
            }
            Self::Failed(Failure::Refused(Refusal::WrongCode { left })) => match left {
                0 => "That is not the code we sent. No tries left for now.".to_owned(),
                1 => "That is not the code we sent. 1 try left.".to_owned(),
                // Without limits there is nothing to count.
                1000.. => "That is not the code we sent.".to_owned(),
                left => format!("That is not the code we sent. {left} tries left."),
            },
            Self::Failed(Failure::Refused(Refusal::TooMany { what, .. })) => too_many(*what).to_owned(),
            other => said_of(other.code()).to_owned(),
        }
    }

    /// Seconds until it may be tried again, rounded up.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Failed(Failure::Refused(Refusal::TooMany { wait, .. })) => {
                Some(u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1))
            }
            Self::Failed(Failure::Provider(ProviderError::Limited)) => Some(600),
            Self::Failed(Failure::Store(_)) => Some(2),
            _ => None,
        }
    }
}

/// A field's name in a sentence.
fn named(field: &str) -> &str {
    if field == "email" { "e-mail" } else { field }
}

fn too_many(what: Counted) -> &'static str {
    match what {
        Counted::Resends => "A code was sent a moment ago. Wait before you ask for another.",
        Counted::Verifications => "Too many codes were sent to this number, or from here. Try again later.",
        Counted::Sends => "Too many codes were sent. Try again later, or approve on the phone.",
        Counted::Pushes => "Too many requests went unanswered. Use a code instead.",
        Counted::Approvals => "Too many requests went unanswered. Wait before you ask again.",
        Counted::Codes => "Too many wrong codes. Codes are not taken for a while.",
        Counted::Passwords => "Too many wrong passwords. Try again later.",
        Counted::SignUps => "Too many accounts were made from here. Try again later.",
    }
}

fn said_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UnsupportedType => "Send JSON or a form.",
        ErrorCode::TooLarge => "More than 64 KiB is not read.",
        ErrorCode::InvalidFields => "Some fields need another look.",
        ErrorCode::NotFound => "Nothing is at this address.",
        ErrorCode::MethodNotAllowed => "This address does not take that method.",
        ErrorCode::ForeignOrigin => "A page of another origin cannot do this.",
        ErrorCode::WrongSignature => "The signature is missing or wrong.",
        ErrorCode::NoSuchUser => "There is no such user.",
        ErrorCode::WrongCredentials => "That e-mail and password do not go together.",
        ErrorCode::NoSession => "There is no sign-in under way, or it has ended.",
        ErrorCode::NotSignedIn => "You are not signed in.",
        ErrorCode::SecondFactorRequired => "Your phone has not confirmed this sign-in yet.",
        ErrorCode::NotApproved => "The request has not been approved.",
        ErrorCode::PushOpen => "A request is open on the phone already.",
        ErrorCode::PhoneUnverified => "Prove your phone first.",
        ErrorCode::StepUpRequired => "Confirm with your phone once more, then go on.",
        ErrorCode::AlreadyEnrolled => {
            "An authenticator app was enrolled already. Replace it to see a new code."
        }
        ErrorCode::PushUnavailable => "No request can reach this phone: the app is not installed.",
        ErrorCode::NoPush => "The phone has not been asked in this sign-in.",
        ErrorCode::OtherData => "Something else was approved. Ask again for this.",
        ErrorCode::AlreadyRedeemed => "This approval has been used. Ask again.",
        ErrorCode::ChannelRefused => {
            "Neither a text nor a call can reach this phone. Use the code from the app."
        }
        ErrorCode::ProviderLimit => "The phone service sends no more to this number for now.",
        ErrorCode::ProviderFailed => {
            "The phone service did not answer. Nothing was sent. Try again in a moment."
        }
        ErrorCode::Unavailable => "We cannot answer right now. Try again in a moment.",
        _ => "Something went wrong on our side.",
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unreadable => StatusCode::BAD_REQUEST,
        ErrorCode::WrongSignature | ErrorCode::WrongCode => StatusCode::UNAUTHORIZED,
        ErrorCode::WrongCredentials
        | ErrorCode::NotSignedIn
        | ErrorCode::SecondFactorRequired
        | ErrorCode::PhoneUnverified
        | ErrorCode::StepUpRequired
        | ErrorCode::OtherData
        | ErrorCode::AlreadyRedeemed
        | ErrorCode::ForeignOrigin => StatusCode::FORBIDDEN,
        ErrorCode::NotFound | ErrorCode::NoSession | ErrorCode::NoPush | ErrorCode::NoSuchUser => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::Taken
        | ErrorCode::NotApproved
        | ErrorCode::PushOpen
        | ErrorCode::PushUnavailable
        | ErrorCode::AlreadyEnrolled => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::InvalidFields => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::TooMany | ErrorCode::ProviderLimit => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::ProviderFailed | ErrorCode::ChannelRefused => StatusCode::BAD_GATEWAY,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
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
    /// A defect or an outage goes into the log, with its cause, once.
    fn log(&self) {
        if self.status_code().is_server_error() {
            tracing::error!(code = ?self.code(), cause = %Causes(self), "request failed");
        }
    }

    fn body(&self, status: StatusCode) -> ApiError {
        ApiError {
            status: status.as_u16(),
            code: self.code(),
            message: self.message(),
            fields: self.fields(),
        }
    }

    fn render(&self, status: StatusCode, body: impl Serialize) -> HttpResponse {
        let mut answer = HttpResponse::build(status);
        if let Some(seconds) = self.retry_after() {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Self::Method(methods) = self {
            answer.insert_header((header::ALLOW, *methods));
        }
        let mut answer = answer.json(body);
        // An error of the middleware's own passes nobody who would still set them.
        careful(answer.headers_mut(), false);
        answer
    }

    /// The same as clients of the cookie API read it: 401 for whoever is nobody, their own names
    /// of fields, and the text once more where they look for it.
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
        // One wrong field is named in the text as well: these clients show nothing else.
        if let Some((_, problem)) = error.fields.first_key_value().filter(|_| error.fields.len() == 1) {
            error.message.clone_from(problem);
        }
        let text = Some(error.message.clone());
        let (err, error_text) = match status {
            StatusCode::CONFLICT => (text, None),
            StatusCode::UNPROCESSABLE_ENTITY => (None, text),
            _ => (None, None),
        };
        self.render(status, CookieApiError { error, err, error_text })
    }
}

/// [`ApiError`] with the words of the cookie API.
#[derive(Serialize)]
struct CookieApiError {
    #[serde(flatten)]
    error: ApiError,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<String>,
    #[serde(rename = "error", skip_serializing_if = "Option::is_none")]
    error_text: Option<String>,
}

/// A field as the cookie API calls it.
fn old_name(field: String) -> String {
    match field.as_str() {
        "fullName" => "username".to_owned(),
        "countryCode" => "country_code".to_owned(),
        "phone" => "phone_number".to_owned(),
        _ => field,
    }
}
