//! Rules on plain values: no web framework, no database, no HTTP client.

pub mod account;
pub mod action;
pub mod authenticator;
pub mod browser;
pub mod clock;
pub mod ids;
pub mod limits;
pub mod password;
pub mod push;
pub mod refusal;
pub mod rights;
pub mod secret;
