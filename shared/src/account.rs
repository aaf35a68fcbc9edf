//! Accounts on the wire.

use serde::{Deserialize, Serialize};

use crate::text::lenient;

/// `POST /user`: what a person gives to make an account.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewUser {
    /// 1 to 200 characters.
    #[serde(deserialize_with = "lenient")]
    pub full_name: String,
    /// At most 254 characters, unique without regard to case.
    #[serde(deserialize_with = "lenient")]
    pub email: String,
    /// National number, any punctuation.
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
#[serde(rename_all = "camelCase")]
pub struct User {
    /// 128 random bits as text.
    pub id: String,
    /// As given.
    pub full_name: String,
    /// As given.
    pub email: String,
    /// Absent when none was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// National digits.
    pub phone: String,
    /// Calling code, digits.
    pub country_code: String,
    /// Whether a code or a push from that phone has succeeded.
    pub verified: bool,
    /// When the account was made, RFC 3339 in UTC.
    pub created_at: String,
}
