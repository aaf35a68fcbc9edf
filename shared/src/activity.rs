//! What has happened to an account.

use serde::{Deserialize, Serialize};

/// `200` of `GET /user/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Activity {
    /// The newest first, at most 50.
    pub events: Vec<ActivityEvent>,
    /// Where older ones begin, for `?before=`; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// For how many days events are kept.
    pub days: u32,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityEvent {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What was done, as in the log: `signed_in`, `password`, `push_answered`, …
    pub kind: String,
    /// `success`, `wrong`, `denied`, `refused` or `failed`.
    pub outcome: String,
    /// By which factor, in the words of [`SessionEntry::factor`](crate::SessionEntry::factor); absent if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<String>,
    /// Browser or program in words; empty where nobody's was part of it.
    pub browser: String,
    /// The client's address; empty where nobody's was part of it.
    pub address: String,
}

/// Which events: `?show=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityFilter {
    /// All.
    All,
    /// Signing in and out, and what is part of it.
    SignIns,
    /// Changes of the account and of its factors.
    Changes,
}

impl ActivityFilter {
    /// Its name in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::SignIns => "sign-ins",
            Self::Changes => "changes",
        }
    }

    /// The one with this name; all for any other.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        [Self::SignIns, Self::Changes].into_iter().find(|filter| filter.as_str() == name).unwrap_or(Self::All)
    }
}
