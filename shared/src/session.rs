//! Request and response types for sign-in.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::text::{flag, lenient};

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

/// A response with the token of the session.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenAnswer {
    /// 256 random bits as text, for `X-API-TOKEN`. Absent for a cookie-only session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// `POST /session`: the password was correct.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginAnswer {
    /// The pending session's token; absent for a cookie-only session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What was sent to the phone.
    pub authy_response: PushAnswer,
}

/// Whether an approval request or a code was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushAnswer {
    /// `true`: the phone shows an approval request. `false`: a code was sent if `via` is present,
    /// otherwise nothing was sent.
    pub success: bool,
    /// Text to show to the user.
    pub message: String,
    /// The approval request, if one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_request: Option<ApprovalRequestId>,
    /// How the code was sent, if one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// Identifies an approval request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalRequestId {
    /// The provider's reference.
    pub uuid: String,
}

/// How a code is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A text message.
    #[default]
    Sms,
    /// A voice call.
    Call,
    /// A WhatsApp message.
    WhatsApp,
    /// An e-mail.
    Email,
}

impl Via {
    /// All there are, in the order in which a page offers them.
    pub const ALL: [Self; 4] = [Self::Sms, Self::Call, Self::WhatsApp, Self::Email];

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "call",
            Self::WhatsApp => "whatsapp",
            Self::Email => "email",
        }
    }

    /// The one with this name; `None` where there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|via| via.as_str() == name)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A sign-in method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An approval request on the phone.
    Push,
    /// A code by SMS.
    Sms,
    /// A code by call.
    Call,
    /// A code by WhatsApp.
    #[serde(rename = "whatsapp")]
    WhatsApp,
    /// A code by e-mail.
    Email,
    /// A code shown by the provider's app.
    SoftToken,
    /// A code shown by an authenticator app.
    Authenticator,
    /// A recovery code.
    Recovery,
    /// None: the browser is remembered.
    Device,
}

impl From<Via> for Channel {
    fn from(via: Via) -> Self {
        match via {
            Via::Sms => Self::Sms,
            Via::Call => Self::Call,
            Via::WhatsApp => Self::WhatsApp,
            Via::Email => Self::Email,
        }
    }
}

/// A way to complete the sign-in that can work now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// An approval request.
    Push,
    /// A code by text.
    Sms,
    /// A code by call.
    Call,
    /// A code by WhatsApp.
    WhatsApp,
    /// A code by e-mail.
    Email,
    /// A code of the provider's app.
    App,
    /// A code of an authenticator app.
    Authenticator,
    /// A recovery code.
    Recovery,
}

impl From<Via> for Way {
    fn from(via: Via) -> Self {
        match via {
            Via::Sms => Self::Sms,
            Via::Call => Self::Call,
            Via::WhatsApp => Self::WhatsApp,
            Via::Email => Self::Email,
        }
    }
}

/// The status of a session's newest approval request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PushStatus {
    /// None was sent in this session.
    Unverified,
    /// Sent and not answered yet.
    Pending,
    /// Approved.
    Approved,
    /// Denied. This is final.
    Denied,
    /// Not answered in time.
    Expired,
}

/// `GET /authy/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusAnswer {
    /// The newest approval request.
    pub status: PushStatus,
    /// When to poll again, in milliseconds; polling sooner is allowed.
    pub poll_after_ms: u32,
    /// Masked number, `+1 •••-•••-1234`.
    pub phone: String,
    /// The ways that can work now.
    #[serde(default)]
    pub ways: Vec<Way>,
    /// The sign-in method that last succeeded; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_channel: Option<Channel>,
    /// Differs whenever the rest says something else, apart from the time that is left.
    pub version: String,
    /// Whether the number that the phone shows has to be given by `POST /session/push/match`; absent otherwise.
    #[serde(default, rename = "match", skip_serializing_if = "std::ops::Not::not")]
    pub needs_number: bool,
    /// Whether the request was approved and only that number is missing: it is judged from now on, for 60 seconds.
    /// Absent otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub number_due: bool,
    /// The approval request; absent if none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_request: Option<ApprovalRequest>,
}

/// An approval request as the phone shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The provider's reference.
    pub uuid: String,
    /// The text the phone shows.
    pub message: String,
    /// Label and value, as on the phone.
    pub details: BTreeMap<String, String>,
    /// When the request expires, RFC 3339 in UTC.
    pub expires_at: String,
    /// Milliseconds until it expires, by the server's clock; 0 if it is no longer open.
    pub expires_in_ms: u32,
    /// The request's whole lifetime, in milliseconds.
    pub lifetime_ms: u32,
}

/// `POST /session/resend`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Resend {
    /// `sms` or `call`, and `whatsapp` or `email` where they are allowed; when empty, the first that is allowed.
    #[serde(deserialize_with = "lenient")]
    pub via: String,
}

/// A code was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CodeSent {
    /// Text to show to the user.
    pub message: String,
    /// How it was sent.
    pub via: Via,
    /// The masked number the code is sent to.
    pub phone: String,
    /// Seconds until another code may be requested.
    pub resend_after_seconds: u32,
}

/// `POST /session/verify`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct VerifyCode {
    /// 4 to 10 ASCII digits.
    #[serde(deserialize_with = "lenient")]
    pub code: String,
    /// Whether this browser is to be remembered for 30 days.
    #[serde(deserialize_with = "flag", skip_serializing_if = "std::ops::Not::not")]
    pub remember_device: bool,
}
