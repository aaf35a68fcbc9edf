//! Enrolling an authenticator app, on the wire.

use serde::{Deserialize, Serialize};

use crate::text::flag;

/// `POST /user/authenticator`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct EnrolAuthenticator {
    /// `true` makes a new secret in place of one that was shown before.
    #[serde(deserialize_with = "flag")]
    pub replace: bool,
}

/// What an authenticator app has to know. Shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Authenticator {
    /// Who issues the codes, as the app will list it.
    pub issuer: String,
    /// Whose account, as the app will list it.
    pub label: String,
    /// The secret in base32, for apps without a camera.
    pub secret: String,
    /// The `otpauth` address the picture holds.
    pub uri: String,
    /// The picture: an `svg` element.
    pub svg: String,
}
