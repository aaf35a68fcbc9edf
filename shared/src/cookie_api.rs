//! Request and response types of the cookie API under `/api`. Its clients expect names with
//! underscores and a `success` in every response.

use serde::{Deserialize, Serialize};

use crate::{
    session::{ApprovalRequestId, PushStatus},
    text::{flag, lenient},
};

/// `POST /api/user/register`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Register {
    /// 3 to 64 letters, digits, dots, dashes and underscores; also the full name.
    #[serde(deserialize_with = "lenient")]
    pub username: String,
    /// As in `POST /user`.
    #[serde(deserialize_with = "lenient")]
    pub email: String,
    /// As in `POST /user`.
    #[serde(deserialize_with = "lenient")]
    pub password: String,
    /// Calling code.
    #[serde(deserialize_with = "lenient")]
    pub country_code: String,
    /// National number.
    #[serde(deserialize_with = "lenient")]
    pub phone_number: String,
}

/// `POST /api/loggedIn`: the page for the current session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Whereabouts {
    /// `/login`, `/2fa`, `/verification` or `/protected`.
    pub url: String,
    /// The phone this session has verified with `/api/verification`, `+` and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_phone: Option<String>,
}

/// `POST /api/accountsecurity/verify`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct VerifyToken {
    /// 4 to 10 ASCII digits.
    #[serde(deserialize_with = "lenient")]
    pub token: String,
}

/// `POST /api/accountsecurity/sms` and `/voice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenSent {
    /// `true`.
    pub success: bool,
    /// Text to show to the user.
    pub message: String,
    /// The masked number the code was sent to.
    pub cellphone: String,
}

/// `POST /api/accountsecurity/verify`: the code was correct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenValid {
    /// The string `true`, as in the provider's API.
    pub success: String,
    /// `is valid`.
    pub token: String,
    /// Text to show to the user.
    pub message: String,
    /// The session's new token; absent if the token was not rotated.
    #[serde(default, rename = "sessionToken", skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
}

/// `POST /api/accountsecurity/onetouch`: the request was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushSent {
    /// `true`.
    pub success: bool,
    /// The request.
    pub approval_request: ApprovalRequestId,
}

/// `POST /api/accountsecurity/onetouchstatus`. The status appears twice, because clients read either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OneTouchStatus {
    /// `true`.
    pub success: bool,
    /// The approval request's status.
    pub approval_request: OneTouchRequest,
    /// The same status, one level deeper.
    pub body: OneTouchBody,
    /// The session's new token, in the response that rotates it.
    #[serde(default, rename = "sessionToken", skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
}

/// The nested form of [`OneTouchStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OneTouchBody {
    /// The approval request's status.
    pub approval_request: OneTouchRequest,
}

/// The status of an approval request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OneTouchRequest {
    /// `pending`, `approved`, `denied` or `expired`.
    pub status: PushStatus,
    /// The id of the request; absent until the provider has accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Seconds until it expires.
    pub seconds_to_expire: u32,
}

/// `POST /api/verification/start`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct StartVerification {
    /// National number, with `country_code`.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub phone_number: String,
    /// Calling code.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub country_code: String,
    /// The number in E.164, in place of `phone_number` and `country_code`.
    #[serde(rename = "phoneNumber", deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub e164: String,
    /// `sms` (also when empty) or `call`.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub via: String,
    /// `true` requests `carrier` and `is_cellphone` in the response, for signed-in users only.
    #[serde(deserialize_with = "flag", skip_serializing_if = "std::ops::Not::not")]
    pub carrier: bool,
}

/// `POST /api/verification/start`: a code was sent.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationStarted {
    /// `true`.
    pub success: bool,
    /// Text to show to the user.
    pub message: String,
    /// `sms` or `call`; `call` also if SMS was requested but cannot reach the phone.
    pub via: crate::Via,
    /// Name of the carrier, if it was requested and the provider knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Whether it is a mobile phone, if it was requested and the provider knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_cellphone: Option<bool>,
    /// Seconds until the code expires.
    pub seconds_to_expire: u32,
    /// Seconds until another code may be requested.
    pub resend_after_seconds: u32,
    /// The token of a new session; absent if there was a session already, and for a cookie-only
    /// session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// `POST /api/verification/verify`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct CheckVerification {
    /// National number, with `country_code`.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub phone_number: String,
    /// Calling code.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub country_code: String,
    /// The number in E.164, in place of `phone_number` and `country_code`.
    #[serde(rename = "phoneNumber", deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub e164: String,
    /// 4 to 10 ASCII digits.
    #[serde(deserialize_with = "lenient")]
    pub token: String,
}

/// `POST /api/verification/verify`: the session has verified the phone.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationPassed {
    /// `true`.
    pub success: bool,
    /// Text to show to the user.
    pub message: String,
    /// `+` and digits.
    pub phone: String,
}

/// `GET /api/protected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Protected {
    /// The protected content.
    pub message: String,
    /// The session's user.
    pub username: String,
}
