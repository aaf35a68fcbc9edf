//! Rules on plain values: no web framework, no database, no HTTP client.

pub mod account;
pub mod action;
pub mod approval;
pub mod authenticator;
pub mod browser;
pub mod channels;
pub mod client;
pub mod clock;
pub mod code;
pub mod event;
pub mod factor;
pub mod ids;
pub mod import;
pub mod keys;
pub mod limits;
pub mod link;
pub mod mail;
pub mod notice;
pub mod numbers;
pub mod password;
pub mod phone;
pub mod refusal;
pub mod secret;
pub mod session;
pub mod text;
