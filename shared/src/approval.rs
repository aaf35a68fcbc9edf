//! Request and response types for approvals of actions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    session::PushStatus,
    text::{lenient, lenient_map},
};

/// `POST /approvals`. `POST /approvals/{uuid}/redeem` takes the same data again.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NewApproval {
    /// The action to approve, 1 to 200 characters.
    #[serde(deserialize_with = "lenient")]
    pub message: String,
    /// Label and value, shown on the phone: at most 20, labels of 1 to 20 characters, values of at
    /// most 200.
    #[serde(deserialize_with = "lenient_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Like `details`, but stored with the request and not shown.
    #[serde(deserialize_with = "lenient_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden_details: BTreeMap<String, String>,
    /// Images by resolution. If there are any, one must be `default`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logos: Vec<Logo>,
    /// 10 to 600; 120 if empty. Ignored when the approval is redeemed.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub seconds_to_expire: String,
    /// Unknown fields. They are refused, because ignored data would not be part of the approval.
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub unknown: BTreeMap<String, IgnoredAny>,
}

/// An image the phone shows with an approval request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Logo {
    /// `default`, `low`, `med` or `high`.
    pub res: String,
    /// An `https` address of at most 500 characters.
    pub url: String,
}

/// `201` of `POST /approvals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalCreated {
    /// Identifies the request in every other call.
    pub uuid: String,
    /// `pending`.
    pub status: PushStatus,
}

/// `GET /approvals/{uuid}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Identifies the request.
    pub uuid: String,
    /// Its status.
    pub status: PushStatus,
    /// The action to approve.
    pub message: String,
    /// Label and value, as on the phone.
    pub details: BTreeMap<String, String>,
    /// When the request expires, RFC 3339 in UTC.
    pub expires_at: String,
    /// Milliseconds until it expires, by the server's clock; 0 if it is no longer open.
    pub expires_in_ms: u32,
    /// The request's whole lifetime, in milliseconds.
    pub lifetime_ms: u32,
    /// When to poll again, in milliseconds.
    pub poll_after_ms: u32,
    /// Whether the approval was used.
    pub redeemed: bool,
}

/// `POST /approvals/{uuid}/redeem`: the data was approved, and the approval is now used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Redeemed {
    /// Identifies the request.
    pub uuid: String,
    /// RFC 3339 in UTC.
    pub redeemed_at: String,
}
