//! Approvals of actions, on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    session::PushStatus,
    text::{lenient, lenient_map},
};

/// `POST /approvals`, and `POST /approvals/{uuid}/redeem` with the same data again.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NewApproval {
    /// What is to be approved, 1 to 200 characters.
    #[serde(deserialize_with = "lenient")]
    pub message: String,
    /// Label and value, shown on the phone: at most 20, labels of 1 to 20 characters, values of at
    /// most 200.
    #[serde(deserialize_with = "lenient_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The same, kept with the request and not shown.
    #[serde(deserialize_with = "lenient_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden_details: BTreeMap<String, String>,
    /// Pictures by resolution; if there are any, one is `default`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logos: Vec<Logo>,
    /// 10 to 600; 120 when empty. No part of the data when it is redeemed.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub seconds_to_expire: String,
    /// Fields this API does not have. They are refused: data that is dropped silently would not be
    /// approved either.
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub unknown: BTreeMap<String, IgnoredAny>,
}

/// A picture the phone shows beside a request.
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
    /// Names the request in every other call.
    pub uuid: String,
    /// `pending`.
    pub status: PushStatus,
}

/// `GET /approvals/{uuid}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Names the request.
    pub uuid: String,
    /// Its status.
    pub status: PushStatus,
    /// What is to be approved.
    pub message: String,
    /// Label and value, as on the phone.
    pub details: BTreeMap<String, String>,
    /// When the request expires, RFC 3339 in UTC.
    pub expires_at: String,
    /// Milliseconds until then by the server's clock; 0 when it is no longer open.
    pub expires_in_ms: u32,
    /// The request's whole lifetime, in milliseconds.
    pub lifetime_ms: u32,
    /// When to poll again, in milliseconds.
    pub poll_after_ms: u32,
    /// Whether the approval was used.
    pub redeemed: bool,
}

/// `POST /approvals/{uuid}/redeem`: the data was approved, and the approval is used now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Redeemed {
    /// Names the request.
    pub uuid: String,
    /// RFC 3339 in UTC.
    pub redeemed_at: String,
}
