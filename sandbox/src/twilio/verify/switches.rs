//! What the real service may do one way or the other: no source tells.

use serde::{Deserialize, Serialize};

/// Each as the sandbox has it by default, and the other way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Switches {
    /// The sixth check of a verification is 404, not 429.
    pub(super) gone_after_checks: bool,
    /// `Status=approved` is refused where the service has no custom codes.
    pub(super) approval_needs_custom_codes: bool,
    /// An authenticator's code is accepted once.
    pub(super) codes_work_once: bool,
    /// How webhooks are written.
    pub(super) webhook_body: WebhookBody,
    /// Pages of other origins may not call the API, as a device in a browser does.
    pub(super) no_cors: bool,
}

/// How webhooks are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WebhookBody {
    #[default]
    Form,
    /// With the hash of the body in the address, which is signed.
    Json,
}
