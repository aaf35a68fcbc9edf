//! The sandbox's published credentials. They are no secrets: the sandbox accepts only these, and a
//! production server refuses them.

/// The Authy API key.
pub const API_KEY: &str = "sandbox-api-key";
/// The Twilio account.
pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000000";
/// The token of that account.
pub const AUTH_TOKEN: &str = "sandbox-auth-token";
/// The number its texts come from, one of those reserved for tests.
pub const NUMBER: &str = "+15005550006";
