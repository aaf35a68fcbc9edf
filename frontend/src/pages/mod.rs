//! The pages, one module each.

pub mod account;
pub mod approve;
pub mod authenticator;
pub mod code;
pub mod devices;
pub mod fixed;
pub mod log_in;
pub mod methods;
pub mod protected;
pub mod send;
pub mod sign_up;
pub mod verification;
pub mod verified;
