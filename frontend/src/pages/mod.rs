//! The pages, one module each.

pub mod account;
pub mod approve;
pub mod authenticator;
pub mod code;
pub mod home;
pub mod log_in;
pub mod methods;
pub mod not_found;
pub mod protected;
pub mod send;
pub mod sign_up;
pub mod signed_out;
pub mod verification;
pub mod verified;
