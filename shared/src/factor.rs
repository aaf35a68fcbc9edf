//! Request and response types for factors: what a user signs in with beside the password.

use serde::{Deserialize, Serialize};

use crate::text::lenient;

/// `POST /user/authenticator`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct EnrolAuthenticator {
    /// The user's name for the app or device, at most 50 characters; may be empty.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// `201` of `POST /user/authenticator`: the secret for the authenticator app. Returned once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Authenticator {
    /// Identifies the factor in other calls.
    pub id: String,
    /// The secret in base32, for manual entry.
    pub secret: String,
    /// The secret as an `otpauth` URI (Key URI format).
    pub otpauth: String,
    /// The URI as a QR code: an `svg` element.
    pub svg: String,
}

/// `200` of `POST /user/authenticator/{id}/confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorConfirmed {
    /// Identifies the factor.
    pub id: String,
    /// `true`: the app's codes are accepted from now on.
    pub active: bool,
}

/// `200` of `GET /user/factors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Factors {
    /// The oldest first.
    pub factors: Vec<Factor>,
}

/// A factor of the signed-in account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Factor {
    /// Identifies it in other calls.
    pub id: String,
    /// `phone`, `authenticator`, or `push`: a device that answers approval requests.
    pub kind: String,
    /// Its owner's name for it, or the one its app has given it; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `active`, or `unconfirmed`: a phone that was never verified.
    pub state: String,
    /// When it was enrolled, RFC 3339 in UTC.
    pub created_at: String,
    /// When it last completed a sign-in or approved an action; absent if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
}

/// `PATCH /user/factors/{id}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RenameFactor {
    /// At most 50 characters; empty for none.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
}

/// `201` of `POST /user/factors/push/token`: what an app needs to register its device at the provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeviceToken {
    /// The provider's access token, valid for a minute.
    pub token: String,
    /// Identifies the user at the provider.
    pub identity: String,
    /// The provider's service.
    pub service_sid: String,
}
