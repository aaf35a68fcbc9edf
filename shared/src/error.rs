//! The body of every error response.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The body of every response that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error code, for programs.
    pub code: ErrorCode,
    /// The error message, for people.
    pub message: String,
    /// For `invalid_fields`: what is wrong with each field, by its name in the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Stable error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// 400: the body or the URL cannot be read.
    Unreadable,
    /// 401: the webhook's signature is missing or wrong.
    WrongSignature,
    /// 401: the code is wrong or was used before.
    WrongCode,
    /// 401: the number is not the one the phone shows.
    WrongNumber,
    /// 401: the current password is wrong.
    WrongPassword,
    /// 401: the link from an e-mail has expired, was used, or is another account's.
    LinkExpired,
    /// 403: unknown account or wrong password; the response is the same for both.
    WrongCredentials,
    /// 403: there is no signed-in session.
    NotSignedIn,
    /// 403: the session still needs a second factor.
    SecondFactorRequired,
    /// 403: the account's phone has not been verified.
    PhoneUnverified,
    /// 403: the phone is already verified for the maximum number of accounts.
    PhoneInUse,
    /// 403: factors can be changed only after a factor was verified again in this session (step-up).
    StepUpRequired,
    /// 403: the data differs from what was approved.
    OtherData,
    /// 403: the approval was used before.
    AlreadyRedeemed,
    /// 403: sent by a page of another origin.
    ForeignOrigin,
    /// 404: nothing exists at this URL.
    NotFound,
    /// 404: there is no current session.
    NoSession,
    /// 404: no approval request was sent in this session.
    NoPush,
    /// 404: the account named by a webhook does not exist.
    NoSuchUser,
    /// 405: the URL does not support the method.
    MethodNotAllowed,
    /// 409: the e-mail or username belongs to another account.
    Taken,
    /// 409: the approval request has not been approved.
    NotApproved,
    /// 409: an approval request is still open.
    PushOpen,
    /// 409: no approval request of this session waits for a number.
    NoMatch,
    /// 409: this server sends no e-mail.
    EmailOff,
    /// 409: approval requests cannot reach this phone.
    PushUnavailable,
    /// 409: an authenticator was enrolled less than a minute ago and is not confirmed yet.
    AlreadyEnrolled,
    /// 413: more than 64 KiB.
    TooLarge,
    /// 415: neither JSON nor a form.
    UnsupportedType,
    /// 422: see `fields`.
    InvalidFields,
    /// 429: a limit is reached; `Retry-After` says when to try again.
    TooMany,
    /// 429: the provider's rate limit is reached.
    ProviderLimit,
    /// 502: the provider could not be reached or gave an unexpected response.
    ProviderFailed,
    /// 502: neither SMS nor a call can reach this phone.
    ChannelRefused,
    /// 503: the database is not available, or the queue for password checks is full.
    Unavailable,
    /// 500: an internal error; the log has the cause.
    Internal,
    /// A code this version does not know; only clients see it.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// The HTTP status of an error with this code. The match has no wildcard, so that a new code does
    /// not compile until it has a status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unreadable => 400,
            Self::WrongSignature
            | Self::WrongCode
            | Self::WrongNumber
            | Self::WrongPassword
            | Self::LinkExpired => 401,
            Self::WrongCredentials
            | Self::NotSignedIn
            | Self::SecondFactorRequired
            | Self::PhoneUnverified
            | Self::PhoneInUse
            | Self::StepUpRequired
            | Self::OtherData
            | Self::AlreadyRedeemed
            | Self::ForeignOrigin => 403,
            Self::NotFound | Self::NoSession | Self::NoPush | Self::NoSuchUser => 404,
            Self::MethodNotAllowed => 405,
            Self::Taken
            | Self::NotApproved
            | Self::PushOpen
            | Self::NoMatch
            | Self::EmailOff
            | Self::PushUnavailable
            | Self::AlreadyEnrolled => 409,
            Self::TooLarge => 413,
            Self::UnsupportedType => 415,
            Self::InvalidFields => 422,
            Self::TooMany | Self::ProviderLimit => 429,
            Self::ProviderFailed | Self::ChannelRefused => 502,
            Self::Unavailable => 503,
            Self::Internal | Self::Unknown => 500,
        }
    }
}
