//! Signing in, on the wire.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::text::lenient;

/// `POST /session`. E-mail and username are accepted in either field.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Login {
    /// E-mail or username.
    #[serde(deserialize_with = "lenient")]
    pub email: String,
    /// E-mail or username.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// As typed.
    #[serde(deserialize_with = "lenient")]
    pub password: String,
}

/// An answer that brings a session's token.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenAnswer {
    /// 256 random bits as text, for `X-API-TOKEN`.
    pub token: String,
}

/// `POST /session`: the password was right.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginAnswer {
    /// The pending session.
    pub token: String,
    /// What the phone was asked.
    pub authy_response: PushAnswer,
}

/// Whether a push is out, or a code was sent in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushAnswer {
    /// `true`: the phone shows a request. `false`: a code was sent.
    pub success: bool,
    /// For people.
    pub message: String,
    /// The request, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_request: Option<ApprovalRequestId>,
    /// How the code went out, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// Names an approval request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalRequestId {
    /// The provider's reference.
    pub uuid: String,
}

/// How a code travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A text message.
    #[default]
    Sms,
    /// A voice call.
    Call,
}

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Sms => "sms",
            Self::Call => "call",
        })
    }
}

/// A way to ask the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A request to approve with the thumb.
    Push,
    /// A code by text.
    Sms,
    /// A code by voice.
    Call,
    /// A code an app shows.
    SoftToken,
}

impl From<Via> for Channel {
    fn from(via: Via) -> Self {
        match via {
            Via::Sms => Self::Sms,
            Via::Call => Self::Call,
        }
    }
}

/// How a session's newest push stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PushStatus {
    /// None was asked in this session.
    Unverified,
    /// On the phone, unanswered.
    Pending,
    /// Approved.
    Approved,
    /// Denied, for good.
    Denied,
    /// Nobody answered in time.
    Expired,
}

/// `GET /authy/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusAnswer {
    /// The newest push.
    pub status: PushStatus,
    /// When to ask again, in milliseconds; asking sooner is allowed and tells nothing new.
    pub poll_after_ms: u32,
    /// Masked number, `+1 •••-•••-1234`.
    pub phone: String,
    /// The way by which the phone last answered; absent when it never has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_channel: Option<Channel>,
    /// What the phone was asked; absent when nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_request: Option<ApprovalRequest>,
}

/// What the phone shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The provider's reference.
    pub uuid: String,
    /// The question.
    pub message: String,
    /// Label and value, as on the phone.
    pub details: BTreeMap<String, String>,
    /// When the request closes by itself, RFC 3339 in UTC.
    pub expires_at: String,
    /// Milliseconds until then by the server's clock; 0 when closed.
    pub expires_in_ms: u32,
    /// The whole life the request was given, in milliseconds.
    pub lifetime_ms: u32,
}

/// `POST /session/resend`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Resend {
    /// `sms` (also when empty) or `call`.
    #[serde(deserialize_with = "lenient")]
    pub via: String,
}

/// A code is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CodeSent {
    /// For people.
    pub message: String,
    /// How it travels.
    pub via: Via,
    /// Masked number it goes to.
    pub phone: String,
    /// Seconds until another may be asked for.
    pub resend_after_seconds: u32,
}

/// `POST /session/verify`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct VerifyCode {
    /// 4 to 10 ASCII digits.
    #[serde(deserialize_with = "lenient")]
    pub code: String,
}
