//! The sandbox's credentials. They are published, so they are not secret. The sandbox accepts only these;
//! a production server refuses them.

/// The Authy API key.
pub const API_KEY: &str = "sandbox-api-key";
/// The SID of the Twilio account.
pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000000";
/// The auth token of the Twilio account.
pub const AUTH_TOKEN: &str = "00000000000000000000000000005afe";
/// The SID of the account's API key.
pub const KEY_SID: &str = "SK00000000000000000000000000000000";
/// The secret of the API key.
pub const KEY_SECRET: &str = "sandbox-api-key-secret";
/// The services of Verify that are there from the start: sign-ins, enrolments, numbers.
pub const SERVICE_SIDS: [&str; 3] = [
    "VA00000000000000000000000000000001",
    "VA00000000000000000000000000000002",
    "VA00000000000000000000000000000003",
];
/// The sender of the messages, one of Twilio's test numbers.
pub const NUMBER: &str = "+15005550006";
