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
    /// 401: not the code that was sent, or one used before.
    WrongCode,
    /// 403: unknown account or wrong password, nobody learns which.
    WrongCredentials,
    /// 403: no live session, or one without a second factor where it is needed.
    NotSignedIn,
    /// 403: the second factor of this session is still missing.
    SecondFactorRequired,
    /// 403: the account's phone has not been proven.
    PhoneUnverified,
    /// 403: the phone has to answer in this session again before a factor may be changed.
    StepUpRequired,
    /// 403: what was approved is something else.
    OtherData,
    /// 403: the answer has been used.
    AlreadyRedeemed,
    /// 403: sent by a page of another origin.
    ForeignOrigin,
    /// 404: nothing at this address.
    NotFound,
    /// 404: no live session.
    NoSession,
    /// 404: the phone has not been asked in this session.
    NoPush,
    /// 404: the account named by a webhook does not exist.
    NoSuchUser,
    /// 405: the address exists, the method does not.
    MethodNotAllowed,
    /// 409: e-mail or username belong to somebody already.
    Taken,
    /// 409: the push has not been approved.
    NotApproved,
    /// 409: a push is still open.
    PushOpen,
    /// 409: no push can reach this phone.
    PushUnavailable,
    /// 409: an authenticator app has been shown its secret already.
    AlreadyEnrolled,
    /// 413: more than 64 KiB.
    TooLarge,
    /// 415: neither JSON nor a form.
    UnsupportedType,
    /// 422: see `fields`.
    InvalidFields,
    /// 429: too often; `Retry-After` says when again.
    TooMany,
    /// 429: the provider refuses to send more for now.
    ProviderLimit,
    /// 502: the provider could not be reached or made no sense.
    ProviderFailed,
    /// 502: neither a text nor a call can reach this phone.
    ChannelRefused,
    /// 503: the database is not available.
    Unavailable,
    /// 500: a defect; the log has the cause.
    Internal,
    /// A word this version does not know.
    #[serde(other)]
    Unknown,
}
