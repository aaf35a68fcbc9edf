//! Where an account is signed in, and which browsers are remembered.

use serde::{Deserialize, Serialize};

/// `200` of `GET /sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionList {
    /// Signed-in sessions; the current one first, then the newest.
    pub sessions: Vec<SessionEntry>,
}

/// A signed-in session of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionEntry {
    /// Identifies it in other calls; it is no token.
    pub id: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Browser or program in words, as `Firefox on Linux`; empty if it was begun before this was kept.
    pub browser: String,
    /// The client's address when it began; empty if it was begun before this was kept.
    pub address: String,
    /// What completed it: `push`, `sms`, `call`, `whatsapp`, `email`, `app`, `authenticator`, `recovery`, or
    /// `device` for a remembered browser. Absent for a session that made the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<String>,
    /// When it began, RFC 3339 in UTC.
    pub created_at: String,
    /// When it was last used, to the minute.
    pub seen_at: String,
}

/// `200` of `DELETE /sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionsEnded {
    /// How many other sessions were ended.
    pub ended: u32,
}

/// `200` of `GET /devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceList {
    /// Remembered browsers, the newest first.
    pub devices: Vec<DeviceEntry>,
}

/// A browser in which the password is enough to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeviceEntry {
    /// Identifies it in other calls; it is no token.
    pub id: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Browser or program in words.
    pub browser: String,
    /// The client's address when it was last used.
    pub address: String,
    /// Since when it is remembered, RFC 3339 in UTC.
    pub created_at: String,
    /// When it was last used to sign in.
    pub seen_at: String,
    /// Until when it is remembered.
    pub expires_at: String,
}
