//! Request and response types for the enrolment of an authenticator app.

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
