//! Settings of the webhook that receives the answers to approval requests.

use serde::{Deserialize, Serialize};

/// How callbacks are delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Webhook {
    /// URL that receives callbacks; `null` to send none.
    pub(crate) url: Option<String>,
    pub(crate) mode: Mode,
    /// Delay of mode `late`.
    pub(crate) delay_ms: u64,
    /// Further attempts after one that failed.
    pub(crate) retries: u32,
    /// After this many error responses in a row the URL is removed, as the real service does after
    /// three; 0 for never.
    pub(crate) disable_after: u32,
    pub(crate) device_uuid: DeviceUuid,
    /// Error responses in a row.
    #[serde(skip)]
    pub(crate) failures: u32,
    /// Callbacks so far; makes nonces unique.
    #[serde(skip)]
    pub(crate) sent: u64,
}

/// When callbacks are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// At once.
    #[default]
    Normal,
    /// Never.
    Off,
    /// Twice.
    Duplicate,
    /// After a delay.
    Late,
}

/// Type of `device_uuid`. The service has sent a number since 2017; one client library expects a
/// string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeviceUuid {
    #[default]
    Int,
    String,
}

impl Default for Webhook {
    fn default() -> Self {
        Self::to(None)
    }
}

impl Webhook {
    /// The default settings with this URL.
    pub(crate) fn to(url: Option<String>) -> Self {
        Self {
            url,
            mode: Mode::Normal,
            delay_ms: 0,
            retries: 0,
            disable_after: 0,
            device_uuid: DeviceUuid::Int,
            failures: 0,
            sent: 0,
        }
    }

    /// Replaces all settings; the URL only if `url_given`. A URL with a query is refused, since no
    /// source says how the real service signs it.
    pub(crate) fn replace(&mut self, mut new: Self, url_given: bool) -> Result<(), &'static str> {
        if !url_given {
            new.url = self.url.take();
        }
        if new.url.as_deref().is_some_and(|url| url.contains(['?', '#'])) {
            return Err("the webhook's address must have no query and no fragment");
        }
        new.sent = self.sent;
        *self = new;
        Ok(())
    }

    /// Counts an error response, and removes the URL when there were too many.
    pub(crate) fn count_failure(&mut self) {
        self.failures += 1;
        if self.disable_after > 0 && self.failures >= self.disable_after {
            tracing::warn!("the webhook was disabled after repeated errors");
            self.url = None;
        }
    }
}
