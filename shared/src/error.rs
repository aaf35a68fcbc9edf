//! The one shape every refusal has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiError {
    /// HTTP status, repeated.
    pub status: u16,
    /// What a program acts on.
    pub code: ErrorCode,
    /// What a person reads.
    pub message: String,
    /// For `invalid_fields`: what is wrong with each field, by its name on the wire.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Stable words for what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// 400: the body or the address cannot be read.
    Unreadable,
    /// 401: the webhook's signature is missing or wrong.
    WrongSignature,
    /// 401: not the code that was sent, or one that was used before.
    WrongCode,
    /// 403: unknown account or wrong password; the answer is the same for both.
    WrongCredentials,
    /// 403: no live session, or one without a second factor where it is needed.
    NotSignedIn,
    /// 403: the second factor of this session is still missing.
    SecondFactorRequired,
    /// 403: the account's phone has not been verified.
    PhoneUnverified,
    /// 403: the phone number is verified for as many accounts as are allowed.
    PhoneInUse,
    /// 403: a factor has to pass in this session again before factors may be changed.
    StepUpRequired,
    /// 403: the data differs from what was approved.
    OtherData,
    /// 403: the approval was used before.
    AlreadyRedeemed,
    /// 403: sent by a page of another origin.
    ForeignOrigin,
    /// 404: nothing at this address.
    NotFound,
    /// 404: no live session.
    NoSession,
    /// 404: no approval request was sent in this session.
    NoPush,
    /// 404: the account named by a webhook does not exist.
    NoSuchUser,
    /// 405: the address exists, the method does not.
    MethodNotAllowed,
    /// 409: the e-mail or username belongs to another account.
    Taken,
    /// 409: the push has not been approved.
    NotApproved,
    /// 409: a push is still open.
    PushOpen,
    /// 409: no push can reach this phone.
    PushUnavailable,
    /// 409: an authenticator secret was shown less than a minute ago and is not confirmed yet.
    AlreadyEnrolled,
    /// 413: more than 64 KiB.
    TooLarge,
    /// 415: neither JSON nor a form.
    UnsupportedType,
    /// 422: see `fields`.
    InvalidFields,
    /// 429: a limit is reached; `Retry-After` says when to try again.
    TooMany,
    /// 429: the provider refuses to send more for now.
    ProviderLimit,
    /// 502: the provider could not be reached or answered unexpectedly.
    ProviderFailed,
    /// 502: neither a text nor a call can reach this phone.
    ChannelRefused,
    /// 503: the database is not available, or too much password work is waiting.
    Unavailable,
    /// 500: a defect; the log has the cause.
    Internal,
    /// A code this version does not know; only clients see it.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// The HTTP status an error with this code has. There is no wildcard: a new code does not
    /// compile until it has a status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unreadable => 400,
            Self::WrongSignature | Self::WrongCode => 401,
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
