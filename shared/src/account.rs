//! Request and response types for accounts.

use serde::{Deserialize, Serialize};

use crate::text::lenient;

const LONGEST_NAME: usize = 200;
/// RFC 5321 §4.5.3.1.3, less the angle brackets.
const LONGEST_EMAIL: usize = 254;

/// `POST /user`: the fields of a new account.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct NewUser {
    /// 1 to 200 characters.
    #[serde(deserialize_with = "lenient")]
    pub full_name: String,
    /// At most 254 characters, unique without regard to case.
    #[serde(deserialize_with = "lenient")]
    pub email: String,
    /// National number, with any punctuation.
    #[serde(deserialize_with = "lenient")]
    pub phone: String,
    /// Calling code, with or without plus.
    #[serde(deserialize_with = "lenient")]
    pub country_code: String,
    /// 8 to 200 characters.
    #[serde(deserialize_with = "lenient")]
    pub password: String,
    /// Empty for none; unique without regard to case.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub username: String,
}

/// `GET /user`: the signed-in account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// 128 random bits as text.
    pub id: String,
    /// As given.
    pub full_name: String,
    /// As given; empty if another account has verified the same address since.
    pub email: String,
    /// Whether the e-mail was verified by a link. Others get no notices and no link for a forgotten password.
    #[serde(default)]
    pub email_verified: bool,
    /// Absent if none was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// National digits.
    pub phone: String,
    /// Calling code, digits.
    pub country_code: String,
    /// Whether the phone was verified, by a code or an approval request.
    pub verified: bool,
    /// When the account was created, RFC 3339 in UTC.
    pub created_at: String,
    /// When the password was last changed; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_changed_at: Option<String>,
    /// Recovery codes that were not used yet; absent if none were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_codes_left: Option<u32>,
    /// Whether this server sends e-mail: without, there are no notices, no changes of the e-mail, and no links for a
    /// forgotten password.
    #[serde(default)]
    pub mail: bool,
    /// Whether a mistyped phone may be corrected with the password in place of a step-up.
    #[serde(default)]
    pub may_correct_phone: bool,
    /// A sign-in that was denied on the phone within a day, and about which the owner was not asked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_sign_in: Option<DeniedSignIn>,
    /// Whether an authenticator app is active.
    pub authenticator: bool,
    /// Why there was one that could not move along to another provider, and has to be set up again: `shared` (other
    /// accounts have the same phone there) or `not_exported`. Absent otherwise, when that was done, and when
    /// `DELETE /user/authenticator/invitation` has said that its owner has read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticator_lost: Option<String>,
    /// How codes may be sent; the first is used where a client does not say.
    #[serde(default)]
    pub code_channels: Vec<crate::Via>,
    /// Whether a factor passed in this session recently enough to change factors.
    pub fresh: bool,
    /// Delivery of the message that confirms the phone; absent if none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Delivery>,
}

/// A sign-in that was denied on the phone. Whoever had begun it knows the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeniedSignIn {
    /// Identifies it in `POST /user/denied-sign-ins/{id}`.
    pub id: String,
    /// When it was denied, RFC 3339 in UTC.
    pub at: String,
    /// Browser or program in words; empty if it is not known.
    pub browser: String,
    /// The client's address; empty if it is not known.
    pub address: String,
}

/// Delivery of a text message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The provider's status: `queued`, `sent`, `delivered`, `undelivered`, `failed`, …
    pub status: String,
    /// The provider's error code, if the message was not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i32>,
    /// When the status was reported, RFC 3339 in UTC.
    pub at: String,
}

/// `201` of `POST /users`: the account was created.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserCreated {
    /// 128 random bits as text.
    pub id: String,
    /// `false`.
    pub verified: bool,
    /// Whether a code was sent. The account exists in either case.
    pub code_sent: bool,
    /// The token of the session, which is signed in with an unverified phone. Absent for a cookie-only
    /// session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// `GET /users/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// 128 random bits as text.
    pub id: String,
    /// As given.
    pub full_name: String,
    /// Whether the phone was verified, by a code or an approval request.
    pub verified: bool,
    /// Delivery of the message that confirms the phone; absent if none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Delivery>,
}

/// `POST /users/{id}/verify`: the phone is verified.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PhoneVerified {
    /// `true`.
    pub verified: bool,
    /// Whether a confirmation message was sent.
    pub confirmation_sent: bool,
    /// The session's new token; absent if the token was not rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// What is wrong with a name; `None` if it is valid.
#[must_use]
pub fn name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("Enter your name.")
    } else if name.chars().count() > LONGEST_NAME {
        Some("Too long: 200 characters are the most.")
    } else if has_control(name) {
        Some("A name has no control characters.")
    } else {
        None
    }
}

/// What is wrong with the syntax of an e-mail address; `None` if it is valid. Whether the address exists
/// is not checked.
#[must_use]
pub fn email_problem(email: &str) -> Option<&'static str> {
    if email.is_empty() {
        return Some("Enter your e-mail.");
    }
    if email.len() > LONGEST_EMAIL {
        return Some("Too long: 254 characters are the most.");
    }
    let Some((name, host)) = email.rsplit_once('@') else {
        return Some("An e-mail has an @ in it.");
    };
    if name.is_empty() || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("This is not an e-mail address.");
    }
    match host.rsplit_once('.') {
        Some((domain, ending)) if !domain.is_empty() && ending.len() > 1 && !host.contains("..") => None,
        _ => Some("This e-mail has no ending, like .com."),
    }
}
