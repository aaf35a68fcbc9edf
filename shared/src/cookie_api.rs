//! The cookie API under `/api`, on the wire. Its clients expect names with underscores and a
//! `success` in every answer.

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
    /// As of `POST /user`.
    #[serde(deserialize_with = "lenient")]
    pub email: String,
    /// As of `POST /user`.
    #[serde(deserialize_with = "lenient")]
    pub password: String,
    /// Calling code.
    #[serde(deserialize_with = "lenient")]
    pub country_code: String,
    /// National number.
    #[serde(deserialize_with = "lenient")]
    pub phone_number: String,
}

/// `POST /api/loggedIn`: the page this browser belongs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Whereabouts {
    /// `/login`, `/2fa`, `/verification` or `/protected`.
    pub url: String,
    /// The number this browser session has verified without an account, `+` and digits.
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
    /// For people.
    pub message: String,
    /// Masked number it went to.
    pub cellphone: String,
}

/// `POST /api/accountsecurity/verify`: the code was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenValid {
    /// The text `true`, as the provider has it.
    pub success: String,
    /// `is valid`.
    pub token: String,
    /// For people.
    pub message: String,
    /// The session's new token, where the second factor changes it.
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

/// `POST /api/accountsecurity/onetouchstatus`, in both shapes clients read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OneTouchStatus {
    /// `true`.
    pub success: bool,
    /// The approval request's status.
    pub approval_request: OneTouchRequest,
    /// The same again, one level down.
    pub body: OneTouchBody,
    /// The session's new token, in the answer that rotates it.
    #[serde(default, rename = "sessionToken", skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
}

/// The second shape of [`OneTouchStatus`].
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
    /// The request; absent until the provider has accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Seconds until it expires.
    pub seconds_to_expire: u32,
}

/// `POST /api/verification/start`, and the phone of `/verify`.
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
    /// The number in E.164, in place of the two.
    #[serde(rename = "phoneNumber", deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub e164: String,
    /// `sms` (also when empty) or `call`.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub via: String,
    /// `true` asks for `carrier` and `is_cellphone` in the answer; only a signed-in user gets them.
    #[serde(deserialize_with = "flag", skip_serializing_if = "std::ops::Not::not")]
    pub carrier: bool,
}

/// `POST /api/verification/start`: a code was sent.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationStarted {
    /// `true`.
    pub success: bool,
    /// For people.
    pub message: String,
    /// `sms` or `call`; `call` also when a text was asked for that cannot reach the phone.
    pub via: crate::Via,
    /// Name of the carrier, if it was asked for and the provider knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Whether it is a mobile phone, if it was asked for and the provider knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_cellphone: Option<bool>,
    /// Seconds the code lives.
    pub seconds_to_expire: u32,
    /// Seconds until another code may be requested.
    pub resend_after_seconds: u32,
    /// The token of the session that was made for it; absent if there was a session, and for a
    /// session that is carried by the cookie alone.
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
    /// The number in E.164, in place of the two.
    #[serde(rename = "phoneNumber", deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub e164: String,
    /// 4 to 10 ASCII digits.
    #[serde(deserialize_with = "lenient")]
    pub token: String,
}

/// `POST /api/verification/verify`: this session has verified the phone.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationPassed {
    /// `true`.
    pub success: bool,
    /// For people.
    pub message: String,
    /// `+` and digits.
    pub phone: String,
}

/// `GET /api/protected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Protected {
    /// What a complete sign-in opens.
    pub message: String,
    /// The session's user.
    pub username: String,
}
