//! Changing what an account is signed in with and reached by: password, e-mail and phone; securing it, and
//! deleting it.

use serde::{Deserialize, Serialize};

use crate::text::{flag, lenient};

/// `POST /user/password`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ChangePassword {
    /// The password of now.
    #[serde(deserialize_with = "lenient")]
    pub current_password: String,
    /// 8 to 200 characters.
    #[serde(deserialize_with = "lenient")]
    pub password: String,
}

/// `POST /password/forgot`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ForgotPassword {
    /// The e-mail of an account; the answer is the same for any.
    #[serde(deserialize_with = "lenient")]
    pub email: String,
}

/// `POST /password/reset`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ResetPassword {
    /// From the link in the e-mail.
    #[serde(deserialize_with = "lenient")]
    pub token: String,
    /// 8 to 200 characters.
    #[serde(deserialize_with = "lenient")]
    pub password: String,
}

/// `POST /user/email`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ChangeEmail {
    /// The new one, or the one of now if it was never verified.
    #[serde(deserialize_with = "lenient")]
    pub email: String,
}

/// `POST /user/email/confirm`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ConfirmEmail {
    /// From the link in the e-mail.
    #[serde(deserialize_with = "lenient")]
    pub token: String,
}

/// `200` of `POST /user/email/confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmailConfirmed {
    /// The account's e-mail from now on.
    pub email: String,
}

/// `POST /user/phone`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ChangePhone {
    /// Calling code, with or without plus.
    #[serde(deserialize_with = "lenient")]
    pub country_code: String,
    /// National number, with any punctuation.
    #[serde(deserialize_with = "lenient")]
    pub phone: String,
    /// `sms` or `call`; when empty, the first that is allowed.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub via: String,
    /// In place of a step-up, while the phone was never verified and the account is younger than a week.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub password: String,
}

/// `POST /user/phone/verify`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct VerifyNewPhone {
    /// The code that was sent to the new number.
    #[serde(deserialize_with = "lenient")]
    pub code: String,
}

/// `POST /session/push/match`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct MatchNumber {
    /// The two digits the phone shows.
    #[serde(deserialize_with = "lenient")]
    pub number: String,
    /// Whether this browser is to be remembered for 30 days.
    #[serde(deserialize_with = "flag")]
    pub remember_device: bool,
}

/// `POST /session/continue`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ContinueSession {
    /// Whether this browser is to be remembered for 30 days.
    #[serde(deserialize_with = "flag")]
    pub remember_device: bool,
}

/// `POST /user/secure`: "this wasn't me".
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SecureAccount {
    /// From the link in an e-mail; not needed by a signed-in session.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub token: String,
}

/// `200` of `POST /user/secure`: all sessions have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountSecured {
    /// Whether a link to set a new password was sent by e-mail. Otherwise the password still works, and is to be
    /// changed.
    pub email: bool,
}

/// `POST /user/denied-sign-ins/{id}`: the owner's answer to "was this you?".
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DenialAnswer {
    /// Whether the owner had begun the sign-in that was denied.
    #[serde(deserialize_with = "flag")]
    pub mine: bool,
}

/// `DELETE /user`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DeleteAccount {
    /// The account's password.
    #[serde(deserialize_with = "lenient")]
    pub password: String,
}
